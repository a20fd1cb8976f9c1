//! Files with several pages or frames.

use image::{Rgb, RgbImage};
use resight_decode::{DecodeLimits, RefusedCode, decode, pages};
use resight_test_support::{
    TiffDirectory, animated_gif, animated_png, animated_webp, encode, tiff, tiff_pages,
};

fn plain(grey: u8) -> RgbImage {
    RgbImage::from_pixel(40, 30, Rgb([grey; 3]))
}

fn three() -> [RgbImage; 3] {
    [20, 120, 220].map(plain)
}

fn greys(bytes: &[u8]) -> Vec<u8> {
    let limits = DecodeLimits::default();
    let all = pages(bytes, &limits).unwrap();
    all.map(|page| page.unwrap().rgb()[0]).collect()
}

type Maker = fn(&[RgbImage]) -> Vec<u8>;

#[test]
fn every_page_and_frame_is_counted_and_read() {
    let makers: [(&str, Maker); 4] = [
        ("image/tiff", tiff_pages),
        ("image/gif", animated_gif),
        ("image/png", animated_png),
        ("image/webp", animated_webp),
    ];
    for (media_type, make) in makers {
        let bytes = make(&three());
        let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
        assert_eq!((decoded.media_type, decoded.pages), (media_type, 3));
        assert_eq!(decoded.image.rgb()[0], 20, "{media_type}");
        assert_eq!(greys(&bytes), [20, 120, 220], "{media_type}");
        let one = decode(&make(&three()[..1]), &DecodeLimits::default()).unwrap();
        assert_eq!(one.pages, 1, "{media_type}");
    }
}

#[test]
fn a_thumbnail_that_comes_first_is_not_the_picture() {
    let thumbnail = TiffDirectory::rgb(&RgbImage::from_pixel(20, 16, Rgb([9; 3]))).with(254, 1);
    let bytes = tiff(&[thumbnail, TiffDirectory::rgb(&plain(120))]);
    let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
    assert_eq!((decoded.image.width(), decoded.pages), (40, 1));
}

#[test]
fn still_formats_have_one_page_and_a_depth() {
    let picture = plain(77);
    let deep = image::DynamicImage::from(picture.clone()).into_rgb16();
    for (bytes, depth) in [
        (encode(&picture, image::ImageFormat::Jpeg), 8),
        (encode(&picture, image::ImageFormat::Png), 8),
        (encode(&deep, image::ImageFormat::Png), 16),
        (encode(&deep, image::ImageFormat::Tiff), 16),
    ] {
        let decoded = decode(&bytes, &DecodeLimits::default()).unwrap();
        assert_eq!((decoded.pages, decoded.depth), (1, depth));
    }
    let limits = DecodeLimits::default();
    let jpeg = encode(&picture, image::ImageFormat::Jpeg);
    let refused = pages(&jpeg, &limits).map(|_| ()).unwrap_err();
    assert_eq!(refused.code, RefusedCode::FormatNotSupported);
}

#[test]
fn a_file_that_ends_early_has_the_pages_that_are_there() {
    let limits = DecodeLimits::default();
    for whole in [
        animated_gif(&three()),
        animated_webp(&three()),
        animated_png(&three()),
    ] {
        for part in 1..20 {
            let cut = &whole[..whole.len() * part / 20];
            // Whatever it answers, it returns.
            let _ = decode(cut, &limits);
            let Ok(all) = pages(cut, &limits) else {
                continue;
            };
            let read: Vec<_> = all.collect();
            assert!(read.len() <= 3);
            let failed = read.iter().position(Result::is_err);
            assert!(failed.is_none_or(|at| at + 1 == read.len()));
        }
    }
    let small = DecodeLimits {
        max_pixels: 100,
        ..limits
    };
    for bytes in [animated_gif(&three()), tiff_pages(&three())] {
        let first = pages(&bytes, &small).and_then(|mut all| all.next().unwrap());
        assert_eq!(first.unwrap_err().code, RefusedCode::TooManyPixels);
    }
}
