//! JPEG of four inks (CMYK and YCCK), by the colour profile in it.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::{ZByteReaderTrait, ZCursor};
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::colour_spaces::ycbcr;
use crate::profile_table::ProfileTable;
use crate::refused::Refused;

/// Those by which `image` decodes a JPEG.
pub(crate) fn options() -> DecoderOptions {
    DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
}

/// Whether a JPEG whose headers were read has four inks.
pub(crate) fn has_inks<T: ZByteReaderTrait>(headers: &JpegDecoder<T>) -> bool {
    let space = headers.input_colorspace();
    matches!(space, Some(ColorSpace::CMYK | ColorSpace::YCCK))
}

/// RGB of a whole picture of four inks. Its values are those of light, as all programs write them, and not of ink.
pub(crate) fn rgb(bytes: &[u8], inks: &ProfileTable) -> Result<Vec<u8>, Refused> {
    let damaged = |error| Refused::broken(format!("the JPEG data is damaged: {error:?}"));
    let mut headers = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
    headers.decode_headers().map_err(damaged)?;
    let space = headers.input_colorspace().unwrap_or(ColorSpace::CMYK);
    // As they are stored: any other space would be converted without the profile.
    let options = options().jpeg_set_out_colorspace(space);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let mut pixels = decoder.decode().map_err(damaged)?;
    let count = pixels.len() / 4;
    // In place: the write position 3i never overtakes the read position 4i.
    for i in 0..count {
        let [a, b, c, key] = [0, 1, 2, 3].map(|channel| pixels[4 * i + channel]);
        let light = match space {
            // Luma and chroma are those of the ink (libjpeg's YCCK).
            ColorSpace::YCCK => ycbcr([a, b, c]).map(|value| 255 - value),
            _ => [a, b, c],
        };
        let [cyan, magenta, yellow] = light.map(|value| 255 - value);
        let rgb = inks.pixel(&[cyan, magenta, yellow, 255 - key]);
        pixels[3 * i..3 * i + 3].copy_from_slice(&rgb);
    }
    pixels.truncate(3 * count);
    Ok(pixels)
}
