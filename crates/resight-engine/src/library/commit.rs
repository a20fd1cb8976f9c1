//! Changing which pictures are stored, and what is recorded about them: the one place that writes.
//!
//! Invariant: a change is committed to the catalogue first, then made visible in the index, and only
//! then acknowledged. One lock covers all three, so the index sees keys in the order in which the
//! catalogue gave them.

use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;
use resight_index::{Key, PictureWords};
use resight_store::{Change, Effect, ObjectId, PictureId, read_all};

use super::Library;
use super::components::{MODEL_SETTING, VOCABULARY_SETTING};
use super::files::{original_name, thumbnail_name};
use super::pictures::of_object;
use super::prepare::PendingChange;
use super::visual_index::VisualIndex;
use crate::error::EngineError;

/// Pictures without a file that are removed in one commit.
const SETTLED_AT_ONCE: usize = 5000;

/// The words of a new picture and of its views.
type AddedWords = (PictureWords, Vec<PictureWords>);

/// The pictures that have new views, each with their number. `views` are those that each change brings.
fn added_views(effects: &[Effect], views: &[u64]) -> Vec<(u64, u64)> {
    let added = effects.iter().zip(views);
    let added = added.filter_map(|(effect, views)| match effect {
        Effect::Added { key, .. } | Effect::Retaken { key, .. } if *views > 0 => {
            Some((*key, *views))
        }
        _ => None,
    });
    added.collect()
}

impl Library {
    /// Removes pictures. Returns for each whether it was stored.
    pub fn remove(&self, ids: &[PictureId]) -> Result<Vec<bool>, EngineError> {
        let removals = ids.iter().cloned().map(Change::Remove);
        let effects = self.commit(removals.map(PendingChange::from).collect())?;
        Ok(effects
            .iter()
            .map(|effect| matches!(effect, Effect::Removed { .. }))
            .collect())
    }

    /// Removes all pictures of an object, or none of them, and returns their number. Fails with
    /// `unknown_object` where there are none.
    pub fn remove_object(&self, id: &ObjectId) -> Result<u64, EngineError> {
        // No picture joins or leaves the object in between.
        let lock = self.lock_changes();
        let filter = of_object(id);
        let page = |after, limit| self.catalogue().matching_keys_after(&filter, after, limit);
        let keys = read_all(|key| *key, page)?;
        if keys.is_empty() {
            return Err(EngineError::UnknownObject(id.clone()));
        }
        let records = self.catalogue().pictures(&keys)?;
        let ids = records.into_iter().flatten().map(|record| record.id);
        let removals = ids.map(|id| PendingChange::from(Change::Remove(id)));
        self.commit_locked(&lock, removals.collect())?;
        Ok(keys.len() as u64)
    }

    /// Applies changes, all or none. When this returns, they are durable and the next search sees them.
    /// Returns one effect for each change.
    pub(crate) fn commit(&self, pending: Vec<PendingChange>) -> Result<Vec<Effect>, EngineError> {
        self.commit_locked(&self.lock_changes(), pending)
    }

    /// As [`Library::commit`], for one of several batches that read the files of `folder`: pictures without a
    /// file stay until [`Library::settle_orphans`].
    pub(crate) fn commit_part(
        &self,
        folder: &str,
        pending: Vec<PendingChange>,
    ) -> Result<Vec<Effect>, EngineError> {
        self.apply(&self.lock_changes(), pending, Some(folder))
    }

    /// As [`Library::commit`], for a caller that has locked changes already.
    pub(crate) fn commit_locked(
        &self,
        changes: &MutexGuard<'_, ()>,
        pending: Vec<PendingChange>,
    ) -> Result<Vec<Effect>, EngineError> {
        self.apply(changes, pending, None)
    }

    /// Removes the pictures that lost their last file while `folder`, or a folder in it, was read, and lets the
    /// pictures at their paths inherit their labels. Returns their number.
    pub(crate) fn settle_orphans(&self, folder: &str) -> Result<u64, EngineError> {
        let mut count = 0;
        loop {
            let _lock = self.lock_changes();
            let settled = self.catalogue().settle_orphans(folder, SETTLED_AT_ONCE)?;
            let removed: Vec<Key> = settled.iter().map(|(key, _)| Key(*key)).collect();
            if !removed.is_empty() {
                self.filters.invalidate();
                self.withdraw(&self.visual(), &removed);
            }
            count += removed.len() as u64;
            if removed.len() < SETTLED_AT_ONCE {
                return Ok(count);
            }
        }
    }

    fn apply(
        &self,
        _changes: &MutexGuard<'_, ()>,
        pending: Vec<PendingChange>,
        part_of: Option<&str>,
    ) -> Result<Vec<Effect>, EngineError> {
        // A conversion exchanges it under the same lock.
        let visual = self.visual();
        if visual.index.snapshot().is_empty() {
            let catalogue = self.catalogue();
            catalogue.set_setting(MODEL_SETTING, self.model().as_str())?;
            catalogue.set_setting(VOCABULARY_SETTING, visual.vocabulary.id())?;
        }
        // Their thumbnails are stored already.
        let adds = pending.iter().filter_map(|change| match change {
            PendingChange::Add(prepared) | PendingChange::Retake(prepared) => {
                Some((prepared.new.id.clone(), prepared.original.is_some()))
            }
            PendingChange::Other(_) => None,
        });
        let put: Vec<(PictureId, bool)> = adds.collect();
        let mut words = Vec::with_capacity(pending.len());
        let mut changes = Vec::with_capacity(pending.len());
        for change in pending {
            match change {
                PendingChange::Add(mut prepared) => {
                    prepared.adopt_vocabulary(&visual.vocabulary);
                    // Under the lock: a removal of the same picture must not delete it again.
                    if let Some(original) = &prepared.original {
                        self.blobs()
                            .put(&original_name(&prepared.new.id), original)
                            .inspect_err(|_| self.delete_orphaned_files(&put))?;
                    }
                    let views = prepared.view_words;
                    words.push(Some((prepared.words, views)));
                    changes.push(Change::Add(prepared.new));
                }
                PendingChange::Retake(mut prepared) => {
                    prepared.adopt_vocabulary(&visual.vocabulary);
                    words.push(Some((prepared.words, prepared.view_words)));
                    changes.push(Change::Retake(prepared.new));
                }
                PendingChange::Other(change) => {
                    words.push(None);
                    changes.push(*change);
                }
            }
        }
        let views = words.iter().map(|words: &Option<AddedWords>| {
            words.as_ref().map_or(0, |(_, views)| views.len() as u64)
        });
        let views: Vec<u64> = views.collect();
        let changes_nothing = changes.is_empty();
        let committed = match part_of {
            Some(folder) => self.catalogue().commit_part(folder, changes),
            None => self.catalogue().commit(changes),
        };
        if let Ok(effects) = &committed {
            // Before a filter is read again, and before a search can meet them.
            self.views.add(&added_views(effects, &views));
        }
        if !changes_nothing {
            self.filters.invalidate();
        }
        match committed {
            Ok(effects) => {
                self.publish(&visual, &effects, words);
                Ok(effects)
            }
            Err(error) => {
                self.delete_orphaned_files(&put);
                Err(error.into())
            }
        }
    }

    /// Shows searches what was committed. It has happened, so nothing here may fail.
    fn publish(&self, visual: &VisualIndex, effects: &[Effect], words: Vec<Option<AddedWords>>) {
        let mut added = Vec::new();
        let mut removed = Vec::new();
        let key_of = |removed: &Option<(u64, PictureId)>| removed.as_ref().map(|r| Key(r.0));
        for (effect, words) in effects.iter().zip(words) {
            if let Effect::Retaken { before, .. } = effect {
                removed.push(Key(*before));
            }
            match effect {
                Effect::Added { key, replaced } | Effect::Retaken { key, replaced, .. } => {
                    if let Some((words, views)) = words {
                        added.push((Key(*key), words));
                        added.extend((key + 1..).map(Key).zip(views));
                    }
                    removed.extend(key_of(replaced));
                }
                Effect::AlreadyThere { replaced, .. } => removed.extend(key_of(replaced)),
                Effect::Removed { key, .. } => removed.push(Key(*key)),
                Effect::SourceDropped { removed: last } | Effect::Refused { removed: last } => {
                    removed.extend(key_of(last));
                }
                Effect::Labelled | Effect::TooManyTags | Effect::NotFound | Effect::Unchanged => {}
            }
        }
        let any_added = !added.is_empty();
        // A batch may add a picture and remove it again, so removals come last.
        visual.index.add(added);
        if any_added {
            self.signal.notify();
        }
        self.withdraw(visual, &removed);
    }

    /// Takes removed pictures out of everything that is searched, and deletes their files.
    fn withdraw(&self, visual: &VisualIndex, removed: &[Key]) {
        let with_views = self.views.with_views(removed);
        visual.index.remove(&with_views);
        self.models.remove_pictures(removed);
        for key in with_views {
            visual.cache.remove(key.0);
        }
        self.views.remove(removed);
        if !removed.is_empty() || !self.swept.swap(true, Ordering::Relaxed) {
            self.delete_removed_files();
        }
    }

    /// Deletes the files put for pictures of a commit that failed. An uploaded file that was there before is
    /// the only copy of a picture that is being added again.
    fn delete_orphaned_files(&self, put: &[(PictureId, bool)]) {
        for (id, has_original) in put {
            if matches!(self.catalogue().picture(id), Ok(None)) {
                self.delete_blob(&thumbnail_name(id));
                if *has_original {
                    self.delete_blob(&original_name(id));
                }
            }
        }
    }
}
