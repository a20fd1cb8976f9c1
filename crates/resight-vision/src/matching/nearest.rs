//! Mutual nearest neighbours from any number of partial comparisons.

use super::all_pairs;
use super::neighbours::{Backward, Forward, offer_backward};
use super::packed::{Found, PackedQueries};
use crate::dispatch::Simd;
use crate::distance::squared_distances_on;
use crate::features::Descriptors;

/// A feature of the query picture and the feature of the result picture that matches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index into the query's features.
    pub query: u32,
    /// Index into the result's features.
    pub result: u32,
    /// Squared distance of the two descriptors.
    pub distance: u32,
}

/// When a nearest neighbour counts as a match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchOptions {
    /// Lowe's ratio: the distance of the nearest must be less than this share of the distance of
    /// the second nearest. At 0, below 0 and at NaN only features without a second nearest match.
    pub ratio: f32,
    /// Largest squared distance; `u32::MAX` for none.
    pub max_distance: u32,
}

impl Default for MatchOptions {
    fn default() -> Self {
        Self {
            ratio: 0.85,
            max_distance: u32::MAX,
        }
    }
}

/// The two nearest of each query feature and the nearest of each result feature, gathered from
/// any number of partial comparisons.
///
/// [`Nearest::compare_all`] compares all features with all. An index that knows which features
/// cannot match calls [`Nearest::compare`] or [`Nearest::compare_run`] for the others. No pair may
/// be offered twice.
#[derive(Clone, Debug)]
pub struct Nearest {
    simd: Simd,
    forward: Vec<Forward>,
    backward: Backward,
    distances: Vec<u32>,
}

impl Nearest {
    /// Room for `queries` features of the query and `results` features of the result.
    pub fn new(queries: usize, results: usize) -> Self {
        Self::on(Simd::widest(), queries, results)
    }

    /// As [`Self::new`], with the instructions of `simd`. Results do not depend on them.
    pub fn on(simd: Simd, queries: usize, results: usize) -> Self {
        Self {
            simd,
            forward: vec![Forward::NONE; queries],
            backward: Backward::none(results),
            distances: Vec::new(),
        }
    }

    /// Compares the query feature `query` with the result features `first ..`, whose descriptors
    /// are stored end to end in `rows`.
    ///
    /// # Panics
    /// When there is no such query feature, or the run passes the last result feature.
    pub fn compare(&mut self, query: u32, descriptor: &[u8], first: u32, rows: &[u8]) {
        squared_distances_on(self.simd, descriptor, rows, &mut self.distances);
        // Checked before anything is changed.
        let run = first as usize..first as usize + self.distances.len();
        assert!(
            run.end <= self.backward.distances.len(),
            "result features {run:?} of {}",
            self.backward.distances.len()
        );
        let forward = &mut self.forward[query as usize];
        for (&d, result) in self.distances.iter().zip(first..) {
            // Few distances pass, so the branch is predictable.
            if d <= forward.second {
                forward.offer(d, result);
            }
        }
        offer_backward(
            self.simd,
            &self.distances,
            query,
            &mut self.backward.distances[run.clone()],
            &mut self.backward.queries[run],
        );
    }

    /// Compares the result features `first ..`, whose descriptors are stored end to end in `rows`,
    /// with `packed`. As [`Nearest::compare`], but faster for many results and short runs of them.
    ///
    /// # Panics
    /// When there is no such feature, or the length of `rows` is no multiple of the packed
    /// descriptors' length.
    pub fn compare_run(&mut self, first: u32, rows: &[u8], packed: &PackedQueries) {
        let Some(last) = packed.last() else {
            return;
        };
        // Checked before anything is changed.
        assert!(
            rows.len().is_multiple_of(packed.dimension()),
            "{} bytes of descriptors of {}",
            rows.len(),
            packed.dimension()
        );
        let run = first as usize..first as usize + rows.len() / packed.dimension();
        assert!(
            run.end <= self.backward.distances.len() && (last as usize) < self.forward.len(),
            "result features to {} of {}, query features to {last} of {}",
            run.end,
            self.backward.distances.len(),
            self.forward.len()
        );
        let found = Found {
            forward: &mut self.forward,
            distances: &mut self.backward.distances[run.clone()],
            queries: &mut self.backward.queries[run],
            room: &mut self.distances,
        };
        packed.compare(self.simd, first, rows, found);
    }

    /// Compares all features of the query with all of the result. Descriptors of different
    /// lengths are not compared.
    ///
    /// # Panics
    /// When there are more features than [`Self::new`] made room for.
    pub fn compare_all(&mut self, query: &Descriptors, result: &Descriptors) {
        let room = (self.forward.len(), self.backward.distances.len());
        assert!(
            query.len() <= room.0 && result.len() <= room.1,
            "{} and {} features, and room for {} and {}",
            query.len(),
            result.len(),
            room.0,
            room.1,
        );
        let (forward, backward) = (&mut self.forward[..], &mut self.backward);
        if all_pairs::compare_all(self.simd, query, result, forward, backward) {
            return;
        }
        for (descriptor, i) in query.iter().zip(0..) {
            self.compare(i, descriptor, 0, result.as_bytes());
        }
    }

    /// Mutual nearest neighbours that pass the ratio test, nearest first.
    pub fn matches(&self, options: &MatchOptions) -> Vec<Match> {
        let ratio = f64::from(options.ratio.max(0.0)).powi(2);
        let mut found: Vec<Match> = self
            .forward
            .iter()
            .zip(0..)
            .filter(|&(f, query)| {
                let (distance, result) = f.nearest;
                distance <= options.max_distance
                    && result != u32::MAX
                    && (f.second == u32::MAX || f64::from(distance) < ratio * f64::from(f.second))
                    && self.backward.queries[result as usize] == query
            })
            .map(|(f, query)| Match {
                query,
                result: f.nearest.1,
                distance: f.nearest.0,
            })
            .collect();
        found.sort_unstable_by_key(|m| (m.distance, m.query));
        found
    }
}

/// Compares all features with all and returns the mutual nearest neighbours that pass the ratio
/// test, nearest first. Descriptors of different lengths have no matches.
pub fn match_all(query: &Descriptors, result: &Descriptors, options: &MatchOptions) -> Vec<Match> {
    if query.dimension() != result.dimension() {
        return Vec::new();
    }
    let mut nearest = Nearest::new(query.len(), result.len());
    nearest.compare_all(query, result);
    nearest.matches(options)
}

#[cfg(test)]
mod tests;
