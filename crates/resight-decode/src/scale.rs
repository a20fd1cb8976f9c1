//! Makes smaller copies of a picture: to describe it, and to show it.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use resight_resize::{Filter, resize_rgb};
use resight_vision::Image;

use crate::refused::{Refused, RefusedCode};

/// A copy of `image` whose longer side has `max_side` pixels (at least 1), or `None` when `image`
/// already fits. The aspect ratio stays the same to the nearest pixel.
///
/// Fine patterns fade and do not alias, and the result is the same on every processor: see
/// [`resize_rgb`].
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
    let from = [width, height];
    let rgb = resize_rgb(image.rgb(), from, [out_width, out_height], Filter::Bilinear)?;
    Image::from_rgb(out_width, out_height, rgb)
}

/// A copy of `image` scaled by `factor`; `None` where that is no smaller.
pub fn shrink(image: &Image, factor: f64) -> Option<Image> {
    let long = f64::from(image.width().max(image.height()));
    fit_within(image, (long * factor).round().clamp(1.0, 65_535.0) as u32)
}

/// A copy of `image` whose sides have `factor` times as many pixels; `None` for a factor of 0 or 1, and
/// where a side would not fit 32 bits.
pub fn enlarge(image: &Image, factor: u32) -> Option<Image> {
    let from = [image.width(), image.height()];
    let [width, height] = from.map(|side| side.checked_mul(factor).filter(|_| factor > 1));
    let to = [width?, height?];
    let rgb = resize_rgb(image.rgb(), from, to, Filter::Bicubic)?;
    Image::from_rgb(to[0], to[1], rgb)
}

/// A copy of `image` with these numbers of columns and rows; `None` where they are too many.
pub fn resized(image: &Image, [width, height]: [u32; 2]) -> Option<Image> {
    let from = [image.width(), image.height()];
    let rgb = resize_rgb(image.rgb(), from, [width, height], Filter::Bilinear)?;
    Image::from_rgb(width, height, rgb)
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
