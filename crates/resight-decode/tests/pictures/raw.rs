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

/// Raw files that have no structure of TIFF, or another one: head, then a thumbnail, then `preview`, then data.
fn by_head(head: &[u8], preview: Option<&RgbImage>) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(200, 0);
    bytes.extend(jpeg(&thumbnail(), 60));
    bytes.extend(preview.map(|preview| jpeg(preview, 92)).unwrap_or_default());
    bytes.extend([0xff, 0xd8, 0xff, 3, 1, 4, 1, 5, 9, 2, 6].repeat(50));
    bytes
}

#[test]
fn raw_files_of_every_maker() {
    let preview = textured(720, 480, 3);
    let same = decode(&jpeg(&preview, 92), &DecodeLimits::default()).unwrap();
    for (head, media_type, name) in [
        (
            &b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom"[..],
            "image/x-canon-cr3",
            "CR3",
        ),
        (
            b"FUJIFILMCCD-RAW 0201FF129502X-T2",
            "image/x-fuji-raf",
            "RAF",
        ),
        (b"IIRO\x08\0\0\0\0\0", "image/x-olympus-orf", "ORF"),
        (b"IIU\0\x08\0\0\0\0\0", "image/x-panasonic-rw2", "RW2"),
    ] {
        let decoded = decode(&by_head(head, Some(&preview)), &DecodeLimits::default()).unwrap();
        assert_eq!(decoded.media_type, media_type);
        assert_eq!(decoded.image, same.image, "{media_type}");
        let refused = decode(&by_head(head, None), &DecodeLimits::default()).unwrap_err();
        assert_eq!(
            refused.code,
            RefusedCode::FormatNotSupported,
            "{media_type}"
        );
        assert!(refused.detail.contains(name), "{refused}");
        assert!(refused.detail.contains("160 × 120"), "{refused}");
    }
}

#[test]
fn the_directory_of_a_box_turns_the_picture() {
    let mut head = b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom\0\0\0\x30CMT1".to_vec();
    // One entry: the orientation is 6, a quarter to the right.
    head.extend(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
    let bytes = by_head(&head, Some(&textured(720, 480, 3)));
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!((image.width(), image.height()), (480, 720));
}

#[test]
fn a_preview_that_no_directory_names_is_found() {
    // As in maker notes: the directories lead to a thumbnail alone.
    let preview = textured(1200, 800, 4);
    let mut bytes = dng(&thumbnail(), [6000, 4000], Some(&textured(160, 107, 3)));
    bytes.extend(jpeg(&preview, 92));
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!((image.width(), image.height()), (1200, 800));
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

/// A small file of each maker that has no structure of TIFF.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let preview = textured(96, 64, 5);
    let heads: [&[u8]; 3] = [
        b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom\0\0\0\x30CMT1II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0",
        b"FUJIFILMCCD-RAW 0201FF129502X-T2",
        b"IIRO\x08\0\0\0\0\0",
    ];
    heads.map(|head| by_head(head, Some(&preview))).into()
}
