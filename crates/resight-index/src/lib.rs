//! Features to candidates: a visual vocabulary, binary signatures, an inverted index that takes
//! adds and removals online, and snapshots to search.
//!
//! The index knows a picture only as a [`Key`]; names, paths and ids live in the catalogue.

mod agreement;
mod dense;
mod file_header;
mod folder;
mod frequencies;
mod index;
mod live;
mod maintenance;
mod mapped;
mod merge;
mod merge_policy;
mod picture_words;
mod place;
mod query;
mod segment;
mod segment_file;
mod snapshot;
mod snapshot_cell;
mod vocabulary;
mod votes;

pub use dense::{
    DenseIndex, DenseOpened, DenseSettings, DenseSnapshot, KeyFilter, NearestOptions,
    RefusedVector, VectorFault, WrongDimension,
};
pub use index::{Index, Opened};
pub use picture_words::{PictureWords, Posting, WordsError};
pub use place::Place;
pub use query::Question;
pub use snapshot::{Candidate, CandidateOptions, Candidates, Snapshot};
pub use vocabulary::{
    AssignedFeature, QueryFeature, QueryWords, TrainOptions, TrainStep, Vocabulary,
    VocabularyError, train,
};

/// What the index calls a picture: given by the catalogue, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);
