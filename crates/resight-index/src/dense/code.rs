//! Vectors as codes of one byte a number: a step fitted to the data, and bounds of a code's error.

use super::vector::{squares, to_floats};

/// Codes are −127 to 127, stored with this added.
pub(super) const MIDDLE: i32 = 128;
const LARGEST: f32 = 127.0;

/// Bits of the magnitude of 1 in half precision; a component of a unit vector is not above it.
const ONE: usize = 0x3C00;
/// A step is fitted to at most about this many vectors, evenly spaced.
const SAMPLE: usize = 1 << 14;

/// The step of a code with the least mean squared error for these vectors (rows of `dimension`
/// halves, all at most 1 in magnitude). Components beyond 127 steps are cut off, which the fit trades
/// against coarseness for all.
pub(super) fn fitted_step(halves: &[u16], dimension: usize) -> f32 {
    let rows = halves.len() / dimension;
    let every = rows.div_ceil(SAMPLE).max(1);
    let mut counts = vec![0u32; ONE + 1];
    for row in halves.chunks_exact(dimension).step_by(every) {
        for &half in row {
            counts[usize::from(half & 0x7FFF).min(ONE)] += 1;
        }
    }
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    let (mut above, mut sum, mut sum_squares) = (0.0, 0.0, 0.0);
    let (mut best, mut least) = (1.0, f64::INFINITY);
    // Cuts from the largest down, with sums over the components above each.
    for (bits, &count) in counts.iter().enumerate().skip(1).rev() {
        let cut = f64::from(half::f16::from_bits(bits as u16));
        let step = cut / f64::from(LARGEST);
        let lost = sum_squares - 2.0 * cut * sum + cut * cut * above;
        let error = lost + (total - above) * step * step / 12.0;
        if error < least && (count > 0 || above > 0.0) {
            (best, least) = (cut, error);
        }
        let count = f64::from(count);
        above += count;
        sum += count * cut;
        sum_squares += count * cut * cut;
    }
    best as f32 / LARGEST
}

/// Writes the codes of one vector, given as halves and scaled to length 1, to `out`. Returns the length
/// of its difference to them.
pub(super) fn encode(halves: &[u16], step: f32, floats: &mut [f32], out: &mut [u8]) -> f32 {
    to_floats(halves, floats);
    let length = squares(floats).sqrt();
    let (scale, inverse) = ((1.0 / length) as f32, 1.0 / step);
    for (x, code) in floats.iter_mut().zip(out) {
        *x *= scale;
        let rounded = (*x * inverse).round_ties_even().clamp(-LARGEST, LARGEST);
        *code = (rounded as i32 + MIDDLE) as u8;
        *x -= rounded * step;
    }
    squares(floats).sqrt() as f32
}

/// Codes without [`MIDDLE`].
pub(super) fn signed(codes: &[u8], out: &mut Vec<i8>) {
    out.clear();
    out.extend(codes.iter().map(|&c| c.wrapping_sub(MIDDLE as u8) as i8));
}

/// The sum of squares of a code.
pub(super) fn norm(codes: &[u8]) -> i32 {
    let squares = codes.iter().map(|&c| (i32::from(c) - MIDDLE).pow(2));
    squares.sum()
}

/// A query as integers: `64 high + low` steps in each component.
pub(super) struct QueryCode {
    pub(super) high: Vec<i8>,
    pub(super) low: Vec<i8>,
    step: f64,
    /// What products have in excess, because stored codes have [`MIDDLE`] added.
    excess: i64,
    /// The length of the query's difference to its code.
    missed: f64,
}

/// `low` is −32 to 31.
const LOW: i32 = 64;

impl QueryCode {
    pub(super) fn of(query: &[f32]) -> Self {
        let largest = query.iter().fold(0f32, |m, x| m.max(x.abs()));
        let step = largest / (LARGEST * LOW as f32);
        let rounded: Vec<i32> = query
            .iter()
            .map(|x| (x / step).round_ties_even() as i32)
            .collect();
        let high = |w: &i32| (w + LOW / 2).div_euclid(LOW);
        let missed: Vec<f32> = query
            .iter()
            .zip(&rounded)
            .map(|(x, &w)| x - w as f32 * step)
            .collect();
        Self {
            high: rounded.iter().map(|w| high(w) as i8).collect(),
            low: rounded.iter().map(|w| (w - LOW * high(w)) as i8).collect(),
            step: f64::from(step),
            excess: rounded.iter().map(|&w| i64::from(w * MIDDLE)).sum(),
            missed: squares(&missed).sqrt(),
        }
    }

    /// An estimate of the cosine, from products of both parts with a code of this step.
    pub(super) fn cosine(&self, high: i32, low: i32, step: f32) -> f64 {
        let product = i64::from(LOW) * i64::from(high) + i64::from(low) - self.excess;
        product as f64 * self.step * f64::from(step)
    }

    /// An upper bound of the error of [`QueryCode::cosine`], for a code with a difference of length
    /// `missed` to its vector: by Cauchy and Schwarz, |q·x − q̂·x̂| ≤ |q − q̂| |x| + |q̂| |x − x̂|.
    pub(super) fn margin(&self, missed: f32) -> f64 {
        /// Roundings of lengths and cosines to single precision.
        const ROUNDINGS: f64 = 2e-6;
        self.missed + (1.0 + self.missed) * f64::from(missed) + ROUNDINGS
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::{product, to_halves};
    use super::*;
    use resight_test_support::Random;

    fn vector(seed: u64, dimension: usize) -> Vec<f32> {
        let mut noise = Random::new(seed);
        let v: Vec<f32> = (0..dimension).map(|_| noise.normal() as f32).collect();
        super::super::vector::unit(&v, dimension).unwrap()
    }

    #[test]
    fn errors_of_codes_are_within_their_bounds() {
        for dimension in [1, 2, 7, 64, 300] {
            let all: Vec<Vec<f32>> = (0..40).map(|i| vector(i, dimension)).collect();
            let mut halves = vec![0; 40 * dimension];
            for (v, out) in all.iter().zip(halves.chunks_exact_mut(dimension)) {
                to_halves(v, out);
            }
            let step = fitted_step(&halves, dimension);
            let (mut floats, mut codes) = (vec![0.0; dimension], vec![0; dimension]);
            for row in halves.chunks_exact(dimension) {
                let missed = encode(row, step, &mut floats, &mut codes);
                let mut exact = super::super::vector::Cosine::of(&all[3]);
                let exact = f64::from(exact.to(row));
                let query = QueryCode::of(&all[3]);
                let sum = |q: &[i8]| {
                    let products = q.iter().zip(&codes);
                    products.map(|(&q, &c)| i32::from(q) * i32::from(c)).sum()
                };
                let estimate = query.cosine(sum(&query.high), sum(&query.low), step);
                assert!(
                    (estimate - exact).abs() <= query.margin(missed),
                    "{dimension}"
                );
                if dimension == 300 {
                    assert!(query.margin(missed) < 0.02, "{}", query.margin(missed));
                }
            }
        }
    }

    #[test]
    fn a_fitted_step_is_better_than_one_for_the_whole_range() {
        let dimension = 256;
        let mut halves = vec![0; 50 * dimension];
        for (i, out) in halves.chunks_exact_mut(dimension).enumerate() {
            let mut v = vector(i as u64, dimension);
            // One component in 2,560 stands out.
            if i % 10 == 0 {
                v[7] = 0.9;
            }
            to_halves(&v, out);
        }
        let error = |step: f32| {
            let (mut floats, mut codes) = (vec![0.0; dimension], vec![0; dimension]);
            let rows = halves.chunks_exact(dimension);
            rows.map(|row| f64::from(encode(row, step, &mut floats, &mut codes)).powi(2))
                .sum::<f64>()
        };
        let fitted = fitted_step(&halves, dimension);
        assert!(error(fitted) <= error(1.0 / 127.0));
        assert!(product(&[fitted], &[1.0]) > 0.0);
    }
}
