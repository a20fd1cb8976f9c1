//! Files that a killed process has left: of removed pictures, and of pictures that the catalogue lacks.
//!
//! Rule: the catalogue decides. What it has removed is deleted, durably, before it forgets the removal, so a
//! removed picture never comes back. An uploaded file that the catalogue neither stores nor has removed is a
//! picture whose commit was lost or never came; it is added again
//! ([`Indexer::recover_uploads`](crate::Indexer::recover_uploads)). A thumbnail without a picture is deleted.

use std::collections::HashSet;

use resight_store::{PictureId, StoreError};

use super::Library;
use super::damage::has_record;
use super::files::{original_name, thumbnail_name};
use crate::error::EngineError;

/// Removed pictures whose files are deleted at once, at most.
const AT_ONCE: usize = 10_000;

impl Library {
    /// Deletes the files of removed pictures, as far as they can be deleted.
    pub fn finish_removals(&self) -> Result<(), EngineError> {
        let _lock = self.lock_changes();
        while self.try_delete_removed_files()? == AT_ONCE {}
        Ok(())
    }

    /// Deletes thumbnails that no stored picture has, and returns their number. To be called before anything
    /// is added: a thumbnail is written before its picture is stored.
    pub fn delete_stray_thumbnails(&self) -> Result<u64, EngineError> {
        let mut deleted = 0;
        for shard in shards() {
            for name in self.blobs().names(&format!("thumbnails/{shard}"))? {
                let Some(id) = id_in(name.strip_suffix(".jpg").unwrap_or(&name)) else {
                    continue;
                };
                if !has_record(self.catalogue(), &id, |_| true)? && self.delete_blob(&name) {
                    deleted += 1;
                }
            }
        }
        Ok(deleted)
    }

    /// Ids of uploaded files that the catalogue neither stores as uploads nor has removed.
    pub(crate) fn unrecorded_uploads(&self) -> Result<Vec<PictureId>, EngineError> {
        let removed = self.catalogue().removed_pictures(usize::MAX)?;
        let removed: HashSet<PictureId> = removed.into_iter().collect();
        let mut found = Vec::new();
        for shard in shards() {
            for name in self.blobs().names(&format!("originals/{shard}"))? {
                let Some(id) = id_in(&name).filter(|id| !removed.contains(id)) else {
                    continue;
                };
                if !has_record(self.catalogue(), &id, |record| record.uploaded)? {
                    found.push(id);
                }
            }
        }
        Ok(found)
    }

    /// Deletes files of removed pictures after a change. What cannot be deleted now is tried again later.
    pub(super) fn delete_removed_files(&self) {
        if let Err(error) = self.try_delete_removed_files() {
            tracing::warn!("files of removed pictures stay for now: {error}");
        }
    }

    /// Returns the number of pictures whose files are gone.
    fn try_delete_removed_files(&self) -> Result<usize, StoreError> {
        let ids = self.catalogue().removed_pictures(AT_ONCE)?;
        let deleted = ids.into_iter().filter(|id| {
            // Both are tried.
            self.delete_blob(&thumbnail_name(id)) & self.delete_blob(&original_name(id))
        });
        let deleted: Vec<PictureId> = deleted.collect();
        if !deleted.is_empty() {
            // A power cut must not bring back the file of a picture whose removal is forgotten.
            self.blobs().settle_deletions()?;
            self.catalogue().forget_removed(&deleted)?;
        }
        Ok(deleted.len())
    }

    /// Returns whether the blob is gone.
    pub(super) fn delete_blob(&self, name: &str) -> bool {
        match self.blobs().delete(name) {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!("{name} stays for now: {error}");
                false
            }
        }
    }
}

/// The folders that thumbnails and uploaded files are spread over.
pub(super) fn shards() -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(|shard| format!("{shard:02x}"))
}

/// The id that the last part of a blob's name is.
pub(super) fn id_in(name: &str) -> Option<PictureId> {
    PictureId::parse(name.rsplit('/').next()?)
}
