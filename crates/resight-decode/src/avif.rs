//! AVIF: container, coded picture, colours and orientation put together.

use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::memory::Purpose;
use crate::refused::Refused;
use crate::upright::upright;
use crate::{av1, avif_sequence, bmff, yuv};

/// Memory of decoding: three planes of 16 bits, as much for the decoder, and RGB twice where it is turned.
const BYTES_A_PIXEL: u64 = 18;

/// Decodes the primary picture of `bytes`, or the first frame of a file with a sequence alone, and returns the bits a
/// sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    if !bmff::has_still(bytes) {
        return avif_sequence::first(bytes, limits);
    }
    let item = bmff::primary(bytes)?;
    let mut pixels = limits.max_pixels;
    if let Some((width, height)) = item.announced {
        limits.check_size(width, height)?;
        pixels = u64::from(width) * u64::from(height);
    }
    let needed = pixels.saturating_mul(BYTES_A_PIXEL) + (1 << 20);
    // Of a size that is not announced, only the most is known.
    let needed = match item.announced {
        Some(_) => needed,
        None => needed.min(limits.memory.most(Purpose::Work)),
    };
    let _share = limits.memory.take(needed)?;
    let frame = av1::decode(item.data, limits)?;
    // The container may announce another size than the coded picture has.
    limits.check_size(frame.width(), frame.height())?;
    let rgb = yuv::to_rgb(&frame, item.nclx);
    let (width, height) = (frame.width(), frame.height());
    let depth = u8::try_from(frame.bit_depth()).unwrap_or(u8::MAX);
    drop(frame);
    Ok((upright(width, height, rgb, &item.transforms)?, depth))
}
