//! A frozen state of the dense index, to be searched while others add and remove.

use std::ops::Range;

use rayon::prelude::*;

use super::code::QueryCode;
use super::exact::{Found, TOGETHER, scan};
use super::fault::VectorFault;
use super::graph::Graph;
use super::segment::LiveVectors;
use super::vector::{Cosine, to_floats, unit};
use super::vectors::Vectors;
use crate::Key;
use crate::live::live_keys;
use crate::segment_file::Keyed;

/// Says of a key whether its vector may be found.
pub type KeyFilter<'a> = dyn Fn(Key) -> bool + Sync + 'a;

/// How a search for the nearest vectors is done.
#[derive(Clone, Copy)]
pub struct NearestOptions<'a> {
    /// Vectors wanted.
    pub limit: usize,
    /// Vectors that a walk along a graph keeps in view, at least twice `limit`: more find more of
    /// the nearest, and take longer. Of no effect where vectors are too few for a graph.
    pub breadth: usize,
    /// Looks at all vectors also where there is a graph.
    pub exact: bool,
    /// Only vectors whose keys it accepts are found.
    pub filter: Option<&'a KeyFilter<'a>>,
}

impl Default for NearestOptions<'_> {
    fn default() -> Self {
        Self {
            limit: 10,
            // Of the ten nearest to queries half way between two of ten clusters 160 found 0.975, this 0.99.
            breadth: 256,
            exact: false,
            filter: None,
        }
    }
}

/// Of what a walk finds, this many times the vectors wanted are compared in the finer copy: codes
/// tell cosines to about 1/1000, so that few of the best are further down.
const COMPARED: usize = 4;
/// And so many at least.
const FEWEST_COMPARED: usize = 64;
/// A walk keeps at most so many vectors in view, in order, and is given up for a look at all where it
/// would need more: a deep page, or a filter that accepts few.
const MOST_BREADTH: usize = 16_384;
/// A walk is given up for a look at all where the filter accepts less than one in so many: it would
/// have to keep as many times more vectors in view.
const FEW: usize = 20;

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

    /// Vectors held.
    pub fn len(&self) -> usize {
        self.segments.iter().map(LiveVectors::len).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers of each vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Bytes of all vectors, codes and graphs, in memory or on disk.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|s| s.segment.length()).sum()
    }

    /// Vectors that are found by a graph rather than by looking at all.
    pub fn in_graphs(&self) -> usize {
        let with_graph = self.segments.iter().filter(|s| s.segment.graph.is_some());
        with_graph.map(LiveVectors::len).sum()
    }

    /// Keys of all vectors held, segment by segment.
    pub fn keys(&self) -> Vec<Key> {
        live_keys(&self.segments)
    }

    /// Whether there is a vector of this key.
    pub fn contains(&self, key: Key) -> bool {
        self.place(key).is_some()
    }

    /// The vector of this key at length 1, rounded to half precision.
    pub fn vector(&self, key: Key) -> Option<Vec<f32>> {
        let (vectors, number) = self.place(key)?;
        let mut floats = vec![0.0; self.dimension];
        to_floats(vectors.halves(number), &mut floats);
        Some(floats)
    }

    /// Cosines between `query`, of any length above 0, and the vectors of these keys, in their
    /// order; none where nothing is held under a key.
    pub fn cosines(&self, query: &[f32], keys: &[Key]) -> Result<Vec<Option<f32>>, VectorFault> {
        let query = unit(query, self.dimension)?;
        let mut cosine = Cosine::of(&query);
        let places = keys.iter().map(|&key| self.place(key));
        let cosines = places.map(|p| p.map(|(vectors, n)| cosine.to(vectors.halves(n))));
        Ok(cosines.collect())
    }

    fn place(&self, key: Key) -> Option<(&Vectors, u32)> {
        let mut segments = self.segments.iter();
        segments.find_map(|s| Some((&*s.segment.vectors, s.find(key)?)))
    }

    /// The `limit` vectors with the highest cosine to `query`, which may have any length above 0:
    /// their keys and cosines, best first; ties by key. `filter`, where given, must accept their
    /// keys. With the default options otherwise.
    pub fn nearest(
        &self,
        query: &[f32],
        limit: usize,
        filter: Option<&KeyFilter<'_>>,
    ) -> Result<Vec<(Key, f32)>, VectorFault> {
        self.nearest_with(
            query,
            &NearestOptions {
                limit,
                filter,
                ..NearestOptions::default()
            },
        )
    }

    /// The same with all options. Runs on the current rayon pool.
    ///
    /// Vectors that have no graph are searched exactly: neither the number of threads nor how they
    /// are spread over segments changes what is found. Those of a graph are searched
    /// approximately; the graph of a segment is the same on every machine and for any number of
    /// threads, and so is what is found by it. Never fewer are found than there are, up to `limit`.
    pub fn nearest_with(
        &self,
        query: &[f32],
        options: &NearestOptions<'_>,
    ) -> Result<Vec<(Key, f32)>, VectorFault> {
        let query = unit(query, self.dimension)?;
        if options.limit == 0 {
            return Ok(Vec::new());
        }
        let search = Search {
            code: QueryCode::of(&query),
            query: &query,
            options,
        };
        Ok(search.run(&self.segments))
    }
}

struct Search<'a> {
    query: &'a [f32],
    code: QueryCode,
    options: &'a NearestOptions<'a>,
}

/// A vector that may be among the nearest, and what its cosine is at most.
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
        let found: Vec<(Found, &Vectors)> = match &tasks[..] {
            // Threads are not worth waking.
            [task] => vec![self.answer(task)],
            tasks => tasks.par_iter().map(|task| self.answer(task)).collect(),
        };
        let mut at_least: Vec<f64> = found.iter().flat_map(|f| &f.0.at_least).copied().collect();
        let wanted = self.options.limit - 1;
        let threshold = match at_least.len() > wanted {
            true => {
                *at_least
                    .select_nth_unstable_by(wanted, |a, b| b.total_cmp(a))
                    .1
            }
            false => f64::NEG_INFINITY,
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
        let starts = (0..count).step_by(TOGETHER);
        starts.map(move |start| Task::Scan(live, start..count.min(start + TOGETHER)))
    }

    fn answer<'l>(&self, task: &Task<'l>) -> (Found, &'l Vectors) {
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
            live.is_live(number) && self.options.filter.is_none_or(accepted)
        }
    }

    fn scan(&self, live: &LiveVectors, range: Range<usize>) -> Found {
        let counts = self.counts(live);
        let vectors = &live.segment.vectors;
        scan(vectors, range, &self.code, self.options.limit, &counts)
    }

    /// What the graph leads to; `None` where it cannot tell the best of so few that count.
    fn walk(&self, live: &LiveVectors, graph: &Graph) -> Option<Found> {
        let counts = self.counts(live);
        let limit = self.options.limit;
        let mut breadth = self.options.breadth.max(limit.saturating_mul(2));
        if self.options.filter.is_some() || live.tombstones.len() > 0 {
            // Entries are a random sample.
            let sample = graph.entries();
            let counting = sample.iter().filter(|&&n| counts(n)).count();
            if counting * FEW < sample.len() {
                return None;
            }
            breadth = breadth.saturating_mul(sample.len()).div_ceil(counting);
        }
        let vectors = &live.segment.vectors;
        if breadth >= vectors.keys().len() || breadth > MOST_BREADTH {
            return None;
        }
        let compared = limit.saturating_mul(COMPARED).max(FEWEST_COMPARED);
        let candidates: Vec<(f64, u32)> =
            graph.nearest(vectors, &self.code.high, breadth, |near| {
                let counting = near.iter().filter(|n| counts(n.number));
                let best = counting.take(compared);
                best.map(|n| (f64::INFINITY, n.number)).collect()
            });
        (candidates.len() >= limit).then_some(Found {
            candidates,
            at_least: Vec::new(),
        })
    }

    /// The best of those that may be, by the finer copy.
    fn ranked(&self, candidates: &[Candidate<'_>]) -> Vec<(Key, f32)> {
        /// Vectors that one thread compares at least.
        const COMPARED_TOGETHER: usize = 512;
        let of = |candidates: &[Candidate<'_>]| -> Vec<(Key, f32)> {
            let mut cosine = Cosine::of(self.query);
            let cosines = candidates.iter().map(|&(_, vectors, number)| {
                let key = Key(vectors.keys()[number as usize]);
                (key, cosine.to(vectors.halves(number)))
            });
            cosines.collect()
        };
        let mut ranked = match candidates.len() <= COMPARED_TOGETHER {
            true => of(candidates),
            false => candidates
                .par_chunks(COMPARED_TOGETHER)
                .flat_map_iter(of)
                .collect(),
        };
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(self.options.limit);
        ranked
    }
}
