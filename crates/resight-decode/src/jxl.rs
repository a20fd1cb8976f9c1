//! JPEG XL (ISO/IEC 18181), by the decoder of the JPEG XL project.

use image::{DynamicImage, RgbaImage};
use jxl::api::{
    AlphaMode, Event, ExtraChannel, JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions,
    JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};
use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::page::{Images, Page};
use crate::refused::Refused;
use crate::rgb::to_rgb;
use crate::upright::upright;

/// Memory of decoding: samples of 32 bits of each channel, several times, and the pixels.
const BYTES_A_PIXEL: u64 = 24;
/// Most channels of a picture, for the decoder's own limit.
const MOST_CHANNELS: usize = 5;

/// Decodes the first frame, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let mut opened = Opened::new(bytes, limits)?;
    let _share = limits.memory.take(opened.needed)?;
    let (image, _) = opened.frame()?.ok_or_else(ends_early)?;
    Ok((image, opened.depth))
}

/// The number of frames of an animation; `None` of a still picture and of damaged data.
pub(crate) fn frames(bytes: &[u8]) -> Option<u32> {
    let mut options = options();
    options.scan_frames_only = true;
    let mut decoder = JxlDecoder::new(options);
    let mut input = bytes;
    loop {
        match decoder.process(&mut input, None, None).ok()? {
            Event::BasicInfo => {
                decoder.basic_info()?.animation.as_ref()?;
            }
            Event::Complete => break,
            // Those that are there count.
            Event::NeedMoreInput { .. } => break,
            _ => {}
        }
    }
    u32::try_from(decoder.scanned_frames().len()).ok()
}

/// All frames of an animation, or the only one.
pub(crate) fn pages<'a>(bytes: &'a [u8], limits: &'a DecodeLimits) -> Result<Images<'a>, Refused> {
    let opened = Opened::new(bytes, limits)?;
    if !opened.is_animation {
        return Err(Refused::not_supported("this JPEG XL has one picture alone"));
    }
    Ok(Box::new(Frames {
        opened,
        limits,
        time_ms: 0.0,
    }))
}

struct Frames<'a> {
    opened: Opened<'a>,
    limits: &'a DecodeLimits,
    /// When the next frame begins.
    time_ms: f64,
}

impl Frames<'_> {
    fn read(&mut self) -> Result<Option<Page>, Refused> {
        // Returned with the frame, as of other animations.
        let _share = self.limits.memory.take(self.opened.needed)?;
        let Some((image, duration_ms)) = self.opened.frame()? else {
            return Ok(None);
        };
        let begins = self.time_ms;
        self.time_ms += duration_ms.max(0.0);
        Ok(Some(Page {
            image,
            time_ms: Some(begins as u64),
        }))
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Page, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn options() -> JxlDecoderOptions {
    let mut options = JxlDecoderOptions::default();
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    options
}

fn explain(error: jxl::error::Error) -> Refused {
    Refused::broken(format!("the JPEG XL data is damaged: {error}"))
}

fn ends_early() -> Refused {
    Refused::broken("the JPEG XL data ends early")
}

/// A file of which is known what it is, and no pixels yet.
struct Opened<'a> {
    decoder: JxlDecoder,
    input: &'a [u8],
    width: u32,
    height: u32,
    depth: u8,
    has_alpha: bool,
    is_animation: bool,
    /// Memory for a frame.
    needed: u64,
}

impl<'a> Opened<'a> {
    fn new(bytes: &'a [u8], limits: &DecodeLimits) -> Result<Self, Refused> {
        let mut options = options();
        options.sample_limit = Some((limits.max_pixels as usize).saturating_mul(MOST_CHANNELS));
        let mut decoder = JxlDecoder::new(options);
        let mut input = bytes;
        loop {
            match decoder.process(&mut input, None, None).map_err(explain)? {
                Event::BasicInfo => break,
                Event::NeedMoreInput { .. } => return Err(ends_early()),
                _ => {}
            }
        }
        let info = decoder.basic_info().ok_or_else(ends_early)?;
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let (width, height) = (side(info.size.0), side(info.size.1));
        let depth = u8::try_from(info.bit_depth.bits_per_sample()).unwrap_or(u8::MAX);
        limits.check_size(width, height)?;
        let pixels = u64::from(width) * u64::from(height);
        let has_alpha = info
            .extra_channels
            .iter()
            .any(|one| one.ec_type == ExtraChannel::Alpha);
        let is_animation = info.animation.is_some();
        let color_type = match has_alpha {
            true => JxlColorType::Rgba,
            false => JxlColorType::Rgb,
        };
        let format = JxlPixelFormat {
            color_type,
            color_data_format: Some(JxlDataFormat::U8 { bit_depth: 8 }),
            extra_channel_format: vec![None; info.extra_channels.len()],
        };
        decoder.set_pixel_format(format).map_err(explain)?;
        Ok(Self {
            decoder,
            input,
            width,
            height,
            depth,
            has_alpha,
            is_animation,
            needed: pixels * BYTES_A_PIXEL + bytes.len() as u64 + (2 << 20),
        })
    }

    /// The next frame and how long it is shown, in milliseconds; `None` behind the last.
    fn frame(&mut self) -> Result<Option<(Image, f64)>, Refused> {
        let (width, height) = (self.width, self.height);
        let row = width as usize * if self.has_alpha { 4 } else { 3 };
        let mut out = vec![0; row * height as usize];
        let mut duration = 0.0;
        loop {
            let mut buffers = [JxlOutputBuffer::new(&mut out, height as usize, row)];
            let event = self
                .decoder
                .process(&mut self.input, Some(&mut buffers), None)
                .map_err(explain)?;
            match event {
                Event::FrameComplete { .. } => break,
                Event::NeedMoreInput { .. } => return Err(ends_early()),
                Event::Complete => return Ok(None),
                Event::FrameHeader => {
                    let header = self.decoder.frame_header();
                    duration = header.and_then(|header| header.duration).unwrap_or(0.0);
                }
                Event::BasicInfo => {}
            }
        }
        let rgb = match self.has_alpha {
            true => RgbaImage::from_raw(width, height, out)
                .map(|rgba| to_rgb(DynamicImage::ImageRgba8(rgba))),
            false => Some(out),
        };
        // The decoder has turned it already.
        let image = upright(width, height, rgb.unwrap_or_default(), &[])?;
        Ok(Some((image, duration)))
    }
}
