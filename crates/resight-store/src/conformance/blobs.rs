//! Whole byte strings under a name.

use super::fixtures::MakeBlobs;

pub(super) fn a_blob_is_stored_replaced_and_deleted(make: MakeBlobs<'_>) {
    let blobs = &*make();
    let name = "ab/cd/picture.jpg";
    assert_eq!(blobs.get(name).unwrap(), None);
    assert!(!blobs.delete(name).unwrap());
    blobs.put(name, b"one").unwrap();
    blobs.put(name, b"two").unwrap();
    blobs.put("empty", b"").unwrap();
    assert_eq!(blobs.get(name).unwrap(), Some(b"two".to_vec()));
    assert_eq!(blobs.get("empty").unwrap(), Some(Vec::new()));
    assert!(blobs.delete(name).unwrap());
    assert!(!blobs.delete(name).unwrap());
    assert_eq!(blobs.get(name).unwrap(), None);
    blobs.put(name, b"three").unwrap();
    assert_eq!(blobs.get(name).unwrap(), Some(b"three".to_vec()));
}

pub(super) fn parts_of_a_blob_are_read(make: MakeBlobs<'_>) {
    let blobs = &*make();
    blobs.put("a/b", b"0123456789").unwrap();
    for (range, part) in [
        (0..10, "0123456789"),
        (2..5, "234"),
        (8..99, "89"),
        (10..12, ""),
        (99..100, ""),
        (5..5, ""),
        (0..u64::MAX, "0123456789"),
    ] {
        let read = blobs.part("a/b", range.clone()).unwrap();
        assert_eq!(read.as_deref(), Some(part.as_bytes()), "{range:?}");
    }
    assert_eq!(blobs.part("a", 0..1).unwrap(), None);
    assert_eq!(blobs.part("none", 0..1).unwrap(), None);
    let bad = blobs.part("../a", 0..1).unwrap_err();
    assert_eq!(bad.code(), "store_bad_name");
}

pub(super) fn the_parts_of_a_name_are_no_blobs(make: MakeBlobs<'_>) {
    let blobs = &*make();
    blobs.put("a/b", b"x").unwrap();
    for name in ["a", "a/b/c", "b"] {
        assert_eq!(blobs.get(name).unwrap(), None, "{name}");
        assert!(!blobs.delete(name).unwrap(), "{name}");
    }
    assert_eq!(blobs.get("a/b").unwrap(), Some(b"x".to_vec()));
}

pub(super) fn names_are_listed_by_folder(make: MakeBlobs<'_>) {
    let blobs = &*make();
    assert_eq!(blobs.names("a").unwrap(), [""; 0]);
    for name in ["a/b", "a/c.jpg", "a/d/e", "ab/f", "g"] {
        blobs.put(name, b"x").unwrap();
    }
    blobs.put("a/gone", b"x").unwrap();
    blobs.delete("a/gone").unwrap();
    blobs.settle_deletions().unwrap();
    let sorted = |folder: &str| {
        let mut names = blobs.names(folder).unwrap();
        names.sort_unstable();
        names
    };
    assert_eq!(sorted("a"), ["a/b", "a/c.jpg"]);
    assert_eq!(sorted("a/d"), ["a/d/e"]);
    assert_eq!(sorted("g"), [""; 0]);
}

pub(super) fn no_method_takes_a_bad_name(make: MakeBlobs<'_>) {
    let blobs = &*make();
    for name in [
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "",
        "+tmp/1",
        "A",
    ] {
        let errors = [
            blobs.put(name, b"x").err(),
            blobs.get(name).err(),
            blobs.delete(name).err(),
            blobs.names(name).err(),
        ];
        for error in errors {
            let code = error.map(|error| error.code());
            assert_eq!(code, Some("store_bad_name"), "{name:?}");
        }
    }
}

pub(super) fn readers_see_whole_blobs_while_they_are_replaced(make: MakeBlobs<'_>) {
    let blobs = &*make();
    let bytes = |round: u8| vec![round; 1 + 1000 * usize::from(round)];
    blobs.put("a", &bytes(0)).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            loop {
                let read = blobs.get("a").unwrap().expect("never absent");
                assert_eq!(read, bytes(read[0]));
                if read[0] == 20 {
                    return;
                }
            }
        });
        for round in 1..=20 {
            blobs.put("a", &bytes(round)).unwrap();
        }
        reader.join().unwrap();
    });
}
