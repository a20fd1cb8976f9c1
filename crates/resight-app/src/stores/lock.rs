//! One process that changes a data folder and its stores.

use std::sync::Arc;

use resight_store::{FolderGuard, FolderLock};

use super::addresses::Stores;
use super::{outside, record};
use crate::AppError;
use crate::config::Config;

/// What makes this process the only one that changes a data folder and its stores, for as long as it lives.
pub struct WriteLock {
    folder: FolderLock,
    stores: Stores,
}

impl WriteLock {
    /// Locks the folder, and the catalogue where that is outside.
    ///
    /// # Errors
    /// `store_locked` where another process has one of them; `other_stores`; and those of a server that cannot be used.
    pub(crate) fn acquire(config: &Config) -> Result<Self, AppError> {
        let folder = FolderLock::acquire(&config.root)?;
        record::check(config)?;
        if let Some(address) = config.stores.catalogue() {
            let writer = outside::Writer::acquire(address)?;
            config.stores.set_writer(Some(writer));
        }
        record::write(config)?;
        Ok(Self {
            folder,
            stores: config.stores.clone(),
        })
    }

    /// What watches the data folder.
    pub(crate) fn guard(&self) -> &Arc<FolderGuard> {
        self.folder.guard()
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        self.stores.set_writer(None);
    }
}
