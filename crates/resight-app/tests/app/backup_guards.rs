//! What backups and restored folders are guarded against.

use std::fs;

use resight_app::backup::{BackupOptions, backup};
use resight_app::collections::Collections;
use resight_app::config::Config;
use resight_app::{Code, data_folder};

use crate::backup::{OPTIONS, back_up, elsewhere, files, go, restored_to};
use crate::support::{World, add, error, named};

#[test]
fn a_collection_that_goes_while_its_files_are_copied_is_not_in_the_backup() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("museum")).unwrap();
    let lease = collections.lease(&named("museum")).unwrap();
    for seed in 2..5 {
        add(&lease.shared(), seed);
    }
    drop(lease);
    let mut steps = 0;
    let config = world.config();
    let target = world.path("backup");
    let made = backup(&config, &target, OPTIONS, &go(), &mut |_, _| {
        steps += 1;
        // The picture of the default collection, and one of the three others.
        if steps == 2 {
            collections.remove(&named("museum")).unwrap();
        }
    });
    let made = made.unwrap();
    assert_eq!((made.collections, made.pictures, made.files), (1, 1, 3));
    let restored = restored_to(&world, "again").unwrap();
    assert_eq!((restored.collections, restored.files), (1, 3));
    assert!(!world.path("again/collections/museum").exists());
    assert_eq!(back_up(&world).copied, 0);
}

#[test]
fn a_backup_of_another_or_an_emptied_folder_is_refused_and_deletes_nothing() {
    let world = World::new();
    let folder = world.open();
    let id = add(&folder.library, 1);
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("museum")).unwrap();
    add(&collections.lease(&named("museum")).unwrap().shared(), 2);
    back_up(&world);
    let whole = files(&world.path("backup/files"));
    let target = world.path("backup");
    let try_it = |config: &Config, options| backup(config, &target, options, &go(), &mut |_, _| {});
    let refused = |config: &Config, why: &str| {
        let error = error(try_it(config, OPTIONS));
        assert_eq!(error.code(), Code::BackupOfAnother);
        assert!(error.to_string().contains(why), "{error}");
        // Files of the refused one may be beside them.
        let now = files(&world.path("backup/files"));
        assert!(
            whole
                .iter()
                .all(|(path, bytes)| now.get(path) == Some(bytes))
        );
    };
    let open = |config: &Config| data_folder::open_for_writing(config, &Default::default());
    // No named collection.
    let other = elsewhere(&world, "other");
    let other_folder = open(&other).unwrap();
    add(&other_folder.library, 1);
    refused(&other, "no named collection");
    // Another folder.
    let its_collections = Collections::beside(&other_folder, &other);
    its_collections.create(&named("x")).unwrap();
    add(&its_collections.lease(&named("x")).unwrap().shared(), 3);
    other_folder
        .library
        .remove(std::slice::from_ref(&id))
        .unwrap();
    add(&other_folder.library, 4);
    refused(&other, "no picture that the backup has");
    // Empty collections, with a file that was left behind.
    its_collections.remove(&named("x")).unwrap();
    its_collections.create(&named("x")).unwrap();
    drop(its_collections.lease(&named("x")).unwrap());
    let all = other_folder.library.pictures(0, 9).unwrap();
    let ids: Vec<_> = all.into_iter().map(|stored| stored.id).collect();
    other_folder.library.remove(&ids).unwrap();
    let left = format!("blobs/originals/{}/{id}", &id.as_str()[..2]);
    let left = world.path("other").join(left);
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "left").unwrap();
    refused(&other, "no pictures, and the backup has 2");

    let replace = BackupOptions {
        replace: true,
        ..OPTIONS
    };
    assert_eq!(try_it(&other, replace).unwrap().pictures, 0);
    // A backup of nothing gives way.
    back_up(&world);
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 2);
}

#[test]
fn a_folder_inside_the_backup_is_not_restored_to() {
    let world = World::new();
    add(&world.open().library, 1);
    back_up(&world);
    for place in ["backup/x", "backup/files/x", ""] {
        let refused = error(restored_to(&world, place));
        assert_eq!(refused.code(), Code::RestoreTarget, "{place}");
        assert!(refused.to_string().contains("lies in the other"), "{place}");
    }
    back_up(&world);
}

#[test]
#[cfg(unix)]
fn links_are_neither_restored_to_nor_followed() {
    let world = World::new();
    add(&world.open().library, 1);
    back_up(&world);
    fs::create_dir(world.path("letters")).unwrap();
    let letter = world.path("letters/a.txt");
    fs::create_dir(world.path("empty")).unwrap();
    std::os::unix::fs::symlink(world.path("empty"), world.path("link")).unwrap();
    let mut steps = 0;
    let to_link = elsewhere(&world, "link");
    let tried =
        resight_app::backup::restore(&to_link, &world.path("backup"), &go(), &mut |_, _| {
            steps += 1;
        });
    assert_eq!((error(tried).code(), steps), (Code::RestoreTarget, 0));
    // What is behind a link in place of the unfinished folder is not deleted.
    fs::write(&letter, "a").unwrap();
    let unfinished = world.path(".again.restoring");
    std::os::unix::fs::symlink(world.path("letters"), &unfinished).unwrap();
    assert_eq!(error(restored_to(&world, "again")).code(), Code::Unwritable);
    assert_eq!(fs::read(&letter).unwrap(), b"a");
    fs::remove_file(&unfinished).unwrap();
    restored_to(&world, "again").unwrap();
}

#[test]
#[cfg(unix)]
fn backups_and_restored_folders_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &std::path::Path) {
        let found = fs::metadata(path).unwrap();
        let wanted = if found.is_dir() { 0o700 } else { 0o600 };
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode, wanted, "{}", path.display());
        if found.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                check(&entry.unwrap().path());
            }
        }
    }
    let world = World::new();
    add(&world.open().library, 1);
    back_up(&world);
    check(&world.path("backup"));
    restored_to(&world, "again").unwrap();
    for name in ["catalogue.sqlite3", "blobs"] {
        check(&world.path("again").join(name));
    }
}
