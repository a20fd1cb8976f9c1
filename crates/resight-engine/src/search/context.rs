//! What all stages of a search share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_index::{CandidateFilter, CandidateOptions, Candidates, WordQuery, WordSnapshot};
use resight_store::{Catalogue, PictureRecord, ViewRecord};
use resight_vision::LocalExtractor;

use super::folding::{MatchedViews, candidates};
use super::prepared::PreparedQuery;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::damage::{read_each, whole_records, without_damaged};
use crate::library::stored_features::StoredFeatures;
use crate::library::views::ViewMap;
use crate::library::visual_index::VisualIndex;
use crate::options::{EngineOptions, MOST_VIEWS};

/// A search: its queries, the pictures it may find, and the state of the library that it sees.
pub(crate) struct SearchContext<'a> {
    pub(crate) catalogue: &'a dyn Catalogue,
    pub(crate) extractor: &'a dyn LocalExtractor,
    pub(crate) options: &'a EngineOptions,
    /// One vocabulary from the beginning to the end, even if a conversion ends meanwhile.
    pub(crate) visual: &'a VisualIndex,
    pub(crate) queries: &'a [PreparedQuery<'a>],
    pub(crate) scope: Scope<'a>,
    /// Ends the search when it is raised.
    pub(crate) cancel: Option<&'a AtomicBool>,
    /// Leaves out pictures whose features or records are damaged, in place of failing.
    pub(crate) leaves_out_damaged: bool,
}

/// The pictures that a search may find, and the number of candidates it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) snapshot: &'a dyn WordSnapshot,
    /// Number of candidates.
    pub(crate) limit: usize,
    /// The pictures that the search may find, with their views.
    pub(crate) filter: &'a CandidateFilter,
    /// The views of all pictures.
    pub(crate) views: &'a ViewMap,
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
            cancel: None,
            leaves_out_damaged: false,
        }
    }

    /// Records of pictures, in the order of `keys`; `None` for those no longer stored.
    pub(crate) fn records(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, EngineError> {
        if self.leaves_out_damaged {
            Ok(whole_records(self.catalogue, keys)?)
        } else {
            Ok(self.catalogue.pictures(keys)?)
        }
    }

    /// Views, in the order of `keys`; `None` for those no longer stored.
    pub(crate) fn views(&self, keys: &[u64]) -> Result<Vec<Option<ViewRecord>>, EngineError> {
        if self.leaves_out_damaged {
            let read = read_each(keys, |keys| self.catalogue.views(keys))?;
            Ok(without_damaged(read))
        } else {
            Ok(self.catalogue.views(keys)?)
        }
    }

    /// Features of pictures, in the order of `keys`; `None` for those no longer stored.
    pub(crate) fn features(
        &self,
        keys: &[u64],
    ) -> Result<Vec<Option<Arc<StoredFeatures>>>, EngineError> {
        if self.leaves_out_damaged {
            self.visual.whole_features(self.catalogue, keys)
        } else {
            self.visual.features(self.catalogue, keys)
        }
    }
}

impl<'a> Scope<'a> {
    /// A query by words, without features yet.
    pub(crate) fn word_query(&self) -> Result<Box<dyn WordQuery + 'a>, EngineError> {
        // So many keys are of as many pictures as are wanted.
        let of_each = if self.views.is_empty() {
            1
        } else {
            MOST_VIEWS as usize
        };
        let options = CandidateOptions {
            limit: self.limit.saturating_mul(of_each),
            ..CandidateOptions::default()
        };
        Ok(self.snapshot.word_query(options)?)
    }

    /// The candidates of a query of [`Scope::word_query`] so far, and the views that brought them.
    pub(crate) fn candidates(
        &self,
        query: &dyn WordQuery,
    ) -> Result<(Candidates, MatchedViews), EngineError> {
        candidates(query, self.filter, self.limit, self.views)
    }
}
