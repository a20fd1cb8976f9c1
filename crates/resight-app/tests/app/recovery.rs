//! What opening a data folder for changes does about files that the catalogue does not know.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use resight_app::Code;
use resight_app::collections::Collections;
use resight_app::data_folder::{WritableFolder, open_for_listing, open_for_removing};
use resight_engine::{EngineError, Indexer, PictureId, Recovery};
use resight_store::{Change, Changes, SqliteCatalogue};

use crate::support::{World, add, error, named, picture, until, verified};

fn recover(folder: &WritableFolder) -> Recovery {
    folder.recover_uploads(&AtomicBool::new(false)).unwrap()
}

fn original(world: &World, id: &PictureId) -> PathBuf {
    let shard = &id.as_str()[..2];
    world.path(&format!("data/blobs/originals/{shard}/{id}"))
}

fn thumbnail(world: &World, id: &PictureId) -> PathBuf {
    let shard = &id.as_str()[..2];
    world.path(&format!("data/blobs/thumbnails/{shard}/{id}.jpg"))
}

/// As a kill leaves it: the folder's blobs are marked as open.
fn mark_as_killed(world: &World) {
    fs::write(world.path("data/blobs/+open"), b"").unwrap();
}

fn remove_catalogue(data: &Path) {
    for file in [
        "catalogue.sqlite3",
        "catalogue.sqlite3-wal",
        "catalogue.sqlite3-shm",
    ] {
        let _ = fs::remove_file(data.join(file));
    }
}

#[test]
fn uploads_of_a_lost_catalogue_are_added_again() {
    let world = World::new();
    let folder = world.open();
    let kept = [1, 2].map(|seed| add(&folder.library, seed));
    let removed = add(&folder.library, 3);
    folder
        .library
        .remove(std::slice::from_ref(&removed))
        .unwrap();
    drop(folder);
    remove_catalogue(&world.path("data"));

    let lost = error(open_for_listing(&world.config(), true));
    assert_eq!(lost.code(), Code::CatalogueLost);
    assert_eq!(
        error(open_for_removing(&world.config())).code(),
        Code::CatalogueLost
    );
    let folder = world.open();
    let all = Recovery {
        found: 2,
        recovered: 2,
        unusable: 0,
    };
    assert_eq!(recover(&folder), all);
    assert_eq!(recover(&folder), Recovery::default());
    assert_eq!(folder.library.count().unwrap(), 2);
    for (seed, id) in [1, 2].into_iter().zip(&kept) {
        assert_eq!(verified(&folder.library, seed), std::slice::from_ref(id));
        assert_eq!(folder.library.picture(id).unwrap().name, id.as_str());
    }
    // A removal of a picture that was added again is for good.
    folder.library.remove(&kept[..1]).unwrap();
    drop(folder);
    assert_eq!(recover(&world.open()), Recovery::default());
}

#[test]
fn uploads_that_the_catalogue_has_forgotten_are_added_again() {
    let world = World::new();
    let folder = world.open();
    let first = add(&folder.library, 1);
    drop(folder);
    let before = fs::read(world.path("data/catalogue.sqlite3")).unwrap();
    let folder = world.open();
    let second = add(&folder.library, 2);
    drop(folder);
    fs::write(world.path("data/catalogue.sqlite3"), before).unwrap();

    let folder = world.open();
    assert_eq!(recover(&folder).recovered, 1);
    assert_eq!(verified(&folder.library, 2), [second]);
    assert_eq!(verified(&folder.library, 1), [first]);
}

#[test]
fn a_damaged_upload_is_not_added_and_stays() {
    let world = World::new();
    let folder = world.open();
    let id = add(&folder.library, 1);
    drop(folder);
    remove_catalogue(&world.path("data"));
    fs::write(original(&world, &id), picture(2)).unwrap();
    let folder = world.open();
    let none = Recovery {
        found: 1,
        recovered: 0,
        unusable: 1,
    };
    assert_eq!(recover(&folder), none);
    assert_eq!(folder.library.count().unwrap(), 0);
    assert!(original(&world, &id).exists());
    let refused =
        Indexer::new(folder.library.clone()).recover_uploads(&AtomicBool::new(true), &mut |_| {});
    assert!(matches!(refused, Err(EngineError::Cancelled)));
}

#[test]
fn thumbnails_of_pictures_that_were_never_stored_go_after_a_kill() {
    let world = World::new();
    let folder = world.open();
    let stored = add(&folder.library, 1);
    drop(folder);
    let never = PictureId::parse(&"ab".repeat(16)).unwrap();
    let stray = thumbnail(&world, &never);
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, b"a thumbnail").unwrap();
    // After a clean end nobody looks.
    drop(world.open());
    assert!(stray.exists());
    mark_as_killed(&world);
    drop(world.open());
    assert!(!stray.exists());
    assert!(thumbnail(&world, &stored).exists());
}

#[test]
fn a_removal_that_a_kill_cut_short_is_finished_before_uploads_are_looked_for() {
    let world = World::new();
    let folder = world.open();
    let id = add(&folder.library, 1);
    let file = original(&world, &id);
    let bytes = fs::read(&file).unwrap();
    drop(folder);
    remove_record(&world, &id);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let folder = world.open();
    assert!(!file.exists());
    assert_eq!(recover(&folder), Recovery::default());
    assert_eq!(folder.library.count().unwrap(), 0);
}

/// Removes a picture in the catalogue alone, as a kill before the deletion of its files leaves it.
fn remove_record(world: &World, id: &PictureId) {
    let catalogue = SqliteCatalogue::open(&world.path("data")).unwrap();
    catalogue.commit(vec![Change::Remove(id.clone())]).unwrap();
}

#[test]
fn a_collection_recovers_its_uploads_when_it_is_opened() {
    let world = World::new();
    let folder = world.open();
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("a")).unwrap();
    let id = add(&collections.lease(&named("a")).unwrap().shared(), 1);
    drop((collections, folder));
    remove_catalogue(&world.path("data/collections/a"));

    let folder = world.open();
    let collections = Collections::beside(&folder, &world.config());
    assert_eq!(collections.names().unwrap(), [named("default"), named("a")]);
    let lease = collections.lease(&named("a")).unwrap();
    until("the upload", || lease.count().unwrap() == 1);
    assert_eq!(verified(&lease.shared(), 1), [id]);
}
