//! The nearest cells and words of many features. Cell by cell, all features that visit it are compared,
//! so that its words are read once and compared with sixteen features at a time.

use rayon::prelude::*;
use resight_vision::{PackedQueries, keep_nearest};

use super::assign::{TOGETHER, VISITED_CELLS, Vocabulary};

/// `of` each item, in their order: on the current rayon pool, or on this thread alone.
fn map_each<I: Send, O: Send>(
    in_parallel: bool,
    all: Vec<I>,
    of: impl Fn(I) -> O + Sync,
) -> Vec<O> {
    if in_parallel {
        all.into_par_iter().map(&of).collect()
    } else {
        all.into_iter().map(&of).collect()
    }
}

impl Vocabulary {
    /// Squared distance and number of the nearest word of each descriptor; on this thread alone.
    pub(super) fn nearest_word(&self, rows: &[u8]) -> Vec<(u32, u32)> {
        let cells = self.nearest_cells(rows, VISITED_CELLS, false);
        self.nearest_words(rows, &cells, 1, &|_| true, false)
    }

    /// Squared distance and number of the nearest `n` cells of each descriptor, one after the other;
    /// filled up with [`PackedQueries::NONE`].
    pub(super) fn nearest_cells(
        &self,
        rows: &[u8],
        n: usize,
        in_parallel: bool,
    ) -> Vec<(u32, u32)> {
        let parts = rows.chunks(TOGETHER * self.dimension).collect();
        let found = map_each(in_parallel, parts, |rows: &[u8]| {
            let features = (0..(rows.len() / self.dimension) as u32).collect();
            let packed = PackedQueries::new(features, rows.to_vec(), self.dimension);
            packed.nearest(0, &self.centres, n)
        });
        found.concat()
    }

    /// Squared distance and number of the nearest `n` words of each descriptor that `wants` some, in the
    /// same form: of the words in the first of its `cells`, as [`Vocabulary::nearest_cells`] returns
    /// them.
    pub(super) fn nearest_words(
        &self,
        rows: &[u8],
        cells: &[(u32, u32)],
        n: usize,
        wants: &(dyn Fn(usize) -> bool + Sync),
        in_parallel: bool,
    ) -> Vec<(u32, u32)> {
        let d = self.dimension;
        let features = rows.len() / d;
        let mut visitors = vec![Vec::new(); self.cells()];
        let of_each = cells.chunks_exact((cells.len() / features.max(1)).max(1));
        for (feature, cells) in of_each.enumerate().filter(|(feature, _)| wants(*feature)) {
            let visited = cells.iter().take(VISITED_CELLS);
            for &(_, cell) in visited.filter(|c| **c != PackedQueries::NONE) {
                visitors[cell as usize].push(feature as u32);
            }
        }
        let visited = visitors.into_iter().zip(0u32..);
        let visited = visited.filter(|(visitors, _)| !visitors.is_empty());
        let found = map_each(in_parallel, visited.collect(), |(visitors, cell)| {
            let own = visitors.iter().map(|&f| &rows[f as usize * d..][..d]);
            let own = own.collect::<Vec<_>>().concat();
            let packed = PackedQueries::new(visitors, own, d);
            let words = self.cell_words(cell);
            let of_cell = &self.words[words.start as usize * d..words.end as usize * d];
            let nearest = packed.nearest(words.start, of_cell, n);
            (packed, nearest)
        });
        let mut all = vec![PackedQueries::NONE; features * n];
        for (packed, nearest) in found {
            for (&feature, nearest) in packed.queries().iter().zip(nearest.chunks_exact(n)) {
                let list = &mut all[feature as usize * n..][..n];
                nearest.iter().for_each(|&new| keep_nearest(list, new));
            }
        }
        all
    }
}
