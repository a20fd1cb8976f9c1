//! Uploads whose files are stored and whose records are not, as a catalogue leaves them that was lost or cut
//! short.

use std::sync::atomic::{AtomicBool, Ordering};

use resight_store::{Effect, PictureId};

use super::Indexer;
use crate::describe::describe;
use crate::error::EngineError;
use crate::library::files::original_name;
use crate::library::prepare::PendingChange;
use crate::likeness::embed::embed_added;
use crate::picture::id_of;

/// What became of uploaded files without a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Uploaded files without a record.
    pub found: u64,
    /// Those that were added again. Names and labels were in the catalogue, so the id is the name.
    pub recovered: u64,
    /// Those that are damaged or can no longer be described; their files stay.
    pub unusable: u64,
}

impl Indexer {
    /// Adds uploaded files again that the catalogue does not know. `on_step` is called after each.
    ///
    /// # Errors
    /// The store's, and `cancelled`; what was added stays.
    pub fn recover_uploads(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(Recovery),
    ) -> Result<Recovery, EngineError> {
        let ids = self.library.unrecorded_uploads()?;
        let mut recovery = Recovery {
            found: ids.len() as u64,
            ..Recovery::default()
        };
        for id in ids {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            match self.recover(&id, cancel) {
                Ok(true) => recovery.recovered += 1,
                Ok(false) => {}
                Err(error @ (EngineError::Store(_) | EngineError::Cancelled)) => return Err(error),
                Err(error) => {
                    tracing::warn!("the uploaded file {id} is not added again: {error}");
                    recovery.unusable += 1;
                }
            }
            on_step(recovery);
        }
        Ok(recovery)
    }

    /// Returns whether the picture was added.
    fn recover(&self, id: &PictureId, cancel: &AtomicBool) -> Result<bool, EngineError> {
        let library = &*self.library;
        let Some(bytes) = library.blobs().get(&original_name(id))? else {
            return Ok(false);
        };
        if id_of(&bytes) != *id {
            let what = "its bytes are not those that were uploaded";
            return Err(EngineError::Internal(what.into()));
        }
        let extractor = &**library.extractor();
        let described = describe(&bytes, library.options(), extractor, Some(cancel))?;
        let mut prepared =
            library.prepare(id.clone(), id.as_str(), &bytes, &described, Some(cancel))?;
        prepared.new.uploaded = true;
        let effects = {
            let lock = library.lock_changes();
            // Added and removed meanwhile: it must not come back.
            if library.blobs().get(&original_name(id))?.is_none() {
                return Ok(false);
            }
            library.commit_locked(&lock, vec![PendingChange::Add(Box::new(prepared))])?
        };
        if let Some(Effect::Added { key, .. }) = effects.first() {
            embed_added(library, *key, &described.image);
        }
        Ok(true)
    }
}
