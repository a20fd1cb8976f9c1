//! The innermost loop of comparing all features with all: a blocked matrix product with the
//! selection in its registers.
//!
//! |a − b|² = |a|² + |b|² − 2 a·b. The result's descriptors are packed in panels of sixteen: the
//! same few bytes of all sixteen stand in one [`Line`], so a lane of an accumulator is a result
//! feature, and minima over query features need no shuffles. A block of query features meets one
//! panel after the other.
//!
//! A finished product becomes one key of 32 bits, `(distance << bits) + panel + query`, where
//! `panel` and `query` count from the start of the chunk and stay below `2^bits`. For one query
//! feature the keys order by distance, then panel; in one column by distance, then query. So
//! minima of keys choose exactly, ties included, and the index costs nothing. How many bits are
//! free follows from the norms: |a − b|² ≤ |a|² + |b|² for bytes, which are not negative.
//!
//! All arithmetic wraps at 2³²; the key does not, whatever its parts do.

#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::dispatch::{Level, Simd};

/// Result features in a panel.
pub(super) const LANES: usize = 16;
/// Most query features in a block.
pub(super) const MOST_QUERIES: usize = 12;

/// One value for each feature of a panel.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u32; LANES]);

impl Line {
    pub(super) const ZERO: Self = Self([0; LANES]);
    pub(super) const FAR: Self = Self([u32::MAX; LANES]);
}

/// How bytes stand in the words of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Two bytes, each widened to 16 bits.
    Pairs,
    /// Four bytes; those of the query less 128, as signed bytes.
    Fours,
}

impl Packing {
    /// Bytes in one word.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Fours => 4,
        }
    }

    /// The word of at most `bytes()` bytes; what is missing counts as zero.
    #[inline(always)]
    pub(super) fn word(self, bytes: &[u8]) -> u32 {
        let mut all = [0; 4];
        all[..bytes.len()].copy_from_slice(bytes);
        match self {
            Self::Pairs => u32::from(all[0]) | u32::from(all[1]) << 16,
            Self::Fours => u32::from_le_bytes(all),
        }
    }

    /// Subtracts 128 from each byte of a query's word where the kernel wants signed bytes.
    pub(super) fn shift(self) -> u32 {
        match self {
            Self::Pairs => 0,
            Self::Fours => 0x8080_8080,
        }
    }
}

/// What a kernel works on: one block of query features and one chunk of panels.
pub(super) struct Block<'a> {
    /// The block's words: `steps` times one for each query feature.
    pub(super) query: &'a [u32],
    /// For each query feature, what its keys have more than the columns say.
    pub(super) rows: &'a [u32; MOST_QUERIES],
    /// The chunk's panels, `steps` lines each.
    pub(super) panels: &'a [Line],
    /// For each panel, what the keys have of its columns.
    pub(super) columns: &'a [Line],
    /// Words of one descriptor.
    pub(super) steps: usize,
    /// Twice a product is taken off the distance, so products are shifted one more than `bits`.
    pub(super) shift: u32,
    /// For each query feature, the smallest and second smallest key of each lane.
    pub(super) nearest: &'a mut [[Line; 2]; MOST_QUERIES],
    /// For each panel, the smallest key of each column.
    pub(super) backward: &'a mut [Line],
}

/// Query features a block, panels a tile, packing and code of one instruction set.
pub(super) struct Kernel {
    pub(super) queries: usize,
    pub(super) panels: usize,
    pub(super) packing: Packing,
    pub(super) run: fn(Simd, Block<'_>),
}

impl Kernel {
    /// The kernel of these instructions.
    pub(super) fn of(simd: Simd) -> Self {
        match simd.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self {
                queries: x86::AVX512_QUERIES,
                panels: 2,
                packing: Packing::Fours,
                run: x86::avx512,
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Self {
                queries: x86::AVX2_QUERIES,
                panels: 1,
                packing: Packing::Pairs,
                run: x86::avx2,
            },
            Level::Baseline => Self {
                queries: PLAIN_QUERIES,
                panels: 1,
                packing: Packing::Pairs,
                run: plain,
            },
        }
    }
}

/// Query features in a block of the plain kernel.
const PLAIN_QUERIES: usize = 2;

/// The kernel in plain Rust: what the others must equal.
fn plain(_: Simd, block: Block<'_>) {
    let panels = block.panels.chunks_exact(block.steps);
    for ((panel, columns), backward) in panels.zip(block.columns).zip(block.backward) {
        let mut sums = [[0u32; LANES]; PLAIN_QUERIES];
        for (line, query) in panel.iter().zip(block.query.chunks_exact(PLAIN_QUERIES)) {
            for (sums, &q) in sums.iter_mut().zip(query) {
                let (q0, q1) = (q & 255, q >> 16 & 255);
                for (sum, &w) in sums.iter_mut().zip(&line.0) {
                    // The masks tell the compiler that 16-bit multipliers are enough.
                    *sum += (w & 255) * q0 + (w >> 16 & 255) * q1;
                }
            }
        }
        for ((sums, row), [best, second]) in sums.iter().zip(block.rows).zip(&mut *block.nearest) {
            let lanes = sums.iter().zip(&columns.0).zip(&mut best.0);
            let lanes = lanes.zip(&mut second.0).zip(&mut backward.0);
            for ((((sum, column), best), second), backward) in lanes {
                let key = column.wrapping_sub(sum << block.shift).wrapping_add(*row);
                *second = (*second).min((*best).max(key));
                *best = (*best).min(key);
                *backward = (*backward).min(key);
            }
        }
    }
}
