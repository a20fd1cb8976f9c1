//! Exact search: scans every code and returns the vectors that may be among the best.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

use resight_vision::inner_products;

use super::code::QueryCode;
use super::vectors::Vectors;

/// Vectors that one task scans.
pub(super) const SCAN_LENGTH: usize = 1 << 13;
/// Rows that are multiplied together; they stay in the first-level cache for both parts of a query.
const ROWS: usize = 32;

/// Bounds of cosines that one task found.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Upper bounds of cosines, with the vectors that may be among the best.
    pub(super) candidates: Vec<(f64, u32)>,
    /// The highest lower bounds of cosines.
    pub(super) at_least: Vec<f64>,
}

/// A number ordered by `total_cmp`.
#[derive(Clone, Copy, PartialEq)]
struct Total(f64);

impl Eq for Total {}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Total {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Scans the vectors of `range`. All that may be among the `k` best of those that `counts` accepts are
/// candidates.
pub(super) fn scan(
    vectors: &Vectors,
    range: Range<usize>,
    query: &QueryCode,
    k: usize,
    counts: &dyn Fn(u32) -> bool,
) -> Bounds {
    let dimension = vectors.dimension();
    let mut best = BinaryHeap::with_capacity(k.min(range.len()) + 1);
    let mut candidates: Vec<(f64, u32)> = Vec::new();
    let (mut high, mut low) = (Vec::new(), Vec::new());
    let mut threshold = f64::NEG_INFINITY;
    for start in range.clone().step_by(ROWS) {
        let end = (start + ROWS).min(range.end);
        let rows = &vectors.codes()[start * dimension..end * dimension];
        inner_products(&query.high, rows, &mut high);
        inner_products(&query.low, rows, &mut low);
        let missed = &vectors.missed()[start..end];
        let products = high.iter().zip(&low).zip(missed).zip(start as u32..);
        for (((&high, &low), &missed), number) in products {
            let (cosine, margin) = (
                query.cosine(high, low, vectors.step()),
                query.margin(missed),
            );
            // False for NaN: a cosine that is no number is not left out.
            if cosine + margin < threshold || !counts(number) {
                continue;
            }
            candidates.push((cosine + margin, number));
            best.push(Reverse(Total(cosine - margin)));
            if best.len() > k {
                best.pop();
            }
            if best.len() == k
                && let Some(Reverse(least)) = best.peek()
            {
                threshold = least.0;
            }
        }
    }
    candidates.retain(|c| c.0 >= threshold);
    Bounds {
        candidates,
        at_least: best.into_iter().map(|b| b.0.0).collect(),
    }
}
