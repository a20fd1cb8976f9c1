//! Separable Gaussian blur of 16-bit rows, in exact integer arithmetic.
//!
//! A pixel is an `i16` with 7 fractional bits around the middle grey (see [`from_u8`]); a tap has
//! 15. Sums are exact in 32 bits and rounded once a pass, so every path and every order of work
//! gives the same bits.
//!
//! The multiply-add instruction multiplies neighbouring 16-bit numbers and adds the products: along
//! a row neighbouring pixels, down the columns the two rows of a pair. So rows are filtered two at
//! a time and stored as pairs, pixel by pixel. In each block of [`BLOCK`] pixels the pairs of the
//! even columns come first, then those of the odd columns. The first pass produces them in this
//! order, and the second restores the order of the columns without a shuffle.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::taps::{TAP_BITS, Taps, unpack};
use crate::dispatch::Simd;

/// Columns in a block; rows are padded to a multiple.
pub(super) const BLOCK: usize = 32;
/// Rows that one call of [`down`] writes.
pub(super) const ROWS: usize = 4;
/// Half of the last kept bit, added before the shift.
const ROUND: i32 = 1 << (TAP_BITS - 1);

/// Grey 0..=255 as a pixel: -16384 ..= 16256.
#[inline(always)]
pub(super) fn from_u8(grey: u8) -> i16 {
    (i16::from(grey) - 128) << 7
}

/// Grey 0..=65535 as a pixel: -16384 ..= 16383.
#[inline(always)]
pub(super) fn from_u16(grey: u16) -> i16 {
    ((i32::from(grey) - 32768) >> 1) as i16
}

/// Pixel units in the range of grey from 0 to 1.
pub(super) const UNITS: f32 = 255.0 * 128.0;

/// Filters two rows along x into `pairs`, `2 * BLOCK` numbers a block. `a` and `b` begin
/// `taps.radius` pixels left of the first output and hold at least
/// `pairs.len() / 2 + 2 * taps.radius + 2` pixels.
pub(super) fn along(simd: Simd, a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    let columns = pairs.len() / 2;
    assert!(columns.is_multiple_of(BLOCK) && pairs.len().is_multiple_of(2));
    let needed = columns + 2 * taps.radius;
    assert!(a.len() >= needed && b.len() >= needed);
    #[cfg(target_arch = "x86_64")]
    if x86::along(simd, a, b, taps, pairs) {
        return;
    }
    #[cfg(target_arch = "aarch64")]
    if neon::along(simd, a, b, taps, pairs) {
        return;
    }
    let _ = simd;
    along_scalar(a, b, taps, pairs);
}

fn along_scalar(a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    let r = taps.radius;
    let full: Vec<i32> = (taps.along.iter())
        .flat_map(|p| <[i32; 2]>::from(unpack(p[0])))
        .take(2 * r + 1)
        .collect();
    for (block, pairs) in pairs.chunks_exact_mut(2 * BLOCK).enumerate() {
        for (row, which) in [(a, 0), (b, 1)] {
            let mut sums = [ROUND; BLOCK];
            for (j, &t) in full.iter().enumerate() {
                let from = &row[block * BLOCK + j..][..BLOCK];
                for (sum, &p) in sums.iter_mut().zip(from) {
                    *sum += t * i32::from(p);
                }
            }
            for (i, sum) in sums.iter().enumerate() {
                pairs[(i % 2) * BLOCK + (i / 2) * 2 + which] = (sum >> TAP_BITS) as i16;
            }
        }
    }
}

/// Filters down the columns into four rows, each half as long as a pair of rows. `pairs` holds
/// `taps.radius + 2` pairs of rows; the first row lies `taps.radius` rows above the first output.
pub(super) fn down(simd: Simd, pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    assert_eq!(pairs.len(), taps.radius + 2);
    let columns = out[0].len();
    assert!(columns.is_multiple_of(BLOCK));
    assert!(out.iter().all(|row| row.len() == columns));
    assert!(pairs.iter().all(|pair| pair.len() == 2 * columns));
    #[cfg(target_arch = "x86_64")]
    let Some(out) = x86::down(simd, pairs, taps, out) else {
        return;
    };
    #[cfg(target_arch = "aarch64")]
    let Some(out) = neon::down(simd, pairs, taps, out) else {
        return;
    };
    let _ = simd;
    down_scalar(pairs, taps, out);
}

fn down_scalar(pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    for (dy, out) in out.into_iter().enumerate() {
        for (block, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let mut sums = [ROUND; BLOCK];
            for (pair, t) in pairs.iter().zip(&taps.down) {
                let (upper, lower) = unpack(t[dy]);
                let from = &pair[block * 2 * BLOCK..][..2 * BLOCK];
                for (sum, p) in sums.iter_mut().zip(from.chunks_exact(2)) {
                    *sum += upper * i32::from(p[0]) + lower * i32::from(p[1]);
                }
            }
            for (i, sum) in sums.iter().enumerate() {
                let column = if i < BLOCK / 2 {
                    2 * i
                } else {
                    2 * (i - BLOCK / 2) + 1
                };
                out[column] = (sum >> TAP_BITS) as i16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<i16> {
        let mut random = Random::new(seed);
        (0..n)
            // The whole range of pixels, its ends more often.
            .map(|_| match random.below(8) {
                0 => -16384,
                1 => 16383,
                _ => random.next_u64() as i16 >> 1,
            })
            .collect()
    }

    #[test]
    fn every_path_gives_the_definition() {
        for sigma in [0.05f32, 0.8, 1.2263, 1.9, 3.09, 7.0] {
            let taps = Taps::gaussian(sigma);
            let r = taps.radius;
            for blocks in [1, 2, 3, 5] {
                let n = blocks * BLOCK;
                let rows: Vec<Vec<i16>> = (0..2 * (r + 2))
                    .map(|i| noise(n + 2 * r, i as u64 + 1))
                    .collect();
                let full: Vec<i32> = (taps.along.iter())
                    .flat_map(|p| <[i32; 2]>::from(unpack(p[0])))
                    .collect();
                let filter = |at: &dyn Fn(usize) -> i16| {
                    let sum: i32 = (0..2 * r + 1).map(|j| full[j] * i32::from(at(j))).sum();
                    ((sum + ROUND) >> TAP_BITS) as i16
                };
                let filtered: Vec<Vec<i16>> = rows
                    .iter()
                    .map(|row| (0..n).map(|x| filter(&|j| row[x + j])).collect())
                    .collect();
                let want: Vec<Vec<i16>> = (0..ROWS)
                    .map(|y| (0..n).map(|x| filter(&|j| filtered[y + j][x])).collect())
                    .collect();
                for &simd in Simd::available() {
                    let mut pairs = vec![vec![0i16; 2 * n]; r + 2];
                    for (k, pair) in pairs.iter_mut().enumerate() {
                        along(simd, &rows[2 * k], &rows[2 * k + 1], &taps, pair);
                        let mut twin = vec![0; 2 * n];
                        along_scalar(&rows[2 * k], &rows[2 * k + 1], &taps, &mut twin);
                        assert_eq!(*pair, twin, "along, σ {sigma}, {}", simd.name());
                    }
                    let pairs: Vec<&[i16]> = pairs.iter().map(Vec::as_slice).collect();
                    let mut out = vec![vec![0i16; n]; ROWS];
                    let [a, b, c, d] = out.get_disjoint_mut([0, 1, 2, 3]).unwrap();
                    down(simd, &pairs, &taps, [a, b, c, d]);
                    assert_eq!(out, want, "down, σ {sigma}, {}", simd.name());
                }
            }
        }
    }

    #[test]
    fn a_plain_row_stays_as_it_is() {
        let taps = Taps::gaussian(2.0);
        for grey in [0u8, 1, 128, 255] {
            let row = vec![from_u8(grey); 64 + 2 * taps.radius];
            let mut pairs = vec![0; 128];
            along(Simd::widest(), &row, &row, &taps, &mut pairs);
            assert!(pairs.iter().all(|&p| p == from_u8(grey)));
        }
        assert_eq!(from_u16(0), from_u8(0));
        assert_eq!(from_u16(65535), 16383);
    }
}
