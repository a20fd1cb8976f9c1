//! A frozen state of the index, to be searched while others add and remove.

use std::sync::Arc;

use rayon::prelude::*;
use resight_vision::Simd;
use resight_vision::signatures::within;

use crate::Key;
use crate::segment::Segment;
use crate::vocabulary::QueryWords;

/// What a search by words may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateOptions {
    /// Candidates wanted.
    pub limit: usize,
    /// Signatures that differ in more bits than this do not count.
    pub max_hamming: u32,
}

impl Default for CandidateOptions {
    fn default() -> Self {
        Self {
            limit: 200,
            max_hamming: 24,
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
}

/// Pictures of a segment that no longer count, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    bits: Vec<u64>,
    count: usize,
}

impl Removed {
    pub(crate) fn has(&self, picture: u32) -> bool {
        let word = self.bits.get(picture as usize / 64);
        word.is_some_and(|bits| bits >> (picture % 64) & 1 == 1)
    }

    /// One that was not removed before.
    pub(crate) fn insert(&mut self, picture: u32) {
        let at = picture as usize / 64;
        self.bits.resize(self.bits.len().max(at + 1), 0);
        self.bits[at] |= 1 << (picture % 64);
        self.count += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Those removed, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let all = 0..64 * self.bits.len() as u32;
        all.filter(|&picture| self.has(picture))
    }
}

/// A segment with the pictures removed from it since it was built.
#[derive(Clone, Debug)]
pub(crate) struct LiveSegment {
    pub(crate) segment: Arc<Segment>,
    pub(crate) removed: Arc<Removed>,
    /// The name of its file, if it is saved.
    pub(crate) file: Option<Arc<str>>,
}

impl LiveSegment {
    pub(crate) fn of(segment: Segment) -> Self {
        Self {
            segment: Arc::new(segment),
            removed: Arc::default(),
            file: None,
        }
    }

    pub(crate) fn is_live(&self, picture: u32) -> bool {
        !self.removed.has(picture)
    }

    pub(crate) fn len(&self) -> usize {
        self.segment.keys().len() - self.removed.len()
    }
}

/// The index at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) segments: Vec<LiveSegment>,
    /// Pictures that have each word.
    pub(crate) frequencies: Arc<Vec<u32>>,
}

/// Votes are integers so that their order cannot change a rank: squared inverse document
/// frequency in 1/256ths times the weight of a distance in 1/65536ths.
const IDF_UNIT: f64 = 256.0;
const WEIGHT_UNIT: f64 = 65_536.0;
/// Width of the weight of a Hamming distance (Jégou et al., IJCV 2010 §3.4: σ = 16 of 64 bits).
const SIGMA: f64 = 16.0;

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

    /// Whether the picture is held.
    pub fn contains(&self, key: Key) -> bool {
        self.segments
            .iter()
            .any(|s| s.segment.find(key).is_some_and(|p| s.is_live(p)))
    }

    /// The pictures with the most votes, best first, ties by key.
    ///
    /// Each query feature votes for a picture at most once, with its closest signature among all
    /// words it is looked up in (which also tames repeated structure), by the word's squared
    /// inverse document frequency. Segments are searched on the current rayon pool; their number
    /// and order do not change the result.
    pub fn candidates(&self, query: &QueryWords, options: &CandidateOptions) -> Vec<Candidate> {
        let pictures = self.len() as f64;
        let weights: Vec<u64> = (0..=64u32)
            .map(|h| {
                if h > options.max_hamming {
                    return 0;
                }
                let h = f64::from(h);
                (WEIGHT_UNIT * libm::exp(-h * h / (SIGMA * SIGMA))).round() as u64
            })
            .collect();
        let idf: Vec<u64> = self
            .frequencies
            .iter()
            .map(|&f| {
                // From libm, not the system's library: the same bits on every machine.
                let idf = libm::log(1.0 + pictures / f64::from(f.max(1)));
                (IDF_UNIT * idf * idf).round() as u64
            })
            .collect();
        let mut found: Vec<Candidate> = self
            .segments
            .par_iter()
            .flat_map_iter(|s| votes(s, query, &weights, &idf))
            .collect();
        let order =
            |a: &Candidate, b: &Candidate| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key));
        if found.len() > options.limit {
            found.select_nth_unstable_by(options.limit, order);
            found.truncate(options.limit);
        }
        found.sort_unstable_by(order);
        found
    }
}

fn votes(live: &LiveSegment, query: &QueryWords, weights: &[u64], idf: &[u64]) -> Vec<Candidate> {
    let segment = &live.segment;
    let simd = Simd::widest();
    // The largest distance that gives a vote.
    let most = weights.iter().rposition(|w| *w > 0).unwrap_or(0) as u32;
    let n = segment.keys().len();
    let mut total = vec![0u64; n];
    // What the present query feature has given each picture, and which feature that was.
    let mut given = vec![0u64; n];
    let mut giver = vec![u32::MAX; n];
    for (feature, number) in query.features.iter().zip(0u32..) {
        for a in &feature.assigned {
            let Some(&idf) = idf.get(a.word as usize) else {
                continue;
            };
            let (pictures, signatures) = segment.postings(a.word);
            within(simd, signatures, a.signature, most, |i, distance| {
                let vote = weights[distance as usize] * idf;
                let p = usize::from(pictures[i]);
                if giver[p] != number {
                    giver[p] = number;
                    given[p] = 0;
                }
                if vote > given[p] {
                    total[p] += vote - given[p];
                    given[p] = vote;
                }
            });
        }
    }
    total
        .into_iter()
        .zip(0u32..)
        .filter(|&(t, p)| t > 0 && live.is_live(p))
        .map(|(t, p)| Candidate {
            key: Key(segment.keys()[p as usize]),
            score: t as f64
                / (IDF_UNIT * WEIGHT_UNIT)
                / f64::from(segment.features()[p as usize].max(1)).sqrt(),
        })
        .collect()
}
