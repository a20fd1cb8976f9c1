//! Files with several pages or frames.

use image::{Rgb, RgbImage};
use resight_decode::{DecodeLimits, RefusedCode, decode, may_have_pages, pages};
use resight_test_support::{
    TiffDirectory, animated_gif, animated_png, animated_webp, encode, tiff, tiff_pages,
};
use resight_vision::Image;

fn plain(grey: u8) -> RgbImage {
    RgbImage::from_pixel(40, 30, Rgb([grey; 3]))
}

fn three() -> [RgbImage; 3] {
    [20, 120, 220].map(plain)
}

fn greys(bytes: &[u8]) -> Vec<u8> {
    let limits = DecodeLimits::default();
    let all = pages(bytes, &limits).unwrap();
    all.map(|page| page.unwrap().image.rgb()[0]).collect()
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
        assert!(may_have_pages(&bytes), "{media_type}");
        let one = decode(&make(&three()[..1]), &DecodeLimits::default()).unwrap();
        assert_eq!(one.pages, 1, "{media_type}");
    }
}

#[test]
fn pages_and_frames_are_skipped_and_frames_have_times() {
    let four: Vec<RgbImage> = [20, 120, 220, 70].map(plain).to_vec();
    let makers: [(Maker, bool); 4] = [
        (tiff_pages, false),
        (animated_gif, true),
        (animated_png, true),
        (animated_webp, true),
    ];
    let limits = DecodeLimits::default();
    for (make, is_animation) in makers {
        let bytes = make(&four);
        let decoded = decode(&bytes, &limits).unwrap();
        assert_eq!(
            resight_decode::is_animation(decoded.media_type),
            is_animation
        );
        let mut all = pages(&bytes, &limits).unwrap();
        let times: Vec<_> = pages(&bytes, &limits)
            .unwrap()
            .map(|page| page.unwrap().time_ms)
            .collect();
        assert_eq!(times[0], is_animation.then_some(0));
        assert!(
            !is_animation || times.is_sorted_by(|a, b| a < b),
            "{times:?}"
        );
        let second = all.nth(1).unwrap().unwrap();
        let last = all.nth(1).unwrap().unwrap();
        assert_eq!([&second, &last].map(|page| page.image.rgb()[0]), [120, 70]);
        assert_eq!([second.time_ms, last.time_ms], [times[1], times[3]]);
        assert!(all.next().is_none());
        assert!(pages(&bytes, &limits).unwrap().nth(4).is_none());
    }
}

#[cfg(feature = "jxl")]
#[test]
fn frames_of_jpeg_xl_are_read_with_their_times() {
    let limits = DecodeLimits::default();
    let bytes = include_bytes!("files/animation.jxl");
    let decoded = decode(bytes, &limits).unwrap();
    assert_eq!((decoded.media_type, decoded.pages), ("image/jxl", 3));
    assert_eq!(decoded.image.rgb()[0], 20);
    let all = pages(bytes, &limits).unwrap().map(Result::unwrap);
    let told: Vec<_> = all
        .map(|page| (page.image.rgb()[0], page.time_ms))
        .collect();
    assert_eq!(told, [(20, Some(0)), (120, Some(80)), (220, Some(200))]);
    let last = pages(bytes, &limits).unwrap().nth(2).unwrap().unwrap();
    assert_eq!(last.image.rgb()[0], 220);
    for cut in 0..bytes.len() {
        let all = pages(&bytes[..cut], &limits).into_iter().flatten();
        assert!(all.filter(Result::is_ok).count() <= 3);
        let _ = decode(&bytes[..cut], &limits);
    }
    let still = include_bytes!("files/lossless.jxl");
    assert_eq!(decode(still, &limits).unwrap().pages, 1);
    assert!(pages(still, &limits).is_err());
}

/// A white block that moves by 12 pixels a frame, each frame coded by its difference to those before.
const SEQUENCE: &[u8] = include_bytes!("files/sequence.avif");

/// Where the block begins.
fn block(image: &Image) -> Option<u32> {
    let bright = |x: u32| {
        let at = (20 * image.width() + x) as usize * 3;
        image.rgb()[at..at + 3].iter().all(|value| *value > 200)
    };
    (0..image.width() - 4).find(|x| (*x..x + 4).all(bright))
}

#[test]
fn frames_of_avif_are_read_with_their_times() {
    let limits = DecodeLimits::default();
    let decoded = decode(SEQUENCE, &limits).unwrap();
    assert_eq!((decoded.media_type, decoded.pages), ("image/avif", 4));
    let all = pages(SEQUENCE, &limits).unwrap().map(Result::unwrap);
    let all: Vec<_> = all.collect();
    let times: Vec<_> = all.iter().map(|page| page.time_ms).collect();
    assert_eq!(times, [0, 100, 180, 300].map(Some));
    for (number, page) in (0..).zip(&all) {
        let at = block(&page.image).unwrap();
        assert!(at.abs_diff(4 + 12 * number) <= 2, "{number}: {at}");
        assert_eq!((page.image.width(), page.image.height()), (64, 48));
    }
    // Frames that are skipped are gone through.
    let mut some = pages(SEQUENCE, &limits).unwrap();
    assert_eq!(some.nth(2).unwrap().unwrap(), all[2]);
    assert_eq!(some.next().unwrap().unwrap(), all[3]);
    assert!(some.next().is_none());
    let small = DecodeLimits {
        max_pixels: 64 * 48 - 1,
        ..DecodeLimits::default()
    };
    let refused = pages(SEQUENCE, &small).map(|_| ()).unwrap_err();
    assert_eq!(refused.code, RefusedCode::TooManyPixels);
    let used = limits.memory.in_use();
    assert_eq!((used.work, used.waiting), (0, 0));
}

/// The sequence with other bytes at a place after the first occurrence of `name`.
fn changed(name: &[u8], after: usize, bytes: &[u8]) -> Vec<u8> {
    let mut all = SEQUENCE.to_vec();
    let at = all
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    all[at + after..at + after + bytes.len()].copy_from_slice(bytes);
    all
}

#[test]
fn an_avif_without_a_still_picture_has_its_first_frame() {
    let limits = DecodeLimits::default();
    let bytes = changed(b"meta", 0, b"free");
    let decoded = decode(&bytes, &limits).unwrap();
    assert_eq!((decoded.pages, decoded.depth), (4, 8));
    assert!(block(&decoded.image).unwrap().abs_diff(4) <= 2);
    assert_eq!(pages(&bytes, &limits).unwrap().count(), 4);
    // Nor with frames.
    let mut none = bytes;
    let at = none.windows(4).position(|part| part == b"moov").unwrap();
    none[at..at + 4].copy_from_slice(b"free");
    let refused = decode(&none, &limits).unwrap_err();
    assert_eq!(refused.code, RefusedCode::FormatNotSupported, "{refused}");
}

#[test]
fn a_sequence_is_turned_as_its_track_says() {
    let limits = DecodeLimits::default();
    let one = 0x1_0000_i32;
    let matrix = [0, one, 0, -one, 0].map(i32::to_be_bytes).concat();
    // A header of version 1.
    let bytes = changed(b"tkhd", 4 + 4 + 32 + 16, &matrix);
    let mut all = pages(&bytes, &limits).unwrap();
    let turned = all.next().unwrap().unwrap().image;
    assert_eq!((turned.width(), turned.height()), (48, 64));
    assert_ne!(
        turned,
        pages(SEQUENCE, &limits)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .image
    );
}

#[test]
fn a_sequence_that_ends_early_has_the_frames_that_are_there() {
    let limits = DecodeLimits::default();
    let mut most = 0;
    for cut in 0..SEQUENCE.len() {
        let Ok(all) = pages(&SEQUENCE[..cut], &limits) else {
            continue;
        };
        let read: Vec<_> = all.collect();
        assert!(read.len() <= 4);
        let failed = read.iter().position(Result::is_err);
        assert!(failed.is_none_or(|at| at + 1 == read.len()));
        most = most.max(read.iter().filter(|one| one.is_ok()).count());
    }
    assert_eq!(most, 3);
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
        // Of a TIFF its directories tell, which are not looked at.
        assert_eq!(may_have_pages(&bytes), decoded.media_type == "image/tiff");
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
