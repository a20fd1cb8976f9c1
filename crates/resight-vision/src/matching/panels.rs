//! The innermost loop of comparing all features with all: a blocked matrix product that selects
//! minima in registers.
//!
//! |a − b|² = |a|² + |b|² − 2 a·b. The result's descriptors are packed in panels of sixteen. One
//! [`Line`] holds the same few bytes of all sixteen, so a lane of an accumulator is a result
//! feature, and minima over query features need no shuffles. A kernel multiplies a block of query
//! features with one panel after the other.
//!
//! Each product becomes one key of 32 bits, `(distance << bits) + panel + query`. `panel` and
//! `query` count from the start of the chunk and stay below `2^bits`. For one query feature the
//! keys order by distance, then panel; in one column by distance, then query. So minima of keys
//! are exact, ties included, and keeping the index costs nothing. The number of free bits follows
//! from the norms: |a − b|² ≤ |a|² + |b|² because bytes are not negative.
//!
//! All arithmetic wraps at 2³². The parts of a key may wrap; their sum does not.

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

/// How the words of a panel store bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Two bytes, each widened to 16 bits.
    Pairs,
    /// Four bytes.
    #[cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]
    Fours,
    /// Four bytes; the query's are signed bytes, 128 less than the descriptor's.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    SignedFours,
}

impl Packing {
    /// Bytes in one word.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Pairs => 2,
            Self::Fours | Self::SignedFours => 4,
        }
    }

    /// The word of at most `bytes()` bytes; missing bytes are zero.
    #[inline(always)]
    pub(super) fn word(self, bytes: &[u8]) -> u32 {
        let mut all = [0; 4];
        all[..bytes.len()].copy_from_slice(bytes);
        match self {
            Self::Pairs => u32::from(all[0]) | u32::from(all[1]) << 16,
            Self::Fours | Self::SignedFours => u32::from_le_bytes(all),
        }
    }

    /// XOR with it subtracts 128 from each byte of a query's word where the kernel needs signed
    /// bytes.
    pub(super) fn shift(self) -> u32 {
        match self {
            Self::Pairs | Self::Fours => 0,
            Self::SignedFours => 0x8080_8080,
        }
    }
}

/// The input and output of a kernel: one block of query features and one chunk of panels.
pub(super) struct Block<'a> {
    /// The block's words: `steps` times one word of each query feature.
    pub(super) query: &'a [u32],
    /// For each query feature, the part of its keys that depends on it.
    pub(super) rows: &'a [u32; MOST_QUERIES],
    /// The chunk's panels, `steps` lines each.
    pub(super) panels: &'a [Line],
    /// For each panel, the part of the keys that depends on its columns.
    pub(super) columns: &'a [Line],
    /// Words of one descriptor.
    pub(super) steps: usize,
    /// How far products are shifted: one more than `bits`, as twice a product is subtracted.
    pub(super) shift: u32,
    /// For each query feature, the smallest and second smallest key of each lane.
    pub(super) nearest: &'a mut [[Line; 2]; MOST_QUERIES],
    /// For each panel, the smallest key of each column.
    pub(super) backward: &'a mut [Line],
}

/// Query features in a block of the plain kernel.
pub(super) const PLAIN_QUERIES: usize = 2;

/// The kernel in plain Rust, whose results the others must equal.
pub(super) fn plain(block: Block<'_>) {
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
