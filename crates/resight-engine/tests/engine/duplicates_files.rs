//! Files with several pages or frames, and masters with what was made from them.

use image::{DynamicImage, ImageFormat, RgbImage};
use resight_engine::{DuplicateOptions, PairKind};
use resight_test_support::{animated_gif, dng, encode, jpeg, png, textured, tiff_pages};

use crate::duplicates_pixels::{bench, paired};

fn three() -> [RgbImage; 3] {
    [5, 6, 7].map(|seed| textured(320, 240, seed))
}

/// The kind of the one pair of two files.
fn kind_of(first: &[u8], second: &[u8]) -> PairKind {
    paired(first, second).unwrap().kind
}

#[test]
fn a_file_with_more_pages_than_a_picture_is_not_the_same() {
    let pages = three();
    let album = tiff_pages(&pages);
    assert_eq!(kind_of(&album, &jpeg(&pages[0], 85)), PairKind::Edited);
    let mut frames = pages.clone();
    // An animation of one scene.
    frames[1] = pages[0].clone();
    frames[2] = pages[0].clone();
    assert_eq!(
        kind_of(&animated_gif(&frames), &png(&pages[0])),
        PairKind::Edited
    );
}

#[test]
fn files_with_several_pages_are_compared_as_wholes() {
    let pages = three();
    let [one, two, three] = &pages;
    let album = tiff_pages(&pages);
    let same = with_other_bytes(&pages);
    assert_ne!(album, same);
    assert_eq!(kind_of(&album, &same), PairKind::ReEncoded);
    let other_last = tiff_pages(&[one.clone(), two.clone(), textured(320, 240, 8)]);
    assert_eq!(kind_of(&album, &other_last), PairKind::Edited);
    let other_order = tiff_pages(&[one.clone(), three.clone(), two.clone()]);
    assert_eq!(kind_of(&album, &other_order), PairKind::Edited);
    let shorter = tiff_pages(&[one.clone(), two.clone()]);
    assert_eq!(kind_of(&album, &shorter), PairKind::Edited);
}

/// The pages once more, each changed by at most one level.
fn with_other_bytes(pages: &[RgbImage]) -> Vec<u8> {
    let mut pages = pages.to_vec();
    for page in &mut pages {
        page.pixels_mut().for_each(|pixel| pixel.0[0] ^= 1);
    }
    tiff_pages(&pages)
}

#[test]
fn a_master_is_named_and_comes_first() {
    let picture = textured(400, 300, 9);
    let deep = DynamicImage::from(picture.clone()).into_rgb16();
    let tiff = encode(&picture, ImageFormat::Tiff);
    let raw = dng(&textured(160, 120, 9), [800, 600], Some(&picture));
    let larger = image::imageops::resize(&picture, 800, 600, image::imageops::FilterType::Lanczos3);
    for (master, copy) in [
        (&tiff, jpeg(&picture, 85)),
        (&encode(&deep, ImageFormat::Png), png(&picture)),
        (&raw, jpeg(&picture, 80)),
        // The JPEG in a raw file is smaller than what the camera saw.
        (&raw, jpeg(&larger, 90)),
    ] {
        for order in [[&copy, master], [master, &copy]] {
            let (bench, _root) = bench();
            let ids = order.map(|bytes| bench.indexer.add(bytes, "a").unwrap().picture.id);
            let master = &ids[usize::from(order[1] == master)];
            let go = std::sync::atomic::AtomicBool::new(false);
            bench.duplicates.update(&go, &mut |_| {}).unwrap();
            let found = bench
                .duplicates
                .groups(&DuplicateOptions::default())
                .unwrap();
            let group = &found.groups[0];
            assert_eq!(group.kind, PairKind::Derivative);
            assert_eq!(group.pairs[0].master.as_ref(), Some(master));
            assert_eq!(group.members[0].picture.id, *master);
        }
    }
    let lossless = paired(&png(&picture), &jpeg(&picture, 85)).unwrap();
    assert_eq!(
        (lossless.kind, lossless.master),
        (PairKind::ReEncoded, None)
    );
}

#[test]
fn copies_of_a_flat_logo_are_paired_by_their_pixels() {
    let logo = |colour| {
        RgbImage::from_fn(256, 256, |x, y| {
            let (dx, dy) = (f64::from(x) - 128.0, f64::from(y) - 128.0);
            let ring = (60.0..100.0).contains(&dx.hypot(dy));
            image::Rgb(if ring { colour } else { [250, 250, 245] })
        })
    };
    let (red, blue) = (logo([200, 30, 40]), logo([20, 60, 190]));
    let pair = paired(&png(&red), &jpeg(&red, 80)).unwrap();
    assert_eq!(pair.kind, PairKind::ReEncoded);
    assert_eq!(paired(&png(&red), &jpeg(&blue, 80)), None);
}

#[test]
fn pages_and_depth_of_a_picture_are_stored() {
    let (bench, _root) = bench();
    let album = bench.indexer.add(&tiff_pages(&three()), "album").unwrap();
    assert_eq!(
        (album.picture.pages, album.picture.depth),
        (Some(3), Some(8))
    );
}
