//! The one place that chooses the concrete parts: SQLite catalogue, blobs in a folder, our SIFT or
//! a plug-in, and the vocabulary.
//!
//! Layout of the data folder: `catalogue.sqlite3` (with SQLite's two side files), `blobs/`, `lock`,
//! `index/`, `vectors/` where models are in use, and `own.vocabulary` where the folder does not use the
//! built-in vocabulary; `next.vocabulary` waits there while what is held is converted to it. `collections/` has a folder of
//! the same layout, `lock` aside, for each collection but the default one.

use std::path::Path;
use std::sync::Arc;

use resight_engine::{
    Components, DecodeLimits, EngineOptions, IndexFolder, Library, MODEL_SETTING,
    VOCABULARY_SETTING,
};
use resight_index::Vocabulary;
use resight_store::{
    BlobStore, Catalogue, Collections as Folders, FolderBlobs, FolderLock, Pictures,
    SqliteCatalogue, StoreError,
};
use resight_vision::{LocalExtractor, ModelId};

use crate::config::Config;
use crate::global_models::{Loaded, May};
use crate::plugins::Plugins;
use crate::vocabularies::{self, Found};
use crate::{AppError, extractors};

/// Folder of the blobs in the data folder.
const BLOBS: &str = "blobs";
/// Folder of the inverted index in the data folder.
const INDEX: &str = "index";

/// An engine that may change the data folder, and the lock that makes it the only one.
pub struct Writing {
    /// The engine.
    pub engine: Arc<Library>,
    /// The vocabulary that the data folder is yet to be converted to.
    pub pending: Option<Arc<Vocabulary>>,
    /// Models that are loaded, for other collections too.
    pub models: Loaded,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    // After the engine, so that the folder is released when nothing uses it any more.
    _lock: FolderLock,
}

/// Opens the data folder for changes, creating it if it is not there. Fails with `store_locked`
/// when another process has it open for changes, and with `vocabulary_missing` where a vocabulary has
/// to be learnt first.
pub fn open_for_writing(config: &Config, plugins: &Plugins) -> Result<Writing, AppError> {
    Opening::for_writing(config, plugins, false)?.finish()
}

/// A locked data folder whose extractor is chosen and whose vocabulary may have to be learnt.
pub struct Opening<'a> {
    config: &'a Config,
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: Option<Found>,
    lock: FolderLock,
}

impl<'a> Opening<'a> {
    /// Begins to open the data folder for changes, creating it if it is not there. With `can_learn`, a
    /// new folder may lack a vocabulary for its extractor; else that fails with `vocabulary_missing`.
    pub fn for_writing(
        config: &'a Config,
        plugins: &Plugins,
        can_learn: bool,
    ) -> Result<Self, AppError> {
        // Everything that does not touch the data folder, first: a wrong vocabulary's file must not
        // leave an empty data folder behind.
        let held = Held::here(config)?;
        let extractor = extractors::choose(held.model.as_deref(), plugins, config)?;
        let vocabulary = held.find_vocabulary(config, extractor.model())?;
        let used_before = held.model.is_some();
        if vocabulary.is_none() && (used_before || !can_learn) {
            return Err(vocabularies::missing(extractor.model(), used_before));
        }
        Ok(Self {
            lock: lock(config)?,
            config,
            extractor,
            vocabulary,
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
    pub fn finish(self) -> Result<Writing, AppError> {
        let missing = || vocabularies::missing(self.extractor.model(), false);
        let vocabulary = self.vocabulary.ok_or_else(missing)?;
        engine_for_writing(self.config, self.lock, self.extractor, vocabulary, true)
    }
}

/// Opens a data folder that is there for changes that describe no picture, whoever described
/// those that it holds.
pub fn open_for_removing(config: &Config) -> Result<Writing, AppError> {
    // Missing is told by the same sentence as for reading, and nothing is created.
    let catalogue = catalogue_for_reading(config)?;
    let (extractor, vocabulary) = without_describing(config, &*catalogue)?;
    drop(catalogue);
    let lock = lock(config)?;
    // What vectors' indexes hold of removed pictures is left out when they are opened.
    engine_for_writing(config, lock, extractor, vocabulary, false)
}

/// Opens the data folder for searching, also while a server writes to it; thumbnails and uploaded
/// files are not at hand. `likeness`: whether models in use are asked. Fails with `nothing_indexed` when
/// there is none.
pub fn open_for_searching(
    config: &Config,
    plugins: &Plugins,
    likeness: bool,
) -> Result<Arc<Library>, AppError> {
    let catalogue = catalogue_for_reading(config)?;
    let held = Held::by(&*catalogue)?;
    let extractor = extractors::choose(held.model.as_deref(), plugins, config)?;
    let vocabulary = held
        .find_vocabulary(config, extractor.model())?
        .ok_or_else(|| vocabularies::missing(extractor.model(), held.model.is_some()))?;
    let models = likeness.then(|| Loaded::new(config));
    engine_for_reading(config, catalogue, extractor, vocabulary, models, true)
}

/// Opens the data folder as [`open_for_searching`] does, for listing and for searching by a picture
/// held: whoever described what it holds.
pub fn open_for_listing(config: &Config, likeness: bool) -> Result<Arc<Library>, AppError> {
    let catalogue = catalogue_for_reading(config)?;
    let (extractor, vocabulary) = without_describing(config, &*catalogue)?;
    let models = likeness.then(|| Loaded::new(config));
    engine_for_reading(config, catalogue, extractor, vocabulary, models, false)
}

fn engine_for_reading(
    config: &Config,
    catalogue: Arc<dyn Catalogue>,
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: Found,
    models: Option<Loaded>,
    describes: bool,
) -> Result<Arc<Library>, AppError> {
    let (blobs, writable) = (Arc::new(NoBlobs), false);
    let held = catalogue.clone();
    let engine = engine(config, held, blobs, extractor, vocabulary, writable, None)?;
    if let Some(models) = models {
        let may = May {
            change: writable,
            describe: describes,
        };
        models.attach(&engine, &catalogue, config, may)?;
    }
    Ok(engine)
}

/// What a picture may cost before it is refused; the same for every engine of this program.
pub fn decode_limits() -> DecodeLimits {
    EngineOptions::default().decode
}

/// The engine's options as the command line changes them.
pub fn engine_options(config: &Config) -> EngineOptions {
    let mut options = EngineOptions::default();
    if let Some(max_side) = config.max_side {
        options.max_side = max_side;
    }
    if let Some(max_features) = config.max_features {
        options.max_features = max_features;
    }
    options
}

/// The extractor for pictures that are not stored: a plug-in's where one is given, else our SIFT.
pub fn extractor(config: &Config, plugins: &Plugins) -> Result<Arc<dyn LocalExtractor>, AppError> {
    extractors::choose(None, plugins, config)
}

/// The vocabulary for features of `model` where nothing is held: the one that is named, or the
/// built-in one if it fits.
pub fn vocabulary_for(config: &Config, model: &ModelId) -> Result<Arc<Vocabulary>, AppError> {
    let found = Held::default().find_vocabulary(config, model)?;
    let found = found.filter(|found| found.vocabulary.model() == model);
    let missing = || vocabularies::missing(model, false);
    Ok(found.ok_or_else(missing)?.vocabulary)
}

/// The plug-in that a model is of, by the name it gives itself.
pub fn plugin_of(model: &ModelId) -> Option<&str> {
    extractors::plugin_of(model.as_str())
}

/// What made the pictures held; nothing where none are held.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) model: Option<String>,
    /// The id of the vocabulary of their words.
    pub(crate) vocabulary: Option<String>,
}

impl Held {
    /// Nothing as well where there is no data folder.
    pub(crate) fn here(config: &Config) -> Result<Self, AppError> {
        match SqliteCatalogue::open_read_only(&config.data) {
            Ok(catalogue) => Self::by(&catalogue),
            Err(StoreError::Missing { .. }) => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn by(catalogue: &dyn Catalogue) -> Result<Self, AppError> {
        Ok(match catalogue.count()? {
            0 => Self::default(),
            _ => Self {
                model: catalogue.setting(MODEL_SETTING)?,
                vocabulary: catalogue.setting(VOCABULARY_SETTING)?,
            },
        })
    }

    /// The vocabulary for features of `model`; `None` where one has to be learnt first.
    pub(crate) fn find_vocabulary(
        &self,
        config: &Config,
        model: &ModelId,
    ) -> Result<Option<Found>, AppError> {
        vocabularies::find(config, model, self.vocabulary.as_deref())
    }
}

/// Parts that fit what is stored and can describe nothing.
fn without_describing(
    config: &Config,
    catalogue: &dyn Catalogue,
) -> Result<(Arc<dyn LocalExtractor>, Found), AppError> {
    let held = Held::by(catalogue)?;
    let model = match &held.model {
        Some(stored) => ModelId::new(stored),
        None => extractors::sift(config).model().clone(),
    };
    let vocabulary = held
        .find_vocabulary(config, &model)?
        .ok_or_else(|| vocabularies::missing(&model, true))?;
    let extractor = extractors::absent(model, vocabulary.vocabulary.dimension(), config);
    Ok((extractor, vocabulary))
}

fn engine_for_writing(
    config: &Config,
    lock: FolderLock,
    extractor: Arc<dyn LocalExtractor>,
    found: Found,
    likeness: bool,
) -> Result<Writing, AppError> {
    Folders::new(&config.root).create(&config.collection)?;
    let models = Loaded::new(config);
    let Changing {
        engine,
        pending,
        catalogue,
    } = changing(config, extractor, found, None, likeness.then_some(&models))?;
    Ok(Writing {
        engine,
        pending,
        models,
        catalogue,
        _lock: lock,
    })
}

/// Makes this process the only one that changes the data folder, and deletes what removed collections
/// have left.
fn lock(config: &Config) -> Result<FolderLock, AppError> {
    let lock = FolderLock::acquire(&config.root)?;
    if let Err(error) = Folders::new(&config.root).sweep() {
        tracing::warn!("files of removed collections stay for now: {error}");
    }
    Ok(lock)
}

/// Locks a data folder to create or remove collections.
pub fn lock_collections(config: &Config) -> Result<(FolderLock, Folders), AppError> {
    Ok((lock(config)?, Folders::new(&config.root)))
}

/// How many pictures the collection in `folder` holds; `None` where there is none.
pub fn count_in(folder: &Path) -> Result<Option<u64>, StoreError> {
    match SqliteCatalogue::open_read_only(folder) {
        Ok(catalogue) => Ok(Some(catalogue.count()?)),
        // Not whole yet, where its file is there.
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// An engine that may change its folder, and the vocabulary that it is yet to be converted to.
pub(crate) struct Changing {
    pub(crate) engine: Arc<Library>,
    pub(crate) pending: Option<Arc<Vocabulary>>,
    catalogue: Arc<dyn Catalogue>,
}

pub(crate) fn changing(
    config: &Config,
    extractor: Arc<dyn LocalExtractor>,
    found: Found,
    beside: Option<&Library>,
    models: Option<&Loaded>,
) -> Result<Changing, AppError> {
    vocabularies::keep_apart(config, &found.vocabulary)?;
    let catalogue = open_catalogue(&config.data)?;
    let blobs = Arc::new(FolderBlobs::open(&config.data.join(BLOBS))?);
    let pending = vocabularies::pending(config, &found.vocabulary)?;
    let held = catalogue.clone();
    let engine = engine(config, held, blobs, extractor, found, true, beside)?;
    if let Some(models) = models {
        let may = May {
            change: true,
            describe: true,
        };
        models.attach(&engine, &catalogue, config, may)?;
    }
    Ok(Changing {
        engine,
        pending,
        catalogue,
    })
}

fn engine(
    config: &Config,
    catalogue: Arc<dyn Catalogue>,
    blobs: Arc<dyn BlobStore>,
    extractor: Arc<dyn LocalExtractor>,
    found: Found,
    writable: bool,
    beside: Option<&Library>,
) -> Result<Arc<Library>, AppError> {
    let path = config.data.join(INDEX);
    let parts = Components {
        index: Some(IndexFolder { path, writable }),
        catalogue,
        blobs,
        extractor,
        vocabulary: found.vocabulary,
        // Whoever only reads is told that it does not fit.
        convert: found.convert && writable,
    };
    let options = engine_options(config);
    Ok(Arc::new(match beside {
        Some(other) => Library::open_beside(other, parts, options)?,
        None => Library::open(parts, options)?,
    }))
}

/// Opens the catalogue in `folder` for changes, creating it if it does not exist.
pub(crate) fn open_catalogue(folder: &Path) -> Result<Arc<dyn Catalogue>, StoreError> {
    Ok(Arc::new(SqliteCatalogue::open(folder)?))
}

fn catalogue_for_reading(config: &Config) -> Result<Arc<dyn Catalogue>, AppError> {
    let data = &config.data;
    let opened = SqliteCatalogue::open_read_only(data).map_err(|error| match error {
        StoreError::Missing { .. } if !config.collection.is_default() => {
            AppError::UnknownCollection(config.collection.clone())
        }
        StoreError::Missing { .. } => AppError::NothingIndexed {
            folder: data.clone(),
        },
        other => other.into(),
    });
    Ok(Arc::new(opened?))
}

/// Stands where no blob is needed. Opening the folder would tidy up under a running server.
struct NoBlobs;

impl BlobStore for NoBlobs {
    fn put(&self, _name: &str, _bytes: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn get(&self, _name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn delete(&self, _name: &str) -> Result<bool, StoreError> {
        Err(StoreError::ReadOnly)
    }
}
