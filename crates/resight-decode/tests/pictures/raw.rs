//! Raw files: the JPEG beside the sensor's data.

use image::{Rgb, RgbImage};
use resight_decode::{DecodeLimits, RefusedCode, decode};
use resight_test_support::{dng, jpeg, textured};

fn thumbnail() -> RgbImage {
    RgbImage::from_pixel(160, 120, Rgb([9; 3]))
}

#[test]
fn the_largest_jpeg_is_the_picture_and_never_the_thumbnail() {
    let preview = textured(480, 320, 3);
    let bytes = dng(&thumbnail(), [960, 640], Some(&preview));
    let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
    assert_eq!(decoded.media_type, "image/x-adobe-dng");
    assert_eq!((decoded.image.width(), decoded.image.height()), (480, 320));
    assert_eq!((decoded.depth, decoded.pages), (14, 1));
    let same = decode(&jpeg(&preview, 92), &DecodeLimits::default()).unwrap();
    assert_eq!(decoded.image, same.image);
}

#[test]
fn raw_files_with_a_thumbnail_alone_are_refused_by_name() {
    let small = textured(160, 107, 3);
    for (preview, words) in [(Some(&small), "160 × 107"), (None, "no JPEG")] {
        let bytes = dng(&thumbnail(), [6000, 4000], preview);
        let refused = decode(&bytes, &DecodeLimits::default()).unwrap_err();
        assert_eq!(refused.code, RefusedCode::FormatNotSupported);
        assert!(refused.detail.contains("DNG"), "{refused}");
        assert!(refused.detail.contains(words), "{refused}");
    }
}

#[test]
fn no_cut_and_no_changed_byte_ends_the_decoder() {
    let whole = dng(&RgbImage::new(16, 16), [96, 64], Some(&textured(48, 32, 1)));
    let limits = DecodeLimits::default();
    for at in (0..whole.len()).step_by(7) {
        let _ = decode(&whole[..at], &limits);
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        let _ = decode(&changed, &limits);
    }
}
