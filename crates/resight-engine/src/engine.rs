//! A library with all that works on it, until callers name the part they use.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_index::Vocabulary;
use resight_store::{LabelPatch, PictureId};
use resight_vision::{LocalExtractor, LocalFeatures};

use crate::compare::Comparison;
use crate::describe::local_features;
use crate::duplicates::Duplicates;
use crate::duplicates::answer::{DuplicateGroups, DuplicateOptions};
use crate::duplicates::no_match::RefutedPage;
use crate::duplicates::pair_up::PairStep;
use crate::error::EngineError;
use crate::feature_blob::features_blob;
use crate::indexer::Indexer;
use crate::indexer::report::{FolderEvent, FolderOptions, FolderReport};
use crate::library::Library;
use crate::library::attached_model::ModelComponents;
use crate::library::components::Components;
use crate::likeness::embed::EmbedStep;
use crate::likeness::{GlobalModels, ModelState};
use crate::options::EngineOptions;
use crate::picture::Added;
use crate::search::Searcher;
use crate::search::answer::SearchAnswer;
use crate::search::request::{Query, QueryPicture, SearchOptions};
use crate::train::{TrainEvent, TrainPlan, train_from_library};

/// A library, and everything that works on it.
#[derive(Clone)]
pub struct Engine {
    library: Arc<Library>,
}

impl Deref for Engine {
    type Target = Library;

    fn deref(&self) -> &Library {
        &self.library
    }
}

#[allow(missing_docs, reason = "each is documented where it is done")]
impl Engine {
    pub fn open(parts: Components, options: EngineOptions) -> Result<Self, EngineError> {
        let library = Arc::new(Library::open(parts, options)?);
        Ok(Self { library })
    }

    pub fn open_beside(
        other: &Self,
        parts: Components,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let library = Arc::new(Library::open_beside(&other.library, parts, options)?);
        Ok(Self { library })
    }

    pub fn indexer(&self) -> Indexer {
        Indexer::new(self.library.clone())
    }

    pub fn searcher(&self) -> Searcher {
        Searcher::new(self.library.clone())
    }

    pub fn duplicate_finder(&self) -> Duplicates {
        Duplicates::new(self.library.clone())
    }

    pub fn global_models(&self) -> GlobalModels {
        GlobalModels::new(self.library.clone())
    }

    pub fn extractor(&self) -> Arc<dyn LocalExtractor> {
        self.library.extractor().clone()
    }

    pub fn add(&self, bytes: &[u8], name: &str) -> Result<Added, EngineError> {
        self.indexer().add(bytes, name)
    }

    pub fn add_labelled(
        &self,
        bytes: &[u8],
        name: &str,
        patch: LabelPatch,
    ) -> Result<Added, EngineError> {
        self.indexer().add_labelled(bytes, name, patch)
    }

    pub fn index_folder(
        &self,
        dir: &Path,
        options: &FolderOptions,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(FolderEvent),
    ) -> Result<FolderReport, EngineError> {
        self.indexer().index_folder(dir, options, cancel, on_event)
    }

    pub fn features_of(&self, bytes: &[u8]) -> Result<(LocalFeatures, [u32; 2]), EngineError> {
        local_features(bytes, &**self.library.extractor(), self.options())
    }

    pub fn features_blob(&self, bytes: &[u8]) -> Result<Vec<u8>, EngineError> {
        Ok(features_blob(bytes, &**self.library.extractor(), self.options())?.0)
    }

    pub fn train_from_held(
        &self,
        plan: &TrainPlan,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(TrainEvent),
    ) -> Result<Vocabulary, EngineError> {
        train_from_library(&self.library, plan, cancel, on_event)
    }

    pub fn search(
        &self,
        query: Query<'_>,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        self.searcher().search(query, options)
    }

    pub fn search_all(
        &self,
        queries: &[QueryPicture<'_>],
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        self.searcher().search_all(queries, options)
    }

    pub fn compare(&self, a: Query<'_>, b: Query<'_>) -> Result<Comparison, EngineError> {
        self.searcher().compare(a, b)
    }

    pub fn duplicates(&self, options: &DuplicateOptions) -> Result<DuplicateGroups, EngineError> {
        self.duplicate_finder().groups(options)
    }

    pub fn update_pairs(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(PairStep),
    ) -> Result<(), EngineError> {
        self.duplicate_finder().update(cancel, on_step)
    }

    pub fn update_some_pairs(
        &self,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<PairStep, EngineError> {
        self.duplicate_finder().update_some(is_cancelled)
    }

    pub fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        self.duplicate_finder().add_not_a_match(a, b)
    }

    pub fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, EngineError> {
        self.duplicate_finder().drop_not_a_match(a, b)
    }

    pub fn not_matches(&self, offset: u64, limit: u64) -> Result<RefutedPage, EngineError> {
        self.duplicate_finder().not_matches(offset, limit)
    }

    pub fn attach(&self, parts: ModelComponents) -> Result<(), EngineError> {
        self.global_models().attach(parts)
    }

    pub fn detach(&self, name: &str) {
        self.global_models().detach(name);
    }

    pub fn embeds(&self) -> bool {
        self.global_models().can_embed()
    }

    pub fn globals(&self) -> Result<Vec<ModelState>, EngineError> {
        self.global_models().states()
    }

    pub fn model_of_name(&self, name: &str) -> Result<Option<String>, EngineError> {
        self.global_models().model_of_name(name)
    }

    pub fn embed_missing(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(EmbedStep),
    ) -> Result<(), EngineError> {
        self.global_models().embed_missing(cancel, on_step)
    }
}
