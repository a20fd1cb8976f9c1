//! Packed queries against descriptors with AVX-512 instructions. The twins in plain Rust are the
//! ends of `PackedQueries::compare` and `PackedQueries::nearest_on`.
//!
//! A tile is the product of one or two panels with up to eight rows, whose sums stay in registers. It
//! loads a line of a panel once for all rows, and four bytes of a row once for all panels. The processor
//! adds to a sum only every few cycles, so a tile of few sums adds to several for each and joins them.

#![allow(unsafe_code)]
// Loops over lanes and rows by number: closures of iterators are not compiled for these instructions.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::super::neighbours::{Forward, keep_nearest};
use super::super::panels::{LANES, Line};
use super::super::x86::{load, store};
use super::{Found, LENGTH, PackedQueries, Panel, Panels, STEPS};
use crate::dispatch::{Level, Simd};

/// Compares the result features `first ..`, whose descriptors are given beside, with `packed`, whose panels
/// are `panels`, and offers each to the other. Panics without AVX-512, or where `found` has no room for one
/// of them.
pub(super) fn compare(
    simd: Simd,
    panels: &Panels,
    packed: &PackedQueries,
    (first, rows): (u32, &[[u8; LENGTH]]),
    found: Found<'_>,
) {
    assert!(simd.level() == Level::Avx512);
    assert!(
        packed
            .last
            .is_none_or(|last| (last as usize) < found.forward.len())
    );
    // SAFETY: a `Simd` of this level exists only where the processor has all these features.
    // `found` has each of the packed queries.
    unsafe { avx512_compare(panels, &packed.queries, first, rows, found) }
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

/// Panels of a tile, at most.
const PANELS: usize = 2;
/// Rows of a tile, at most.
const ROWS: usize = 8;

/// Rows with the part of their distances that depends on nothing else.
#[derive(Clone, Copy)]
struct Rows<'a> {
    rows: &'a [[u8; LENGTH]],
    terms: &'a [u32],
}

/// Adds the term of each row.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn write_terms(rows: &[[u8; LENGTH]], terms: &mut Vec<u32>) {
    for row in rows {
        terms.push(row_term(row));
    }
}

/// |a|² − 256 Σa of a row a, wrapping at 2³².
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn row_term(row: &[u8; LENGTH]) -> u32 {
    let ones = _mm512_set1_epi8(1);
    let half = _mm512_set1_epi8(-128);
    let (mut products, mut sums) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for part in row.as_chunks::<64>().0 {
        // SAFETY: the part is 64 readable bytes.
        let a = unsafe { _mm512_loadu_si512(part.as_ptr().cast()) };
        products = _mm512_dpbusd_epi32(products, a, _mm512_xor_si512(a, half));
        sums = _mm512_dpbusd_epi32(sums, a, ones);
    }
    // Σa(a − 128) − 128 Σa.
    let term = _mm512_sub_epi32(products, _mm512_slli_epi32::<7>(sums));
    _mm512_reduce_add_epi32(term).cast_unsigned()
}

/// Writes squared distances of the first `R` rows to the sixteen descriptors of each panel. The multiply-add
/// needs the bytes b of a panel signed: |a|² + |b|² − 2 Σab = (|a|² − 256 Σa) + |b|² − 2 Σa(b − 128).
/// `CHAINS` sums are added to for each. Returns `R`, or 0 where there are fewer rows.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn some_rows<const P: usize, const R: usize, const CHAINS: usize>(
    panels: &[Panel<'_>; P],
    rows: Rows<'_>,
    tile: &mut [[Line; P]; ROWS],
) -> usize {
    let (Some(rows), Some(terms)) = (rows.rows.first_chunk::<R>(), rows.terms.first_chunk::<R>())
    else {
        return 0;
    };
    let mut sums = [[[_mm512_setzero_si512(); P]; R]; CHAINS];
    for step in (0..STEPS).step_by(CHAINS) {
        for chain in 0..CHAINS {
            for panel in 0..P {
                let line = load(&panels[panel].0[step + chain]);
                for row in 0..R {
                    let word = i32::from_le_bytes(rows[row].as_chunks::<4>().0[step + chain]);
                    let sum = &mut sums[chain][row][panel];
                    *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi32(word), line);
                }
            }
        }
    }
    for panel in 0..P {
        let column = load(panels[panel].1);
        for row in 0..R {
            let mut sum = sums[0][row][panel];
            for other in &sums[1..] {
                sum = _mm512_add_epi32(sum, other[row][panel]);
            }
            let both = _mm512_add_epi32(column, _mm512_set1_epi32(terms[row].cast_signed()));
            let distances = _mm512_sub_epi32(both, _mm512_slli_epi32::<1>(sum));
            store(&mut tile[row][panel], distances);
        }
    }
    R
}

/// Writes the distances of the first rows from `at` on to `tile`. Returns how many rows these are, at least 1
/// where there are any.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn next_rows<const P: usize>(
    panels: &[Panel<'_>; P],
    rows: Rows<'_>,
    at: usize,
    tile: &mut [[Line; P]; ROWS],
) -> usize {
    let rest = Rows {
        rows: &rows.rows[at..],
        terms: &rows.terms[at..],
    };
    match rest.rows.len() {
        ROWS.. => some_rows::<P, ROWS, 1>(panels, rest, tile),
        4..ROWS => some_rows::<P, 4, 2>(panels, rest, tile),
        3 => some_rows::<P, 3, 2>(panels, rest, tile),
        2 => some_rows::<P, 2, 4>(panels, rest, tile),
        _ => some_rows::<P, 1, 4>(panels, rest, tile),
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn avx512_nearest(
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    n: usize,
    nearest: &mut [(u32, u32)],
) {
    let mut terms = Vec::with_capacity(rows.len());
    write_terms(rows, &mut terms);
    let terms = &terms;
    let rows = Rows { rows, terms };
    let lists = nearest.chunks_mut(PANELS * LANES * n);
    for (number, lists) in (0..).step_by(PANELS).zip(lists) {
        if lists.len() > LANES * n {
            nearest_of(&panels.some::<2>(number), rows, first, n, lists);
        } else {
            nearest_of(&panels.some::<1>(number), rows, first, n, lists);
        }
    }
}

/// Offers all rows, numbered from `first`, to the lists of `P` panels.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn nearest_of<const P: usize>(
    panels: &[Panel<'_>; P],
    rows: Rows<'_>,
    first: u32,
    n: usize,
    lists: &mut [(u32, u32)],
) {
    // The largest distance that each lane still accepts; lanes without a list accept none.
    let mut limits = [Line::ZERO; P];
    let mut lanes = [0u16; P];
    let of_panels = lists.chunks(LANES * n).zip(&mut limits).zip(&mut lanes);
    for ((lists, limits), lanes) in of_panels {
        *lanes = u16::MAX >> (LANES - lists.len() / n);
        for (limit, list) in limits.0.iter_mut().zip(lists.chunks_exact(n)) {
            *limit = list[n - 1].0;
        }
    }
    let mut tile = [[Line::ZERO; P]; ROWS];
    let mut at = 0;
    while at < rows.rows.len() {
        let count = next_rows(panels, rows, at, &mut tile);
        for (distances, number) in tile[..count].iter().zip(first + at as u32..) {
            for panel in 0..P {
                let distances = load(&distances[panel]);
                let limits = &mut limits[panel];
                let taking = _mm512_cmple_epu32_mask(distances, load(limits)) & lanes[panel];
                // Few distances are accepted.
                if taking != 0 {
                    let lists = &mut lists[panel * LANES * n..];
                    take(distances, taking, number, n, limits, lists);
                }
            }
        }
        at += count;
    }
}

/// Offers a row to the lanes `taking`.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn take(
    distances: __m512i,
    mut taking: u16,
    row: u32,
    n: usize,
    limits: &mut Line,
    lists: &mut [(u32, u32)],
) {
    let mut all = Line::ZERO;
    store(&mut all, distances);
    while taking != 0 {
        let lane = taking.trailing_zeros() as usize;
        taking &= taking - 1;
        let list = &mut lists[lane * n..(lane + 1) * n];
        keep_nearest(list, (all.0[lane], row));
        limits.0[lane] = list[n - 1].0;
    }
}

/// # Safety
/// `found.forward` has each of `queries`.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn avx512_compare(
    panels: &Panels,
    queries: &[u32],
    first: u32,
    rows: &[[u8; LENGTH]],
    found: Found<'_>,
) {
    let Found {
        forward,
        distances,
        queries: nearest,
        room: terms,
    } = found;
    terms.clear();
    write_terms(rows, terms);
    let rows = Rows { rows, terms };
    let mut found = Run {
        first,
        forward,
        distances,
        queries: nearest,
    };
    for (number, queries) in (0..).step_by(PANELS).zip(queries.chunks(PANELS * LANES)) {
        // SAFETY: the caller has said so.
        unsafe {
            if queries.len() > LANES {
                compare_with(&panels.some::<2>(number), queries, rows, &mut found);
            } else {
                compare_with(&panels.some::<1>(number), queries, rows, &mut found);
            }
        }
    }
}

/// What a run of result features, numbered from `first`, is offered to.
struct Run<'a> {
    first: u32,
    forward: &'a mut [Forward],
    distances: &'a mut [u32],
    queries: &'a mut [u32],
}

/// Compares all rows with `P` panels of these query features. Of equal distances the first stays: rows,
/// panels and lanes ascend.
///
/// # Safety
/// `run.forward` has each of `queries`.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn compare_with<const P: usize>(
    panels: &[Panel<'_>; P],
    queries: &[u32],
    rows: Rows<'_>,
    run: &mut Run<'_>,
) {
    let far = _mm512_set1_epi32(-1);
    // Nearest distance, its row, and the second nearest distance of each lane.
    let mut near = [[far; 3]; P];
    // The last panel may have fewer queries than lanes.
    let used = u16::MAX >> (P * LANES - queries.len());
    let mut tile = [[Line::ZERO; P]; ROWS];
    let mut at = 0;
    while at < rows.rows.len() {
        let count = next_rows(panels, rows, at, &mut tile);
        for (distances, row) in tile[..count].iter().zip(at..) {
            let result = _mm512_set1_epi32((run.first + row as u32).cast_signed());
            let mut least = far;
            let mut all = [far; P];
            for panel in 0..P {
                let used = if panel == P - 1 { used } else { u16::MAX };
                let distances = _mm512_mask_mov_epi32(far, used, load(&distances[panel]));
                let near = &mut near[panel];
                let nearer = _mm512_cmplt_epu32_mask(distances, near[0]);
                near[2] = _mm512_min_epu32(near[2], _mm512_max_epu32(near[0], distances));
                near[0] = _mm512_min_epu32(near[0], distances);
                near[1] = _mm512_mask_mov_epi32(near[1], nearer, result);
                least = _mm512_min_epu32(least, distances);
                all[panel] = distances;
            }
            let least = _mm512_reduce_min_epu32(least);
            if least <= run.distances[row] {
                let wanted = _mm512_set1_epi32(least.cast_signed());
                for panel in 0..P {
                    let lanes = _mm512_cmpeq_epu32_mask(all[panel], wanted);
                    if lanes != 0 {
                        let query = queries[panel * LANES + lanes.trailing_zeros() as usize];
                        let nearest = (run.distances[row], run.queries[row]).min((least, query));
                        (run.distances[row], run.queries[row]) = nearest;
                        break;
                    }
                }
            }
        }
        at += count;
    }
    for (near, queries) in near.iter().zip(queries.chunks(LANES)) {
        // SAFETY: the caller has said so.
        unsafe { offer_forward(near, queries, run.forward) };
    }
}

/// Offers the nearest distance, its row and the second nearest distance of each lane to its query feature.
///
/// # Safety
/// `forward` has each of `queries`.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn offer_forward(near: &[__m512i; 3], queries: &[u32], forward: &mut [Forward]) {
    const WORDS: i32 = (size_of::<Forward>() / 4) as i32;
    const SECOND: i32 = (std::mem::offset_of!(Forward, second) / 4) as i32;
    let used = u16::MAX >> (LANES - queries.len());
    // SAFETY: the mask names the words that `queries` has.
    let numbers = unsafe { _mm512_maskz_loadu_epi32(used, queries.as_ptr().cast()) };
    let words = _mm512_mullo_epi32(numbers, _mm512_set1_epi32(WORDS));
    let words = _mm512_add_epi32(words, _mm512_set1_epi32(SECOND));
    let none = _mm512_setzero_si512();
    // SAFETY: `forward` has each of them, and its entries are of so many words.
    let seconds =
        unsafe { _mm512_mask_i32gather_epi32::<4>(none, used, words, forward.as_ptr().cast()) };
    let mut taking = _mm512_mask_cmple_epu32_mask(used, near[0], seconds);
    let mut lanes = [Line::ZERO; 3];
    for (line, &near) in lanes.iter_mut().zip(near) {
        store(line, near);
    }
    while taking != 0 {
        let lane = taking.trailing_zeros() as usize;
        taking &= taking - 1;
        let nearest = (lanes[0].0[lane], lanes[1].0[lane]);
        forward[queries[lane] as usize].offer_best(nearest, lanes[2].0[lane]);
    }
}
