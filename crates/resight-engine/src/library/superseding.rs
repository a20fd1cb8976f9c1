//! Removing pictures in favour of others.

use std::collections::{HashMap, HashSet};

use resight_store::{Change, LabelPatch, Labels, PictureId};

use super::Library;
use super::labels::{check_tags, label_change};
use super::prepare::PendingChange;
use crate::error::EngineError;

/// A picture that is kept, and those that are removed in its favour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supersession {
    /// The picture that is kept.
    pub keep: PictureId,
    /// The pictures that are removed. Those that are not stored are passed over.
    pub remove: Vec<PictureId>,
}

/// The labels of pictures as they are stored when they are removed. Nobody changes them until that is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelsThen {
    /// Of the picture that is kept.
    pub kept: Labels,
    /// Of those that are removed and stored.
    pub removed: HashMap<PictureId, Labels>,
}

/// What came of a [`Supersession`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Superseded {
    /// It was done as a whole.
    Done,
    /// Nothing was done: the picture to keep is not stored.
    KeptUnknown,
    /// Nothing was done: the picture to keep would have too many tags.
    TooManyTags,
    /// Nothing was done: the caller had no patch for it.
    NoPatch,
}

impl Library {
    /// Removes pictures in favour of others, in one commit. A picture that is to be kept is stored when the others go:
    /// two callers who decide the same pictures in opposite directions remove one side alone. `patch` tells how the labels
    /// of the kept picture change, by those that all have at that moment; it is given the number of the supersession, and
    /// must not change the library.
    ///
    /// # Errors
    /// Those of the store; nothing is done then.
    pub fn supersede(
        &self,
        wanted: &[Supersession],
        patch: &mut dyn FnMut(usize, &LabelsThen) -> Option<LabelPatch>,
    ) -> Result<Vec<Superseded>, EngineError> {
        // Nobody removes a picture to keep, and nobody changes a label, between these looks and the commit.
        let lock = self.lock_changes();
        let mut removed: HashSet<&PictureId> = HashSet::new();
        let mut pending = Vec::new();
        let mut outcomes = Vec::with_capacity(wanted.len());
        for (number, one) in wanted.iter().enumerate() {
            let is_kept = !removed.contains(&one.keep) && !one.remove.contains(&one.keep);
            let labels = match is_kept {
                true => self.labels_then(one)?,
                false => None,
            };
            let Some(labels) = labels else {
                outcomes.push(Superseded::KeptUnknown);
                continue;
            };
            let Some(patch) = patch(number, &labels) else {
                outcomes.push(Superseded::NoPatch);
                continue;
            };
            let checked =
                check_tags(&patch).and_then(|()| self.check_tags_after(&one.keep, &patch));
            let outcome = match checked {
                Err(EngineError::TooManyTags) => Superseded::TooManyTags,
                done => done.map(|()| Superseded::Done)?,
            };
            if outcome == Superseded::Done {
                pending.extend(label_change(&one.keep, &patch));
                let removals = one.remove.iter().cloned().map(Change::Remove);
                pending.extend(removals.map(PendingChange::from));
                removed.extend(&one.remove);
            }
            outcomes.push(outcome);
        }
        self.commit_locked(&lock, pending)?;
        Ok(outcomes)
    }

    /// `None` where the picture to keep is not stored.
    fn labels_then(&self, one: &Supersession) -> Result<Option<LabelsThen>, EngineError> {
        let catalogue = self.catalogue();
        let Some(kept) = catalogue.picture(&one.keep)? else {
            return Ok(None);
        };
        let mut removed = HashMap::with_capacity(one.remove.len());
        for id in &one.remove {
            if let Some(picture) = catalogue.picture(id)? {
                removed.insert(id.clone(), picture.labels);
            }
        }
        Ok(Some(LabelsThen {
            kept: kept.labels,
            removed,
        }))
    }
}
