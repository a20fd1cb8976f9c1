//! The two passes with SSE2, AVX2 and AVX-512 VNNI. The scalar functions of `super` are their twins.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::taps::{Pair, Taps};
use super::vector::{Vector, along_body, down_body};
use super::{ROUND, ROWS, TAP_BITS};
use crate::dispatch::{Level, Simd};

const SHIFT: i32 = TAP_BITS as i32;

/// Returns `false`, and does nothing, where only plain Rust may run.
pub(super) fn along(simd: Simd, a: &[i16], b: &[i16], taps: &Taps, pairs: &mut [i16]) -> bool {
    match simd.level() {
        // SAFETY: the level proves the features; `super::along` checked the lengths.
        Level::Avx512 => unsafe { along_avx512(a, b, taps, pairs) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { along_avx2(a, b, taps, pairs) },
        // SAFETY: the same; every x86-64 processor has SSE2.
        Level::Sse42 | Level::Sse2 => unsafe { along_body::<__m128i>(a, b, taps, pairs) },
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
        // SAFETY: the level proves the features; `super::down` checked the lengths.
        Level::Avx512 => unsafe { down_avx512(pairs, taps, out) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { down_avx2(pairs, taps, out) },
        // SAFETY: the same; every x86-64 processor has SSE2.
        Level::Sse42 | Level::Sse2 => unsafe { down_body::<__m128i>(pairs, taps, out) },
        Level::Plain => return Some(out),
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

impl Vector for __m512i {
    const NUMBERS: usize = 32;
    type Sums = Self;
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
    unsafe fn splat(pair: &Pair) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_set1_epi32(pair.0[0]) }
    }
    #[inline(always)]
    unsafe fn start() -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_set1_epi32(ROUND) }
    }
    #[inline(always)]
    unsafe fn dot(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm512_dpwssd_epi32(sums, a, b) }
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
    type Sums = Self;
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
    unsafe fn splat(pair: &Pair) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_set1_epi32(pair.0[0]) }
    }
    #[inline(always)]
    unsafe fn start() -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_set1_epi32(ROUND) }
    }
    #[inline(always)]
    unsafe fn dot(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(a, b)) }
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

impl Vector for __m128i {
    const NUMBERS: usize = 8;
    type Sums = Self;
    #[inline(always)]
    unsafe fn load(from: *const i16) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm_loadu_si128(from.cast()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut i16) {
        // SAFETY: the caller's.
        unsafe { _mm_storeu_si128(to.cast(), self) }
    }
    #[inline(always)]
    unsafe fn splat(pair: &Pair) -> Self {
        // SAFETY: the caller's; a pair is 16 readable bytes, aligned to 16.
        unsafe { _mm_load_si128((&raw const pair.0).cast()) }
    }
    #[inline(always)]
    unsafe fn start() -> Self {
        // SAFETY: the caller's.
        unsafe { _mm_set1_epi32(ROUND) }
    }
    #[inline(always)]
    unsafe fn dot(sums: Self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { _mm_add_epi32(sums, _mm_madd_epi16(a, b)) }
    }
    #[inline(always)]
    unsafe fn narrow(low: Self, high: Self) -> Self {
        // SAFETY: the caller's.
        unsafe {
            // SSE2 has no blend: what is dropped is shifted out.
            let high = _mm_slli_epi32::<16>(_mm_srai_epi32::<SHIFT>(high));
            let low = _mm_srli_epi32::<16>(_mm_slli_epi32::<{ 16 - SHIFT }>(low));
            _mm_or_si128(low, high)
        }
    }
}
