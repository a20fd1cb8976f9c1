//! Makes smaller copies of a picture: to describe it, and to show it.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use resight_vision::Image;

use crate::{Refused, RefusedCode};

/// A copy of `image` whose longer side has `max_side` pixels (at least 1), or `None` when `image`
/// already fits. The aspect ratio stays the same to the nearest pixel.
///
/// The filter is a triangle whose width grows with the scale, so fine patterns fade and do not
/// alias. The result is the same on every CPU: the weights come from basic arithmetic, without a
/// call into the system's mathematics library, and the sums are integers.
pub fn fit_within(image: &Image, max_side: u32) -> Option<Image> {
    let (width, height) = (image.width(), image.height());
    let max_side = max_side.max(1);
    let long = width.max(height);
    if long <= max_side {
        return None;
    }
    let side = |side: u32| {
        let scaled =
            (u64::from(side) * u64::from(max_side) + u64::from(long) / 2) / u64::from(long);
        // At most max_side, so it fits into 32 bits.
        (scaled as u32).max(1)
    };
    let (out_width, out_height) = (side(width), side(height));
    let mut rgb = vec![0; out_width as usize * out_height as usize * 3];
    let source = TypedImageRef::<U8x3>::from_buffer(width, height, image.rgb()).ok()?;
    let mut target = TypedImage::<U8x3>::from_buffer(out_width, out_height, &mut rgb).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    // The untyped `resize` would compile kernels for thirteen types of pixel: minutes, and 3 MB.
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .ok()?;
    Image::from_rgb(out_width, out_height, rgb)
}

/// A JPEG of `image`, scaled down to at most `max_side` pixels a side (never up). `quality` is
/// 1 to 100; values outside are clamped, and `max_side` to what JPEG can hold (65,535).
///
/// # Errors
/// [`RefusedCode::DecoderFailed`] when the encoder fails, which no picture should cause.
pub fn thumbnail_jpeg(image: &Image, max_side: u32, quality: u8) -> Result<Vec<u8>, Refused> {
    let smaller = fit_within(image, max_side.min(u32::from(u16::MAX)));
    let shown = smaller.as_ref().unwrap_or(image);
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, quality.clamp(1, 100))
        .encode(
            shown.rgb(),
            shown.width(),
            shown.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(|error| {
            let detail = format!("the preview could not be written: {error}");
            Refused::new(RefusedCode::DecoderFailed, detail)
        })?;
    Ok(out)
}
