//! Converts a picture to a model's input.

use resight_resize::resize_rgb;
use resight_vision::Image;

use crate::manifest::{Colour, Element, Filter, Fit, Input, Layout};
use crate::runtime::network::{Batch, Values};

/// Largest ratio of the sides for [`Fit::Short`].
const LONGEST: u32 = 4;

/// Largest ratio of the sides before [`Fit::Crop`] resizes. The rest of a longer picture would be
/// cut off after resizing, which would enlarge a thin picture hundreds of times.
const LONGEST_CROPPED: u32 = 16;

/// A model's input, and the scale of its pixels.
pub(crate) struct Prepared {
    pub(crate) batch: Batch,
    /// Columns and rows of the input.
    pub(crate) size: [u32; 2],
    /// Pixels of the picture for each pixel of the input, along x and y. Meaningless for
    /// [`Fit::Crop`].
    pub(crate) step: [f64; 2],
}

/// Resizes `image`, crops it, and orders its channels and axes according to `input`. `None` only if
/// the resizer refuses a size, which the manifest's bounds prevent.
pub(crate) fn prepare(image: &Image, input: &Input) -> Option<Prepared> {
    let shortened = match input.fit {
        Fit::Crop { .. } => shortened(image),
        _ => None,
    };
    let image = shortened.as_ref().unwrap_or(image);
    let (width, height) = (image.width(), image.height());
    let [to_width, to_height] = resized(width, height, input.fit);
    let pixels = resize(image, to_width, to_height, input.filter)?;
    let (pixels, size) = match input.fit {
        Fit::Crop { width, height, .. } => (
            middle(&pixels, [to_width, to_height], [width, height]),
            [width, height],
        ),
        _ => (pixels, [to_width, to_height]),
    };
    Some(Prepared {
        batch: Batch {
            shape: shape(size, input),
            values: values(pixels, size, input),
        },
        size,
        step: [
            f64::from(width) / f64::from(to_width),
            f64::from(height) / f64::from(to_height),
        ],
    })
}

/// The middle of a picture whose sides differ by more than [`LONGEST_CROPPED`]; `None` for others.
fn shortened(image: &Image) -> Option<Image> {
    let size = [image.width(), image.height()];
    let keep = size[0].min(size[1]).saturating_mul(LONGEST_CROPPED);
    let to = size.map(|side| side.min(keep));
    if to == size {
        return None;
    }
    Image::from_rgb(to[0], to[1], middle(image.rgb(), size, to))
}

/// Columns and rows after resizing, before cropping.
fn resized(width: u32, height: u32, fit: Fit) -> [u32; 2] {
    let in_proportion = |short: u32| {
        let (least, most) = (width.min(height), width.max(height));
        let long = rounded(most, short, least);
        if width <= height {
            [short, long]
        } else {
            [long, short]
        }
    };
    let whole = |side: u32, multiple: u32| (side / multiple * multiple).max(multiple);
    match fit {
        Fit::Stretch { width, height } => [width, height],
        Fit::Crop { short, .. } => in_proportion(short),
        Fit::Short { short, multiple } => {
            in_proportion(short).map(|side| whole(side.min(short * LONGEST), multiple))
        }
        Fit::Within { long, multiple } => {
            let most = width.max(height);
            let by = most.min(long);
            [width, height].map(|side| whole(rounded(side, by, most), multiple))
        }
    }
}

/// `side · by / of` to the nearest whole number, at least 1.
fn rounded(side: u32, by: u32, of: u32) -> u32 {
    let (side, by, of) = (u64::from(side), u64::from(by), u64::from(of.max(1)));
    u32::try_from((side * by + of / 2) / of)
        .unwrap_or(u32::MAX)
        .max(1)
}

/// Interleaved RGB of this size, the same bytes on every processor.
fn resize(image: &Image, width: u32, height: u32, filter: Filter) -> Option<Vec<u8>> {
    let filter = match filter {
        Filter::Bilinear => resight_resize::Filter::Bilinear,
        Filter::Bicubic => resight_resize::Filter::Bicubic,
    };
    let from = [image.width(), image.height()];
    resize_rgb(image.rgb(), from, [width, height], filter)
}

/// The middle `to` columns and rows of `from`.
fn middle(pixels: &[u8], from: [u32; 2], to: [u32; 2]) -> Vec<u8> {
    let skip = |axis: usize| (from[axis].saturating_sub(to[axis]) / 2) as usize;
    pixels
        .chunks_exact(from[0] as usize * 3)
        .skip(skip(1))
        .take(to[1] as usize)
        .flat_map(|row| &row[skip(0) * 3..][..to[0] as usize * 3])
        .copied()
        .collect()
}

fn shape([width, height]: [u32; 2], input: &Input) -> [usize; 4] {
    let (w, h, c) = (width as usize, height as usize, input.colour.channels());
    match input.layout {
        Layout::Nchw => [1, c, h, w],
        Layout::Nhwc => [1, h, w, c],
    }
}

fn values(rgb: Vec<u8>, [width, height]: [u32; 2], input: &Input) -> Values {
    let bytes = coloured(rgb, [width, height], input.colour);
    let channels = input.colour.channels();
    let bytes = match input.layout {
        Layout::Nhwc => bytes,
        Layout::Nchw => (0..channels)
            .flat_map(|c| bytes[c..].iter().step_by(channels))
            .copied()
            .collect(),
    };
    let Element::Float { range, mean, std } = input.element else {
        return Values::Bytes(bytes);
    };
    // A value depends only on the byte and the channel.
    let table: Vec<[f32; 256]> = (0..channels)
        .map(|c| std::array::from_fn(|v| (v as f32 * range / 255.0 - mean[c]) / std[c]))
        .collect();
    let plane = (width * height) as usize;
    Values::Floats(match input.layout {
        Layout::Nchw => bytes
            .chunks(plane)
            .zip(&table)
            .flat_map(|(plane, table)| plane.iter().map(|v| table[usize::from(*v)]))
            .collect(),
        Layout::Nhwc => bytes
            .iter()
            .enumerate()
            .map(|(i, v)| table[i % channels][usize::from(*v)])
            .collect(),
    })
}

/// Interleaved channels in this order, or one channel of grey.
fn coloured(mut rgb: Vec<u8>, [width, height]: [u32; 2], colour: Colour) -> Vec<u8> {
    match colour {
        Colour::Rgb => rgb,
        Colour::Bgr => {
            rgb.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            rgb
        }
        // The length agrees with the size, so the result is never empty.
        Colour::Gray => Image::from_rgb(width, height, rgb)
            .map(|image| image.to_gray().pixels().to_vec())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(fit: Fit, colour: Colour, layout: Layout, element: Element) -> Input {
        Input {
            name: None,
            fit,
            filter: Filter::Bilinear,
            colour,
            layout,
            element,
        }
    }

    const STRETCH: Fit = Fit::Stretch {
        width: 8,
        height: 9,
    };

    #[test]
    fn each_fit_has_its_size() {
        let short = |short, multiple| Fit::Short { short, multiple };
        let within = |long, multiple| Fit::Within { long, multiple };
        // (width, height, fit, columns and rows)
        for (w, h, fit, expected) in [
            (640, 480, STRETCH, [8, 9]),
            (640, 480, short(288, 1), [384, 288]),
            (480, 641, short(288, 1), [288, 385]),
            (480, 641, short(288, 32), [288, 384]),
            (100, 9000, short(64, 1), [64, 256]),
            (640, 480, within(1024, 32), [640, 480]),
            (645, 490, within(1024, 32), [640, 480]),
            (2048, 100, within(1024, 32), [1024, 32]),
            (2048, 4, within(1024, 32), [1024, 32]),
            (1, 1, within(1024, 1), [1, 1]),
            (5000, 1, within(8, 1), [8, 1]),
            (1, 1, short(64, 1), [64, 64]),
            (300, 300, short(64, 1), [64, 64]),
            (u32::MAX, 1, short(64, 1), [256, 64]),
        ] {
            assert_eq!(resized(w, h, fit), expected, "{w} × {h}, {fit:?}");
        }
    }

    #[test]
    fn the_middle_is_cut_out() {
        let rgb: Vec<u8> = (0..4 * 16).flat_map(|i| [i as u8; 3]).collect();
        let image = Image::from_rgb(16, 4, rgb).unwrap();
        let fit = Fit::Crop {
            width: 2,
            height: 2,
            short: 4,
        };
        let input = input(fit, Colour::Gray, Layout::Nchw, Element::Byte);
        let prepared = prepare(&image, &input).unwrap();
        assert_eq!(prepared.batch.shape, [1, 1, 2, 2]);
        assert_eq!(prepared.batch.values, Values::Bytes(vec![23, 24, 39, 40]));
    }

    #[test]
    fn only_the_middle_of_a_thin_picture_is_resized() {
        let fit = Fit::Crop {
            width: 4,
            height: 4,
            short: 4,
        };
        let input = input(fit, Colour::Gray, Layout::Nchw, Element::Byte);
        // Resizing all of it would make four rows of eight million pixels.
        let long = 2_000_000u32;
        let rgb: Vec<u8> = (0..long).flat_map(|x| [(x / 7919) as u8; 3]).collect();
        for (w, h) in [(long, 1), (1, long)] {
            let image = Image::from_rgb(w, h, rgb.clone()).unwrap();
            assert_eq!(resized(w, h, fit).iter().max(), Some(&(4 * long)));
            let cut = shortened(&image).unwrap();
            assert_eq!(cut.width().max(cut.height()), LONGEST_CROPPED);
            let prepared = prepare(&image, &input).unwrap();
            assert_eq!(prepared.batch.shape, [1, 1, 4, 4]);
            let middle = (long / 2 / 7919) as u8;
            assert_eq!(prepared.batch.values, Values::Bytes(vec![middle; 16]));
        }
        let usual = Image::from_rgb(16, 1, vec![9; 48]).unwrap();
        assert!(shortened(&usual).is_none());
    }

    #[test]
    fn channels_and_axes_are_ordered() {
        let image = Image::from_rgb(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let same = Fit::Within {
            long: 8,
            multiple: 1,
        };
        // (colour, layout, bytes)
        for (colour, layout, expected) in [
            (Colour::Rgb, Layout::Nhwc, vec![1, 2, 3, 4, 5, 6]),
            (Colour::Rgb, Layout::Nchw, vec![1, 4, 2, 5, 3, 6]),
            (Colour::Bgr, Layout::Nhwc, vec![3, 2, 1, 6, 5, 4]),
            (Colour::Bgr, Layout::Nchw, vec![3, 6, 2, 5, 1, 4]),
        ] {
            let bytes = prepare(&image, &input(same, colour, layout, Element::Byte)).unwrap();
            assert_eq!(
                bytes.batch.values,
                Values::Bytes(expected.clone()),
                "{colour:?} {layout:?}"
            );
            let float = Element::Float {
                range: 255.0,
                mean: [1.0, 2.0, 3.0],
                std: [2.0, 4.0, 8.0],
            };
            let floats = prepare(&image, &input(same, colour, layout, float)).unwrap();
            let channel = |i: usize| match layout {
                Layout::Nchw => i / 2,
                Layout::Nhwc => i % 3,
            };
            let by_hand = expected.iter().enumerate().map(|(i, v)| {
                let c = channel(i);
                (f32::from(*v) - [1.0, 2.0, 3.0][c]) / [2.0, 4.0, 8.0][c]
            });
            assert_eq!(floats.batch.values, Values::Floats(by_hand.collect()));
        }
    }
}
