//! Bytes that change behind the catalogue's back.

use resight_store::conformance::fixtures::{added, id, one, tagged, upload, with_views};
use resight_store::{
    Catalogue, EncodedFeatures, EncodedWords, LabelQueries, Pictures, Repairs, SqliteCatalogue,
    StagedWords, StoreError, Vectors, Views,
};
use rusqlite::Connection;
use tempfile::TempDir;

struct World {
    dir: TempDir,
    keys: Vec<u64>,
}

impl World {
    /// Three pictures, each with a vector and staged words.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
        let keys: Vec<u64> = (1..=3).map(|n| added(&catalogue, upload(n))).collect();
        one(&catalogue, tagged(2, &["kept"]));
        let bytes = |key: &u64| (*key, vec![7; 16]);
        let all: Vec<(u64, Vec<u8>)> = keys.iter().map(bytes).collect();
        catalogue.put_vectors("m", &all).unwrap();
        catalogue.stage_words(&all).unwrap();
        Self { dir, keys }
    }

    fn open(&self) -> SqliteCatalogue {
        SqliteCatalogue::open(self.dir.path()).unwrap()
    }

    fn change(&self, sql: &str) {
        let raw = Connection::open(self.dir.path().join("catalogue.sqlite3")).unwrap();
        assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
    }
}

/// Fails unless the error names picture 2 and what of it is damaged.
fn names<T>(read: Result<T, StoreError>, wanted: &str, sql: &str) {
    match read.err() {
        Some(StoreError::PictureDamaged { picture, what, .. }) => {
            assert_eq!((picture.as_str(), what), (id(2).as_str(), wanted), "{sql}");
        }
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn every_read_of_a_changed_row_names_the_picture() {
    let flipped = "CAST(substr(bytes, 1, 3) || 'X' || substr(bytes, 5) AS BLOB)";
    type Reads = fn(&dyn Catalogue, u64) -> Vec<Result<(), StoreError>>;
    let cases: [(&str, &str, Reads); 4] = [
        ("features", "features", |catalogue, key| {
            vec![
                catalogue.features(&[key]).map(drop),
                catalogue.features_after(None, 9).map(drop),
            ]
        }),
        ("words", "words", |catalogue, key| {
            vec![
                catalogue.words(&[key]).map(drop),
                catalogue.words_after(None, 9).map(drop),
            ]
        }),
        ("staged_words", "words", |catalogue, _| {
            vec![catalogue.staged_after(None, 9).map(drop)]
        }),
        ("vector", "vector", |catalogue, key| {
            vec![catalogue.vectors("m", &[key]).map(drop)]
        }),
    ];
    for (table, what, reads) in cases {
        for value in [
            flipped,
            "'text'",
            "zeroblob(length(bytes))",
            "bytes || x'00'",
        ] {
            let world = World::new();
            let (key, other) = (world.keys[1], world.keys[0]);
            let sql = format!("UPDATE {table} SET bytes = {value} WHERE key = {key}");
            world.change(&sql);
            let catalogue = world.open();
            for read in reads(&catalogue, key) {
                names(read, what, &sql);
            }
            // Others are read by themselves.
            catalogue.features(&[other]).unwrap();
            catalogue.words(&[other]).unwrap();
            catalogue.vectors("m", &[other]).unwrap();
        }
    }
}

#[test]
fn the_bytes_of_another_picture_are_no_answer() {
    for table in ["features", "words"] {
        let world = World::new();
        let (first, second) = (world.keys[0], world.keys[1]);
        world.change(&format!("DELETE FROM {table} WHERE key = {second}"));
        world.change(&format!(
            "UPDATE {table} SET key = {second} WHERE key = {first}"
        ));
        world.change(&format!(
            "UPDATE picture SET {table}_sum = (SELECT p.{table}_sum FROM picture AS p WHERE p.key = {first})
             WHERE key = {second}"
        ));
        let catalogue = world.open();
        let read = match table {
            "features" => catalogue.features(&[second]),
            _ => catalogue.words(&[second]),
        };
        names(read, table, table);
    }
}

#[test]
fn every_column_of_a_record_is_covered() {
    let columns = [
        ("name", "'x'"),
        ("media_type", "'x'"),
        ("byte_len", "byte_len + 1"),
        ("width", "width - 1"),
        ("height", "height + 1"),
        ("feature_count", "feature_count + 1"),
        ("model", "'x'"),
        ("uploaded", "0"),
        ("added_ms", "added_ms + 1"),
        ("object", "'x'"),
        ("metadata", "'x'"),
        ("pages", "NULL"),
        ("depth", "8"),
    ];
    for (column, value) in columns {
        let world = World::new();
        let key = world.keys[1];
        let sql = format!("UPDATE picture SET {column} = {value} WHERE key = {key}");
        world.change(&sql);
        let catalogue = world.open();
        names(catalogue.picture(&id(2)), "record", &sql);
        names(catalogue.pictures(&world.keys), "record", &sql);
        names(catalogue.list(0, 9), "record", &sql);
        names(
            catalogue.matching_list(&Default::default(), 0, 9),
            "record",
            &sql,
        );
        // No change gives a damaged record a checksum of its own.
        let labelled = resight_store::Changes::commit(&catalogue, vec![tagged(2, &["more"])]);
        names(labelled, "record", &sql);
        assert!(catalogue.picture(&id(1)).unwrap().is_some());
    }
}

#[test]
fn changes_of_a_record_keep_its_checksum() {
    let world = World::new();
    let catalogue = world.open();
    let read = |number| catalogue.picture(&id(number)).unwrap().unwrap();
    one(&catalogue, tagged(1, &["a"]));
    one(&catalogue, upload(1));
    assert_eq!(read(1).labels.tags.len(), 1);
    assert!(catalogue.replace_words(world.keys[0], b"words").unwrap());
    let key = world.keys[1];
    assert!(
        catalogue
            .replace_features(key, 9, b"new features", b"new")
            .unwrap()
    );
    assert_eq!(read(2).feature_count, 9);
    assert_eq!(
        catalogue.features(&[key]).unwrap(),
        [Some(b"new features".to_vec())]
    );
    assert!(catalogue.adopt_staged("s", "v").unwrap());
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(vec![7; 16])]);
    assert_eq!(catalogue.unsealed_after(None, 9).unwrap(), [0; 0]);
    let bytes = catalogue.stored_bytes().unwrap();
    assert_eq!(bytes.words, 3 * 16);
}

#[test]
fn a_damaged_view_names_its_picture() {
    let columns = [
        "number",
        "time_ms",
        "width",
        "height",
        "feature_count",
        "picture",
    ];
    let cases = columns
        .map(|column| ("picture_view", "view", format!("{column} = {column} + 1")))
        .into_iter()
        .chain(["features", "words"].map(|part| {
            let table = if part == "features" {
                "view_features"
            } else {
                "view_words"
            };
            (table, part, "bytes = zeroblob(length(bytes))".to_owned())
        }));
    for (table, what, change) in cases {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
        let key = added(&catalogue, with_views(2, 2));
        added(&catalogue, upload(3));
        drop(catalogue);
        let raw = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
        raw.pragma_update(None, "foreign_keys", false).unwrap();
        let sql = format!("UPDATE {table} SET {change} WHERE key = {}", key + 1);
        assert_eq!(raw.execute(&sql, []).unwrap(), 1, "{sql}");
        drop(raw);
        let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
        let read = match what {
            "view" => catalogue.views(&[key + 1]).map(drop),
            "features" => catalogue.features(&[key + 1]).map(drop),
            _ => catalogue.words(&[key + 1]).map(drop),
        };
        match read.unwrap_err() {
            // The row of another picture's view names what it says that it belongs to.
            StoreError::PictureDamaged { what: found, .. } if change.starts_with("picture") => {
                assert_eq!(found, what, "{sql}");
            }
            StoreError::PictureDamaged {
                picture,
                what: found,
                ..
            } => {
                assert_eq!((picture.as_str(), found), (id(2).as_str(), what), "{sql}");
            }
            other => panic!("{sql}: {other}"),
        }
        catalogue.views(&[key + 2]).unwrap();
        catalogue.features(&[key, key + 2]).unwrap();
        catalogue.words(&[key, key + 2]).unwrap();
    }
}
