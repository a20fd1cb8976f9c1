//! Changing all pictures that match a filter.
//!
//! Invariant: a picture is changed only if it matches when its batch is committed.
//! Invariant: a batch is durable before the next one begins, so what a failure leaves is a part done, and doing it
//! again does the rest.

use resight_store::{Change, Effect, Filter, LabelPatch, PictureId};

use super::Library;
use super::labels::check_tags;
use super::prepare::PendingChange;
use crate::error::EngineError;

/// Pictures that are changed in one commit.
const BATCH: usize = 1000;

/// What came of labelling many pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManyLabelled {
    /// Pictures whose labels are as the patch says now.
    pub changed: u64,
    /// Pictures that would have too many tags, and stay as they are.
    pub too_many_tags: u64,
}

impl Library {
    /// Removes all pictures that match a filter, and returns their number.
    pub fn remove_matching(&self, filter: &Filter) -> Result<u64, EngineError> {
        let mut removed = 0;
        self.each_batch(filter, Change::Remove, |effect| {
            removed += u64::from(matches!(effect, Effect::Removed { .. }));
        })?;
        Ok(removed)
    }

    /// Changes the labels of all pictures that match a filter.
    ///
    /// # Errors
    /// `too_many_tags` where the patch itself has too many; nothing is changed then.
    pub fn label_matching(
        &self,
        filter: &Filter,
        patch: &LabelPatch,
    ) -> Result<ManyLabelled, EngineError> {
        check_tags(patch)?;
        let mut told = ManyLabelled::default();
        let change = |id| Change::Label {
            id,
            patch: patch.clone(),
        };
        self.each_batch(filter, change, |effect| match effect {
            Effect::Labelled => told.changed += 1,
            Effect::TooManyTags => told.too_many_tags += 1,
            _ => {}
        })?;
        Ok(told)
    }

    /// Commits a change of each picture that matches, by ascending key.
    fn each_batch(
        &self,
        filter: &Filter,
        change: impl Fn(PictureId) -> Change,
        mut told: impl FnMut(&Effect),
    ) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            // Nobody changes what matches between this page and the commit.
            let lock = self.lock_changes();
            let keys = self.catalogue().matching_keys_after(filter, after, BATCH)?;
            let Some(last) = keys.last().copied() else {
                return Ok(());
            };
            let records = self.catalogue().pictures(&keys)?;
            let ids = records.into_iter().flatten().map(|record| record.id);
            let changes = ids.map(|id| PendingChange::from(change(id)));
            let effects = self.commit_locked(&lock, changes.collect())?;
            effects.iter().for_each(&mut told);
            if keys.len() < BATCH {
                return Ok(());
            }
            after = Some(last);
        }
    }
}
