//! Comparing files with several pages or frames.

use image::imageops::flip_horizontal;
use resight_engine::{ComparedPage, Comparison, EngineOptions, Query, compare};
use resight_test_support::{animated_gif, png, tiff_pages};
use resight_vision::{Image, Sift};

use crate::support::{Bench, page, parts};
use crate::views::{add, album, pages};

fn compared(a: &[u8], b: &[u8]) -> (Comparison, [Image; 2]) {
    compare(a, b, &Sift::default(), &EngineOptions::default()).unwrap()
}

fn a_page(number: u32) -> Option<ComparedPage> {
    Some(ComparedPage {
        number,
        is_frame: false,
        time_ms: None,
    })
}

fn a_frame(number: u32) -> Option<ComparedPage> {
    Some(ComparedPage {
        number,
        is_frame: true,
        time_ms: Some(u64::from(number - 1) * 80),
    })
}

#[test]
fn the_two_pages_that_agree_most_are_told() {
    let (found, images) = compared(&album(&[1, 2, 3]), &png(&page(3)));
    assert!(found.verified && !found.identical);
    assert_eq!(found.pages, [a_page(3), None]);
    assert!(found.inliers > 20 && found.coverage_a > 0.5);
    assert_eq!(images[0], images[1], "the third page");

    let frames = animated_gif(&pages(&[5, 6, 7]));
    let (found, images) = compared(&frames, &album(&[9, 7, 8]));
    assert!(found.verified);
    assert_eq!(found.pages, [a_frame(3), a_page(2)]);
    let points = found.points.iter();
    assert!(points.clone().count() > 20);
    for [ax, ay, bx, by] in points {
        assert!((ax - bx).abs() < 3.0 && (ay - by).abs() < 3.0);
    }
    assert_eq!([images[0].width(), images[1].height()], [150, 110]);
}

#[test]
fn a_mirrored_page_is_found() {
    let mirrored = tiff_pages(&[page(1), page(2), flip_horizontal(&page(4))]);
    let (found, _) = compared(&png(&page(4)), &mirrored);
    assert!(found.verified && found.variant.mirrored);
    assert_eq!(found.pages, [None, a_page(3)]);
}

#[test]
fn the_first_pages_stand_for_files_that_share_nothing_and_for_equal_ones() {
    let (found, images) = compared(&album(&[1, 2]), &album(&[3, 4]));
    assert!(!found.verified);
    assert_eq!(found.pages, [a_page(1), a_page(1)]);
    assert_eq!(images.map(|image| image.width()), [150, 150]);
    let (found, _) = compared(&album(&[1, 2]), &album(&[1, 2]));
    assert!(found.verified && found.identical);
    assert_eq!(found.pages, [None, None]);
    let (single, _) = compared(&png(&page(1)), &png(&page(1)));
    assert_eq!(single.pages, [None, None]);
}

#[test]
fn options_bound_the_pages() {
    let options = EngineOptions {
        most_views: 2,
        ..EngineOptions::default()
    };
    let album = album(&[1, 2, 3]);
    for (number, found) in [(1, true), (2, false), (3, true)] {
        let other = png(&page(number));
        let (compared, _) = compare(&album, &other, &Sift::default(), &options).unwrap();
        assert_eq!(compared.verified, found, "{number}");
    }
}

#[test]
fn stored_pictures_are_compared_by_their_stored_pages() {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    let stored = add(&bench, &album(&[1, 2, 3]), "album");
    let frames = add(&bench, &animated_gif(&pages(&[4, 5, 3])), "frames");
    let sent = png(&page(2));
    let (album_again, several) = (album(&[1, 2, 3]), album(&[8, 9, 2]));
    let compare = |a, b| bench.searcher.compare(a, b).unwrap();
    let found = compare(Query::Stored(&stored), Query::Bytes(&sent));
    assert!(found.verified);
    assert_eq!(found.pages, [a_page(2), None]);
    assert_eq!((&found.a.id, &found.b.id), (&Some(stored.clone()), &None));
    let found = compare(Query::Stored(&frames), Query::Stored(&stored));
    assert_eq!(found.pages, [a_frame(3), a_page(3)]);
    assert_eq!(
        (found.a.id, found.b.id),
        (Some(frames.clone()), Some(stored.clone()))
    );
    // Twice, as what was sent is kept.
    for _ in 0..2 {
        let found = compare(Query::Bytes(&several), Query::Stored(&stored));
        assert!(found.verified);
        assert_eq!(found.pages, [a_page(3), a_page(2)]);
    }
    let found = compare(Query::Bytes(&album_again), Query::Stored(&stored));
    assert!(found.identical);
    assert_eq!(found.pages, [None, None]);
}
