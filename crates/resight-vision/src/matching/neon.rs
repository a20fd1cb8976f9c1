//! The blocked product of [`panels`](super::panels) with NEON instructions. Its twin in plain Rust is
//! `panels::plain`.

#![allow(unsafe_code)]
// Loops over queries and quarters by number: closures of iterators are not compiled for these
// instructions.
#![allow(clippy::needless_range_loop)]

use std::arch::aarch64::*;

use super::panels::{Block, LANES, Line};
use crate::dispatch::{Level, Simd};
use crate::neon::udot;

/// Query features in a block, each with a sum for every quarter of a line.
pub(super) const DOTPROD_QUERIES: usize = 5;
/// Query features in a block, each with two sums for every quarter of a line.
pub(super) const NEON_QUERIES: usize = 3;

/// Registers of a line.
pub(super) const QUARTERS: usize = 4;

/// Runs the kernel for products of four bytes; panics without them.
pub(super) fn dotprod(simd: Simd, block: Block<'_>) {
    assert!(simd.level() >= Level::Dotprod);
    // SAFETY: a `Simd` of this level exists only where the processor has the feature.
    unsafe { dotprod_block(block) }
}

/// Runs the NEON kernel; panics without NEON.
pub(super) fn neon(simd: Simd, block: Block<'_>) {
    assert!(simd.level() >= Level::Neon);
    // SAFETY: a `Simd` of this level exists only where the processor has NEON.
    unsafe { neon_block(block) }
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load(line: &Line, quarter: usize) -> uint32x4_t {
    let lanes = &line.0[quarter * (LANES / QUARTERS)..][..LANES / QUARTERS];
    // SAFETY: the slice is 16 readable bytes.
    unsafe { vld1q_u32(lanes.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn store(line: &mut Line, quarter: usize, v: uint32x4_t) {
    let lanes = &mut line.0[quarter * (LANES / QUARTERS)..][..LANES / QUARTERS];
    // SAFETY: the slice is 16 writable bytes.
    unsafe { vst1q_u32(lanes.as_mut_ptr(), v) }
}

/// The products of the lanes of `lines` with `Q` rows, of which `word` gives four bytes: those at a
/// step of a row.
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(super) fn dotprod_products<const Q: usize>(
    lines: &[Line],
    word: impl Fn(usize, usize) -> u32,
) -> [[uint32x4_t; QUARTERS]; Q] {
    let mut sums = [[vdupq_n_u32(0); QUARTERS]; Q];
    for (step, line) in lines.iter().enumerate() {
        for i in 0..Q {
            let row = vreinterpretq_u8_u32(vdupq_n_u32(word(step, i)));
            for quarter in 0..QUARTERS {
                let bytes = vreinterpretq_u8_u32(load(line, quarter));
                sums[i][quarter] = udot(sums[i][quarter], bytes, row);
            }
        }
    }
    sums
}

/// As [`dotprod_products`], on every processor.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn neon_products<const Q: usize>(
    lines: &[Line],
    word: impl Fn(usize, usize) -> u32,
) -> [[uint32x4_t; QUARTERS]; Q] {
    // The products of a lane are added two by two; its two sums join at the end.
    let mut lower = [[vdupq_n_u32(0); QUARTERS]; Q];
    let mut upper = [[vdupq_n_u32(0); QUARTERS]; Q];
    for (step, line) in lines.iter().enumerate() {
        for i in 0..Q {
            let row = vreinterpretq_u8_u32(vdupq_n_u32(word(step, i)));
            for quarter in 0..QUARTERS {
                let bytes = vreinterpretq_u8_u32(load(line, quarter));
                let products = vmull_u8(vget_low_u8(bytes), vget_low_u8(row));
                lower[i][quarter] = vpadalq_u16(lower[i][quarter], products);
                let products = vmull_high_u8(bytes, row);
                upper[i][quarter] = vpadalq_u16(upper[i][quarter], products);
            }
        }
    }
    for i in 0..Q {
        for quarter in 0..QUARTERS {
            lower[i][quarter] = vpaddq_u32(lower[i][quarter], upper[i][quarter]);
        }
    }
    lower
}

#[target_feature(enable = "neon,dotprod")]
fn dotprod_block(mut block: Block<'_>) {
    const Q: usize = DOTPROD_QUERIES;
    let (words, _) = block.query.as_chunks::<Q>();
    for (number, panel) in block.panels.chunks_exact(block.steps).enumerate() {
        let sums = dotprod_products::<Q>(panel, |step, i| words[step][i]);
        offer(&sums, number, &mut block);
    }
}

#[target_feature(enable = "neon")]
fn neon_block(mut block: Block<'_>) {
    const Q: usize = NEON_QUERIES;
    let (words, _) = block.query.as_chunks::<Q>();
    for (number, panel) in block.panels.chunks_exact(block.steps).enumerate() {
        let sums = neon_products::<Q>(panel, |step, i| words[step][i]);
        offer(&sums, number, &mut block);
    }
}

/// Makes keys of the products with panel `number`, and keeps the smallest.
#[inline]
#[target_feature(enable = "neon")]
fn offer<const Q: usize>(sums: &[[uint32x4_t; QUARTERS]; Q], number: usize, block: &mut Block<'_>) {
    let shift = vdupq_n_s32(block.shift as i32);
    for quarter in 0..QUARTERS {
        let column = load(&block.columns[number], quarter);
        let mut back = load(&block.backward[number], quarter);
        for i in 0..Q {
            let product = vshlq_u32(sums[i][quarter], shift);
            let key = vaddq_u32(vsubq_u32(column, product), vdupq_n_u32(block.rows[i]));
            let [nearest, next] = &mut block.nearest[i];
            let (best, second) = (load(nearest, quarter), load(next, quarter));
            store(next, quarter, vminq_u32(second, vmaxq_u32(best, key)));
            store(nearest, quarter, vminq_u32(best, key));
            back = vminq_u32(back, key);
        }
        store(&mut block.backward[number], quarter, back);
    }
}
