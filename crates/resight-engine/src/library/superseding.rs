//! Removing pictures in favour of others.

use std::collections::HashSet;

use resight_store::{Change, LabelPatch, PictureId};

use super::Library;
use super::labels::{check_tags, label_change};
use super::prepare::PendingChange;
use crate::error::EngineError;

/// A picture that is kept, what its labels become, and those that are removed in its favour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supersession {
    /// The picture that is kept.
    pub keep: PictureId,
    /// The change of its labels.
    pub patch: LabelPatch,
    /// The pictures that are removed. Those that are not stored are passed over.
    pub remove: Vec<PictureId>,
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
}

impl Library {
    /// Removes pictures in favour of others, in one commit. A picture that is to be kept is stored when the others go:
    /// two callers who decide the same pictures in opposite directions remove one side alone.
    ///
    /// # Errors
    /// Those of the store; nothing is done then.
    pub fn supersede(&self, wanted: &[Supersession]) -> Result<Vec<Superseded>, EngineError> {
        for one in wanted {
            check_tags(&one.patch)?;
        }
        // Nobody removes a picture to keep, and nobody adds a tag, between these looks and the commit.
        let lock = self.lock_changes();
        let mut removed: HashSet<&PictureId> = HashSet::new();
        let mut pending = Vec::new();
        let mut outcomes = Vec::with_capacity(wanted.len());
        for one in wanted {
            let is_kept = !removed.contains(&one.keep) && !one.remove.contains(&one.keep);
            let outcome = match is_kept && self.catalogue().picture(&one.keep)?.is_some() {
                false => Superseded::KeptUnknown,
                true => match self.check_tags_after(&one.keep, &one.patch) {
                    Err(EngineError::TooManyTags) => Superseded::TooManyTags,
                    done => done.map(|()| Superseded::Done)?,
                },
            };
            if outcome == Superseded::Done {
                pending.extend(label_change(&one.keep, &one.patch));
                let removals = one.remove.iter().cloned().map(Change::Remove);
                pending.extend(removals.map(PendingChange::from));
                removed.extend(&one.remove);
            }
            outcomes.push(outcome);
        }
        self.commit_locked(&lock, pending)?;
        Ok(outcomes)
    }
}
