//! The dense index at one moment, which is searched while others add and remove.

use std::ops::Range;

use rayon::prelude::*;

use super::code::QueryCode;
use super::exact::{Bounds, SCAN_LENGTH, scan};
use super::fault::VectorFault;
use super::graph::Graph;
use super::segment::LiveVectors;
use super::vector::{Cosine, to_floats, unit};
use super::vectors::Vectors;
use crate::Key;
use crate::live::live_keys;
use crate::segment_file::Keyed;

/// Whether a search may return the vector of a key.
pub type KeyFilter<'a> = dyn Fn(Key) -> bool + Sync + 'a;

/// Settings of a search for the nearest vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearestOptions {
    /// At most this many vectors are returned.
    pub limit: usize,
    /// Vectors that a walk along a graph keeps in view, at least twice `limit`: a larger number finds
    /// more of the nearest, and takes longer. Of no effect where vectors are too few for a graph.
    pub breadth: usize,
    /// Scans all vectors also where there is a graph.
    pub exact: bool,
}

impl Default for NearestOptions {
    fn default() -> Self {
        Self {
            limit: 10,
            // Of the ten nearest to queries half way between two of ten clusters 160 found 0.975, this 0.99.
            breadth: 256,
            exact: false,
        }
    }
}

/// Of a walk's result, this many times the limit are compared in half precision: codes give cosines
/// to about 1/1000, so that few of the best rank lower.
const COMPARED: usize = 4;
/// At least this many are compared.
const MIN_COMPARED: usize = 64;
/// A walk keeps at most this many vectors in view, in order. Where it would need more (a deep page, a
/// filter that accepts few), all vectors are scanned.
const MAX_BREADTH: usize = 16_384;
/// All vectors are scanned where the filter accepts less than one in this many: a walk would have to
/// keep as many times more vectors in view.
const MIN_ACCEPTED: usize = 20;

/// The dense index at one moment.
#[derive(Clone, Debug)]
pub struct DenseSnapshot {
    pub(super) segments: Vec<LiveVectors>,
    pub(super) dimension: usize,
}

/// A part of a search.
enum Task<'a> {
    Scan(&'a LiveVectors, Range<usize>),
    Walk(&'a LiveVectors, &'a Graph),
}

impl DenseSnapshot {
    pub(super) fn with(&self, segments: Vec<LiveVectors>) -> Self {
        Self {
            segments,
            dimension: self.dimension,
        }
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.segments.iter().map(LiveVectors::len).sum()
    }

    /// Whether it has no vectors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of each vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Bytes of all vectors, codes and graphs, in memory or on disk.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|s| s.segment.length()).sum()
    }

    /// Number of vectors that are searched along a graph.
    pub fn in_graphs(&self) -> usize {
        let with_graph = self.segments.iter().filter(|s| s.segment.graph.is_some());
        with_graph.map(LiveVectors::len).sum()
    }

    /// Keys of all vectors, in no order.
    pub fn keys(&self) -> Vec<Key> {
        live_keys(&self.segments)
    }

    /// Whether it has a vector of this key.
    pub fn contains(&self, key: Key) -> bool {
        self.find(key).is_some()
    }

    /// The vector of this key at length 1, rounded to half precision.
    pub fn vector(&self, key: Key) -> Option<Vec<f32>> {
        let (vectors, number) = self.find(key)?;
        let mut floats = vec![0.0; self.dimension];
        to_floats(vectors.halves(number), &mut floats);
        Some(floats)
    }

    /// Cosines between `query`, of any length above 0, and the vectors of these keys, in their
    /// order; `None` for a key without a vector.
    pub fn cosines(&self, query: &[f32], keys: &[Key]) -> Result<Vec<Option<f32>>, VectorFault> {
        let query = unit(query, self.dimension)?;
        let mut cosine = Cosine::of(&query);
        let vectors = keys.iter().map(|&key| self.find(key));
        let cosines = vectors.map(|v| v.map(|(run, number)| cosine.to(run.halves(number))));
        Ok(cosines.collect())
    }

    fn find(&self, key: Key) -> Option<(&Vectors, u32)> {
        let mut segments = self.segments.iter();
        segments.find_map(|s| Some((&*s.segment.vectors, s.find(key)?)))
    }

    /// Keys and cosines of the `limit` vectors with the highest cosine to `query`, which may have any
    /// length above 0, best first; ties by key. Only those that `filter`, where given, accepts. With
    /// the default options otherwise.
    pub fn nearest(
        &self,
        query: &[f32],
        limit: usize,
        filter: Option<&KeyFilter<'_>>,
    ) -> Result<Vec<(Key, f32)>, VectorFault> {
        let options = NearestOptions {
            limit,
            ..NearestOptions::default()
        };
        self.nearest_with(query, &options, filter)
    }

    /// The same with all options. Runs on the current rayon pool.
    ///
    /// Vectors without a graph are searched exactly: neither the number of threads nor how vectors
    /// are spread over segments changes the result. Those with a graph are searched approximately;
    /// a segment's graph, and so the result, is the same on every machine and for any number of
    /// threads. Returns `limit` vectors wherever so many are accepted.
    pub fn nearest_with(
        &self,
        query: &[f32],
        options: &NearestOptions,
        filter: Option<&KeyFilter<'_>>,
    ) -> Result<Vec<(Key, f32)>, VectorFault> {
        let query = unit(query, self.dimension)?;
        if options.limit == 0 {
            return Ok(Vec::new());
        }
        let search = Search {
            code: QueryCode::of(&query),
            query: &query,
            options,
            filter,
        };
        Ok(search.run(&self.segments))
    }
}

struct Search<'a> {
    query: &'a [f32],
    code: QueryCode,
    options: &'a NearestOptions,
    filter: Option<&'a KeyFilter<'a>>,
}

/// An upper bound of a cosine, and the vector that may be among the nearest.
type Candidate<'a> = (f64, &'a Vectors, u32);

impl Search<'_> {
    fn run(&self, segments: &[LiveVectors]) -> Vec<(Key, f32)> {
        let mut tasks = Vec::new();
        for live in segments {
            match &live.segment.graph {
                Some(graph) if !self.options.exact => tasks.push(Task::Walk(live, graph)),
                _ => tasks.extend(self.scans(live)),
            }
        }
        let found: Vec<(Bounds, &Vectors)> = match &tasks[..] {
            // Waking other threads would take longer.
            [task] => vec![self.run_task(task)],
            tasks => tasks.par_iter().map(|task| self.run_task(task)).collect(),
        };
        let mut at_least: Vec<f64> = found.iter().flat_map(|f| &f.0.at_least).copied().collect();
        let wanted = self.options.limit - 1;
        let threshold = if at_least.len() > wanted {
            let nth = at_least.select_nth_unstable_by(wanted, |a, b| b.total_cmp(a));
            *nth.1
        } else {
            f64::NEG_INFINITY
        };
        let candidates: Vec<Candidate<'_>> = found
            .iter()
            .flat_map(|(found, vectors)| {
                let candidates = found.candidates.iter();
                candidates.map(|&(at_most, number)| (at_most, *vectors, number))
            })
            .filter(|c| c.0 >= threshold)
            .collect();
        self.ranked(&candidates)
    }

    fn scans<'l>(&self, live: &'l LiveVectors) -> impl Iterator<Item = Task<'l>> + use<'l> {
        let count = live.segment.keys().len();
        let starts = (0..count).step_by(SCAN_LENGTH);
        starts.map(move |start| Task::Scan(live, start..count.min(start + SCAN_LENGTH)))
    }

    fn run_task<'l>(&self, task: &Task<'l>) -> (Bounds, &'l Vectors) {
        match task {
            Task::Scan(live, range) => (self.scan(live, range.clone()), &live.segment.vectors),
            Task::Walk(live, graph) => {
                let found = self.walk(live, graph);
                let found = found.unwrap_or_else(|| self.scan(live, 0..live.segment.keys().len()));
                (found, &live.segment.vectors)
            }
        }
    }

    fn counts<'s>(&'s self, live: &'s LiveVectors) -> impl Fn(u32) -> bool + 's {
        let keys = live.segment.keys();
        move |number| {
            let accepted = |accepts: &KeyFilter<'_>| accepts(Key(keys[number as usize]));
            live.is_live(number) && self.filter.is_none_or(accepted)
        }
    }

    fn scan(&self, live: &LiveVectors, range: Range<usize>) -> Bounds {
        let counts = self.counts(live);
        let vectors = &live.segment.vectors;
        scan(vectors, range, &self.code, self.options.limit, &counts)
    }

    /// The candidates of a walk along the graph; `None` where too few vectors are accepted for one.
    fn walk(&self, live: &LiveVectors, graph: &Graph) -> Option<Bounds> {
        let counts = self.counts(live);
        let limit = self.options.limit;
        let mut breadth = self.options.breadth.max(limit.saturating_mul(2));
        if self.filter.is_some() || live.tombstones.len() > 0 {
            // The entries are a random sample of all vectors.
            let sample = graph.entries();
            let counting = sample.iter().filter(|&&n| counts(n)).count();
            if counting * MIN_ACCEPTED < sample.len() {
                return None;
            }
            breadth = breadth.saturating_mul(sample.len()).div_ceil(counting);
        }
        let vectors = &live.segment.vectors;
        if breadth >= vectors.keys().len() || breadth > MAX_BREADTH {
            return None;
        }
        let compared = limit.saturating_mul(COMPARED).max(MIN_COMPARED);
        let candidates: Vec<(f64, u32)> =
            graph.nearest(vectors, &self.code.high, breadth, |near| {
                let counting = near.iter().filter(|n| counts(n.number));
                let best = counting.take(compared);
                best.map(|n| (f64::INFINITY, n.number)).collect()
            });
        (candidates.len() >= limit).then_some(Bounds {
            candidates,
            at_least: Vec::new(),
        })
    }

    /// The best of the candidates, by their vectors in half precision.
    fn ranked(&self, candidates: &[Candidate<'_>]) -> Vec<(Key, f32)> {
        /// At least this many vectors are compared by one thread.
        const MIN_PART: usize = 512;
        let of = |candidates: &[Candidate<'_>]| -> Vec<(Key, f32)> {
            let mut cosine = Cosine::of(self.query);
            let cosines = candidates.iter().map(|&(_, vectors, number)| {
                let key = Key(vectors.keys()[number as usize]);
                (key, cosine.to(vectors.halves(number)))
            });
            cosines.collect()
        };
        let mut ranked = if candidates.len() <= MIN_PART {
            of(candidates)
        } else {
            let parts = candidates.par_chunks(MIN_PART);
            parts.flat_map_iter(of).collect()
        };
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(self.options.limit);
        ranked
    }
}
