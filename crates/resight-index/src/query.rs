//! A query by words against a snapshot. Its features vote once, and their votes are kept: more
//! features can be added without looking up the first ones again.

use std::cmp::{Ordering, Reverse};
use std::ops::Range;

use rayon::prelude::*;
use resight_vision::signatures::prefetch;
use roaring::RoaringTreemap;

use crate::Key;
use crate::agreement::{Agreement, AgreementFinder, FeatureMatch};
use crate::candidate::{Candidate, CandidateOptions, Candidates};
use crate::place::Place;
use crate::query_words::{QueryFeature, QueryWords};
use crate::segment_file::Keyed;
use crate::snapshot::Snapshot;
use crate::votes::{SegmentVotes, VOTE_UNIT, VoteWeights, cast};

/// Features that have voted, with their votes.
///
/// Invariant: the candidates depend on the features, and not on whether they were added at once or
/// in parts.
pub struct SnapshotQuery<'a> {
    snapshot: &'a Snapshot,
    options: CandidateOptions,
    weights: VoteWeights,
    features: Vec<QueryFeature>,
    /// Votes of some features, each with the position of its segment.
    votes: Vec<(usize, SegmentVotes)>,
}

/// A picture with votes.
#[derive(Clone, Copy)]
struct ScoredPicture {
    candidate: Candidate,
    segment: u32,
    picture: u16,
}

/// Order of candidates; the better first.
fn order(a: &ScoredPicture, b: &ScoredPicture) -> Ordering {
    a.candidate.order(&b.candidate)
}

/// Keeps the `n` best, in no order.
fn keep_best(pictures: &mut Vec<ScoredPicture>, n: usize) {
    if n < pictures.len() {
        pictures.select_nth_unstable_by(n, order);
        pictures.truncate(n);
    }
}

/// Stands for "not considered" where pictures are numbered.
const NONE: u32 = u32::MAX;

/// At least this many features vote in one task.
const MIN_TASK_FEATURES: usize = 32;

impl Snapshot {
    /// A query without features yet.
    pub fn query(&self, options: CandidateOptions) -> SnapshotQuery<'_> {
        SnapshotQuery {
            snapshot: self,
            weights: VoteWeights::new(&self.frequencies, self.len(), options.max_hamming),
            options,
            features: Vec::new(),
            votes: Vec::new(),
        }
    }

    /// The best candidates: first those considered, then the others, all in [`Candidate::order`]. Runs
    /// on the current rayon pool. Neither the number of threads nor how pictures are spread over segments
    /// changes the result.
    pub fn candidates(&self, query: &QueryWords, options: &CandidateOptions) -> Candidates {
        let mut asked = self.query(*options);
        asked.add(query.clone());
        asked.candidates(&|_| true)
    }
}

impl SnapshotQuery<'_> {
    /// Lets more features vote. Runs on the current rayon pool.
    pub fn add(&mut self, words: QueryWords) {
        let first_new = self.features.len();
        self.features.extend(words.features);
        let tasks = self.tasks(first_new);
        let votes = tasks.into_par_iter().map(|(segment, range)| {
            let features = (range.start as u32..).zip(&self.features[range]);
            let live = &self.snapshot.segments[segment];
            (segment, cast(&live.segment, features, &self.weights))
        });
        let votes: Vec<(usize, SegmentVotes)> = votes.collect();
        self.votes.extend(votes);
    }

    /// Features that have voted.
    pub fn features(&self) -> &[QueryFeature] {
        &self.features
    }

    /// The best candidates so far among the pictures that `accepts` admits; the others are left out
    /// before any is cut off. A word's weight still depends on all pictures of the snapshot.
    /// Otherwise as [`Snapshot::candidates`].
    pub fn candidates(&self, accepts: &(dyn Fn(Key) -> bool + Sync)) -> Candidates {
        let options = self.options;
        let kept = options.limit.max(options.considered);
        let per_segment: Vec<(Vec<ScoredPicture>, usize)> = (0..self.snapshot.segments.len())
            .into_par_iter()
            .map(|segment| self.best_of_segment(segment, accepts, kept))
            .collect();
        let total = per_segment.iter().map(|p| p.1).sum();
        let mut best: Vec<ScoredPicture> = per_segment.into_iter().flat_map(|p| p.0).collect();
        keep_best(&mut best, kept);
        best.sort_unstable_by(order);
        let considered = best.len().min(options.considered);
        self.set_agreements(&mut best[..considered]);
        best[..considered].sort_unstable_by(order);
        best.truncate(options.limit);
        Candidates {
            best: best.into_iter().map(|scored| scored.candidate).collect(),
            total,
        }
    }

    /// Positions of segments with ranges of the features from `first_new` on: about equal work for
    /// each thread, also where segments are few.
    fn tasks(&self, first_new: usize) -> Vec<(usize, Range<usize>)> {
        let segments = &self.snapshot.segments;
        let features = self.features.len() - first_new;
        let all: usize = segments.iter().map(|s| s.segment.length()).sum();
        let most = features.div_ceil(MIN_TASK_FEATURES).max(1);
        let mut tasks = Vec::new();
        for (number, live) in segments.iter().enumerate() {
            let share = live.segment.length() * 2 * rayon::current_num_threads();
            let parts = share.div_ceil(all.max(1)).clamp(1, most);
            let part = |i: usize| first_new + features * i / parts;
            tasks.extend((0..parts).map(|i| (number, part(i)..part(i + 1))));
        }
        tasks
    }

    /// The keys of all accepted pictures with votes.
    pub fn sharing(&self, accepts: &(dyn Fn(Key) -> bool + Sync)) -> RoaringTreemap {
        let segments = self.snapshot.segments.iter().enumerate();
        let keys = segments.flat_map(|(number, live)| {
            let sums = self.sums(number).into_iter().zip(0u16..=u16::MAX);
            let voted = sums.filter(|&(sum, p)| sum > 0 && live.is_live(p.into()));
            voted.map(|(_, p)| live.segment.keys()[usize::from(p)])
        });
        keys.filter(|key| accepts(Key(*key))).collect()
    }

    /// The votes for each picture of a segment.
    fn sums(&self, number: usize) -> Vec<u64> {
        let mut sums = vec![0u64; self.snapshot.segments[number].segment.keys().len()];
        for (_, votes) in self.votes.iter().filter(|(of, _)| *of == number) {
            for (sum, total) in sums.iter_mut().zip(&votes.totals) {
                *sum += total;
            }
        }
        sums
    }

    /// The best of a segment's accepted pictures with votes, at most `kept`, in no order, and the
    /// number of all of them.
    fn best_of_segment(
        &self,
        number: usize,
        accepts: &(dyn Fn(Key) -> bool + Sync),
        kept: usize,
    ) -> (Vec<ScoredPicture>, usize) {
        let live = &self.snapshot.segments[number];
        let segment = &live.segment;
        let sums = self.sums(number);
        let pictures = sums.into_iter().zip(0u16..=u16::MAX);
        let is_accepted = |p: u16| accepts(Key(segment.keys()[usize::from(p)]));
        let voted =
            pictures.filter(|&(sum, p)| sum > 0 && live.is_live(p.into()) && is_accepted(p));
        let (mut best, mut total) = (Vec::new(), 0);
        // At least `kept` pictures have this score or a higher one.
        let mut bound = 0.0;
        for (sum, picture) in voted {
            total += 1;
            let features = segment.features()[usize::from(picture)].max(1);
            let score = sum as f64 / VOTE_UNIT / f64::from(features).sqrt();
            if score < bound {
                continue;
            }
            best.push(ScoredPicture {
                candidate: Candidate {
                    key: Key(segment.keys()[usize::from(picture)]),
                    score,
                    agreement: 0.0,
                    agreeing: 0,
                },
                segment: number as u32,
                picture,
            });
            if best.len() >= kept.saturating_mul(4).max(4) {
                keep_best(&mut best, kept);
                let scores = best.iter().map(|f| f.candidate.score);
                bound = scores.fold(f64::INFINITY, f64::min);
            }
        }
        keep_best(&mut best, kept);
        (best, total)
    }

    /// Sets the agreement of each of these pictures.
    fn set_agreements(&self, pictures: &mut [ScoredPicture]) {
        let mut numbers: Vec<Vec<u32>> = vec![Vec::new(); self.snapshot.segments.len()];
        for (scored, number) in pictures.iter().zip(0u32..) {
            let segment = scored.segment as usize;
            let length = self.snapshot.segments[segment].segment.keys().len();
            numbers[segment].resize(length, NONE);
            numbers[segment][usize::from(scored.picture)] = number;
        }
        let matches: Vec<Vec<(u32, FeatureMatch)>> = self
            .votes
            .par_iter()
            .filter(|(segment, _)| !numbers[*segment].is_empty())
            .map(|(segment, votes)| self.matches(*segment, &numbers[*segment], votes))
            .collect();
        // By picture; a sort of all at once took a tenth of a search among a million.
        let mut of_each: Vec<Vec<FeatureMatch>> = vec![Vec::new(); pictures.len()];
        for (number, found) in matches.into_iter().flatten() {
            of_each[number as usize].push(found);
        }
        let agreements: Vec<Agreement> = of_each
            .par_iter_mut()
            .map_init(AgreementFinder::default, |finder, matches| {
                // A picture is in one segment, so that its postings have different numbers.
                matches.sort_unstable_by_key(|m| (Reverse(m.vote), m.feature, m.posting));
                finder.best(matches)
            })
            .collect();
        for (scored, agreement) in pictures.iter_mut().zip(agreements) {
            scored.candidate.agreement = agreement.votes as f64 / VOTE_UNIT;
            scored.candidate.agreeing = agreement.matches;
        }
    }

    /// The matches with the pictures that have a number, each with that number.
    fn matches(
        &self,
        segment: usize,
        numbers: &[u32],
        votes: &SegmentVotes,
    ) -> Vec<(u32, FeatureMatch)> {
        let places = self.snapshot.segments[segment].segment.places();
        // A thousandth of a large index's pictures have a number; one bit of each stays in the cache.
        let mut numbered = vec![0u64; numbers.len().div_ceil(64)];
        for (picture, _) in (0..).zip(numbers).filter(|(_, number)| **number != NONE) {
            numbered[picture / 64] |= 1 << (picture % 64);
        }
        // First the pictures, then the places, which are prefetched meanwhile.
        let mut numbered_matches = Vec::new();
        for list in &votes.lists {
            let range = list.range.start as usize..list.range.end as usize;
            for (at, &picture) in range.clone().zip(&votes.pictures[range]) {
                let picture = usize::from(picture);
                if numbered[picture / 64] >> (picture % 64) & 1 == 1 {
                    let posting = votes.near[at];
                    prefetch(&places[posting as usize..=posting as usize]);
                    numbered_matches.push((list, numbers[picture], posting, votes.distances[at]));
                }
            }
        }
        let matches = numbered_matches
            .into_iter()
            .map(|(list, number, posting, distance)| {
                let feature = &self.features[list.feature as usize];
                let word = feature.assigned[list.assignment as usize].word;
                let found = FeatureMatch {
                    feature: list.feature,
                    posting,
                    vote: self.weights.vote(word, distance),
                    query: feature.place,
                    result: Place(places[posting as usize]),
                };
                (number, found)
            });
        matches.collect()
    }
}
