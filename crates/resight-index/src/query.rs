//! A question to a snapshot. Its features vote, and what they have given stays: more of them can be
//! added without asking for the first ones again.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;
use resight_vision::signatures::prefetch;

use crate::Key;
use crate::agreement::{Agreeing, Agreement, Pair};
use crate::place::Place;
use crate::segment_file::Keyed;
use crate::snapshot::{Candidate, CandidateOptions, Candidates, Snapshot};
use crate::vocabulary::{QueryFeature, QueryWords};
use crate::votes::{VOTE_UNIT, Votes, Weights, cast};

/// Features that have voted, and for what.
///
/// Invariant: the candidates are those of all its features, whether they came at once or one after
/// the other.
pub struct Question<'a> {
    snapshot: &'a Snapshot,
    options: CandidateOptions,
    weights: Weights,
    features: Vec<&'a QueryFeature>,
    /// By segment.
    cast: Vec<(usize, Votes)>,
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

/// Signatures that differ in no more bits ask for next to the same: an eighth of them.
const SAME: u32 = 8;

/// The number of a picture that has none.
const NONE: u32 = u32::MAX;

/// Features that vote in one task at least.
const FEWEST_TOGETHER: usize = 32;

impl<'a> Question<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, options: CandidateOptions) -> Self {
        Self {
            snapshot,
            weights: Weights::new(&snapshot.frequencies, snapshot.len(), options.max_hamming),
            options,
            features: Vec::new(),
            cast: Vec::new(),
        }
    }

    /// Whether nothing has voted.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Lets more features vote. Runs on the current rayon pool.
    pub fn add(&mut self, words: &'a QueryWords) {
        let known = self.features.len();
        self.features.extend(&words.features);
        let tasks = self.tasks(known);
        let votes = tasks.into_par_iter().map(|(segment, features)| {
            let (from, until) = (features.start as u32, features.end);
            let features = (from..).zip(self.features[features.start..until].iter().copied());
            let live = &self.snapshot.segments[segment];
            (segment, cast(&live.segment, features, &self.weights))
        });
        let votes: Vec<(usize, Votes)> = votes.collect();
        self.cast.extend(votes);
    }

    /// Leaves of `words` those that no feature has asked for yet with next to the same signature, and the
    /// features that have one: nearly all that the others would find is found, and has voted.
    pub fn leave_new(&self, words: &mut QueryWords) {
        let mut asked: HashMap<u32, Vec<u64>> = HashMap::new();
        for assigned in self.features.iter().flat_map(|f| &f.assigned) {
            asked
                .entry(assigned.word)
                .or_default()
                .push(assigned.signature);
        }
        for feature in &mut words.features {
            feature.assigned.retain(|assigned| {
                let mut of_word = asked.get(&assigned.word).into_iter().flatten();
                of_word.all(|signature| (signature ^ assigned.signature).count_ones() > SAME)
            });
        }
        words.features.retain(|f| !f.assigned.is_empty());
    }

    /// The best candidates so far, of the pictures that are `wanted`: the others are left out before any
    /// is cut off. What a word is worth still depends on all pictures held. Otherwise as
    /// [`Snapshot::candidates`].
    pub fn candidates(&self, wanted: &(dyn Fn(Key) -> bool + Sync)) -> Candidates {
        let options = self.options;
        let least = options.limit.max(options.considered);
        let per_segment: Vec<(Vec<Found>, usize)> = (0..self.snapshot.segments.len())
            .into_par_iter()
            .map(|segment| self.found(segment, wanted, least))
            .collect();
        let total = per_segment.iter().map(|p| p.1).sum();
        let mut found: Vec<Found> = per_segment.into_iter().flat_map(|p| p.0).collect();
        keep_best(&mut found, least);
        found.sort_unstable_by(order);
        let considered = found.len().min(options.considered);
        self.let_agree(&mut found[..considered]);
        found[..considered].sort_unstable_by(order);
        found.truncate(options.limit);
        Candidates {
            best: found.into_iter().map(|f| f.candidate).collect(),
            total,
        }
    }

    /// Segments, and ranges of the features from `known` on: about equal work for each thread, though
    /// segments may be few.
    fn tasks(&self, known: usize) -> Vec<(usize, Range<usize>)> {
        let segments = &self.snapshot.segments;
        let features = self.features.len() - known;
        let all: usize = segments.iter().map(|s| s.segment.length()).sum();
        let most = features.div_ceil(FEWEST_TOGETHER).max(1);
        let mut tasks = Vec::new();
        for (number, live) in segments.iter().enumerate() {
            let share = live.segment.length() * 2 * rayon::current_num_threads();
            let parts = share.div_ceil(all.max(1)).clamp(1, most);
            let part = |i: usize| known + features * i / parts;
            tasks.extend((0..parts).map(|i| (number, part(i)..part(i + 1))));
        }
        tasks
    }

    /// The `least` best of a segment's wanted pictures that have votes, in no order, and how many there
    /// are.
    fn found(
        &self,
        number: usize,
        wanted: &(dyn Fn(Key) -> bool + Sync),
        least: usize,
    ) -> (Vec<Found>, usize) {
        let live = &self.snapshot.segments[number];
        let segment = &live.segment;
        let mut sums = vec![0u64; segment.keys().len()];
        for (_, votes) in self.cast.iter().filter(|(of, _)| *of == number) {
            for (sum, total) in sums.iter_mut().zip(&votes.totals) {
                *sum += total;
            }
        }
        let pictures = sums.into_iter().zip(0u16..=u16::MAX);
        let is_wanted = |p: u16| wanted(Key(segment.keys()[usize::from(p)]));
        let found = pictures.filter(|&(sum, p)| sum > 0 && live.is_live(p.into()) && is_wanted(p));
        let (mut best, mut total) = (Vec::new(), 0);
        // Scores of as many as are wanted are at least this.
        let mut bound = 0.0;
        for (sum, picture) in found {
            total += 1;
            let features = segment.features()[usize::from(picture)].max(1);
            let score = sum as f64 / VOTE_UNIT / f64::from(features).sqrt();
            if score < bound {
                continue;
            }
            best.push(Found {
                candidate: Candidate {
                    key: Key(segment.keys()[usize::from(picture)]),
                    score,
                    agreement: 0.0,
                },
                segment: number as u32,
                picture,
            });
            if best.len() >= least.saturating_mul(4).max(4) {
                keep_best(&mut best, least);
                let scores = best.iter().map(|f| f.candidate.score);
                bound = scores.fold(f64::INFINITY, f64::min);
            }
        }
        keep_best(&mut best, least);
        (best, total)
    }

    /// Sets what agrees in each of `found`.
    fn let_agree(&self, found: &mut [Found]) {
        let mut numbers: Vec<Vec<u32>> = vec![Vec::new(); self.snapshot.segments.len()];
        for (f, number) in found.iter().zip(0u32..) {
            let segment = f.segment as usize;
            let pictures = self.snapshot.segments[segment].segment.keys().len();
            numbers[segment].resize(pictures, NONE);
            numbers[segment][usize::from(f.picture)] = number;
        }
        let parts: Vec<Vec<(u32, Pair)>> = self
            .cast
            .par_iter()
            .filter(|(segment, _)| !numbers[*segment].is_empty())
            .map(|(segment, votes)| self.pairs(*segment, &numbers[*segment], votes))
            .collect();
        // By picture; a sort of all at once took a tenth of a search among a million.
        let mut of_each: Vec<Vec<Pair>> = vec![Vec::new(); found.len()];
        for (number, pair) in parts.into_iter().flatten() {
            of_each[number as usize].push(pair);
        }
        let agreements: Vec<Agreement> = of_each
            .par_iter_mut()
            .map_init(Agreeing::default, |agreeing, pairs| {
                // Numbers of postings are those of their segment, and a picture is in one.
                pairs.sort_unstable_by_key(|pair| (Reverse(pair.vote), pair.feature, pair.posting));
                agreeing.of(pairs)
            })
            .collect();
        for (found, agreement) in found.iter_mut().zip(agreements) {
            found.candidate.agreement = agreement.votes as f64 / VOTE_UNIT;
        }
    }

    /// The matches with pictures that have a number.
    fn pairs(&self, segment: usize, numbers: &[u32], votes: &Votes) -> Vec<(u32, Pair)> {
        let places = self.snapshot.segments[segment].segment.places();
        // A thousandth of a large index's pictures have a number: one bit of each is always at hand.
        let mut numbered = vec![0u64; numbers.len().div_ceil(64)];
        for (picture, _) in (0..).zip(numbers).filter(|(_, number)| **number != NONE) {
            numbered[picture / 64] |= 1 << (picture % 64);
        }
        // First whose they are, then where they lie, which memory has been asked for meanwhile.
        let mut matches = Vec::new();
        for list in &votes.lists {
            let range = list.range.start as usize..list.range.end as usize;
            for (at, &picture) in range.clone().zip(&votes.pictures[range]) {
                let picture = usize::from(picture);
                if numbered[picture / 64] >> (picture % 64) & 1 == 1 {
                    let posting = votes.near[at];
                    prefetch(&places[posting as usize..=posting as usize]);
                    matches.push((list, numbers[picture], posting, votes.distances[at]));
                }
            }
        }
        let pairs = matches
            .into_iter()
            .map(|(list, number, posting, distance)| {
                let feature = self.features[list.feature as usize];
                let word = feature.assigned[list.assignment as usize].word;
                let pair = Pair {
                    feature: list.feature,
                    posting,
                    vote: self.weights.vote(word, distance),
                    query: feature.place,
                    result: Place(places[posting as usize]),
                };
                (number, pair)
            });
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::AssignedFeature;

    fn feature(assigned: &[(u32, u64)]) -> QueryFeature {
        let assigned = assigned
            .iter()
            .map(|&(word, signature)| AssignedFeature { word, signature });
        QueryFeature {
            assigned: assigned.collect(),
            cells: vec![],
            place: Place::default(),
        }
    }

    #[test]
    fn what_has_been_asked_is_not_new() {
        let snapshot = Snapshot::default();
        let asked = QueryWords {
            features: vec![feature(&[(3, 0), (4, u64::MAX)]), feature(&[(3, 0xFFFF)])],
        };
        let mut question = snapshot.question(CandidateOptions::default());
        question.add(&asked);
        let mut words = QueryWords {
            features: vec![
                // Within eight bits of one, and another word.
                feature(&[(3, 0xFF), (5, 0xFF)]),
                feature(&[(3, 0xFF00), (4, u64::MAX >> 8)]),
                feature(&[(3, 0x1FF << 20), (4, u64::MAX >> 9)]),
                feature(&[]),
            ],
        };
        question.leave_new(&mut words);
        let left = [
            feature(&[(5, 0xFF)]),
            feature(&[(3, 0x1FF << 20), (4, u64::MAX >> 9)]),
        ];
        assert_eq!(words.features, left);
    }
}
