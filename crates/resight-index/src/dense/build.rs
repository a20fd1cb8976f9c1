//! Builds a graph, the same for any number of threads.
//!
//! Vectors are inserted in a fixed random order, in batches: those of a batch search for their
//! neighbours in the graph as it was before the batch, in parallel, and are then added together
//! (Manohar et al. 2024, ParlayANN). Distances are integers, so processors agree as well.

use rayon::prelude::*;
use resight_vision::inner_products_of;

use super::code::{MIDDLE, norm, signed};
use super::graph::{DEGREE, Graph, Layer, NO_VECTOR, descend, present, upper_sizes};
use super::vectors::Vectors;
use super::walk::Codes;

/// Vectors that a search for neighbours keeps in view.
const BREADTH: usize = 128;
/// A vector has at most this many edges while the graph grows, so that not every new edge prunes.
const MAX_EDGES: usize = 48;
/// A batch has at most one in this many of all vectors, and at most as many as were inserted before.
const BATCH: usize = 50;
/// An edge is pruned when another leads nearer by a factor of 1.2: squared distances compare as 25
/// to 36.
const PRUNED: (i64, i64) = (36, 25);

struct Builder<'a> {
    vectors: &'a Vectors,
    /// The sum of squares of each code.
    norms: Vec<i32>,
    /// [`MAX_EDGES`] numbers for each vector, with [`NO_VECTOR`] after the last.
    rows: Vec<u32>,
    /// Members and rows of the upper layers built so far, the coarsest first.
    upper: Vec<(Vec<u32>, Vec<u32>)>,
}

/// Builds the graph of these vectors; `None` when `cancelled` returned `true` meanwhile. Runs on the
/// current rayon pool.
pub(super) fn build(vectors: &Vectors, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Graph> {
    let count = vectors.keys().len();
    let mut order: Vec<u32> = (0..count as u32).collect();
    // A random order, as near vectors are often added together.
    order.sort_unstable_by_key(|&n| mix(n));
    let entries = &order[..count.min(2 * count.isqrt())];
    let mut builder = Builder {
        vectors,
        norms: norms(vectors),
        rows: vec![NO_VECTOR; count * MAX_EDGES],
        upper: Vec::new(),
    };
    let mut sizes = upper_sizes(count, entries.len()).into_iter().peekable();
    let most = (count / BATCH).max(1);
    let mut inside = 1.min(count);
    while inside < count {
        if cancelled() {
            return None;
        }
        let layer = sizes.next_if(|size| *size == inside);
        if layer.is_some() {
            builder.keep_layer(&order[..inside]);
        }
        let until = sizes.peek().copied().unwrap_or(count);
        let next = (inside + inside.min(most)).min(until);
        let begins = &entries[..entries.len().min(inside)];
        builder.insert(&order[inside..next], begins);
        inside = next;
    }
    let all: Vec<u32> = (0..count as u32).collect();
    Some(Graph::of(entries, builder.upper(), &builder.narrowed(&all)))
}

/// A permutation of all numbers that looks random: every step can be undone.
fn mix(number: u32) -> u32 {
    let first = number.wrapping_mul(0x9E37_79B1);
    let second = (first ^ first >> 15).wrapping_mul(0x85EB_CA77);
    second ^ second >> 13
}

fn norms(vectors: &Vectors) -> Vec<i32> {
    let rows = vectors.codes().par_chunks_exact(vectors.dimension());
    rows.map(norm).collect()
}

impl Builder<'_> {
    fn row(&self, number: u32) -> &[u32] {
        let start = number as usize * MAX_EDGES;
        present(&self.rows[start..start + MAX_EDGES])
    }

    fn set(&mut self, number: u32, row: &[u32]) {
        let start = number as usize * MAX_EDGES;
        self.rows[start..start + MAX_EDGES].copy_from_slice(row);
    }

    /// Rows of [`DEGREE`] numbers.
    fn narrowed(&self, numbers: &[u32]) -> Vec<u32> {
        let numbers = numbers.par_iter();
        numbers
            .flat_map_iter(|&number| self.at_most(number, self.row(number), DEGREE, DEGREE))
            .collect()
    }

    /// Makes a layer of all vectors inserted so far: as they are few, their edges lead far.
    fn keep_layer(&mut self, inside: &[u32]) {
        let mut members = inside.to_vec();
        members.sort_unstable();
        let rows = self.narrowed(&members);
        self.upper.push((members, rows));
    }

    fn upper(&self) -> impl Iterator<Item = Layer<'_>> {
        self.upper
            .iter()
            .map(|(members, rows)| Layer { members, rows })
    }

    /// Inserts a batch: edges to neighbours, and back from them.
    fn insert(&mut self, batch: &[u32], entries: &[u32]) {
        let found: Vec<Vec<u32>> = batch
            .par_iter()
            .map(|&number| {
                let mut query = Vec::new();
                signed(self.vectors.code(number), &mut query);
                let codes = Codes {
                    bytes: self.vectors.codes(),
                    count: self.norms.len(),
                };
                let near = descend(
                    codes,
                    &query,
                    entries,
                    self.upper(),
                    |n| self.row(n),
                    BREADTH,
                    |near| near.iter().map(|n| n.number).collect::<Vec<_>>(),
                );
                self.at_most(number, &near, 0, MAX_EDGES)
            })
            .collect();
        let mut back: Vec<(u32, u32)> = Vec::new();
        for (&number, row) in batch.iter().zip(&found) {
            self.set(number, row);
            back.extend(present(row).iter().map(|&to| (to, number)));
        }
        back.par_sort_unstable();
        let targets: Vec<&[(u32, u32)]> = back.chunk_by(|a, b| a.0 == b.0).collect();
        let rows: Vec<(u32, Vec<u32>)> = targets
            .par_iter()
            .map(|pairs| {
                let target = pairs[0].0;
                let mut to = self.row(target).to_vec();
                to.extend(pairs.iter().map(|p| p.1));
                (target, self.at_most(target, &to, MAX_EDGES, MAX_EDGES))
            })
            .collect();
        for (target, row) in rows {
            self.set(target, &row);
        }
    }

    /// `to` as a row of `length` numbers; pruned to [`DEGREE`] where it has more than `fits`.
    fn at_most(&self, number: u32, to: &[u32], fits: usize, length: usize) -> Vec<u32> {
        let mut row = if to.len() <= fits {
            to.to_vec()
        } else {
            self.pruned(number, to)
        };
        row.resize(length, NO_VECTOR);
        row
    }

    /// At most [`DEGREE`] of `to`: from the nearest on, those that no kept one leads to.
    fn pruned(&self, number: u32, to: &[u32]) -> Vec<u32> {
        let mut buffers = (Vec::new(), Vec::new());
        let distances = self.distances(number, to, &mut buffers);
        let mut left: Vec<(i64, u32)> = distances.zip(to.iter().copied()).collect();
        left.sort_unstable();
        left.dedup();
        left.retain(|l| l.1 != number);
        let mut kept = Vec::with_capacity(DEGREE);
        let mut numbers = Vec::with_capacity(left.len());
        while let Some(&(_, nearest)) = left.first()
            && kept.len() < DEGREE
        {
            kept.push(nearest);
            left.remove(0);
            numbers.clear();
            numbers.extend(left.iter().map(|l| l.1));
            let mut distances = self.distances(nearest, &numbers, &mut buffers);
            left.retain(|l| {
                let between = distances.next().unwrap_or_default();
                PRUNED.0 * between > PRUNED.1 * l.0
            });
        }
        kept
    }

    /// Squared distances of codes.
    fn distances<'r>(
        &'r self,
        number: u32,
        to: &'r [u32],
        buffers: &'r mut (Vec<i8>, Vec<i32>),
    ) -> impl Iterator<Item = i64> + use<'r> {
        let (query, products) = buffers;
        signed(self.vectors.code(number), query);
        inner_products_of(query, self.vectors.codes(), to, products);
        let sum: i64 = query.iter().map(|&q| i64::from(q)).sum();
        let norm = |number: u32| i64::from(self.norms[number as usize]);
        let own = norm(number);
        products.iter().zip(to).map(move |(&product, &to)| {
            let product = i64::from(product) - i64::from(MIDDLE) * sum;
            own + norm(to) - 2 * product
        })
    }
}
