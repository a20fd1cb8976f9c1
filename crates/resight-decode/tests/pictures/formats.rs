//! Generated pictures of every format, limits, and damaged data.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use resight_decode::{DecodeLimits, MemoryBudget, RefusedCode, decode};
use resight_test_support::{Random, encode};

/// A smooth picture with four differently coloured corners.
fn sample(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x * 255 / (width - 1), y * 255 / (height - 1));
        Rgb([x as u8, y as u8, 255 - x as u8])
    })
}

/// Formats with their largest error a channel.
const FORMATS: [(ImageFormat, u8); 9] = [
    (ImageFormat::Jpeg, 24),
    (ImageFormat::Png, 0),
    (ImageFormat::WebP, 0),
    (ImageFormat::Gif, 60),
    (ImageFormat::Tiff, 0),
    (ImageFormat::Bmp, 0),
    (ImageFormat::Pnm, 0),
    (ImageFormat::Qoi, 0),
    (ImageFormat::Tga, 0),
];

#[test]
fn every_format_comes_back() {
    let picture = sample(61, 37);
    for (format, tolerance) in FORMATS {
        let bytes = encode(&picture, format);
        let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
        assert_eq!(decoded.media_type, format.to_mime_type());
        let image = decoded.image;
        assert_eq!((image.width(), image.height()), (61, 37), "{format:?}");
        let worst = image
            .rgb()
            .iter()
            .zip(picture.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst <= Some(tolerance), "{format:?}: {worst:?}");
    }
}

/// A PCX of three planes, its rows packed.
pub(crate) fn pcx(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let mut bytes = vec![0; 128];
    bytes[..4].copy_from_slice(&[0x0a, 5, 1, 8]);
    bytes[8..10].copy_from_slice(&(width as u16 - 1).to_le_bytes());
    bytes[10..12].copy_from_slice(&(height as u16 - 1).to_le_bytes());
    bytes[65] = 3;
    bytes[66..68].copy_from_slice(&(width as u16).to_le_bytes());
    for (y, plane) in (0..height).flat_map(|y| (0..3).map(move |plane| (y, plane))) {
        for x in 0..width {
            bytes.extend([0xc1, picture.get_pixel(x, y)[plane]]);
        }
    }
    bytes
}

#[test]
fn pcx_comes_back() {
    let picture = sample(61, 37);
    let decoded = decode(&pcx(&picture), &DecodeLimits::default()).unwrap();
    assert_eq!(decoded.media_type, "image/vnd.zbrush.pcx");
    assert_eq!(decoded.image.rgb(), picture.as_raw());
    let few = DecodeLimits {
        max_pixels: 61 * 37 - 1,
        ..DecodeLimits::default()
    };
    let refused = decode(&pcx(&picture), &few).unwrap_err();
    assert_eq!(refused.code, RefusedCode::TooManyPixels);
}

#[test]
fn transparency_is_blended_over_white() {
    let clear = RgbaImage::from_pixel(20, 20, Rgba([200, 0, 0, 0]));
    let half = RgbaImage::from_pixel(20, 20, Rgba([200, 0, 100, 128]));
    for (picture, expected) in [(clear, [255; 3]), (half, [227, 127, 177])] {
        for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
            let bytes = encode(&picture, format);
            let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
            assert!(image.rgb().chunks(3).all(|p| p == expected), "{format:?}");
        }
    }
}

#[test]
fn wide_gamut_becomes_srgb() {
    use image::ImageEncoder as _;
    let picture = RgbImage::from_pixel(20, 20, Rgb([200, 100, 50]));
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let (mut png, mut jpeg) = (Vec::new(), Vec::new());
    let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
    encoder.set_icc_profile(profile.clone()).unwrap();
    encoder
        .write_image(&picture, 20, 20, image::ExtendedColorType::Rgb8)
        .unwrap();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95);
    encoder.set_icc_profile(profile).unwrap();
    encoder
        .write_image(&picture, 20, 20, image::ExtendedColorType::Rgb8)
        .unwrap();
    for (bytes, tolerance) in [(png, 0), (jpeg, 4)] {
        let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
        let apart = image.rgb()[..3]
            .iter()
            .zip([215_u8, 93, 31])
            .map(|(a, b)| a.abs_diff(b));
        assert!(apart.max() <= Some(tolerance), "{:?}", &image.rgb()[..3]);
    }
}

#[test]
fn deep_samples_become_eight_bits() {
    let deep = DynamicImage::ImageRgb8(sample(40, 30)).into_rgb16();
    let float = image::Rgb32FImage::from_fn(40, 30, |x, _| match x {
        0 => Rgb([-1.0, 0.5, 7.0]),
        1 => Rgb([0.0, 1.0, f32::INFINITY]),
        2 => Rgb([f32::NAN, 0.0, 1.0]),
        _ => Rgb([0.2, 0.4, 0.6]),
    });
    let bytes = encode(&DynamicImage::from(deep), ImageFormat::Png);
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!(image.rgb(), sample(40, 30).as_raw());
    let bytes = encode(&DynamicImage::from(float), ImageFormat::Tiff);
    let image = decode(&bytes, &DecodeLimits::default()).unwrap().image;
    assert_eq!(image.rgb()[..6], [0, 128, 255, 0, 255, 255]);
    assert_eq!(image.rgb()[7..9], [0, 255]);
}

#[test]
fn limits_are_kept() {
    let bytes = encode(&sample(40, 30), ImageFormat::Png);
    let code = |bytes: &[u8], limits| decode(bytes, &limits).map_err(|r| r.code).err();
    let limits = DecodeLimits::default;
    assert_eq!(code(&bytes, limits()), None);
    assert_eq!(code(&[], limits()), Some(RefusedCode::Empty));
    let few_bytes = DecodeLimits {
        max_bytes: bytes.len() as u64 - 1,
        ..limits()
    };
    assert_eq!(code(&bytes, few_bytes), Some(RefusedCode::TooManyBytes));
    let few_pixels = DecodeLimits {
        max_pixels: 1199,
        ..limits()
    };
    assert_eq!(code(&bytes, few_pixels), Some(RefusedCode::TooManyPixels));
    let exact = DecodeLimits {
        max_pixels: 1200,
        min_side: 30,
        ..limits()
    };
    assert_eq!(code(&bytes, exact), None);
    let long_sides = DecodeLimits {
        min_side: 31,
        ..limits()
    };
    assert_eq!(code(&bytes, long_sides), Some(RefusedCode::TooSmall));
    assert_eq!(
        code(b"just some text", limits()),
        Some(RefusedCode::NotAnImage)
    );
    assert_eq!(
        code(b"AT&TFORM\0\0\0\x10DJVU", limits()),
        Some(RefusedCode::FormatNotSupported)
    );
}

#[test]
fn a_picture_that_needs_more_than_all_memory_is_refused() {
    // Three bytes a pixel, and one MiB for everything else.
    let picture = sample(800, 600);
    let limits = |bytes| DecodeLimits {
        memory: MemoryBudget::new(bytes),
        ..DecodeLimits::default()
    };
    for (format, _) in FORMATS {
        let bytes = encode(&picture, format);
        let refused = decode(&bytes, &limits(4 << 20)).unwrap_err();
        assert_eq!(refused.code, RefusedCode::TooManyPixels, "{format:?}");
        assert!(refused.detail.contains("the limit is 2"), "{refused:?}");
        // What it took is returned: it can be decoded again and again.
        let enough = limits(64 << 20);
        for _ in 0..9 {
            assert!(decode(&bytes, &enough).is_ok(), "{format:?}");
        }
    }
}

/// A header that promises 60,000 × 60,000 pixels must not cost their memory.
#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut bmp = encode(&sample(40, 30), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(b"\x60\xea\0\0\x60\xea\0\0");
    let refused = decode(&bmp, &DecodeLimits::default()).unwrap_err();
    assert_eq!(refused.code, RefusedCode::TooManyPixels, "{refused}");
}

#[test]
fn cut_short_never_panics() {
    let limits = DecodeLimits::default();
    for (format, _) in FORMATS {
        let bytes = encode(&sample(61, 37), format);
        for cut in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
            match decode(&bytes[..cut], &limits) {
                Ok(decoded) => assert_eq!(decoded.image.width(), 61),
                Err(refused) => {
                    assert_ne!(refused.code, RefusedCode::DecoderFailed, "{format:?} {cut}");
                    assert!(!refused.detail.is_empty());
                }
            }
        }
        let half = decode(&bytes[..bytes.len() / 2], &limits);
        assert!(half.is_err() || format == ImageFormat::Jpeg, "{format:?}");
    }
}

#[test]
fn noise_never_panics() {
    let mut random = Random::new(1);
    let limits = DecodeLimits {
        max_pixels: 1 << 20,
        ..DecodeLimits::default()
    };
    let heads: Vec<Vec<u8>> = FORMATS
        .iter()
        .map(|(format, _)| encode(&sample(33, 21), *format))
        .collect();
    for round in 0..2000 {
        let mut bytes = heads[round % heads.len()].clone();
        if round % 5 == 0 {
            // Noise behind a true signature.
            bytes.truncate(12);
            bytes.extend((0..200).map(|_| random.byte()));
        } else {
            for _ in 0..4 {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
        }
        let _ = decode(&bytes, &limits).map_err(|refused| {
            assert_ne!(refused.code, RefusedCode::DecoderFailed, "{refused}");
        });
    }
}

/// Four stripes of CMYK with a profile by which each ink takes a quarter of the lightness away, written by another
/// program: paper, cyan, black, and all inks.
#[test]
fn four_inks_are_converted_by_their_profile() {
    let expected = [[255_u8; 3], [185; 3], [185; 3], [0; 3]];
    for file in [
        &include_bytes!("files/cmyk_profile.jpg")[..],
        include_bytes!("files/ycck_profile.jpg"),
        include_bytes!("files/cmyk_profile.tif"),
    ] {
        let decoded = decode(file, &DecodeLimits::default()).unwrap();
        let image = &decoded.image;
        assert_eq!((image.width(), image.height()), (64, 32));
        for (stripe, expected) in expected.iter().enumerate() {
            let at = 3 * (10 * 64 + stripe * 16 + 8);
            let pixel = &image.rgb()[at..at + 3];
            let mut pairs = pixel.iter().zip(expected);
            let is_near = pairs.all(|(a, b)| a.abs_diff(*b) <= 3);
            assert!(is_near, "{}: {stripe}: {pixel:?}", decoded.media_type);
        }
    }
}
