//! The one place that chooses the concrete parts: SQLite catalogue, blobs in a folder, our SIFT,
//! the built-in vocabulary.
//!
//! Layout of the data folder: `catalogue.sqlite3` (with SQLite's two side files), `blobs/` and
//! `lock`.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use resight_engine::{DecodeLimits, Engine, EngineOptions, Parts, RefusedCode, read_bounded};
use resight_index::Vocabulary;
use resight_store::{BlobStore, Catalogue, FolderBlobs, FolderLock, SqliteCatalogue, StoreError};
use resight_vision::{LocalExtractor, Sift, SiftOptions};

use crate::cli::CliError;
use crate::config::Config;

/// Folder of the blobs in the data folder.
const BLOBS: &str = "blobs";
/// The longest vocabulary's file read, in bytes. A million words, the most that `resight train`
/// makes, take about 260 MB.
const VOCABULARY_BYTES: u64 = 1 << 30;

/// An engine that may change the data folder, and the lock that makes it the only one.
pub struct Writing {
    /// The engine.
    pub engine: Arc<Engine>,
    // After the engine, so that the folder is released when nothing uses it any more.
    _lock: FolderLock,
}

/// Opens the data folder for changes, creating it if it is not there. Fails with `store_locked`
/// when another process has it open for changes.
pub fn open_for_writing(config: &Config) -> Result<Writing, CliError> {
    let parts = loose_parts(config)?;
    let lock = FolderLock::acquire(&config.data)?;
    let catalogue = Arc::new(SqliteCatalogue::open(&config.data)?);
    let blobs = Arc::new(FolderBlobs::open(&config.data.join(BLOBS))?);
    let engine = parts.engine(config, catalogue, blobs)?;
    Ok(Writing {
        engine,
        _lock: lock,
    })
}

/// Opens the data folder for changes as [`open_for_writing`] does, but only if it is there.
pub fn open_existing_for_writing(config: &Config) -> Result<Writing, CliError> {
    // Missing is told by the same sentence as for reading, and nothing is created.
    drop(catalogue_for_reading(&config.data)?);
    open_for_writing(config)
}

/// Opens the data folder for reading, also while a server writes to it; thumbnails and uploaded
/// files are not at hand. Fails with `nothing_indexed` when there is none.
pub fn open_for_reading(config: &Config) -> Result<Arc<Engine>, CliError> {
    let catalogue = Arc::new(catalogue_for_reading(&config.data)?);
    loose_parts(config)?.engine(config, catalogue, Arc::new(NoBlobs))
}

/// An engine that holds no pictures and keeps nothing, for comparing two files.
pub fn open_empty(config: &Config) -> Result<Arc<Engine>, CliError> {
    let catalogue = Arc::new(SqliteCatalogue::in_memory()?);
    loose_parts(config)?.engine(config, catalogue, Arc::new(NoBlobs))
}

/// What a picture may cost before it is refused; the same for every engine of this program.
pub fn decode_limits() -> DecodeLimits {
    EngineOptions::default().decode
}

/// The extractor that every engine of this program uses.
pub fn extractor(config: &Config) -> Arc<dyn LocalExtractor> {
    let mut options = SiftOptions::default();
    if let Some(max_features) = config.max_features {
        options.max_features = max_features;
    }
    Arc::new(Sift::new(options))
}

struct LooseParts {
    extractor: Arc<dyn LocalExtractor>,
    vocabulary: Arc<Vocabulary>,
}

/// Everything that does not touch the data folder, first: a wrong `--vocabulary` must not leave
/// an empty data folder behind.
fn loose_parts(config: &Config) -> Result<LooseParts, CliError> {
    let vocabulary = match &config.vocabulary {
        None => Vocabulary::generic(),
        Some(path) => Arc::new(read_vocabulary(path)?),
    };
    Ok(LooseParts {
        extractor: extractor(config),
        vocabulary,
    })
}

impl LooseParts {
    fn engine(
        self,
        config: &Config,
        catalogue: Arc<dyn Catalogue>,
        blobs: Arc<dyn BlobStore>,
    ) -> Result<Arc<Engine>, CliError> {
        let mut options = EngineOptions::default();
        if let Some(max_side) = config.max_side {
            options.max_side = max_side;
        }
        let parts = Parts {
            catalogue,
            blobs,
            extractor: self.extractor,
            vocabulary: self.vocabulary,
        };
        Ok(Arc::new(Engine::open(parts, options)?))
    }
}

fn read_vocabulary(path: &Path) -> Result<Vocabulary, CliError> {
    let not_one = |reason: &dyn Display| CliError::Failure {
        code: "not_a_vocabulary",
        detail: format!("{} is not a vocabulary: {reason}", path.display()),
        next_step: "Give --vocabulary a file that `resight train` has written.".into(),
    };
    let bytes = read_bounded(path, VOCABULARY_BYTES).map_err(|why| match why.code {
        RefusedCode::TooManyBytes => not_one(&why),
        _ => CliError::refused(path, &why),
    })?;
    Vocabulary::from_bytes(&bytes).map_err(|error| not_one(&error))
}

fn catalogue_for_reading(data: &Path) -> Result<SqliteCatalogue, CliError> {
    SqliteCatalogue::open_read_only(data).map_err(|error| match error {
        StoreError::Missing { .. } => CliError::Failure {
            code: "nothing_indexed",
            detail: format!("nothing is indexed yet in {}", data.display()),
            next_step: "Run `resight index DIR` with your folder of pictures first, or name another data folder with --data.".into(),
        },
        other => other.into(),
    })
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
