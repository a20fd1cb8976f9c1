//! Inner products with NEON instructions; the twins in plain Rust are `all_body` and `some_body` of
//! the parent.
//!
//! NEON multiplies bytes of one sign: q·r = q·(r − 128) + 128 q, where r − 128 is a signed byte.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::row;
use crate::dispatch::{Level, Simd};
use crate::neon::{load, sdot};

/// Appends the products; panics without NEON.
pub(super) fn all(simd: Simd, query: &[i8], rows: &[u8], out: &mut Vec<i32>) {
    let rows = rows.chunks_exact(query.len());
    append(simd, query, rows, out);
}

/// Appends the products; panics without NEON.
pub(super) fn some(simd: Simd, query: &[i8], rows: &[u8], numbers: &[u32], out: &mut Vec<i32>) {
    let rows = numbers.iter().map(|&n| row(rows, query.len(), n));
    append(simd, query, rows, out);
}

#[inline]
fn append<'a>(
    simd: Simd,
    query: &[i8],
    rows: impl ExactSizeIterator<Item = &'a [u8]>,
    out: &mut Vec<i32>,
) {
    assert!(simd.level() >= Level::Neon);
    let has_dotprod = simd.level() >= Level::Dotprod;
    let (parts, _) = query.as_chunks::<16>();
    let shift = 128
        * parts
            .as_flattened()
            .iter()
            .map(|&q| i32::from(q))
            .sum::<i32>();
    out.reserve(rows.len());
    for row in rows {
        // A row that is not there has the product 0.
        let product = if row.is_empty() {
            0
        } else if has_dotprod {
            // SAFETY: a `Simd` of this level exists only where the processor has the feature.
            unsafe { dotprod_product(query, row) }.wrapping_add(shift)
        } else {
            // SAFETY: a `Simd` of this level exists only where the processor has NEON.
            unsafe { neon_product(query, row) }.wrapping_add(shift)
        };
        out.push(product);
    }
}

/// A register of the query, and one of the row less 128.
#[inline]
#[target_feature(enable = "neon")]
fn load_both(query: &[i8; 16], bytes: &[u8; 16]) -> (int8x16_t, int8x16_t) {
    let row = veorq_u8(load(bytes), vdupq_n_u8(128));
    // SAFETY: 16 readable bytes; no alignment is required.
    let query = unsafe { vld1q_s8(query.as_ptr()) };
    (query, vreinterpretq_s8_u8(row))
}

/// The products of what fills no register.
#[inline(always)]
fn rest(query: &[i8], row: &[u8]) -> i32 {
    let both = query.iter().zip(row);
    both.map(|(&q, &r)| i32::from(q) * i32::from(r)).sum()
}

#[target_feature(enable = "neon")]
fn neon_product(query: &[i8], row: &[u8]) -> i32 {
    let (queries, query_rest) = query.as_chunks::<16>();
    let (rows, row_rest) = row.as_chunks::<16>();
    let (mut lower, mut upper) = (vdupq_n_s32(0), vdupq_n_s32(0));
    for (query, bytes) in queries.iter().zip(rows) {
        let (q, r) = load_both(query, bytes);
        // A product is at most 128 · 128, which 16 bits hold.
        lower = vpadalq_s16(lower, vmull_s8(vget_low_s8(q), vget_low_s8(r)));
        upper = vpadalq_s16(upper, vmull_high_s8(q, r));
    }
    vaddvq_s32(vaddq_s32(lower, upper)).wrapping_add(rest(query_rest, row_rest))
}

#[target_feature(enable = "neon,dotprod")]
fn dotprod_product(query: &[i8], row: &[u8]) -> i32 {
    let (queries, query_rest) = query.as_chunks::<16>();
    let (rows, row_rest) = row.as_chunks::<16>();
    let mut sums = [vdupq_n_s32(0); 2];
    for (i, (query, bytes)) in queries.iter().zip(rows).enumerate() {
        let (q, r) = load_both(query, bytes);
        sums[i % 2] = sdot(sums[i % 2], q, r);
    }
    vaddvq_s32(vaddq_s32(sums[0], sums[1])).wrapping_add(rest(query_rest, row_rest))
}
