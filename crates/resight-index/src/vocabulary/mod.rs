//! The visual vocabulary: which of W typical descriptors a feature is nearest to (Sivic &
//! Zisserman, ICCV 2003), and 64 bits that say where in that word's cell it lies (Hamming
//! embedding: Jégou, Douze & Schmid, ECCV 2008).
//!
//! Words are found in two steps: the words are grouped into cells, a feature visits the few
//! cells whose centres are nearest and compares itself with the words inside. A word's number
//! says its cell, so features sorted by word can be compared cell by cell as well.

mod format;
mod train;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use resight_vision::{Descriptors, Keypoint, LocalFeatures, Lookers, ModelId, keep_nearest};

use crate::picture_words::Posting;
use crate::place::Place;

pub use format::VocabularyError;
pub use train::{TrainOptions, TrainStep, train};

/// Bits in a signature.
pub(crate) const SIGNATURE_BITS: usize = 64;
/// Projections are sums of 128 products; this shift brings them into 16 bits.
const PROJECTION_SHIFT: u32 = 4;
/// Cells a feature visits when its word is looked for.
const VISITED_CELLS: usize = 6;
/// Features that look for their cells together.
const TOGETHER: usize = 64;
/// Words a query feature is looked up in at most (multiple assignment on the query's side, Jégou et
/// al., IJCV 2010 §4)…
const QUERY_ASSIGNMENTS: usize = 3;
/// …as long as the squared distance is at most this many fifths of the nearest word's.
const QUERY_FIFTHS: u64 = 6;

/// W words in C cells, the projection of the signatures, and each word's medians.
#[derive(Clone, PartialEq, Eq)]
pub struct Vocabulary {
    model: ModelId,
    dimension: usize,
    /// `cells * dimension`: the cells' centres.
    centres: Vec<u8>,
    /// Words of cell c are `starts[c] .. starts[c + 1]`.
    starts: Vec<u32>,
    /// `words * dimension`.
    words: Vec<u8>,
    /// `64 * dimension`: rows of a random orthogonal matrix.
    projection: Vec<i8>,
    /// `words * 64`: a signature's bit is set above the median of its word.
    medians: Vec<i16>,
    id: String,
}

/// A feature of a stored picture: its word and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssignedFeature {
    /// The nearest word.
    pub word: u32,
    /// Where in the word's cell it lies.
    pub signature: u64,
}

/// A feature of a query: the words it may have been given in a stored picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFeature {
    /// Nearest first, each with the signature that the feature has in that word.
    pub assigned: Vec<AssignedFeature>,
    /// Nearest cells first.
    pub cells: Vec<u32>,
    /// Where it lies.
    pub place: Place,
}

/// All features of a query.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueryWords {
    /// One for each descriptor, in their order.
    pub features: Vec<QueryFeature>,
}

/// Ids of vocabularies shipped before.
const EARLIER: &[&str] = &["806060b44737ae4fe12c94a2d09df559"];

static GENERIC: &[u8] = include_bytes!("../../data/generic.vocabulary");

impl Vocabulary {
    /// The vocabulary that ships inside the program: see `docs/vocabulary.md` for what it was
    /// trained on and how.
    pub fn generic() -> Arc<Self> {
        static READ: OnceLock<Arc<Vocabulary>> = OnceLock::new();
        READ.get_or_init(|| match Self::from_bytes(GENERIC) {
            Ok(vocabulary) => Arc::new(vocabulary),
            // The bytes are part of the program and a test reads them.
            Err(error) => unreachable!("the shipped vocabulary cannot be read: {error}"),
        })
        .clone()
    }

    /// Whether this is the id of a vocabulary that an earlier version shipped, and this one no longer
    /// has.
    pub fn was_generic(id: &str) -> bool {
        EARLIER.contains(&id)
    }

    /// Names these very words: features assigned with another vocabulary cannot be searched
    /// with this one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first bytes of BLAKE3 of the id, which stored words are marked with.
    pub fn tag(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = *blake3::hash(self.id.as_bytes()).as_bytes();
        [a, b, c, d]
    }

    /// The model whose descriptors it was trained on.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// Bytes in a descriptor.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.medians.len() / SIGNATURE_BITS
    }

    /// Whether there are no words; never true of one that was read or trained.
    pub fn is_empty(&self) -> bool {
        self.medians.is_empty()
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.starts.len() - 1
    }

    /// The words of a cell. Panics when `cell >= cells()`, as a slice does.
    pub fn cell_words(&self, cell: u32) -> Range<u32> {
        self.starts[cell as usize]..self.starts[cell as usize + 1]
    }

    /// Word and signature of each descriptor, in their order; runs on the current rayon pool. Descriptors of
    /// another length than `dimension()` give nothing: the caller checks the model first.
    pub fn assign(&self, descriptors: &Descriptors) -> Vec<AssignedFeature> {
        if descriptors.dimension() != self.dimension {
            return Vec::new();
        }
        let rows = descriptors.as_bytes();
        let words = self.nearest_word(rows).into_iter();
        let assigned = words.zip(descriptors.iter()).map(|((_, word), d)| {
            let signature = self.signature(&self.project(d), word);
            AssignedFeature { word, signature }
        });
        assigned.collect()
    }

    /// What the index keeps of a picture with these sides in pixels: one of each feature, in their
    /// order.
    pub fn postings(&self, features: &LocalFeatures, size: [u32; 2]) -> Vec<Posting> {
        let assigned = self.assign(&features.descriptors);
        let keypoints = features.keypoints.iter();
        let posting = |(a, keypoint): (AssignedFeature, &Keypoint)| Posting {
            word: a.word,
            signature: a.signature,
            place: Place::of(keypoint, size),
        };
        assigned.into_iter().zip(keypoints).map(posting).collect()
    }

    /// The words and the nearest `cells` cells of each feature of a query with these sides in pixels,
    /// in their order; runs on the current rayon pool.
    pub fn assign_query(
        &self,
        features: &LocalFeatures,
        size: [u32; 2],
        cells: usize,
    ) -> QueryWords {
        self.assign_some(features, size, cells, &|_| true)
    }

    /// As [`Vocabulary::assign_query`], with words for those features only whose number `votes` names: the
    /// others have cells and do not vote.
    pub fn assign_some(
        &self,
        features: &LocalFeatures,
        size: [u32; 2],
        cells: usize,
        votes: &(dyn Fn(usize) -> bool + Sync),
    ) -> QueryWords {
        let descriptors = &features.descriptors;
        if descriptors.dimension() != self.dimension {
            return QueryWords::default();
        }
        let rows = descriptors.as_bytes();
        let visited = VISITED_CELLS.max(cells);
        let nearest_cells = self.nearest_cells(rows, visited);
        let words = self.nearest_words(rows, &nearest_cells, QUERY_ASSIGNMENTS, votes);
        let all = words.par_chunks_exact(QUERY_ASSIGNMENTS);
        let all = all.zip(nearest_cells.par_chunks_exact(visited));
        let rows = rows.par_chunks_exact(self.dimension);
        let features = all.zip(rows.zip(&features.keypoints));
        let features = features.map(|((words, nearest_cells), (d, keypoint))| {
            let words = words.iter().filter(|w| **w != Lookers::NONE);
            let farthest = words.clone().next().map_or(0, |w| u64::from(w.0)) * QUERY_FIFTHS;
            let words = words.filter(|w| 5 * u64::from(w.0) <= farthest);
            let projected = self.project(d);
            QueryFeature {
                assigned: words
                    .map(|&(_, word)| AssignedFeature {
                        word,
                        signature: self.signature(&projected, word),
                    })
                    .collect(),
                cells: (nearest_cells.iter().take(cells))
                    .filter(|c| **c != Lookers::NONE)
                    .map(|&(_, cell)| cell)
                    .collect(),
                place: Place::of(keypoint, size),
            }
        });
        QueryWords {
            features: features.collect(),
        }
    }

    /// The nearest word of each descriptor, with its squared distance.
    fn nearest_word(&self, rows: &[u8]) -> Vec<(u32, u32)> {
        let cells = self.nearest_cells(rows, VISITED_CELLS);
        self.nearest_words(rows, &cells, 1, &|_| true)
    }

    /// Squared distance and number of the nearest `n` cells of each descriptor, one after the other.
    fn nearest_cells(&self, rows: &[u8], n: usize) -> Vec<(u32, u32)> {
        let parts = rows.par_chunks(TOGETHER * self.dimension).map(|rows| {
            let features = (0..(rows.len() / self.dimension) as u32).collect();
            let lookers = Lookers::new(features, rows.to_vec(), self.dimension);
            lookers.nearest(0, &self.centres, n)
        });
        parts.collect::<Vec<_>>().concat()
    }

    /// Squared distance and number of the nearest `n` words of each descriptor that `wants` some, one after
    /// the other: of the words in the nearest of its `cells`.
    ///
    /// Cell by cell, for all that visit it: its words are read once.
    fn nearest_words(
        &self,
        rows: &[u8],
        cells: &[(u32, u32)],
        n: usize,
        wants: &(dyn Fn(usize) -> bool + Sync),
    ) -> Vec<(u32, u32)> {
        let d = self.dimension;
        let features = rows.len() / d;
        let mut visitors = vec![Vec::new(); self.cells()];
        let of_each = cells.chunks_exact((cells.len() / features.max(1)).max(1));
        for (feature, cells) in of_each.enumerate().filter(|(feature, _)| wants(*feature)) {
            let visited = cells.iter().take(VISITED_CELLS);
            for &(_, cell) in visited.filter(|c| **c != Lookers::NONE) {
                visitors[cell as usize].push(feature as u32);
            }
        }
        let found = visitors.into_par_iter().zip(0u32..self.cells() as u32);
        let found = found.filter(|(visitors, _)| !visitors.is_empty());
        let found = found.map(|(visitors, cell)| {
            let own = visitors
                .iter()
                .map(|&f| &rows[f as usize * d..(f as usize + 1) * d]);
            let own = own.collect::<Vec<_>>().concat();
            let lookers = Lookers::new(visitors, own, d);
            let words = self.cell_words(cell);
            let of_cell = &self.words[words.start as usize * d..words.end as usize * d];
            let nearest = lookers.nearest(words.start, of_cell, n);
            (lookers, nearest)
        });
        let found: Vec<(Lookers, Vec<(u32, u32)>)> = found.collect();
        let mut all = vec![Lookers::NONE; features * n];
        for (lookers, nearest) in found {
            for (&feature, nearest) in lookers.queries().iter().zip(nearest.chunks_exact(n)) {
                let list = &mut all[feature as usize * n..][..n];
                nearest.iter().for_each(|&new| keep_nearest(list, new));
            }
        }
        all
    }

    fn project(&self, descriptor: &[u8]) -> [i16; SIGNATURE_BITS] {
        let mut out = [0i16; SIGNATURE_BITS];
        for (o, row) in out
            .iter_mut()
            .zip(self.projection.chunks_exact(self.dimension))
        {
            let sum: i32 = row
                .iter()
                .zip(descriptor)
                .map(|(&p, &d)| i32::from(p) * i32::from(d))
                .sum();
            *o = (sum >> PROJECTION_SHIFT) as i16;
        }
        out
    }

    fn signature(&self, projected: &[i16; SIGNATURE_BITS], word: u32) -> u64 {
        let at = word as usize * SIGNATURE_BITS;
        let medians = &self.medians[at..at + SIGNATURE_BITS];
        let mut bits = 0u64;
        for (i, (p, m)) in projected.iter().zip(medians).enumerate() {
            bits |= u64::from(p > m) << i;
        }
        bits
    }
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("words", &self.len())
            .field("cells", &self.cells())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
