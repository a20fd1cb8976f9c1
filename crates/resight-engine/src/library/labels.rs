//! Changing the labels of pictures.

use std::collections::{BTreeSet, HashMap};

use resight_store::{Change, Effect, LabelPatch, PictureId, Tag, Update};

use super::Library;
use super::prepare::PendingChange;
use crate::error::EngineError;

impl Library {
    /// Changes the labels of pictures, all at once. Returns for each whether it is stored. The next search
    /// with a filter sees the change.
    ///
    /// # Errors
    /// `too_many_tags` where one of them would have more than [`Tag::MOST`] after any of its patches; none
    /// is changed then.
    pub fn label(&self, patches: Vec<(PictureId, LabelPatch)>) -> Result<Vec<bool>, EngineError> {
        for (_, patch) in &patches {
            check_tags(patch)?;
        }
        // Nobody adds a tag between this check and the change.
        let lock = self.lock_changes();
        // A picture that is named more than once has the tags of its earlier patches.
        let mut tags_after: HashMap<&PictureId, BTreeSet<Tag>> = HashMap::new();
        for (id, patch) in &patches {
            let before = match tags_after.remove(id) {
                Some(tags) => tags,
                None => self.tags_of(id)?,
            };
            let after = patch.tags_after(before);
            check_count(after.len())?;
            tags_after.insert(id, after);
        }
        let changes = patches
            .into_iter()
            .map(|(id, patch)| PendingChange::from(Change::Label { id, patch }));
        let effects = self.commit_locked(&lock, changes.collect())?;
        // Only a program that writes to the catalogue without the data folder's lock can bring this about.
        if effects.contains(&Effect::TooManyTags) {
            return Err(EngineError::TooManyTags);
        }
        let is_stored = effects.iter().map(|effect| *effect != Effect::NotFound);
        Ok(is_stored.collect())
    }

    /// Fails where a picture, stored or not, would have too many tags after the change.
    pub(crate) fn check_tags_after(
        &self,
        id: &PictureId,
        patch: &LabelPatch,
    ) -> Result<(), EngineError> {
        check_count(patch.tags_after(self.tags_of(id)?).len())
    }

    /// The tags of a picture; none where it is not stored.
    fn tags_of(&self, id: &PictureId) -> Result<BTreeSet<Tag>, EngineError> {
        let picture = self.catalogue().picture(id)?;
        let tags = picture.map_or(Vec::new(), |record| record.labels.tags);
        Ok(tags.into_iter().collect())
    }
}

/// Refuses a change that sets or adds more tags than any picture may have.
pub(crate) fn check_tags(patch: &LabelPatch) -> Result<(), EngineError> {
    let set = match &patch.tags {
        Update::Set(tags) => tags.len(),
        Update::Keep | Update::Clear => 0,
    };
    check_count(set.max(patch.add_tags.len()))
}

fn check_count(tags: usize) -> Result<(), EngineError> {
    if tags > Tag::MOST {
        return Err(EngineError::TooManyTags);
    }
    Ok(())
}

/// The change of a picture's labels; `None` where the patch changes nothing.
pub(crate) fn label_change(id: &PictureId, patch: &LabelPatch) -> Option<PendingChange> {
    if patch.is_empty() {
        return None;
    }
    let (id, patch) = (id.clone(), patch.clone());
    Some(PendingChange::from(Change::Label { id, patch }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_with_more_tags_than_a_picture_may_have_is_refused() {
        let tags = |count: usize| -> Vec<Tag> {
            let names = (0..count).map(|i| i.to_string());
            names.map(|name| Tag::parse(&name).unwrap()).collect()
        };
        let set = |count| LabelPatch {
            tags: Update::Set(tags(count)),
            ..LabelPatch::default()
        };
        let added = |count| LabelPatch {
            add_tags: tags(count),
            ..LabelPatch::default()
        };
        for patch in [LabelPatch::default(), set(Tag::MOST), added(Tag::MOST)] {
            assert!(check_tags(&patch).is_ok());
        }
        for patch in [set(Tag::MOST + 1), added(Tag::MOST + 1)] {
            let error = check_tags(&patch).unwrap_err();
            assert_eq!(error.code(), "too_many_tags");
        }
    }
}
