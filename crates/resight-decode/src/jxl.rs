//! JPEG XL (ISO/IEC 18181), by the decoder of the JPEG XL project.

use image::{DynamicImage, RgbaImage};
use jxl::api::{
    AlphaMode, Event, ExtraChannel, JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions,
    JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};
use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::refused::Refused;
use crate::rgb::to_rgb;
use crate::upright::upright;

/// Memory of decoding: samples of 32 bits of each channel, several times, and the pixels.
const BYTES_A_PIXEL: u64 = 24;
/// Most channels of a picture, for the decoder's own limit.
const MOST_CHANNELS: usize = 5;

/// Decodes the first frame, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let mut options = JxlDecoderOptions::default();
    options.sample_limit = Some((limits.max_pixels as usize).saturating_mul(MOST_CHANNELS));
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.max_profile_level = ProfileLevel::Main10;
    let mut decoder = JxlDecoder::new(options);
    let mut input = bytes;
    let explain =
        |error: jxl::error::Error| Refused::broken(format!("the JPEG XL data is damaged: {error}"));
    let early = || Refused::broken("the JPEG XL data ends early");
    loop {
        match decoder.process(&mut input, None, None).map_err(explain)? {
            Event::BasicInfo => break,
            Event::NeedMoreInput { .. } => return Err(early()),
            _ => {}
        }
    }
    let info = decoder.basic_info().ok_or_else(early)?;
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (width, height) = (side(info.size.0), side(info.size.1));
    let depth = u8::try_from(info.bit_depth.bits_per_sample()).unwrap_or(u8::MAX);
    limits.check_size(width, height)?;
    let pixels = u64::from(width) * u64::from(height);
    let _share = limits
        .memory
        .take(pixels * BYTES_A_PIXEL + bytes.len() as u64 + (2 << 20))?;
    let has_alpha = info
        .extra_channels
        .iter()
        .any(|one| one.ec_type == ExtraChannel::Alpha);
    let (kind, channels) = match has_alpha {
        true => (JxlColorType::Rgba, 4),
        false => (JxlColorType::Rgb, 3),
    };
    let format = JxlPixelFormat {
        color_type: kind,
        color_data_format: Some(JxlDataFormat::U8 { bit_depth: 8 }),
        extra_channel_format: vec![None; info.extra_channels.len()],
    };
    decoder.set_pixel_format(format).map_err(explain)?;
    let row = width as usize * channels;
    let mut out = vec![0; row * height as usize];
    loop {
        let mut buffers = [JxlOutputBuffer::new(&mut out, height as usize, row)];
        match decoder
            .process(&mut input, Some(&mut buffers), None)
            .map_err(explain)?
        {
            Event::FrameComplete { .. } => break,
            Event::NeedMoreInput { .. } | Event::Complete => return Err(early()),
            Event::BasicInfo | Event::FrameHeader => {}
        }
    }
    let rgb = match has_alpha {
        true => RgbaImage::from_raw(width, height, out)
            .map(|rgba| to_rgb(DynamicImage::ImageRgba8(rgba))),
        false => Some(out),
    };
    // The decoder has turned it already.
    Ok((upright(width, height, rgb.unwrap_or_default(), &[])?, depth))
}
