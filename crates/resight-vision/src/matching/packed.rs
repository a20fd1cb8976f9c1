//! Query features that look for their match among the same result features, packed once and compared
//! with many results.

use super::Forward;
use super::panels::{LANES, Line};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::dispatch::Simd;
use crate::distance::squared_distances_on;

/// Some of the query's features, with their descriptors.
///
/// SIFT's are kept in panels of sixteen as well, where the processor compares those: |a − b|² =
/// |a|² + |b|² − 2 a·b, and what it needs of b does not change from one result to the next.
#[derive(Clone, Debug, Default)]
pub struct Lookers {
    queries: Vec<u32>,
    rows: Vec<u8>,
    dimension: usize,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    packed: Option<Panels>,
}

/// Descriptors by sixteens: the same four bytes of all of a panel's in one line. What fills up the last
/// panel does not count.
#[derive(Clone, Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct Panels {
    /// [`STEPS`] for each panel.
    pub(super) lines: Vec<Line>,
    /// By panel: |b|² − 256 Σb of each, which wraps.
    pub(super) columns: Vec<Line>,
}

/// Bytes of the descriptors that are packed.
pub(super) const LENGTH: usize = 128;
/// Words of one.
pub(super) const STEPS: usize = LENGTH / 4;

/// What a run of result features and some lookers are to each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// By looker: its nearest in the run.
    pub(super) forward: Vec<Forward>,
    /// By result feature: the least distance, and which looker's it is.
    pub(super) backward: Vec<(u32, u32)>,
    distances: Vec<u32>,
}

impl Lookers {
    /// No descriptor, in what [`Lookers::nearest`] gives.
    pub const NONE: (u32, u32) = (u32::MAX, u32::MAX);

    /// Query features, ascending, whose descriptors of `dimension` bytes stand end to end in `rows`.
    /// Panics when there are not as many, or they have no bytes.
    pub fn new(queries: Vec<u32>, rows: Vec<u8>, dimension: usize) -> Self {
        assert_eq!(queries.len() * dimension, rows.len(), "queries and rows");
        assert!(
            dimension > 0 || queries.is_empty(),
            "descriptors without bytes"
        );
        debug_assert!(queries.is_sorted());
        let packed = (dimension == LENGTH && reads_panels(Simd::widest()) && !queries.is_empty())
            .then(|| Panels::of(rows.as_chunks().0));
        Self {
            queries,
            rows,
            dimension,
            packed,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Which features of the query.
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

    /// Of the descriptors that stand end to end in `rows`, numbered from `first`, the `n` nearest to each
    /// looker: squared distance and number, ascending, `n` for each looker one after the other. Where there
    /// are fewer, [`Lookers::NONE`] stands for the rest. Panics when `n` is 0 or `rows` are no whole
    /// descriptors of the lookers' length.
    pub fn nearest(&self, first: u32, rows: &[u8], n: usize) -> Vec<(u32, u32)> {
        self.nearest_on(Simd::widest(), first, rows, n)
    }

    /// The same with the instructions of `simd`.
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
        if let Some(panels) = self.packed.as_ref().filter(|_| reads_panels(simd)) {
            x86::few(simd, panels, rows.as_chunks().0, first, n, &mut nearest);
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

    /// Compares them with the result features `first ..`, whose descriptors stand end to end in `rows`.
    pub(super) fn compare(&self, simd: Simd, first: u32, rows: &[u8], found: &mut Found) {
        found.forward.clear();
        found.forward.resize(self.queries.len(), Forward::NONE);
        found.backward.clear();
        if self.is_empty() {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(panels) = self.packed.as_ref().filter(|_| reads_panels(simd)) {
            let rows = rows.as_chunks().0;
            found.backward.resize(rows.len(), (u32::MAX, u32::MAX));
            x86::lookers(
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

/// Puts what is nearer than the last of a list, which ascends, in its place there, and the last falls out.
#[inline]
pub fn keep_nearest(list: &mut [(u32, u32)], new: (u32, u32)) {
    let mut at = list.len();
    while at > 0 && new < list[at - 1] {
        at -= 1;
    }
    if at < list.len() {
        list[at..].rotate_right(1);
        list[at] = new;
    }
}

/// Whether these instructions compare panels.
#[cfg(target_arch = "x86_64")]
fn reads_panels(simd: Simd) -> bool {
    simd.level() == crate::dispatch::Level::Avx512
}

#[cfg(not(target_arch = "x86_64"))]
fn reads_panels(_: Simd) -> bool {
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
