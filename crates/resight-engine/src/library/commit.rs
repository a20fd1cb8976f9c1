//! Changing what is held: the one place that writes.
//!
//! Invariant: a change is committed to the catalogue first, then made visible in the index, and
//! only then acknowledged. One change at a time does both, so the index sees keys in the order in
//! which the catalogue gave them.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use resight_index::{Key, PictureWords, Vocabulary};
use resight_store::{Change, Effect, NewPicture, PictureId};

use crate::engine::{Engine, MODEL_SETTING, VOCABULARY_SETTING};
use crate::error::EngineError;
use crate::stored_features::from_bytes;

/// A picture ready to be committed.
pub(crate) struct Prepared {
    pub(crate) new: NewPicture,
    pub(crate) words: PictureWords,
    /// Of the vocabulary that the words are of.
    pub(crate) tag: [u8; 4],
    /// The file's bytes, where they are to be kept.
    pub(crate) original: Option<Vec<u8>>,
}

/// A change waiting to be committed.
pub(crate) enum Pending {
    Add(Box<Prepared>),
    Change(Change),
}

/// Removed pictures whose files are deleted after one change.
const SWEPT_AT_ONCE: usize = 10_000;

impl Engine {
    /// Stores uploaded files, commits, brings the index up to date, then tidies: in that order,
    /// one caller at a time.
    pub(crate) fn commit(&self, pending: Vec<Pending>) -> Result<Vec<Effect>, EngineError> {
        self.commit_locked(&self.lock_changes(), pending)
    }

    /// As [`Engine::commit`], for a caller that has locked out other changes already.
    pub(crate) fn commit_locked(
        &self,
        _one_at_a_time: &MutexGuard<'_, ()>,
        pending: Vec<Pending>,
    ) -> Result<Vec<Effect>, EngineError> {
        // Not exchanged while this lock is held.
        let visual = self.visual();
        if visual.index.snapshot().is_empty() {
            self.parts
                .catalogue
                .set_setting(MODEL_SETTING, self.parts.extractor.model().as_str())?;
            self.parts
                .catalogue
                .set_setting(VOCABULARY_SETTING, visual.vocabulary.id())?;
        }
        let mut ids = Vec::new();
        let mut words = Vec::with_capacity(pending.len());
        let mut changes = Vec::with_capacity(pending.len());
        for p in pending {
            match p {
                Pending::Add(mut prepared) => {
                    prepared.follow(&visual.vocabulary);
                    // Under the lock: a removal of the same picture must not take it away again.
                    if let Some(original) = &prepared.original {
                        self.parts
                            .blobs
                            .put(&original_name(&prepared.new.id), original)?;
                    }
                    ids.push(prepared.new.id.clone());
                    words.push(Some(prepared.words));
                    changes.push(Change::Add(prepared.new));
                }
                Pending::Change(change) => {
                    words.push(None);
                    changes.push(change);
                }
            }
        }
        let effects = match self.parts.catalogue.commit(changes) {
            Ok(effects) => effects,
            Err(error) => {
                self.drop_files_of_nothing(&ids);
                return Err(error.into());
            }
        };
        // From here on the change has happened: nothing below may fail the call.
        let mut added = Vec::new();
        let mut gone = Vec::new();
        let key_of = |removed: &Option<(u64, PictureId)>| removed.as_ref().map(|r| Key(r.0));
        for (effect, words) in effects.iter().zip(words) {
            match effect {
                Effect::Added { key, replaced } => {
                    added.extend(words.map(|w| (Key(*key), w)));
                    gone.extend(key_of(replaced));
                }
                Effect::AlreadyThere { replaced, .. } => gone.extend(key_of(replaced)),
                Effect::Removed { key, .. } => gone.push(Key(*key)),
                Effect::SourceDropped { removed } | Effect::Refused { removed } => {
                    gone.extend(key_of(removed));
                }
                Effect::Labelled | Effect::TooManyTags | Effect::NotFound | Effect::Unchanged => {}
            }
        }
        // A batch may add a picture and remove it again, so removals come last.
        let pictures_came = !added.is_empty();
        visual.index.add(added);
        visual.index.remove(&gone);
        if pictures_came {
            self.news.tell();
        }
        self.forget_vectors(&gone);
        for key in &gone {
            visual.cache.remove(key.0);
        }
        if !gone.is_empty() || !self.swept.swap(true, Ordering::Relaxed) {
            self.sweep();
        }
        Ok(effects)
    }

    /// Deletes the files of removed pictures, also of those that a kill left over. What cannot be
    /// deleted now is tried again with a later change.
    fn sweep(&self) {
        let swept = self
            .parts
            .catalogue
            .removed_pictures(SWEPT_AT_ONCE)
            .and_then(|ids| {
                let done: Vec<PictureId> = ids
                    .into_iter()
                    .filter(|id| {
                        let thumbnail = self.parts.blobs.delete(&thumbnail_name(id));
                        let original = self.parts.blobs.delete(&original_name(id));
                        for error in [thumbnail.as_ref().err(), original.as_ref().err()]
                            .into_iter()
                            .flatten()
                        {
                            tracing::warn!(
                                "a file of the removed picture {id} stays for now: {error}"
                            );
                        }
                        thumbnail.is_ok() && original.is_ok()
                    })
                    .collect();
                if done.is_empty() {
                    return Ok(());
                }
                self.parts.catalogue.forget_removed(&done)
            });
        if let Err(error) = swept {
            tracing::warn!("files of removed pictures stay for now: {error}");
        }
    }

    /// After a commit that failed: files put for pictures that are not held.
    fn drop_files_of_nothing(&self, ids: &[PictureId]) {
        for id in ids {
            if matches!(self.parts.catalogue.picture(id), Ok(None)) {
                for name in [thumbnail_name(id), original_name(id)] {
                    if let Err(error) = self.parts.blobs.delete(&name) {
                        tracing::warn!("{name} is left over: {error}");
                    }
                }
            }
        }
    }
}

impl Prepared {
    /// Gets its words anew where the vocabulary has been exchanged since.
    fn follow(&mut self, vocabulary: &Vocabulary) {
        if self.tag == vocabulary.tag() {
            return;
        }
        // Bytes that this process has just made.
        if let Some(features) = from_bytes(&self.new.features) {
            let size = [self.new.width, self.new.height];
            self.words = PictureWords::new(vocabulary.postings(&features, size));
            self.new.words = self.words.to_bytes(vocabulary.tag());
            self.tag = vocabulary.tag();
        }
    }
}

pub(crate) fn thumbnail_name(id: &PictureId) -> String {
    format!("thumbnails/{}/{id}.jpg", &id.as_str()[..2])
}

pub(crate) fn original_name(id: &PictureId) -> String {
    format!("originals/{}/{id}", &id.as_str()[..2])
}
