//! The two passes with AVX2 and AVX-512 VNNI. The scalar functions of `super` are their twins.
//!
//! Both share one body: a [`Vector`] is a register and the five operations on it.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::taps::Taps;
use super::{BLOCK, ROUND, ROWS, TAP_BITS};
use crate::dispatch::{Level, Simd};

const SHIFT: i32 = TAP_BITS as i32;

/// Returns `false`, and does nothing, where only the baseline may run.
pub(super) fn along(simd: Simd, a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) -> bool {
    match simd.level() {
        // SAFETY: the level proves the features; `super::along` checked the lengths.
        Level::Avx512 => unsafe { along_avx512(a, b, taps, pairs) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { along_avx2(a, b, taps, pairs) },
        Level::Baseline => return false,
    }
    true
}

/// Returns `out` where only the baseline may run.
pub(super) fn down<'a>(
    simd: Simd,
    pairs: &[&[i16]],
    taps: &Taps,
    out: [&'a mut [i16]; ROWS],
) -> Option<[&'a mut [i16]; ROWS]> {
    match simd.level() {
        // SAFETY: the level proves the features; `super::down` checked the lengths.
        Level::Avx512 => unsafe { down_avx512(pairs, taps, out) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { down_avx2(pairs, taps, out) },
        Level::Baseline => return Some(out),
    }
    None
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn along_avx512(a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    // SAFETY: this function has the features that the vector needs, and its callers' lengths.
    unsafe { along_body::<__m512i>(a, b, taps, pairs) }
}

#[target_feature(enable = "avx2")]
fn along_avx2(a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    // SAFETY: as above.
    unsafe { along_body::<__m256i>(a, b, taps, pairs) }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn down_avx512(pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    // SAFETY: as above.
    unsafe { down_body::<__m512i>(pairs, taps, out) }
}

#[target_feature(enable = "avx2")]
fn down_avx2(pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    // SAFETY: as above.
    unsafe { down_body::<__m256i>(pairs, taps, out) }
}

/// A register of 16-bit numbers, read in pairs as 32-bit lanes.
///
/// Safety: each function may only be called where the processor has the vector's features.
trait Vector: Copy {
    /// 16-bit numbers in one register; divides [`BLOCK`].
    const NUMBERS: usize;
    unsafe fn load(from: *const i16) -> Self;
    unsafe fn store(self, to: *mut i16);
    unsafe fn splat(lane: i32) -> Self;
    /// `self + a.even · b.even + a.odd · b.odd` in each lane.
    unsafe fn dot(self, a: Self, b: Self) -> Self;
    /// Both shifted right by [`TAP_BITS`]; `low` to the lower halves of the lanes, `high` to the
    /// upper ones.
    unsafe fn narrow(low: Self, high: Self) -> Self;
}

impl Vector for __m512i {
    const NUMBERS: usize = 32;
    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_loadu_epi16(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: the caller's.
        unsafe { _mm512_storeu_epi16(to, self) }
    }
    #[inline(always)]
    unsafe fn splat(lane: i32) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_set1_epi32(lane) }
    }
    #[inline(always)]
    unsafe fn dot(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_dpwssd_epi32(self, a, b) }
    }
    #[inline(always)]
    unsafe fn narrow(low: Self, high: Self) -> Self {
        // SAFETY: the caller's.
        unsafe {
            // Shifting left by what is left of 32 bits drops the upper copies of the sign.
            let high = _mm512_slli_epi32::<{ 16 - TAP_BITS }>(high);
            let low = _mm512_srai_epi32::<{ TAP_BITS }>(low);
            _mm512_mask_blend_epi16(0xAAAA_AAAA, low, high)
        }
    }
}

impl Vector for __m256i {
    const NUMBERS: usize = 16;
    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: the caller's.
        unsafe { _mm256_storeu_si256(to.cast(), self) }
    }
    #[inline(always)]
    unsafe fn splat(lane: i32) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_set1_epi32(lane) }
    }
    #[inline(always)]
    unsafe fn dot(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_add_epi32(self, _mm256_madd_epi16(a, b)) }
    }
    #[inline(always)]
    unsafe fn narrow(low: Self, high: Self) -> Self {
        // SAFETY: the caller's.
        unsafe {
            let high = _mm256_slli_epi32::<{ 16 - SHIFT }>(high);
            let low = _mm256_srai_epi32::<SHIFT>(low);
            _mm256_blend_epi16::<0xAA>(low, high)
        }
    }
}

/// Safety: the features of `V`, and the lengths that `super::along` checks.
#[inline(always)]
unsafe fn along_body<V: Vector>(a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) {
    let columns = pairs.len() / 2;
    let (a, b, out) = (a.as_ptr(), b.as_ptr(), pairs.as_mut_ptr());
    let mut x = 0;
    while x < columns {
        // SAFETY: column x + NUMBERS - 1 is the last that is made; its last tap stands
        // 2 radius further, within `columns + 2 radius` numbers of each row. Where the pair of
        // the last tap is half empty the load reaches no further than that: pair k = radius
        // begins at x + 2 radius and ends NUMBERS later.
        unsafe {
            let round = V::splat(ROUND);
            let (mut even_a, mut odd_a, mut even_b, mut odd_b) = (round, round, round, round);
            for (k, t) in taps.along.iter().enumerate() {
                let (even, odd) = (V::splat(t[0]), V::splat(t[1]));
                let from_a = V::load(a.add(x + 2 * k));
                let from_b = V::load(b.add(x + 2 * k));
                even_a = even_a.dot(from_a, even);
                odd_a = odd_a.dot(from_a, odd);
                even_b = even_b.dot(from_b, even);
                odd_b = odd_b.dot(from_b, odd);
            }
            // Block by block: the pairs of the even columns, then those of the odd ones.
            let at = x / BLOCK * 2 * BLOCK + x % BLOCK;
            V::narrow(even_a, even_b).store(out.add(at));
            V::narrow(odd_a, odd_b).store(out.add(at + BLOCK));
        }
        x += V::NUMBERS;
    }
}

/// Safety: the features of `V`, and the lengths that `super::down` checks.
#[inline(always)]
unsafe fn down_body<V: Vector>(pairs: &[&[i16]], taps: &Taps, out: [&mut [i16]; ROWS]) {
    let columns = out[0].len();
    let out = out.map(<[i16]>::as_mut_ptr);
    let mut x = 0;
    while x < columns {
        let at = x / BLOCK * 2 * BLOCK + x % BLOCK;
        // SAFETY: a pair of rows has 2 · columns numbers, of which those of this block's even
        // columns begin at `at` and those of the odd ones BLOCK later; a row has `columns`.
        unsafe {
            let round = V::splat(ROUND);
            let mut even = [round; ROWS];
            let mut odd = [round; ROWS];
            for (pair, t) in pairs.iter().zip(&taps.down) {
                let from_even = V::load(pair.as_ptr().add(at));
                let from_odd = V::load(pair.as_ptr().add(at + BLOCK));
                for dy in 0..ROWS {
                    let tap = V::splat(t[dy]);
                    even[dy] = even[dy].dot(from_even, tap);
                    odd[dy] = odd[dy].dot(from_odd, tap);
                }
            }
            for dy in 0..ROWS {
                V::narrow(even[dy], odd[dy]).store(out[dy].add(x));
            }
        }
        x += V::NUMBERS;
    }
}
