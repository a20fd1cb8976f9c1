//! Backups that are made beside a writer, and data folders from them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use resight_app::backup::{BackupOptions, BackupReport, Restored, backup, restore};
use resight_app::collections::Collections;
use resight_app::config::{Config, Settings};
use resight_app::{AppError, Code, data_folder};
use resight_engine::{
    Duplicates, Indexer, LabelPatch, Library, Picture, Query, SearchOptions, Tag,
};
use resight_models::Choice;
use resight_test_support::onnx::{colour_manifest, colour_net};
use std::sync::Arc;

use crate::support::{World, add, ask, error, learn, named, picture};
use crate::verify::verified_folder;

pub(crate) const OPTIONS: BackupOptions = BackupOptions {
    check: false,
    replace: false,
};

pub(crate) fn go() -> AtomicBool {
    AtomicBool::new(false)
}

pub(crate) fn back_up(world: &World) -> BackupReport {
    backup(
        &world.config(),
        &world.path("backup"),
        OPTIONS,
        &go(),
        &mut |_, _| {},
    )
    .unwrap()
}

/// Settings with another data folder.
pub(crate) fn elsewhere(world: &World, data: &str) -> Config {
    Config::new(Settings {
        data: Some(world.path(data)),
        ..world.settings()
    })
    .unwrap()
}

pub(crate) fn restored_to(world: &World, data: &str) -> Result<Restored, AppError> {
    restore(
        &elsewhere(world, data),
        &world.path("backup"),
        &go(),
        &mut |_, _| {},
    )
}

/// What the library says of each picture, and which hits a search by it has.
type Answers = Vec<(Picture, Vec<(Picture, usize, bool, Option<f64>)>)>;

fn answers(library: &Arc<Library>) -> Answers {
    let all = library.pictures(0, 999).unwrap();
    let each = all.into_iter().map(|stored| {
        let answer = ask(
            library,
            Query::Stored(&stored.id),
            &SearchOptions::default(),
        )
        .unwrap();
        let facts =
            |hit: resight_engine::Hit| (hit.picture, hit.inliers, hit.verified, hit.log10_nfa);
        (stored, answer.hits.into_iter().map(facts).collect())
    });
    each.collect()
}

fn answers_of(config: &Config) -> Answers {
    answers(&data_folder::open_for_listing(config, false).unwrap())
}

/// Every file below a folder with its bytes.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn add_copy(library: &Arc<Library>, seed: u64) {
    let pixels = image::load_from_memory(&picture(seed)).unwrap().to_rgb8();
    let copy = resight_test_support::jpeg(&pixels, 80);
    Indexer::new(library.clone())
        .add(&copy, "copy.jpg")
        .unwrap();
}

#[test]
fn a_restored_folder_gives_the_answers_of_the_one_that_was_backed_up_beside_a_writer() {
    let world = World::new();
    let folder = world.open();
    let library = &folder.library;
    let ids = [1, 2, 3].map(|seed| {
        add_copy(library, seed);
        add(library, seed)
    });
    let pictures = world.path("pictures");
    fs::create_dir(&pictures).unwrap();
    fs::write(pictures.join("own.png"), picture(9)).unwrap();
    let indexer = Indexer::new(library.clone());
    let options = resight_engine::FolderOptions::default();
    indexer
        .index_folder(&pictures, &options, &go(), &mut |_| {})
        .unwrap();
    let patch = LabelPatch {
        add_tags: vec![Tag::parse("vase").unwrap()],
        ..LabelPatch::default()
    };
    library.label(vec![(ids[0].clone(), patch)]).unwrap();
    let duplicates = Duplicates::new(library.clone());
    duplicates.add_not_a_match(&ids[0], &ids[1]).unwrap();
    // Words of a vocabulary of its own.
    let vocabulary = learn(library, 64);
    folder
        .convert(&world.config(), &vocabulary, &go(), &mut |_| {})
        .unwrap();
    let collections = Collections::beside(&folder, &world.config());
    collections.create(&named("museum")).unwrap();
    let lease = collections.lease(&named("museum")).unwrap();
    add(&lease.shared(), 11);
    add_copy(&lease.shared(), 11);

    let report = back_up(&world);
    assert_eq!((report.collections, report.pictures), (2, 9), "{report:?}");
    let before = answers(library);
    assert!(before.iter().any(|(_, hits)| hits.iter().any(|hit| hit.2)));
    let of_museum = answers(&lease.shared());

    let restored = restored_to(&world, "again").unwrap();
    assert_eq!((restored.collections, restored.pictures), (2, 9));
    let config = elsewhere(&world, "again");
    assert!(answers_of(&config) == before);
    assert!(answers_of(&config.of_collection(&named("museum"))) == of_museum);
    let again = data_folder::open_for_writing(&config, &Default::default()).unwrap();
    assert!(answers(&again.library) == before);
    let decisions = Duplicates::new(again.library.clone());
    assert_eq!(decisions.not_matches(0, 9).unwrap().total, 1);
    assert_eq!(again.library.vocabulary().id(), vocabulary.id());
    for id in &ids {
        assert_eq!(
            again.library.file(id).unwrap().bytes,
            library.file(id).unwrap().bytes
        );
    }
    drop(again);
    let checked = data_folder::verify(&config, &go(), &mut |_, _| {}).unwrap();
    assert_eq!(checked.findings, []);
}

#[test]
fn a_second_backup_copies_what_is_new_and_deletes_what_is_gone() {
    let world = World::new();
    let folder = world.open();
    let first = add(&folder.library, 1);
    add(&folder.library, 2);
    let report = back_up(&world);
    // The catalogue, and a file and a thumbnail of each picture.
    assert_eq!((report.files, report.copied, report.deleted), (5, 5, 0));
    let report = back_up(&world);
    assert_eq!((report.files, report.copied, report.deleted), (5, 0, 0));
    add(&folder.library, 3);
    let report = back_up(&world);
    assert_eq!((report.files, report.copied, report.deleted), (7, 3, 1));
    folder.library.remove(&[first]).unwrap();
    let report = back_up(&world);
    assert_eq!((report.files, report.copied, report.deleted), (5, 1, 3));
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 2);
}

#[test]
fn files_of_a_backup_that_rotted_are_copied_again() {
    let world = World::new();
    add(&world.open().library, 1);
    back_up(&world);
    let whole = files(&world.path("backup/files"));
    let flip = |path: &Path, bytes: &[u8]| {
        let mut flipped = bytes.to_vec();
        flipped[bytes.len() / 2] ^= 1;
        fs::write(path, flipped).unwrap();
    };
    let checked = BackupOptions {
        check: true,
        ..OPTIONS
    };
    let target = world.path("backup");
    for (path, bytes) in &whole {
        flip(path, bytes);
        let made = backup(&world.config(), &target, checked, &go(), &mut |_, _| {});
        assert_eq!(made.unwrap().copied, 1, "{}", path.display());
        assert!(files(&world.path("backup/files")) == whole);
    }
    // The catalogue is read by every backup.
    let is_catalogue = |bytes: &&Vec<u8>| bytes.starts_with(b"SQLite format 3");
    let (path, bytes) = whole.iter().find(|(_, b)| is_catalogue(b)).unwrap();
    flip(path, bytes);
    assert_eq!(back_up(&world).copied, 1);
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 1);
}

#[test]
fn a_file_that_changed_under_the_same_name_is_copied_again() {
    let world = World::new();
    let id = add(&world.open().library, 1);
    back_up(&world);
    let shard = &id.as_str()[..2];
    let thumbnail = world.path(&format!("data/blobs/thumbnails/{shard}/{id}.jpg"));
    let length = fs::metadata(&thumbnail).unwrap().len() as usize;
    fs::write(&thumbnail, vec![7; length]).unwrap();
    assert_eq!(back_up(&world).copied, 1);
    restored_to(&world, "again").unwrap();
    let restored = world.path(&format!("again/blobs/thumbnails/{shard}/{id}.jpg"));
    assert_eq!(fs::read(restored).unwrap(), vec![7; length]);
}

#[test]
fn files_that_the_backup_before_has_are_not_read_whatever_the_collection_is_called() {
    let world = World::new();
    let folder = world.open();
    let collections = Collections::beside(&folder, &world.config());
    let mut all = Vec::new();
    for (seed, name) in (1..).zip(["blobs", "collections", "originals", "thumbnails"]) {
        collections.create(&named(name)).unwrap();
        let id = add(&collections.lease(&named(name)).unwrap().shared(), seed);
        let blobs = world.path(&format!("data/collections/{name}/blobs"));
        let shard = &id.as_str()[..2];
        all.push(blobs.join(format!("originals/{shard}/{id}")));
        all.push(blobs.join(format!("thumbnails/{shard}/{id}.jpg")));
    }
    back_up(&world);
    for path in &all {
        // Reading it would be noticed.
        let before = fs::metadata(path).unwrap();
        fs::write(path, vec![7; before.len() as usize]).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    }
    assert_eq!(back_up(&world).copied, 0);
}

#[test]
fn a_damaged_data_folder_takes_no_backup_s_place() {
    let world = World::new();
    let id = add(&world.open().library, 1);
    back_up(&world);
    let before = files(&world.path("backup/files"));
    let shard = &id.as_str()[..2];
    let original = world.path(&format!("data/blobs/originals/{shard}/{id}"));
    let whole = fs::read(&original).unwrap();
    let try_it = || {
        let tried = backup(
            &world.config(),
            &world.path("backup"),
            OPTIONS,
            &go(),
            &mut |_, _| {},
        );
        assert_eq!(files(&world.path("backup/files")), before);
        error(tried).code()
    };
    fs::remove_file(&original).unwrap();
    assert_eq!(try_it(), Code::BackupSource);
    fs::write(&original, picture(2)).unwrap();
    assert_eq!(try_it(), Code::BackupSource);
    fs::write(&original, whole).unwrap();
    let raw = rusqlite::Connection::open(world.path("data/catalogue.sqlite3")).unwrap();
    raw.execute("UPDATE words SET bytes = zeroblob(length(bytes))", [])
        .unwrap();
    drop(raw);
    assert_eq!(try_it(), Code::PictureDamaged);
    let tried = backup(
        &world.config(),
        &world.path("backup"),
        OPTIONS,
        &go(),
        &mut |_, _| {},
    );
    assert!(!error(tried).to_string().contains("unfinished"));
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 1);
}

#[test]
fn every_damaged_file_of_a_backup_is_refused_and_nothing_is_restored() {
    let world = World::new();
    add(&world.open().library, 1);
    back_up(&world);
    let all = files(&world.path("backup"));
    let of_content = all.iter().filter(|(path, _)| !path.ends_with("lock"));
    for (path, bytes) in of_content {
        let mut flipped = bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        fs::write(path, flipped).unwrap();
        let code = error(restored_to(&world, "again")).code();
        let is_manifest = path.ends_with("manifest.jsonl");
        let wanted = if is_manifest {
            Code::NoBackup
        } else {
            Code::BackupDamaged
        };
        assert_eq!(code, wanted, "{}", path.display());
        assert!(!world.path("again").exists());
        assert!(!world.path(".again.restoring").exists());
        fs::remove_file(path).unwrap();
        error(restored_to(&world, "again"));
        fs::write(path, bytes).unwrap();
    }
    // What was left of the attempts is in nobody's way.
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 1);
}

#[test]
fn folders_that_hold_something_else_are_refused() {
    let world = World::new();
    add(&world.open().library, 1);
    let try_it = |path: &Path| {
        let tried = backup(&world.config(), path, OPTIONS, &go(), &mut |_, _| {});
        error(tried).code()
    };
    fs::create_dir(world.path("letters")).unwrap();
    fs::write(world.path("letters/a.txt"), "a").unwrap();
    for place in ["letters", "data/backup", "data", ""] {
        assert_eq!(try_it(&world.path(place)), Code::BackupTarget, "{place}");
    }
    assert!(!world.path("data/backup").exists());
    back_up(&world);
    assert_eq!(
        error(restored_to(&world, "letters")).code(),
        Code::RestoreTarget
    );
    assert_eq!(
        error(restored_to(&world, "data")).code(),
        Code::RestoreTarget
    );
    fs::create_dir(world.path("empty")).unwrap();
    restored_to(&world, "empty").unwrap();
    let none = restore(
        &elsewhere(&world, "x"),
        &world.path("letters"),
        &go(),
        &mut |_, _| {},
    );
    assert_eq!(error(none).code(), Code::NoBackup);
    let nothing = backup(
        &elsewhere(&world, "no data"),
        &world.path("b"),
        OPTIONS,
        &go(),
        &mut |_, _| {},
    );
    assert_eq!(error(nothing).code(), Code::NothingIndexed);
    assert!(!world.path("b").exists());
}

#[test]
fn a_cancelled_backup_leaves_the_one_before() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    back_up(&world);
    add(&folder.library, 2);
    let stop = go();
    let tried = backup(
        &world.config(),
        &world.path("backup"),
        OPTIONS,
        &stop,
        &mut |_, _| {
            stop.store(true, Ordering::Relaxed);
        },
    );
    assert_eq!(error(tried).code(), Code::Cancelled);
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 1);
    assert_eq!(back_up(&world).pictures, 2);
}

#[test]
fn pictures_that_go_while_their_files_are_copied_are_not_in_the_backup() {
    let world = World::new();
    let folder = world.open();
    let ids = [1, 2, 3].map(|seed| add(&folder.library, seed));
    let mut is_first = true;
    let config = world.config();
    let made = backup(
        &config,
        &world.path("backup"),
        OPTIONS,
        &go(),
        &mut |_, _| {
            // The catalogue is copied, and the files of one picture.
            if std::mem::take(&mut is_first) {
                folder.library.remove(&ids[1..]).unwrap();
                add(&folder.library, 4);
            }
        },
    );
    assert_eq!(made.unwrap().pictures, 1);
    assert_eq!(restored_to(&world, "again").unwrap().pictures, 1);
    let config = elsewhere(&world, "again");
    let checked = data_folder::verify(&config, &go(), &mut |_, _| {}).unwrap();
    assert_eq!(checked.findings, []);
    let library = data_folder::open_for_listing(&config, false).unwrap();
    assert_eq!(library.pictures(0, 9).unwrap()[0].id, ids[0]);
}

#[test]
fn backups_beside_a_busy_writer_are_each_of_one_moment() {
    let world = World::new();
    let folder = world.open();
    add(&folder.library, 1);
    let stop = go();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each picture comes, and the one before goes.
            for seed in 2.. {
                let id = add(&folder.library, seed);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                folder.library.remove(&[id]).unwrap();
            }
        });
        for round in 0..6 {
            let report = back_up(&world);
            assert!((1..=2).contains(&report.pictures), "{report:?}");
            let data = format!("again{round}");
            restored_to(&world, &data).unwrap();
            let checked = data_folder::verify(&elsewhere(&world, &data), &go(), &mut |_, _| {});
            let checked = checked.unwrap();
            assert_eq!(checked.findings, [], "round {round}");
            assert_eq!(checked.pictures, report.pictures);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(verified_folder(&world).unwrap().findings, []);
}

#[test]
fn models_are_backed_up_by_their_description() {
    let world = World::new();
    world.install("colour", &colour_manifest("colour", ""), &colour_net());
    let config = Config::new(Settings {
        with_models: vec!["colour".into()],
        ..world.settings()
    })
    .unwrap();
    let folder = data_folder::open_for_writing(&config, &Default::default()).unwrap();
    add(&folder.library, 1);
    drop(folder);
    back_up(&world);
    assert_eq!(restored_to(&world, "here").unwrap().missing_models, [""; 0]);
    let other = Config::new(Settings {
        data: Some(world.path("there")),
        models: Some(world.path("no models")),
        runtime: Choice::BuiltIn,
        ..Settings::default()
    });
    let restored = restore(
        &other.unwrap(),
        &world.path("backup"),
        &go(),
        &mut |_, _| {},
    );
    assert_eq!(restored.unwrap().missing_models, ["colour"]);
    let described = world.path("there/restored-models/colour.toml");
    assert_eq!(
        fs::read(described).unwrap(),
        fs::read(world.path("models/colour/model.toml")).unwrap()
    );
}
