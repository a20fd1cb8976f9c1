//! The same features on every machine: hashes of what one machine found, which all must find.

use resight_test_support::Random;

use super::*;
use crate::{MatchOptions, Nearest};

/// Noise of several scales, made with whole numbers alone.
fn clouds(w: usize, h: usize, seed: u64) -> GrayImage {
    let mut random = Random::new(seed);
    let mut sums = vec![0i32; w * h];
    for cell in [4usize, 8, 16, 32] {
        let columns = w / cell + 2;
        let nodes = random.bytes(columns * (h / cell + 2), 255);
        let size = cell as i32;
        for (i, sum) in sums.iter_mut().enumerate() {
            let (x, y) = (i % w, i / w);
            let node = |right: usize, down: usize| {
                i32::from(nodes[(y / cell + down) * columns + x / cell + right])
            };
            let (right, down) = ((x % cell) as i32, (y % cell) as i32);
            let top = node(0, 0) * (size - right) + node(1, 0) * right;
            let bottom = node(0, 1) * (size - right) + node(1, 1) * right;
            *sum += (top * (size - down) + bottom * down) / (size * size);
        }
    }
    let pixels = sums.iter().map(|sum| (sum / 4) as u8).collect();
    GrayImage::new(w, h, pixels).unwrap()
}

/// FNV-1a of 64 bits (Fowler, Noll and Vo).
fn hash<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    bytes
        .into_iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        })
}

fn hash_features(features: &LocalFeatures) -> (u64, u64) {
    let numbers = features.keypoints.iter();
    let numbers = numbers.flat_map(|k| [k.x, k.y, k.scale, k.angle, k.response]);
    let numbers: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
    (hash(&numbers), hash(features.descriptors.as_bytes()))
}

/// Asserts that `found`, a line, is that of this name in `golden.txt`.
fn check(name: &str, found: impl IntoIterator<Item = (&'static str, String)>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sift/golden.txt");
    let golden = std::fs::read_to_string(path).unwrap();
    let golden = golden
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or("nothing");
    for (level, found) in found {
        assert_eq!(found, golden, "{name}, {level}");
    }
}

#[test]
fn features_are_those_of_every_other_machine() {
    let usual = SiftOptions::default();
    let few = SiftOptions {
        upsample: Upsample::Never,
        contrast_threshold: 0.005,
        selection: Selection::Spread,
        max_features: 300,
        ..usual.clone()
    };
    let upright = SiftOptions {
        upright: true,
        layers: 4,
        sigma: 1.9,
        ..usual.clone()
    };
    for (name, (w, h), options) in [
        ("usual", (331, 247), usual.clone()),
        ("flat", (640, 97), usual),
        ("few, not doubled", (400, 300), few),
        ("upright", (150, 210), upright),
    ] {
        let image = clouds(w, h, w as u64);
        let found = Simd::available().iter().map(|&simd| {
            let found = Sift::new(options.clone()).simd(simd).extract_gray(&image);
            let (keypoints, descriptors) = hash_features(&found);
            let line = format!("{} {keypoints:016x} {descriptors:016x}", found.len());
            (simd.name(), line)
        });
        check(name, found);
    }
}

#[test]
fn matches_are_those_of_every_other_machine() {
    let image = clouds(400, 300, 3);
    // A part of it, with another edge.
    let rows = image.pixels().chunks(400).skip(31).take(200);
    let part = rows.flat_map(|row| row[57..357].to_vec()).collect();
    let part = GrayImage::new(300, 200, part).unwrap();
    let sift = Sift::default();
    let (a, b) = (sift.extract_gray(&image), sift.extract_gray(&part));
    let found = Simd::available().iter().map(|&simd| {
        let mut nearest = Nearest::on(simd, a.len(), b.len());
        nearest.compare_all(&a.descriptors, &b.descriptors);
        let found = nearest.matches(&MatchOptions::default());
        let numbers = found.iter().flat_map(|m| [m.query, m.result, m.distance]);
        let bytes: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
        (
            simd.name(),
            format!("{} {:016x}", found.len(), hash(&bytes)),
        )
    });
    check("matches", found);
}
