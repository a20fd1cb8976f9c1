//! What is said about pictures, and the pictures of which it is said.

use std::collections::HashSet;

use resight_index::Key;
use resight_store::{
    Change, Effect, Filter, LabelPatch, ObjectCount, ObjectId, PictureId, Tag, Update, read_all,
};

use crate::commit::Pending;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::picture::Picture;

/// A set of pictures, one bit for each key up to the highest. Keys are given from 1 upwards, so it
/// takes a bit for each picture that ever was.
pub(crate) struct KeySet {
    bits: Vec<u64>,
}

impl KeySet {
    fn of(keys: &[u64]) -> Self {
        let last = keys.iter().max().copied().unwrap_or(0);
        let mut bits = vec![0; last as usize / 64 + 1];
        for key in keys {
            bits[*key as usize / 64] |= 1 << (key % 64);
        }
        Self { bits }
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        let word = usize::try_from(key.0 / 64).ok();
        let word = word.and_then(|at| self.bits.get(at));
        word.is_some_and(|bits| bits >> (key.0 % 64) & 1 == 1)
    }
}

/// Refuses what no picture could take.
pub(crate) fn check_tags(patch: &LabelPatch) -> Result<(), EngineError> {
    let set = match &patch.tags {
        Update::Set(tags) => tags.len(),
        Update::Keep | Update::Clear => 0,
    };
    match set.max(patch.add_tags.len()) > Tag::MOST {
        true => Err(EngineError::TooManyTags),
        false => Ok(()),
    }
}

/// The change that says it, if anything is to be said.
pub(crate) fn label(id: &PictureId, patch: &LabelPatch) -> Option<Pending> {
    let (id, patch) = (id.clone(), patch.clone());
    (!patch.is_empty()).then_some(Pending::Change(Change::Label { id, patch }))
}

/// In a folder, a picture that has all the tags it may have must not stop the rest.
pub(crate) fn warn_of_tags() {
    tracing::warn!("some pictures have as many tags as a picture may have, and got no more");
}

/// Sources read from the catalogue at a time.
const PAGE: usize = 5000;

impl Engine {
    /// Says the same about the pictures of all sources below `prefix` that are among `seen`.
    pub(crate) fn label_sources(
        &self,
        prefix: &str,
        seen: &HashSet<String>,
        patch: &LabelPatch,
    ) -> Result<(), EngineError> {
        if patch.is_empty() {
            return Ok(());
        }
        let mut after: Option<String> = None;
        loop {
            let catalogue = &self.parts.catalogue;
            let page = catalogue.sources_under(prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.path.clone());
            let here = page.iter().filter(|(file, _)| seen.contains(&file.path));
            let pending = here.filter_map(|(_, id)| label(id, patch));
            let effects = self.commit(pending.collect())?;
            if effects.contains(&Effect::TooManyTags) {
                warn_of_tags();
            }
        }
    }

    /// Changes what is said about pictures, all at once; says of each whether it was there. The next
    /// search with a filter sees it. Fails with `too_many_tags` when one of them would have too many,
    /// and changes none then.
    pub fn label(&self, patches: Vec<(PictureId, LabelPatch)>) -> Result<Vec<bool>, EngineError> {
        for (_, patch) in &patches {
            check_tags(patch)?;
        }
        // Nobody adds a tag between this look and the change.
        let lock = self.lock_changes();
        for (id, patch) in &patches {
            self.check_tags_after(id, patch)?;
        }
        let pending = patches.into_iter();
        let pending = pending.map(|(id, patch)| Pending::Change(Change::Label { id, patch }));
        let effects = self.commit_locked(&lock, pending.collect())?;
        // One picture may be named more than once.
        if effects.contains(&Effect::TooManyTags) {
            return Err(EngineError::TooManyTags);
        }
        let was_there = effects.iter().map(|effect| *effect != Effect::NotFound);
        Ok(was_there.collect())
    }

    /// Those of the pictures held that are meant, newest first.
    pub fn pictures_matching(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Picture>, EngineError> {
        let catalogue = &self.parts.catalogue;
        let records = match filter.is_empty() {
            true => catalogue.list(offset, limit)?,
            false => catalogue.matching_list(filter, offset, limit)?,
        };
        Ok(records.into_iter().map(Picture::from).collect())
    }

    /// Number of the pictures that are meant.
    pub fn count_matching(&self, filter: &Filter) -> Result<u64, EngineError> {
        Ok(match filter.is_empty() {
            true => self.parts.catalogue.count()?,
            false => self.parts.catalogue.matching_count(filter)?,
        })
    }

    /// Fails where a picture, held or not, would have too many tags with this.
    pub(crate) fn check_tags_after(
        &self,
        id: &PictureId,
        patch: &LabelPatch,
    ) -> Result<(), EngineError> {
        let before = self.parts.catalogue.picture(id)?;
        let before = before.map_or(Vec::new(), |record| record.labels.tags);
        match patch.tags_after(before).len() > Tag::MOST {
            true => Err(EngineError::TooManyTags),
            false => Ok(()),
        }
    }

    /// The pictures that are meant; `None` for all.
    pub(crate) fn among(&self, filter: &Filter) -> Result<Option<KeySet>, EngineError> {
        if filter.is_empty() {
            return Ok(None);
        }
        Ok(Some(KeySet::of(&self.matching_keys(filter)?)))
    }

    fn matching_keys(&self, filter: &Filter) -> Result<Vec<u64>, EngineError> {
        let catalogue = &self.parts.catalogue;
        let page = |after, limit| catalogue.matching_keys_after(filter, after, limit);
        Ok(read_all(|key| *key, page)?)
    }

    /// Number of objects that pictures belong to, and a page of them by id.
    pub fn objects(&self, offset: u64, limit: u64) -> Result<(u64, Vec<ObjectCount>), EngineError> {
        let catalogue = &self.parts.catalogue;
        Ok((catalogue.object_count()?, catalogue.objects(offset, limit)?))
    }

    /// Number of pictures of an object, and a page of them, newest first. Fails with
    /// `unknown_object` when there are none.
    pub fn object(
        &self,
        id: &ObjectId,
        offset: u64,
        limit: u64,
    ) -> Result<(u64, Vec<Picture>), EngineError> {
        let filter = of_object(id);
        match self.count_matching(&filter)? {
            0 => Err(EngineError::UnknownObject(id.clone())),
            total => Ok((total, self.pictures_matching(&filter, offset, limit)?)),
        }
    }

    /// Forgets all pictures of an object, or none of them; gives their number. Fails with
    /// `unknown_object` when there are none.
    pub fn remove_object(&self, id: &ObjectId) -> Result<u64, EngineError> {
        // No picture joins or leaves the object in between.
        let lock = self.lock_changes();
        let keys = self.matching_keys(&of_object(id))?;
        if keys.is_empty() {
            return Err(EngineError::UnknownObject(id.clone()));
        }
        let records = self.parts.catalogue.pictures(&keys)?;
        let ids = records.into_iter().flatten().map(|record| record.id);
        let remove = ids.map(|id| Pending::Change(Change::Remove(id)));
        self.commit_locked(&lock, remove.collect())?;
        Ok(keys.len() as u64)
    }
}

fn of_object(id: &ObjectId) -> Filter {
    Filter {
        object: Some(id.clone()),
        ..Filter::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_its_keys_and_no_others() {
        let set = KeySet::of(&[3, 64, 200]);
        let has: Vec<u64> = (0..300).filter(|&k| set.has(Key(k))).collect();
        assert_eq!(has, [3, 64, 200]);
        assert!(!set.has(Key(u64::MAX)));
        assert!(!KeySet::of(&[]).has(Key(0)));
    }
}
