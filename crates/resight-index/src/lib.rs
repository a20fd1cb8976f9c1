//! Features to candidates: a visual vocabulary, binary signatures, an inverted index and a dense
//! index that take additions and removals online, and snapshots to search.
//!
//! The index knows a picture only as a [`Key`]; names, paths and ids are the catalogue's. Callers that
//! search use [`WordIndex`] and [`VectorIndex`], which an index on other machines can implement too.

mod agreement;
mod candidate;
mod candidate_filter;
mod candidate_index;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod dense;
mod embedded;
mod file_header;
mod folder;
mod frequencies;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod live;
mod maintenance;
mod mapped;
mod merge;
mod merge_policy;
#[cfg(test)]
mod mutated;
mod picture_words;
mod place;
mod query;
mod query_words;
mod random;
mod segment;
mod segment_file;
mod snapshot;
mod snapshot_cell;
mod vocabulary;
mod votes;

pub use candidate::{Candidate, CandidateOptions, Candidates};
pub use candidate_filter::CandidateFilter;
pub use candidate_index::{
    CandidateError, VectorIndex, VectorSnapshot, WordIndex, WordQuery, WordSnapshot,
};
pub use dense::{
    DenseIndex, DenseOpened, DenseSettings, DenseSnapshot, KeyFilter, NearestOptions,
    RefusedVector, VectorFault, WrongDimension,
};
pub use index::{Index, Opened};
pub use picture_words::{PictureWords, Posting, WordsError};
pub use place::Place;
pub use query::SnapshotQuery;
pub use query_words::{AssignedFeature, QueryFeature, QueryWords};
pub use snapshot::Snapshot;
pub use vocabulary::{TrainOptions, TrainStep, Vocabulary, VocabularyError, train};

/// Identifies a picture. The catalogue assigns keys, in any order, and never one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);
