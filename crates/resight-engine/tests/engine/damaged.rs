//! Rows that have changed behind the catalogue's back.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{
    Components, EngineOptions, FolderOptions, FolderReport, ForgetOptions, LabelPatch, Query,
    SearchOptions, Tag, TrainPlan, train_from_library,
};
use resight_store::SqliteCatalogue;

use crate::support::{Bench, parts, picture};

fn open(root: &Path) -> Bench {
    let components = Components {
        catalogue: Arc::new(SqliteCatalogue::open(root).unwrap()),
        ..parts(root)
    };
    Bench::open(components, EngineOptions::default()).unwrap()
}

fn change(root: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(root.join("catalogue.sqlite3")).unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}

/// A library of the files `0.png` to `3.png`, closed.
fn filled(root: &Path) {
    fs::create_dir(root.join("lib")).unwrap();
    for number in 0..4 {
        fs::write(root.join(format!("lib/{number}.png")), picture(number, 0)).unwrap();
    }
    let bench = open(root);
    assert_eq!(index(&bench, root).indexed, 4);
}

fn index(bench: &Bench, root: &Path) -> FolderReport {
    let go = AtomicBool::new(false);
    let options = FolderOptions::default();
    let indexer = &bench.indexer;
    let report = indexer.index_folder(&root.join("lib"), &options, &go, &mut |_| {});
    report.unwrap()
}

#[test]
fn words_that_are_damaged_are_assigned_again() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let hits = || {
        let bench = open(root.path());
        let query = picture(2, 9);
        let answer = bench
            .searcher
            .search(Query::Bytes(&query), &SearchOptions::default());
        let hits = answer.unwrap().hits.into_iter();
        hits.map(|hit| (hit.picture.id, hit.inliers, hit.log10_nfa))
            .collect::<Vec<_>>()
    };
    let before = hits();
    change(
        root.path(),
        "UPDATE words SET bytes = zeroblob(length(bytes))",
    );
    assert_eq!(hits(), before);
}

#[test]
fn a_picture_whose_features_and_words_are_damaged_does_not_keep_the_library_from_opening() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    change(root.path(), "UPDATE words SET bytes = x'00' WHERE key = 2");
    change(
        root.path(),
        "UPDATE features SET bytes = x'00' WHERE key = 2",
    );
    let bench = open(root.path());
    let stored = bench.library.pictures(0, 9).unwrap();
    let damaged = stored
        .iter()
        .find(|picture| picture.name == "1.png")
        .unwrap();
    let query = Query::Stored(&damaged.id);
    let error = bench
        .searcher
        .search(query, &SearchOptions::default())
        .unwrap_err();
    assert_eq!(error.code(), "picture_damaged");
    bench
        .library
        .remove(std::slice::from_ref(&damaged.id))
        .unwrap();
    assert_eq!(index(&bench, root.path()).indexed, 1);
}

#[test]
fn a_damaged_record_does_not_stop_the_indexing_of_others_and_keeps_its_picture() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    change(root.path(), "UPDATE picture SET name = 'x' WHERE key = 2");
    // All files are read again.
    for number in 0..5 {
        let path = root.path().join(format!("lib/{number}.png"));
        fs::write(path, picture(number, 0)).unwrap();
    }
    let bench = open(root.path());
    let report = index(&bench, root.path());
    assert_eq!(
        (report.indexed, report.same_bytes, report.refused),
        (1, 3, 1)
    );
    assert_eq!(bench.library.count().unwrap(), 5);
}

#[test]
fn a_damaged_record_does_not_stop_pairing_and_converting() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    change(root.path(), "UPDATE picture SET name = 'x' WHERE key = 2");
    let bench = open(root.path());
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    let plan = TrainPlan {
        words: Some(64),
        ..TrainPlan::default()
    };
    let own = train_from_library(&bench.library, &plan, &go, &mut |_| {}).unwrap();
    let own = Arc::new(own);
    bench.library.convert(&own, &go, &mut |_| {}).unwrap();
    assert_eq!(bench.library.vocabulary().id(), own.id());
}

#[test]
fn damaged_features_do_not_stop_a_conversion() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let bench = open(root.path());
    let go = AtomicBool::new(false);
    let plan = TrainPlan {
        words: Some(64),
        ..TrainPlan::default()
    };
    let own = train_from_library(&bench.library, &plan, &go, &mut |_| {}).unwrap();
    let own = Arc::new(own);
    change(
        root.path(),
        "UPDATE features SET bytes = x'00' WHERE key = 2",
    );
    bench.library.convert(&own, &go, &mut |_| {}).unwrap();
    assert_eq!(bench.library.vocabulary().id(), own.id());
}

#[test]
fn a_damaged_record_does_not_stop_a_run_that_labels() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    change(root.path(), "UPDATE picture SET name = 'x' WHERE key = 2");
    let bench = open(root.path());
    let options = FolderOptions {
        labels: LabelPatch {
            add_tags: vec![Tag::parse("a").unwrap()],
            ..LabelPatch::default()
        },
        ..FolderOptions::default()
    };
    let go = AtomicBool::new(false);
    let dir = root.path().join("lib");
    let report = bench
        .indexer
        .index_folder(&dir, &options, &go, &mut |_| {})
        .unwrap();
    assert_eq!(report.unchanged, 4);
    let raw = rusqlite::Connection::open(root.path().join("catalogue.sqlite3")).unwrap();
    let tagged = raw.query_row("SELECT COUNT(*) FROM tag", [], |row| row.get::<_, i64>(0));
    assert_eq!(tagged.unwrap(), 3);
}

#[test]
fn a_replaced_picture_stays_while_a_file_cannot_be_read() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let lib = root.path().join("lib");
    fs::write(lib.join("0.png"), picture(7, 0)).unwrap();
    // A link to itself cannot be read, and nobody knows what was there.
    let unread = lib.join("unread.png");
    std::os::unix::fs::symlink(&unread, &unread).unwrap();
    let bench = open(root.path());
    assert_eq!(index(&bench, root.path()).indexed, 1);
    assert_eq!(bench.library.count().unwrap(), 5);
    fs::remove_file(&unread).unwrap();
    index(&bench, root.path());
    assert_eq!(bench.library.count().unwrap(), 4);
}

#[test]
fn a_folder_that_is_forgotten_with_its_pictures_takes_replaced_ones_along() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let lib = fs::canonicalize(root.path().join("lib")).unwrap();
    fs::write(lib.join("0.png"), picture(7, 0)).unwrap();
    let unread = lib.join("unread.png");
    std::os::unix::fs::symlink(&unread, &unread).unwrap();
    let bench = open(root.path());
    index(&bench, root.path());
    let options = ForgetOptions {
        prune: true,
        ..ForgetOptions::default()
    };
    let forgotten = bench.library.forget_paths(&[lib], options).unwrap();
    assert_eq!(forgotten.removed, 5);
    assert_eq!(bench.library.count().unwrap(), 0);
}

#[test]
fn a_replaced_picture_that_is_damaged_does_not_keep_others_from_being_removed() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let lib = root.path().join("lib");
    for number in [0, 1] {
        let path = lib.join(format!("{number}.png"));
        fs::write(path, picture(7 + number, 0)).unwrap();
    }
    let unread = lib.join("unread.png");
    std::os::unix::fs::symlink(&unread, &unread).unwrap();
    let bench = open(root.path());
    index(&bench, root.path());
    assert_eq!(bench.library.count().unwrap(), 6);
    change(root.path(), "UPDATE picture SET name = 'x' WHERE key = 1");
    fs::remove_file(&unread).unwrap();
    index(&bench, root.path());
    assert_eq!(bench.library.count().unwrap(), 5);
}
