//! A frozen state of the index, to be searched while others add and remove.

use std::cmp::{Ordering, Reverse};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::Key;
use crate::agreement::{Agreeing, Agreement, Pair};
use crate::live::{Keyed, LiveSegment, live_keys};
use crate::place::Place;
use crate::vocabulary::QueryWords;
use crate::votes::{VOTE_UNIT, Votes, Weights, cast};

/// What a search by words may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateOptions {
    /// Candidates wanted.
    pub limit: usize,
    /// Signatures that differ in more bits than this do not count.
    pub max_hamming: u32,
    /// Pictures, those with the most votes, whose matches are asked whether they agree on one
    /// similarity. They are ranked by that and come before the rest.
    pub considered: usize,
}

impl Default for CandidateOptions {
    fn default() -> Self {
        Self {
            limit: 200,
            max_hamming: 24,
            considered: 1000,
        }
    }
}

/// A picture that shares words with the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub key: Key,
    /// Weighted votes over the root of the picture's feature count; above 0, no upper bound,
    /// comparable within one search only.
    pub score: f64,
    /// Weighted votes of the matches that agree on one similarity; 0 where fewer than three do, or
    /// the picture was not considered.
    pub agreement: f64,
}

/// The best candidates, and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// Best first.
    pub best: Vec<Candidate>,
    /// Pictures with a vote.
    pub total: usize,
}

/// The index at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) segments: Vec<LiveSegment>,
    /// Pictures that have each word.
    pub(crate) frequencies: Arc<Vec<u32>>,
}

impl Snapshot {
    /// Pictures held.
    pub fn len(&self) -> usize {
        self.segments.iter().map(LiveSegment::len).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all segments, in memory or on disk.
    pub fn bytes(&self) -> usize {
        self.segments
            .iter()
            .map(|s| s.segment.length())
            .sum::<usize>()
            + 4 * self.frequencies.len()
    }

    /// The pictures held, ascending.
    pub fn keys(&self) -> Vec<Key> {
        live_keys(&self.segments)
    }

    /// Whether the picture is held.
    pub fn contains(&self, key: Key) -> bool {
        self.segments.iter().any(|s| s.find(key).is_some())
    }

    /// The best candidates: first those considered, by what agrees, then the others by votes; ties
    /// by votes, then by key. Runs on the current rayon pool; the number of threads, and of segments
    /// and their order, do not change the result.
    pub fn candidates(&self, query: &QueryWords, options: &CandidateOptions) -> Candidates {
        self.candidates_where(query, options, &|_| true)
    }

    /// As [`Snapshot::candidates`], of the pictures that are `wanted`: the others are left out
    /// before any is cut off. What a word is worth still depends on all pictures held.
    pub fn candidates_where(
        &self,
        query: &QueryWords,
        options: &CandidateOptions,
        wanted: &(dyn Fn(Key) -> bool + Sync),
    ) -> Candidates {
        let weights = Weights::new(&self.frequencies, self.len(), options.max_hamming);
        let search = Search {
            snapshot: self,
            query,
            weights: &weights,
            wanted,
        };
        search.run(options)
    }
}

/// One search.
struct Search<'a> {
    snapshot: &'a Snapshot,
    query: &'a QueryWords,
    weights: &'a Weights,
    wanted: &'a (dyn Fn(Key) -> bool + Sync),
}

/// A picture with votes.
#[derive(Clone, Copy)]
struct Found {
    candidate: Candidate,
    segment: u32,
    picture: u16,
}

/// The better first.
fn order(a: &Found, b: &Found) -> Ordering {
    let (a, b) = (&a.candidate, &b.candidate);
    let by_votes = b.score.total_cmp(&a.score).then(a.key.cmp(&b.key));
    b.agreement.total_cmp(&a.agreement).then(by_votes)
}

/// Keeps the `n` best, in no order.
fn keep_best(found: &mut Vec<Found>, n: usize) {
    if n < found.len() {
        found.select_nth_unstable_by(n, order);
        found.truncate(n);
    }
}

/// Features that vote in one task at least.
const FEWEST_TOGETHER: usize = 32;

impl Search<'_> {
    fn run(&self, options: &CandidateOptions) -> Candidates {
        let tasks = self.tasks();
        let votes: Vec<Votes> = tasks
            .par_iter()
            .map(|(segment, features)| {
                let live = &self.snapshot.segments[*segment];
                cast(live, self.query, features.clone(), self.weights)
            })
            .collect();
        let wanted = options.limit.max(options.considered);
        let per_segment: Vec<(Vec<Found>, usize)> = (0..self.snapshot.segments.len())
            .into_par_iter()
            .map(|segment| {
                let own = tasks.iter().zip(&votes).filter(|(t, _)| t.0 == segment);
                let mut found = self.found(segment, own.map(|(_, v)| &v.totals[..]));
                let total = found.len();
                keep_best(&mut found, wanted);
                (found, total)
            })
            .collect();
        let total = per_segment.iter().map(|p| p.1).sum();
        let mut found: Vec<Found> = per_segment.into_iter().flat_map(|p| p.0).collect();
        keep_best(&mut found, wanted);
        found.sort_unstable_by(order);
        let considered = found.len().min(options.considered);
        self.let_agree(&mut found[..considered], &tasks, &votes);
        found[..considered].sort_unstable_by(order);
        found.truncate(options.limit);
        Candidates {
            best: found.into_iter().map(|f| f.candidate).collect(),
            total,
        }
    }

    /// Segments, and ranges of the query's features: about equal work for each thread, though
    /// segments may be few.
    fn tasks(&self) -> Vec<(usize, Range<usize>)> {
        let segments = &self.snapshot.segments;
        let features = self.query.features.len();
        let all: usize = segments.iter().map(|s| s.segment.length()).sum();
        let most = features.div_ceil(FEWEST_TOGETHER).max(1);
        let mut tasks = Vec::new();
        for (number, live) in segments.iter().enumerate() {
            let share = live.segment.length() * 2 * rayon::current_num_threads();
            let parts = share.div_ceil(all.max(1)).clamp(1, most);
            let part = |i: usize| features * i / parts;
            tasks.extend((0..parts).map(|i| (number, part(i)..part(i + 1))));
        }
        tasks
    }

    /// The wanted pictures of a segment that have votes.
    fn found<'v>(&self, number: usize, totals: impl Iterator<Item = &'v [u64]>) -> Vec<Found> {
        let live = &self.snapshot.segments[number];
        let segment = &live.segment;
        let mut sums = vec![0u64; segment.keys().len()];
        for totals in totals {
            for (sum, total) in sums.iter_mut().zip(totals) {
                *sum += total;
            }
        }
        let pictures = sums.into_iter().zip(0u16..=u16::MAX);
        let wanted = |p: u16| (self.wanted)(Key(segment.keys()[usize::from(p)]));
        let found = pictures.filter(|&(sum, p)| sum > 0 && live.is_live(p.into()) && wanted(p));
        found
            .map(|(sum, picture)| {
                let features = segment.features()[usize::from(picture)].max(1);
                Found {
                    candidate: Candidate {
                        key: Key(segment.keys()[usize::from(picture)]),
                        score: sum as f64 / VOTE_UNIT / f64::from(features).sqrt(),
                        agreement: 0.0,
                    },
                    segment: number as u32,
                    picture,
                }
            })
            .collect()
    }

    /// Sets what agrees in each of `found`.
    fn let_agree(&self, found: &mut [Found], tasks: &[(usize, Range<usize>)], votes: &[Votes]) {
        const NONE: u32 = u32::MAX;
        let mut numbers: Vec<Vec<u32>> = vec![Vec::new(); self.snapshot.segments.len()];
        for (f, number) in found.iter().zip(0u32..) {
            let segment = f.segment as usize;
            let pictures = self.snapshot.segments[segment].segment.keys().len();
            numbers[segment].resize(pictures, NONE);
            numbers[segment][usize::from(f.picture)] = number;
        }
        let mut pairs: Vec<(u32, Pair)> = tasks
            .par_iter()
            .zip(votes)
            .filter(|((segment, _), _)| !numbers[*segment].is_empty())
            .flat_map_iter(|((segment, _), votes)| self.pairs(*segment, &numbers[*segment], votes))
            .collect();
        // Numbers of postings are those of their segment, and a picture is in one.
        pairs.par_sort_unstable_by_key(|(number, pair)| {
            (*number, Reverse(pair.vote), pair.feature, pair.posting)
        });
        let of_each: Vec<&[(u32, Pair)]> = pairs.chunk_by(|a, b| a.0 == b.0).collect();
        let agreements: Vec<(u32, Agreement)> = of_each
            .par_iter()
            .map_init(
                Default::default,
                |(agreeing, own): &mut (Agreeing, Vec<Pair>), pairs| {
                    own.clear();
                    own.extend(pairs.iter().map(|p| p.1));
                    (pairs[0].0, agreeing.of(own))
                },
            )
            .collect();
        for (number, agreement) in agreements {
            found[number as usize].candidate.agreement = agreement.votes as f64 / VOTE_UNIT;
        }
    }

    /// The matches with pictures that have a number.
    fn pairs<'v>(
        &'v self,
        segment: usize,
        numbers: &'v [u32],
        votes: &'v Votes,
    ) -> impl Iterator<Item = (u32, Pair)> + 'v {
        let all = self.snapshot.segments[segment].segment.all();
        votes.lists.iter().flat_map(move |list| {
            let near = &votes.near[list.range.start as usize..list.range.end as usize];
            let feature = &self.query.features[list.feature as usize];
            let assigned = feature.assigned[list.assignment as usize];
            let numbered = near.iter().filter_map(move |&posting| {
                let number = numbers[usize::from(all.pictures[posting as usize])];
                (number != u32::MAX).then_some((number, posting))
            });
            numbered.map(move |(number, posting)| {
                let signature = all.signatures[posting as usize];
                let distance = (signature ^ assigned.signature).count_ones();
                let pair = Pair {
                    feature: list.feature,
                    posting,
                    vote: self.weights.vote(assigned.word, distance),
                    query: feature.place,
                    result: Place(all.places[posting as usize]),
                };
                (number, pair)
            })
        })
    }
}
