//! Reading a catalogue's file beside its writer.

use resight_store::conformance::fixtures::{added, id, picture, upload};
use resight_store::{
    Change, Changes, Decisions, Pictures, RemovedPictures, Settings, SqliteCatalogue, StagedWords,
    StoreError, Vectors,
};
use rusqlite::Connection;

#[test]
fn a_read_does_not_wait_for_a_commit_in_progress() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(1));
    let other = Connection::open(dir.path().join("catalogue.sqlite3")).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM picture;")
        .unwrap();
    assert_eq!(catalogue.count().unwrap(), 1);
    assert!(catalogue.picture(&id(1)).unwrap().is_some());
    // Neither does a commit of no changes, which would fail with `store_busy` in the end.
    assert_eq!(catalogue.commit(Vec::new()).unwrap(), []);
}

#[test]
fn read_only_follows_a_writer_and_refuses_changes() {
    let dir = tempfile::tempdir().unwrap();
    let code = |result: Result<SqliteCatalogue, StoreError>| result.err().map(|e| e.code());
    let missing = SqliteCatalogue::open_read_only(dir.path());
    assert_eq!(code(missing), Some("store_missing"));
    let writer = SqliteCatalogue::open(dir.path()).unwrap();
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.count().unwrap(), 0);
    added(&writer, upload(1));
    writer.set_setting("a", "b").unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert_eq!(reader.setting("a").unwrap(), Some("b".into()));
    let refused = reader.commit(vec![upload(2)]).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    let refused = reader.set_setting("a", "c").unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    drop(writer);
    assert_eq!(reader.count().unwrap(), 1);
    drop(reader);
    let alone = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    let name = alone.picture(&id(1)).unwrap().unwrap().name;
    assert_eq!(name, picture(1).name);
}

#[test]
fn the_record_of_removed_pictures_is_read_only_too() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(1));
    catalogue.commit(vec![Change::Remove(id(1))]).unwrap();
    drop(catalogue);
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.removed_pictures(9).unwrap(), [id(1)]);
    let refused = reader.forget_removed(&[id(1)]).unwrap_err();
    assert_eq!(refused.code(), "store_read_only");
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    catalogue.forget_removed(&[id(1)]).unwrap();
    assert_eq!(reader.removed_pictures(9).unwrap(), []);
}

#[test]
fn every_method_that_changes_something_refuses_to() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteCatalogue::open(dir.path()).unwrap());
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    let (a, b) = (id(1), id(2));
    let refused = [
        reader.commit(Vec::new()).err(),
        reader.set_setting("a", "b").err(),
        reader.forget_removed(&[]).err(),
        reader.stage_words(&[]).err(),
        reader.discard_staged().err(),
        reader.adopt_staged("a", "b").err(),
        reader.put_vectors("m", &[]).err(),
        reader.drop_vectors("m", "a", "b").err(),
        reader.add_not_a_match(&a, &b).err(),
        reader.drop_not_a_match(&a, &b).err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.code()), Some("store_read_only"));
    }
}
