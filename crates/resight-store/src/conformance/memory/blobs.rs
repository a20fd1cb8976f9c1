//! Blobs in memory.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use crate::blobs::{BlobStore, check_blob_name};
use crate::error::StoreError;

/// A [`BlobStore`] in the memory of this value.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: RwLock<BTreeMap<String, Vec<u8>>>,
}

impl BlobStore for MemoryBlobs {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        check_blob_name(name)?;
        self.blobs.write().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check_blob_name(name)?;
        Ok(self.blobs.read().get(name).cloned())
    }

    fn delete(&self, name: &str) -> Result<bool, StoreError> {
        check_blob_name(name)?;
        Ok(self.blobs.write().remove(name).is_some())
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        check_blob_name(folder)?;
        let is_in = |name: &&String| {
            let rest = name
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| !rest.contains('/'))
        };
        Ok(self.blobs.read().keys().filter(is_in).cloned().collect())
    }
}
