//! Raw files of cameras that have the structure of TIFF (DNG, NEF, CR2, ARW and others): the largest JPEG that
//! the camera put beside the sensor's data.
//!
//! Where that is a thumbnail, the file is refused: a thumbnail is not the picture.

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
    let all = Tiff::open(bytes).map(|tiff| tiff.all());
    let all = all.unwrap_or_default();
    let area = |size: &[u64; 2]| size[0] * size[1];
    let found = all.iter().filter_map(|directory| jpeg(bytes, directory));
    let Some((jpeg, size)) = found.max_by_key(|(_, size)| area(size)) else {
        return Err(Refused::not_supported(format!(
            "this {name} file has no JPEG of the picture in it; save it as JPEG, PNG or TIFF"
        )));
    };
    let sides = all
        .iter()
        .map(|d| [tag::WIDTH, tag::HEIGHT].map(|t| d.value(t).unwrap_or(0)));
    let longest = sides.flatten().max().unwrap_or(0);
    let own = size[0].max(size[1]);
    if own < PREVIEW && own.saturating_mul(MOST_REDUCED) < longest {
        return Err(Refused::not_supported(format!(
            "this {name} file has only a thumbnail of {} × {} pixels beside the sensor's data; save it as \
             JPEG, PNG or TIFF",
            size[0], size[1]
        )));
    }
    let turned = all.first().and_then(|first| first.value(tag::ORIENTATION));
    let turned = turned.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?));
    Ok((raster::decode_jpeg(jpeg, turned, limits)?, depth(&all)))
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
