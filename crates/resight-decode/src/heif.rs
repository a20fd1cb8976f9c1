//! HEIC: pictures in HEVC within HEIF, as telephones take them.

use heifer::heifer_isobmff::HeifFile;
use heifer::{Error, Options};
use image::{DynamicImage, RgbaImage};
use resight_vision::Image;

use crate::limits::DecodeLimits;
use crate::memory::Purpose;
use crate::refused::Refused;
use crate::rgb::to_rgb;
use crate::upright::upright;

/// Memory of decoding: the frame of a tile, RGBA of the tiles and of the picture turned and cropped, and RGB.
const BYTES_A_PIXEL: u64 = 16;

/// What a coded picture's sides may have beyond those that are shown.
const BEYOND: u64 = 128;

/// Decodes the primary picture, upright and in sRGB, and returns the bits a sample of the file.
pub(crate) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(Image, u8), Refused> {
    let file = HeifFile::parse(bytes).map_err(|error| explain(&error.into()))?;
    let announced = file.image_size(file.primary_id).ok().flatten();
    let depth = file.hevc_config(file.primary_id).ok().flatten();
    let depth = depth.map_or(8, |config| config.bit_depth_luma);
    drop(file);
    let mut pixels = limits.max_pixels;
    if let Some((width, height)) = announced {
        limits.check_size(width, height)?;
        // Tiles are coded whole, and have sides of multiples of up to 64 pixels.
        pixels = (u64::from(width) + BEYOND) * (u64::from(height) + BEYOND);
    }
    let needed = pixels.saturating_mul(BYTES_A_PIXEL) + bytes.len() as u64 + (2 << 20);
    // Of a size that is not announced, only the most is known.
    let needed = match announced {
        Some(_) => needed,
        None => needed.min(limits.memory.most(Purpose::Work)),
    };
    let _share = limits.memory.take(needed)?;
    let options = Options {
        // A picture is a unit of work, and callers run many of them at once.
        max_threads: 1,
        max_pixels: pixels.max(1),
    };
    let image = match heifer::decode_srgb_rgba8(bytes, &options) {
        // Colours that are not converted (HDR) are better than none.
        Err(Error::Unsupported(_)) => heifer::decode_rgba8(bytes, &options),
        other => other,
    };
    let image = image.map_err(|error| explain(&error))?;
    limits.check_size(image.width, image.height)?;
    let (width, height) = (image.width, image.height);
    let rgba = RgbaImage::from_raw(width, height, image.data);
    let rgba = rgba.ok_or_else(|| Refused::broken("the HEIC data is damaged"))?;
    let rgb = to_rgb(DynamicImage::ImageRgba8(rgba));
    // The decoder has turned it already.
    Ok((upright(width, height, rgb, &[])?, depth))
}

fn explain(error: &Error) -> Refused {
    match error {
        Error::Unsupported(what) => Refused::not_supported(format!(
            "this kind of HEIF is not supported, convert to JPEG or PNG: {what}"
        )),
        error => Refused::broken(format!("the HEIC data is damaged: {error}")),
    }
}
