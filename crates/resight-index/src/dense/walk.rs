//! Best-first search along the edges of a graph.

use std::cell::RefCell;

use resight_vision::inner_products_of;

/// A vector that a walk visited, and the inner product of its code with the query's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub(super) product: i32,
    pub(super) number: u32,
    expanded: bool,
}

/// Buffers of a walk, reused by the next one.
#[derive(Debug, Default)]
pub(super) struct WalkBuffers {
    visited: Vec<u64>,
    /// Positions in `visited` that are not 0.
    touched: Vec<u32>,
    /// The best so far, best first; ties by number.
    nearest: Vec<Near>,
    fresh: Vec<u32>,
    products: Vec<i32>,
}

thread_local! {
    static WALK: RefCell<WalkBuffers> = RefCell::default();
}

/// Codes end to end.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: usize,
}

/// Walks from `entries` along `neighbours`, and calls `then` with the `breadth` visited vectors nearest
/// to `query`, best first. The walk ends when the neighbours of all of these are visited (Malkov and
/// Yashunin 2018, algorithm 2).
pub(super) fn walk<'g, R>(
    codes: Codes<'_>,
    query: &[i8],
    entries: &[u32],
    neighbours: impl Fn(u32) -> &'g [u32],
    breadth: usize,
    then: impl FnOnce(&[Near]) -> R,
) -> R {
    WALK.with_borrow_mut(|walk| {
        walk.start(codes.count);
        walk.visit(codes, query, entries, breadth);
        let mut next = 0;
        while let Some(near) = walk.nearest.get_mut(next) {
            if near.expanded {
                next += 1;
                continue;
            }
            near.expanded = true;
            let number = near.number;
            let first = walk.visit(codes, query, neighbours(number), breadth);
            next = first.min(next);
        }
        then(&walk.nearest)
    })
}

impl WalkBuffers {
    fn start(&mut self, count: usize) {
        for &word in &self.touched {
            self.visited[word as usize] = 0;
        }
        self.touched.clear();
        self.nearest.clear();
        if self.visited.len() < count.div_ceil(64) {
            self.visited.resize(count.div_ceil(64), 0);
        }
    }

    /// Visits those of `numbers` not visited before; returns the first position of `nearest` that
    /// changed.
    fn visit(&mut self, codes: Codes<'_>, query: &[i8], numbers: &[u32], breadth: usize) -> usize {
        self.fresh.clear();
        for &number in numbers {
            let (at, bit) = (number / 64, 1 << (number % 64));
            let word = &mut self.visited[at as usize];
            if *word & bit == 0 {
                if *word == 0 {
                    self.touched.push(at);
                }
                *word |= bit;
                self.fresh.push(number);
            }
        }
        inner_products_of(query, codes.bytes, &self.fresh, &mut self.products);
        let mut first = usize::MAX;
        for (&number, &product) in self.fresh.iter().zip(&self.products) {
            let better = |n: &Near| (n.product, number) > (product, n.number);
            if self.nearest.len() >= breadth {
                if self.nearest.last().is_none_or(better) {
                    continue;
                }
                self.nearest.pop();
            }
            let place = self.nearest.partition_point(better);
            let near = Near {
                product,
                number,
                expanded: false,
            };
            self.nearest.insert(place, near);
            first = first.min(place);
        }
        first
    }
}
