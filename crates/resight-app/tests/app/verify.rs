//! `verify`: everything that is stored is checked, and nothing is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use resight_app::data_folder;
use resight_app::{AppError, Code};
use resight_engine::{FindingKind, PictureId, Verification};
use rusqlite::Connection;

use crate::support::{World, add, error};

pub(crate) fn verified_folder(world: &World) -> Result<Verification, AppError> {
    let go = AtomicBool::new(false);
    data_folder::verify(&world.config(), &go, &mut |_, _| {})
}

fn verify(world: &World) -> Verification {
    verified_folder(world).unwrap()
}

fn kinds(checked: &Verification) -> Vec<FindingKind> {
    checked
        .findings
        .iter()
        .map(|finding| finding.kind)
        .collect()
}

fn blob(world: &World, kind: &str, id: &PictureId, end: &str) -> PathBuf {
    let shard = &id.as_str()[..2];
    world.path(&format!("data/blobs/{kind}/{shard}/{id}{end}"))
}

/// A data folder with three uploads, closed.
fn stored(world: &World) -> [PictureId; 3] {
    let folder = world.open();
    [1, 2, 3].map(|seed| add(&folder.library, seed))
}

fn change(world: &World, sql: &str) {
    let raw = Connection::open(world.path("data/catalogue.sqlite3")).unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}

/// Every file below a folder with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

#[test]
fn a_whole_folder_has_nothing_wrong_and_is_not_changed() {
    let world = World::new();
    stored(&world);
    let blobs = world.path("data/blobs");
    let before = (
        files(&blobs),
        fs::read(world.path("data/catalogue.sqlite3")).unwrap(),
    );
    let mut steps = Vec::new();
    let go = AtomicBool::new(false);
    let mut on_step = |done, total| steps.push((done, total));
    let checked = data_folder::verify(&world.config(), &go, &mut on_step).unwrap();
    assert_eq!(checked.findings, []);
    assert_eq!(
        (checked.pictures, checked.originals, checked.thumbnails),
        (3, 3, 3)
    );
    assert_eq!(steps, [(1, 3), (2, 3), (3, 3)]);
    let after = (
        files(&blobs),
        fs::read(world.path("data/catalogue.sqlite3")).unwrap(),
    );
    assert!(before == after, "something was changed");

    let stop = AtomicBool::new(true);
    let stopped = data_folder::verify(&world.config(), &stop, &mut |_, _| {});
    assert_eq!(error(stopped).code(), Code::Cancelled);
}

#[test]
fn each_damaged_file_is_named_with_its_kind() {
    let world = World::new();
    let [first, second, third] = stored(&world);
    let original = blob(&world, "originals", &first, "");
    let mut bytes = fs::read(&original).unwrap();
    bytes[40] ^= 1;
    fs::write(&original, bytes).unwrap();
    fs::remove_file(blob(&world, "originals", &second, "")).unwrap();
    fs::write(blob(&world, "thumbnails", &third, ".jpg"), b"no picture").unwrap();
    // One that is missing is made again when it is asked for.
    fs::remove_file(blob(&world, "thumbnails", &first, ".jpg")).unwrap();
    let checked = verify(&world);
    let mut found: Vec<_> = checked
        .findings
        .iter()
        .map(|finding| (finding.kind.as_str(), finding.thing.as_str()))
        .collect();
    found.sort_unstable();
    let at =
        |kind: &str, id: &PictureId, end: &str| format!("{kind}/{}/{id}{end}", &id.as_str()[..2]);
    let (damaged, picture) = (
        at("originals", &first, ""),
        at("thumbnails", &third, ".jpg"),
    );
    let wanted = [
        ("original_damaged", damaged.as_str()),
        ("original_missing", second.as_str()),
        ("thumbnail_damaged", picture.as_str()),
    ];
    assert_eq!(found, wanted);
    assert_eq!((checked.originals, checked.thumbnails), (2, 2));
}

#[test]
fn rows_that_cannot_be_decoded_are_named() {
    let world = World::new();
    stored(&world);
    change(
        &world,
        "UPDATE features SET bytes = substr(bytes, 1, 99) WHERE key = 1",
    );
    change(&world, "UPDATE words SET bytes = x'00' WHERE key = 2");
    change(
        &world,
        "UPDATE picture SET feature_count = feature_count + 1 WHERE key = 3",
    );
    let features = FindingKind::FeaturesDamaged;
    let record = FindingKind::RecordDamaged;
    assert_eq!(
        kinds(&verify(&world)),
        [features, FindingKind::WordsDamaged, record]
    );
    // Those of an earlier version have no checksums.
    change(
        &world,
        "UPDATE picture SET row_sum = NULL, features_sum = NULL, words_sum = NULL",
    );
    let checked = verify(&world);
    assert_eq!(
        kinds(&checked),
        [features, FindingKind::WordsDamaged, features]
    );
    assert_eq!(checked.without_checksums, 3);
}

#[test]
fn files_without_a_record_are_named() {
    let world = World::new();
    let [first, ..] = stored(&world);
    change(&world, &format!("DELETE FROM picture WHERE id = '{first}'"));
    let wanted = [
        FindingKind::OriginalUnrecorded,
        FindingKind::ThumbnailUnrecorded,
    ];
    assert_eq!(kinds(&verify(&world)), wanted);
}

#[test]
fn pages_that_were_written_over_are_found() {
    let world = World::new();
    stored(&world);
    let path = world.path("data/catalogue.sqlite3");
    let mut bytes = fs::read(&path).unwrap();
    let (page, pages) = (8192, bytes.len() / 8192);
    bytes[(pages - 8) * page..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(kinds(&verify(&world)).contains(&FindingKind::CatalogueDamaged));
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_rest_is_checked() {
    let world = World::new();
    let [first, ..] = stored(&world);
    for (kind, end) in [("originals", ""), ("thumbnails", ".jpg")] {
        let path = blob(&world, kind, &first, end);
        fs::remove_file(&path).unwrap();
        // A link to itself: the operating system refuses to read it.
        std::os::unix::fs::symlink(&path, &path).unwrap();
    }
    let checked = verify(&world);
    let wanted = [FindingKind::OriginalDamaged, FindingKind::ThumbnailDamaged];
    assert_eq!(kinds(&checked), wanted);
    assert_eq!(checked.pictures, 3);
}

#[test]
fn the_thumbnail_of_a_long_picture_is_whole() {
    let world = World::new();
    let folder = world.open();
    let long = resight_test_support::png(&resight_test_support::textured(3200, 100, 1));
    let indexer = resight_engine::Indexer::new(folder.library.clone());
    indexer.add(&long, "long.png").unwrap();
    drop(folder);
    let checked = verify(&world);
    assert_eq!((checked.findings, checked.thumbnails), (vec![], 1));
}
