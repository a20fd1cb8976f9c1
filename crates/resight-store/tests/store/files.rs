//! Opening: again after closing, foreign files, newer formats, and the folder's lock.

use std::fs;
use std::path::Path;

use resight_store::{Catalogue, FolderLock, SqliteCatalogue, StoreError};
use rusqlite::Connection;

use crate::fixtures::{added, features, found, id, upload};

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

#[test]
fn everything_is_there_after_closing_and_opening() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("made/on/demand");
    let catalogue = SqliteCatalogue::open(&folder).unwrap();
    assert_eq!(catalogue.setting("a").unwrap(), None);
    let key = added(&catalogue, found(1, "/a"));
    catalogue.set_setting("a", "1").unwrap();
    catalogue.set_setting("a", "2").unwrap();
    drop(catalogue);
    let catalogue = SqliteCatalogue::open(&folder).unwrap();
    assert_eq!(catalogue.picture(&id(1)).unwrap().unwrap().key, key);
    assert_eq!(catalogue.features(&[key]).unwrap(), [Some(features(1))]);
    assert_eq!(catalogue.setting("a").unwrap(), Some("2".into()));
    assert!(added(&catalogue, upload(2)) > key);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteCatalogue::open(dir.path()).unwrap());
    let raw = Connection::open(dir.path().join(FILE)).unwrap();
    raw.pragma_update(None, "user_version", 7).unwrap();
    drop(raw);
    check_refused(dir.path(), "store_newer");
    let error = SqliteCatalogue::open(dir.path()).unwrap_err();
    let StoreError::Newer { found, supported } = error else {
        panic!("{error:?}");
    };
    assert_eq!((found, supported), (7, 1));
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
