//! The two passes over registers of any width.
//!
//! A [`Vector`] is a register and the operations on it; the scalar functions of `super` are the twins
//! of what the bodies become with each of them.

#![allow(unsafe_code)]

use super::super::taps::{Pair, Taps};
use super::{BLOCK, ROWS};

/// A register of 16-bit numbers, read in pairs.
///
/// # Safety
/// Each function may only be called where the processor has the vector's features; `load` and
/// `store` only with [`Self::NUMBERS`] numbers at the pointer.
pub(super) trait Vector: Copy {
    /// 16-bit numbers in one register; divides [`BLOCK`].
    const NUMBERS: usize;
    /// A sum of 32 bits for each pair of numbers.
    type Sums: Copy;
    unsafe fn load(from: *const i16) -> Self;
    unsafe fn store(self, to: *mut i16);
    /// The same two taps everywhere.
    unsafe fn splat(pair: &Pair) -> Self;
    /// The sums before the first product.
    unsafe fn start() -> Self::Sums;
    /// Adds `a.even · b.even + a.odd · b.odd` to each sum.
    unsafe fn dot(sums: Self::Sums, a: Self, b: Self) -> Self::Sums;
    /// Both rounded and shifted right by `TAP_BITS`; `low` to the even numbers, `high` to the odd
    /// ones.
    unsafe fn narrow(low: Self::Sums, high: Self::Sums) -> Self;
}

/// # Safety
/// The features of `V`, and the lengths that `super::along` checks.
#[inline(always)]
pub(super) unsafe fn along_body<V: Vector>(a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    let columns = pairs.len() / 2;
    let (a, b, out) = (a.as_ptr(), b.as_ptr(), pairs.as_mut_ptr());
    let mut x = 0;
    while x < columns {
        // SAFETY: column x + NUMBERS - 1 is the last that is made; its last tap stands
        // 2 radius further, within `columns + 2 radius` numbers of each row. Where the pair of
        // the last tap is half empty the load reaches no further than that: pair k = radius
        // begins at x + 2 radius and ends NUMBERS later.
        unsafe {
            let round = V::start();
            let (mut even_a, mut odd_a, mut even_b, mut odd_b) = (round, round, round, round);
            for (k, t) in taps.along.iter().enumerate() {
                let (even, odd) = (V::splat(&t[0]), V::splat(&t[1]));
                let from_a = V::load(a.add(x + 2 * k));
                let from_b = V::load(b.add(x + 2 * k));
                even_a = V::dot(even_a, from_a, even);
                odd_a = V::dot(odd_a, from_a, odd);
                even_b = V::dot(even_b, from_b, even);
                odd_b = V::dot(odd_b, from_b, odd);
            }
            // Block by block: the pairs of the even columns, then those of the odd ones.
            let at = x / BLOCK * 2 * BLOCK + x % BLOCK;
            V::narrow(even_a, even_b).store(out.add(at));
            V::narrow(odd_a, odd_b).store(out.add(at + BLOCK));
        }
        x += V::NUMBERS;
    }
}

/// # Safety
/// The features of `V`, and the lengths that `super::down` checks.
#[inline(always)]
pub(super) unsafe fn down_body<V: Vector>(pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    let columns = out[0].len();
    let out = out.map(<[i16]>::as_mut_ptr);
    let mut x = 0;
    while x < columns {
        let at = x / BLOCK * 2 * BLOCK + x % BLOCK;
        // SAFETY: a pair of rows has 2 · columns numbers, of which those of this block's even
        // columns begin at `at` and those of the odd ones BLOCK later; a row has `columns`.
        unsafe {
            let round = V::start();
            let mut even = [round; ROWS];
            let mut odd = [round; ROWS];
            for (pair, t) in pairs.iter().zip(&taps.down) {
                let from_even = V::load(pair.as_ptr().add(at));
                let from_odd = V::load(pair.as_ptr().add(at + BLOCK));
                for dy in 0..ROWS {
                    let tap = V::splat(&t[dy]);
                    even[dy] = V::dot(even[dy], from_even, tap);
                    odd[dy] = V::dot(odd[dy], from_odd, tap);
                }
            }
            for dy in 0..ROWS {
                V::narrow(even[dy], odd[dy]).store(out[dy].add(x));
            }
        }
        x += V::NUMBERS;
    }
}
