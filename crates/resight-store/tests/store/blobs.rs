//! Blobs in a folder.

use std::fs;

use resight_store::{BlobStore, FolderBlobs};

#[test]
fn a_blob_is_stored_replaced_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::open(&dir.path().join("blobs")).unwrap();
    let name = "ab/cd/picture.jpg";
    assert_eq!(blobs.get(name).unwrap(), None);
    assert!(!blobs.delete(name).unwrap());
    blobs.put(name, b"one").unwrap();
    blobs.put(name, b"two").unwrap();
    blobs.put("empty", b"").unwrap();
    let again = FolderBlobs::open(&dir.path().join("blobs")).unwrap();
    for blobs in [&blobs, &again] {
        assert_eq!(blobs.get(name).unwrap(), Some(b"two".to_vec()));
        assert_eq!(blobs.get("empty").unwrap(), Some(Vec::new()));
    }
    assert!(blobs.delete(name).unwrap());
    assert!(!blobs.delete(name).unwrap());
    assert_eq!(blobs.get(name).unwrap(), None);
}

#[test]
fn a_name_that_is_or_needs_a_folder_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::open(dir.path()).unwrap();
    blobs.put("a/b", b"x").unwrap();
    for name in ["a", "a/b/c"] {
        assert_eq!(blobs.get(name).unwrap(), None, "{name}");
        assert!(!blobs.delete(name).unwrap(), "{name}");
        let error = blobs.put(name, b"y").unwrap_err();
        assert_eq!(error.code(), "store_io", "{name}");
    }
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"x".to_vec()));
    let unfinished = fs::read_dir(dir.path().join("+tmp")).unwrap().count();
    assert_eq!(unfinished, 0, "failed writes leave nothing");
}

#[test]
fn no_method_follows_a_bad_name() {
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
