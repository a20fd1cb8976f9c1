//! JPEG 2000 (ISO/IEC 15444-1), in a JP2 file or as a code stream.

use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image as Jp2};
use image::{DynamicImage, RgbaImage};
use resight_vision::Image;

use crate::colour_spaces::cmyk;
use crate::limits::DecodeLimits;
use crate::refused::Refused;
use crate::rgb::to_rgb;
use crate::upright::upright;

/// Memory of decoding: coefficients and samples of 32 bits of each channel, and the pixels.
const BYTES_A_PIXEL: u64 = 36;

/// Decodes a picture, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let damaged = |error: hayro_jpeg2000::DecodeError| {
        Refused::broken(format!("the JPEG 2000 data is damaged: {error}"))
    };
    let file = Jp2::new(bytes, &DecodeSettings::default()).map_err(damaged)?;
    let (width, height) = (file.width(), file.height());
    limits.check_size(width, height)?;
    let pixels = u64::from(width) * u64::from(height);
    let _share = limits
        .memory
        .take(pixels * BYTES_A_PIXEL + bytes.len() as u64 + (2 << 20))?;
    let has_alpha = file.has_alpha();
    let colours = match file.color_space() {
        ColorSpace::Gray => 1,
        ColorSpace::RGB => 3,
        ColorSpace::CMYK => 4,
        ColorSpace::Unknown { num_channels } | ColorSpace::Icc { num_channels, .. } => {
            usize::from(*num_channels)
        }
    };
    let mut context = DecoderContext::default();
    let samples = file.decode(&mut context).map_err(damaged)?.data_u8();
    let channels = colours + usize::from(has_alpha);
    if channels == 0 || samples.len() != pixels as usize * channels {
        return Err(Refused::not_supported(
            "this kind of JPEG 2000 is not supported; convert to JPEG or PNG",
        ));
    }
    let rgba = samples.chunks_exact(channels).flat_map(|pixel| {
        let [r, g, b] = match *pixel {
            [c, m, y, k, ..] if colours == 4 => cmyk([c, m, y, k]),
            [r, g, b, ..] if colours >= 3 => [r, g, b],
            _ => [pixel[0]; 3],
        };
        [r, g, b, if has_alpha { pixel[channels - 1] } else { 255 }]
    });
    let rgba = RgbaImage::from_raw(width, height, rgba.collect());
    let rgba = rgba.ok_or_else(|| Refused::broken("the JPEG 2000 data is damaged"))?;
    let rgb = to_rgb(DynamicImage::ImageRgba8(rgba));
    Ok((upright(width, height, rgb, &[])?, file.original_bit_depth()))
}
