//! Files that are there whole or not at all.

use std::fs;

use resight_app::Code;
use resight_app::atomic_file::AtomicFile;

#[test]
fn a_file_takes_the_place_of_another_when_it_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("file");
    fs::write(&target, "old").unwrap();
    let begun = AtomicFile::beside(&target).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"old");
    begun.write(b"new and whole").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new and whole");

    drop(AtomicFile::beside(&target).unwrap());
    assert_eq!(fs::read(&target).unwrap(), b"new and whole");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn a_failed_write_leaves_what_was_there_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("folder");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("old"), "old").unwrap();
    let failed = AtomicFile::beside(&target).unwrap().write(b"new");
    let error = failed.unwrap_err();
    assert_eq!(error.code(), Code::Unwritable);
    assert!(error.to_string().contains("folder"), "{error}");
    assert_eq!(fs::read(target.join("old")).unwrap(), b"old");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_missing_is_reported_before_the_work() {
    let root = tempfile::tempdir().unwrap();
    let begun = AtomicFile::beside(&root.path().join("nowhere/file"));
    assert_eq!(begun.err().unwrap().code(), Code::Unwritable);
}
