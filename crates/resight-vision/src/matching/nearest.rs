//! Which descriptor of one picture belongs to which of another.

mod all_pairs;
mod lookers;
mod panels;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::dispatch::{Simd, widest};
use crate::distance::squared_distances_on;
use crate::features::Descriptors;

pub use lookers::{Lookers, keep_nearest};

/// Feature `query` of the query picture taken for feature `result` of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index into the query's features.
    pub query: u32,
    /// Index into the result's features.
    pub result: u32,
    /// Squared distance of the two descriptors.
    pub distance: u32,
}

/// When a nearest neighbour is believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchOptions {
    /// Lowe's ratio: the nearest must be closer than this share of the second nearest. At 0, below
    /// and NaN nothing is, but what has no second.
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
/// Comparing everything with everything is one call of [`Nearest::compare_all`]; an index that
/// knows which features cannot be alike calls [`Nearest::compare`] or [`Nearest::compare_run`] for the
/// parts that can.
#[derive(Clone, Debug)]
pub struct Nearest {
    simd: Simd,
    forward: Vec<Forward>,
    backward: Backward,
    distances: Vec<u32>,
    found: lookers::Found,
}

/// What is known of one query feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Forward {
    /// Nearest distance and its result feature; both `u32::MAX` while there is none.
    nearest: (u32, u32),
    /// Second nearest distance; `u32::MAX` while there is none.
    second: u32,
}

impl Forward {
    const NONE: Self = Self {
        nearest: (u32::MAX, u32::MAX),
        second: u32::MAX,
    };

    /// Ties go to the smaller index, so the order of the parts does not matter.
    #[inline(always)]
    fn offer(&mut self, distance: u32, result: u32) {
        if (distance, result) < self.nearest {
            self.second = self.nearest.0;
            self.nearest = (distance, result);
        } else if distance < self.second {
            self.second = distance;
        }
    }

    /// Offers the nearest of several result features, and the second nearest distance among them.
    #[inline(always)]
    fn offer_best(&mut self, nearest: (u32, u32), second: u32) {
        if nearest.0 <= self.second {
            self.offer(nearest.0, nearest.1);
            self.second = self.second.min(second);
        }
    }
}

/// For each result feature its nearest distance and query feature, `u32::MAX` while there is
/// none. Two lists rather than one of pairs, so that a run is updated in vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Backward {
    distances: Vec<u32>,
    queries: Vec<u32>,
}

#[inline(always)]
fn offer_backward_body(new: &[u32], query: u32, distances: &mut [u32], queries: &mut [u32]) {
    for ((&d, distance), index) in new.iter().zip(distances).zip(queries) {
        let nearer = (d < *distance) | ((d == *distance) & (query < *index));
        *distance = if nearer { d } else { *distance };
        *index = if nearer { query } else { *index };
    }
}

widest! {
    /// Offers the query feature `query`, at the distances `new`, to as many result features.
    fn offer_backward(new: &[u32], query: u32, distances: &mut [u32], queries: &mut [u32]) = offer_backward_body
}

impl Nearest {
    /// For a query of `queries` features and a result of `results`.
    pub fn new(queries: usize, results: usize) -> Self {
        Self::on(Simd::widest(), queries, results)
    }

    /// The same, compared with the instructions of `simd`; the answer does not depend on them.
    pub fn on(simd: Simd, queries: usize, results: usize) -> Self {
        Self {
            simd,
            forward: vec![Forward::NONE; queries],
            backward: Backward {
                distances: vec![u32::MAX; results],
                queries: vec![u32::MAX; results],
            },
            distances: Vec::new(),
            found: lookers::Found::default(),
        }
    }

    /// Compares the query feature `query` with the result features `first ..` whose descriptors
    /// stand end to end in `rows`. A pair must not be offered twice. Panics when there is no such
    /// query feature, or when the run passes the number of result features `new` was told.
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
            // Few distances pass, so this is one predictable branch a pair.
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

    /// Compares the result features `first ..`, whose descriptors stand end to end in `rows`, with
    /// these query features: as [`Nearest::compare`], for many results and short runs of them. A pair
    /// must not be offered twice. Panics when there is no such feature, or `rows` are no whole descriptors of
    /// the lookers' length.
    pub fn compare_run(&mut self, first: u32, rows: &[u8], lookers: &Lookers) {
        let Some(&last) = lookers.queries().last() else {
            return;
        };
        // Checked before anything is changed.
        assert!(
            rows.len().is_multiple_of(lookers.dimension()),
            "{} bytes of descriptors of {}",
            rows.len(),
            lookers.dimension()
        );
        let until = first as usize + rows.len() / lookers.dimension();
        assert!(
            until <= self.backward.distances.len() && (last as usize) < self.forward.len(),
            "result features to {until} of {}, query features to {last} of {}",
            self.backward.distances.len(),
            self.forward.len()
        );
        let found = &mut self.found;
        lookers.compare(self.simd, first, rows, found);
        for (f, &query) in found.forward.iter().zip(lookers.queries()) {
            self.forward[query as usize].offer_best(f.nearest, f.second);
        }
        let run = first as usize..until;
        let distances = self.backward.distances[run.clone()].iter_mut();
        let nearest = distances.zip(&mut self.backward.queries[run]);
        for ((distance, query), &(d, looker)) in nearest.zip(&found.backward) {
            (*distance, *query) = (*distance, *query).min((d, lookers.queries()[looker as usize]));
        }
    }

    /// Compares all features of the query with all of the result. A pair must not be offered
    /// twice. Descriptors of different length are not compared. Panics when there are more
    /// features than `new` was told.
    pub fn compare_all(&mut self, query: &Descriptors, result: &Descriptors) {
        let room = (self.forward.len(), self.backward.distances.len());
        assert!(
            query.len() <= room.0 && result.len() <= room.1,
            "{} and {} features where {} and {} were announced",
            query.len(),
            result.len(),
            room.0,
            room.1,
        );
        if all_pairs::compare_all(self, query, result) {
            return;
        }
        for (descriptor, i) in query.iter().zip(0..) {
            self.compare(i, descriptor, 0, result.as_bytes());
        }
    }

    /// Mutual nearest neighbours that pass the ratio test, closest first.
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

/// Matches of all features with all: mutual nearest neighbours that pass the ratio test, closest
/// first. Descriptors of different length match nowhere.
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
