//! The library: what is stored about pictures, and the state that is derived from it.
//!
//! [`Library`] owns the catalogue, the blobs, the inverted index and the dense indexes. The other files
//! of this folder add methods to it by subject; `commit.rs` is the only one that changes which pictures
//! are stored.

pub(crate) mod asked_pictures;
pub(crate) mod asked_words;
pub(crate) mod attached_model;
mod check_described;
mod checked_files;
pub(crate) mod commit;
pub(crate) mod components;
pub(crate) mod conversion;
pub(crate) mod convert;
pub(crate) mod damage;
pub(crate) mod feature_cache;
pub(crate) mod figures;
pub(crate) mod files;
pub(crate) mod filters;
pub(crate) mod findings;
pub(crate) mod forget;
pub(crate) mod labels;
pub(crate) mod leftovers;
pub(crate) mod matching;
pub(crate) mod picture_signal;
pub(crate) mod pictures;
pub(crate) mod plain;
pub(crate) mod prepare;
pub(crate) mod refused_files;
pub(crate) mod repair;
pub(crate) mod scrub;
pub(crate) mod shared_cache;
mod sound_thumbnails;
pub(crate) mod stored_features;
pub(crate) mod stored_pages;
pub(crate) mod superseding;
mod taken;
pub(crate) mod verify;
pub(crate) mod views;
pub(crate) mod visual_index;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use resight_index::Vocabulary;
use resight_store::{BlobStore, Catalogue, Filter, read_all};
use resight_vision::{LocalExtractor, ModelId};
use roaring::RoaringTreemap;

use crate::error::EngineError;
use crate::options::EngineOptions;
use asked_pictures::AskedPictures;
use asked_words::AskedWords;
use attached_model::AttachedModels;
use checked_files::CheckedFiles;
use components::Components;
use conversion::convert_before_opening;
use feature_cache::FeatureCache;
use filters::FilterCache;
use picture_signal::PictureSignal;
use plain::PlainPictures;
use sound_thumbnails::SoundThumbnails;
use views::LibraryViews;
use visual_index::VisualIndex;

/// The part of the memory for features that those of queries have, as one in so many.
const OF_QUERIES: u64 = 16;

/// Stored pictures with everything that is derived from them.
pub struct Library {
    components: Components,
    options: EngineOptions,
    /// Exchanged as a whole when the vocabulary changes.
    visual: ArcSwap<VisualIndex>,
    asked: AskedPictures,
    asked_words: AskedWords,
    models: AttachedModels,
    views: LibraryViews,
    filters: FilterCache,
    plain: PlainPictures,
    signal: Arc<PictureSignal>,
    checked_files: CheckedFiles,
    sound_thumbnails: SoundThumbnails,
    /// Held during a change of what is stored.
    changes: Mutex<()>,
    /// Held during a conversion to another vocabulary.
    conversion: Mutex<()>,
    /// Held while pictures are paired for duplicates.
    pairing: Mutex<()>,
    /// Whether files left over by an earlier process have been deleted.
    swept: AtomicBool,
}

impl Library {
    /// Opens what the catalogue stores. What the index folder lacks is indexed again from the stored
    /// words.
    ///
    /// # Errors
    /// `model_mismatch` where stored pictures were described by another extractor, or their words are of
    /// another vocabulary and [`Components::convert`] is not set; and the store's.
    pub fn open(components: Components, options: EngineOptions) -> Result<Self, EngineError> {
        let of_queries = options.feature_cache_bytes / OF_QUERIES;
        let cache = FeatureCache::new(options.feature_cache_bytes - of_queries);
        // Words take about as much as features.
        let asked = (
            AskedPictures::new(of_queries / 2),
            AskedWords::new(of_queries / 2),
        );
        Self::open_with(components, options, cache, asked, Arc::default())
    }

    /// Opens another library in the same process, which shares two things with `other`: the memory for
    /// features, so that many libraries take no more of it than one, and the signal of
    /// [`Library::wait_for_pictures`].
    pub fn open_beside(
        other: &Self,
        components: Components,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let cache = other.visual().cache.beside();
        let asked = (other.asked.beside(), other.asked_words.beside());
        Self::open_with(components, options, cache, asked, other.signal.clone())
    }

    fn open_with(
        components: Components,
        options: EngineOptions,
        cache: FeatureCache,
        (asked, asked_words): (AskedPictures, AskedWords),
        signal: Arc<PictureSignal>,
    ) -> Result<Self, EngineError> {
        components.check_model()?;
        match components.check_vocabulary() {
            Err(EngineError::ModelMismatch { .. }) if components.convert => {
                convert_before_opening(&components)?;
            }
            checked => checked?,
        }
        let visual = VisualIndex::open(&components, cache)?;
        // After the index, so that no view is in it that is not here.
        let views = LibraryViews::read(&*components.catalogue)?;
        let library = Self {
            components,
            options,
            visual: ArcSwap::from_pointee(visual),
            asked,
            asked_words,
            models: AttachedModels::default(),
            views,
            filters: FilterCache::default(),
            plain: PlainPictures::default(),
            signal,
            checked_files: CheckedFiles::default(),
            sound_thumbnails: SoundThumbnails::default(),
            changes: Mutex::new(()),
            conversion: Mutex::new(()),
            pairing: Mutex::new(()),
            swept: AtomicBool::new(false),
        };
        // It may store pictures that were never paired.
        library.signal.notify();
        Ok(library)
    }

    /// The vocabulary in use.
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        self.visual().vocabulary.clone()
    }

    /// The model of all stored features.
    pub fn model(&self) -> &ModelId {
        self.components.extractor.model()
    }

    /// The extractor that describes its pictures.
    pub fn extractor(&self) -> &Arc<dyn LocalExtractor> {
        &self.components.extractor
    }

    /// The options it was opened with.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Blocks until pictures were added since `known` was returned, here or to a library opened beside
    /// this one, for at most `timeout`. Returns what to pass as `known` the next time; begin with 0.
    pub fn wait_for_pictures(&self, known: u64, timeout: Duration) -> u64 {
        self.signal.wait(known, timeout)
    }

    /// Ends all [`Library::wait_for_pictures`].
    pub fn wake(&self) {
        self.signal.notify();
    }

    pub(crate) fn catalogue(&self) -> &dyn Catalogue {
        &*self.components.catalogue
    }

    pub(crate) fn blobs(&self) -> &dyn BlobStore {
        &*self.components.blobs
    }

    /// The vocabulary in use with everything that depends on it.
    pub(crate) fn visual(&self) -> Arc<VisualIndex> {
        self.visual.load_full()
    }

    /// The pictures that it was searched for last.
    pub(crate) fn asked(&self) -> &AskedPictures {
        &self.asked
    }

    /// The words of pictures that were searched by.
    pub(crate) fn asked_words(&self) -> &AskedWords {
        &self.asked_words
    }

    /// The global models in use.
    pub(crate) fn models(&self) -> &AttachedModels {
        &self.models
    }

    /// The further pages and frames of pictures.
    pub(crate) fn views(&self) -> &LibraryViews {
        &self.views
    }

    /// Likenesses of the stored pictures with few features.
    pub(crate) fn plain(&self) -> &PlainPictures {
        &self.plain
    }

    /// Keeps all other changes out while the guard lives.
    pub(crate) fn lock_changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock()
    }

    /// Keeps all other pairing out while the guard lives.
    pub(crate) fn lock_pairing(&self) -> MutexGuard<'_, ()> {
        self.pairing.lock()
    }

    /// A change of pairs or of decisions calls this before it is acknowledged: filters may ask for them.
    pub(crate) fn pairs_changed(&self) {
        self.filters.invalidate();
    }

    /// Keys of the pictures that match `filter` and of their views; `None` for a filter that matches all.
    pub(crate) fn matching_keys(
        &self,
        filter: &Filter,
    ) -> Result<Option<Arc<RoaringTreemap>>, EngineError> {
        if filter.is_empty() {
            return Ok(None);
        }
        let read = || {
            let page = |after, limit| self.catalogue().matching_keys_after(filter, after, limit);
            let mut keys: RoaringTreemap = read_all(|key| *key, page)?.into_iter().collect();
            self.views.map().complete(&mut keys);
            Ok(keys)
        };
        let keys = if self.components.is_only_writer() {
            self.filters.keys(filter, read)?
        } else {
            Arc::new(read()?)
        };
        Ok(Some(keys))
    }
}
