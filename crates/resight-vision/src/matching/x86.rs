//! The blocked product of [`panels`](super::panels) with AVX2 and AVX-512 instructions; its twin
//! in plain Rust is `panels::plain`. And those of [`lookers`](super::lookers), whose twins are the ends of
//! `Lookers::compare` and `Lookers::nearest_on`.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Forward;
use super::lookers::{LENGTH, Panels, STEPS, keep_nearest};
use super::panels::{Block, LANES, Line};
use crate::dispatch::{Level, Simd};

/// Query features in a block, each with two accumulators of sixteen lanes.
pub(super) const AVX512_QUERIES: usize = 12;
/// Query features in a block, each with two accumulators of eight lanes.
pub(super) const AVX2_QUERIES: usize = 6;

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

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line is 64 readable bytes, aligned to 64.
    unsafe { _mm512_load_si512((&raw const line.0).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(line: &mut Line, v: __m512i) {
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

/// Compares each of `rows`, the result features `first ..`, with all columns of `panels`, of which the
/// first `forward.len()` count; panics without AVX-512, or where there are fewer columns. `forward` comes
/// without any and takes the nearest of each column, `backward` those of each row.
pub(super) fn lookers(
    simd: Simd,
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    forward: &mut [Forward],
    backward: &mut [(u32, u32)],
) {
    assert!(simd.level() == Level::Avx512);
    assert!(forward.len() <= panels.columns.len() * LANES);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { avx512_lookers(panels, rows, first, forward, backward) }
}

/// Offers `rows`, numbered from `first`, to the columns of `panels`, each of which has a list of `n` nearest
/// in `nearest`; panics without AVX-512, or where there are fewer columns than lists.
pub(super) fn few(
    simd: Simd,
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    n: usize,
    nearest: &mut [(u32, u32)],
) {
    assert!(simd.level() == Level::Avx512);
    assert!(nearest.len() <= panels.columns.len() * LANES * n);
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    unsafe { avx512_few(panels, rows, first, n, nearest) }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_few(
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    n: usize,
    nearest: &mut [(u32, u32)],
) {
    let panels = panels.lines.chunks_exact(STEPS).zip(&panels.columns);
    for ((lines, column), nearest) in panels.zip(nearest.chunks_mut(LANES * n)) {
        let (fours, rest) = rows.as_chunks::<4>();
        // What each lane still takes: lanes without a list take nothing.
        let mut limits = Line::ZERO;
        for (limit, list) in limits.0.iter_mut().zip(nearest.chunks_exact(n)) {
            *limit = list[n - 1].0;
        }
        let lanes = u16::MAX >> (LANES - nearest.len() / n);
        for (rows, first) in fours.iter().zip((first..).step_by(4)) {
            for (distances, row) in tile(lines, column, rows).into_iter().zip(first..) {
                take(distances, row, lanes, n, &mut limits, nearest);
            }
        }
        let first = first + 4 * fours.len() as u32;
        for (row, number) in rest.as_chunks::<1>().0.iter().zip(first..) {
            let [distances] = tile(lines, column, row);
            take(distances, number, lanes, n, &mut limits, nearest);
        }
    }
}

/// Offers a row to the lanes that take it, which few do.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn take(
    distances: __m512i,
    row: u32,
    lanes: u16,
    n: usize,
    limits: &mut Line,
    nearest: &mut [(u32, u32)],
) {
    let mut taking = _mm512_cmple_epu32_mask(distances, load(limits)) & lanes;
    if taking == 0 {
        return;
    }
    let mut all = Line::ZERO;
    store(&mut all, distances);
    while taking != 0 {
        let lane = taking.trailing_zeros() as usize;
        taking &= taking - 1;
        let list = &mut nearest[lane * n..(lane + 1) * n];
        keep_nearest(list, (all.0[lane], row));
        limits.0[lane] = list[n - 1].0;
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_lookers(
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    forward: &mut [Forward],
    backward: &mut [(u32, u32)],
) {
    let panels = panels.lines.chunks_exact(STEPS).zip(&panels.columns);
    for ((lines, column), (forward, number)) in panels.zip(forward.chunks_mut(LANES).zip(0u32..)) {
        // Nearest distance, its row, and the second nearest distance of each lane.
        let mut near = [_mm512_set1_epi32(-1); 3];
        let panel = Panel {
            lines,
            column,
            counts: u16::MAX >> (LANES - forward.len()),
            start: number * LANES as u32,
        };
        let (rows, rest) = rows.as_chunks::<4>();
        let (nearest, nearest_of_rest) = backward.as_chunks_mut::<4>();
        for ((rows, nearest), first) in rows.iter().zip(nearest).zip((first..).step_by(4)) {
            meet(&panel, rows, first, &mut near, nearest);
        }
        let first = first + 4 * rows.len() as u32;
        let rest = rest.as_chunks::<1>().0.iter();
        let nearest = nearest_of_rest.as_chunks_mut::<1>().0.iter_mut();
        for ((rows, nearest), first) in rest.zip(nearest).zip(first..) {
            meet(&panel, rows, first, &mut near, nearest);
        }
        let mut lanes = [Line::FAR; 3];
        for (line, near) in lanes.iter_mut().zip(near) {
            store(line, near);
        }
        for (lane, forward) in forward.iter_mut().enumerate() {
            forward.nearest = (lanes[0].0[lane], lanes[1].0[lane]);
            forward.second = lanes[2].0[lane];
        }
    }
}

/// Sixteen lookers.
struct Panel<'a> {
    lines: &'a [Line],
    column: &'a Line,
    /// The lanes that count.
    counts: u16,
    /// The number of the first looker.
    start: u32,
}

/// Compares the result features `first ..` with a panel.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn meet<const R: usize>(
    panel: &Panel<'_>,
    rows: &[[u8; LENGTH]; R],
    first: u32,
    near: &mut [__m512i; 3],
    backward: &mut [(u32, u32); R],
) {
    let distances = tile(panel.lines, panel.column, rows);
    for ((distances, backward), row) in distances.into_iter().zip(backward).zip(first..) {
        let distances = _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), panel.counts, distances);
        offer(distances, row, panel.start, near, backward);
    }
}

/// Distances of some rows to the sixteen descriptors of a panel. With the bytes a of a row taken as
/// signed after subtracting 128: |a|² + |b|² − 2 Σab = |a|² + (|b|² − 256 Σb) − 2 Σb(a − 128).
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile<const R: usize>(lines: &[Line], column: &Line, rows: &[[u8; LENGTH]; R]) -> [__m512i; R] {
    let mut sums = [_mm512_setzero_si512(); R];
    for (step, line) in lines.iter().enumerate() {
        let line = load(line);
        for (sum, row) in sums.iter_mut().zip(rows) {
            let word = row.as_chunks::<4>().0[step];
            let word = u32::from_le_bytes(word) ^ 0x8080_8080;
            *sum = _mm512_dpbusd_epi32(*sum, line, _mm512_set1_epi32(word.cast_signed()));
        }
    }
    let column = load(column);
    for (sum, row) in sums.iter_mut().zip(rows) {
        let mut norm = 0u32;
        for &a in row {
            norm += u32::from(a) * u32::from(a);
        }
        let twice = _mm512_slli_epi32::<1>(*sum);
        let both = _mm512_add_epi32(column, _mm512_set1_epi32(norm.cast_signed()));
        *sum = _mm512_sub_epi32(both, twice);
    }
    sums
}

/// Offers the result feature `row` to all lanes, and to it the lanes, which are the lookers from `start`
/// on. Of equals the first stays: rows and panels ascend.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn offer(
    distances: __m512i,
    row: u32,
    start: u32,
    near: &mut [__m512i; 3],
    backward: &mut (u32, u32),
) {
    let nearer = _mm512_cmplt_epu32_mask(distances, near[0]);
    near[2] = _mm512_min_epu32(near[2], _mm512_max_epu32(near[0], distances));
    near[0] = _mm512_min_epu32(near[0], distances);
    near[1] = _mm512_mask_set1_epi32(near[1], nearer, row.cast_signed());
    let least = _mm512_reduce_min_epu32(distances);
    if least < backward.0 {
        let lanes = _mm512_cmpeq_epu32_mask(distances, _mm512_set1_epi32(least.cast_signed()));
        *backward = (least, start + lanes.trailing_zeros());
    }
}
