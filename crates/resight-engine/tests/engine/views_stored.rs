//! Further pages and frames as they are stored: indexed again, converted, damaged and rebuilt.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{
    Components, EngineOptions, FindingKind, TrainPlan, repair, train_from_library, verify,
};
use resight_store::SqliteCatalogue;
use resight_test_support::{animated_gif, png};

use crate::support::{Bench, on_disk, page};
use crate::views::{add, album, number, pages, search};

fn opened(root: &Path) -> Bench {
    Bench::open(on_disk(root), EngineOptions::default()).unwrap()
}

/// What searches by the pages find, in words that can be compared.
fn answers(bench: &Bench) -> Vec<String> {
    let numbers = (1..=8).map(|number| search(bench, number));
    let hits = numbers.flat_map(|answer| {
        let total = answer.total;
        answer.hits.into_iter().map(move |hit| {
            let numbers = (hit.inliers, hit.log10_nfa, hit.words, total);
            format!("{} {:?} {numbers:?}", hit.picture.name, hit.view)
        })
    });
    hits.collect()
}

fn filled(root: &Path) -> Vec<String> {
    let bench = opened(root);
    add(&bench, &album(&[1, 2, 3]), "album");
    add(&bench, &png(&page(4)), "single");
    add(&bench, &animated_gif(&pages(&[5, 6, 7, 8])), "frames");
    answers(&bench)
}

#[test]
fn an_index_that_is_rebuilt_has_the_pages() {
    let root = tempfile::tempdir().unwrap();
    let before = filled(root.path());
    // Few pictures have no segment on disk, so each opening builds the index from the catalogue.
    assert_eq!(answers(&opened(root.path())), before);
    // By a process that may only read.
    let components = Components {
        catalogue: Arc::new(SqliteCatalogue::open_read_only(root.path()).unwrap()),
        index: None,
        ..on_disk(root.path())
    };
    let reader = Bench::open(components, EngineOptions::default()).unwrap();
    assert_eq!(answers(&reader), before);
}

#[test]
fn pages_are_converted_to_another_vocabulary() {
    let root = tempfile::tempdir().unwrap();
    filled(root.path());
    let bench = opened(root.path());
    let go = AtomicBool::new(false);
    let plan = TrainPlan {
        words: Some(100),
        ..TrainPlan::default()
    };
    let small = train_from_library(&bench.library, &plan, &go, &mut |_| {}).unwrap();
    let small = Arc::new(small);
    let mut last = None;
    bench
        .library
        .convert(&small, &go, &mut |step| last = Some(step))
        .unwrap();
    let last = last.unwrap();
    assert_eq!((last.done, last.total), (8, 8));
    let named = |bench: &Bench| -> Vec<(String, Option<u32>)> {
        let all = (1..=8).map(|number| search(bench, number).hits.remove(0));
        all.map(|hit| (hit.picture.name.clone(), number(&hit)))
            .collect()
    };
    let expected = [
        ("album", Some(1)),
        ("album", Some(2)),
        ("album", Some(3)),
        ("single", None),
        ("frames", Some(1)),
        ("frames", Some(2)),
        ("frames", Some(3)),
        ("frames", Some(4)),
    ];
    let expected = expected.map(|(name, page)| (name.to_owned(), page));
    assert_eq!(named(&bench), expected);
    drop(bench);
    let components = Components {
        vocabulary: small,
        ..on_disk(root.path())
    };
    let bench = Bench::open(components, EngineOptions::default()).unwrap();
    assert_eq!(named(&bench), expected);
    // Another vocabulary at opening, whose words are not at hand.
    drop(bench);
    let components = Components {
        convert: true,
        ..on_disk(root.path())
    };
    let bench = Bench::open(components, EngineOptions::default()).unwrap();
    assert_eq!(named(&bench), expected);
}

fn change(root: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(root.join("catalogue.sqlite3")).unwrap();
    assert!(raw.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn damaged_pages_are_found_and_rebuilt() {
    let cases = [
        ("view_features", FindingKind::FeaturesDamaged),
        ("view_words", FindingKind::WordsDamaged),
    ];
    for (table, kind) in cases {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let before = filled(root);
        change(
            root,
            &format!("UPDATE {table} SET bytes = zeroblob(length(bytes)) WHERE key = 3"),
        );
        if kind == FindingKind::WordsDamaged {
            assert_eq!(answers(&opened(root)), before, "they are assigned again");
        }
        let checked = || {
            let go = AtomicBool::new(false);
            verify(
                &on_disk(root),
                &EngineOptions::default(),
                &go,
                &mut |_, _| {},
            )
            .unwrap()
        };
        let findings = checked().findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].kind, findings[0].key), (kind, Some(3)));
        assert!(
            findings[0].detail.contains("page or frame 3"),
            "{findings:?}"
        );
        {
            let bench = opened(root);
            let first = bench.library.scrub_after(None).unwrap().unwrap();
            assert_eq!(first.findings, findings);
            let second = bench.library.scrub_after(Some(first.key)).unwrap().unwrap();
            assert_eq!(
                (second.key, second.findings.len()),
                (4, 0),
                "pages are no pictures"
            );
        }
        let go = AtomicBool::new(false);
        let options = EngineOptions::default();
        let done = repair(&on_disk(root), &options, &findings, &go, &mut |_, _| {}).unwrap();
        assert_eq!(done.reasons, []);
        assert_eq!(checked().findings, []);
        assert_eq!(answers(&opened(root)), before);
    }
}
