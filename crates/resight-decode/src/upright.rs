//! Turns a picture upright.

use image::metadata::Orientation;
use resight_vision::Image;

use crate::{Refused, wrap};

/// Applies `orientation` as EXIF means it: mirroring comes after turning.
pub(crate) fn upright(image: Image, orientation: Orientation) -> Result<Image, Refused> {
    let (w, h) = (image.width() as usize, image.height() as usize);
    // Where the output pixel (x, y) comes from in the input.
    let source: fn(usize, usize, usize, usize) -> (usize, usize) = match orientation {
        Orientation::NoTransforms => return Ok(image),
        Orientation::FlipHorizontal => |x, y, w, _| (w - 1 - x, y),
        Orientation::Rotate180 => |x, y, w, h| (w - 1 - x, h - 1 - y),
        Orientation::FlipVertical => |x, y, _, h| (x, h - 1 - y),
        Orientation::Rotate90FlipH => |x, y, _, _| (y, x),
        Orientation::Rotate90 => |x, y, _, h| (y, h - 1 - x),
        Orientation::Rotate270FlipH => |x, y, w, h| (w - 1 - y, h - 1 - x),
        Orientation::Rotate270 => |x, y, w, _| (w - 1 - y, x),
    };
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (out_w, out_h) = if turned { (h, w) } else { (w, h) };
    let rgb = image.rgb();
    let mut out = Vec::with_capacity(rgb.len());
    for y in 0..out_h {
        for x in 0..out_w {
            let (sx, sy) = source(x, y, w, h);
            let at = 3 * (sy * w + sx);
            out.extend_from_slice(&rgb[at..at + 3]);
        }
    }
    let (out_w, out_h) = if turned {
        (image.height(), image.width())
    } else {
        (image.width(), image.height())
    };
    wrap(out_w, out_h, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_image_crate() {
        let rgb: Vec<u8> = (0..3 * 5 * 3).map(|v| v as u8).collect();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let ours = upright(Image::from_rgb(5, 3, rgb.clone()).unwrap(), orientation).unwrap();
            let buffer = image::RgbImage::from_raw(5, 3, rgb.clone()).unwrap();
            let mut theirs = image::DynamicImage::ImageRgb8(buffer);
            theirs.apply_orientation(orientation);
            assert_eq!(ours.width(), theirs.width(), "{exif}");
            assert_eq!(ours.rgb(), theirs.as_bytes(), "{exif}");
        }
    }
}
