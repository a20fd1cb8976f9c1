//! The pages and frames of a file after the first.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::error::{ImageError, ImageResult};
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, Frame, Frames, ImageDecoder, ImageFormat};

use crate::limits::DecodeLimits;
use crate::page::{Images, Page};
use crate::refused::{Refused, RefusedCode};
use crate::rgb::to_rgb;
use crate::sniff::Format;
use crate::tiff::{self, Tiff};
use crate::upright::upright;
use crate::{bmff, raster};

/// Memory for one frame of an animation: the canvas, the frame, the decoder's copy, and RGB.
const FRAME_BYTES_A_PIXEL: u64 = 16;

/// The number of frames, at least 1. Of damaged data those that are there count.
pub(crate) fn frame_count(bytes: &[u8], format: Format) -> u32 {
    let found = match format {
        Format::Raster(ImageFormat::Gif) => gif_frames(bytes),
        Format::Raster(ImageFormat::Png) => png_frames(bytes),
        Format::Raster(ImageFormat::WebP) => webp_frames(bytes),
        Format::Avif => bmff::frames(bytes),
        #[cfg(feature = "jxl")]
        Format::Jxl => crate::jxl::frames(bytes),
        _ => None,
    };
    found.unwrap_or(1).max(1)
}

fn gif_frames(bytes: &[u8]) -> Option<u32> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(bytes).ok()?;
    let mut frames = 0;
    while let Ok(Some(_)) = decoder.next_frame_info() {
        frames += 1;
    }
    Some(frames)
}

fn png_frames(bytes: &[u8]) -> Option<u32> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    let announced = reader.info().animation_control()?.num_frames;
    // Each frame has a chunk of control data; the header may promise more than there are.
    let frames = bytes.windows(4).filter(|name| name == b"fcTL").count();
    Some(announced.min(u32::try_from(frames).unwrap_or(u32::MAX)))
}

/// Whether a WebP has several frames.
pub(crate) fn is_animated_webp(bytes: &[u8]) -> bool {
    webp_frames(bytes).is_some()
}

fn webp_frames(bytes: &[u8]) -> Option<u32> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).ok()?;
    decoder.is_animated().then(|| decoder.num_frames())
}

/// All pages or frames of a file, the first included, each decoded when it is asked for. After an error the
/// iterator ends.
pub(crate) fn pages<'a>(
    bytes: &'a [u8],
    format: Format,
    limits: &'a DecodeLimits,
) -> Result<Pages<'a>, Refused> {
    let raster = match format {
        Format::Raster(raster) => raster,
        _ => ImageFormat::Jpeg,
    };
    let explain = |error| raster::explain(error, raster, limits);
    let all: Images<'a> = match format {
        Format::Raster(ImageFormat::Gif) => {
            let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(explain)?;
            frames(decoder, limits, |gif| Ok(gif.into_frames()))?
        }
        Format::Raster(ImageFormat::WebP) => {
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(explain)?;
            frames(decoder, limits, |webp| Ok(webp.into_frames()))?
        }
        Format::Raster(ImageFormat::Png) => {
            let decoder = PngDecoder::with_limits(
                Cursor::new(bytes),
                raster::opening_limits(ImageFormat::Png, limits),
            )
            .map_err(explain)?;
            frames(decoder, limits, |png| Ok(png.apng()?.into_frames()))?
        }
        Format::Raster(ImageFormat::Tiff) => {
            let Some(tiff) = Tiff::open(bytes) else {
                return Err(Refused::broken("the TIFF header is damaged"));
            };
            Box::new(Independent {
                places: tiff.pages().into_iter(),
                decode: move |at| Ok(tiff::decode(&tiff, at, limits)?.0.into()),
            })
        }
        Format::Avif => crate::avif_sequence::pages(bytes, limits)?,
        #[cfg(feature = "pdf")]
        Format::Pdf => crate::pdf::pages(bytes, limits)?,
        #[cfg(feature = "jxl")]
        Format::Jxl => crate::jxl::pages(bytes, limits)?,
        _ => {
            let name = format.name();
            return Err(Refused::not_supported(format!(
                "further pages or frames of {name} files are not read"
            )));
        }
    };
    Ok(Pages::new(all))
}

/// At most this many pixels of an animation are gone through. A file of a few MiB may have millions of frames of a large
/// canvas, and each is drawn over those before.
const MOST_DRAWN: u64 = 500_000_000;

/// At most this many frames of this size are read of an animation.
pub fn most_frames(width: u32, height: u32) -> u32 {
    let pixels = (u64::from(width) * u64::from(height)).max(LEAST_DRAWN);
    u32::try_from(MOST_DRAWN / pixels)
        .unwrap_or(u32::MAX)
        .max(1)
}

/// The pixels that a frame of less counts as.
const LEAST_DRAWN: u64 = 1 << 12;

/// The frames of an animation, composed and upright.
fn frames<'a, D: ImageDecoder + 'a>(
    mut decoder: D,
    limits: &'a DecodeLimits,
    into_frames: impl FnOnce(D) -> ImageResult<Frames<'a>>,
) -> Result<Images<'a>, Refused> {
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    decoder
        .set_limits(raster::decoder_limits(limits))
        .map_err(damaged_frame)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let frames = into_frames(decoder).map_err(damaged_frame)?;
    let needed = u64::from(width) * u64::from(height) * FRAME_BYTES_A_PIXEL + (1 << 20);
    Ok(Box::new(Composed {
        frames,
        orientation,
        needed,
        limits,
        time_us: 0,
        left: most_frames(width, height),
    }))
}

/// Pages of which each is decoded by itself; those that are skipped are not.
pub(crate) struct Independent<I, F> {
    pub(crate) places: I,
    pub(crate) decode: F,
}

impl<I: Iterator, F: FnMut(I::Item) -> Result<Page, Refused>> Iterator for Independent<I, F> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        self.places.nth(skipped).map(&mut self.decode)
    }
}

/// The frames of an animation. Each is drawn over those before, also where they are skipped.
struct Composed<'a> {
    frames: Frames<'a>,
    orientation: Orientation,
    needed: u64,
    limits: &'a DecodeLimits,
    /// When the next frame begins, in microseconds.
    time_us: u64,
    /// Frames that may still be read.
    left: u32,
}

impl Composed<'_> {
    fn read(&mut self, skipped: usize) -> Result<Option<Page>, Refused> {
        // Returned with the frame: two animations may be read in turns, which must not wait for each other.
        let _share = self.limits.memory.take(self.needed)?;
        for _ in 0..skipped {
            if self.frame()?.is_none() {
                return Ok(None);
            }
        }
        let begins = self.time_us;
        let Some(frame) = self.frame()? else {
            return Ok(None);
        };
        let pixels = DynamicImage::from(frame.into_buffer());
        let (width, height) = (pixels.width(), pixels.height());
        let image = upright(width, height, to_rgb(pixels), &[self.orientation])?;
        Ok(Some(Page {
            image,
            time_ms: Some(begins / 1000),
        }))
    }

    fn frame(&mut self) -> Result<Option<Frame>, Refused> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let detail = "the animation has more frames of its size than are read";
            Refused::new(RefusedCode::TooManyPixels, detail)
        })?;
        let Some(frame) = self.frames.next() else {
            return Ok(None);
        };
        let frame = frame.map_err(damaged_frame)?;
        let (ms, parts) = frame.delay().numer_denom_ms();
        let delay = u64::from(ms) * 1000 / u64::from(parts.max(1));
        self.time_us = self.time_us.saturating_add(delay);
        Ok(Some(frame))
    }
}

impl Iterator for Composed<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        self.read(skipped).transpose()
    }
}

fn damaged_frame(error: ImageError) -> Refused {
    Refused::broken(format!("a frame of the animation is damaged: {error}"))
}

/// The pages or frames of a file. A panic inside a decoder becomes an error.
pub struct Pages<'a> {
    /// `None` after an error.
    all: Option<Images<'a>>,
    /// Whether others may follow one that cannot be read.
    goes_on: bool,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(all: Images<'a>) -> Self {
        Self {
            all: Some(all),
            goes_on: false,
        }
    }

    /// Samples of a video.
    pub(crate) fn of_video(all: Images<'a>) -> Self {
        Self {
            all: Some(all),
            goes_on: true,
        }
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    /// Pages that are skipped are not decoded; frames are, where later ones are drawn over them.
    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        let all = self.all.as_mut()?;
        let next = catch_unwind(AssertUnwindSafe(|| all.nth(skipped)));
        // After a panic the decoder is not used again.
        let panicked = next.is_err();
        let next = next.unwrap_or_else(|_| {
            let detail = "the decoder stopped on a page or frame";
            Some(Err(Refused::new(RefusedCode::DecoderFailed, detail)))
        });
        let ends = match next {
            Some(Ok(_)) => false,
            Some(Err(_)) => panicked || !self.goes_on,
            None => true,
        };
        if ends {
            self.all = None;
        }
        next
    }
}
