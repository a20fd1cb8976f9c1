//! Collections beside the default one: made, leased, closed and removed.

use std::fs;

use resight_app::Code;
use resight_app::collections::Collections;
use resight_app::data_folder::WritableFolder;

use crate::support::{World, add, error, named, until, verified};

fn open(world: &World) -> (WritableFolder, Collections) {
    let folder = world.open();
    let collections = Collections::beside(&folder, &world.config());
    (folder, collections)
}

#[test]
fn a_collection_has_pictures_of_its_own_and_a_later_process_finds_them() {
    let world = World::new();
    let (folder, collections) = open(&world);
    assert!(collections.create(&named("b")).unwrap());
    assert!(collections.create(&named("a")).unwrap());
    assert!(!collections.create(&named("b")).unwrap());
    let all = [named("default"), named("a"), named("b")];
    assert_eq!(collections.names().unwrap(), all);

    let lease = collections.lease(&named("a")).unwrap();
    let id = add(&lease.shared(), 1);
    assert!(verified(&folder.library, 1).is_empty());
    assert!(verified(&collections.lease(&named("b")).unwrap().shared(), 1).is_empty());
    assert_eq!(collections.count(&named("a")).unwrap(), Some(1));
    drop((lease, collections, folder));

    let (_folder, collections) = open(&world);
    assert_eq!(collections.names().unwrap(), all);
    assert_eq!(collections.count(&named("a")).unwrap(), Some(1));
    let again = collections.lease(&named("a")).unwrap();
    assert_eq!(verified(&again.shared(), 1), [id]);
}

#[test]
fn names_without_a_collection_are_unknown() {
    let world = World::new();
    let (_folder, collections) = open(&world);
    let name = named("nobody");
    for refused in [
        error(collections.lease(&name)),
        error(collections.remove(&name)),
        error(Collections::default().create(&name)),
    ] {
        assert_eq!(refused.code(), Code::UnknownCollection);
        assert!(refused.to_string().contains("nobody"), "{refused}");
    }
    assert_eq!(collections.count(&name).unwrap(), None);
    assert!(collections.lease_if_open(&name).is_none());

    let kept = error(collections.remove(&named("default")));
    assert_eq!(kept.code(), Code::BadCollectionName);
    assert!(kept.is_wrong_setting());
    assert!(!collections.create(&named("default")).unwrap());
}

#[test]
fn a_removed_collection_is_empty_when_its_name_is_used_again() {
    let world = World::new();
    let (_folder, collections) = open(&world);
    let name = named("a");
    collections.create(&name).unwrap();
    add(&collections.lease(&name).unwrap().shared(), 1);
    collections.remove(&name).unwrap();
    assert!(!world.path("data/collections/a").exists());
    assert_eq!(
        error(collections.lease(&name)).code(),
        Code::UnknownCollection
    );

    assert!(collections.create(&name).unwrap());
    let lease = collections.lease(&name).unwrap();
    assert_eq!(lease.count().unwrap(), 0);
    assert!(verified(&lease.shared(), 1).is_empty());
}

#[test]
fn a_removal_waits_for_the_leases_and_admits_nobody_meanwhile() {
    let world = World::new();
    let (_folder, collections) = open(&world);
    let name = named("a");
    collections.create(&name).unwrap();
    let lease = collections.lease(&name).unwrap();
    let removing = std::thread::spawn({
        let (collections, name) = (collections.clone(), name.clone());
        move || collections.remove(&name).map_err(|error| error.code())
    });
    until("the removal to begin", || {
        collections.lease_if_open(&name).is_none()
    });
    assert_eq!(
        error(collections.lease(&name)).code(),
        Code::UnknownCollection
    );
    assert_eq!(error(collections.create(&name)).code(), Code::Busy);
    assert_eq!(error(collections.remove(&name)).code(), Code::Busy);
    // The lease is good to the end.
    add(&lease.shared(), 1);
    assert_eq!(lease.count().unwrap(), 1);
    drop(lease);
    assert_eq!(removing.join().unwrap(), Ok(()));
    assert_eq!(collections.names().unwrap(), [named("default")]);
}

#[test]
fn the_longest_unused_is_closed_unless_it_is_leased() {
    let world = World::new();
    let (_folder, collections) = open(&world);
    let names: Vec<_> = (0..34).map(|i| named(&format!("c{i}"))).collect();
    let mut leased = None;
    for (i, name) in names.iter().enumerate() {
        collections.create(name).unwrap();
        let lease = collections.lease(name).unwrap();
        match i {
            0 => leased = Some(lease),
            1 => drop(add(&lease.shared(), 1)),
            _ => {}
        }
    }
    let is_open = |name| collections.lease_if_open(name).is_some();
    let closed: Vec<_> = names.iter().filter(|name| !is_open(name)).collect();
    assert_eq!(closed, [&names[1], &names[2]]);
    assert_eq!(leased.unwrap().count().unwrap(), 0);
    // It is opened again, with its picture.
    assert_eq!(collections.lease(&names[1]).unwrap().count().unwrap(), 1);
}

#[test]
fn a_file_or_a_damaged_catalogue_in_the_place_of_one_concerns_no_other() {
    let world = World::new();
    let (_folder, collections) = open(&world);
    for name in ["good", "bad"] {
        collections.create(&named(name)).unwrap();
    }
    fs::write(world.path("data/collections/taken"), "a letter").unwrap();
    let taken = error(collections.create(&named("taken")));
    assert_eq!(taken.code(), Code::StoreIo, "{taken}");
    let junk = resight_test_support::Random::new(1).bytes(4096, 255);
    fs::write(world.path("data/collections/bad/catalogue.sqlite3"), junk).unwrap();
    let bad = error(collections.lease(&named("bad")));
    assert_eq!(bad.code(), Code::StoreDamaged, "{bad}");

    let names = ["default", "bad", "good"].map(named);
    assert_eq!(collections.names().unwrap(), names);
    add(&collections.lease(&named("good")).unwrap().shared(), 1);
    // A damaged one can be removed.
    collections.remove(&named("bad")).unwrap();
}
