//! What is fed to the readers of picture files by the tests and by the fuzzers of `fuzz`. [`crate::decode`] makes a
//! refusal of a panic, so our own readers are called directly here. Each function returns whether something was
//! read, and panics where a reader is wrong.

use crate::limits::DecodeLimits;
use crate::memory::MemoryBudget;
use crate::profile::Conversion;
use crate::refused::RefusedCode;
use crate::sniff::{Format, Sniffed, sniff};
use crate::{
    bmff,
    jpeg::Segments,
    pages, psd, raw, scan,
    tiff::{self, Tiff},
};

/// Most pixels of a picture.
const PIXELS: u64 = 100_000;

fn limits() -> DecodeLimits {
    DecodeLimits {
        max_pixels: PIXELS,
        memory: MemoryBudget::new(64 << 20),
        ..DecodeLimits::default()
    }
}

/// Directories, segments, scans and frames.
pub fn structures(bytes: &[u8]) -> bool {
    let limits = limits();
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
    let Sniffed::Supported(format) = sniffed else {
        return false;
    };
    let frames = pages::frame_count(bytes, format);
    assert!(
        frames as usize <= bytes.len(),
        "{frames} in {} bytes",
        bytes.len()
    );
    if let Format::Raw(kind) = format {
        let _ = raw::decode(bytes, kind, &limits);
    }
    true
}

/// Boxes of HEIF and AVIF.
pub fn boxes(bytes: &[u8]) -> bool {
    let _ = bmff::frames(bytes);
    let read = bmff::primary(bytes);
    if let Ok(item) = &read {
        assert!(item.data.len() <= bytes.len());
        assert!(item.transforms.len() <= 4);
    }
    read.is_ok()
}

/// Photoshop files.
pub fn photoshop(bytes: &[u8]) -> bool {
    match psd::decode(bytes, &limits()) {
        Ok((image, depth)) => {
            assert!(u64::from(image.width()) * u64::from(image.height()) <= PIXELS);
            assert!(depth <= 32);
            true
        }
        Err(refused) => {
            assert!(!refused.detail.is_empty());
            false
        }
    }
}

/// Colour profiles.
pub fn profile(bytes: &[u8]) -> bool {
    let Some(conversion) = Conversion::of(bytes) else {
        return false;
    };
    let mut rgb = [0, 128, 255, 7, 9, 11];
    conversion.apply(&mut rgb);
    true
}

/// The fields of Exif that are shown.
pub fn exif(bytes: &[u8]) -> bool {
    let fields = crate::exif_fields(bytes);
    assert!(fields.len() <= 3 * 256, "{} fields", fields.len());
    assert!(
        fields
            .iter()
            .all(|field| field.value.chars().count() <= 300)
    );
    !fields.is_empty()
}

/// When a picture was taken.
pub fn taken(bytes: &[u8]) -> bool {
    crate::taken(bytes).is_some()
}

/// A picture of any format, and its further pages. The decoders of other projects may stop.
pub fn picture(bytes: &[u8]) -> bool {
    let limits = limits();
    let decoded = crate::decode(bytes, &limits);
    match &decoded {
        Ok(one) => {
            let (width, height) = (one.image.width(), one.image.height());
            assert!(u64::from(width) * u64::from(height) <= PIXELS);
            assert!(width.min(height) >= limits.min_side);
            assert_eq!(one.image.rgb().len(), width as usize * height as usize * 3);
            assert!(one.pages >= 1 && (1..=32).contains(&one.depth), "{one:?}");
            assert!(crate::thumbnail_jpeg(&one.image, 320, 80).is_ok());
        }
        Err(refused) => {
            assert_ne!(refused.code, RefusedCode::Unreadable);
            assert!(!refused.detail.is_empty());
        }
    }
    let further = crate::pages(bytes, &limits).into_iter().flatten().take(8);
    for page in further.flatten() {
        let (width, height) = (page.image.width(), page.image.height());
        assert!(u64::from(width) * u64::from(height) <= PIXELS);
    }
    let used = limits.memory.in_use();
    assert_eq!((used.work, used.waiting), (0, 0), "memory was not returned");
    decoded.is_ok()
}
