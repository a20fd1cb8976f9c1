//! Bytes to an upright 8-bit RGB picture, or a refusal that a user understands.
//!
//! The format is told by the content, never by a file name. JPEG (the first picture of an MPO),
//! PNG (the default picture of an APNG), WebP and GIF (the first frame), TIFF (the first page),
//! BMP, PNM and AVIF (the primary picture) are read; everything else is refused by name.
//!
//! Orientation is applied, transparency is blended over white, more than eight bits are reduced
//! to eight (float samples are clamped to 0..1) and colour profiles are ignored. In AVIF the
//! alpha plane, the clean aperture and film grain are ignored too: none of them helps matching.
//!
//! Invariant: the size in the header is checked before memory for pixels is taken, and a panic
//! inside a decoder becomes [`RefusedCode::DecoderFailed`]. The AV1 decoder is the exception: it is
//! a port from C whose functions do not unwind, so a panic inside it would end the process.

mod av1;
mod avif;
mod bmff;
mod raster;
mod read;
mod refused;
mod scale;
mod sniff;
mod upright;
mod yuv;

use std::panic::{AssertUnwindSafe, catch_unwind};

use resight_vision::Image;

pub use read::read_bounded;
pub use refused::{Refused, RefusedCode};
pub use scale::{fit_within, thumbnail_jpeg};
use sniff::{Format, Sniffed};

/// What a picture may cost before it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longest encoded picture, in bytes. Default 64 MiB.
    pub max_bytes: u64,
    /// Most pixels (width times height) the header may announce. Default 100,000,000.
    pub max_pixels: u64,
    /// Shortest side that is still worth describing, in pixels. Default 16.
    pub min_side: u32,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_pixels: 100_000_000,
            min_side: 16,
        }
    }
}

impl DecodeLimits {
    /// Refuses a size announced by a header; called before any pixel memory is taken.
    fn check_size(&self, width: u32, height: u32) -> Result<(), Refused> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels {
            let detail = format!(
                "the picture is {width} × {height} = {pixels} pixels, the limit is {}",
                self.max_pixels
            );
            return Err(Refused::new(RefusedCode::TooManyPixels, detail));
        }
        // A side of 0 is no picture, whatever the limit says.
        if width.min(height) < self.min_side.max(1) {
            let detail = format!(
                "the picture is {width} × {height} pixels, both sides must have at least {}",
                self.min_side.max(1)
            );
            return Err(Refused::new(RefusedCode::TooSmall, detail));
        }
        Ok(())
    }
}

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The pixels, already upright.
    pub image: Image,
    /// Media type of the bytes it came from, such as `image/jpeg`.
    pub media_type: &'static str,
}

/// Decodes `bytes` within `limits`.
///
/// Equal bytes give equal pixels on every machine. A JPEG whose data ends early is accepted when
/// its decoder can show the part that is there; any other incomplete picture is refused.
///
/// # Errors
/// [`Refused`] with any code except [`RefusedCode::Unreadable`].
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Decoded, Refused> {
    if bytes.is_empty() {
        return Err(Refused::new(RefusedCode::Empty, "there are no bytes"));
    }
    if bytes.len() as u64 > limits.max_bytes {
        let detail = format!(
            "the picture has {} bytes, the limit is {}",
            bytes.len(),
            limits.max_bytes
        );
        return Err(Refused::new(RefusedCode::TooManyBytes, detail));
    }
    let format = match sniff::sniff(bytes) {
        Sniffed::Ours(format) => format,
        Sniffed::Foreign(name) => {
            let detail = format!("{name} pictures are not supported; convert to JPEG or PNG");
            return Err(Refused::new(RefusedCode::FormatNotSupported, detail));
        }
        Sniffed::NotPicture(media_type) => {
            let detail = format!("the data is not a picture but {media_type}");
            return Err(Refused::new(RefusedCode::NotAnImage, detail));
        }
        Sniffed::Unknown => {
            let detail = "the data does not begin like any known picture format";
            return Err(Refused::new(RefusedCode::NotAnImage, detail));
        }
    };
    // The decoders share no state with us, so nothing half-changed outlives a panic.
    let result = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Avif => avif::decode(bytes, limits),
        Format::Raster(raster) => raster::decode(bytes, raster, limits),
    }));
    let image = result.unwrap_or_else(|_| {
        let detail = format!("the {} decoder stopped on this picture", format.name());
        Err(Refused::new(RefusedCode::DecoderFailed, detail))
    })?;
    Ok(Decoded {
        image,
        media_type: format.media_type(),
    })
}
