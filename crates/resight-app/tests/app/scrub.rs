//! Reading in the background.

use resight_app::collections::Collections;
use resight_engine::FindingKind;
use resight_store::CollectionName;
use rusqlite::Connection;

use crate::support::{World, add, named, until};

#[test]
fn damage_is_found_in_every_open_collection_and_forgotten_when_the_picture_is_gone() {
    let world = World::new();
    let folder = world.open();
    let [first, second] = [1, 2].map(|seed| add(&folder.library, seed));
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("museum")).unwrap();
    let lease = collections.lease(&named("museum")).unwrap();
    add(&lease.shared(), 3);
    assert!(collections.scrub_in_background(0).is_none());
    let read = || {
        let before = collections.scrubbed().rounds;
        let scrubbing = collections.scrub_in_background(1 << 40).unwrap();
        until("a round of both", || {
            collections.scrubbed().rounds >= before + 2
        });
        drop(scrubbing);
        collections.scrubbed()
    };
    let state = read();
    assert!(state.pictures >= 3, "{state:?}");
    assert!(state.damaged.is_empty(), "{state:?}");

    let change = |data: &str, sql: &str| {
        let raw = Connection::open(world.path(data).join("catalogue.sqlite3")).unwrap();
        assert!(raw.execute(sql, []).unwrap() > 0);
    };
    change(
        "data",
        "UPDATE features SET bytes = zeroblob(length(bytes)) WHERE key = 1",
    );
    change("data/collections/museum", "UPDATE words SET bytes = x'00'");
    let shard = &second.as_str()[..2];
    let original = world.path(&format!("data/blobs/originals/{shard}/{second}"));
    std::fs::remove_file(&original).unwrap();
    let found: Vec<_> = read()
        .damaged
        .into_iter()
        .flat_map(|((name, key), findings)| {
            findings
                .into_iter()
                .map(move |f| (name.clone(), key, f.kind))
        })
        .collect();
    let default = CollectionName::default();
    let wanted = [
        (default.clone(), 1, FindingKind::FeaturesDamaged),
        (default, 2, FindingKind::OriginalMissing),
        (named("museum"), 1, FindingKind::WordsDamaged),
    ];
    assert_eq!(found, wanted);

    // One is removed, one is uploaded again.
    folder.library.remove(&[first]).unwrap();
    add(&folder.library, 2);
    let left = read().damaged;
    assert_eq!(left.keys().collect::<Vec<_>>(), [&(named("museum"), 1)]);
}

#[test]
fn checksums_that_rows_lack_are_added() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let raw = Connection::open(world.path("data/catalogue.sqlite3")).unwrap();
    raw.execute("UPDATE picture SET row_sum = NULL, features_sum = NULL", [])
        .unwrap();
    let collections = Collections::beside(&folder, &world.config());
    let scrubbing = collections.scrub_in_background(1 << 40);
    let lacking = "SELECT COUNT(*) FROM picture WHERE row_sum IS NULL OR features_sum IS NULL";
    until("checksums", || {
        raw.query_row(lacking, [], |row| row.get::<_, i64>(0))
            .unwrap()
            == 0
    });
    drop(scrubbing);
}

#[test]
fn files_that_cannot_be_read_are_damage_and_the_reading_goes_on() {
    let world = World::new();
    let folder = world.open();
    let [first, _] = [1, 2].map(|seed| add(&folder.library, seed));
    let shard = &first.as_str()[..2];
    let original = world.path(&format!("data/blobs/originals/{shard}/{first}"));
    std::fs::remove_file(&original).unwrap();
    // A link to itself: the operating system refuses to read it.
    std::os::unix::fs::symlink(&original, &original).unwrap();
    let collections = Collections::beside(&folder, &world.config());
    let scrubbing = collections.scrub_in_background(1 << 40).unwrap();
    until("a round", || collections.scrubbed().rounds >= 1);
    drop(scrubbing);
    let found: Vec<_> = collections.scrubbed().damaged.into_values().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0].kind, FindingKind::OriginalDamaged);
}

#[test]
fn damage_of_a_removed_collection_is_forgotten() {
    let world = World::new();
    let folder = world.open();
    let collections = Collections::beside(&folder, &world.config());
    let museum = named("museum");
    collections.create(&museum).unwrap();
    let lease = collections.lease(&museum).unwrap();
    add(&lease.shared(), 1);
    let path = world.path("data/collections/museum/catalogue.sqlite3");
    let raw = Connection::open(path).unwrap();
    raw.execute("UPDATE words SET bytes = x'00'", []).unwrap();
    drop((raw, lease));
    let scrubbing = collections.scrub_in_background(1 << 40).unwrap();
    until("damage", || !collections.scrubbed().damaged.is_empty());
    collections.remove(&museum).unwrap();
    assert!(collections.scrubbed().damaged.is_empty());
    drop(scrubbing);
}
