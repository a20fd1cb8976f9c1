//! The candidate stage of a search as traits: words and vectors in, candidates out. The embedded
//! indexes implement them, and an index on other machines can.
//!
//! What goes in and out is plain data, calls take batches, and every call may fail. Answers are
//! defined by what is stored alone: `conformance` (a feature) compares an implementation with an
//! exhaustive search.

use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::Key;
#[cfg(doc)]
use crate::candidate::Candidate;
use crate::candidate::{CandidateOptions, Candidates};
use crate::candidate_filter::CandidateFilter;
use crate::dense::{NearestOptions, VectorFault};
use crate::query_words::{QueryFeature, QueryWords};

/// Why an index has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CandidateError {
    /// The query's vector is refused.
    #[error(transparent)]
    Vector(#[from] VectorFault),
    /// The index cannot be reached now. The same call may succeed later.
    #[error("the index is unavailable: {0}")]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The index failed, and will again.
    #[error("the index failed: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Finds pictures by visual words.
pub trait WordIndex: Send + Sync {
    /// The latest snapshot. All queries of one search use the same.
    ///
    /// Errors: [`CandidateError::Unavailable`] and [`CandidateError::Failed`], as of all methods
    /// here.
    fn word_snapshot(&self) -> Result<Arc<dyn WordSnapshot>, CandidateError>;
}

/// The words of all pictures at one moment. Later changes of the index do not change it.
pub trait WordSnapshot: Send + Sync {
    /// Number of pictures.
    fn pictures(&self) -> usize;

    /// A query without features yet.
    fn word_query(
        &self,
        options: CandidateOptions,
    ) -> Result<Box<dyn WordQuery + '_>, CandidateError>;
}

/// A query by words. Features vote once, and their votes are kept when more are added.
///
/// Invariant: the candidates depend on the features, and not on whether they were added at once or
/// in parts.
pub trait WordQuery: Send {
    /// Lets more features vote.
    fn add(&mut self, words: QueryWords) -> Result<(), CandidateError>;

    /// Features that have voted. [`QueryWords::retain_new`] compares others with them.
    fn features(&self) -> &[QueryFeature];

    /// The best candidates so far among the pictures that `filter` accepts; the others are left out
    /// before any is cut off. First those considered, then the others, all in [`Candidate::order`]. A
    /// word's weight depends on all pictures of the snapshot.
    fn candidates(&self, filter: &CandidateFilter) -> Result<Candidates, CandidateError>;

    /// The keys of all pictures that share a word with the query and that `filter` accepts: as many as
    /// [`Candidates::total`] counts.
    fn sharing(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError>;
}

/// Finds pictures by one vector each, all of one model.
pub trait VectorIndex: Send + Sync {
    /// The latest snapshot. All queries of one search use the same.
    ///
    /// Errors: [`CandidateError::Unavailable`] and [`CandidateError::Failed`], as of all methods
    /// here.
    fn vector_snapshot(&self) -> Result<Arc<dyn VectorSnapshot>, CandidateError>;
}

/// The vectors of all pictures at one moment. Later changes of the index do not change it.
pub trait VectorSnapshot: Send + Sync {
    /// Length of each vector.
    fn dimension(&self) -> usize;

    /// Number of vectors.
    fn vectors(&self) -> usize;

    /// For each query, which may have any length above 0, the keys and cosines of the
    /// `options.limit` nearest vectors that `filter` accepts, best first; ties by key.
    ///
    /// Errors: [`CandidateError::Vector`] for the first query that is refused.
    fn nearest(
        &self,
        queries: &[&[f32]],
        options: &NearestOptions,
        filter: &CandidateFilter,
    ) -> Result<Vec<Vec<(Key, f32)>>, CandidateError>;

    /// Cosines between `query`, of any length above 0, and the vectors of `keys`, in their order;
    /// `None` for a key without a vector.
    ///
    /// Errors: [`CandidateError::Vector`] for a query that is refused.
    fn cosines(&self, query: &[f32], keys: &[Key]) -> Result<Vec<Option<f32>>, CandidateError>;

    /// The vectors of `keys` at length 1, rounded to half precision, in their order; `None` for a
    /// key without a vector.
    fn stored(&self, keys: &[Key]) -> Result<Vec<Option<Vec<f32>>>, CandidateError>;

    /// Number of vectors that `filter` accepts.
    fn count(&self, filter: &CandidateFilter) -> Result<usize, CandidateError>;

    /// Keys of all vectors that `filter` accepts.
    fn keys(&self, filter: &CandidateFilter) -> Result<RoaringTreemap, CandidateError>;
}
