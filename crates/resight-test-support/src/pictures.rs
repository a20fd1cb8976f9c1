//! Pictures that extractors find many features in, and their files.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};

use crate::random::{Random, scrambled};

/// Square pixels of a picture for each of its boxes.
const AREA_A_BOX: u32 = 280;

/// Overlapping boxes of random colours, which have corners at several scales. Each seed gives
/// another picture.
pub fn textured(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut random = Random::new(seed);
    let mut picture = RgbImage::from_pixel(width, height, Rgb([128; 3]));
    for _ in 0..width * height / AREA_A_BOX {
        let (left, top) = (
            random.below(width as usize) as u32,
            random.below(height as usize) as u32,
        );
        let (right, bottom) = (
            (left + 4 + random.below(28) as u32).min(width),
            (top + 4 + random.below(28) as u32).min(height),
        );
        let colour = Rgb([random.byte(), random.byte(), random.byte()]);
        for y in top..bottom {
            for x in left..right {
                picture.put_pixel(x, y, colour);
            }
        }
    }
    picture
}

/// Cells of 9 × 8 pixels in greys from 0 to 127, `brighter` by that much. Each number gives other
/// greys.
pub fn cells(width: u32, height: u32, number: u32, brighter: u8) -> GrayImage {
    halves(width, height, [number, number], brighter)
}

/// The left half of one number's [`cells`] and the right half of another's.
pub fn halves(width: u32, height: u32, numbers: [u32; 2], brighter: u8) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let number = numbers[usize::from(x >= width / 2)];
        let grey = scrambled(x / 9 + ((y / 8) << 8) + (number << 16)) >> 24;
        Luma([grey as u8 / 2 + brighter])
    })
}

/// The bytes of a file of this format.
///
/// Panics when the format cannot hold the picture's pixels.
pub fn encode(picture: &(impl Clone + Into<DynamicImage>), format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let encoded = picture.clone().into().write_to(&mut bytes, format);
    assert!(encoded.is_ok(), "{format:?}: {encoded:?}");
    bytes.into_inner()
}

/// The bytes of a PNG file.
pub fn png(picture: &(impl Clone + Into<DynamicImage>)) -> Vec<u8> {
    encode(picture, ImageFormat::Png)
}

/// The bytes of a JPEG file of this quality, 1 to 100.
pub fn jpeg(picture: &(impl Clone + Into<DynamicImage>), quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    let encoded = picture.clone().into().write_with_encoder(encoder);
    assert!(encoded.is_ok(), "{encoded:?}");
    bytes
}

/// A JPEG whose Exif states when it was taken, as in `2019:07:31 12:00:00`.
pub fn jpeg_taken(picture: &(impl Clone + Into<DynamicImage>), time: &str) -> Vec<u8> {
    let plain = jpeg(picture, 90);
    // A directory with a pointer to another one, which has the time.
    let mut exif =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"\x01\0\x03\x90\x02\0\x14\0\0\0\x2c\0\0\0\0\0\0\0");
    exif.extend_from_slice(time.as_bytes());
    exif.push(0);
    let mut all = vec![0xff, 0xd8, 0xff, 0xe1];
    all.extend_from_slice(&(exif.len() as u16 + 2).to_be_bytes());
    all.extend_from_slice(&exif);
    all.extend_from_slice(&plain[2..]);
    all
}

/// The bytes of a binary PGM file, which is its pixels behind one short header.
pub fn pgm(picture: &GrayImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let header = format!("P5\n{width} {height}\n255\n").into_bytes();
    [header, picture.as_raw().clone()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> DynamicImage {
        image::load_from_memory(bytes).unwrap()
    }

    #[test]
    fn a_seed_gives_one_picture_and_another_seed_another() {
        let first = textured(80, 60, 1);
        assert_eq!(first.dimensions(), (80, 60));
        assert_eq!(first, textured(80, 60, 1));
        assert_ne!(first, textured(80, 60, 2));
        assert_ne!(cells(80, 60, 1, 0), cells(80, 60, 2, 0));
    }

    #[test]
    fn a_textured_picture_has_edges_everywhere() {
        let picture = textured(320, 240, 3);
        for top in (0..240).step_by(60) {
            for left in (0..320).step_by(80) {
                let steps = (top..top + 60)
                    .flat_map(|y| (left + 1..left + 80).map(move |x| (x, y)))
                    .filter(|&(x, y)| picture.get_pixel(x, y) != picture.get_pixel(x - 1, y));
                assert!(steps.count() > 60, "around ({left}, {top})");
            }
        }
    }

    #[test]
    fn halves_are_those_of_their_numbers() {
        let (left, right) = (cells(90, 40, 5, 20), cells(90, 40, 6, 20));
        let both = halves(90, 40, [5, 6], 20);
        for (x, y, pixel) in both.enumerate_pixels() {
            let whole = if x < 45 { &left } else { &right };
            assert_eq!(pixel, whole.get_pixel(x, y));
            assert!((20..148).contains(&pixel[0]));
        }
    }

    #[test]
    fn files_hold_the_picture() {
        let (colour, grey) = (textured(50, 40, 1), cells(50, 40, 1, 9));
        assert_eq!(read(&png(&colour)).to_rgb8(), colour);
        assert_eq!(read(&png(&grey)).to_luma8(), grey);
        assert_eq!(read(&pgm(&grey)).to_luma8(), grey);
        assert_eq!(read(&encode(&colour, ImageFormat::Bmp)).to_rgb8(), colour);
        let (coarse, fine) = (jpeg(&colour, 20), jpeg(&colour, 95));
        assert!(coarse.len() < fine.len());
        assert_eq!(read(&fine).to_rgb8().dimensions(), (50, 40));
    }
}
