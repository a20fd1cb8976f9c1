//! How two planes that lie over each other differ in small squares, when one is as sharp as the other.
//!
//! Scaling down, smoothing and strong compression take away detail everywhere, and thumbnailers sharpen
//! everywhere. One factor of the detail says how much, for the whole picture; what differs beside that is
//! compression, which is as strong wherever the gradients are, or a change.

use super::cells::CELL;
use super::planes::Plane;

/// Side of a square in pixels: half a cell, so that windows of one cell's size lie over each change.
pub(super) const SQUARE: usize = CELL / 2;

/// Side in squares of the windows that are judged.
const WINDOW: usize = 2;

/// Share of a window's pixels that must be shown.
const LEAST_SHARE: f32 = 0.75;

/// What is allowed in every window, in grey levels (root mean square), and beside it as a multiple of the
/// noise of squares with the same gradients. Of 1,440 copies and 3,369 local edits of 110 photographs (those of
/// `bench/run kinds.py --half even`) 1.7 % of the copies differ by more; one edit by less, and all others by at
/// least 1.05 times as much.
const ALLOWED: (f64, f64) = (5.3, 1.33);

/// With more noise than the first, in grey levels, a window may differ by more, by the second for each further grey
/// level, up to the third in all: a JPEG of quality 8 or less loses whole blocks.
const WIDER_FROM: f64 = 3.0;
const WIDER_BY: f64 = 0.25;
const WIDEST: f64 = 1.5;

/// Share of uniform squares from which on a window may differ by the second as much: beside print on even paper
/// compression leaves its traces in few of the squares with like gradients. Of 224 copies of drawn pages and
/// screenshots at JPEG quality 10 to 90 about 7 % still differ by more, and the edits of photographs with so much
/// even sky differ by at least 1.07 times as much.
const UNIFORM: (f32, f64) = (0.3, 1.25);

/// Most noise in grey levels that compression explains: the strongest JPEG makes 12.
const MOST_NOISE: f32 = 16.0;

/// Root mean squared gradients in grey levels a pixel are classified by powers of two from the first on.
const LEAST_GRADIENT: f32 = 0.5;
const CLASSES: usize = 9;

/// Squares of one class from which on their median counts.
const LEAST_OF_CLASS: usize = 40;

/// Pixels that the factor of the detail is fitted to, about.
const SAMPLES: usize = 40_000;

/// Fits of the factor, each without what differed much in the one before.
const FITS: usize = 3;

/// Squares of two planes.
pub(super) struct Squares {
    columns: usize,
    rows: usize,
    /// Pixels that both planes show, and sums over those of the squared difference and of the squared gradient.
    shown: Vec<f32>,
    difference: Vec<f32>,
    gradient: Vec<f32>,
}

/// The windows that differ most.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// The largest difference as a multiple of what is allowed.
    pub(super) worst: f64,
    /// Left and top square of the windows that differ by more than is allowed, each of 2 by 2 squares.
    pub(super) beyond: Vec<[usize; 2]>,
}

impl Squares {
    /// Of two smoothed planes of one size, where both are `shown`.
    pub(super) fn new(first: &Plane, second: &Plane, shown: &[bool]) -> Self {
        let (w, h) = (first.width, first.height);
        let (columns, rows) = (w.div_ceil(SQUARE), h.div_ceil(SQUARE));
        let mut squares = Self {
            columns,
            rows,
            shown: vec![0.0; columns * rows],
            difference: vec![0.0; columns * rows],
            gradient: vec![0.0; columns * rows],
        };
        let smoother = first.smoothed();
        let factor = detail_factor(first, second, &smoother, shown);
        let mean = |x: usize, y: usize| first.at(x, y) + second.at(x, y);
        for y in 0..h {
            let (above, below) = (y.saturating_sub(1), (y + 1).min(h - 1));
            for x in 0..w {
                let at = y * w + x;
                if !shown[at] {
                    continue;
                }
                let value = first.values[at];
                let expected = value + factor * (value - smoother.values[at]);
                let difference = second.values[at] - expected;
                let (before, behind) = (x.saturating_sub(1), (x + 1).min(w - 1));
                // Of the mean of both over two pixels.
                let along = 0.25 * (mean(behind, y) - mean(before, y));
                let across = 0.25 * (mean(x, below) - mean(x, above));
                let i = y / SQUARE * columns + x / SQUARE;
                squares.shown[i] += 1.0;
                squares.difference[i] += difference * difference;
                squares.gradient[i] += along * along + across * across;
            }
        }
        squares
    }

    /// The windows that differ by more than compression explains. `noise` is that of the pair in grey levels.
    pub(super) fn judged(&self, noise: f64) -> Differences {
        let mut times = (1.0 + WIDER_BY * (noise - WIDER_FROM).max(0.0)).min(WIDEST);
        let (noise, uniform) = self.noise();
        if uniform >= UNIFORM.0 {
            times = times.max(UNIFORM.1);
        }
        let mut found = Differences::default();
        let full = (WINDOW * WINDOW * SQUARE * SQUARE) as f32;
        for y in 0..(self.rows + 1).saturating_sub(WINDOW) {
            for x in 0..(self.columns + 1).saturating_sub(WINDOW) {
                let (mut n, mut difference, mut expected) = (0.0, 0.0, 0.0);
                for i in [0, 1].map(|dy| (y + dy) * self.columns + x) {
                    for i in [i, i + 1] {
                        n += self.shown[i];
                        difference += self.difference[i];
                        expected += self.shown[i] * noise[i];
                    }
                }
                if n < LEAST_SHARE * full {
                    continue;
                }
                let root = |sum: f32| f64::from(sum / n).sqrt();
                let ratio = root(difference) / (times * (ALLOWED.0 + ALLOWED.1 * root(expected)));
                found.worst = found.worst.max(ratio);
                if ratio > 1.0 {
                    found.beyond.push([x, y]);
                }
            }
        }
        found
    }

    /// What compression did to squares with gradients like those of each: the median squared difference; and the
    /// share of squares without gradients.
    fn noise(&self) -> (Vec<f32>, f32) {
        let (n, difference) = (
            self.around(&self.shown, 1),
            self.around(&self.difference, 1),
        );
        let (wide, gradient) = (self.around(&self.shown, 2), self.around(&self.gradient, 2));
        let class = |i: usize| {
            let least = LEAST_GRADIENT * LEAST_GRADIENT;
            let mean = gradient[i] / wide[i].max(1.0);
            // Of the square every second power of two is one of the root.
            let reached = |class: &usize| mean >= least * (1_u32 << (2 * (class - 1))) as f32;
            (1..CLASSES).take_while(reached).count()
        };
        let classes: Vec<usize> = (0..self.shown.len()).map(class).collect();
        let full = LEAST_SHARE * (9 * SQUARE * SQUARE) as f32;
        let mut values = vec![Vec::new(); CLASSES];
        for (i, &class) in classes.iter().enumerate() {
            if n[i] >= full {
                values[class].push(difference[i] / n[i]);
            }
        }
        let counting: usize = values.iter().map(Vec::len).sum();
        let uniform = values[0].len() as f32 / counting.max(1) as f32;
        let mut by_class = [0.0_f32; CLASSES];
        let (mut last, mut first, mut pool) = (0.0_f32, 0, Vec::new());
        for (class, values) in values.into_iter().enumerate() {
            pool.extend(values);
            // Steeper gradients never have less noise, and classes of few squares are taken together.
            if pool.len() >= LEAST_OF_CLASS {
                let middle = pool.len() / 2;
                let (_, median, _) = pool.select_nth_unstable_by(middle, f32::total_cmp);
                last = last.max(*median).min(MOST_NOISE * MOST_NOISE);
                by_class[first..class].fill(last);
                (first, pool) = (class + 1, Vec::new());
            }
            by_class[class] = last;
        }
        let of_each = classes.into_iter().map(|class| by_class[class]);
        (of_each.collect(), uniform)
    }

    /// Sums over the squares up to `reach` away.
    fn around(&self, values: &[f32], reach: usize) -> Vec<f32> {
        let (w, h) = (self.columns, self.rows);
        let mut along = vec![0.0; values.len()];
        for y in 0..h {
            let row = &values[y * w..(y + 1) * w];
            for x in 0..w {
                along[y * w + x] = row[x.saturating_sub(reach)..(x + reach + 1).min(w)]
                    .iter()
                    .sum();
            }
        }
        let mut both = vec![0.0; values.len()];
        for y in 0..h {
            for from in y.saturating_sub(reach)..(y + reach + 1).min(h) {
                for x in 0..w {
                    both[y * w + x] += along[from * w + x];
                }
            }
        }
        both
    }
}

/// The factor c for which `second` is best explained as `first + c (first - smoother)`, by most pixels.
fn detail_factor(first: &Plane, second: &Plane, smoother: &Plane, shown: &[bool]) -> f32 {
    let step = (shown.len() / SAMPLES).max(1);
    let samples = (0..shown.len()).step_by(step).filter(|&i| shown[i]);
    let samples = samples.map(|i| {
        let value = first.values[i];
        (value - smoother.values[i], second.values[i] - value)
    });
    let samples: Vec<(f32, f32)> = samples.collect();
    let mut factor = 0.0_f32;
    let mut bound = f32::INFINITY;
    for _ in 0..FITS {
        // The small term keeps the factor of a picture without detail at 0.
        let (mut squares, mut products) = (1e-3_f64, 0.0_f64);
        for &(detail, difference) in &samples {
            let error = (difference - factor * detail).abs();
            let weight = if error <= bound { 1.0 } else { bound / error };
            squares += f64::from(weight * detail * detail);
            products += f64::from(weight * detail * difference);
        }
        factor = (products / squares) as f32;
        let errors = samples
            .iter()
            .map(|(detail, difference)| (difference - factor * detail).abs());
        let mut errors: Vec<f32> = errors.collect();
        let middle = errors.len() / 2;
        if errors.is_empty() {
            break;
        }
        let (_, median, _) = errors.select_nth_unstable_by(middle, f32::total_cmp);
        bound = 2.0 * median.max(0.5);
    }
    factor
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 160;

    /// Boxes of all sizes and tones, smoothed as pictures are before they are compared.
    fn boxes(change: impl Fn(usize, usize) -> [usize; 2]) -> Plane {
        let mut sharp = Plane::new(SIDE, SIDE);
        let mut state = 9_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) % below) as usize
        };
        for _ in 0..150 {
            let (left, top) = (random(150), random(150));
            let (right, bottom) = (left + 4 + random(20), top + 4 + random(20));
            let tone = random(256) as f32;
            for y in top..bottom.min(SIDE) {
                sharp.values[y * SIDE + left..y * SIDE + right.min(SIDE)].fill(tone);
            }
        }
        let mut changed = sharp.clone();
        for y in 0..SIDE {
            for x in 0..SIDE {
                let [x_there, y_there] = change(x, y);
                changed.values[y * SIDE + x] = sharp.at(x_there, y_there);
            }
        }
        changed.smoothed()
    }

    fn judged(first: &Plane, second: &Plane) -> Differences {
        Squares::new(first, second, &vec![true; SIDE * SIDE]).judged(0.0)
    }

    #[test]
    fn what_compression_and_smoothing_do_everywhere_is_allowed() {
        let picture = boxes(|x, y| [x, y]);
        assert_eq!(judged(&picture, &picture).worst, 0.0);
        assert!(judged(&picture, &picture.smoothed()).worst < 0.8);
        let mut noisy = picture.clone();
        for (i, v) in noisy.values.iter_mut().enumerate() {
            *v += (i * 7919 % 31) as f32 - 15.0;
        }
        let noisy = judged(&picture, &noisy);
        assert!(noisy.worst < 0.9 && noisy.beyond.is_empty(), "{noisy:?}");
    }

    #[test]
    fn a_region_that_was_pulled_aside_or_smoothed_is_not() {
        let picture = boxes(|x, y| [x, y]);
        let is_within = |x: usize, y: usize| (60..92).contains(&x) && (40..72).contains(&y);
        let pulled = boxes(|x, y| if is_within(x, y) { [x + 1, y] } else { [x, y] });
        let mut smoother = picture.clone();
        let mut much = picture.clone();
        for _ in 0..6 {
            much = much.smoothed();
        }
        for y in 0..SIDE {
            for x in 0..SIDE {
                if is_within(x, y) {
                    smoother.values[y * SIDE + x] = much.at(x, y);
                }
            }
        }
        for changed in [&pulled, &smoother] {
            let found = judged(&picture, changed);
            assert!(found.worst > 1.5, "{}", found.worst);
            let around = |[x, y]: &[usize; 2]| (13..24).contains(x) && (8..19).contains(y);
            assert!(found.beyond.iter().all(around), "{:?}", found.beyond);
        }
    }

    #[test]
    fn windows_that_are_hardly_shown_count_for_nothing() {
        let picture = boxes(|x, y| [x, y]);
        let other = boxes(|x, y| [y, x]);
        let shown: Vec<bool> = (0..SIDE * SIDE).map(|i| i % 2 == 0).collect();
        let found = Squares::new(&picture, &other, &shown).judged(0.0);
        assert_eq!((found.worst, found.beyond.len()), (0.0, 0));
    }
}
