//! Raw files of cameras: the largest JPEG that the camera put beside the sensor's data.
//!
//! Most have the structure of TIFF (DNG, NEF, CR2, ARW and others), whose directories lead to it. Of the others (CR3,
//! RAF, ORF, RW2), and where directories lead to a thumbnail alone, all JPEGs in the file are looked at.
//!
//! Where there is only a thumbnail, the file is refused: a thumbnail is not the picture.

use image::metadata::Orientation;
use resight_vision::Image;

use crate::jpeg::Segments;
use crate::limits::DecodeLimits;
use crate::raster;
use crate::raw_kind::{RawKind, is_sensor};
use crate::refused::Refused;
use crate::tiff::{Directory, Tiff, tag};

/// Compressions by JPEG, old and new.
const JPEG: [u64; 2] = [6, 7];

/// Longer side in pixels from which on a JPEG is a preview, whatever the sensor has.
const PREVIEW: u64 = 1024;

/// Longer side of thumbnails, at most, where nothing is known of the sensor.
const THUMBNAIL: u64 = 512;

/// JPEGs that are looked at in one file, at most: data of a sensor may look like their beginning.
const MOST_JPEGS: usize = 4096;

/// Canon's box is within so many first bytes.
const HEAD: usize = 1 << 16;

/// Fill bytes before the markers of one JPEG, at most.
const MOST_FILL: usize = 1024;

/// A shorter preview is one where the sensor's sides are at most this many times as long.
const MOST_REDUCED: u64 = 4;

/// Decodes the largest JPEG of a raw file, and returns the bits a sample of the sensor.
///
/// # Errors
/// [`crate::RefusedCode::FormatNotSupported`] where the file has no JPEG, or a thumbnail alone.
pub(crate) fn decode(
    bytes: &[u8],
    kind: RawKind,
    limits: &DecodeLimits,
) -> Result<(Image, u8), Refused> {
    let name = kind.name();
    let all = directories(bytes, kind).map(|tiff| tiff.all());
    let all = all.unwrap_or_default();
    let area = |size: &[u64; 2]| size[0] * size[1];
    const SIDES: [u16; 4] = [
        tag::WIDTH,
        tag::HEIGHT,
        tag::SENSOR_WIDTH,
        tag::SENSOR_HEIGHT,
    ];
    let sides = all.iter().map(|d| SIDES.map(|t| d.value(t).unwrap_or(0)));
    // Of a file that does not say it, a thumbnail's sides are shorter than a preview's all the same.
    let longest = match sides.flatten().max() {
        None | Some(0) => MOST_REDUCED * THUMBNAIL,
        Some(longest) => longest,
    };
    let is_preview = |size: &[u64; 2]| {
        let own = size[0].max(size[1]);
        own >= PREVIEW || own.saturating_mul(MOST_REDUCED) >= longest
    };
    let named = all.iter().filter_map(|directory| jpeg(bytes, directory));
    let named = named.max_by_key(|(_, size)| area(size));
    let found = match named.filter(|(_, size)| is_preview(size)) {
        Some(found) => Some(found),
        None => anywhere(bytes)
            .chain(named)
            .max_by_key(|(_, size)| area(size)),
    };
    let Some((jpeg, size)) = found else {
        return Err(Refused::not_supported(format!(
            "this {name} file has no JPEG of the picture in it; save it as JPEG, PNG or TIFF"
        )));
    };
    if !is_preview(&size) {
        return Err(Refused::not_supported(format!(
            "this {name} file has only a thumbnail of {} × {} pixels beside the sensor's data; save it as \
             JPEG, PNG or TIFF",
            size[0], size[1]
        )));
    }
    let turned = all.first().and_then(|first| first.value(tag::ORIENTATION));
    let turned = turned.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?));
    let (pixels, _) = raster::decode_jpeg(jpeg, turned, limits)?;
    Ok((pixels, depth(&all)))
}

/// The directories of a raw file. Canon's newer files have them in a box.
fn directories(bytes: &[u8], kind: RawKind) -> Option<Tiff<'_>> {
    if kind != RawKind::CanonCr3 {
        return Tiff::open(bytes);
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let at = head.windows(4).position(|name| name == b"CMT1")?;
    Tiff::open(&bytes[at + 4..])
}

/// All JPEGs of pictures in a file, wherever they begin.
fn anywhere(bytes: &[u8]) -> impl Iterator<Item = (&[u8], [u64; 2])> {
    let begins = bytes.windows(3).enumerate();
    let begins = begins.filter(|(_, three)| *three == [0xff, 0xd8, 0xff]);
    begins.take(MOST_JPEGS).filter_map(|(at, _)| {
        let jpeg = &bytes[at..];
        Some((jpeg, picture_size(jpeg)?))
    })
}

/// Bits a sample of the sensor; 16 where the file does not say.
fn depth(all: &[Directory]) -> u8 {
    let bits = all.iter().filter(|d| is_sensor(d));
    let bits = bits.filter_map(|d| d.value(tag::BITS)).max();
    bits.and_then(|bits| u8::try_from(bits).ok()).unwrap_or(16)
}

/// The JPEG that a directory points to, with its width and height.
fn jpeg<'a>(bytes: &'a [u8], directory: &Directory) -> Option<(&'a [u8], [u64; 2])> {
    let pointed =
        |offset: u16, length: u16| match (directory.values(offset), directory.values(length)) {
            (&[offset], &[length]) => {
                let start = usize::try_from(offset).ok()?;
                let end = start.checked_add(usize::try_from(length).ok()?)?;
                bytes.get(start..end)
            }
            _ => None,
        };
    let is_compressed = directory
        .value(tag::COMPRESSION)
        .is_some_and(|c| JPEG.contains(&c));
    let strip = || pointed(tag::STRIP_OFFSETS, tag::STRIP_BYTES).filter(|_| is_compressed);
    let jpeg = pointed(tag::JPEG_OFFSET, tag::JPEG_BYTES).or_else(strip)?;
    Some((jpeg, picture_size(jpeg)?))
}

/// Width and height of a JPEG that shows a picture. `None` for what is no JPEG, and for lossless JPEG, as
/// which sensor data are stored (ITU-T T.81, B.2.2).
fn picture_size(jpeg: &[u8]) -> Option<[u64; 2]> {
    if !jpeg.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    // A hostile file may consist of fill bytes.
    let segments = Segments::of(jpeg).with_fill(MOST_FILL);
    let (marker, frame) = segments.frame_or_end()?;
    let number = |at: usize| Some(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?));
    let is_picture = matches!(marker, 0xc0..=0xc2) && *frame.get(2)? == 8;
    let size = [u64::from(number(5)?), u64::from(number(3)?)];
    is_picture.then_some(size)
}
