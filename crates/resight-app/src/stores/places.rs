//! The collections of a data folder, wherever their catalogues and blobs are.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_store::{CollectionName, Collections, StoreError, create_private};

use super::{check, outside};
use crate::AppError;
use crate::config::Config;

/// The collections of a data folder. Each has a folder there, which has all of it, or, of one whose catalogue is
/// outside, what can be made again.
///
/// Have the data folder locked to create, remove or sweep.
#[derive(Clone)]
pub struct CollectionPlaces {
    config: Arc<Config>,
    folders: Collections,
}

impl CollectionPlaces {
    /// Those of the data folder of `config`, which need not exist.
    pub fn of(config: &Config) -> Self {
        Self {
            config: Arc::new(config.clone()),
            folders: Collections::new(&config.root),
        }
    }

    /// The folder in which all collections but the default one have theirs; it need not exist.
    pub fn parent(&self) -> PathBuf {
        self.folders.parent()
    }

    /// The folder of a collection, whether or not it exists.
    pub fn folder(&self, name: &CollectionName) -> PathBuf {
        self.folders.folder(name)
    }

    /// Whether the collection exists; the default one always does.
    pub fn has(&self, name: &CollectionName) -> Result<bool, AppError> {
        match self.config.stores.catalogue() {
            None => Ok(self.folders.has(name)),
            Some(_) if name.is_default() => Ok(true),
            Some(address) => Ok(outside::has_catalogue(address, name)?),
        }
    }

    /// All collections: the default one, then the others by name.
    pub fn names(&self) -> Result<Vec<CollectionName>, AppError> {
        check(&self.config)?;
        let Some(address) = self.config.stores.catalogue() else {
            return Ok(self.folders.names()?);
        };
        let mut names = outside::collections(address)?;
        names.retain(|name| !name.is_default());
        names.sort_unstable();
        names.insert(0, CollectionName::default());
        Ok(names)
    }

    /// Creates an empty collection durably. Returns `false` if it exists.
    pub fn create(&self, name: &CollectionName) -> Result<bool, AppError> {
        let Some(address) = self.config.stores.catalogue() else {
            return Ok(self.folders.create(name)?);
        };
        if name.is_default() {
            return Ok(false);
        }
        let was_there = self.has(name)?;
        let folder = self.folder(name);
        if !was_there {
            // The folder may have the only copies of uploads, where the database was lost or is an older one: they are added
            // again. Indexes of another catalogue are deleted when the collection is opened.
            outside::open_catalogue(address, name, self.config.stores.writer())?;
        }
        create_private(&folder).map_err(|error| StoreError::from_io(&folder, error))?;
        Ok(!was_there)
    }

    /// Removes a collection and everything in it. Returns `false` if it does not exist, and for the default one. One
    /// that has parts outside is there until all of them are removed: remove it again where that failed.
    pub fn remove(&self, name: &CollectionName) -> Result<bool, AppError> {
        if name.is_default() || !self.has(name)? {
            return Ok(false);
        }
        if let Some(address) = self.config.stores.blobs() {
            outside::drop_blobs(address, name)?;
        }
        let Some(address) = self.config.stores.catalogue() else {
            return Ok(self.folders.remove(name)?);
        };
        // First: one that gets the name later must not find them.
        remove_folder(&self.folder(name))?;
        Ok(outside::drop_catalogue(address, name)?)
    }

    /// Deletes the files that earlier removals left, and completes collections whose creation was cut short.
    pub(crate) fn sweep(&self) -> Result<(), AppError> {
        if self.config.stores.catalogue().is_none() {
            self.folders.sweep()?;
        }
        Ok(())
    }
}

pub(super) fn remove_folder(folder: &Path) -> Result<(), AppError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StoreError::from_io(folder, error).into())
        }
        _ => Ok(()),
    }
}
