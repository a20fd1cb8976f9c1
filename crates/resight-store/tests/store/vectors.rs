use resight_store::{Catalogue, Change, SqliteCatalogue, Vectors};
use rusqlite::Connection;

use crate::fixtures::{added, id, one, upload};

fn vector(number: u64) -> Vec<u8> {
    format!("vector of {number}").into_bytes()
}

#[test]
fn vectors_are_kept_by_model_and_go_with_their_picture() {
    let root = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    assert_eq!(catalogue.vector_keys("a").unwrap(), []);
    assert_eq!(catalogue.vectors("a", &[1, 2]).unwrap(), [None, None]);
    assert_eq!(catalogue.vector_counts().unwrap(), []);
    let keys: Vec<u64> = (1..=4).map(|n| added(&catalogue, upload(n))).collect();
    assert_eq!(catalogue.without_vector("a", None, 9).unwrap(), keys);

    let put = [
        (keys[0], vector(1)),
        (keys[2], vector(3)),
        (keys[3], Vec::new()),
        (999, vector(9)),
    ];
    catalogue.put_vectors("a", &put).unwrap();
    catalogue
        .put_vectors("b", &[(keys[1], vector(22))])
        .unwrap();
    assert_eq!(catalogue.vector_keys("a").unwrap(), [keys[0], keys[2]]);
    let some = catalogue.vectors("a", &[keys[2], keys[1], keys[3], 999]);
    assert_eq!(some.unwrap(), [Some(vector(3)), None, None, None]);
    assert_eq!(catalogue.without_vector("a", None, 9).unwrap(), [keys[1]]);
    let above = catalogue.without_vector("b", Some(keys[1]), 1).unwrap();
    assert_eq!(above, [keys[2]]);
    let counts = catalogue.vector_counts().unwrap();
    let counts: Vec<_> = counts
        .iter()
        .map(|c| (&*c.model, c.vectors, c.without))
        .collect();
    assert_eq!(counts, [("a", 2, 1), ("b", 1, 0)]);

    // Again, in place of what was there; and gone with the picture.
    catalogue
        .put_vectors("a", &[(keys[0], vector(11))])
        .unwrap();
    one(&catalogue, Change::Remove(id(3)));
    assert_eq!(catalogue.vector_keys("a").unwrap(), [keys[0]]);
    assert_eq!(
        catalogue.vectors("a", &[keys[0]]).unwrap(),
        [Some(vector(11))]
    );

    // What was committed is there when the file is opened again, for reading only as well.
    drop(catalogue);
    let reader = SqliteCatalogue::open_read_only(root.path()).unwrap();
    assert_eq!(reader.vector_keys("a").unwrap(), [keys[0]]);
    let error = reader
        .put_vectors("a", &[(keys[0], vector(1))])
        .unwrap_err();
    assert_eq!(error.code(), "store_read_only");
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    catalogue.drop_vectors("a", "in_use", "b").unwrap();
    assert_eq!(catalogue.vector_keys("a").unwrap(), []);
    assert_eq!(catalogue.vector_keys("b").unwrap(), [keys[1]]);
    assert_eq!(catalogue.setting("in_use").unwrap().as_deref(), Some("b"));
}

#[test]
fn a_catalogue_from_before_vectors_is_read_and_gains_them() {
    let root = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    let key = added(&catalogue, upload(1));
    drop(catalogue);
    // Of format 3.
    let raw = Connection::open(root.path().join("catalogue.sqlite3")).unwrap();
    let sql = "DROP TABLE vector; DROP TABLE vector_model; PRAGMA user_version = 3";
    raw.execute_batch(sql).unwrap();
    drop(raw);
    let reader = SqliteCatalogue::open_read_only(root.path()).unwrap();
    assert_eq!(reader.vector_keys("a").unwrap(), []);
    assert_eq!(reader.vectors("a", &[key]).unwrap(), [None]);
    assert_eq!(reader.without_vector("a", None, 9).unwrap(), [key]);
    assert_eq!(reader.vector_counts().unwrap(), []);
    let catalogue = SqliteCatalogue::open(root.path()).unwrap();
    catalogue.put_vectors("a", &[(key, vector(1))]).unwrap();
    assert_eq!(catalogue.vector_keys("a").unwrap(), [key]);
}
