//! Best-first search along the edges of a graph.

use std::cell::RefCell;

use resight_vision::inner_products_of;

/// A vector that a walk came by, and the inner product of its code with the query's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub(super) product: i32,
    pub(super) number: u32,
    expanded: bool,
}

/// The room that a walk needs, used again by the next one.
#[derive(Debug, Default)]
pub(super) struct Walk {
    visited: Vec<u64>,
    /// Words of `visited` that are not 0.
    touched: Vec<u32>,
    /// The best so far, best first; ties by number.
    nearest: Vec<Near>,
    fresh: Vec<u32>,
    products: Vec<i32>,
}

thread_local! {
    static WALK: RefCell<Walk> = RefCell::default();
}

/// Codes end to end, as a walk reads them.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: usize,
}

/// Gives `then` the `breadth` vectors nearest to `query` that were come by on the way from `entries`
/// along `neighbours`, best first. A walk ends when it has looked at the neighbours of all of them
/// (Malkov and Yashunin 2018, algorithm 2).
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
        walk.look_at(codes, query, entries, breadth);
        let mut next = 0;
        while let Some(near) = walk.nearest.get_mut(next) {
            if near.expanded {
                next += 1;
                continue;
            }
            near.expanded = true;
            let number = near.number;
            let first = walk.look_at(codes, query, neighbours(number), breadth);
            next = first.min(next);
        }
        then(&walk.nearest)
    })
}

impl Walk {
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

    /// Takes in those of `numbers` not seen before; gives the first place that has changed.
    fn look_at(
        &mut self,
        codes: Codes<'_>,
        query: &[i8],
        numbers: &[u32],
        breadth: usize,
    ) -> usize {
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
