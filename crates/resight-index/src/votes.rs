//! The first step of a search: each query feature votes for the pictures that share its words.

use std::ops::Range;

use resight_vision::Simd;
use resight_vision::signatures::{prefetch, within};

use crate::segment::Segment;
use crate::segment_file::Keyed;
use crate::vocabulary::QueryFeature;

/// Votes are integers so that their order cannot change a rank: squared inverse document
/// frequency in 1/256ths times the weight of a distance in 1/4096ths, which fits 32 bits.
const IDF_UNIT: f64 = 256.0;
const WEIGHT_UNIT: f64 = 4096.0;
/// A vote of 1.
pub(crate) const VOTE_UNIT: f64 = IDF_UNIT * WEIGHT_UNIT;
/// Width of the weight of a Hamming distance (Jégou et al., IJCV 2010 §3.4: σ = 16 of 64 bits).
const SIGMA: f64 = 16.0;

/// Lists between one that is compared and one that memory is asked for: lists of a large index are
/// short and far from each other, so that waiting for them took most of a search.
const AHEAD: usize = 2;

/// What a vote is worth.
pub(crate) struct Weights {
    /// By Hamming distance.
    distances: Vec<u32>,
    /// By word.
    idf: Vec<u32>,
    /// The largest distance that gives a vote.
    most: u32,
}

impl Weights {
    /// For words that so many of `pictures` pictures have, and signatures at most `max_hamming` apart.
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
        let most = max_hamming.min(64);
        Self {
            distances: (0..=most).map(distance).collect(),
            idf: frequencies.iter().map(idf).collect(),
            most,
        }
    }

    /// The vote of a posting of `word` at this distance, which is at most the largest that counts.
    pub(crate) fn vote(&self, word: u32, distance: u8) -> u32 {
        self.distances[usize::from(distance)] * self.idf[word as usize]
    }
}

/// A picture's votes while they are cast.
#[derive(Clone, Copy)]
struct Tally {
    total: u64,
    /// What the last query feature that gave anything has given.
    given: u32,
    /// Which that was.
    giver: u32,
}

/// Postings near a query feature in one of its words.
pub(crate) struct NearList {
    /// Which feature of the query.
    pub(crate) feature: u32,
    /// Which of its words.
    pub(crate) assignment: u32,
    /// In [`Votes::near`].
    pub(crate) range: Range<u32>,
}

/// What some features of the query have given the pictures of a segment.
pub(crate) struct Votes {
    /// By picture.
    pub(crate) totals: Vec<u64>,
    pub(crate) lists: Vec<NearList>,
    /// Numbers of postings in the segment.
    pub(crate) near: Vec<u32>,
    /// Whose they are: they are looked through once more, and the segment's own list is far away by then.
    pub(crate) pictures: Vec<u16>,
    /// How far each is from the query's feature.
    pub(crate) distances: Vec<u8>,
}

/// Lets features of the query vote, with their numbers.
///
/// Each votes for a picture at most once, with its closest signature among all words it is looked up
/// in, so that repeated structure in a picture counts once (Jégou, Douze & Schmid, CVPR 2009 §4.1).
pub(crate) fn cast<'q>(
    segment: &Segment,
    features: impl Iterator<Item = (u32, &'q QueryFeature)>,
    weights: &Weights,
) -> Votes {
    let simd = Simd::widest();
    let mut tallies = Tallies::new(segment.keys().len());
    let (mut lists, mut near) = (Vec::new(), Vec::new());
    let (mut pictures, mut distances) = (Vec::new(), Vec::new());
    // The list before, and where what it found begins, which is not counted yet.
    let mut before: Option<(&LookedUp, usize)> = None;
    let looked_up = looked_up(segment, features, weights);
    for (i, list) in looked_up.iter().enumerate() {
        if let Some(later) = looked_up.get(i + AHEAD) {
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
            weights.most,
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
            lists.push(NearList {
                feature: list.feature,
                assignment: list.assignment,
                range: from as u32..near.len() as u32,
            });
        }
    }
    if let Some((list, start)) = before {
        tallies.count(list, &pictures[start..], &distances[start..], weights);
    }
    Votes {
        totals: tallies.0.into_iter().map(|t| t.total).collect(),
        lists,
        near,
        pictures,
        distances,
    }
}

/// By picture.
struct Tallies(Vec<Tally>);

impl Tallies {
    fn new(pictures: usize) -> Self {
        let none = Tally {
            total: 0,
            given: 0,
            giver: u32::MAX,
        };
        Self(vec![none; pictures])
    }

    /// A picture's will be needed: the lists that pass by leave few of them near.
    #[inline]
    fn prefetch(&self, picture: u16) {
        let at = usize::from(picture);
        prefetch(&self.0[at..=at]);
    }

    /// Counts what one feature gives pictures by one of its lists: of all its votes for a picture the
    /// highest, so only what one has more than those before. Its lists must come one after the other.
    #[inline]
    fn count(&mut self, list: &LookedUp, pictures: &[u16], distances: &[u8], weights: &Weights) {
        let giver = list.feature;
        for (&picture, &distance) in pictures.iter().zip(distances) {
            let vote = weights.distances[usize::from(distance)] * list.idf;
            let tally = &mut self.0[usize::from(picture)];
            let given = if tally.giver == giver { tally.given } else { 0 };
            let more = vote.saturating_sub(given);
            tally.giver = giver;
            tally.given = given + more;
            tally.total += u64::from(more);
        }
    }
}

/// A list of postings that a feature is compared with.
struct LookedUp {
    feature: u32,
    assignment: u32,
    signature: u64,
    idf: u32,
    postings: Range<usize>,
}

/// The lists of these features' words, feature by feature; none that is empty.
fn looked_up<'q>(
    segment: &Segment,
    features: impl Iterator<Item = (u32, &'q QueryFeature)>,
    weights: &Weights,
) -> Vec<LookedUp> {
    let mut features: Vec<(u32, &QueryFeature)> = features.collect();
    // Those of one word one after the other: its list is still near when the next one asks for it.
    features.sort_by_key(|(_, words)| words.assigned.first().map(|a| a.word));
    let mut lists = Vec::new();
    for (feature, words) in features {
        for (a, assignment) in words.assigned.iter().zip(0u32..) {
            let Some(&idf) = weights.idf.get(a.word as usize) else {
                continue;
            };
            let postings = segment.find_word(a.word);
            if !postings.is_empty() {
                lists.push(LookedUp {
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
