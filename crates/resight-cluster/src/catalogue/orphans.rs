//! Pictures that lost their last file.

use std::collections::{BTreeMap, HashMap};

use resight_store::listing::after_all_with;
use resight_store::{Effect, PictureId, PictureRecord, StoreError, Tag};

use super::batch::{Batch, Known, damaged, remove};
use super::changes::add_tags;
use super::insertion::update_record;
use super::known::without_sources;
use super::rows::page;
use super::session::Session;
use super::text::stored;

/// Those of `keys` that are stored, have no source and were not uploaded.
const ORPHANS: &str = "SELECT key, id FROM picture WHERE key = ANY($1) AND NOT uploaded
    AND NOT EXISTS (SELECT 1 FROM source WHERE source.key = picture.key) ORDER BY key";

fn of(session: &Session, keys: &[i64]) -> Result<Vec<(i64, PictureId)>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let lines = session.query(ORPHANS, &[&keys])?;
    let orphan = |line: &super::rows::Line| Ok((line.get(0)?, line.id(1)?));
    lines.iter().map(orphan).collect()
}

/// The new picture that has taken a path, unless a later change of the batch removed it.
fn heir<'a>(batch: &'a Batch<'_, '_>, effect: &Effect) -> Option<(i64, &'a PictureId)> {
    let Effect::Added { key, .. } = effect else {
        return None;
    };
    let key = key.cast_signed();
    batch.added.get(&key).map(|id| (key, id))
}

/// Removes the pictures that a batch left without a source, and names each in the effect of the change that took its last.
pub(super) fn remove_at_end(
    batch: &mut Batch<'_, '_>,
    effects: &mut [Effect],
    last_taken: &BTreeMap<i64, usize>,
) -> Result<(), StoreError> {
    let session = batch.change.session;
    let keys: Vec<i64> = last_taken.keys().copied().collect();
    let orphans = of(session, &keys)?;
    let has_heir = |(key, _): &&(i64, PictureId)| {
        let number = last_taken.get(key);
        number.is_some_and(|number| heir(batch, &effects[*number]).is_some())
    };
    let leaving: Vec<i64> = orphans
        .iter()
        .filter(has_heir)
        .map(|orphan| orphan.0)
        .collect();
    let mut leaving = records(session, &leaving)?;
    for (key, id) in orphans {
        let Some(&number) = last_taken.get(&key) else {
            continue;
        };
        let heir = heir(batch, &effects[number]).map(|(_, id)| id.clone());
        if let Some(heir) = heir {
            let old = leaving.remove(&key).and_then(|known| known.record);
            let old = old.ok_or_else(|| damaged(session.location(), &id))?;
            inherit(session, &old, batch.whole(&heir)?)?;
        }
        batch.remove(key, &id)?;
        effects[number].name_removed((key.cast_unsigned(), id));
    }
    Ok(())
}

/// Records the pictures that one of several batches left without a source.
pub(super) fn record(
    batch: &Batch<'_, '_>,
    folder: &str,
    effects: &[Effect],
    last_taken: &BTreeMap<i64, usize>,
) -> Result<(), StoreError> {
    let session = batch.change.session;
    let keys: Vec<i64> = last_taken.keys().copied().collect();
    for (key, _) in of(session, &keys)? {
        let number = last_taken.get(&key);
        let heir = number.and_then(|number| heir(batch, &effects[*number]));
        session.send(
            "INSERT INTO orphan (key, folder, heir) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET folder = excluded.folder, heir = excluded.heir",
            vec![
                Box::new(key),
                Box::new(stored(folder).into_owned()),
                Box::new(heir.map(|(key, _)| key)),
            ],
        )?;
    }
    Ok(())
}

/// Removes recorded orphans. An heir has a higher key than the picture it replaces, so of several pictures at
/// one path each inherits before it is removed itself. One whose record, or whose heir's, is damaged stays for now.
pub(super) fn settle(
    session: &Session,
    prefix: &str,
    limit: usize,
) -> Result<Vec<(u64, PictureId)>, StoreError> {
    let prefix = stored(prefix);
    let end = after_all_with(&prefix);
    let recorded = session.query(
        "SELECT orphan.key, orphan.heir, picture.id
         FROM orphan JOIN picture ON picture.key = orphan.key
         WHERE orphan.folder >= $1 AND ($2::TEXT IS NULL OR orphan.folder < $2)
         ORDER BY orphan.key LIMIT $3",
        &[&prefix, &end, &page(limit)],
    )?;
    let mut orphans: Vec<(i64, Option<i64>, PictureId)> = Vec::with_capacity(recorded.len());
    for line in &recorded {
        orphans.push((line.get(0)?, line.get(1)?, line.id(2)?));
    }
    let inheritances = orphans
        .iter()
        .filter_map(|(key, heir, _)| Some((*key, (*heir)?)));
    let keys: Vec<i64> = inheritances.flat_map(|(key, heir)| [key, heir]).collect();
    let mut known = records(session, &keys)?;
    let mut removed = Vec::with_capacity(orphans.len());
    for (key, heir, id) in orphans {
        if let Some(heir) = heir {
            let old = known.get(&key).and_then(|known| known.record.clone());
            let new = known.get_mut(&heir).and_then(|known| known.record.as_mut());
            let (Some(old), Some(new)) = (old, new) else {
                // It stays, with its labels, and so does what is recorded: nothing was changed yet.
                continue;
            };
            inherit(session, &old, new)?;
        }
        remove(session, key, &id)?;
        removed.push((key.cast_unsigned(), id));
    }
    Ok(removed)
}

fn records(session: &Session, keys: &[i64]) -> Result<HashMap<i64, Known>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("{} WHERE listed.key = ANY($1)", without_sources());
    let lines = session.query(&sql, &[&keys])?;
    let known = |line| Known::read(line).map(|known| (known.key, known));
    lines.iter().map(known).collect()
}

/// Copies the labels of `old` to `new`, which replaces it: tags beside its own, lowest first, up to
/// [`Tag::MOST`] in all; the object and the metadata where it has none of its own.
fn inherit(
    session: &Session,
    old: &PictureRecord,
    new: &mut PictureRecord,
) -> Result<(), StoreError> {
    let (old, key) = ((&old.labels, old.key.cast_signed()), new.key.cast_signed());
    let (old, old_key) = old;
    let room = Tag::MOST.saturating_sub(new.labels.tags.len());
    let own = &new.labels.tags;
    let more: Vec<Tag> = old
        .tags
        .iter()
        .filter(|tag| !own.contains(tag))
        .take(room)
        .cloned()
        .collect();
    add_tags(session, key, more.iter())?;
    new.labels.tags.extend(more);
    new.labels.tags.sort_unstable();
    if new.labels.metadata.is_none() && old.metadata.is_some() {
        new.labels.metadata.clone_from(&old.metadata);
        session.send(
            "INSERT INTO entry (name, value, key) SELECT name, value, $2 FROM entry WHERE key = $1",
            vec![Box::new(old_key), Box::new(key)],
        )?;
    }
    if new.labels.object.is_none() {
        new.labels.object.clone_from(&old.object);
    }
    update_record(session, new)
}
