//! The two passes with NEON. The scalar functions of `super` are their twins.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::super::taps::{Pair, Taps};
use super::vector::{Vector, along_body, down_body};
use super::{ROWS, TAP_BITS};
use crate::dispatch::{Level, Simd};

/// Returns `false`, and does nothing, where only plain Rust may run.
pub(super) fn along(simd: Simd, a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) -> bool {
    match simd.level() {
        // SAFETY: every AArch64 processor has NEON; `super::along` checked the lengths.
        Level::Neon | Level::Dotprod => unsafe { along_body::<int16x8_t>(a, b, taps, pairs) },
        Level::Plain => return false,
    }
    true
}

/// Returns `out` where only plain Rust may run.
pub(super) fn down<'a>(
    simd: Simd,
    pairs: &[&[i16]],
    taps: &Taps,
    out: [&'a mut [i16]; ROWS],
) -> Option<[&'a mut [i16]; ROWS]> {
    match simd.level() {
        // SAFETY: every AArch64 processor has NEON; `super::down` checked the lengths.
        Level::Neon | Level::Dotprod => unsafe { down_body::<int16x8_t>(pairs, taps, out) },
        Level::Plain => return Some(out),
    }
    None
}

/// The products of a pair are added to two neighbouring sums, which join at the end: NEON multiplies
/// halves of registers, and adds neighbours only of what is there already.
#[derive(Clone, Copy)]
pub(super) struct Halves {
    lower: int32x4_t,
    upper: int32x4_t,
}

impl Vector for int16x8_t {
    const NUMBERS: usize = 8;
    type Sums = Halves;
    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's.
        unsafe { vld1q_s16(from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: the caller's.
        unsafe { vst1q_s16(to, self) }
    }
    #[inline(always)]
    unsafe fn splat(pair: &Pair) -> Self {
        // SAFETY: the caller's; a pair is 16 readable bytes.
        unsafe { vreinterpretq_s16_s32(vld1q_s32(pair.0.as_ptr())) }
    }
    #[inline(always)]
    unsafe fn start() -> Halves {
        // SAFETY: the caller's.
        let zero = unsafe { vdupq_n_s32(0) };
        Halves {
            lower: zero,
            upper: zero,
        }
    }
    #[inline(always)]
    unsafe fn dot(sums: Halves, a: Self, b: Self) -> Halves {
        // SAFETY: the caller's.
        unsafe {
            Halves {
                lower: vmlal_s16(sums.lower, vget_low_s16(a), vget_low_s16(b)),
                upper: vmlal_high_s16(sums.upper, a, b),
            }
        }
    }
    #[inline(always)]
    unsafe fn narrow(low: Halves, high: Halves) -> Self {
        const SHIFT: i32 = TAP_BITS as i32;
        // SAFETY: the caller's.
        unsafe {
            // The shift rounds half up, as adding `ROUND` before does.
            let low = vrshrn_n_s32::<SHIFT>(vpaddq_s32(low.lower, low.upper));
            let high = vrshrn_n_s32::<SHIFT>(vpaddq_s32(high.lower, high.upper));
            vcombine_s16(vzip1_s16(low, high), vzip2_s16(low, high))
        }
    }
}
