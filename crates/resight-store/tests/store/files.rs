//! Opening: again after closing, foreign files, newer formats, and the folder's lock.

use std::fs;
use std::path::Path;

use resight_store::conformance::fixtures::{added, features, id, upload};
use resight_store::{EncodedFeatures, FolderLock, Pictures, SqliteCatalogue, StoreError};
use rusqlite::Connection;

const FILE: &str = "catalogue.sqlite3";

/// Both ways of opening fail with `code`, and leave the file as it was.
fn check_refused(dir: &Path, code: &str) {
    let before = fs::read(dir.join(FILE)).unwrap();
    for opened in [
        SqliteCatalogue::open(dir),
        SqliteCatalogue::open_read_only(dir),
    ] {
        assert_eq!(opened.err().map(|error| error.code()), Some(code));
    }
    assert!(fs::read(dir.join(FILE)).unwrap() == before, "file changed");
}

/// A copy of the catalogue's one file, without the write-ahead log, holds `count` pictures.
fn check_file_alone(dir: &Path, count: u64) {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(dir.join(FILE), elsewhere.path().join(FILE)).unwrap();
    let copy = SqliteCatalogue::open_read_only(elsewhere.path()).unwrap();
    assert_eq!(copy.count().unwrap(), count);
    let last = copy.picture(&id(count - 1)).unwrap().unwrap();
    let found = copy.features(&[last.key]).unwrap();
    assert_eq!(found, [Some(features(count - 1))]);
}

#[test]
fn after_a_clean_end_the_one_file_holds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    for number in 0..20 {
        added(&catalogue, upload(number));
        // Leaves a connection for reading open.
        assert_eq!(catalogue.count().unwrap(), number + 1);
    }
    drop(catalogue);
    check_file_alone(dir.path(), 20);
    let log = dir.path().join(format!("{FILE}-wal"));
    assert!(!log.exists(), "the log goes with the last connection");
}

#[test]
fn the_file_is_whole_after_a_clean_end_beside_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(0));
    let reader = SqliteCatalogue::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    added(&catalogue, upload(1));
    drop(catalogue);
    check_file_alone(dir.path(), 2);
    assert_eq!(reader.count().unwrap(), 2);
}

#[test]
fn a_clean_end_beside_a_reader_in_the_middle_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(0));
    let other = Connection::open(dir.path().join(FILE)).unwrap();
    let count = || -> i64 {
        let sql = "SELECT COUNT(*) FROM picture";
        other.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    other.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 1);
    added(&catalogue, upload(1));
    drop(catalogue);
    assert_eq!(count(), 1, "a read sees the state that it began with");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 2);
    let again = SqliteCatalogue::open(dir.path()).unwrap();
    assert_eq!(again.count().unwrap(), 2);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteCatalogue::open(dir.path()).unwrap());
    let raw = Connection::open(dir.path().join(FILE)).unwrap();
    raw.pragma_update(None, "user_version", 9).unwrap();
    drop(raw);
    check_refused(dir.path(), "store_newer");
    let error = SqliteCatalogue::open(dir.path()).unwrap_err();
    let StoreError::Newer { found, supported } = error else {
        panic!("{error:?}");
    };
    assert_eq!((found, supported), (9, 8));
}

#[test]
fn foreign_and_broken_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), "this is not a database\n".repeat(99)).unwrap();
    check_refused(dir.path(), "store_damaged");

    let dir = tempfile::tempdir().unwrap();
    let raw = Connection::open(dir.path().join(FILE)).unwrap();
    raw.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(raw);
    check_refused(dir.path(), "store_damaged");
}

#[test]
fn a_page_written_over_is_reported_as_damage() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    added(&catalogue, upload(1));
    drop(catalogue);
    let path = dir.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    // All but the page with the header and the list of tables.
    bytes[8192..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let catalogue = SqliteCatalogue::open(dir.path()).unwrap();
    let error = catalogue.picture(&id(1)).unwrap_err();
    assert_eq!(error.code(), "store_damaged");
    assert!(error.to_string().contains(FILE), "{error}");
}

#[test]
fn a_folder_has_one_lock() {
    let dir = tempfile::tempdir().unwrap();
    let held = FolderLock::acquire(dir.path()).unwrap();
    let error = FolderLock::acquire(dir.path()).unwrap_err();
    assert_eq!(error.code(), "store_locked");
    if cfg!(unix) {
        let own = std::process::id();
        assert!(matches!(error, StoreError::Locked { pid: Some(pid), .. } if pid == own));
        assert!(error.to_string().contains(&own.to_string()), "{error}");
    }
    drop(held);
    FolderLock::acquire(dir.path()).unwrap();
}
