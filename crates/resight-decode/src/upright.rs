//! Turns pixels upright.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use resight_vision::Image;

use crate::refused::{Refused, RefusedCode};

/// The picture whose stored pixels are `rgb`, with each of `orientations` applied in turn.
///
/// # Errors
/// [`RefusedCode::DecoderFailed`] when `rgb` does not have three bytes a pixel, which is a fault of
/// the decoder that made it.
pub(crate) fn upright(
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    orientations: &[Orientation],
) -> Result<Image, Refused> {
    let wrong_length = || {
        let detail = format!("the decoder gave the wrong amount of data for {width} × {height}");
        Refused::new(RefusedCode::DecoderFailed, detail)
    };
    // `RgbImage` accepts a longer buffer, `Image` does not.
    let stored = Image::from_rgb(width, height, rgb).ok_or_else(wrong_length)?;
    let stored = RgbImage::from_raw(width, height, stored.into_rgb()).ok_or_else(wrong_length)?;
    let mut pixels = DynamicImage::from(stored);
    for &orientation in orientations {
        pixels.apply_orientation(orientation);
    }
    Image::from_rgb(pixels.width(), pixels.height(), pixels.into_bytes()).ok_or_else(wrong_length)
}

/// The picture with left and right exchanged, where it is `mirrored`, and then turned by quarters clockwise. `None`
/// only where it has another number of bytes than its size says.
pub fn turned(image: Image, mirrored: bool, quarter_turns: u8) -> Option<Image> {
    let turn = match quarter_turns % 4 {
        0 => Orientation::NoTransforms,
        1 => Orientation::Rotate90,
        2 => Orientation::Rotate180,
        _ => Orientation::Rotate270,
    };
    let mirror = match mirrored {
        true => Orientation::FlipHorizontal,
        false => Orientation::NoTransforms,
    };
    let (width, height) = (image.width(), image.height());
    upright(width, height, image.into_rgb(), &[mirror, turn]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_moves_pixels_as_exif_defines_it() {
        // Columns and rows are told apart: 0 1 2 above 3 4 5.
        let rgb: Vec<u8> = (0..6).flat_map(|v| [v; 3]).collect();
        let cases: [(u8, u32, [u8; 6]); 8] = [
            (1, 3, [0, 1, 2, 3, 4, 5]),
            (2, 3, [2, 1, 0, 5, 4, 3]),
            (3, 3, [5, 4, 3, 2, 1, 0]),
            (4, 3, [3, 4, 5, 0, 1, 2]),
            (5, 2, [0, 3, 1, 4, 2, 5]),
            (6, 2, [3, 0, 4, 1, 5, 2]),
            (7, 2, [5, 2, 4, 1, 3, 0]),
            (8, 2, [2, 5, 1, 4, 0, 3]),
        ];
        for (exif, width, expected) in cases {
            let orientation = Orientation::from_exif(exif).unwrap();
            let image = upright(3, 2, rgb.clone(), &[orientation]).unwrap();
            let red: Vec<u8> = image.rgb().iter().copied().step_by(3).collect();
            assert_eq!((image.width(), red.as_slice()), (width, &expected[..]));
        }
    }

    #[test]
    fn orientations_apply_one_after_another() {
        let rgb: Vec<u8> = (0..6).flat_map(|v| [v; 3]).collect();
        let steps = [Orientation::Rotate90, Orientation::FlipHorizontal];
        let image = upright(3, 2, rgb, &steps).unwrap();
        let red: Vec<u8> = image.rgb().iter().copied().step_by(3).collect();
        assert_eq!(red, [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn a_buffer_of_another_length_is_the_decoders_fault() {
        for length in [0, 17, 19, 36] {
            let refused = upright(3, 2, vec![0; length], &[Orientation::Rotate90]).unwrap_err();
            assert_eq!(refused.code, RefusedCode::DecoderFailed, "{length} bytes");
        }
    }
}
