//! Samples of every colour space of TIFF to RGB of eight bits.

use image::{DynamicImage, RgbaImage};

use super::layout::Layout;
use super::pixel::{Alpha, Colours, Kind};
use super::samples::Samples;
use super::{Tiff, tag};
use crate::colour_spaces::{cmyk, lab, ycbcr};
use crate::profile_table::ProfileTable;
use crate::range::{self, Numbers};
use crate::refused::Refused;
use crate::rgb::to_rgb;

/// RGB of the whole picture; `inks` are those of its profile.
pub(super) fn rgb(
    tiff: &Tiff<'_>,
    offset: u64,
    layout: &Layout,
    samples: Samples,
    inks: Option<&ProfileTable>,
) -> Result<Vec<u8>, Refused> {
    let channels = layout.channels();
    let pixels = match layout.colours {
        Colours::Palette => {
            let map = tiff.numbers(offset, tag::COLOUR_MAP);
            let map = map.ok_or_else(|| {
                Refused::broken("the TIFF data is damaged: the palette is missing")
            })?;
            return Ok(palette(&samples, channels, &map, layout));
        }
        _ => eight_bits(layout, samples),
    };
    let alpha = |pixel: &[u8]| layout.alpha.map(|_| pixel[channels - 1]);
    let colour = |pixel: &[u8]| match layout.colours {
        Colours::WhiteIsZero => [255 - pixel[0]; 3],
        Colours::BlackIsZero | Colours::Palette => [pixel[0]; 3],
        Colours::YCbCr if !layout.is_converted() => ycbcr([pixel[0], pixel[1], pixel[2]]),
        Colours::Rgb | Colours::YCbCr => [pixel[0], pixel[1], pixel[2]],
        Colours::Cmyk => match inks {
            Some(inks) => inks.pixel(&pixel[..4]),
            None => cmyk([pixel[0], pixel[1], pixel[2], pixel[3]]),
        },
        Colours::Lab => lab(
            pixel[0],
            f32::from(pixel[1] as i8),
            f32::from(pixel[2] as i8),
        ),
        Colours::IccLab => lab(
            pixel[0],
            f32::from(pixel[1]) - 128.0,
            f32::from(pixel[2]) - 128.0,
        ),
    };
    let Some(kind) = layout.alpha else {
        if layout.colours == Colours::Rgb {
            return Ok(pixels);
        }
        return Ok(pixels.chunks_exact(channels).flat_map(colour).collect());
    };
    let rgba = pixels.chunks_exact(channels).flat_map(|pixel| {
        let alpha = alpha(pixel).unwrap_or(255);
        let [r, g, b] = colour(pixel).map(|value| divided(value, alpha, kind));
        [r, g, b, alpha]
    });
    let rgba = RgbaImage::from_raw(layout.width as u32, layout.height as u32, rgba.collect());
    let rgba =
        rgba.ok_or_else(|| Refused::broken("the TIFF data is damaged: pixels are missing"))?;
    Ok(to_rgb(DynamicImage::ImageRgba8(rgba)))
}

/// A colour without the alpha that it is multiplied by.
fn divided(value: u8, alpha: u8, kind: Alpha) -> u8 {
    match (kind.is_multiplied, alpha) {
        (false, _) | (true, 0) => value,
        (true, _) => {
            ((u32::from(value) * 255 + u32::from(alpha) / 2) / u32::from(alpha)).min(255) as u8
        }
    }
}

/// Channels of eight bits, over the range that is in use where the numbers do not say what is white.
fn eight_bits(layout: &Layout, samples: Samples) -> Vec<u8> {
    let channels = layout.channels();
    let colours = layout.colours.samples();
    match samples {
        Samples::Bytes(mut all) => {
            let most = (1_u32 << layout.depth()) - 1;
            let is_mixed = layout.bits.iter().any(|bits| *bits != layout.bits[0]);
            if most < 255 && !is_mixed {
                all.iter_mut()
                    .for_each(|value| *value = (u32::from(*value).min(most) * 255 / most) as u8);
            }
            all
        }
        Samples::Words(all) => {
            let depth = u32::from(layout.depth());
            // Of grey and RGB the file's depth may be more than the samples use.
            let is_light = matches!(
                layout.colours,
                Colours::BlackIsZero | Colours::WhiteIsZero | Colours::Rgb
            );
            let range = match is_light {
                true => range::of_words(&all, channels, colours, depth),
                false => range::whole(depth),
            };
            // The numbers a* and b* of L*a*b* have a sign: their high bytes.
            let is_signed = layout.colours == Colours::Lab;
            let whole = range::whole(depth);
            let one = |(i, value): (usize, &u16)| match i % channels {
                1 | 2 if is_signed => (value >> (depth - 8)) as u8,
                channel if channel < colours => range.eight_bits(f32::from(*value)),
                _ => whole.eight_bits(f32::from(*value)),
            };
            all.iter().enumerate().map(one).collect()
        }
        Samples::Numbers(all) => {
            let kind = match layout.kind {
                Kind::Float => Numbers::Fraction,
                Kind::Signed => Numbers::Signed,
                Kind::Unsigned => Numbers::Unsigned(u32::from(layout.depth())),
            };
            let range = range::of_numbers(&all, channels, colours, kind);
            let alpha = match layout.kind {
                Kind::Float => range::Range {
                    least: 0.0,
                    most: 1.0,
                },
                _ => range,
            };
            let one = |(i, value): (usize, &f32)| match i % channels < colours {
                true => range.eight_bits(*value),
                false => alpha.eight_bits(*value),
            };
            all.iter().enumerate().map(one).collect()
        }
    }
}

/// The colours of a palette, in which all red values come first (TIFF 6.0, section 5).
fn palette(samples: &Samples, channels: usize, map: &[u64], layout: &Layout) -> Vec<u8> {
    let count = map.len() / 3;
    // Some writers state eight bits.
    let shift = if map.iter().all(|value| *value < 256) {
        0
    } else {
        8
    };
    let colour = |index: usize| {
        // An index behind the palette is black, as elsewhere.
        let value = |i: usize| map.get(i * count + index).filter(|_| index < count);
        [0, 1, 2].map(|i| value(i).map_or(0, |value| (value >> shift).min(255) as u8))
    };
    let step = channels.max(1);
    let pixels = layout.width * layout.height;
    let mut out = Vec::with_capacity(3 * pixels);
    match samples {
        Samples::Bytes(all) => all
            .iter()
            .step_by(step)
            .for_each(|i| out.extend(colour(usize::from(*i)))),
        Samples::Words(all) => all
            .iter()
            .step_by(step)
            .for_each(|i| out.extend(colour(usize::from(*i)))),
        Samples::Numbers(all) => all
            .iter()
            .step_by(step)
            .for_each(|i| out.extend(colour(*i as usize))),
    }
    out
}

/// Blocks of pixels that share their colour, as one YCbCr a pixel (TIFF 6.0, section 21).
pub(super) fn shared(blocks: &[u8], layout: &Layout, rows: usize) -> Vec<u8> {
    let [h, v] = layout.subsampling;
    let width = layout.chunk[0];
    let across = width.div_ceil(h);
    let unit = h * v + 2;
    let mut out = vec![0; 3 * width * rows];
    for (i, block) in blocks.chunks_exact(unit).enumerate() {
        let (left, top) = (i % across * h, i / across * v);
        for (j, &luma) in block[..h * v].iter().enumerate() {
            let (x, y) = (left + j % h, top + j / h);
            if x < width && y < rows {
                let pixel = 3 * (y * width + x);
                out[pixel..pixel + 3].copy_from_slice(&[luma, block[h * v], block[h * v + 1]]);
            }
        }
    }
    out
}
