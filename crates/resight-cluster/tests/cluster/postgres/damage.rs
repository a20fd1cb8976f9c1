//! Rows that something else than the program has changed.

use resight_cluster::PostgresCatalogue;
use resight_store::conformance::fixtures::{added, id, label, tags, upload, with_views};
use resight_store::{
    Change, Changes, EncodedFeatures, EncodedWords, Integrity, LabelPatch, Pictures, Repairs,
    StagedWords, StoreError, Update, Vectors, Views,
};

use super::server::{Collections, address, sql};

/// The part and the picture that an error names.
fn named<T: std::fmt::Debug>(read: Result<T, StoreError>) -> (&'static str, String) {
    match read.unwrap_err() {
        StoreError::PictureDamaged { picture, what, .. } => (what, picture),
        other => panic!("{other}"),
    }
}

#[test]
fn bytes_that_were_changed_are_never_returned() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    let key = added(&catalogue, with_views(1, 1));
    let other = added(&catalogue, upload(2));
    catalogue.put_vectors("m", &[(key, vec![1, 2])]).unwrap();
    catalogue.stage_words(&[(key + 1, vec![3])]).unwrap();
    let change = |sql_of: &str| {
        sql(
            address,
            &format!("SET search_path TO \"resight_{name}\"; {sql_of}"),
        );
    };
    let first = id(1).to_string();
    change(&format!(
        "UPDATE features SET bytes = 'x' WHERE key = {key}"
    ));
    assert_eq!(
        named(catalogue.features(&[other, key])),
        ("features", first.clone())
    );
    assert_eq!(
        named(catalogue.features_after(None, 9)),
        ("features", first.clone())
    );
    assert!(catalogue.features(&[other]).unwrap()[0].is_some());
    // Those of another row are not taken for its own either.
    change(&format!(
        "UPDATE words SET (bytes, sum) = (SELECT bytes, sum FROM words AS own WHERE own.key = {other})
         WHERE key = {key}"
    ));
    assert_eq!(named(catalogue.words(&[key])), ("words", first.clone()));
    change(&format!(
        "UPDATE words SET bytes = '' WHERE key = {}",
        key + 1
    ));
    assert_eq!(named(catalogue.words(&[key + 1])), ("words", first.clone()));
    assert_eq!(
        named(catalogue.staged_after(None, 9)),
        ("words", first.clone())
    );
    change("UPDATE vector SET bytes = '\\x0103'");
    assert_eq!(
        named(catalogue.vectors("m", &[key])),
        ("vector", first.clone())
    );
    change("UPDATE picture_view SET width = width + 1");
    assert_eq!(named(catalogue.views_of(key)), ("view", first.clone()));

    // Repaired, they are there again.
    assert!(
        catalogue
            .replace_features(key, 7, b"new", b"words")
            .unwrap()
    );
    assert!(
        catalogue
            .replace_features(key + 1, 2, b"new", b"words")
            .unwrap()
    );
    assert_eq!(catalogue.features(&[key]).unwrap(), [Some(b"new".to_vec())]);
    assert_eq!(catalogue.words(&[key]).unwrap(), [Some(b"words".to_vec())]);
    assert_eq!(catalogue.views_of(key).unwrap().len(), 1);
    assert!(catalogue.forget_vector("m", key).unwrap());
}

#[test]
fn a_damaged_record_can_be_removed_and_not_be_changed() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    let key = added(&catalogue, upload(1));
    let other = added(&catalogue, upload(2));
    let damages = [
        "name = 'another'",
        "byte_len = byte_len + 1",
        "uploaded = NOT uploaded",
        "metadata = '{}'",
        "width = -1",
        "row_sum = 0",
    ];
    for damage in damages {
        let table = format!("\"resight_{name}\".picture");
        sql(
            address,
            &format!(
                "CREATE TABLE {table}_was AS SELECT * FROM {table} WHERE key = {key};
                 UPDATE {table} SET {damage} WHERE key = {key}"
            ),
        );
        let record = ("record", id(1).to_string());
        assert_eq!(named(catalogue.picture(&id(1))), record, "{damage}");
        assert_eq!(named(catalogue.pictures(&[other, key])), record);
        assert_eq!(named(catalogue.list(0, 9)), record);
        assert!(catalogue.picture(&id(2)).unwrap().is_some());
        let patch = LabelPatch {
            tags: Update::Set(tags(&["a"])),
            ..LabelPatch::default()
        };
        assert_eq!(named(catalogue.commit(vec![label(1, patch)])), record);
        let again = catalogue.replace_features(key, 1, b"", b"");
        assert_eq!(named(again), record);
        sql(
            address,
            &format!(
                "UPDATE {table} SET name = was.name, byte_len = was.byte_len, uploaded = was.uploaded,
                    metadata = was.metadata, width = was.width, row_sum = was.row_sum
                 FROM {table}_was AS was WHERE {table}.key = was.key;
                 DROP TABLE {table}_was"
            ),
        );
        assert!(catalogue.picture(&id(1)).unwrap().is_some(), "{damage}");
        assert!(catalogue.features(&[key]).unwrap()[0].as_deref() != Some(b""));
    }
    sql(
        address,
        &format!("UPDATE \"resight_{name}\".picture SET name = 'x' WHERE key = {key}"),
    );
    catalogue.commit(vec![Change::Remove(id(1))]).unwrap();
    assert_eq!(catalogue.list(0, 9).unwrap().len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    let key = added(&catalogue, with_views(1, 1));
    assert_eq!(catalogue.check_structure().unwrap(), [""; 0]);
    for (change, found) in [
        (
            format!("DELETE FROM features WHERE key = {key}"),
            format!("key {key} has no features"),
        ),
        (
            format!("DELETE FROM words WHERE key = {}", key + 1),
            format!("key {} has no words", key + 1),
        ),
        (
            format!("UPDATE counter SET last_key = {key}"),
            format!("key {} is above the last key that was given", key + 1),
        ),
    ] {
        sql(
            address,
            &format!("SET search_path TO \"resight_{name}\"; {change}"),
        );
        let lines = catalogue.check_structure().unwrap();
        assert!(lines.contains(&found), "{lines:?}");
    }
}

#[test]
fn the_first_change_that_the_server_refuses_is_the_one_that_is_told() {
    let Some(address) = address() else { return };
    let collections = Collections::new();
    let name = collections.name();
    let catalogue = PostgresCatalogue::open(address, &name).unwrap();
    sql(
        address,
        &format!(
            "SET search_path TO \"resight_{name}\";
             CREATE FUNCTION full_disk() RETURNS TRIGGER LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION USING ERRCODE = ''disk_full''; END';
             CREATE TRIGGER full_disk BEFORE INSERT ON picture EXECUTE FUNCTION full_disk()"
        ),
    );
    let error = catalogue.commit(vec![upload(1)]).unwrap_err();
    assert_eq!(error.code(), "store_full", "{error}");
    sql(
        address,
        &format!("DROP TRIGGER full_disk ON \"resight_{name}\".picture"),
    );
    added(&catalogue, upload(1));
    assert_eq!(catalogue.count().unwrap(), 1);
}
