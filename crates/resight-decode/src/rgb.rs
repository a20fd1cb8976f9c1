//! Converts decoded samples to 8-bit RGB: the range of samples that use few of their 16 bits, and the
//! background of transparent pictures.

use image::DynamicImage;

use crate::range;

/// Visible pixels whose luminance is nearer than this to the background's are hidden in it.
const HIDDEN: u32 = 40;
/// Luminances of the backgrounds, the preferred first.
const BACKGROUNDS: [u8; 3] = [255, 0, 128];

/// Eight-bit RGB. Transparent pictures are laid over white, or over black or grey where white would hide
/// most of what is visible in them. Samples of 16 bits that use few of them, as cameras of microscopes write them,
/// are scaled to the full range.
pub(crate) fn to_rgb(mut pixels: DynamicImage) -> Vec<u8> {
    scale_sensor_range(&mut pixels);
    if !pixels.color().has_alpha() {
        return pixels.into_rgb8().into_raw();
    }
    let mut bytes = pixels.into_rgba8().into_raw();
    let background = u32::from(background(&bytes));
    // In place: the write position 3i never overtakes the read position 4i.
    let count = bytes.len() / 4;
    for i in 0..count {
        let alpha = u32::from(bytes[4 * i + 3]);
        for c in 0..3 {
            let sum = u32::from(bytes[4 * i + c]) * alpha + background * (255 - alpha);
            bytes[3 * i + c] = ((sum + 127) / 255) as u8;
        }
    }
    bytes.truncate(3 * count);
    bytes.shrink_to_fit();
    bytes
}

/// Brings 16-bit samples to the range that is in use ([`range::of_words`]). Alpha is left out: it is always of the
/// full range.
fn scale_sensor_range(pixels: &mut DynamicImage) {
    let (samples, channels, colours): (&mut [u16], usize, usize) = match pixels {
        DynamicImage::ImageLuma16(image) => (image, 1, 1),
        DynamicImage::ImageLumaA16(image) => (image, 2, 1),
        DynamicImage::ImageRgb16(image) => (image, 3, 3),
        DynamicImage::ImageRgba16(image) => (image, 4, 3),
        _ => return,
    };
    let range = range::of_words(samples, channels, colours, 16);
    if range == range::whole(16) {
        return;
    }
    for pixel in samples.chunks_exact_mut(channels) {
        for value in &mut pixel[..colours] {
            *value = u16::from(range.eight_bits(f32::from(*value))) * 257;
        }
    }
}

/// The first of [`BACKGROUNDS`] if it hides at most half of what is visible, else the one that hides
/// least.
fn background(rgba: &[u8]) -> u8 {
    let mut hidden = [0u64; 3];
    let (mut visible, mut transparent) = (0u64, false);
    for &[r, g, b, alpha] in rgba.as_chunks().0 {
        transparent |= alpha < 255;
        // Rec. 601 luma, in 256ths.
        let luma = (77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) >> 8;
        visible += u64::from(alpha);
        for (hidden, background) in hidden.iter_mut().zip(BACKGROUNDS) {
            if luma.abs_diff(background.into()) < HIDDEN {
                *hidden += u64::from(alpha);
            }
        }
    }
    if !transparent || 2 * hidden[0] <= visible {
        return BACKGROUNDS[0];
    }
    // Of equals, the first.
    let least = (0..BACKGROUNDS.len()).min_by_key(|&i| hidden[i]);
    BACKGROUNDS[least.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, LumaA, Rgba, RgbaImage};

    use super::*;

    /// The shades of a picture whose samples are `values`.
    fn shades(values: &[u16]) -> Vec<u8> {
        let image = ImageBuffer::<Luma<u16>, _>::from_raw(values.len() as u32, 1, values.to_vec());
        let rgb = to_rgb(DynamicImage::ImageLuma16(image.unwrap()));
        rgb.into_iter().step_by(3).collect()
    }

    #[test]
    fn samples_of_a_sensor_fill_the_range() {
        for (values, expected) in [
            ([0, 128, 255], [0, 128, 255]),
            ([0, 512, 1023], [0, 128, 255]),
            ([0, 2048, 4095], [0, 128, 255]),
            ([176, 2048, 3952], [11, 128, 246]),
            ([0, 8192, 16383], [0, 128, 255]),
            ([0, 16384, 32768], [0, 64, 128]),
            ([0, 0, 0], [0, 0, 0]),
        ] {
            assert_eq!(shades(&values), expected, "{values:?}");
        }
    }

    #[test]
    fn alpha_keeps_its_range() {
        let image = ImageBuffer::<LumaA<u16>, _>::from_raw(2, 1, vec![3000, 65535, 100, 0]);
        let rgb = to_rgb(DynamicImage::ImageLumaA16(image.unwrap()));
        assert_eq!(rgb, [187, 187, 187, 255, 255, 255]);
    }

    #[test]
    fn the_background_hides_least() {
        let over = |visible: &[[u8; 3]]| {
            let mut pixels = visible.iter().copied();
            let image = RgbaImage::from_fn(visible.len() as u32 + 1, 1, |_, _| {
                pixels
                    .next()
                    .map_or(Rgba([9, 9, 9, 0]), |[r, g, b]| Rgba([r, g, b, 255]))
            });
            to_rgb(DynamicImage::ImageRgba8(image)).pop()
        };
        let [white, light, black, red] = [[255; 3], [230; 3], [8; 3], [200, 30, 20]];
        assert_eq!(over(&[black, red]), Some(255));
        assert_eq!(over(&[white, light, red]), Some(0));
        assert_eq!(over(&[white, red]), Some(255), "half of it is seen");
        assert_eq!(over(&[white, white, black]), Some(128));
        assert_eq!(over(&[]), Some(255));
    }
}
