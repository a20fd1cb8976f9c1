//! Exact search: every code is looked at, and those whose vectors may be among the best are given.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::Range;

use resight_vision::inner_products;

use super::code::QueryCode;
use super::vectors::Vectors;

/// Vectors that one task looks at.
pub(super) const TOGETHER: usize = 1 << 13;
/// Rows that are multiplied at once; they stay in the first-level cache for both parts of a query.
const ROWS: usize = 32;

/// What one task found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Vectors, and what their cosine is at most.
    pub(super) candidates: Vec<(f64, u32)>,
    /// Of those with the highest, what their cosine is at least.
    pub(super) at_least: Vec<f64>,
}

/// Ordered by `total_cmp`.
#[derive(Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Looks at the vectors of `range`. All that may be among the `k` best of those that `counts`
/// accepts are in what is given.
pub(super) fn scan(
    vectors: &Vectors,
    range: Range<usize>,
    query: &QueryCode,
    k: usize,
    counts: &dyn Fn(u32) -> bool,
) -> Found {
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
            // Not "below": a cosine that is no number is not left out.
            if cosine + margin < threshold || !counts(number) {
                continue;
            }
            candidates.push((cosine + margin, number));
            best.push(Reverse(Bound(cosine - margin)));
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
    Found {
        candidates,
        at_least: best.into_iter().map(|b| b.0.0).collect(),
    }
}
