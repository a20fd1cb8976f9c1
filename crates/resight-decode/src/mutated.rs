//! Our own readers of file structures on files changed at random. [`crate::decode`] makes a refusal of a panic,
//! so they are called directly here.

use image::ImageFormat;
use resight_test_support::{
    Random, TiffDirectory, animated_gif, animated_png, animated_webp, dng, encode, fuzz, jpeg,
    textured, tiff, tiff_pages,
};

use crate::DecodeLimits;
use crate::sniff::{Format, Sniffed, sniff};
use crate::{
    bmff,
    jpeg::Segments,
    pages, raw, scan,
    tiff::{self, Tiff},
};

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
    let limits = DecodeLimits {
        max_pixels: 100_000,
        ..DecodeLimits::default()
    };
    fuzz("structures", 20_000, &corpus(), |bytes| {
        let sniffed = sniff(bytes);
        if let Some(tiff) = Tiff::open(bytes) {
            let all = tiff.all();
            assert!(tiff.chain().len() <= all.len().max(1) + 65_536);
            for at in tiff.pages().into_iter().take(4) {
                let _ = tiff::decode(&tiff, at, &limits);
            }
        }
        let mut segments = Segments::of(bytes).with_fill(1024);
        assert!(
            segments
                .by_ref()
                .take(bytes.len())
                .all(|(_, rest)| rest.len() < bytes.len())
        );
        let _ = segments.ends_early();
        let reached = scan::reach(bytes);
        if let scan::Reach::AllRows(end) = reached {
            assert!(scan::completed(bytes, end).len() <= bytes.len() + 2);
        }
        if let Sniffed::Supported(format) = sniffed {
            let frames = pages::frame_count(bytes, format);
            assert!(
                frames as usize <= bytes.len(),
                "{frames} in {} bytes",
                bytes.len()
            );
            if let Format::Raw(kind) = format {
                let _ = raw::decode(bytes, kind, &limits);
            }
        }
    });
}

#[test]
fn boxes_of_changed_containers() {
    let corpus = bmff::tests::corpus();
    let mut random = Random::new(3);
    let (mut read, mut refused) = (0, 0);
    fuzz("boxes", 20_000, &corpus, |bytes| {
        let _ = bmff::frames(bytes);
        match bmff::primary(bytes) {
            Ok(item) => {
                read += 1;
                assert!(item.data.len() <= bytes.len());
                assert!(item.transforms.len() <= 4);
            }
            Err(_) => refused += 1,
        }
        // And from anywhere on.
        let _ = bmff::primary(&bytes[random.below(bytes.len() + 1)..]);
    });
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
