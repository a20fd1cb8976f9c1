//! Files changed at random, through the functions that the fuzzers call.

use image::ImageFormat;
use moxcms::ColorProfile;
use resight_test_support::{
    Random, TiffDirectory, animated_gif, animated_png, animated_webp, dng, encode, fuzz_reader,
    jpeg, textured, tiff, tiff_pages,
};

use crate::{bmff, fuzzing};

fn corpus() -> Vec<Vec<u8>> {
    let small = |seed| textured(40, 28, seed);
    let frames = [small(1), small(2)];
    let mut below = TiffDirectory::rgb(&small(3)).with(254, 1);
    below.below = Some(Box::new(TiffDirectory::rgb(&small(4)).with(255, 2)));
    vec![
        jpeg(&small(5), 70),
        encode(&small(5), ImageFormat::Tiff),
        tiff_pages(&frames),
        tiff(&[below]),
        animated_gif(&frames),
        animated_png(&frames),
        animated_webp(&frames),
        dng(&small(3), [400, 300], Some(&textured(64, 48, 4))),
        dng(&small(3), [400, 300], None),
    ]
}

#[test]
fn directories_segments_and_frames_of_changed_files() {
    let (read, refused) = fuzz_reader("structures", 20_000, corpus(), fuzzing::structures);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn boxes_of_changed_containers() {
    let mut random = Random::new(3);
    let (read, refused) = fuzz_reader("boxes", 20_000, bmff::tests::corpus(), |bytes| {
        // And from anywhere on.
        fuzzing::boxes(&bytes[random.below(bytes.len() + 1)..]);
        fuzzing::boxes(bytes)
    });
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

/// `tests/pictures/mutated.rs` tries more of them, of all formats.
#[test]
fn changed_pictures_of_our_readers() {
    let (read, refused) = fuzz_reader("picture", 500, corpus(), fuzzing::picture);
    assert!(read > 20 && refused > 20, "{read} {refused}");
}

/// A Photoshop file of 20 by 18 pixels, in grey of eight bits that lie as they are or are packed.
fn photoshop(is_packed: bool) -> Vec<u8> {
    let (width, height) = (20_u32, 18_u32);
    let mut out = b"8BPS\0\x01\0\0\0\0\0\0\0\x01".to_vec();
    out.extend([height, width].iter().flat_map(|side| side.to_be_bytes()));
    out.extend([0, 8, 0, 1]);
    // No palette, no resources, no layers.
    out.extend([0; 12]);
    out.extend([0, u8::from(is_packed)]);
    if is_packed {
        // Each row is one run.
        out.extend((0..height).flat_map(|_| 2_u16.to_be_bytes()));
        out.extend((0..height).flat_map(|row| [(257 - width) as u8, row as u8]));
    } else {
        out.extend((0..width * height).map(|at| at as u8));
    }
    out
}

#[test]
fn changed_photoshop_files() {
    let made = vec![photoshop(false), photoshop(true)];
    assert!(made.iter().all(|file| fuzzing::photoshop(file)));
    let (read, refused) = fuzz_reader("photoshop", 5_000, made, fuzzing::photoshop);
    assert!(read > 100 && refused > 100, "{read} {refused}");
}

#[test]
fn changed_colour_profiles() {
    let profiles = [
        ColorProfile::new_display_p3(),
        ColorProfile::new_adobe_rgb(),
    ];
    let made = profiles.map(|profile| profile.encode().unwrap()).to_vec();
    let (read, refused) = fuzz_reader("profile", 2_000, made, fuzzing::profile);
    assert!(read > 20 && refused > 20, "{read} {refused}");
}
