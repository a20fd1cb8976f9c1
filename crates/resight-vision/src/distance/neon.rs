//! Distances of 128-byte descriptors with NEON instructions; the twin in plain Rust is `plain_body`
//! of the parent.

#![allow(unsafe_code)]

use std::arch::aarch64::*;

use crate::dispatch::{Level, Simd};
use crate::neon::{load, udot};

/// The only length served here: SIFT's.
pub(super) const LENGTH: usize = 128;

/// Registers of a descriptor.
const PARTS: usize = LENGTH / 16;

/// Appends the distances; panics without NEON.
pub(super) fn neon(simd: Simd, query: &[u8; LENGTH], rows: &[u8], out: &mut Vec<u32>) {
    assert!(simd.level() >= Level::Neon);
    // SAFETY: a `Simd` of this level exists only where the processor has NEON.
    unsafe { neon_rows(query, rows, out) }
}

/// Appends the distances; panics without the products of four bytes.
pub(super) fn dotprod(simd: Simd, query: &[u8; LENGTH], rows: &[u8], out: &mut Vec<u32>) {
    assert!(simd.level() >= Level::Dotprod);
    // SAFETY: a `Simd` of this level exists only where the processor has the feature.
    unsafe { dotprod_rows(query, rows, out) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_all(bytes: &[u8; LENGTH]) -> [uint8x16_t; PARTS] {
    let mut parts = [vdupq_n_u8(0); PARTS];
    for (part, bytes) in parts.iter_mut().zip(bytes.as_chunks().0) {
        *part = load(bytes);
    }
    parts
}

#[target_feature(enable = "neon")]
fn neon_rows(query: &[u8; LENGTH], rows: &[u8], out: &mut Vec<u32>) {
    let query = load_all(query);
    let (rows, _) = rows.as_chunks::<LENGTH>();
    out.reserve(rows.len());
    for row in rows {
        // Two sums, so that one addition need not wait for the one before it.
        let (mut lower, mut upper) = (vdupq_n_u32(0), vdupq_n_u32(0));
        for (&own, bytes) in query.iter().zip(row.as_chunks().0) {
            let apart = vabdq_u8(own, load(bytes));
            let low = vget_low_u8(apart);
            lower = vpadalq_u16(lower, vmull_u8(low, low));
            upper = vpadalq_u16(upper, vmull_high_u8(apart, apart));
        }
        out.push(vaddvq_u32(vaddq_u32(lower, upper)));
    }
}

#[target_feature(enable = "neon,dotprod")]
fn dotprod_rows(query: &[u8; LENGTH], rows: &[u8], out: &mut Vec<u32>) {
    let query = load_all(query);
    let (rows, _) = rows.as_chunks::<LENGTH>();
    out.reserve(rows.len());
    for row in rows {
        let mut sums = [vdupq_n_u32(0); 2];
        for (i, (&own, bytes)) in query.iter().zip(row.as_chunks().0).enumerate() {
            let apart = vabdq_u8(own, load(bytes));
            sums[i % 2] = udot(sums[i % 2], apart, apart);
        }
        out.push(vaddvq_u32(vaddq_u32(sums[0], sums[1])));
    }
}
