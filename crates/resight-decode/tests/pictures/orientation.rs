//! Orientation in metadata, and metadata that is broken.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use resight_decode::{DecodeLimits, decode};

const RED: [u8; 3] = [250, 10, 10];
const GREEN: [u8; 3] = [10, 250, 10];
const BLUE: [u8; 3] = [10, 10, 250];
const WHITE: [u8; 3] = [250, 250, 250];

/// 48 × 32 with red, green, blue and white quarters (top left, top right, bottom left, bottom
/// right).
fn quarters() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| {
        Rgb(match (x < 24, y < 16) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// A TIFF block with the orientation as its only entry.
fn exif(orientation: u8) -> Vec<u8> {
    let mut out = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    out.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    out
}

fn jpeg(block: &[u8]) -> Vec<u8> {
    let picture = quarters();
    let mut plain = Vec::new();
    JpegEncoder::new_with_quality(&mut plain, 95)
        .encode(&picture, 48, 32, ExtendedColorType::Rgb8)
        .unwrap();
    let mut out = plain[..2].to_vec();
    out.extend([0xff, 0xe1]);
    out.extend((block.len() as u16 + 8).to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(block);
    out.extend(&plain[2..]);
    out
}

fn png(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = PngEncoder::new(&mut out);
    encoder.set_exif_metadata(block.to_vec()).unwrap();
    let rgb = ExtendedColorType::Rgb8;
    encoder.write_image(&quarters(), 48, 32, rgb).unwrap();
    out
}

fn webp(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut out);
    encoder.set_exif_metadata(block.to_vec()).unwrap();
    let rgb = ExtendedColorType::Rgb8;
    encoder.write_image(&quarters(), 48, 32, rgb).unwrap();
    out
}

/// The colours of the four quarters, in reading order.
fn corners(bytes: &[u8]) -> ((u32, u32), [[u8; 3]; 4]) {
    let image = decode(bytes, &DecodeLimits::default()).unwrap().image;
    let (w, h) = (image.width(), image.height());
    let near = |x: u32, y: u32| {
        let at = 3 * (y * w + x) as usize;
        let pixel = &image.rgb()[at..at + 3];
        [RED, GREEN, BLUE, WHITE]
            .into_iter()
            .find(|c| c.iter().zip(pixel).all(|(a, b)| a.abs_diff(*b) < 40))
            .unwrap()
    };
    let (left, right, top, bottom) = (w / 4, 3 * w / 4, h / 4, 3 * h / 4);
    let colours = [
        near(left, top),
        near(right, top),
        near(left, bottom),
        near(right, bottom),
    ];
    ((w, h), colours)
}

#[test]
fn all_eight_orientations() {
    // What the viewer must see, from the definition of the tag: where row 0 and column 0 are.
    let cases = [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ];
    for (orientation, expected) in cases {
        let size = if orientation < 5 { (48, 32) } else { (32, 48) };
        let block = exif(orientation);
        for (name, bytes) in [
            ("jpeg", jpeg(&block)),
            ("png", png(&block)),
            ("webp", webp(&block)),
        ] {
            assert_eq!(corners(&bytes), (size, expected), "{name} {orientation}");
        }
    }
}

#[test]
fn tiff_orientation() {
    let mut bytes = Cursor::new(Vec::new());
    quarters()
        .write_to(&mut bytes, image::ImageFormat::Tiff)
        .unwrap();
    let bytes = bytes.into_inner();
    assert_eq!(corners(&bytes), ((48, 32), [RED, GREEN, BLUE, WHITE]));
    // The encoder writes no orientation: turn the entry for the resolution unit (0x128) into one.
    // A reader that looks entries up by tag does not mind the order.
    let entry = [0x28, 1, 3, 0, 1, 0, 0, 0];
    let at = bytes.windows(8).position(|w| w == entry).unwrap();
    let mut turned = bytes;
    turned[at..at + 10].copy_from_slice(&[0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0]);
    assert_eq!(corners(&turned), ((32, 48), [BLUE, RED, WHITE, GREEN]));
}

#[test]
fn broken_metadata_never_refuses() {
    let upright = ((48, 32), [RED, GREEN, BLUE, WHITE]);
    let good = exif(6);
    let mut blocks = vec![
        exif(0),
        exif(9),
        vec![0xff; 40],
        b"II*\0\xff\xff\xff\xff".to_vec(),
    ];
    blocks.extend(
        (0..good.len() - 6)
            .step_by(3)
            .map(|cut| good[..cut].to_vec()),
    );
    for block in blocks {
        for bytes in [jpeg(&block), png(&block), webp(&block)] {
            let ((w, h), colours) = corners(&bytes);
            // A block cut behind the tag may still be read; anything else must change nothing.
            assert!(
                ((w, h), colours) == upright || (w, h) == (32, 48),
                "{block:?}"
            );
        }
    }
}

/// A JPEG with a segment of XMP behind one of Exif, if any.
fn with_xmp(exif: Option<&[u8]>, packet: &str) -> Vec<u8> {
    let whole = match exif {
        Some(block) => jpeg(block),
        None => jpeg(b""),
    };
    let name = b"http://ns.adobe.com/xap/1.0/\0";
    let mut segment = vec![0xff, 0xe1];
    segment.extend((2 + name.len() as u16 + packet.len() as u16).to_be_bytes());
    segment.extend(name);
    segment.extend(packet.as_bytes());
    [&whole[..2], &segment, &whole[2..]].concat()
}

#[test]
fn xmp_turns_a_picture_about_which_exif_says_nothing() {
    let packet = "<x:xmpmeta><rdf:Description tiff:Orientation=\"6\"/></x:xmpmeta>";
    let size = |bytes: &[u8]| {
        let image = decode(bytes, &DecodeLimits::default()).unwrap().image;
        (image.width(), image.height())
    };
    assert_eq!(size(&with_xmp(None, packet)), (32, 48));
    assert_eq!(size(&with_xmp(Some(&exif(1)), packet)), (48, 32));
    assert_eq!(size(&with_xmp(Some(&exif(8)), "<x/>")), (32, 48));
}
