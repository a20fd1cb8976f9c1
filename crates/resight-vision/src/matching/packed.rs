//! Query features that are compared with the same runs of result features, packed once for many
//! results.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::neighbours::{Forward, keep_nearest};
use super::panels::{LANES, Line};
use crate::dispatch::Simd;
use crate::distance::squared_distances_on;

/// Some of the query's features, with their descriptors.
///
/// Descriptors of 128 bytes are also stored in panels of sixteen, where the processor has
/// instructions for them: |a − b|² = |a|² + |b|² − 2 a·b, and the terms of the query stay the same for
/// all results.
#[derive(Clone, Debug, Default)]
pub struct PackedQueries {
    queries: Vec<u32>,
    /// The largest of them.
    last: Option<u32>,
    rows: Vec<u8>,
    dimension: usize,
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(dead_code)
    )]
    panels: Option<Panels>,
}

/// Descriptors in groups of sixteen: a line holds the same four bytes of all sixteen. On x86-64 each is
/// signed and 128 less, see [`FLIP`]. Lanes beyond the last descriptor hold zeros and are ignored.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code)
)]
struct Panels {
    /// [`STEPS`] lines for each panel.
    lines: Vec<Line>,
    /// For each panel the squared lengths of its descriptors.
    columns: Vec<Line>,
}

/// The lines of a panel, and its column.
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code)
)]
type Panel<'a> = (&'a [Line; STEPS], &'a Line);

/// Bytes of the descriptors that are packed.
const LENGTH: usize = 128;
/// Words of a packed descriptor.
const STEPS: usize = LENGTH / 4;
/// What the bytes of panels differ by from those of the descriptors: the multiply-add of x86-64 needs
/// one side signed.
const FLIP: u32 = if cfg!(target_arch = "x86_64") {
    0x8080_8080
} else {
    0
};

/// The nearest neighbours found so far, which a run of result features is offered to.
pub(super) struct Found<'a> {
    /// Of each of the query's features.
    pub(super) forward: &'a mut [Forward],
    /// Of each result feature of the run, the least distance and its query feature.
    pub(super) distances: &'a mut [u32],
    pub(super) queries: &'a mut [u32],
    /// Room for a number of each result feature, or of each packed query.
    pub(super) room: &'a mut Vec<u32>,
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
            last: queries.iter().max().copied(),
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
        #[cfg(target_arch = "aarch64")]
        if let Some(panels) = self.panels.as_ref().filter(|_| has_panels(simd)) {
            neon::nearest(simd, panels, rows.as_chunks().0, first, n, &mut nearest);
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

    /// The largest index of a query's feature among them.
    pub(super) fn last(&self) -> Option<u32> {
        self.last
    }

    /// Compares the packed queries with the result features `first ..`, whose descriptors are
    /// stored end to end in `rows`, and offers each to the other.
    ///
    /// # Panics
    /// When `found` has no room for one of them.
    pub(super) fn compare(&self, simd: Simd, first: u32, rows: &[u8], found: Found<'_>) {
        if self.is_empty() {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(panels) = self.panels.as_ref().filter(|_| has_panels(simd)) {
            x86::compare(simd, panels, self, (first, rows.as_chunks().0), found);
            return;
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(panels) = self.panels.as_ref().filter(|_| has_panels(simd)) {
            neon::compare(
                simd,
                panels,
                &self.queries,
                (first, rows.as_chunks().0),
                found,
            );
            return;
        }
        let nearest = found.distances.iter_mut().zip(found.queries);
        let rows = rows.chunks_exact(self.dimension).zip(first..);
        for ((row, result), (distance, nearest)) in rows.zip(nearest) {
            squared_distances_on(simd, row, &self.rows, found.room);
            for (&d, &query) in found.room.iter().zip(&self.queries) {
                let forward = &mut found.forward[query as usize];
                if d <= forward.second {
                    forward.offer(d, result);
                }
                if (d, query) < (*distance, *nearest) {
                    (*distance, *nearest) = (d, query);
                }
            }
        }
    }
}

/// Whether there is a kernel for panels with these instructions.
#[cfg(target_arch = "x86_64")]
fn has_panels(simd: Simd) -> bool {
    simd.level() == crate::dispatch::Level::Avx512
}

#[cfg(target_arch = "aarch64")]
fn has_panels(simd: Simd) -> bool {
    simd.level() >= crate::dispatch::Level::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
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
                column.0[lane] = row.iter().map(|&b| u32::from(b) * u32::from(b)).sum();
                for (line, bytes) in lines.iter_mut().zip(row.as_chunks().0) {
                    line.0[lane] = u32::from_le_bytes(*bytes) ^ FLIP;
                }
            }
        }
        Self { lines, columns }
    }

    /// The lines and columns of `P` panels from a position on.
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(dead_code)
    )]
    fn some<const P: usize>(&self, first: usize) -> [Panel<'_>; P] {
        let lines = self.lines.as_chunks().0;
        std::array::from_fn(|i| (&lines[first + i], &self.columns[first + i]))
    }
}
