//! Packed queries against descriptors with AVX-512 instructions. The twins in plain Rust are the
//! ends of `PackedQueries::compare` and `PackedQueries::nearest_on`.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::neighbours::{Forward, keep_nearest};
use super::super::panels::{LANES, Line};
use super::super::x86::{load, store};
use super::{LENGTH, Panels, STEPS};
use crate::dispatch::{Level, Simd};

/// Compares each of `rows`, the result features `first ..`, with the first `forward.len()` columns
/// of `panels`. Writes the nearest of each column to `forward`, and lowers `backward` to the
/// nearest of each row. Panics without AVX-512, or where there are fewer columns.
pub(super) fn compare(
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
    unsafe { avx512_compare(panels, rows, first, forward, backward) }
}

/// Offers `rows`, numbered from `first`, to the columns of `panels`. Each column has a list of its
/// `n` nearest in `nearest`. Panics without AVX-512, or where there are fewer columns than lists.
pub(super) fn nearest(
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
    unsafe { avx512_nearest(panels, rows, first, n, nearest) }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_nearest(
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    n: usize,
    nearest: &mut [(u32, u32)],
) {
    let panels = panels.lines.chunks_exact(STEPS).zip(&panels.columns);
    for ((lines, column), nearest) in panels.zip(nearest.chunks_mut(LANES * n)) {
        let (fours, rest) = rows.as_chunks::<4>();
        // The largest distance that each lane still accepts.
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

/// Offers a row to the lanes that accept its distance, which are few.
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
fn avx512_compare(
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
            used: u16::MAX >> (LANES - forward.len()),
            start: number * LANES as u32,
        };
        let (rows, rest) = rows.as_chunks::<4>();
        let (nearest, nearest_of_rest) = backward.as_chunks_mut::<4>();
        for ((rows, nearest), first) in rows.iter().zip(nearest).zip((first..).step_by(4)) {
            compare_rows(&panel, rows, first, &mut near, nearest);
        }
        let first = first + 4 * rows.len() as u32;
        let rest = rest.as_chunks::<1>().0.iter();
        let nearest = nearest_of_rest.as_chunks_mut::<1>().0.iter_mut();
        for ((rows, nearest), first) in rest.zip(nearest).zip(first..) {
            compare_rows(&panel, rows, first, &mut near, nearest);
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

/// Sixteen packed queries.
struct Panel<'a> {
    lines: &'a [Line],
    column: &'a Line,
    /// The lanes that hold a query.
    used: u16,
    /// Position of the first query.
    start: u32,
}

/// Compares the result features `first ..` with a panel.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn compare_rows<const R: usize>(
    panel: &Panel<'_>,
    rows: &[[u8; LENGTH]; R],
    first: u32,
    near: &mut [__m512i; 3],
    backward: &mut [(u32, u32); R],
) {
    let distances = tile(panel.lines, panel.column, rows);
    for ((distances, backward), row) in distances.into_iter().zip(backward).zip(first..) {
        let distances = _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), panel.used, distances);
        offer(distances, row, panel.start, near, backward);
    }
}

/// Squared distances of some rows to the sixteen descriptors of a panel. The multiply-add needs the
/// bytes a of a row signed: |a|² + |b|² − 2 Σab = |a|² + (|b|² − 256 Σb) − 2 Σb(a − 128).
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

/// Offers the result feature `row` to all lanes, and the lanes, which are the packed queries from
/// `start` on, to the row. Of equal distances the first stays: rows and panels ascend.
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
