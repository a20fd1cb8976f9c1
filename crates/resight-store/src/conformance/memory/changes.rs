//! What each change does to the state.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::catalogue::MemoryCatalogue;
use super::state::{Encoded, State, Stored, StoredView};
use crate::changes::{Change, Changes, Effect, apply_each};
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::id::PictureId;
use crate::labels::{LabelPatch, Tag, Update};
use crate::picture::{NewPicture, PictureRecord};
use crate::views::{NewView, ViewRecord};

impl Changes for MemoryCatalogue {
    /// Never fails, so that all of the batch is applied.
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        Ok(apply_all(&mut self.state.write(), changes))
    }

    fn commit_part(&self, folder: &str, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        let state = &mut *self.state.write();
        let Ok((effects, last_taken)) = apply_in_order(state, changes);
        for (key, number) in last_taken {
            if state.pictures.get(&key).is_some_and(is_orphan) {
                let heir = heir(&effects[number]);
                state.orphans.insert(key, (folder.to_owned(), heir));
            }
        }
        Ok(effects)
    }

    fn settle_orphans(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        let state = &mut *self.state.write();
        let recorded = state.orphans.iter();
        let recorded = recorded.filter(|(_, (folder, _))| folder.starts_with(prefix));
        let recorded: Vec<(u64, Option<u64>)> = recorded
            .map(|(key, (_, heir))| (*key, *heir))
            .take(limit)
            .collect();
        let settled = recorded.into_iter().filter_map(|(key, heir)| {
            let orphan = state.pictures.get(&key).cloned()?;
            if let Some(heir) = heir.and_then(|heir| state.pictures.get_mut(&heir)) {
                inherit(heir, &orphan);
            }
            Some((key, state.remove(key)?))
        });
        Ok(settled.collect())
    }
}

/// The effect of one change, and the key of the picture that it took a source from.
type Done = (Effect, Option<u64>);

fn apply_all(state: &mut State, changes: Vec<Change>) -> Vec<Effect> {
    let Ok((mut effects, last_taken)) = apply_in_order(state, changes);
    for (key, number) in last_taken {
        let Some(orphan) = state.pictures.get(&key).filter(|s| is_orphan(s)).cloned() else {
            continue;
        };
        let heir = heir(&effects[number]);
        if let Some(new) = heir.and_then(|heir| state.pictures.get_mut(&heir)) {
            inherit(new, &orphan);
        }
        if let Some(id) = state.remove(key) {
            effects[number].name_removed((key, id));
        }
    }
    effects
}

/// Applies the changes in order, of which none can fail.
fn apply_in_order(
    state: &mut State,
    changes: Vec<Change>,
) -> Result<(Vec<Effect>, BTreeMap<u64, usize>), Infallible> {
    apply_each(changes, |key| key, |change| Ok(apply(state, change)))
}

fn is_orphan(stored: &Stored) -> bool {
    !stored.record.uploaded && stored.record.sources.is_empty()
}

/// The new picture that has taken a path.
fn heir(effect: &Effect) -> Option<u64> {
    match effect {
        Effect::Added { key, .. } => Some(*key),
        _ => None,
    }
}

fn apply(state: &mut State, change: Change) -> Done {
    match change {
        Change::Add(new) => add(state, new),
        Change::Retake(new) => retake(state, new),
        Change::Remove(id) => {
            let key = state.keys.get(&id).copied();
            let removed = key.and_then(|key| Some((key, state.remove(key)?)));
            let effect = removed.map(|(key, id)| Effect::Removed { key, id });
            (effect.unwrap_or(Effect::NotFound), None)
        }
        Change::AddSource { id, source } => {
            let Some(&key) = state.keys.get(&id) else {
                return (Effect::NotFound, None);
            };
            let recorded = state.sources.get(&source.path);
            if recorded.is_some_and(|(known, of)| *known == source && *of == key) {
                return (Effect::Unchanged, None);
            }
            let taken_from = state.put_source(key, &source);
            let replaced = None;
            (Effect::AlreadyThere { key, replaced }, taken_from)
        }
        Change::DropSource { path } => {
            let taken_from = state.drop_source(&path);
            let had_refusal = state.refusals.remove(&path).is_some();
            let effect = if taken_from.is_some() || had_refusal {
                Effect::SourceDropped { removed: None }
            } else {
                Effect::NotFound
            };
            (effect, taken_from)
        }
        Change::ForgetSource { path } => {
            let had_source = state.drop_source(&path).is_some();
            let had_refusal = state.refusals.remove(&path).is_some();
            let effect = if had_source || had_refusal {
                Effect::SourceDropped { removed: None }
            } else {
                Effect::NotFound
            };
            (effect, None)
        }
        Change::Refuse(refusal) => {
            let taken_from = state.drop_source(&refusal.source.path);
            let path = refusal.source.path.clone();
            state.refusals.insert(path, refusal);
            (Effect::Refused { removed: None }, taken_from)
        }
        Change::Label { id, patch } => {
            let key = state.keys.get(&id);
            let stored = key.and_then(|key| state.pictures.get_mut(key));
            let effect = stored.map_or(Effect::NotFound, |stored| label(stored, patch));
            (effect, None)
        }
    }
}

fn add(state: &mut State, mut new: NewPicture) -> Done {
    let known = state.keys.get(&new.id).copied();
    let source = new.source.clone();
    let key = known.unwrap_or(state.last_key + 1);
    match state.pictures.get_mut(&key) {
        Some(stored) => {
            stored.record.uploaded |= new.uploaded;
            if new.uploaded {
                state.orphans.remove(&key);
            }
        }
        None => {
            put_views(state, key, std::mem::take(&mut new.views));
            state.removed.remove(&new.id);
            state.keys.insert(new.id.clone(), key);
            state.pictures.insert(key, stored(key, new));
        }
    }
    let taken_from = source.and_then(|source| state.put_source(key, &source));
    let replaced = None;
    let effect = if known.is_some() {
        Effect::AlreadyThere { key, replaced }
    } else {
        Effect::Added { key, replaced }
    };
    (effect, taken_from)
}

/// Gives a picture whose key is the highest its views.
fn put_views(state: &mut State, key: u64, views: Vec<NewView>) {
    state.last_key = key + views.len() as u64;
    let views = (key + 1..).zip(views);
    state
        .views
        .extend(views.map(|(own, view)| (own, stored_view(own, key, view))));
}

fn retake(state: &mut State, mut new: NewPicture) -> Done {
    let known = state.keys.get(&new.id).copied();
    let known = known.and_then(|before| Some((before, state.pictures.remove(&before)?)));
    let Some((before, stored_before)) = known else {
        return (Effect::NotFound, None);
    };
    let source = new.source.clone();
    let key = state.last_key + 1;
    let views = std::mem::take(&mut new.views);
    state.views.retain(|_, view| view.record.picture != before);
    put_views(state, key, views);
    let old = stored_before.record;
    let record = old.retaken(&new, key);
    let retaken = Stored {
        record,
        entries: stored_before.entries,
        ..stored(key, new)
    };
    state.keys.insert(old.id, key);
    state.pictures.insert(key, retaken);
    state.rename_key(before, key);
    let taken_from = source.and_then(|source| state.put_source(key, &source));
    let effect = Effect::Retaken {
        key,
        before,
        replaced: None,
    };
    (effect, taken_from)
}

fn stored(key: u64, new: NewPicture) -> Stored {
    Stored {
        record: PictureRecord::of_new(&new, key, now_ms()),
        entries: Vec::new(),
        encoded: Encoded {
            features: new.features,
            words: new.words,
            staged: None,
        },
    }
}

fn stored_view(key: u64, picture: u64, new: NewView) -> StoredView {
    StoredView {
        record: ViewRecord {
            key,
            picture,
            number: new.number,
            time_ms: new.time_ms,
            width: new.width,
            height: new.height,
            feature_count: new.feature_count,
        },
        encoded: Encoded {
            features: new.features,
            words: new.words,
            staged: None,
        },
    }
}

fn label(stored: &mut Stored, patch: LabelPatch) -> Effect {
    let labels = &mut stored.record.labels;
    let tags = patch.tags_after(labels.tags.iter().cloned());
    if tags.len() > Tag::MOST {
        return Effect::TooManyTags;
    }
    labels.tags = tags.into_iter().collect();
    match patch.object {
        Update::Keep => {}
        Update::Clear => labels.object = None,
        Update::Set(object) => labels.object = Some(object),
    }
    match patch.metadata {
        Update::Keep => {}
        Update::Clear => {
            labels.metadata = None;
            stored.entries.clear();
        }
        Update::Set(metadata) => {
            labels.metadata = Some(metadata.text().to_owned());
            stored.entries = metadata.entries().to_vec();
        }
    }
    Effect::Labelled
}

/// Copies the labels of `old` to `new`, which replaces it: tags beside its own, lowest first, up to
/// [`Tag::MOST`] in all; the object and the metadata where it has none of its own.
fn inherit(new: &mut Stored, old: &Stored) {
    let (labels, before) = (&mut new.record.labels, &old.record.labels);
    let free = Tag::MOST.saturating_sub(labels.tags.len());
    let more = before.tags.iter().filter(|tag| !labels.tags.contains(tag));
    let more: Vec<Tag> = more.take(free).cloned().collect();
    labels.tags.extend(more);
    labels.tags.sort_unstable();
    if labels.object.is_none() {
        labels.object.clone_from(&before.object);
    }
    if labels.metadata.is_none() {
        labels.metadata.clone_from(&before.metadata);
        new.entries.clone_from(&old.entries);
    }
}
