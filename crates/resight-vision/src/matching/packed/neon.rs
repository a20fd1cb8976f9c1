//! Packed queries against descriptors with NEON instructions. The twins in plain Rust are the ends of
//! `PackedQueries::compare` and `PackedQueries::nearest_on`.
//!
//! A tile is the products of one panel with a few rows, whose sums stay in registers. What is kept of
//! its distances is plain Rust on sixteen lanes, which the compiler vectorises.

#![allow(unsafe_code)]
// Loops over lanes and rows by number: closures of iterators are not compiled for these instructions.
#![allow(clippy::needless_range_loop)]

use std::arch::aarch64::*;

use super::super::neighbours::keep_nearest;
use super::super::neon::{QUARTERS, dotprod_products, load, neon_products, store};
use super::super::panels::{LANES, Line};
use super::{Found, LENGTH, Panel, Panels};
use crate::dispatch::{Level, Simd};

/// Rows of a tile.
const ROWS: usize = 4;
/// Rows whose products a processor without products of four bytes keeps in registers.
const FEWER_ROWS: usize = 2;

/// Squared distances of rows to the descriptors of a panel.
type Tile = [Line; ROWS];

/// Writes the distances of up to [`ROWS`] rows, at least one, with squared lengths `norms`. Panics
/// without NEON.
fn measure(simd: Simd, panel: Panel<'_>, rows: &[[u8; LENGTH]], norms: &[u32], tile: &mut Tile) {
    assert!(simd.level() >= Level::Neon && rows.len() == norms.len());
    assert!((1..=ROWS).contains(&rows.len()));
    // SAFETY: a `Simd` of these levels exists only where the processor has the features.
    unsafe {
        if simd.level() >= Level::Dotprod {
            dotprod_tile(panel, rows, norms, tile);
        } else {
            neon_tile(panel, rows, norms, tile);
        }
    }
}

/// Four bytes of a row; the last row stands for missing ones.
#[inline(always)]
fn word(rows: &[[u8; LENGTH]], step: usize, row: usize) -> u32 {
    u32::from_le_bytes(rows[row.min(rows.len() - 1)].as_chunks().0[step])
}

#[target_feature(enable = "neon,dotprod")]
fn dotprod_tile(panel: Panel<'_>, rows: &[[u8; LENGTH]], norms: &[u32], tile: &mut Tile) {
    let products = dotprod_products::<ROWS>(panel.0, |step, row| word(rows, step, row));
    write_distances(&products, panel.1, norms, tile);
}

#[target_feature(enable = "neon")]
fn neon_tile(panel: Panel<'_>, rows: &[[u8; LENGTH]], norms: &[u32], tile: &mut Tile) {
    let parts = rows.chunks(FEWER_ROWS).zip(norms.chunks(FEWER_ROWS));
    for ((rows, norms), tile) in parts.zip(tile.chunks_mut(FEWER_ROWS)) {
        let products = neon_products::<FEWER_ROWS>(panel.0, |step, row| word(rows, step, row));
        write_distances(&products, panel.1, norms, tile);
    }
}

/// |a − b|² = |a|² + |b|² − 2 a·b, wrapping at 2³².
#[inline]
#[target_feature(enable = "neon")]
fn write_distances<const R: usize>(
    products: &[[uint32x4_t; QUARTERS]; R],
    column: &Line,
    norms: &[u32],
    tile: &mut [Line],
) {
    for ((products, &norm), line) in products.iter().zip(norms).zip(tile) {
        for quarter in 0..QUARTERS {
            let both = vaddq_u32(load(column, quarter), vdupq_n_u32(norm));
            let distances = vsubq_u32(both, vshlq_n_u32::<1>(products[quarter]));
            store(line, quarter, distances);
        }
    }
}

fn write_norms(rows: &[[u8; LENGTH]], norms: &mut Vec<u32>) {
    norms.clear();
    let norm = |row: &[u8; LENGTH]| {
        row.iter()
            .map(|&b| u32::from(b) * u32::from(b))
            .sum::<u32>()
    };
    norms.extend(rows.iter().map(norm));
}

/// Compares the result features `first ..`, whose descriptors are given beside, with `queries`, whose
/// panels are `panels`, and offers each to the other. Panics without NEON, or where `found` has no
/// room for one of them.
pub(super) fn compare(
    simd: Simd,
    panels: &Panels,
    queries: &[u32],
    (first, rows): (u32, &[[u8; LENGTH]]),
    found: Found<'_>,
) {
    write_norms(rows, found.room);
    let norms: &[u32] = found.room;
    let mut tile = [Line::ZERO; ROWS];
    for (number, queries) in queries.chunks(LANES).enumerate() {
        let [panel] = panels.some::<1>(number);
        let mut near = Near::none();
        for (part, at) in rows.chunks(ROWS).zip((0..).step_by(ROWS)) {
            measure(simd, panel, part, &norms[at..at + part.len()], &mut tile);
            for (distances, row) in tile[..part.len()].iter_mut().zip(at..) {
                distances.0[queries.len()..].fill(u32::MAX);
                near.offer(distances, first + row as u32);
                let least = distances.0.iter().fold(u32::MAX, |a, &b| a.min(b));
                // Of equal distances the first stays: panels and lanes ascend.
                if least <= found.distances[row]
                    && let Some(lane) = distances.0.iter().position(|&d| d == least)
                    && let Some(&query) = queries.get(lane)
                {
                    let nearest = (found.distances[row], found.queries[row]).min((least, query));
                    (found.distances[row], found.queries[row]) = nearest;
                }
            }
        }
        for (lane, &query) in queries.iter().enumerate() {
            let nearest = (near.distances.0[lane], near.rows.0[lane]);
            found.forward[query as usize].offer_best(nearest, near.seconds.0[lane]);
        }
    }
}

/// The nearest row of each lane, and the second nearest distance.
struct Near {
    distances: Line,
    rows: Line,
    seconds: Line,
}

impl Near {
    fn none() -> Self {
        Self {
            distances: Line::FAR,
            rows: Line::FAR,
            seconds: Line::FAR,
        }
    }

    /// Of equal distances the first stays: rows ascend.
    #[inline(always)]
    fn offer(&mut self, distances: &Line, row: u32) {
        for lane in 0..LANES {
            let (new, best) = (distances.0[lane], self.distances.0[lane]);
            self.seconds.0[lane] = self.seconds.0[lane].min(best.max(new));
            self.rows.0[lane] = if new < best { row } else { self.rows.0[lane] };
            self.distances.0[lane] = best.min(new);
        }
    }
}

/// Offers `rows`, numbered from `first`, to the columns of `panels`. Each column has a list of its
/// `n` nearest in `nearest`. Panics without NEON, or where there are fewer columns than lists.
pub(super) fn nearest(
    simd: Simd,
    panels: &Panels,
    rows: &[[u8; LENGTH]],
    first: u32,
    n: usize,
    nearest: &mut [(u32, u32)],
) {
    let mut norms = Vec::new();
    write_norms(rows, &mut norms);
    let mut tile = [Line::ZERO; ROWS];
    for (number, lists) in nearest.chunks_mut(LANES * n).enumerate() {
        let [panel] = panels.some::<1>(number);
        // The largest distance that each lane still accepts.
        let mut limits = Line::ZERO;
        for (limit, list) in limits.0.iter_mut().zip(lists.chunks_exact(n)) {
            *limit = list[n - 1].0;
        }
        for (part, at) in rows.chunks(ROWS).zip((0..).step_by(ROWS)) {
            measure(simd, panel, part, &norms[at..at + part.len()], &mut tile);
            for (distances, number) in tile[..part.len()].iter().zip(first + at as u32..) {
                let accepted = distances.0.iter().zip(&limits.0);
                // Few distances are accepted.
                if accepted.fold(false, |any, (d, limit)| any | (d <= limit)) {
                    take(distances, number, n, &mut limits, lists);
                }
            }
        }
    }
}

/// Offers a row to the lanes that accept it.
fn take(distances: &Line, row: u32, n: usize, limits: &mut Line, lists: &mut [(u32, u32)]) {
    let lanes = distances.0.iter().zip(&mut limits.0);
    for ((&distance, limit), list) in lanes.zip(lists.chunks_exact_mut(n)) {
        if distance <= *limit {
            keep_nearest(list, (distance, row));
            *limit = list[n - 1].0;
        }
    }
}
