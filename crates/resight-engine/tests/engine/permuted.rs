//! Files of several batches of one run that take each other's names.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_engine::{FolderEvent, FolderOptions, LabelPatch, Picture, PictureId, Tag};

use crate::paths::World;

/// Files that are read together: eight for each thread.
fn batch() -> usize {
    8 * rayon::current_num_threads()
}

fn name(number: usize) -> String {
    format!("lib/{number:05}.png")
}

/// `count` files in their order, each of a picture of its own that has a tag of its own. Returns the ids.
fn filled(world: &World, count: usize) -> Vec<PictureId> {
    for number in 0..count {
        world.put(&name(number), number as u32);
    }
    world.index("lib");
    let ids = (0..count).map(|number| {
        let found = world.bench.library.find_by_path(&world.path(&name(number)));
        found.unwrap().unwrap()
    });
    let ids: Vec<PictureId> = ids.collect();
    let tagged = ids.iter().enumerate().map(|(number, id)| {
        let patch = LabelPatch {
            add_tags: vec![tag(number)],
            ..LabelPatch::default()
        };
        (id.clone(), patch)
    });
    world.bench.library.label(tagged.collect()).unwrap();
    ids
}

fn tag(number: usize) -> Tag {
    Tag::parse(&format!("of {number}")).unwrap()
}

/// Gives every file the bytes of the one a batch and one further.
fn rotate(world: &World, count: usize) {
    let shift = batch() + 1;
    for number in 0..count {
        world.rename(&name(number), &format!("{}.old", name(number)));
    }
    for number in 0..count {
        let from = format!("{}.old", name((number + shift) % count));
        world.rename(&from, &name(number));
    }
}

fn stored(world: &World) -> BTreeMap<PictureId, Picture> {
    let all = world.bench.library.pictures(0, u64::MAX).unwrap();
    all.into_iter()
        .map(|picture| (picture.id.clone(), picture))
        .collect()
}

#[test]
fn pictures_keep_their_labels_and_decisions_when_their_files_change_names_all_round() {
    let world = World::new();
    let count = 3 * batch();
    let ids = filled(&world, count);
    let duplicates = &world.bench.duplicates;
    duplicates
        .add_not_a_match(&ids[0], &ids[count - 1])
        .unwrap();
    let before = stored(&world);
    rotate(&world, count);
    let report = world.index("lib");
    assert_eq!(
        (report.indexed, report.already_there),
        (0, count as u64),
        "none is described again"
    );
    let after = stored(&world);
    assert_eq!(after.len(), count);
    for (number, id) in ids.iter().enumerate() {
        let (old, new) = (&before[id], &after[id]);
        assert_eq!(new.labels.tags, [tag(number)]);
        assert_eq!(new.added_ms, old.added_ms);
        let at = (number + count - (batch() + 1)) % count;
        assert_eq!(new.sources, [world.text(&name(at))]);
    }
    assert_eq!(duplicates.not_matches(0, 9).unwrap().total, 1);
    assert_eq!(world.index("lib").unchanged, count as u64);
}

#[test]
fn a_file_that_takes_a_name_inherits_only_where_no_later_file_has_the_bytes() {
    let world = World::new();
    let count = 2 * batch();
    let ids = filled(&world, count);
    let last = count - 1;
    // The bytes of the first file move to the last name, whose own bytes are gone; the second file changes.
    world.rename(&name(0), &name(last));
    world.put(&name(0), 7_000);
    world.put(&name(1), 7_001);
    // Files that are written again are read again, and come in between.
    for number in 2..last {
        world.put(&name(number), number as u32);
    }
    world.index("lib");
    let of = |number| {
        let id = world.bench.library.find_by_path(&world.path(&name(number)));
        world.bench.library.picture(&id.unwrap().unwrap()).unwrap()
    };
    assert_eq!(
        (of(last).id, of(last).labels.tags),
        (ids[0].clone(), vec![tag(0)])
    );
    assert_eq!(of(0).labels.tags, []);
    assert_eq!(of(1).labels.tags, [tag(1)]);
    let stored = stored(&world);
    assert_eq!(stored.len(), count);
    assert!(!stored.contains_key(&ids[1]) && !stored.contains_key(&ids[last]));
}

#[test]
fn a_run_that_was_stopped_removes_nothing_and_the_next_one_of_the_folder_does() {
    let world = World::new();
    let count = 3 * batch();
    let ids = filled(&world, count);
    rotate(&world, count);
    // The bytes of one file are gone for good.
    world.put(&name(0), 7_000);
    let stop = AtomicBool::new(false);
    let mut on_event = |event: FolderEvent| {
        if matches!(event, FolderEvent::Indexed { .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let folder = world.path("lib");
    let options = FolderOptions::default();
    let run = world
        .bench
        .indexer
        .index_folder(&folder, &options, &stop, &mut on_event);
    assert!(run.unwrap().cancelled);
    let between = stored(&world);
    assert!(ids.iter().all(|id| between.contains_key(id)));
    // Another folder says nothing about it.
    world.put("other/a.png", 8_000);
    world.index("other");
    assert!(ids.iter().all(|id| stored(&world).contains_key(id)));

    world.index("lib");
    let after = stored(&world);
    let lost = &ids[batch() + 1];
    assert!(!after.contains_key(lost));
    for (number, id) in ids.iter().enumerate().filter(|(_, id)| *id != lost) {
        assert_eq!(after[id].labels.tags, [tag(number)]);
    }
}
