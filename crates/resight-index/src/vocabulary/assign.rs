//! The vocabulary, and the words and signatures that it assigns to descriptors.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use resight_vision::{
    Descriptors, Keypoint, LONGEST_CODE, LocalFeatures, ModelId, PackedQueries, inner_products,
};

use crate::picture_words::Posting;
use crate::place::Place;
use crate::query_words::{AssignedFeature, QueryFeature, QueryWords};

/// Bits in a signature.
pub(crate) const SIGNATURE_BITS: usize = 64;
/// Projections are sums of 128 products; this shift brings them into 16 bits.
pub(super) const PROJECTION_SHIFT: u32 = 4;
/// Cells whose words a feature is compared with.
pub(super) const VISITED_CELLS: usize = 6;
/// Features whose nearest cells are searched, and that are projected, together.
pub(super) const TOGETHER: usize = 64;
/// A query feature is looked up in at most this many words (multiple assignment on the query's side,
/// Jégou et al., IJCV 2010 §4)…
const QUERY_ASSIGNMENTS: usize = 3;
/// …as long as the squared distance is at most this many fifths of the nearest word's.
const QUERY_FIFTHS: u64 = 6;

/// W words in C cells, the projection of the signatures, and each word's medians.
#[derive(Clone, PartialEq, Eq)]
pub struct Vocabulary {
    pub(super) model: ModelId,
    pub(super) dimension: usize,
    /// `cells * dimension`: the cells' centres.
    pub(super) centres: Vec<u8>,
    /// Words of cell c are `starts[c] .. starts[c + 1]`.
    pub(super) starts: Vec<u32>,
    /// `words * dimension`.
    pub(super) words: Vec<u8>,
    /// `64 * dimension`: rows of a random orthogonal matrix.
    pub(super) projection: Vec<i8>,
    /// `words * 64`: a signature's bit is set above the median of its word.
    pub(super) medians: Vec<i16>,
    pub(super) id: String,
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

    /// Whether this is the id of a vocabulary that only an earlier version shipped.
    pub fn was_generic(id: &str) -> bool {
        EARLIER.contains(&id)
    }

    /// Identifies the words: features assigned with another vocabulary cannot be searched with this
    /// one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first bytes of BLAKE3 of the id, which mark stored words.
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

    /// Whether it has no words; `false` for every vocabulary that was read or trained.
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

    /// Word and signature of each descriptor, in their order; on this thread alone, which may hold
    /// locks. None for descriptors of another length than `dimension()`: the caller checks the model
    /// first.
    pub fn assign(&self, descriptors: &Descriptors) -> Vec<AssignedFeature> {
        if descriptors.dimension() != self.dimension {
            return Vec::new();
        }
        let rows = descriptors.as_bytes();
        let words = self.nearest_word(rows).into_iter();
        let projected = rows.chunks(TOGETHER * self.dimension);
        let projected = projected.flat_map(|rows| self.project_all(rows));
        let assigned = words.zip(projected).map(|((_, word), projected)| {
            let signature = self.signature(&projected, word);
            AssignedFeature { word, signature }
        });
        assigned.collect()
    }

    /// The postings of a picture with these sides in pixels: one for each feature, in their order.
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

    /// As [`Vocabulary::assign_query`], with words only for features whose number `votes` accepts: the
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
        let visited = VISITED_CELLS.max(cells).min(self.cells().max(1));
        let nearest_cells = self.nearest_cells(rows, visited, true);
        let words = self.nearest_words(rows, &nearest_cells, QUERY_ASSIGNMENTS, votes, true);
        let all = words.par_chunks(TOGETHER * QUERY_ASSIGNMENTS);
        let all = all.zip(nearest_cells.par_chunks(TOGETHER * visited));
        let rows = rows.par_chunks(TOGETHER * self.dimension);
        let places = features.keypoints.par_chunks(TOGETHER);
        let features = all.zip(rows.zip(places));
        let features = features.flat_map_iter(|((words, nearest_cells), (rows, keypoints))| {
            let is_without = |w: &(u32, u32)| *w == PackedQueries::NONE;
            // Of those that do not vote, signatures are not needed.
            let projected = match words.iter().all(is_without) {
                true => vec![[0; SIGNATURE_BITS]; keypoints.len()],
                false => self.project_all(rows),
            };
            let all = words.chunks_exact(QUERY_ASSIGNMENTS);
            let all = all.zip(nearest_cells.chunks_exact(visited));
            let all = all.zip(projected).zip(keypoints);
            all.map(
                move |(((words, nearest_cells), projected), keypoint)| QueryFeature {
                    assigned: self.query_words(words, &projected),
                    cells: (nearest_cells.iter().take(cells))
                        .filter(|c| **c != PackedQueries::NONE)
                        .map(|&(_, cell)| cell)
                        .collect(),
                    place: Place::of(keypoint, size),
                },
            )
        });
        QueryWords {
            features: features.collect(),
        }
    }

    /// Of the nearest words of a query feature, with their distances, those that it is looked up in.
    fn query_words(
        &self,
        nearest: &[(u32, u32)],
        projected: &[i16; SIGNATURE_BITS],
    ) -> Vec<AssignedFeature> {
        let words = nearest.iter().filter(|w| **w != PackedQueries::NONE);
        let farthest = words.clone().next().map_or(0, |w| u64::from(w.0)) * QUERY_FIFTHS;
        let words = words.filter(|w| 5 * u64::from(w.0) <= farthest);
        let assigned = words.map(|&(_, word)| AssignedFeature {
            word,
            signature: self.signature(projected, word),
        });
        assigned.collect()
    }

    /// The projections of descriptors that are stored end to end in `rows`.
    pub(super) fn project_all(&self, rows: &[u8]) -> Vec<[i16; SIGNATURE_BITS]> {
        if self.dimension > LONGEST_CODE {
            let rows = rows.chunks_exact(self.dimension);
            return rows.map(|row| self.project(row)).collect();
        }
        let mut projected = vec![[0; SIGNATURE_BITS]; rows.len() / self.dimension.max(1)];
        let mut products = Vec::new();
        let directions = self.projection.chunks_exact(self.dimension);
        for (direction, bit) in directions.zip(0..SIGNATURE_BITS) {
            inner_products(direction, rows, &mut products);
            for (own, product) in projected.iter_mut().zip(&products) {
                own[bit] = (product >> PROJECTION_SHIFT) as i16;
            }
        }
        projected
    }

    pub(super) fn project(&self, descriptor: &[u8]) -> [i16; SIGNATURE_BITS] {
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

    pub(super) fn signature(&self, projected: &[i16; SIGNATURE_BITS], word: u32) -> u64 {
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
