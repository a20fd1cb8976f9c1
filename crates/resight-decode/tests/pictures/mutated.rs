//! Files of every format, changed at random. `RESIGHT_FUZZ_FACTOR` multiplies their number.

use image::{ImageFormat, RgbImage};
use resight_decode::{DecodeLimits, MemoryBudget, RefusedCode, decode, pages, thumbnail_jpeg};
use resight_test_support::{
    animated_gif, animated_png, animated_webp, dng, encode, fuzz, fuzz_corpus, textured, tiff_pages,
};

/// Most pixels of a changed file.
const PIXELS: u64 = 200_000;

fn corpus() -> Vec<Vec<u8>> {
    let small = |seed| textured(40, 28, seed);
    let frames: Vec<RgbImage> = (0..3).map(small).collect();
    let formats = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Tiff,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
        ImageFormat::Ico,
        ImageFormat::Qoi,
        ImageFormat::Tga,
    ];
    let mut files: Vec<Vec<u8>> = formats.map(|format| encode(&small(9), format)).into();
    files.push(crate::formats::pcx(&small(9)));
    files.extend(crate::tiff::corpus());
    files.extend(crate::modern::corpus());
    files.extend(crate::raw::corpus());
    files.extend(crate::jpeg::FILES.map(|(_, bytes)| bytes.to_vec()));
    files.extend([
        tiff_pages(&frames),
        animated_gif(&frames),
        animated_webp(&frames),
        animated_png(&frames),
        dng(&small(3), [400, 300], Some(&textured(64, 48, 4))),
        dng(&small(3), [400, 300], None),
    ]);
    files
}

fn limits() -> DecodeLimits {
    DecodeLimits {
        max_pixels: PIXELS,
        memory: MemoryBudget::new(16 << 20),
        ..DecodeLimits::default()
    }
}

#[cfg(feature = "svg")]
/// Drawing takes a picture's time whatever its size is, so fewer are tried.
#[test]
fn a_changed_svg_is_drawn_or_refused() {
    let limits = DecodeLimits::default();
    let (mut drawn, mut refused) = (0, 0);
    fuzz("svg", 100, &crate::svg::corpus(), |bytes| {
        match decode(bytes, &limits) {
            Ok(one) => {
                drawn += 1;
                assert!(one.image.width().max(one.image.height()) <= 2048);
            }
            Err(_) => refused += 1,
        }
    });
    assert!(drawn > 5 && refused > 5, "{drawn} {refused}");
}

#[test]
fn a_changed_file_is_decoded_within_its_limits_or_refused() {
    let limits = limits();
    let (mut decoded, mut refused) = (0, 0);
    let mut files = fuzz_corpus("picture", corpus());
    files.extend(fuzz_corpus("large_format", Vec::new()));
    fuzz("decode", 4000, &files, |bytes| {
        match decode(bytes, &limits) {
            Ok(one) => {
                decoded += 1;
                let (width, height) = (one.image.width(), one.image.height());
                assert!(u64::from(width) * u64::from(height) <= PIXELS);
                assert!(width.min(height) >= limits.min_side);
                assert_eq!(one.image.rgb().len(), width as usize * height as usize * 3);
                assert!(one.pages >= 1 && (1..=32).contains(&one.depth), "{one:?}");
                thumbnail_jpeg(&one.image, 320, 80).unwrap();
            }
            Err(error) => {
                refused += 1;
                assert_ne!(error.code, RefusedCode::Unreadable);
                // The decoders of other projects may stop; ours are tested beside them.
                assert!(!error.detail.is_empty());
            }
        }
        // Further pages; the iterator ends where one fails.
        let further = pages(bytes, &limits).into_iter().flatten().take(8);
        for page in further.flatten() {
            let (width, height) = (page.image.width(), page.image.height());
            assert!(u64::from(width) * u64::from(height) <= PIXELS);
        }
    });
    assert!(decoded > 20 && refused > 20, "{decoded} {refused}");
    // What was taken of the memory is given back: this one needs most of it.
    let large = encode(&textured(400, 400, 1), ImageFormat::Png);
    let memory = MemoryBudget::clone(&limits.memory);
    let limits = DecodeLimits {
        memory,
        ..DecodeLimits::default()
    };
    assert!(decode(&large, &limits).is_ok());
}
