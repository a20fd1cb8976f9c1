//! Icons of Windows: the largest picture of the file.

use image::ImageFormat;
use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::raster;
use crate::refused::Refused;

/// Bytes of the header, and of an entry.
const HEADER: usize = 6;
const ENTRY: usize = 16;

/// Decodes the largest picture. `image` takes a PNG with RGBA alone, though writers put others in.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    match largest(bytes) {
        Some(png) if png.starts_with(b"\x89PNG") => raster::decode(png, ImageFormat::Png, limits),
        _ => raster::decode(bytes, ImageFormat::Ico, limits),
    }
}

/// The data of the largest picture, and of equals the one with most bits a pixel.
fn largest(bytes: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?));
    let entries = bytes.get(HEADER..)?.as_chunks::<ENTRY>().0;
    // A side of 256 is stated as 0.
    let side = |byte: u8| if byte == 0 { 256 } else { u32::from(byte) };
    let size = |entry: &&[u8; ENTRY]| {
        (
            side(entry[0]) * side(entry[1]),
            u16::from_le_bytes([entry[6], entry[7]]),
        )
    };
    let entry = entries.iter().take(count).max_by_key(size)?;
    let number = |at: usize| Some(u32::from_le_bytes(*entry.get(at..)?.first_chunk()?) as usize);
    let (length, begin) = (number(8)?, number(12)?);
    bytes.get(begin..begin.checked_add(length)?)
}
