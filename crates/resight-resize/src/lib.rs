//! RGB pixels to another size.
//!
//! A crate of its own because its kernels take longer to compile than all that calls them: they are
//! generic, so each crate that used `fast_image_resize` directly would compile them again.
//!
//! Invariant: the result is the same on every processor. The weights come from basic arithmetic,
//! without a call into the system's mathematics library, and the sums are integers.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

/// How source pixels are weighted. The filter widens with the scale when the picture shrinks, so
/// fine patterns fade and do not alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A triangle.
    Bilinear,
    /// The cubic of Catmull and Rom.
    Bicubic,
}

/// `rgb`, three bytes a pixel in rows of `from[0]`, scaled from `from` to `to` columns and rows.
///
/// `None` when `rgb` is shorter than `from` says.
pub fn resize_rgb(rgb: &[u8], from: [u32; 2], to: [u32; 2], filter: Filter) -> Option<Vec<u8>> {
    let filter = match filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let mut resized = vec![0; to[0] as usize * to[1] as usize * 3];
    let source = TypedImageRef::<U8x3>::from_buffer(from[0], from[1], rgb).ok()?;
    let mut target = TypedImage::<U8x3>::from_buffer(to[0], to[1], &mut resized).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    // The untyped `resize` would compile kernels for thirteen types of pixel: minutes, and 3 MB.
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .ok()?;
    Some(resized)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: [Filter; 2] = [Filter::Bilinear, Filter::Bicubic];

    #[test]
    fn one_colour_stays_that_colour() {
        for filter in FILTERS {
            for to in [[1, 1], [7, 3], [40, 90]] {
                let rgb = [9, 130, 255].repeat(20 * 10);
                let resized = resize_rgb(&rgb, [20, 10], to, filter).unwrap();
                assert_eq!(resized, [9, 130, 255].repeat((to[0] * to[1]) as usize));
            }
        }
    }

    #[test]
    fn the_same_size_copies_the_pixels() {
        let rgb: Vec<u8> = (0..3 * 6 * 5).collect();
        for filter in FILTERS {
            assert_eq!(resize_rgb(&rgb, [6, 5], [6, 5], filter).unwrap(), rgb);
        }
    }

    #[test]
    fn shrinking_averages_what_lies_under_the_filter() {
        let rgb: Vec<u8> = (0..64)
            .flat_map(|x| [if x % 2 == 0 { 0 } else { 200 }; 3])
            .collect();
        let resized = resize_rgb(&rgb, [64, 1], [8, 1], Filter::Bilinear).unwrap();
        assert!(resized.iter().all(|v| v.abs_diff(100) < 8), "{resized:?}");
    }

    #[test]
    fn a_buffer_that_is_too_short_gives_none() {
        assert_eq!(resize_rgb(&[0; 29], [5, 2], [2, 2], Filter::Bilinear), None);
    }
}
