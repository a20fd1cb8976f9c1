//! A folder's own vocabulary: learnt, taken over, kept, and damaged.

use std::fs;
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::collections::Collections;
use resight_app::config::{Config, Settings};
use resight_app::data_folder::{open_for_listing, open_for_writing};
use resight_app::plugins::Plugins;
use resight_engine::Vocabulary;

use crate::support::{World, add, error, learn, named, until, verified};

const OWN: &str = "data/own.vocabulary";
const NEXT: &str = "data/next.vocabulary";

#[test]
fn a_converted_folder_keeps_its_pictures_and_its_vocabulary() {
    let world = World::new();
    let config = world.config();
    let folder = world.open();
    let ids: Vec<_> = (1..=3).map(|seed| add(&folder.library, seed)).collect();
    assert!(folder.convert_in_background(&config).is_none());
    let small = learn(&folder.library, 32);
    let mut steps = Vec::new();
    let go = AtomicBool::new(false);
    let converted = folder.convert(&config, &small, &go, &mut |step| {
        steps.push((step.done, step.total));
    });
    converted.unwrap();
    assert_eq!(steps.last(), Some(&(3, 3)));
    drop(folder);
    assert!(world.path(OWN).exists() && !world.path(NEXT).exists());

    let folder = world.open();
    assert_eq!(folder.library.vocabulary().id(), small.id());
    assert!(folder.convert_in_background(&config).is_none());
    assert_eq!(verified(&folder.library, 2), [ids[1].clone()]);
}

#[test]
fn a_conversion_that_was_stopped_goes_on_in_the_next_process() {
    let world = World::new();
    let config = world.config();
    let folder = world.open();
    // One more than a step of a conversion, after which it looks whether it is cancelled.
    let ids: Vec<_> = (1..=65).map(|seed| add(&folder.library, seed)).collect();
    let small = learn(&folder.library, 32);
    let stop = AtomicBool::new(true);
    let stopped = folder.convert(&config, &small, &stop, &mut |_| {});
    assert_eq!(stopped.unwrap_err().code(), Code::Cancelled);
    drop(folder);
    assert!(world.path(NEXT).exists() && !world.path(OWN).exists());

    let folder = world.open();
    assert_eq!(folder.library.vocabulary().id(), Vocabulary::generic().id());
    let converting = folder.convert_in_background(&config).unwrap();
    until("the conversion", || world.path(OWN).exists());
    drop(converting);
    assert_eq!(folder.library.vocabulary().id(), small.id());
    assert_eq!(verified(&folder.library, 65), [ids[64].clone()]);
    assert!(!world.path(NEXT).exists());
}

#[test]
fn a_named_vocabulary_must_be_that_of_the_stored_pictures() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let small = learn(&folder.library, 32);
    drop(folder);
    fs::write(world.path("small"), small.to_bytes()).unwrap();
    let with_small = |data: &str| {
        let settings = Settings {
            data: Some(world.path(data)),
            vocabulary: Some(world.path("small")),
            ..world.settings()
        };
        let config = Config::new(settings).unwrap();
        open_for_writing(&config, &Plugins::default())
    };
    let refused = error(with_small("data"));
    assert_eq!(refused.code(), Code::ModelMismatch);
    assert!(refused.to_string().contains(small.id()), "{refused}");
    let new = with_small("new").unwrap();
    assert_eq!(new.library.vocabulary().id(), small.id());
}

#[test]
fn a_damaged_vocabulary_is_named_and_not_replaced() {
    let world = World::new();
    let config = world.config();
    let folder = world.open();
    add(&folder.library, 1);
    let small = learn(&folder.library, 32);
    let go = AtomicBool::new(false);
    folder.convert(&config, &small, &go, &mut |_| {}).unwrap();
    drop(folder);
    let mut bytes = fs::read(world.path(OWN)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(world.path(OWN), &bytes).unwrap();
    for refused in [
        error(open_for_writing(&config, &Plugins::default())),
        error(open_for_listing(&config, true)),
    ] {
        assert_eq!(refused.code(), Code::NotAVocabulary);
        assert!(refused.to_string().contains("own.vocabulary"), "{refused}");
    }
    assert_eq!(fs::read(world.path(OWN)).unwrap(), bytes);

    // Another vocabulary does not take its place.
    fs::remove_file(world.path(OWN)).unwrap();
    let refused = error(open_for_listing(&config, true));
    assert_eq!(refused.code(), Code::ModelMismatch);
    assert!(refused.to_string().contains(small.id()), "{refused}");
}

#[test]
fn a_collection_keeps_the_vocabulary_it_began_with() {
    let world = World::new();
    let config = world.config();
    let folder = world.open();
    (1..=3).for_each(|seed| drop(add(&folder.library, seed)));
    let go = AtomicBool::new(false);
    let first = learn(&folder.library, 32);
    folder.convert(&config, &first, &go, &mut |_| {}).unwrap();
    let beside = || Collections::beside(&folder, &config);
    let collections = beside();
    collections.create(&named("a")).unwrap();
    let lease = collections.lease(&named("a")).unwrap();
    assert_eq!(lease.vocabulary().id(), first.id());
    let id = add(&lease.shared(), 5);
    drop((lease, collections));

    let second = learn(&folder.library, 16);
    assert_ne!(second.id(), first.id());
    folder.convert(&config, &second, &go, &mut |_| {}).unwrap();
    let lease = beside().lease(&named("a")).unwrap();
    assert_eq!(lease.vocabulary().id(), first.id());
    assert_eq!(verified(&lease.shared(), 5), [id]);
}
