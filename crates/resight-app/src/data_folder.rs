//! Opening a data folder, to change or to read it.
//!
//! Layout of the data folder: `catalogue.sqlite3` (with SQLite's two side files), `blobs/`, `lock`,
//! `reserve` (space for removals on a full disk), `index/`, `vectors/` where global models are in use, and `own.vocabulary` where the folder does not use
//! the built-in vocabulary; `next.vocabulary` waits there while the stored pictures are converted to it.
//! `collections/` has a folder of the same layout, without `lock` and `reserve`, for each collection but the default one.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{ConvertStep, Library, Recovery, Verification};
use resight_index::Vocabulary;
use resight_store::{Catalogue, CollectionName, FolderGuard};
use resight_vision::{LocalExtractor, ModelId};

use crate::background::Background;
use crate::components::{self, OpenLibrary};
use crate::config::Config;
use crate::global_models::{self, LoadedModels};
use crate::plugins::Plugins;
use crate::provenance::Provenance;
use crate::stores::{CollectionPlaces, WriteLock};
use crate::vocabularies::{self, ChosenVocabulary};
use crate::{AppError, conversion, extractors, recovery, renaming, repair};

pub use crate::components::count_in;

/// Deletes the answers that are kept for requests about a collection which is to be removed.
pub fn forget_answers(config: &Config, name: &CollectionName) {
    if let Ok(Some(identity)) = components::identity_in(config, name) {
        crate::answers::forget(&config.root, &identity);
    }
}

pub use crate::repair::{RepairPhase, Repaired};

/// A library that may change the data folder, and the lock that makes it the only one.
pub struct WritableFolder {
    /// The library of the collection that was opened.
    pub library: Arc<Library>,
    /// Global models that are loaded, for other collections too.
    pub models: LoadedModels,
    /// The vocabulary that the stored pictures are yet to be converted to.
    pending: Option<Arc<Vocabulary>>,
    catalogue: Arc<dyn Catalogue>,
    // After the library, so that the folder is released when nothing uses it any more.
    lock: WriteLock,
}

impl WritableFolder {
    pub(crate) fn guard(&self) -> &Arc<FolderGuard> {
        self.lock.guard()
    }

    /// Converts all stored pictures to `vocabulary`, which becomes the folder's own. Where it is cancelled
    /// or killed, the next process that opens the folder for changes goes on with it.
    pub fn convert(
        &self,
        config: &Config,
        vocabulary: &Arc<Vocabulary>,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(ConvertStep),
    ) -> Result<(), AppError> {
        conversion::convert(&self.library, config, vocabulary, cancel, on_step)
    }

    /// Goes on with a conversion that an earlier process began, until the returned value is dropped.
    pub fn convert_in_background(&self, config: &Config) -> Option<Background> {
        conversion::convert_in_background(&self.library, config, self.pending.clone())
    }

    /// Describes pictures that lack a vector of a global model, until the returned value is dropped.
    pub fn embed_in_background(&self) -> Option<Background> {
        global_models::embed_in_background(&self.library)
    }

    /// Adds uploaded files again that the catalogue does not know, until the returned value is dropped.
    pub fn recover_in_background(&self) -> Option<Background> {
        recovery::recover_in_background(&self.library)
    }

    /// Adds uploaded files again that the catalogue does not know.
    pub fn recover_uploads(&self, cancel: &AtomicBool) -> Result<Recovery, AppError> {
        Ok(recovery::recover_now(&self.library, cancel)?)
    }

    /// Forgets a global model and all vectors that it made. Returns whether the collection used it.
    pub fn forget_model(&self, name: &str) -> Result<bool, AppError> {
        global_models::forget(&self.library, &*self.catalogue, name)
    }
}

/// Opens the data folder for changes, creating it if it does not exist. Fails with `store_locked`
/// when another process has it open for changes, and with `vocabulary_missing` where a vocabulary has
/// to be learnt first.
pub fn open_for_writing(config: &Config, plugins: &Plugins) -> Result<WritableFolder, AppError> {
    Opening::for_writing(config, plugins, false)?.finish()
}

/// A locked data folder whose extractor is chosen and whose vocabulary may have to be learnt.
pub struct Opening<'a> {
    config: &'a Config,
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: Option<ChosenVocabulary>,
    catalogue: Option<Arc<dyn Catalogue>>,
    plugins: Plugins,
    lock: WriteLock,
}

impl<'a> Opening<'a> {
    /// Begins to open the data folder for changes, creating it if it does not exist. With `can_learn`, a
    /// new folder may lack a vocabulary for its extractor; else that fails with `vocabulary_missing`.
    pub fn for_writing(
        config: &'a Config,
        plugins: &Plugins,
        can_learn: bool,
    ) -> Result<Self, AppError> {
        // A folder that exists is locked first, and its catalogue opened once. Nothing of a new one is
        // created before its settings are known to fit: a wrong vocabulary's file must not leave an
        // empty data folder behind.
        let existing = if components::has_catalogue(config)? {
            let lock = lock(config)?;
            let catalogue = components::open_catalogue(config, lock.guard())?;
            Some((lock, catalogue))
        } else {
            None
        };
        let stored = match &existing {
            Some((_, catalogue)) => Provenance::of(&**catalogue)?,
            None => Provenance::default(),
        };
        let extractor = extractors::choose(&stored, plugins, config)?;
        let vocabulary = stored.choose_vocabulary(config, extractor.model())?;
        let used_before = stored.model.is_some();
        if vocabulary.is_none() && (used_before || !can_learn) {
            return Err(vocabularies::missing(extractor.model(), used_before));
        }
        let (lock, catalogue) = match existing {
            Some((lock, catalogue)) => (lock, Some(catalogue)),
            None => (lock(config)?, None),
        };
        Ok(Self {
            config,
            extractor,
            vocabulary,
            catalogue,
            plugins: plugins.clone(),
            lock,
        })
    }

    /// The extractor that a vocabulary has to be learnt for; `None` where there is one.
    pub fn lacks_vocabulary(&self) -> Option<&dyn LocalExtractor> {
        self.vocabulary.is_none().then_some(&*self.extractor)
    }

    /// Stores a vocabulary that was learnt as the folder's own.
    pub fn set_vocabulary(&mut self, vocabulary: Vocabulary) -> Result<(), AppError> {
        vocabularies::keep(self.config, &vocabulary)?;
        self.vocabulary = Some(vocabulary.into());
        Ok(())
    }

    /// Opens the folder. Fails with `vocabulary_missing` while it lacks one.
    pub fn finish(self) -> Result<WritableFolder, AppError> {
        let missing = || vocabularies::missing(self.extractor.model(), false);
        let vocabulary = self.vocabulary.ok_or_else(missing)?;
        // Completes a collection whose creation a crash cut short, too.
        CollectionPlaces::of(self.config).create(&self.config.collection)?;
        if self.catalogue.is_none() && components::lost_catalogue(self.config) {
            recovery::warn_of_missing_catalogue(&self.config.data);
        }
        let catalogue = match self.catalogue {
            Some(catalogue) => catalogue,
            None => components::open_catalogue(self.config, self.lock.guard())?,
        };
        let models = LoadedModels::new(self.config, &self.plugins);
        let open = components::open_library(
            self.config,
            self.lock.guard(),
            catalogue,
            self.extractor,
            vocabulary,
            None,
            Some(&models),
        )?;
        Ok(writable(open, models, self.lock))
    }
}

/// Opens a data folder that exists for changes that describe no picture, whatever described the stored
/// ones.
pub fn open_for_removing(config: &Config) -> Result<WritableFolder, AppError> {
    if !components::has_catalogue(config)? {
        return Err(components::no_catalogue(config));
    }
    let lock = lock(config)?;
    let catalogue = components::open_catalogue(config, lock.guard())?;
    let (extractor, vocabulary) = components::without_describing(config, &*catalogue)?;
    // Opening the vectors' indexes leaves out removed pictures, so no model is needed here.
    let open = components::open_library(
        config,
        lock.guard(),
        catalogue,
        extractor,
        vocabulary,
        None,
        None,
    )?;
    Ok(writable(
        open,
        LoadedModels::new(config, &Plugins::default()),
        lock,
    ))
}

fn writable(open: OpenLibrary, models: LoadedModels, lock: WriteLock) -> WritableFolder {
    WritableFolder {
        library: open.library,
        models,
        pending: open.pending,
        catalogue: open.catalogue,
        lock,
    }
}

/// Opens the data folder for searching, also while a server writes to it. `likeness`: the global models
/// in use are searched too. Fails with `nothing_indexed` where there is no catalogue.
pub fn open_for_searching(
    config: &Config,
    plugins: &Plugins,
    likeness: bool,
) -> Result<Arc<Library>, AppError> {
    let catalogue = components::read_catalogue(config)?;
    let stored = Provenance::of(&*catalogue)?;
    let extractor = extractors::choose(&stored, plugins, config)?;
    let vocabulary = stored
        .choose_vocabulary(config, extractor.model())?
        .ok_or_else(|| vocabularies::missing(extractor.model(), stored.model.is_some()))?;
    let models = likeness.then(|| LoadedModels::new(config, plugins));
    components::read_library(
        config,
        catalogue,
        extractor,
        vocabulary,
        models.as_ref(),
        true,
    )
}

/// Opens the data folder as [`open_for_searching`] does, for listing and for searching by a stored
/// picture, whatever described the stored ones.
pub fn open_for_listing(config: &Config, likeness: bool) -> Result<Arc<Library>, AppError> {
    let catalogue = components::read_catalogue(config)?;
    let (extractor, vocabulary) = components::without_describing(config, &*catalogue)?;
    let models = likeness.then(|| LoadedModels::new(config, &Plugins::default()));
    components::read_library(
        config,
        catalogue,
        extractor,
        vocabulary,
        models.as_ref(),
        false,
    )
}

/// Checks everything that the collection stores, and changes nothing. `on_step` is called with the number of
/// pictures checked and of all.
pub fn verify(
    config: &Config,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Verification, AppError> {
    let parts = components::parts_to_read(config)?;
    let options = config.engine_options();
    Ok(resight_engine::verify(&parts, &options, cancel, on_step)?)
}

/// Checks everything that the collection stores and rebuilds what is damaged, as far as it can be rebuilt. No
/// other process may have the data folder open for changes. `on_step` is called with what is being done, and
/// the number of things done and of all.
pub fn repair(
    config: &Config,
    plugins: &Plugins,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(RepairPhase, u64, u64),
) -> Result<Repaired, AppError> {
    if !components::has_catalogue(config)? {
        return Err(components::no_catalogue(config));
    }
    let lock = lock(config)?;
    repair::repair(config, lock.guard(), plugins, cancel, on_step)
}

/// The extractor for pictures that are not stored: a plug-in's where one is given, else our SIFT.
pub fn extractor(config: &Config, plugins: &Plugins) -> Result<Arc<dyn LocalExtractor>, AppError> {
    extractors::choose(&Provenance::default(), plugins, config)
}

/// The vocabulary for features of `model` where nothing is stored: the one that is named, or the
/// built-in one if it fits.
pub fn vocabulary_for(config: &Config, model: &ModelId) -> Result<Arc<Vocabulary>, AppError> {
    let chosen = Provenance::default().choose_vocabulary(config, model)?;
    let fitting = chosen.filter(|chosen| chosen.vocabulary.model() == model);
    let missing = || vocabularies::missing(model, false);
    Ok(fitting.ok_or_else(missing)?.vocabulary)
}

/// The plug-in that a model is of, by the name it gives itself.
pub fn plugin_of(model: &ModelId) -> Option<&str> {
    extractors::plugin_of(model.as_str())
}

/// Locks a data folder to create or remove collections.
pub fn lock_collections(config: &Config) -> Result<(WriteLock, CollectionPlaces), AppError> {
    Ok((lock(config)?, CollectionPlaces::of(config)))
}

/// Makes this process the only one that changes the data folder, and deletes what removed collections
/// have left.
fn lock(config: &Config) -> Result<WriteLock, AppError> {
    let lock = WriteLock::acquire(config)?;
    if let Err(error) = CollectionPlaces::of(config).sweep() {
        tracing::warn!("files of removed collections stay for now: {error}");
    }
    if let Err(error) = renaming::finish(config) {
        tracing::warn!("a collection that was to be renamed is not yet: {error}");
    }
    Ok(lock)
}
