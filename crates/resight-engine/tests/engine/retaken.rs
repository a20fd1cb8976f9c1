//! Pictures that are described again: their pages were not stored, or something of them is damaged.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use resight_engine::{
    Components, EngineOptions, FindingKind, FolderOptions, FolderReport, LabelPatch, Picture, Tag,
    Verification, repair, verify,
};
use resight_test_support::{animated_gif, animated_png, png, tiff_pages};

use resight_vision::Fault;

use crate::extractors::{Moody, error};
use crate::support::{Bench, on_disk, page};
use crate::views::{album, number, pages, search};

/// A library as a version of the program leaves it that describes so many pages of a file.
fn opened(root: &Path, most_views: u32) -> Bench {
    let options = EngineOptions {
        most_views,
        ..EngineOptions::default()
    };
    Bench::open(on_disk(root), options).unwrap()
}

fn all_views(root: &Path) -> Bench {
    opened(root, EngineOptions::default().most_views)
}

fn index(bench: &Bench, root: &Path, reread: bool) -> FolderReport {
    let options = FolderOptions {
        reread,
        ..FolderOptions::default()
    };
    let go = AtomicBool::new(false);
    let indexer = &bench.indexer;
    let report = indexer.index_folder(&root.join("lib"), &options, &go, &mut |_| {});
    report.unwrap()
}

/// A folder of files with several pages, and of others.
fn folder(root: &Path) {
    let lib = root.join("lib");
    fs::create_dir(&lib).unwrap();
    fs::write(lib.join("album.tif"), album(&[1, 2, 3])).unwrap();
    fs::write(lib.join("frames.gif"), animated_gif(&pages(&[4, 5]))).unwrap();
    fs::write(lib.join("frames.png"), animated_png(&pages(&[6, 7]))).unwrap();
    fs::write(lib.join("still.gif"), animated_gif(&pages(&[8, 8]))).unwrap();
    fs::write(lib.join("single.tif"), tiff_pages(&pages(&[9]))).unwrap();
    fs::write(lib.join("single.png"), png(&page(10))).unwrap();
}

/// What searches by the pages find first, with page or frame.
fn found(bench: &Bench) -> Vec<(String, Option<u32>)> {
    let first = |page| {
        let answer = search(bench, page);
        let mut verified = answer.hits.iter().filter(|hit| hit.verified);
        let hit = verified.next();
        assert!(verified.next().is_none(), "a picture is found once");
        hit.map(|hit| (hit.picture.name.clone(), number(hit)))
    };
    (1..=10).filter_map(first).collect()
}

fn named(bench: &Bench, name: &str) -> Picture {
    let all = bench.library.pictures(0, 99).unwrap();
    all.into_iter().find(|one| one.name == name).unwrap()
}

fn checked(root: &Path) -> Verification {
    let go = AtomicBool::new(false);
    let options = EngineOptions::default();
    verify(&on_disk(root), &options, &go, &mut |_, _| {}).unwrap()
}

fn change(root: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(root.join("catalogue.sqlite3")).unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}

const EACH: [(&str, Option<u32>); 10] = [
    ("album.tif", Some(1)),
    ("album.tif", Some(2)),
    ("album.tif", Some(3)),
    ("frames.gif", Some(1)),
    ("frames.gif", Some(2)),
    ("frames.png", Some(1)),
    ("frames.png", Some(2)),
    ("still.gif", None),
    ("single.tif", None),
    ("single.png", None),
];

fn expected() -> Vec<(String, Option<u32>)> {
    let each = EACH.iter();
    each.map(|(name, page)| ((*name).to_owned(), *page))
        .collect()
}

#[test]
fn pages_that_an_earlier_version_left_out_are_taken_when_files_are_read_again() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    folder(root);
    let before = {
        let bench = opened(root, 1);
        assert_eq!(index(&bench, root, false).indexed, 6);
        assert_eq!(found(&bench).len(), 6, "the first pages alone");
        let album = named(&bench, "album.tif");
        let patch = LabelPatch {
            add_tags: vec![Tag::parse("kept").unwrap()],
            ..LabelPatch::default()
        };
        bench
            .library
            .label(vec![(album.id.clone(), patch)])
            .unwrap();
        let frames = named(&bench, "frames.gif");
        let duplicates = &bench.duplicates;
        duplicates.add_not_a_match(&album.id, &frames.id).unwrap();
        named(&bench, "album.tif")
    };
    let bench = all_views(root);
    assert_eq!(index(&bench, root, false).retaken, 0, "unchanged files");
    let report = index(&bench, root, true);
    assert_eq!(
        (report.retaken, report.same_bytes, report.indexed),
        (3, 6, 0)
    );
    assert_eq!(found(&bench), expected());
    assert_eq!(bench.library.count().unwrap(), 6);
    assert_eq!(named(&bench, "album.tif"), before, "id, labels and times");
    let not_a_match = bench.duplicates.not_matches(0, 9).unwrap();
    assert_eq!(not_a_match.pairs.len(), 1);
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    assert_eq!(
        bench
            .duplicates
            .groups(&Default::default())
            .unwrap()
            .pending,
        0
    );
    // Nothing is lacking any more, in this process or the next.
    assert_eq!(index(&bench, root, true).retaken, 0);
    drop(bench);
    let bench = all_views(root);
    assert_eq!(index(&bench, root, false).unchanged, 6);
    assert_eq!(found(&bench), expected());
    assert_eq!(checked(root).findings, []);
    bench.library.remove(&[before.id]).unwrap();
    assert_eq!(found(&bench), expected()[3..]);
}

#[test]
fn a_file_that_has_moved_brings_its_pages() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    folder(root);
    index(&opened(root, 1), root, false);
    fs::rename(root.join("lib/album.tif"), root.join("lib/moved.tif")).unwrap();
    let bench = all_views(root);
    let report = index(&bench, root, true);
    assert_eq!((report.retaken, report.moved, report.missing), (3, 1, 0));
    let album = named(&bench, "album.tif");
    assert_eq!(album.sources.len(), 1);
    assert!(album.sources[0].ends_with("moved.tif"));
    assert_eq!(found(&bench), expected());
}

#[test]
fn what_is_damaged_of_a_picture_is_described_again() {
    let cases = [
        "UPDATE view_features SET bytes = zeroblob(length(bytes)) WHERE key = 3",
        "DELETE FROM view_features WHERE key = 3",
        "UPDATE picture_view SET width = 9 WHERE key = 3",
        "DELETE FROM picture_view WHERE key = 3",
        "UPDATE features SET bytes = zeroblob(length(bytes)) WHERE key = 1",
    ];
    for sql in cases {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        folder(root);
        index(&all_views(root), root, false);
        change(root, sql);
        let bench = all_views(root);
        assert_eq!(index(&bench, root, false).retaken, 0, "{sql}");
        assert_eq!(index(&bench, root, true).retaken, 1, "{sql}");
        assert_eq!(found(&bench), expected(), "{sql}");
        drop(bench);
        assert_eq!(checked(root).findings, [], "{sql}");
        assert_eq!(found(&all_views(root)), expected(), "{sql}");
    }
}

#[test]
fn a_page_that_cannot_be_read_now_costs_none_that_is_stored() {
    let features = "DELETE FROM view_features WHERE key = 2";
    let record = "UPDATE picture_view SET width = 9 WHERE key = 2";
    let cases = [
        (features, 3, 0),
        (features, 2, 1),
        (features, 4, 1),
        (record, 3, 0),
        (record, 2, 1),
        (record, 4, 1),
    ];
    for (damage, failing, retaken) in cases {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        folder(root);
        index(&all_views(root), root, false);
        // Page 2 is to be described again.
        change(root, damage);
        let moody = Moody::new();
        let parts = Components {
            extractor: moody.clone(),
            ..on_disk(root)
        };
        let bench = Bench::open(parts, EngineOptions::default()).unwrap();
        let asked = AtomicU32::new(0);
        moody.fails(move |_| {
            let page = asked.fetch_add(1, Ordering::SeqCst) + 1;
            (page == failing).then(|| error(Fault::Picture))
        });
        let report = index(&bench, root, true);
        assert_eq!(report.retaken, retaken, "{damage}, page {failing} fails");
        moody.fails(|_| None);
        if damage == record && retaken == 0 {
            // Nothing can be searched beside a damaged record; the sound page is there.
            drop(bench);
            change(root, "UPDATE picture_view SET width = width WHERE key = 3");
            continue;
        }
        let page_3 = ("album.tif".to_owned(), Some(3));
        assert!(
            found(&bench).contains(&page_3),
            "{damage}, page {failing} fails"
        );
    }
}

#[test]
fn a_damaged_record_of_a_page_is_repaired() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    folder(root);
    let before = {
        let bench = all_views(root);
        index(&bench, root, false);
        named(&bench, "album.tif")
    };
    change(root, "UPDATE picture_view SET width = 9 WHERE key = 3");
    let repaired = || {
        let findings = checked(root).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].kind, FindingKind::PageDamaged);
        assert_eq!(findings[0].thing, before.id.as_str());
        let go = AtomicBool::new(false);
        let options = EngineOptions::default();
        repair(&on_disk(root), &options, &findings, &go, &mut |_, _| {}).unwrap()
    };
    // Without the file there is nothing to rebuild it from.
    let file = root.join("lib/album.tif");
    fs::rename(&file, root.join("away.tif")).unwrap();
    let done = repaired();
    assert_eq!(done.reasons.len(), 1, "{:?}", done.reasons);
    fs::rename(root.join("away.tif"), &file).unwrap();
    assert_eq!(repaired().reasons, []);
    assert_eq!(checked(root).findings, []);
    let bench = all_views(root);
    assert_eq!(found(&bench), expected());
    assert_eq!(named(&bench, "album.tif"), before);
}
