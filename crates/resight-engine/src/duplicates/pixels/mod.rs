//! Comparing two pictures by all their pixels, one laid over the other.

mod cells;
mod difference;
pub(crate) mod planes;
mod register;
pub(crate) mod worst;

use resight_decode::shrink;
use resight_vision::{Image, Transform};

use crate::geometry;
use cells::{Cells, cells};
use planes::Ycc;
use worst::{Agreement, agreement};

/// Pixels of the coarser picture that are compared, at most; a larger one is scaled down first.
pub(super) const MOST_PIXELS: u64 = 6_000_000;

/// Ratio of scales from which on the finer picture is averaged.
const AVERAGED: f64 = 1.2;

/// Share of the second picture from which on a box around changes says that they are everywhere.
const EVERYWHERE: f32 = 0.9;

/// How the pixels of two pictures agree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PixelAgreement {
    /// From pixels of the first to those of the second, refined.
    pub(crate) transform: Transform,
    /// What all cells say, at full resolution.
    pub(crate) agreement: Agreement,
    /// Boxes of the second picture that differ: left, top, right and bottom in pixels. Empty where one would be
    /// nearly all of it.
    pub(crate) regions: Vec<[f32; 4]>,
}

/// Lays the finer of two pictures over the coarser and compares them. `transform` maps pixels of `a` to
/// those of `b`; `inverted` means that `b` is taken as its negative. `None` where too little is common.
pub(crate) fn compare_pixels(
    a: &Image,
    b: &Image,
    transform: &Transform,
    inverted: bool,
) -> Option<PixelAgreement> {
    let overlay = laid_over(a, b, transform, inverted)?;
    let (agreement, boxes) = agreement(&overlay.cells)?;
    let size = [b.width(), b.height()];
    let regions = boxes
        .into_iter()
        .filter_map(|corners| box_around(corners, &overlay.grid_to_second, size));
    let mut regions: Vec<[f32; 4]> = regions.collect();
    let most = EVERYWHERE * size[0] as f32 * size[1] as f32;
    if regions
        .iter()
        .any(|r| (r[2] - r[0]) * (r[3] - r[1]) >= most)
    {
        regions.clear();
    }
    Some(PixelAgreement {
        transform: overlay.transform,
        agreement,
        regions,
    })
}

/// Two pictures laid over each other.
struct Overlay {
    cells: Cells,
    /// From pixels of the first to those of the second, refined.
    transform: Transform,
    /// From the pixels that the cells divide to those of the second.
    grid_to_second: Transform,
}

fn laid_over(a: &Image, b: &Image, transform: &Transform, inverted: bool) -> Option<Overlay> {
    let back = transform.inverse()?;
    let on_first = geometry::scale_at(transform, middle([a.width(), a.height()]))? >= 1.0;
    let (coarse, fine, onto) = if on_first {
        (a, b, *transform)
    } else {
        (b, a, back)
    };
    // Only what both show is compared.
    let (cut, corner) = common_part(coarse, fine, &onto)?;
    let cut = cut.as_ref().unwrap_or(coarse);
    let (fine_cut, fine_corner) = common_part(fine, coarse, &onto.inverse()?)?;
    let fine = fine_cut.as_ref().unwrap_or(fine);
    let onto = onto.then(&Transform::translation(fine_corner.map(|v| -v)));
    let from_cut = Transform::translation(corner);
    let pixels = f64::from(cut.width()) * f64::from(cut.height());
    let reduced = shrink(cut, (MOST_PIXELS as f64 / pixels).sqrt());
    let grid = reduced.as_ref().unwrap_or(cut);
    let size = [grid.width(), grid.height()];
    let to_full = geometry::same_frame(size, [cut.width(), cut.height()]).then(&from_cut);
    let scale = geometry::scale_at(&to_full.then(&onto), middle(size))?;
    // At nearly the same scale interpolation is enough, and averaging would only blur.
    let averaged = (scale >= AVERAGED)
        .then(|| shrink(fine, 1.0 / scale))
        .flatten();
    let averaged = averaged.as_ref().unwrap_or(fine);
    let fine_size = [fine.width(), fine.height()];
    let from_full = geometry::same_frame(fine_size, [averaged.width(), averaged.height()]);
    let start = to_full.then(&onto).then(&from_full);
    let first = Ycc::of(grid, inverted && !on_first);
    let second = Ycc::of(averaged, inverted && on_first);
    let refined = register::refined(&first.luma, &second.luma, &start);
    let onto = to_full
        .inverse()?
        .then(&refined)
        .then(&from_full.inverse()?)
        .then(&Transform::translation(fine_corner));
    Some(Overlay {
        cells: cells(&first, &second, &refined),
        transform: if on_first { onto } else { onto.inverse()? },
        grid_to_second: if on_first {
            to_full.then(&onto)
        } else {
            to_full
        },
    })
}

/// What of `coarse` `fine` may show, as a picture of its own, and its corner; `None` instead of a copy of
/// all of it.
fn common_part(
    coarse: &Image,
    fine: &Image,
    onto: &Transform,
) -> Option<(Option<Image>, [f64; 2])> {
    const MARGIN: f64 = 6.0;
    let (w, h) = (coarse.width(), coarse.height());
    let common = geometry::region(&onto.inverse()?, [fine.width(), fine.height()], [w, h])?;
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for corner in &common {
        for i in 0..2 {
            low[i] = low[i].min(corner[i]);
            high[i] = high[i].max(corner[i]);
        }
    }
    let side = [f64::from(w), f64::from(h)];
    let low = [0, 1].map(|i| (low[i] - MARGIN).floor().clamp(0.0, side[i] - 1.0));
    let high = [0, 1].map(|i| (high[i] + MARGIN).ceil().clamp(low[i] + 1.0, side[i]));
    if low == [0.0; 2] && high == side {
        return Some((None, [0.0; 2]));
    }
    let (left, right) = (low[0] as usize, high[0] as usize);
    let (top, bottom) = (low[1] as usize, high[1] as usize);
    let row = 3 * w as usize;
    let rgb = (top..bottom).flat_map(|y| &coarse.rgb()[y * row + 3 * left..y * row + 3 * right]);
    let rgb: Vec<u8> = rgb.copied().collect();
    let cut = Image::from_rgb((right - left) as u32, (bottom - top) as u32, rgb)?;
    Some((Some(cut), low))
}

/// The box around a box after a transform, within a picture of this size.
fn box_around(
    [left, top, right, bottom]: [f64; 4],
    onto: &Transform,
    size: [u32; 2],
) -> Option<[f32; 4]> {
    let mut around = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    for corner in [[left, top], [right, top], [left, bottom], [right, bottom]] {
        // Edges to pixel centres and back.
        let centre = corner.map(|v| v - 0.5);
        let there = onto.apply(centre)?;
        for i in 0..2 {
            around[i] = around[i].min(there[i] + 0.5);
            around[2 + i] = around[2 + i].max(there[i] + 0.5);
        }
    }
    // Adding zero turns the negative one into the other.
    let within = |i: usize| (around[i].round().clamp(0.0, f64::from(size[i % 2])) + 0.0) as f32;
    let boxed = [within(0), within(1), within(2), within(3)];
    (boxed[2] > boxed[0] && boxed[3] > boxed[1]).then_some(boxed)
}

/// The middle of a picture of this size.
fn middle(size: [u32; 2]) -> [f64; 2] {
    size.map(|side| 0.5 * f64::from(side))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boxes of all sizes.
    fn boxes(width: u32, height: u32) -> Image {
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut rgb = vec![128; 3 * (width * height) as usize];
        for _ in 0..width * height / 250 {
            let (left, top) = (random(width), random(height));
            let (right, bottom) = (left + 4 + random(28), top + 4 + random(28));
            let colour = [0; 3].map(|_: u8| random(256) as u8);
            for y in top..bottom.min(height) {
                for x in left..right.min(width) {
                    let at = 3 * (y * width + x) as usize;
                    rgb[at..at + 3].copy_from_slice(&colour);
                }
            }
        }
        Image::from_rgb(width, height, rgb).unwrap()
    }

    fn cut(image: &Image, [left, top, width, height]: [u32; 4]) -> Image {
        let rows = (top..top + height).map(|y| 3 * (y * image.width() + left) as usize);
        let rgb = rows.flat_map(|at| image.rgb()[at..at + 3 * width as usize].to_vec());
        Image::from_rgb(width, height, rgb.collect()).unwrap()
    }

    #[test]
    fn a_rough_transform_becomes_exact_and_a_part_agrees_everywhere() {
        let whole = boxes(480, 360);
        let part = cut(&whole, [90, 60, 300, 240]);
        for [scale, x, y] in [[1.0, 0.0, 0.0], [1.004, -1.2, 0.8], [0.997, 0.9, 1.1]] {
            let rough = Transform([
                scale,
                0.002,
                x - 90.0,
                -0.002,
                scale,
                y - 60.0,
                0.0,
                0.0,
                1.0,
            ]);
            let found = compare_pixels(&whole, &part, &rough, false).unwrap();
            let [left, top] = found.transform.apply([240.0, 180.0]).unwrap();
            assert!(
                (left - 150.0).abs() < 0.05 && (top - 120.0).abs() < 0.05,
                "{found:?}"
            );
            assert!(
                found.agreement.worst < 0.5 && found.agreement.alike[0] > 0.99,
                "{found:?}"
            );
        }
    }

    #[test]
    fn one_changed_region_is_named_in_the_second_picture() {
        let whole = boxes(480, 360);
        let mut rgb = whole.rgb().to_vec();
        for y in 100..116 {
            for x in 200..212 {
                let at = 3 * (y * 480 + x);
                rgb[at..at + 3].copy_from_slice(&[255, 255, 255]);
            }
        }
        let changed = Image::from_rgb(480, 360, rgb).unwrap();
        let found = compare_pixels(&whole, &changed, &Transform::IDENTITY, false).unwrap();
        assert!(found.agreement.worst > 2.0, "{found:?}");
        let [region] = found.regions[..] else {
            panic!("{found:?}");
        };
        let [left, top, right, bottom] = region;
        assert!(
            left <= 200.0 && right >= 212.0 && right - left <= 40.0,
            "{region:?}"
        );
        assert!(
            top <= 100.0 && bottom >= 116.0 && bottom - top <= 40.0,
            "{region:?}"
        );
        let same = compare_pixels(&whole, &whole, &Transform::IDENTITY, false).unwrap();
        assert_eq!((same.agreement.worst, same.agreement.tone), (0.0, 0.0));
        assert!(same.regions.is_empty());
    }
}
