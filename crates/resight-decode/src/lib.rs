//! Bytes to an upright 8-bit RGB picture, or a refusal that a user understands.
//!
//! [`decode`] finds the format from the content, never from a file name. It reads JPEG (the first
//! picture of an MPO), PNG (the default picture of an APNG), WebP and GIF (the first frame), TIFF
//! (the first page that is no smaller copy of another), BMP, PNM, TGA, QOI, PCX, ICO (the largest), AVIF (the primary
//! item), JPEG XL (the first frame), JPEG 2000, Photoshop files (the merged picture), SVG, PDF (the first page), HEIC where the
//! feature `heif` is on, and raw files (the largest JPEG in them). It refuses every other format by name. [`pages`] reads
//! the further pages and frames.
//!
//! It applies the orientation, blends transparency over white (over black or grey where white would hide
//! most of it), reduces deeper samples to eight bits (over the range that they use, see `range.rs`) and converts
//! RGB and four inks to sRGB by their profile (`profile.rs`, `profile_table.rs`). Of an AVIF it ignores the alpha plane, the clean aperture and film grain: none
//! of them helps matching.
//!
//! Invariant: [`decode`] checks the size in the header before it allocates memory for pixels, for which it
//! takes a share of the [`MemoryBudget`], and a
//! panic inside a decoder becomes [`RefusedCode::DecoderFailed`]. The AV1 decoder is the exception:
//! it is a port from C whose functions do not unwind, so a panic inside it ends the process.
//!
//! [`DecodeLimits::place`] may name a place other than the caller's process, where such an end costs one picture.
//!
//! To add a format: name it in `sniff.rs`, decode it in a file beside `avif.rs`, and return its pixels
//! through `upright.rs`.

mod av1;
mod avif;
mod avif_sequence;
mod bmff;
mod calendar;
mod colour_spaces;
#[cfg(any(feature = "pdf", feature = "svg"))]
mod deep_stack;
mod exif;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(feature = "heif")]
mod heif;
mod ico;
#[cfg(feature = "jp2")]
mod jp2;
mod jpeg;
mod jpeg_inks;
#[cfg(feature = "jxl")]
mod jxl;
mod limits;
mod memory;
#[cfg(test)]
mod mutated;
mod packbits;
mod page;
mod pages;
mod pcx;
#[cfg(feature = "pdf")]
mod pdf;
mod place;
mod profile;
mod profile_table;
mod psd;
mod range;
mod raster;
mod raw;
mod raw_kind;
mod read;
mod refused;
mod rgb;
mod scale;
mod scan;
mod sniff;
#[cfg(feature = "svg")]
mod svg;
mod taken;
mod tiff;
mod upright;
mod video;
mod yuv;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::ImageFormat;
use resight_vision::Image;

pub use calendar::{utc_date, utc_seconds};
pub use exif::{ExifField, exif_fields};
pub use limits::DecodeLimits;
pub use memory::{MemoryBudget, MemoryUse, Purpose, Share, Waiting};
pub use page::{Images, Page, Pixels};
pub use pages::{Pages, most_frames};
pub use place::{Counts, Elsewhere, Formats, Job, Place};
pub use raw_kind::is_raw;
pub use read::{open_bounded, read_bounded};
pub use refused::{Refused, RefusedCode};
pub use scale::{enlarge, fit_within, resized, shrink, thumbnail_jpeg};
use sniff::{Format, Sniffed};
pub use taken::taken;
pub use upright::turned;
pub use video::{Container, VideoJob, VideoReader, Videos, is_video};

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The pixels, already upright.
    pub image: Image,
    /// Media type of the encoded bytes, such as `image/jpeg`.
    pub media_type: &'static str,
    /// Pages or frames of the file, of which `image` is the first; at least 1.
    pub pages: u32,
    /// Bits a sample of the file, such as 8; of a raw file those of the sensor.
    pub depth: u8,
}

/// Decodes `bytes` within `limits`.
///
/// Equal bytes give equal pixels on every machine. A picture whose data ends early is refused; a JPEG may lack its end
/// marker and a part of its last row of blocks, and a progressive one the scans after the first.
///
/// # Errors
/// [`Refused`] with any code except [`RefusedCode::Unreadable`].
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Decoded, Refused> {
    let format = supported(bytes, limits)?;
    if let Format::Video(container) = format {
        let reader = limits.videos.reader(container)?;
        let first = reader.first(VideoJob {
            bytes,
            max_pixels: limits.max_pixels,
            memory: &limits.memory,
            container,
        })?;
        limits.check_size(first.image.width(), first.image.height())?;
        return Ok(Decoded {
            image: first.image,
            media_type: format.media_type(),
            pages: first.pages.max(1),
            depth: first.depth,
        });
    }
    let done = elsewhere(bytes, format, limits).and_then(|(place, job)| place.decode(job));
    if let Some(done) = done {
        let pixels = done?;
        return Ok(Decoded {
            image: pixels.image,
            media_type: format.media_type(),
            pages: pixels.pages,
            depth: pixels.depth,
        });
    }
    // The decoders share no state with the caller, so a panic leaves nothing half-changed.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let (image, depth) = match format {
            Format::Raster(ImageFormat::Tiff) => return decode_tiff(bytes, limits),
            #[cfg(feature = "pdf")]
            Format::Pdf => {
                return pdf::decode(bytes, limits).map(|(image, pages)| (image, 8, pages));
            }
            Format::Avif => avif::decode(bytes, limits)?,
            #[cfg(feature = "heif")]
            Format::Heif => heif::decode(bytes, limits)?,
            #[cfg(feature = "jp2")]
            Format::Jp2 => jp2::decode(bytes, limits)?,
            #[cfg(feature = "jxl")]
            Format::Jxl => jxl::decode(bytes, limits)?,
            Format::Pcx => pcx::decode(bytes, limits)?,
            Format::Psd => psd::decode(bytes, limits)?,
            #[cfg(feature = "svg")]
            Format::Svg => svg::decode(bytes, limits)?,
            Format::Raw(kind) => raw::decode(bytes, kind, limits)?,
            Format::Raster(ImageFormat::Ico) => ico::decode(bytes, limits)?,
            Format::Raster(raster) => raster::decode(bytes, raster, limits)?,
            // Refused when it was recognised.
            #[allow(unreachable_patterns, reason = "a build may have all decoders")]
            _ => return Err(Refused::not_supported("this build lacks the decoder")),
        };
        Ok((image, depth, pages::frame_count(bytes, format)))
    }));
    let (image, depth, pages) = result.unwrap_or_else(|_| {
        let detail = format!("the {} decoder stopped on this picture", format.name());
        Err(Refused::new(RefusedCode::DecoderFailed, detail))
    })?;
    Ok(Decoded {
        image,
        media_type: format.media_type(),
        pages,
        depth,
    })
}

/// Whether a file may have further pages or frames: by its format, and of PNG and WebP by their headers as well. Of other
/// formats [`decode`] tells how many there are.
pub fn may_have_pages(bytes: &[u8]) -> bool {
    let told = catch_unwind(|| match sniff::sniff(bytes) {
        Sniffed::Supported(format @ Format::Raster(ImageFormat::Png | ImageFormat::WebP)) => {
            pages::frame_count(bytes, format) > 1
        }
        Sniffed::Supported(format) => matches!(
            format,
            Format::Raster(ImageFormat::Gif | ImageFormat::Tiff)
                | Format::Avif
                | Format::Jxl
                | Format::Pdf
                | Format::Video(_)
        ),
        _ => false,
    });
    told.unwrap_or(false)
}

/// The place that decodes pictures of the format instead of this process, and the job for it.
fn elsewhere<'a>(
    bytes: &'a [u8],
    format: Format,
    limits: &'a DecodeLimits,
) -> Option<(&'a dyn Elsewhere, Job<'a>)> {
    let job = Job {
        bytes,
        limits,
        format: format.name(),
    };
    Some((limits.place.of(format.is_rare())?, job))
}

/// All pages of a TIFF or PDF file, frames of an animated GIF, WebP, PNG, JPEG XL or AVIF, or samples of a video, each decoded when it is asked for and
/// upright. The first of an APNG is the first frame of the animation, which need not be the default picture.
///
/// # Errors
/// As [`decode`]; [`RefusedCode::FormatNotSupported`] for formats without pages.
pub fn pages<'a>(bytes: &'a [u8], limits: &'a DecodeLimits) -> Result<Pages<'a>, Refused> {
    let format = supported(bytes, limits)?;
    if let Format::Video(container) = format {
        let reader = limits.videos.reader(container)?;
        let job = VideoJob {
            bytes,
            max_pixels: limits.max_pixels,
            memory: &limits.memory,
            container,
        };
        return reader.samples(job).map(Pages::of_video);
    }
    let opened = elsewhere(bytes, format, limits).and_then(|(place, job)| place.pages(job));
    if let Some(opened) = opened {
        return opened.map(Pages::new);
    }
    let opened = catch_unwind(AssertUnwindSafe(|| pages::pages(bytes, format, limits)));
    opened.unwrap_or_else(|_| {
        let detail = format!("the {} decoder stopped on this picture", format.name());
        Err(Refused::new(RefusedCode::DecoderFailed, detail))
    })
}

/// Whether several pictures in a file of this media type are frames of an animation or of a video, and not pages.
pub fn is_animation(media_type: &str) -> bool {
    is_video(media_type)
        || matches!(
            media_type,
            "image/gif" | "image/png" | "image/webp" | "image/avif" | "image/jxl"
        )
}

/// Decodes the first page of a TIFF file; returns also the bits a sample and the number of pages.
fn decode_tiff(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8, u32), Refused> {
    let damaged = || Refused::broken("the TIFF data is damaged: it has no directory");
    let tiff = tiff::Tiff::open(bytes).ok_or_else(damaged)?;
    let pages = tiff.pages();
    let first = *pages.first().ok_or_else(damaged)?;
    let (image, depth) = tiff::decode(&tiff, first, limits)?;
    let pages = u32::try_from(pages.len()).unwrap_or(u32::MAX).max(1);
    Ok((image, depth, pages))
}

/// The format of bytes within the limit on their number.
fn supported(bytes: &[u8], limits: &DecodeLimits) -> Result<Format, Refused> {
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
    let sniffed = catch_unwind(|| sniff::sniff(bytes));
    match sniffed.unwrap_or(Sniffed::Unknown) {
        Sniffed::Supported(format) => Ok(format),
        Sniffed::Unsupported(name) => {
            let detail = format!("{name} pictures are not supported; convert to JPEG or PNG");
            Err(Refused::new(RefusedCode::FormatNotSupported, detail))
        }
        Sniffed::NotPicture(media_type) => {
            let detail = format!("the data is not a picture but {media_type}");
            Err(Refused::new(RefusedCode::NotAnImage, detail))
        }
        Sniffed::Unknown => {
            let detail = "the data does not begin like any known picture format";
            Err(Refused::new(RefusedCode::NotAnImage, detail))
        }
    }
}
