//! The first step of a search: each query feature votes for the pictures that share its words.

use std::ops::Range;

use resight_vision::Simd;
use resight_vision::signatures::{prefetch, within};

use crate::query_words::QueryFeature;
use crate::segment::Segment;
use crate::segment_file::Keyed;

/// SegmentVotes are integers so that their order cannot change a rank: squared inverse document
/// frequency in 1/256ths times the weight of a distance in 1/4096ths, which fits 32 bits.
const IDF_UNIT: f64 = 256.0;
const WEIGHT_UNIT: f64 = 4096.0;
/// A vote of 1.
pub(crate) const VOTE_UNIT: f64 = IDF_UNIT * WEIGHT_UNIT;
/// Width of the weight of a Hamming distance (Jégou et al., IJCV 2010 §3.4: σ = 16 of 64 bits).
const SIGMA: f64 = 16.0;

/// A list is prefetched this many lists before it is compared: lists of a large index are short and far
/// from each other, and waiting for memory took most of a search.
const AHEAD: usize = 2;

/// Weights of votes, by word and by Hamming distance.
pub(crate) struct VoteWeights {
    /// By Hamming distance.
    distances: Vec<u32>,
    /// By word.
    idf: Vec<u32>,
    /// The largest distance with a vote.
    max_distance: u32,
}

impl VoteWeights {
    /// For words with these frequencies among `pictures` pictures, and signatures that differ in at
    /// most `max_hamming` bits.
    pub(crate) fn new(frequencies: &[u32], pictures: usize, max_hamming: u32) -> Self {
        // From libm, not the system's library: the same bits on every machine.
        let distance = |h: u32| {
            let h = f64::from(h);
            (WEIGHT_UNIT * libm::exp(-h * h / (SIGMA * SIGMA))).round() as u32
        };
        let idf = |f: &u32| {
            let idf = libm::log(1.0 + pictures as f64 / f64::from((*f).max(1)));
            (IDF_UNIT * idf * idf).round() as u32
        };
        let max_distance = max_hamming.min(64);
        Self {
            distances: (0..=max_distance).map(distance).collect(),
            idf: frequencies.iter().map(idf).collect(),
            max_distance,
        }
    }

    /// The vote of a posting of `word` at this distance, which is at most the largest with a vote.
    pub(crate) fn vote(&self, word: u32, distance: u8) -> u32 {
        self.distances[usize::from(distance)] * self.idf[word as usize]
    }
}

/// A picture's votes while they are cast.
#[derive(Clone, Copy)]
struct Tally {
    total: u64,
    /// The vote of the last query feature that voted for it.
    last_vote: u32,
    /// The number of that feature.
    last_feature: u32,
}

/// Postings near a query feature in one of its words.
pub(crate) struct MatchList {
    /// Number of the query's feature.
    pub(crate) feature: u32,
    /// Position among its words.
    pub(crate) assignment: u32,
    /// Range in [`SegmentVotes::near`].
    pub(crate) range: Range<u32>,
}

/// Votes of some features of the query for the pictures of a segment.
pub(crate) struct SegmentVotes {
    /// Sum of votes of each picture.
    pub(crate) totals: Vec<u64>,
    pub(crate) lists: Vec<MatchList>,
    /// Numbers of postings in the segment.
    pub(crate) near: Vec<u32>,
    /// Their pictures: they are read once more, when the segment's own column has left the cache.
    pub(crate) pictures: Vec<u16>,
    /// Their Hamming distances to the query's feature.
    pub(crate) distances: Vec<u8>,
}

/// Lets features of the query, given with their numbers, vote.
///
/// Each votes for a picture at most once, with its closest signature among all words it is looked up
/// in, so that repeated structure in a picture counts once (Jégou, Douze & Schmid, CVPR 2009 §4.1).
pub(crate) fn cast<'q>(
    segment: &Segment,
    features: impl Iterator<Item = (u32, &'q QueryFeature)>,
    weights: &VoteWeights,
) -> SegmentVotes {
    let simd = Simd::widest();
    let mut tallies = Tallies::new(segment.keys().len());
    let (mut lists, mut near) = (Vec::new(), Vec::new());
    let (mut pictures, mut distances) = (Vec::new(), Vec::new());
    // The previous list and the start of its postings, which are not counted yet.
    let mut before: Option<(&PostingList, usize)> = None;
    let posting_lists = look_up(segment, features, weights);
    for (i, list) in posting_lists.iter().enumerate() {
        if let Some(later) = posting_lists.get(i + AHEAD) {
            let later = segment.at(later.postings.clone());
            prefetch(later.signatures);
            prefetch(later.pictures);
        }
        let (first, from) = (list.postings.start, near.len());
        let postings = segment.at(list.postings.clone());
        within(
            simd,
            postings.signatures,
            list.signature,
            weights.max_distance,
            |i, distance| {
                let picture = postings.pictures[i];
                tallies.prefetch(picture);
                near.push((first + i) as u32);
                pictures.push(picture);
                distances.push(distance as u8);
            },
        );
        if let Some((list, start)) = before.replace((list, from)) {
            tallies.count(
                list,
                &pictures[start..from],
                &distances[start..from],
                weights,
            );
        }
        if from < near.len() {
            lists.push(MatchList {
                feature: list.feature,
                assignment: list.assignment,
                range: from as u32..near.len() as u32,
            });
        }
    }
    if let Some((list, start)) = before {
        tallies.count(list, &pictures[start..], &distances[start..], weights);
    }
    SegmentVotes {
        totals: tallies.0.into_iter().map(|t| t.total).collect(),
        lists,
        near,
        pictures,
        distances,
    }
}

/// A tally for each picture.
struct Tallies(Vec<Tally>);

impl Tallies {
    fn new(pictures: usize) -> Self {
        let none = Tally {
            total: 0,
            last_vote: 0,
            last_feature: u32::MAX,
        };
        Self(vec![none; pictures])
    }

    /// Prefetches a picture's tally: posting lists evict tallies from the cache.
    #[inline]
    fn prefetch(&self, picture: u16) {
        let at = usize::from(picture);
        prefetch(&self.0[at..=at]);
    }

    /// Counts the votes of one feature in one of its lists. Of all its votes for a picture the highest
    /// counts, so a vote adds what it has more than the feature's earlier ones. The lists of a feature
    /// must be counted one after the other.
    #[inline]
    fn count(
        &mut self,
        list: &PostingList,
        pictures: &[u16],
        distances: &[u8],
        weights: &VoteWeights,
    ) {
        for (&picture, &distance) in pictures.iter().zip(distances) {
            let vote = weights.distances[usize::from(distance)] * list.idf;
            let tally = &mut self.0[usize::from(picture)];
            let earlier = if tally.last_feature == list.feature {
                tally.last_vote
            } else {
                0
            };
            let more = vote.saturating_sub(earlier);
            tally.last_feature = list.feature;
            tally.last_vote = earlier + more;
            tally.total += u64::from(more);
        }
    }
}

/// A posting list that a feature is compared with.
struct PostingList {
    feature: u32,
    assignment: u32,
    signature: u64,
    idf: u32,
    postings: Range<usize>,
}

/// The posting lists of these features' words, feature by feature, without empty ones.
fn look_up<'q>(
    segment: &Segment,
    features: impl Iterator<Item = (u32, &'q QueryFeature)>,
    weights: &VoteWeights,
) -> Vec<PostingList> {
    let mut features: Vec<(u32, &QueryFeature)> = features.collect();
    // Features of one word follow each other: its list is still in the cache for the next one.
    features.sort_by_key(|(_, words)| words.assigned.first().map(|a| a.word));
    let mut lists = Vec::new();
    for (feature, words) in features {
        for (a, assignment) in words.assigned.iter().zip(0u32..) {
            let Some(&idf) = weights.idf.get(a.word as usize) else {
                continue;
            };
            let postings = segment.find_word(a.word);
            if !postings.is_empty() {
                lists.push(PostingList {
                    feature,
                    assignment,
                    signature: a.signature,
                    idf,
                    postings,
                });
            }
        }
    }
    lists
}
