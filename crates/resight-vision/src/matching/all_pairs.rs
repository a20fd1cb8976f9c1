//! Compares all features with all: divides the result into chunks of panels and the query into
//! blocks, and encodes and decodes the keys that the kernels of [`panels`](super::panels) compare.

use std::ops::Range;

use super::kernel::Kernel;
use super::neighbours::{Backward, Forward};
use super::panels::{Block, LANES, Line, MOST_QUERIES, Packing};
use crate::dispatch::{Simd, widest};
use crate::features::Descriptors;

/// With fewer bits for indices, chunks would be too small to be worth packing.
const FEWEST_BITS: u32 = 5;
/// Most panels in a chunk. At 128 bytes a descriptor they take half a megabyte.
const MOST_PANELS: usize = 256;

/// Squared length and sum of a descriptor's bytes.
#[inline(always)]
fn norm_and_sum(bytes: &[u8]) -> (u64, u64) {
    let (mut norm, mut sum) = (0, 0);
    // The sums of one piece fit 32 bits.
    for piece in bytes.chunks(1 << 15) {
        let (mut n, mut s) = (0u32, 0u32);
        for &b in piece {
            n += u32::from(b) * u32::from(b);
            s += u32::from(b);
        }
        norm += u64::from(n);
        sum += u64::from(s);
    }
    (norm, sum)
}

#[inline(always)]
fn norms_body(descriptors: &Descriptors) -> Vec<(u64, u64)> {
    descriptors.iter().map(norm_and_sum).collect()
}

widest! {
    fn norms(descriptors: &Descriptors) -> Vec<(u64, u64)> = norms_body
}

/// Panels of all features, filled up with zeros to a multiple of `multiple` panels.
fn pack_panels(packing: Packing, multiple: usize, descriptors: &Descriptors) -> Vec<Line> {
    let steps = descriptors.dimension().div_ceil(packing.bytes());
    let panels = descriptors.len().div_ceil(LANES).next_multiple_of(multiple);
    let mut lines = vec![Line::ZERO; panels * steps];
    let rows = descriptors.as_bytes();
    let groups = rows.chunks(descriptors.dimension() * LANES);
    for (panel, rows) in lines.chunks_exact_mut(steps).zip(groups) {
        for (lane, row) in rows.chunks_exact(descriptors.dimension()).enumerate() {
            for (line, bytes) in panel.iter_mut().zip(row.chunks(packing.bytes())) {
                line.0[lane] = packing.word(bytes);
            }
        }
    }
    lines
}

/// Offers all pairs to `forward` and `backward`. Returns `false`, and offers nothing, where
/// descriptors are so long that their distances leave no room for indices.
pub(super) fn compare_all(
    simd: Simd,
    query: &Descriptors,
    result: &Descriptors,
    forward: &mut [Forward],
    backward: &mut Backward,
) -> bool {
    if query.is_empty() || result.is_empty() || query.dimension() != result.dimension() {
        return true;
    }
    let Some(plan) = Plan::new(simd, query, result) else {
        return false;
    };
    let room = 1usize << plan.bits;
    let chunk = room.min(MOST_PANELS);
    let rows_a_chunk = room / plan.kernel.queries * plan.kernel.queries;
    let panels = pack_panels(plan.kernel.packing, plan.kernel.panels, result);
    let mut words = vec![0; plan.steps * plan.kernel.queries];
    for (c, panels) in panels.chunks(chunk * plan.steps).enumerate() {
        let first = c * chunk * LANES;
        let columns = plan.columns(first, panels.len() / plan.steps);
        let mut least = vec![Line::FAR; columns.len()];
        for from in (0..query.len()).step_by(rows_a_chunk) {
            let to = query.len().min(from + rows_a_chunk);
            least.fill(Line::FAR);
            for start in (from..to).step_by(plan.kernel.queries) {
                let rows = plan.pack_block(start..to, from, &mut words);
                let mut found = [[Line::FAR; 2]; MOST_QUERIES];
                let block = Block {
                    query: &words,
                    rows: &rows,
                    panels,
                    columns: &columns,
                    steps: plan.steps,
                    shift: plan.bits + 1,
                    nearest: &mut found,
                    backward: &mut least,
                };
                (plan.kernel.run)(simd, block);
                for (i, found) in (start..to).take(plan.kernel.queries).zip(&found) {
                    plan.merge_forward(&mut forward[i], found, first, (i - from) as u32);
                }
            }
            plan.merge_backward(backward, &least, first, from as u32);
        }
    }
    true
}

/// What all chunks and blocks share.
struct Plan<'a> {
    query: &'a Descriptors,
    /// Squared length and sum of each query feature.
    query_norms: Vec<(u64, u64)>,
    /// Squared length and sum of each result feature.
    result_norms: Vec<(u64, u64)>,
    kernel: Kernel,
    /// Words of one descriptor.
    steps: usize,
    /// Low bits of a key, which store its indices.
    bits: u32,
    /// Features that fill up the last block and panel are at least this far from all others. Real
    /// features are nearer.
    far: u32,
}

impl<'a> Plan<'a> {
    /// `None` where a key has fewer than [`FEWEST_BITS`] bits for indices.
    fn new(simd: Simd, query: &'a Descriptors, result: &Descriptors) -> Option<Self> {
        let (query_norms, result_norms) = (norms(simd, query), norms(simd, result));
        let largest = |norms: &[(u64, u64)]| norms.iter().map(|n| n.0).max().unwrap_or(0);
        let bound = largest(&query_norms) + largest(&result_norms);
        // Both features of a pair may be fillers, `bound + 1` each, and the sum of two indices
        // may carry into the distance.
        let most = 2 * (bound + 1) + 2;
        let bits = (u64::from(u32::MAX) / most).checked_ilog2()?;
        if bits < FEWEST_BITS {
            return None;
        }
        let kernel = Kernel::of(simd);
        Some(Self {
            query,
            query_norms,
            result_norms,
            steps: query.dimension().div_ceil(kernel.packing.bytes()),
            kernel,
            bits,
            far: (bound + 1) as u32,
        })
    }

    /// The part of the keys that depends on the result feature, for `count` panels of which the
    /// first starts with result feature `first`.
    fn columns(&self, first: usize, count: usize) -> Vec<Line> {
        let column = |p: usize, lane: usize| {
            let (norm, sum) = match self.result_norms.get(first + p * LANES + lane) {
                Some(&(norm, sum)) => (norm as u32, sum as u32),
                None => (self.far, 0),
            };
            // Products are a·b, or (a − 128)·b.
            let signed = self.kernel.packing.shift() != 0;
            let shifted = if signed { sum << 8 } else { 0 };
            (norm.wrapping_sub(shifted) << self.bits).wrapping_add(p as u32)
        };
        (0..count)
            .map(|p| Line(std::array::from_fn(|lane| column(p, lane))))
            .collect()
    }

    /// Writes the words of one block, as many features of `range` as the kernel takes, and returns
    /// the part of the keys that depends on the query feature. Indices count from `from`.
    fn pack_block(
        &self,
        range: Range<usize>,
        from: usize,
        words: &mut [u32],
    ) -> [u32; MOST_QUERIES] {
        let Kernel {
            queries, packing, ..
        } = self.kernel;
        words.fill(packing.shift());
        let mut rows = [0; MOST_QUERIES];
        for (i, row) in rows[..queries].iter_mut().enumerate() {
            let at = range.start + i;
            let mut norm = self.far;
            if at < range.end {
                norm = self.query_norms[at].0 as u32;
                let bytes = self.query.get(at).chunks(packing.bytes());
                for (word, bytes) in words[i..].iter_mut().step_by(queries).zip(bytes) {
                    *word = packing.word(bytes) ^ packing.shift();
                }
            }
            *row = (norm << self.bits) + (at - from) as u32;
        }
        rows
    }

    /// The distance and one index of a key, given its other index.
    #[inline(always)]
    fn decode(&self, key: u32, other: u32) -> (u32, u32) {
        let key = key.wrapping_sub(other);
        (key >> self.bits, key & ((1 << self.bits) - 1))
    }

    /// Offers the keys of one query feature, whose index in its chunk is `row`.
    #[inline(always)]
    fn merge_forward(&self, forward: &mut Forward, found: &[Line; 2], first: usize, row: u32) {
        for line in found {
            for (lane, &key) in line.0.iter().enumerate() {
                let (distance, panel) = self.decode(key, row);
                if distance < self.far && distance <= forward.second {
                    forward.offer(distance, (first + panel as usize * LANES + lane) as u32);
                }
            }
        }
    }

    /// Offers the keys of the result features from `first` on. The chunk of query features starts
    /// at `from`.
    fn merge_backward(&self, backward: &mut Backward, found: &[Line], first: usize, from: u32) {
        for ((line, p), at) in found.iter().zip(0u32..).zip((first..).step_by(LANES)) {
            let lanes = backward.distances.iter_mut().zip(&mut backward.queries);
            for (&key, (distance, index)) in line.0.iter().zip(lanes.skip(at)) {
                let (near, row) = self.decode(key, p);
                (*distance, *index) = (*distance, *index).min((near, row + from));
            }
        }
    }
}
