//! Catalogues and blobs opened wherever they are.

use std::sync::Arc;

use resight_engine::IDENTITY_SETTING;
use resight_store::{
    BlobStore, Catalogue, CollectionName, FolderBlobs, FolderGuard, SqliteCatalogue, StoreError,
    StoredBytes,
};

use super::{check, outside};
use crate::AppError;
use crate::config::Config;

/// Folder of the blobs in the folder of a collection.
pub(crate) const BLOBS: &str = "blobs";

/// Whether the collection has a catalogue.
pub(crate) fn has_catalogue(config: &Config) -> Result<bool, AppError> {
    check(config)?;
    match config.stores.catalogue() {
        Some(address) => Ok(outside::has_catalogue(address, &config.collection)?),
        None => Ok(SqliteCatalogue::is_in(&config.data)),
    }
}

/// Whether the collection has files of pictures but no catalogue, which must have been lost.
pub(crate) fn lost_catalogue(config: &Config) -> bool {
    let has = |kind: &str| config.data.join(BLOBS).join(kind).is_dir();
    let has_blobs = match config.stores.blobs() {
        // Where it cannot be told, nothing is said.
        Some(address) => outside::has_blobs(address, &config.collection).unwrap_or(false),
        None => has("originals") || has("thumbnails"),
    };
    has_blobs && matches!(has_catalogue(config), Ok(false))
}

/// Opens the collection's catalogue for changes, creating it if it does not exist.
pub(crate) fn open_catalogue(
    config: &Config,
    guard: &Arc<FolderGuard>,
) -> Result<Arc<dyn Catalogue>, AppError> {
    Ok(match config.stores.catalogue() {
        Some(address) => {
            guard.check()?;
            outside::open_catalogue(address, &config.collection, config.stores.writer())?
        }
        None => Arc::new(SqliteCatalogue::open_guarded(&config.data, guard)?),
    })
}

/// Opens the collection's catalogue for reading, also while another process changes it.
pub(crate) fn read_catalogue(config: &Config) -> Result<Arc<dyn Catalogue>, AppError> {
    check(config)?;
    catalogue_of(config)?.ok_or_else(|| no_catalogue(config))
}

/// The error where a collection without a catalogue is only read.
pub(crate) fn no_catalogue(config: &Config) -> AppError {
    if lost_catalogue(config) {
        AppError::CatalogueLost {
            folder: config.data.clone(),
        }
    } else if config.collection.is_default() {
        AppError::NothingIndexed {
            folder: config.data.clone(),
        }
    } else {
        AppError::UnknownCollection(config.collection.clone())
    }
}

/// How many pictures a collection stores; `None` where there is none of the name.
pub fn count_in(config: &Config, name: &CollectionName) -> Result<Option<u64>, StoreError> {
    // Not whole yet, where its file is there.
    let catalogue = catalogue_of(&config.of_collection(name))?;
    catalogue.map(|catalogue| catalogue.count()).transpose()
}

/// The collection's catalogue, which is only read; `None` where there is none.
pub(crate) fn catalogue_of(config: &Config) -> Result<Option<Arc<dyn Catalogue>>, StoreError> {
    let opened: Result<Arc<dyn Catalogue>, StoreError> = match config.stores.catalogue() {
        Some(address) => outside::read_catalogue(address, &config.collection),
        None => SqliteCatalogue::open_read_only_in(&config.root, &config.data)
            .map(|catalogue| Arc::new(catalogue) as _),
    };
    match opened {
        Ok(catalogue) => Ok(Some(catalogue)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The number of pictures of a collection, and how much room they take in its catalogue, which is only read; `None` where
/// there is none.
pub(crate) fn stored_in(
    config: &Config,
    name: &CollectionName,
) -> Result<Option<(u64, StoredBytes)>, StoreError> {
    let catalogue = catalogue_of(&config.of_collection(name))?;
    let stored = catalogue.map(|catalogue| Ok((catalogue.count()?, catalogue.stored_bytes()?)));
    stored.transpose()
}

/// What tells a collection from others, as its catalogue has it, which is only read.
pub(crate) fn identity_in(
    config: &Config,
    name: &CollectionName,
) -> Result<Option<String>, StoreError> {
    match catalogue_of(&config.of_collection(name))? {
        Some(catalogue) => catalogue.setting(IDENTITY_SETTING),
        None => Ok(None),
    }
}

/// Opens the collection's blobs for changes. Returns also whether those that the catalogue does not know belong to nobody:
/// the process that had them open before was killed, or could not store or delete one. Outside it cannot be said: another
/// data folder may use the same place.
pub(crate) fn open_blobs(
    config: &Config,
    guard: &Arc<FolderGuard>,
) -> Result<(Arc<dyn BlobStore>, bool), AppError> {
    if let Some(address) = config.stores.blobs() {
        guard.check()?;
        let blobs = outside::open_blobs(address, &config.collection)?;
        return Ok((blobs, false));
    }
    let blobs = FolderBlobs::open_guarded(&config.data.join(BLOBS), guard)?;
    let was_left_open = blobs.was_left_open();
    Ok((Arc::new(blobs), was_left_open))
}

/// The collection's blobs, to be read alone.
pub(crate) fn read_blobs(config: &Config) -> Result<Arc<dyn BlobStore>, AppError> {
    let blobs: Arc<dyn BlobStore> = match config.stores.blobs() {
        Some(address) => outside::read_blobs(address, &config.collection)?,
        None => Arc::new(FolderBlobs::for_reading(&config.data.join(BLOBS))),
    };
    Ok(Arc::new(ReadBlobs(blobs)))
}

/// Blobs that another process may write to. Opening them for changes would tidy up under a running server.
struct ReadBlobs(Arc<dyn BlobStore>);

impl BlobStore for ReadBlobs {
    fn put(&self, _name: &str, _bytes: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(name)
    }

    fn part(&self, name: &str, range: std::ops::Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.part(name, range)
    }

    fn delete(&self, _name: &str) -> Result<bool, StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.names(folder)
    }
}
