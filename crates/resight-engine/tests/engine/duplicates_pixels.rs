//! Pairs that are the same everywhere, and pairs of which one region is not.

use std::sync::atomic::AtomicBool;

use image::imageops::{FilterType, blur, crop_imm, flip_horizontal, overlay, resize};
use image::{Rgb, RgbImage};
use resight_engine::{DuplicateOptions, DuplicatePair, EngineOptions, PairKind};
use resight_test_support::{jpeg, png};

use crate::support::{Bench, parts};

fn random(state: &mut u64) -> u32 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as u32
}

fn rectangle(picture: &mut RgbImage, [x, y, w, h]: [u32; 4], colour: [u8; 3]) {
    overlay(
        picture,
        &RgbImage::from_pixel(w, h, Rgb(colour)),
        x.into(),
        y.into(),
    );
}

/// Writes `text` in a typeface of random strokes: each character is always the same five by seven dots.
fn write(picture: &mut RgbImage, text: &str, [x, y]: [u32; 2], dot: u32) {
    for (i, character) in (0..).zip(text.chars()) {
        let mut state = u64::from(character as u32) * 7919;
        let (mut column, mut row) = (random(&mut state) % 5, random(&mut state) % 7);
        for _ in 0..if character == ' ' { 0 } else { 14 } {
            let place = [x + (6 * i + column) * dot, y + row * dot];
            rectangle(picture, [place[0], place[1], dot, dot], [20; 3]);
            match random(&mut state) % 4 {
                0 => column = (column + 1) % 5,
                1 => column = (column + 4) % 5,
                2 => row = (row + 1) % 7,
                _ => row = (row + 6) % 7,
            }
        }
    }
}

/// An invoice on one letterhead.
fn invoice(number: &str, total: &str) -> RgbImage {
    let mut page = RgbImage::from_pixel(600, 800, Rgb([252; 3]));
    rectangle(&mut page, [36, 36, 60, 60], [90, 90, 90]);
    write(&mut page, "example utilities", [120, 50], 4);
    write(&mut page, &format!("invoice no {number}"), [36, 130], 2);
    let mut state = 5;
    for line in 0..14 {
        let letters = (0..42).map(|_| char::from(b'a' + (random(&mut state) % 26) as u8));
        write(
            &mut page,
            &letters.collect::<String>(),
            [36, 180 + 24 * line],
            2,
        );
    }
    rectangle(&mut page, [36, 530, 528, 2], [60; 3]);
    write(&mut page, &format!("total  {total} eur"), [36, 550], 4);
    page
}

/// What a fixed camera sees: boxes of all sizes, and soft light.
fn yard(seed: u64) -> RgbImage {
    let mut state = seed;
    let mut picture = RgbImage::from_fn(640, 480, |x, y| {
        Rgb([
            (90 + x / 10) as u8,
            (100 + y / 8) as u8,
            (120 + (x + y) / 16) as u8,
        ])
    });
    for _ in 0..260 {
        let place = [random(&mut state) % 600, random(&mut state) % 440];
        let size = [6 + random(&mut state) % 50, 6 + random(&mut state) % 40];
        let colour = [0; 3].map(|_: u8| (random(&mut state) % 200 + 20) as u8);
        rectangle(&mut picture, [place[0], place[1], size[0], size[1]], colour);
    }
    picture
}

/// An empty library, and the folder it is in.
pub(crate) fn bench() -> (Bench, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    (bench, root)
}

/// The one pair of two pictures.
pub(crate) fn paired(first: &[u8], second: &[u8]) -> Option<DuplicatePair> {
    let (bench, _root) = bench();
    bench.indexer.add(first, "first").unwrap();
    bench.indexer.add(second, "second").unwrap();
    let go = AtomicBool::new(false);
    bench.duplicates.update(&go, &mut |_| {}).unwrap();
    let found = bench.duplicates.groups(&DuplicateOptions::default());
    found
        .unwrap()
        .groups
        .pop()
        .and_then(|mut group| group.pairs.pop())
}

fn kind_of(first: &[u8], second: &[u8]) -> PairKind {
    paired(first, second).unwrap().kind
}

/// Whether a box of the pair lies around a place of the second picture, and none is much larger.
fn names_the_place(pair: &DuplicatePair, [x, y]: [f32; 2], most: f32) -> bool {
    let around = |r: &[f32; 4]| r[0] <= x && x <= r[2] && r[1] <= y && y <= r[3];
    pair.regions.iter().any(around)
        && pair
            .regions
            .iter()
            .all(|r| (r[2] - r[0]).max(r[3] - r[1]) <= most)
}

#[test]
fn invoices_on_one_letterhead_are_not_the_same_picture() {
    let first = invoice("100345", "11900");
    for (number, total) in [("100377", "48750"), ("100345", "11980")] {
        let other = invoice(number, total);
        for (a, b) in [
            (png(&first), png(&other)),
            (jpeg(&first, 85), jpeg(&other, 50)),
        ] {
            let pair = paired(&a, &b).expect("a pair");
            assert!(
                [PairKind::Edited, PairKind::SameScene].contains(&pair.kind),
                "{number} {total}: {pair:?}"
            );
            if number == "100345" && pair.kind == PairKind::Edited {
                // The fourth digit of the total, of six dots by four.
                assert!(
                    names_the_place(&pair, [36.0 + 10.5 * 24.0, 564.0], 80.0),
                    "{pair:?}"
                );
            }
        }
    }
    assert_eq!(
        kind_of(&png(&first), &jpeg(&first, 20)),
        PairKind::ReEncoded
    );
}

#[test]
fn a_fixed_camera_that_sees_something_new_is_not_the_same_picture() {
    let empty = yard(3);
    let mut seen = empty.clone();
    rectangle(&mut seen, [400, 200, 64, 64], [210, 60, 40]);
    let mut faint = empty.clone();
    // A quarter of that, and hardly brighter than what is behind it.
    for (x, y, pixel) in faint.enumerate_pixels_mut() {
        if (400..432).contains(&x) && (200..232).contains(&y) {
            pixel.0 = pixel.0.map(|v| v.saturating_add(24));
        }
    }
    for (other, most) in [(&seen, 100.0), (&faint, 64.0)] {
        let pair = paired(&jpeg(&empty, 85), &jpeg(other, 80)).expect("a pair");
        assert_eq!(pair.kind, PairKind::Edited);
        assert!(names_the_place(&pair, [416.0, 216.0], most), "{pair:?}");
    }
    for quality in [8, 95] {
        assert_eq!(
            kind_of(&png(&empty), &jpeg(&empty, quality)),
            PairKind::ReEncoded,
            "{quality}"
        );
    }
    let quarter = resize(&empty, 160, 120, FilterType::Triangle);
    assert_eq!(
        kind_of(&png(&empty), &jpeg(&quarter, 80)),
        PairKind::ReEncoded
    );
}

/// The picture with one region pulled aside by up to five pixels, as a face is retouched.
fn retouched(picture: &RgbImage, [left, top, side]: [u32; 3]) -> RgbImage {
    let mut changed = picture.clone();
    for y in top..top + side {
        for x in left..left + side {
            let away = |v: u32, from: u32| (f64::from(v - from) / f64::from(side) - 0.5) * 4.0;
            let pull = 5.0 * (-away(x, left).powi(2) - away(y, top).powi(2)).exp();
            changed.put_pixel(x, y, *picture.get_pixel(x + pull.round() as u32, y));
        }
    }
    changed
}

#[test]
fn a_region_that_was_retouched_or_smoothed_is_not_the_same_in_a_smaller_copy_either() {
    let mut whole = yard(21);
    let mut state = 4;
    for _ in 0..160 {
        let place = [random(&mut state) % 76, random(&mut state) % 76];
        let tone = (random(&mut state) % 160 + 60) as u8;
        rectangle(
            &mut whole,
            [300 + place[0], 200 + place[1], 7, 5],
            [tone, tone, tone - 20],
        );
    }
    let mut smoothed = whole.clone();
    let region = crop_imm(&whole, 300, 200, 48, 48).to_image();
    overlay(&mut smoothed, &blur(&region, 3.0), 300, 200);
    for (scale, quality) in [(1, 40), (2, 80), (3, 90)] {
        let copy = resize(&whole, 640 / scale, 480 / scale, FilterType::Triangle);
        let copy = jpeg(&copy, quality);
        assert_eq!(kind_of(&png(&whole), &copy), PairKind::ReEncoded);
        let mut edits = vec![retouched(&whole, [300, 200, 80])];
        if scale < 3 {
            edits.push(smoothed.clone());
        }
        for changed in edits {
            let pair = paired(&copy, &jpeg(&changed, 85)).expect("a pair");
            assert_eq!(pair.kind, PairKind::Edited, "{scale} {quality}: {pair:?}");
            let around =
                |r: &[f32; 4]| r[0] >= 260.0 && r[1] >= 160.0 && r[2] <= 420.0 && r[3] <= 320.0;
            assert!(
                !pair.regions.is_empty() && pair.regions.iter().all(around),
                "{scale} {pair:?}"
            );
        }
    }
}

#[test]
fn a_part_is_cropped_and_a_part_of_another_moment_is_not() {
    let whole = yard(8);
    let cut = |picture: &RgbImage| crop_imm(picture, 120, 80, 400, 300).to_image();
    let larger = resize(&cut(&whole), 520, 390, FilterType::CatmullRom);
    for part in [jpeg(&cut(&whole), 40), jpeg(&larger, 75)] {
        assert_eq!(kind_of(&png(&whole), &part), PairKind::Cropped);
    }
    let mut later = whole.clone();
    rectangle(&mut later, [300, 200, 40, 60], [20, 30, 200]);
    let kind = kind_of(&png(&whole), &jpeg(&cut(&later), 80));
    assert!(
        [PairKind::Edited, PairKind::SameScene].contains(&kind),
        "{kind:?}"
    );
    // Two parts that overlap: neither lies within the other.
    let left = crop_imm(&whole, 0, 0, 420, 480).to_image();
    let right = crop_imm(&whole, 160, 0, 480, 480).to_image();
    assert_ne!(kind_of(&png(&left), &png(&right)), PairKind::Cropped);
}

#[test]
fn bars_of_an_app_around_other_content_are_no_copy() {
    let screen = |seed: u64| {
        let mut picture = RgbImage::from_pixel(800, 600, Rgb([250; 3]));
        rectangle(&mut picture, [0, 0, 800, 60], [40, 70, 150]);
        write(&mut picture, "the same application bar", [20, 12], 4);
        for line in 0..15 {
            write(
                &mut picture,
                &format!("folder {line} abc"),
                [10, 80 + 34 * line],
                2,
            );
        }
        overlay(
            &mut picture,
            &crop_imm(&yard(seed), 0, 0, 540, 470).to_image(),
            230,
            90,
        );
        picture
    };
    let pair = paired(&png(&screen(31)), &png(&screen(32)));
    assert!(pair.is_none_or(|pair| pair.kind == PairKind::SameScene));
}

#[test]
fn mirrored_and_inverted_pairs_say_so() {
    let picture = yard(12);
    let pair = paired(&png(&picture), &jpeg(&flip_horizontal(&picture), 90)).expect("a pair");
    assert_eq!(pair.kind, PairKind::Edited);
    assert!(pair.mirrored && !pair.inverted);
    let mut negative = picture.clone();
    image::imageops::invert(&mut negative);
    let pair = paired(&png(&picture), &jpeg(&negative, 90)).expect("a pair");
    assert_eq!(pair.kind, PairKind::Edited);
    assert!(pair.inverted && !pair.mirrored);
    let pair = paired(&png(&picture), &jpeg(&picture, 90)).expect("a pair");
    assert!(!pair.inverted && !pair.mirrored && pair.regions.is_empty());
}
