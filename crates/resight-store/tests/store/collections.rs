use std::fs;

use resight_store::conformance::fixtures::{added, upload};
use resight_store::{CollectionName, Collections, Pictures, SqliteCatalogue};

fn name(text: &str) -> CollectionName {
    CollectionName::parse(text).unwrap()
}

#[test]
fn names_are_simple() {
    let long = "a".repeat(63);
    for good in ["a", "0", "default", "my-pictures_2", long.as_str()] {
        assert_eq!(
            CollectionName::parse(good).map(|n| n.to_string()),
            Some(good.into())
        );
    }
    let longer = "a".repeat(64);
    for bad in [
        "", "-a", "_a", ".a", "A", "a/b", "a.b", "..", "é", "a b", &longer,
    ] {
        assert_eq!(CollectionName::parse(bad), None, "{bad:?}");
    }
}

#[test]
fn collections_come_and_go_and_keep_apart() {
    let root = tempfile::tempdir().unwrap();
    let all = Collections::new(root.path());
    let names = || all.names().unwrap();
    assert_eq!(names(), [name("default")]);
    assert!(!all.has(&name("b")));
    assert!(all.create(&name("b")).unwrap());
    assert!(all.create(&name("a")).unwrap());
    assert!(!all.create(&name("a")).unwrap());
    assert!(!all.create(&name("default")).unwrap());
    assert_eq!(names(), [name("default"), name("a"), name("b")]);
    // A folder without a catalogue is none, as after a kill; neither is anything of another name.
    fs::create_dir(root.path().join("collections/c")).unwrap();
    fs::create_dir(root.path().join("collections/X")).unwrap();
    assert_eq!(names().len(), 3);

    let open = |of: &str| SqliteCatalogue::open(&all.folder(&name(of))).unwrap();
    added(&open("a"), upload(1));
    assert_eq!(open("a").count().unwrap(), 1);
    assert_eq!(open("b").count().unwrap(), 0);
    assert_eq!(open("default").count().unwrap(), 0);

    assert!(all.remove(&name("a")).unwrap());
    assert!(!all.remove(&name("a")).unwrap());
    assert!(!all.remove(&name("default")).unwrap());
    assert_eq!(names(), [name("default"), name("b")]);
    assert!(!all.folder(&name("a")).exists());
    assert!(all.create(&name("a")).unwrap());
    assert_eq!(open("a").count().unwrap(), 0, "a new one of the same name");
    assert!(all.create(&name("c")).unwrap());
}

#[test]
fn what_was_cut_short_is_made_whole_and_what_is_damaged_is_there() {
    let root = tempfile::tempdir().unwrap();
    let all = Collections::new(root.path());
    for (text, bytes, made) in [("cut", &b""[..], true), ("damaged", &[7; 9000], false)] {
        let folder = all.folder(&name(text));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("catalogue.sqlite3"), bytes).unwrap();
        assert!(all.has(&name(text)));
        assert_eq!(all.create(&name(text)).unwrap(), made, "{text}");
        let opened = SqliteCatalogue::open_read_only(&folder);
        assert_eq!(opened.is_ok(), made, "{text}");
    }
    assert!(all.remove(&name("damaged")).unwrap());
    assert_eq!(all.names().unwrap(), [name("default"), name("cut")]);
}

#[test]
fn a_removal_that_was_cut_short_ends_with_the_sweep() {
    let root = tempfile::tempdir().unwrap();
    let all = Collections::new(root.path());
    all.sweep().unwrap();
    all.create(&name("a")).unwrap();
    // What a kill leaves after the name is gone.
    let left = root.path().join("collections/.deleted-a-0");
    fs::rename(all.folder(&name("a")), &left).unwrap();
    assert_eq!(all.names().unwrap(), [name("default")]);
    // Another of the same name does not meet it.
    all.create(&name("a")).unwrap();
    assert!(all.remove(&name("a")).unwrap());
    assert!(left.exists());
    all.create(&name("b")).unwrap();
    all.sweep().unwrap();
    let left: Vec<_> = fs::read_dir(root.path().join("collections"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["b"]);
}
