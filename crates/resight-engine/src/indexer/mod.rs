//! The indexer: from files to stored pictures.

pub(crate) mod exclusion;
pub(crate) mod folder;
mod freshness;
mod gone;
pub(crate) mod listing;
mod moves;
mod parts;
mod reading;
pub(crate) mod recover;
pub(crate) mod report;
mod run;

use std::sync::Arc;

use resight_store::{Effect, LabelPatch};

use crate::describe::describe;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::labels::{check_tags, label_change};
use crate::library::prepare::PendingChange;
use crate::likeness::embed::embed_added;
use crate::picture::{Added, id_of};

/// Adds pictures to a library: uploads, and the files of folders.
#[derive(Clone)]
pub struct Indexer {
    library: Arc<Library>,
    /// The threads that read the files of folders; `None` for those of the process.
    threads: Option<Arc<rayon::ThreadPool>>,
}

impl Indexer {
    /// Adds to `library`.
    pub fn new(library: Arc<Library>) -> Self {
        Self {
            library,
            threads: None,
        }
    }

    /// Lets these threads read and describe the files of folders, in place of those of the process: work beside
    /// requests takes few, so that searches have the others. Not for a caller on one of these threads.
    pub fn on_threads(self, threads: Arc<rayon::ThreadPool>) -> Self {
        Self {
            threads: Some(threads),
            ..self
        }
    }

    /// Adds the bytes of a picture file. When this returns, the picture is durable and the next search
    /// finds it. Adding the same bytes again changes nothing.
    ///
    /// # Errors
    /// Those of refused pictures, of the extractor, and of the store.
    pub fn add(&self, bytes: &[u8], name: &str) -> Result<Added, EngineError> {
        self.add_labelled(bytes, name, LabelPatch::default())
    }

    /// As [`Indexer::add`], and changes the picture's labels, whether it is new or not.
    ///
    /// # Errors
    /// Also `too_many_tags`; nothing is stored then.
    pub fn add_labelled(
        &self,
        bytes: &[u8],
        name: &str,
        patch: LabelPatch,
    ) -> Result<Added, EngineError> {
        check_tags(&patch)?;
        let library = &*self.library;
        let id = id_of(bytes);
        let known = library.catalogue().picture(&id)?;
        if known.is_some_and(|record| record.uploaded) {
            library.restore_original(&id, bytes)?;
            if !patch.is_empty() {
                library.label(vec![(id.clone(), patch)])?;
            }
            return Ok(Added {
                picture: library.picture(&id)?,
                already_there: true,
            });
        }
        let extractor = &**library.extractor();
        let described = describe(bytes, library.options(), extractor, None)?;
        let mut prepared = library.prepare(id.clone(), name, bytes, &described, None)?;
        prepared.new.uploaded = true;
        prepared.original = Some(bytes.to_vec());
        let mut pending = vec![PendingChange::Add(Box::new(prepared))];
        pending.extend(label_change(&id, &patch));
        let effects = {
            // Nobody adds a tag between this check and the commit, so nothing is stored of a picture
            // that would have too many.
            let lock = library.lock_changes();
            library.check_tags_after(&id, &patch)?;
            library.commit_locked(&lock, pending)?
        };
        if let Some(Effect::Added { key, .. }) = effects.first() {
            embed_added(library, *key, &described.image);
        }
        Ok(Added {
            picture: library.picture(&id)?,
            already_there: matches!(effects.first(), Some(Effect::AlreadyThere { .. })),
        })
    }
}
