//! The blocked product of [`panels`](super::panels) with SSE2, AVX2 and AVX-512 instructions. Its twin
//! in plain Rust is `panels::plain`.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::panels::{Block, LANES, Line};
use crate::dispatch::{Level, Simd};

/// Query features in a block, each with two accumulators of sixteen lanes.
pub(super) const AVX512_QUERIES: usize = 12;
/// Query features in a block, each with two accumulators of eight lanes.
pub(super) const AVX2_QUERIES: usize = 6;

/// Query features in a block, each with four accumulators of four lanes.
pub(super) const SSE2_QUERIES: usize = 3;

/// Runs the AVX-512 kernel; panics without AVX-512.
pub(super) fn avx512(simd: Simd, block: Block<'_>) {
    assert!(simd.level() == Level::Avx512);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { avx512_block(block) }
}

/// Runs the AVX2 kernel; panics without AVX2.
pub(super) fn avx2(simd: Simd, block: Block<'_>) {
    assert!(simd.level() >= Level::Avx2);
    // SAFETY: a `Simd` of this level or a wider one exists only where the processor has AVX2.
    unsafe { avx2_block(block) }
}

/// Runs the SSE2 kernel; panics without SSE2.
pub(super) fn sse2(simd: Simd, block: Block<'_>) {
    assert!(simd.level() >= Level::Sse2);
    // SAFETY: a `Simd` of this level or a wider one exists only where the processor has SSE2.
    unsafe { sse2_block(block) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(line: &Line) -> __m512i {
    // SAFETY: a line is 64 readable bytes, aligned to 64.
    unsafe { _mm512_load_si512((&raw const line.0).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(line: &mut Line, v: __m512i) {
    // SAFETY: a line is 64 writable bytes, aligned to 64.
    unsafe { _mm512_store_si512((&raw mut line.0).cast(), v) }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_block(block: Block<'_>) {
    const Q: usize = AVX512_QUERIES;
    let shift = _mm_cvtsi32_si128(block.shift as i32);
    let tiles = block.panels.chunks_exact(2 * block.steps);
    let columns = block.columns.chunks_exact(2);
    for ((tile, columns), backward) in tiles.zip(columns).zip(block.backward.chunks_exact_mut(2)) {
        let (left, right) = tile.split_at(block.steps);
        let mut sums = [[_mm512_setzero_si512(); 2]; Q];
        for ((l, r), query) in left.iter().zip(right).zip(block.query.chunks_exact(Q)) {
            let (l, r) = (load(l), load(r));
            for (sums, &q) in sums.iter_mut().zip(query) {
                let q = _mm512_set1_epi32(q as i32);
                sums[0] = _mm512_dpbusd_epi32(sums[0], l, q);
                sums[1] = _mm512_dpbusd_epi32(sums[1], r, q);
            }
        }
        let columns = [load(&columns[0]), load(&columns[1])];
        let mut back = [load(&backward[0]), load(&backward[1])];
        for ((sums, &row), nearest) in sums.iter().zip(block.rows).zip(&mut *block.nearest) {
            let row = _mm512_set1_epi32(row as i32);
            let (mut best, mut second) = (load(&nearest[0]), load(&nearest[1]));
            for half in 0..2 {
                let product = _mm512_sll_epi32(sums[half], shift);
                let key = _mm512_add_epi32(_mm512_sub_epi32(columns[half], product), row);
                second = _mm512_min_epu32(second, _mm512_max_epu32(best, key));
                best = _mm512_min_epu32(best, key);
                back[half] = _mm512_min_epu32(back[half], key);
            }
            store(&mut nearest[0], best);
            store(&mut nearest[1], second);
        }
        store(&mut backward[0], back[0]);
        store(&mut backward[1], back[1]);
    }
}

/// The lower (0) or upper (1) eight lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half(line: &Line, half: usize) -> __m256i {
    let lanes = &line.0[half * (LANES / 2)..][..LANES / 2];
    // SAFETY: the slice is 32 readable bytes; halves of a line are aligned to 32.
    unsafe { _mm256_load_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_half(line: &mut Line, half: usize, v: __m256i) {
    let lanes = &mut line.0[half * (LANES / 2)..][..LANES / 2];
    // SAFETY: the slice is 32 writable bytes; halves of a line are aligned to 32.
    unsafe { _mm256_store_si256(lanes.as_mut_ptr().cast(), v) }
}

#[target_feature(enable = "avx2")]
fn avx2_block(block: Block<'_>) {
    const Q: usize = AVX2_QUERIES;
    let shift = _mm_cvtsi32_si128(block.shift as i32);
    let panels = block.panels.chunks_exact(block.steps);
    for ((panel, columns), backward) in panels.zip(block.columns).zip(block.backward) {
        let mut sums = [[_mm256_setzero_si256(); 2]; Q];
        for (line, query) in panel.iter().zip(block.query.chunks_exact(Q)) {
            let (low, high) = (load_half(line, 0), load_half(line, 1));
            for (sums, &q) in sums.iter_mut().zip(query) {
                let q = _mm256_set1_epi32(q as i32);
                sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, q));
                sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, q));
            }
        }
        for half in 0..2 {
            let column = load_half(columns, half);
            let mut back = load_half(backward, half);
            for ((sums, &row), nearest) in sums.iter().zip(block.rows).zip(&mut *block.nearest) {
                let product = _mm256_sll_epi32(sums[half], shift);
                let row = _mm256_set1_epi32(row as i32);
                let key = _mm256_add_epi32(_mm256_sub_epi32(column, product), row);
                let best = load_half(&nearest[0], half);
                let second = load_half(&nearest[1], half);
                let second = _mm256_min_epu32(second, _mm256_max_epu32(best, key));
                store_half(&mut nearest[0], half, _mm256_min_epu32(best, key));
                store_half(&mut nearest[1], half, second);
                back = _mm256_min_epu32(back, key);
            }
            store_half(backward, half, back);
        }
    }
}

/// Registers of four lanes in a line.
const QUARTERS: usize = 4;

#[inline]
#[target_feature(enable = "sse2")]
fn load_quarter(line: &Line, quarter: usize) -> __m128i {
    let lanes = &line.0[quarter * (LANES / QUARTERS)..][..LANES / QUARTERS];
    // SAFETY: the slice is 16 readable bytes; quarters of a line are aligned to 16.
    unsafe { _mm_load_si128(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store_quarter(line: &mut Line, quarter: usize, v: __m128i) {
    let lanes = &mut line.0[quarter * (LANES / QUARTERS)..][..LANES / QUARTERS];
    // SAFETY: the slice is 16 writable bytes; quarters of a line are aligned to 16.
    unsafe { _mm_store_si128(lanes.as_mut_ptr().cast(), v) }
}

/// The smaller and the larger of each lane. SSE2 compares signed numbers only.
#[inline]
#[target_feature(enable = "sse2")]
fn in_order(a: __m128i, b: __m128i) -> (__m128i, __m128i) {
    let sign = _mm_set1_epi32(i32::MIN);
    let swap = _mm_cmpgt_epi32(_mm_xor_si128(a, sign), _mm_xor_si128(b, sign));
    let change = _mm_and_si128(_mm_xor_si128(a, b), swap);
    (_mm_xor_si128(a, change), _mm_xor_si128(b, change))
}

#[target_feature(enable = "sse2")]
fn sse2_block(block: Block<'_>) {
    const Q: usize = SSE2_QUERIES;
    let shift = _mm_cvtsi32_si128(block.shift as i32);
    let panels = block.panels.chunks_exact(block.steps);
    for ((panel, columns), backward) in panels.zip(block.columns).zip(block.backward) {
        let mut sums = [[_mm_setzero_si128(); QUARTERS]; Q];
        for (line, query) in panel.iter().zip(block.query.chunks_exact(Q)) {
            for (sums, &q) in sums.iter_mut().zip(query) {
                let q = _mm_set1_epi32(q as i32);
                for (quarter, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm_add_epi32(*sum, _mm_madd_epi16(load_quarter(line, quarter), q));
                }
            }
        }
        for quarter in 0..QUARTERS {
            let column = load_quarter(columns, quarter);
            let mut back = load_quarter(backward, quarter);
            for ((sums, &row), [nearest, next]) in
                sums.iter().zip(block.rows).zip(&mut *block.nearest)
            {
                let product = _mm_sll_epi32(sums[quarter], shift);
                let row = _mm_set1_epi32(row as i32);
                let key = _mm_add_epi32(_mm_sub_epi32(column, product), row);
                let (best, worse) = in_order(load_quarter(nearest, quarter), key);
                let (second, _) = in_order(load_quarter(next, quarter), worse);
                store_quarter(nearest, quarter, best);
                store_quarter(next, quarter, second);
                (back, _) = in_order(back, key);
            }
            store_quarter(backward, quarter, back);
        }
    }
}
