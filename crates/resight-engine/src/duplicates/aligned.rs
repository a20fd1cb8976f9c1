//! Comparing two small pictures pixel by pixel, one laid over the other by the transform between them.

use resight_decode::shrink;
use resight_vision::{Image, Transform};

use crate::geometry;

/// Longer side in pixels at which the common part is compared: coarse enough that compression and half a
/// pixel of misplacement do not count.
const SIDE: f64 = 96.0;

/// Side of a block in pixels.
const BLOCK: usize = 8;

/// Blocks that must be comparable, at least.
const LEAST_BLOCKS: usize = 6;

/// Deviation of brightness in grey levels below which a block shows nothing to correlate.
const FLAT: f64 = 3.0;

/// Normalised correlation from which on two blocks show the same thing.
const CORRELATED: f64 = 0.75;

/// Differences of two aligned pictures block by block, in grey levels of 0..255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PixelDifference {
    /// Share of the blocks that show the same thing, whatever their brightness and contrast, 0..1.
    pub(crate) alike: f64,
    /// Root mean squared difference of brightness within a block: the median of the blocks.
    pub(crate) typical: f64,
    /// The same, the 95th percentile of the blocks.
    pub(crate) worst: f64,
    /// Difference of a block's mean colour in the channel that differs most: the median of the blocks.
    pub(crate) colour: f64,
    /// Root mean squared difference of the blocks' means that a change of brightness and contrast of the
    /// whole picture explains, in the channel where it is largest.
    pub(crate) tone: f64,
}

/// A small picture, and the full size in pixels to which transforms refer.
#[derive(Clone, Copy)]
pub(crate) struct Small<'a> {
    pub(crate) image: &'a Image,
    pub(crate) full: [u32; 2],
}

/// Compares the common part of `a` and `b`; `transform` maps pixels of the full-size `a` to those of `b`.
/// `None` where the common part is too small to compare.
pub(crate) fn compare_aligned(
    a: Small<'_>,
    b: Small<'_>,
    transform: &Transform,
) -> Option<PixelDifference> {
    let back = transform.inverse()?;
    let forth = in_small(&a, &b, transform);
    // Pixels of the finer one are averaged onto those of the coarser, never the other way round.
    let middle = [
        0.5 * f64::from(a.image.width()),
        0.5 * f64::from(a.image.height()),
    ];
    let scale = geometry::scale_at(&forth, middle)?;
    if scale >= 1.0 {
        compare(a, b, transform)
    } else {
        compare(b, a, &back)
    }
}

/// `coarse` shows the common part with fewer pixels.
fn compare(coarse: Small<'_>, fine: Small<'_>, transform: &Transform) -> Option<PixelDifference> {
    let side = shared_side(coarse, fine, transform)?;
    let coarse_image = shrink(coarse.image, SIDE / side);
    let coarse = Small {
        image: coarse_image.as_ref().unwrap_or(coarse.image),
        ..coarse
    };
    let onto = in_small(&coarse, &fine, transform);
    let (w, h) = (
        coarse.image.width() as usize,
        coarse.image.height() as usize,
    );
    let scale = geometry::scale_at(&onto, [0.5 * w as f64, 0.5 * h as f64])?;
    let fine_image = shrink(fine.image, 1.0 / scale);
    let fine = Small {
        image: fine_image.as_ref().unwrap_or(fine.image),
        ..fine
    };
    let onto = in_small(&coarse, &fine, transform);

    let mut blocks = Vec::new();
    for top in (0..h).step_by(BLOCK) {
        for left in (0..w).step_by(BLOCK) {
            let mut block = Block::default();
            for y in top..(top + BLOCK).min(h) {
                for x in left..(left + BLOCK).min(w) {
                    let there = onto.apply([x as f64, y as f64]);
                    if let Some(q) = there.and_then(|at| sample(fine.image, at)) {
                        block.add(pixel(coarse.image, x, y), q);
                    }
                }
            }
            // Blocks half outside say little.
            if block.n >= 0.7 * (BLOCK * BLOCK) as f64 {
                blocks.push(block);
            }
        }
    }
    if blocks.len() < LEAST_BLOCKS {
        return None;
    }
    let n = blocks.len();
    // A change of brightness of the whole picture is no change of its content.
    let shift = at_rank(blocks.iter().map(|b| b.shift()), n / 2);
    let alike = blocks.iter().filter(|b| b.is_alike(shift)).count();
    Some(PixelDifference {
        alike: alike as f64 / n as f64,
        typical: at_rank(blocks.iter().map(|b| b.difference()), n / 2),
        worst: at_rank(blocks.iter().map(|b| b.difference()), (n - 1) * 95 / 100),
        colour: at_rank(blocks.iter().map(|b| b.colour()), n / 2),
        tone: tone(&blocks),
    })
}

/// [`PixelDifference::tone`], by linear regression of the means of the second on those of the first.
fn tone(blocks: &[Block]) -> f64 {
    let n = blocks.len() as f64;
    let of_channel = |c: usize| {
        let means = || {
            blocks
                .iter()
                .map(move |b| (b.first[c] / b.n, b.second[c] / b.n))
        };
        let (sx, sy) = means().fold((0.0, 0.0), |s, (x, y)| (s.0 + x, s.1 + y));
        let (mx, my) = (sx / n, sy / n);
        let (xx, xy) = means().fold((0.0, 0.0), |s, (x, y)| {
            (s.0 + (x - mx) * (x - mx), s.1 + (x - mx) * (y - my))
        });
        // Blocks that are all of one brightness show a shift only.
        let slope = if xx > n { xy / xx } else { 1.0 };
        let squares = means().map(|(x, _)| {
            let change = (slope - 1.0) * (x - mx) + my - mx;
            change * change
        });
        (squares.sum::<f64>() / n).sqrt()
    };
    (0..3).map(of_channel).fold(0.0, f64::max)
}

/// The value with `rank` values below it. There must be more than `rank` values.
fn at_rank(values: impl Iterator<Item = f64>, rank: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[rank]
}

/// A transform between full sizes as one between the small pictures.
fn in_small(a: &Small<'_>, b: &Small<'_>, transform: &Transform) -> Transform {
    let ratio = |small: u32, full: u32| f64::from(full) / f64::from(small);
    // Pixel centres are whole numbers, so the edges lie at -1/2.
    let stretch = |x: f64, y: f64| {
        let (dx, dy) = (0.5 * x - 0.5, 0.5 * y - 0.5);
        Transform([x, 0.0, dx, 0.0, y, dy, 0.0, 0.0, 1.0])
    };
    let enter = stretch(
        ratio(a.image.width(), a.full[0]),
        ratio(a.image.height(), a.full[1]),
    );
    let leave = stretch(
        1.0 / ratio(b.image.width(), b.full[0]),
        1.0 / ratio(b.image.height(), b.full[1]),
    );
    enter.then(transform).then(&leave)
}

/// The longer side, in pixels of `coarse`, of the box around the common part.
fn shared_side(coarse: Small<'_>, fine: Small<'_>, transform: &Transform) -> Option<f64> {
    let onto = in_small(&coarse, &fine, transform);
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    // Every fourth pixel is accurate enough.
    for y in (0..coarse.image.height()).step_by(4) {
        for x in (0..coarse.image.width()).step_by(4) {
            let at = [f64::from(x), f64::from(y)];
            if onto.apply(at).is_some_and(|p| is_inside(fine.image, p)) {
                for i in 0..2 {
                    low[i] = low[i].min(at[i]);
                    high[i] = high[i].max(at[i]);
                }
            }
        }
    }
    let side = (high[0] - low[0]).max(high[1] - low[1]);
    (side > 0.0).then_some(side + 4.0)
}

fn is_inside(image: &Image, [x, y]: [f64; 2]) -> bool {
    (0.0..=f64::from(image.width() - 1)).contains(&x)
        && (0.0..=f64::from(image.height() - 1)).contains(&y)
}

fn pixel(image: &Image, x: usize, y: usize) -> [f64; 3] {
    let at = 3 * (y * image.width() as usize + x);
    let rgb = &image.rgb()[at..at + 3];
    [rgb[0].into(), rgb[1].into(), rgb[2].into()]
}

/// Bilinear interpolation; `None` outside.
fn sample(image: &Image, at: [f64; 2]) -> Option<[f64; 3]> {
    if !is_inside(image, at) {
        return None;
    }
    let (x0, y0) = (at[0].floor() as usize, at[1].floor() as usize);
    let (x1, y1) = (
        (x0 + 1).min(image.width() as usize - 1),
        (y0 + 1).min(image.height() as usize - 1),
    );
    let (fx, fy) = (at[0] - x0 as f64, at[1] - y0 as f64);
    let corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| pixel(image, x, y));
    let weights = [
        (1.0 - fx) * (1.0 - fy),
        fx * (1.0 - fy),
        (1.0 - fx) * fy,
        fx * fy,
    ];
    let channel = |c: usize| {
        let products = corners.iter().zip(weights).map(|(p, w)| p[c] * w);
        products.sum()
    };
    Some([channel(0), channel(1), channel(2)])
}

/// Sums over the pixels of one block that both pictures have.
#[derive(Clone, Copy, Default)]
struct Block {
    n: f64,
    p: f64,
    q: f64,
    pp: f64,
    qq: f64,
    pq: f64,
    /// Red, green and blue of the first and of the second.
    first: [f64; 3],
    second: [f64; 3],
}

impl Block {
    fn add(&mut self, p: [f64; 3], q: [f64; 3]) {
        for c in 0..3 {
            self.first[c] += p[c];
            self.second[c] += q[c];
        }
        let grey = |v: [f64; 3]| 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
        let (p, q) = (grey(p), grey(q));
        self.n += 1.0;
        self.p += p;
        self.q += q;
        self.pp += p * p;
        self.qq += q * q;
        self.pq += p * q;
    }

    /// The excess of brightness of the second.
    fn shift(&self) -> f64 {
        (self.q - self.p) / self.n
    }

    fn difference(&self) -> f64 {
        ((self.pp - 2.0 * self.pq + self.qq) / self.n)
            .max(0.0)
            .sqrt()
    }

    fn colour(&self) -> f64 {
        let differences = self
            .first
            .iter()
            .zip(self.second)
            .map(|(p, q)| (p - q).abs());
        let largest = differences.fold(0.0, f64::max);
        largest / self.n
    }

    fn is_alike(&self, shift: f64) -> bool {
        let (p, q) = (self.p / self.n, self.q / self.n);
        let variance = [self.pp / self.n - p * p, self.qq / self.n - q * q];
        let [sp, sq] = variance.map(|v| v.max(0.0).sqrt());
        if sp < FLAT && sq < FLAT {
            return (self.shift() - shift).abs() < 4.0 * FLAT;
        }
        // One is flat and the other is not: still alike where the other nearly is.
        let covariance = self.pq / self.n - p * q;
        covariance >= CORRELATED * sp.max(1.0) * sq.max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Image {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = pixels.flat_map(|(x, y)| [value(x, y); 3]).collect();
        Image::from_rgb(width, height, rgb).unwrap()
    }

    fn compared(a: &Image, b: &Image, transform: &Transform) -> Option<PixelDifference> {
        let small = |image| Small {
            image,
            full: [image.width(), image.height()],
        };
        compare_aligned(small(a), small(b), transform)
    }

    fn texture(x: u32, y: u32) -> u8 {
        ((x / 3 * 57 + y / 3 * 91 + x / 3 * (y / 3) * 13) % 120) as u8
    }

    #[test]
    fn equal_pixels_differ_by_nothing() {
        let picture = image(64, 48, texture);
        let difference = compared(&picture, &picture, &Transform::IDENTITY).unwrap();
        assert_eq!(difference.alike, 1.0);
        assert_eq!((difference.worst, difference.colour), (0.0, 0.0));
    }

    #[test]
    fn brightness_changes_the_tone_and_not_what_is_shown() {
        let picture = image(64, 48, texture);
        let brighter = image(64, 48, |x, y| texture(x, y) + 40);
        let difference = compared(&picture, &brighter, &Transform::IDENTITY).unwrap();
        assert_eq!(difference.alike, 1.0);
        assert!((difference.tone - 40.0).abs() < 1e-6, "{difference:?}");
        let other = image(64, 48, |x, y| texture(y + 17, x + 5));
        let difference = compared(&picture, &other, &Transform::IDENTITY).unwrap();
        assert!(difference.alike < 0.3, "{difference:?}");
    }

    #[test]
    fn a_small_common_part_is_not_compared() {
        let picture = image(64, 48, texture);
        let away = Transform([1.0, 0.0, 60.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(compared(&picture, &picture, &away), None);
    }
}
