//! What all stages of a search share.

use resight_index::{CandidateOptions, Candidates, Key, Question, Snapshot};
use resight_store::Catalogue;
use resight_vision::LocalExtractor;

use super::prepared::PreparedQuery;
use crate::library::Library;
use crate::library::visual_index::VisualIndex;
use crate::options::EngineOptions;

/// A search: its queries, the pictures it may find, and the state of the library that it sees.
pub(crate) struct SearchContext<'a> {
    pub(crate) catalogue: &'a dyn Catalogue,
    pub(crate) extractor: &'a dyn LocalExtractor,
    pub(crate) options: &'a EngineOptions,
    /// One vocabulary from the beginning to the end, even if a conversion ends meanwhile.
    pub(crate) visual: &'a VisualIndex,
    pub(crate) queries: &'a [PreparedQuery<'a>],
    pub(crate) scope: Scope<'a>,
}

/// The pictures that a search may find, and the number of candidates it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// Number of candidates.
    pub(crate) limit: usize,
    /// Whether the search may find a picture.
    pub(crate) accepts: &'a (dyn Fn(Key) -> bool + Sync),
}

impl<'a> SearchContext<'a> {
    pub(crate) fn new(
        library: &'a Library,
        visual: &'a VisualIndex,
        queries: &'a [PreparedQuery<'a>],
        scope: Scope<'a>,
    ) -> Self {
        Self {
            catalogue: library.catalogue(),
            extractor: &**library.extractor(),
            options: library.options(),
            visual,
            queries,
            scope,
        }
    }
}

impl<'a> Scope<'a> {
    /// A question to the index, without features yet.
    pub(crate) fn question(&self) -> Question<'a> {
        self.snapshot.question(CandidateOptions {
            limit: self.limit,
            ..CandidateOptions::default()
        })
    }

    /// The best candidates of a question.
    pub(crate) fn candidates(&self, question: &Question<'_>) -> Candidates {
        question.candidates(self.accepts)
    }
}
