//! Query features that are compared with the same runs of result features, packed once for many
//! results.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::neighbours::{Forward, keep_nearest};
use super::panels::{LANES, Line};
use crate::dispatch::Simd;
use crate::distance::squared_distances_on;

/// Some of the query's features, with their descriptors.
///
/// Descriptors of 128 bytes are also stored in panels of sixteen, where the processor has
/// instructions for them: |a − b|² = |a|² + |b|² − 2 a·b, and the terms of b stay the same for all
/// results.
#[derive(Clone, Debug, Default)]
pub struct PackedQueries {
    queries: Vec<u32>,
    rows: Vec<u8>,
    dimension: usize,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    panels: Option<Panels>,
}

/// Descriptors in groups of sixteen: a line holds the same four bytes of all sixteen. Lanes beyond
/// the last descriptor hold zeros and are ignored.
#[derive(Clone, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
struct Panels {
    /// [`STEPS`] lines for each panel.
    lines: Vec<Line>,
    /// For each panel |b|² − 256 Σb of its descriptors, wrapping at 2³².
    columns: Vec<Line>,
}

/// Bytes of the descriptors that are packed.
const LENGTH: usize = 128;
/// Words of a packed descriptor.
const STEPS: usize = LENGTH / 4;

/// Nearest neighbours between a run of result features and packed queries.
#[derive(Clone, Debug, Default)]
pub(super) struct RunNearest {
    /// For each packed query, its nearest neighbours in the run.
    pub(super) forward: Vec<Forward>,
    /// For each result feature, the least distance and the position of that packed query.
    pub(super) backward: Vec<(u32, u32)>,
    distances: Vec<u32>,
}

impl PackedQueries {
    /// Stands for a missing neighbour in the result of [`PackedQueries::nearest`].
    pub const NONE: (u32, u32) = (u32::MAX, u32::MAX);

    /// Packs the query features `queries`, ascending, whose descriptors of `dimension` bytes are
    /// stored end to end in `rows`.
    ///
    /// # Panics
    /// When the lengths do not agree, or `dimension` is 0 and there are queries.
    pub fn new(queries: Vec<u32>, rows: Vec<u8>, dimension: usize) -> Self {
        assert_eq!(queries.len() * dimension, rows.len(), "queries and rows");
        assert!(
            dimension > 0 || queries.is_empty(),
            "descriptors without bytes"
        );
        debug_assert!(queries.is_sorted());
        let panels = (dimension == LENGTH && has_panels(Simd::widest()) && !queries.is_empty())
            .then(|| Panels::of(rows.as_chunks().0));
        Self {
            queries,
            rows,
            dimension,
            panels,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Indices into the query's features.
    pub fn queries(&self) -> &[u32] {
        &self.queries
    }

    /// Their descriptors, end to end.
    pub fn rows(&self) -> &[u8] {
        &self.rows
    }

    /// Bytes of a descriptor.
    pub(super) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The `n` nearest of the descriptors in `rows`, for each packed query: squared distance and
    /// number, ascending. Descriptors are stored end to end and numbered from `first`. The result
    /// has `n` entries for each query, one query after the other; [`PackedQueries::NONE`] stands
    /// for missing ones.
    ///
    /// # Panics
    /// When `n` is 0, or the length of `rows` is no multiple of the packed descriptors' length.
    pub fn nearest(&self, first: u32, rows: &[u8], n: usize) -> Vec<(u32, u32)> {
        self.nearest_on(Simd::widest(), first, rows, n)
    }

    /// As [`Self::nearest`], with the instructions of `simd`.
    pub(super) fn nearest_on(
        &self,
        simd: Simd,
        first: u32,
        rows: &[u8],
        n: usize,
    ) -> Vec<(u32, u32)> {
        assert!(n > 0, "the nearest none");
        let mut nearest = vec![Self::NONE; self.queries.len() * n];
        if self.is_empty() {
            return nearest;
        }
        assert!(
            rows.len().is_multiple_of(self.dimension),
            "{} bytes of descriptors of {}",
            rows.len(),
            self.dimension
        );
        #[cfg(target_arch = "x86_64")]
        if let Some(panels) = self.panels.as_ref().filter(|_| has_panels(simd)) {
            x86::nearest(simd, panels, rows.as_chunks().0, first, n, &mut nearest);
            return nearest;
        }
        let mut distances = Vec::new();
        let own = self.rows.chunks_exact(self.dimension);
        for (row, nearest) in own.zip(nearest.chunks_exact_mut(n)) {
            squared_distances_on(simd, row, rows, &mut distances);
            for (&distance, number) in distances.iter().zip(first..) {
                if distance <= nearest[n - 1].0 {
                    keep_nearest(nearest, (distance, number));
                }
            }
        }
        nearest
    }

    /// Compares the packed queries with the result features `first ..`, whose descriptors are
    /// stored end to end in `rows`. Overwrites `found`.
    pub(super) fn compare(&self, simd: Simd, first: u32, rows: &[u8], found: &mut RunNearest) {
        found.forward.clear();
        found.forward.resize(self.queries.len(), Forward::NONE);
        found.backward.clear();
        if self.is_empty() {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(panels) = self.panels.as_ref().filter(|_| has_panels(simd)) {
            let rows = rows.as_chunks().0;
            found.backward.resize(rows.len(), Self::NONE);
            x86::compare(
                simd,
                panels,
                rows,
                first,
                &mut found.forward,
                &mut found.backward,
            );
            return;
        }
        for (row, result) in rows.chunks_exact(self.dimension).zip(first..) {
            squared_distances_on(simd, row, &self.rows, &mut found.distances);
            let distances = found.distances.iter().copied();
            for (forward, d) in found.forward.iter_mut().zip(distances.clone()) {
                if d <= forward.second {
                    forward.offer(d, result);
                }
            }
            found.backward.extend(distances.zip(0..).min());
        }
    }
}

/// Whether there is a kernel for panels with these instructions.
#[cfg(target_arch = "x86_64")]
fn has_panels(simd: Simd) -> bool {
    simd.level() == crate::dispatch::Level::Avx512
}

#[cfg(not(target_arch = "x86_64"))]
fn has_panels(_: Simd) -> bool {
    false
}

impl Panels {
    fn of(rows: &[[u8; LENGTH]]) -> Self {
        let count = rows.len().div_ceil(LANES);
        let mut lines = vec![Line::ZERO; count * STEPS];
        let mut columns = vec![Line::ZERO; count];
        let panels = lines.chunks_exact_mut(STEPS).zip(&mut columns);
        for ((lines, column), rows) in panels.zip(rows.chunks(LANES)) {
            for (lane, row) in rows.iter().enumerate() {
                let (mut norm, mut sum) = (0u32, 0u32);
                for &b in row {
                    norm += u32::from(b) * u32::from(b);
                    sum += u32::from(b);
                }
                column.0[lane] = norm.wrapping_sub(256 * sum);
                for (line, bytes) in lines.iter_mut().zip(row.as_chunks().0) {
                    line.0[lane] = u32::from_le_bytes(*bytes);
                }
            }
        }
        Self { lines, columns }
    }
}
