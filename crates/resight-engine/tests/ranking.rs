//! The ranking as a whole: past the shortlist, page by page.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

use std::sync::Arc;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use resight_engine::{
    Engine, EngineOptions, Parts, Query, SearchAnswer, SearchOptions, Vocabulary,
};
use resight_store::{FolderBlobs, SqliteCatalogue};
use resight_vision::Sift;

/// Squares that differ from number to number, so much brighter.
fn picture(number: u32, brighter: u8) -> Vec<u8> {
    halves(number, number, brighter)
}

/// The left half of one number's picture and the right half of another's.
fn halves(left: u32, right: u32, brighter: u8) -> Vec<u8> {
    let picture = GrayImage::from_fn(150, 110, |x, y| {
        let number = if x < 75 { left } else { right };
        let mut cell = x / 9 + ((y / 8) << 8) + (number << 16);
        for _ in 0..3 {
            cell = (cell ^ (cell >> 15)).wrapping_mul(0x2C1B_3C6D);
        }
        Luma([(cell >> 24) as u8 / 2 + brighter])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// An engine that examines five candidates at least.
fn engine(root: &std::path::Path) -> Engine {
    let parts = Parts {
        catalogue: Arc::new(SqliteCatalogue::in_memory().unwrap()),
        blobs: Arc::new(FolderBlobs::open(&root.join("blobs")).unwrap()),
        extractor: Arc::new(Sift::default()),
        vocabulary: Vocabulary::generic(),
        index: None,
        convert: false,
    };
    let options = EngineOptions {
        shortlist: 5,
        ..EngineOptions::default()
    };
    Engine::open(parts, options).unwrap()
}

fn ask(engine: &Engine, number: u32, (offset, limit): (usize, usize)) -> SearchAnswer {
    ask_for(engine, number, (offset, limit), false)
}

fn ask_for(
    engine: &Engine,
    number: u32,
    (offset, limit): (usize, usize),
    verified_only: bool,
) -> SearchAnswer {
    let options = SearchOptions {
        offset,
        limit,
        verified_only,
        ..SearchOptions::default()
    };
    engine
        .search(Query::Bytes(&picture(number, 0)), &options)
        .unwrap()
}

#[test]
fn every_copy_is_verified_however_many_there_are() {
    let root = tempfile::tempdir().unwrap();
    let engine = engine(root.path());
    for n in 0..52u32 {
        engine.add(&picture(0, n as u8), "copy.png").unwrap();
    }
    for n in 1..=200 {
        engine.add(&picture(n, 0), "other.png").unwrap();
    }
    let all = ask(&engine, 0, (0, 1000));
    assert_eq!(all.verified, 52);
    assert!(all.shortlist >= 102, "{}", all.shortlist);
    for (at, hit) in all.hits.iter().enumerate() {
        assert_eq!(hit.verified, at < 52);
        assert_eq!(hit.picture.name == "copy.png", at < 52);
    }
    let verified = ask_for(&engine, 0, (42, 100), true);
    assert_eq!((verified.total, verified.hits.len()), (52, 10));
    assert_eq!(verified.hits, all.hits[42..52]);

    // One that is there once: the ranking goes on past what was examined.
    let all = ask(&engine, 7, (0, 1000));
    assert_eq!((all.verified, all.shortlist), (1, 51));
    assert_eq!(all.total, all.hits.len());
    assert!(all.total > 60, "{} in all", all.total);
    let examined = all.hits.iter().filter(|hit| hit.examined).count();
    assert_eq!(examined, 51);
    assert!(all.hits.iter().all(|hit| hit.examined || hit.inliers == 0));
    assert!(all.hits[1..].is_sorted_by(|a, b| a.words >= b.words));

    // Pages are parts of it.
    for (offset, limit) in [(0, 10), (50, 10), (all.total - 3, 9), (5000, 5)] {
        let page = ask(&engine, 7, (offset, limit));
        assert_eq!((page.total, page.verified), (all.total, 1));
        let from = offset.min(all.total);
        let to = (offset + limit).min(all.total);
        assert_eq!(page.hits, all.hits[from..to], "{offset}, {limit}");
    }
}

#[test]
fn what_a_verified_hit_shows_finds_more() {
    let root = tempfile::tempdir().unwrap();
    let engine = engine(root.path());
    // The query's right half is hidden; the first has both halves, the second the hidden one only.
    engine.add(&halves(1, 3, 0), "both.png").unwrap();
    engine.add(&halves(4, 3, 0), "hidden.png").unwrap();
    for n in 10..110 {
        engine.add(&picture(n, 0), "other.png").unwrap();
    }
    let query = halves(1, 2, 0);
    let search = |expand, limit| {
        let options = SearchOptions {
            expand,
            limit,
            ..SearchOptions::default()
        };
        engine.search(Query::Bytes(&query), &options).unwrap()
    };
    let names = |answer: &SearchAnswer| -> Vec<String> {
        let hits = answer.hits.iter();
        hits.map(|hit| hit.picture.name.clone()).collect()
    };
    let (plain, expanded) = (search(false, 1000), search(true, 1000));
    assert_eq!((plain.verified, expanded.verified), (1, 1));
    assert_ne!(names(&plain)[1], "hidden.png");
    assert_eq!(names(&expanded)[..2], ["both.png", "hidden.png"]);
    // It shares nothing with the query itself.
    assert!(expanded.hits[1].examined && !expanded.hits[1].verified);
    assert_eq!(plain.timings.expand_ms, 0.0);
    assert!(expanded.timings.expand_ms > 0.0);
    assert_eq!(expanded.total, expanded.hits.len());
    assert!(expanded.hits[1..].is_sorted_by(|a, b| a.words >= b.words));
    assert_eq!(search(true, 2).hits, expanded.hits[..2]);
}
