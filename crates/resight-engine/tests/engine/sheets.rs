//! The pictures of a contact sheet are found, the faint ones too.

use image::{RgbImage, imageops};
use resight_engine::{EngineOptions, Query, SearchOptions};
use resight_test_support::{png, textured};

use crate::support::{Bench, parts};

const TILE: [u32; 2] = [160, 120];

/// A picture of its own brightness; every fifth has little contrast.
fn tile(number: u32) -> RgbImage {
    let mut tile = textured(2 * TILE[0], 2 * TILE[1], number.into());
    let is_faint = number.is_multiple_of(5);
    let gain = if is_faint {
        0.2
    } else {
        0.5 + 0.25 * (number % 3) as f32
    };
    for value in tile.iter_mut() {
        *value = 20 + (f32::from(*value) * gain * 0.9) as u8;
    }
    tile
}

fn sheet(first: u32) -> RgbImage {
    let mut sheet = RgbImage::new(5 * TILE[0], 5 * TILE[1]);
    for n in 0..25 {
        let filter = imageops::FilterType::Triangle;
        let small = imageops::resize(&tile(first + n), TILE[0], TILE[1], filter);
        let at = [n % 5 * TILE[0], n / 5 * TILE[1]].map(i64::from);
        imageops::replace(&mut sheet, &small, at[0], at[1]);
    }
    sheet
}

#[test]
fn a_faint_picture_of_a_sheet_is_found() {
    let root = tempfile::tempdir().unwrap();
    let bench = Bench::open(parts(root.path()), EngineOptions::default()).unwrap();
    for first in [0, 25] {
        let name = format!("sheet{first}.png");
        bench.indexer.add(&png(&sheet(first)), &name).unwrap();
    }
    for number in [0, 20, 30, 45] {
        let query = png(&tile(number));
        let options = SearchOptions::default();
        let answer = bench
            .searcher
            .search(Query::Bytes(&query), &options)
            .unwrap();
        let hit = &answer.hits[0];
        assert!(hit.verified, "{number}: {hit:?}");
        assert_eq!(hit.picture.name, format!("sheet{}.png", number / 25 * 25));
    }
}
