//! What only blobs in a folder promise.

use std::fs;

use resight_store::{BlobStore, FolderBlobs};

#[test]
fn blobs_are_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("blobs");
    let blobs = FolderBlobs::open(&folder).unwrap();
    blobs.put("ab/cd/picture.jpg", b"one").unwrap();
    blobs.put("ab/cd/picture.jpg", b"two").unwrap();
    blobs.put("empty", b"").unwrap();
    let again = FolderBlobs::open(&folder).unwrap();
    for blobs in [&blobs, &again] {
        assert_eq!(
            blobs.get("ab/cd/picture.jpg").unwrap(),
            Some(b"two".to_vec())
        );
        assert_eq!(blobs.get("empty").unwrap(), Some(Vec::new()));
    }
}

#[test]
fn a_name_that_is_or_needs_a_folder_cannot_be_stored() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::open(dir.path()).unwrap();
    blobs.put("a/b", b"x").unwrap();
    for name in ["a", "a/b/c"] {
        let error = blobs.put(name, b"y").unwrap_err();
        assert_eq!(error.code(), "store_io", "{name}");
    }
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"x".to_vec()));
    let unfinished = fs::read_dir(dir.path().join("+tmp")).unwrap().count();
    assert_eq!(unfinished, 0, "failed writes leave nothing");
}

#[test]
fn no_method_leaves_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("secret"), "s").unwrap();
    let blobs = FolderBlobs::open(&dir.path().join("blobs")).unwrap();
    let absolute = dir.path().join("secret").display().to_string();
    for name in ["../secret", "a/../../secret", &absolute, "", "+tmp/1"] {
        let codes = [
            blobs.put(name, b"x").err(),
            blobs.get(name).err(),
            blobs.delete(name).err(),
        ];
        for error in codes {
            let code = error.map(|error| error.code());
            assert_eq!(code, Some("store_bad_name"), "{name:?}");
        }
    }
    assert_eq!(fs::read(dir.path().join("secret")).unwrap(), b"s");
}

#[test]
fn opening_removes_unfinished_files_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::open(dir.path()).unwrap();
    blobs.put("a/b", b"x").unwrap();
    drop(blobs);
    let left = dir.path().join("+tmp/1-0");
    fs::write(&left, "half a file").unwrap();
    let blobs = FolderBlobs::open(dir.path()).unwrap();
    assert!(!left.exists());
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"x".to_vec()));
}

#[test]
fn a_blob_that_could_not_be_stored_or_deleted_counts_as_left_open() {
    let dir = tempfile::tempdir().unwrap();
    let was_left_open = |work: &dyn Fn(&FolderBlobs)| {
        let blobs = FolderBlobs::open(dir.path()).unwrap();
        work(&blobs);
        drop(blobs);
        let again = FolderBlobs::open(dir.path()).unwrap();
        again.was_left_open()
    };
    assert!(!was_left_open(&|blobs| blobs.put("a/b", b"x").unwrap()));
    assert!(was_left_open(&|blobs| assert!(
        blobs.put("a", b"y").is_err()
    )));
    assert!(!was_left_open(&|blobs| assert!(
        blobs.delete("a/b").unwrap()
    )));
    // A power cut may bring back what was deleted, so the deletion is on the disk before the sign is taken away.
    assert!(was_left_open(&|blobs| {
        blobs.put("c/d", b"x").unwrap();
        assert!(blobs.delete("c/d").unwrap());
        // As a disk does that refuses to synchronise.
        fs::remove_dir(dir.path().join("c")).unwrap();
    }));
}
