//! Pictures with few features are found by their pixels, and others are not.

use crate::support::{Bench, parts, picture};
use image::{Rgb, RgbImage, imageops};
use resight_engine::{EngineOptions, Query, SearchAnswer, SearchOptions, Stage};
use resight_test_support::{jpeg, png};

const PAGE: Rgb<u8> = Rgb([255; 3]);

/// A disc with a hole on a white page.
fn logo(ink: [u8; 3], hole: [f64; 3]) -> RgbImage {
    RgbImage::from_fn(256, 256, |x, y| {
        let distance = |cx: f64, cy: f64| (f64::from(x) - cx).hypot(f64::from(y) - cy);
        let is_ink = distance(128.0, 128.0) < 96.0 && distance(hole[0], hole[1]) > hole[2];
        if is_ink { Rgb(ink) } else { PAGE }
    })
}

const BROWN: [u8; 3] = [120, 110, 77];
const HIGH: [f64; 3] = [120.0, 100.0, 40.0];
const LOW: [f64; 3] = [150.0, 160.0, 40.0];

fn bench(root: &std::path::Path) -> Bench {
    let bench = Bench::open(parts(root), EngineOptions::default()).unwrap();
    for n in 0..20 {
        bench.indexer.add(&picture(n, 0), "other.png").unwrap();
    }
    let logos = [
        (logo(BROWN, HIGH), "brown-high.png"),
        (logo(BROWN, LOW), "brown-low.png"),
        (logo([123, 26, 17], HIGH), "red-high.png"),
        (RgbImage::from_pixel(256, 256, PAGE), "blank.png"),
    ];
    for (logo, name) in logos {
        bench.indexer.add(&png(&logo), name).unwrap();
    }
    bench
}

fn search(bench: &Bench, bytes: &[u8]) -> SearchAnswer {
    let options = SearchOptions::default();
    bench
        .searcher
        .search(Query::Bytes(bytes), &options)
        .unwrap()
}

fn verified(answer: &SearchAnswer) -> Vec<&str> {
    let hits = answer.hits.iter().filter(|hit| hit.verified);
    hits.map(|hit| hit.picture.name.as_str()).collect()
}

#[test]
fn a_compressed_logo_is_verified_and_another_or_another_colour_is_not() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let smaller =
        |logo: &RgbImage| imageops::resize(logo, 180, 180, imageops::FilterType::Triangle);
    for (hole, name) in [(HIGH, "brown-high.png"), (LOW, "brown-low.png")] {
        let own = logo(BROWN, hole);
        for copy in [own.clone(), smaller(&own)] {
            let answer = search(&bench, &jpeg(&copy, 80));
            assert_eq!(verified(&answer), [name]);
            let hit = &answer.hits[0];
            assert!(hit.by_pixels && hit.examined && !hit.identical);
            assert_eq!(hit.coverage_query, 1.0);
            let corners = hit.region.as_ref().unwrap();
            assert!(
                corners[0].iter().all(|v| (v + 0.5).abs() < 1e-9),
                "{corners:?}"
            );
            assert!(
                corners[2].iter().all(|v| (v - 255.5).abs() < 1e-9),
                "{corners:?}"
            );
            let found = [Stage::Words, Stage::Pixels];
            assert!(found.contains(&hit.stage));
        }
    }
    let strangers = [
        logo(BROWN, [60.0, 128.0, 40.0]),
        logo([20, 60, 160], HIGH),
        RgbImage::from_pixel(256, 256, Rgb([250; 3])),
    ];
    for stranger in strangers {
        assert!(verified(&search(&bench, &jpeg(&stranger, 80))).is_empty());
    }
}

#[test]
fn a_plain_picture_stored_later_is_found_and_a_removed_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let copy = jpeg(&logo([20, 60, 160], LOW), 80);
    assert!(verified(&search(&bench, &copy)).is_empty());
    let late = bench
        .indexer
        .add(&png(&logo([20, 60, 160], LOW)), "late.png");
    assert_eq!(verified(&search(&bench, &copy)), ["late.png"]);
    let id = late.unwrap().picture.id;
    bench.library.remove(&[id]).unwrap();
    assert!(verified(&search(&bench, &copy)).is_empty());
}

#[test]
fn a_comparison_says_the_same() {
    let root = tempfile::tempdir().unwrap();
    let bench = bench(root.path());
    let (brown, red) = (logo(BROWN, HIGH), logo([123, 26, 17], HIGH));
    let compare = |a: &[u8], b: &[u8]| {
        bench
            .searcher
            .compare(Query::Bytes(a), Query::Bytes(b))
            .unwrap()
    };
    let same = compare(&png(&brown), &jpeg(&brown, 80));
    assert!(same.verified && same.by_pixels && !same.identical);
    assert_eq!(same.coverage_a, 1.0);
    assert!(same.region.is_some());
    assert!(!compare(&png(&red), &jpeg(&brown, 80)).verified);
}
