//! What each change does.

use std::collections::BTreeSet;

use resight_store::{
    Change, Changes, Effect, LabelPatch, NewPicture, PictureId, PictureRecord, Refusal, SourceFile,
    StoreError, Tag, Update, apply_each, now_ms,
};

use super::batch::{Batch, Known};
use super::insertion::{insert_described, insert_record, update_record};
use super::open::PostgresCatalogue;
use super::orphans;
use super::session::Session;
use super::text::stored;

impl Changes for PostgresCatalogue {
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        if changes.is_empty() {
            return self.check_writable().map(|()| Vec::new());
        }
        self.write(|change| {
            let mut batch = Batch::read(change, &changes, now_ms())?;
            let (mut effects, last_taken) = apply_each(changes, u64::cast_signed, |change| {
                apply(&mut batch, change)
            })?;
            // Only now: a later change may have added a source, as when two files swap their names.
            orphans::remove_at_end(&mut batch, &mut effects, &last_taken)?;
            Ok(effects)
        })
    }

    fn commit_part(&self, folder: &str, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        if changes.is_empty() {
            return self.check_writable().map(|()| Vec::new());
        }
        self.write(|change| {
            let mut batch = Batch::read(change, &changes, now_ms())?;
            let (effects, last_taken) = apply_each(changes, u64::cast_signed, |change| {
                apply(&mut batch, change)
            })?;
            orphans::record(&batch, folder, &effects, &last_taken)?;
            Ok(effects)
        })
    }

    fn settle_orphans(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        self.write(|change| orphans::settle(change.session, prefix, limit))
    }
}

/// The effect of one change, and the key of the picture that it took a source from.
type Done = (Effect, Option<i64>);

fn apply(batch: &mut Batch<'_, '_>, change: Change) -> Result<Done, StoreError> {
    match change {
        Change::Add(new) => add(batch, new),
        Change::Retake(new) => retake(batch, new),
        Change::Remove(id) => {
            let effect = match key_of(batch, &id) {
                Some(key) => {
                    batch.remove(key, &id)?;
                    Effect::Removed {
                        key: key.cast_unsigned(),
                        id,
                    }
                }
                None => Effect::NotFound,
            };
            Ok((effect, None))
        }
        Change::AddSource { id, source } => add_source(batch, &id, &source),
        Change::DropSource { path } => {
            let taken_from = batch.drop_source(&path)?;
            let had_refusal = batch.forget_refusal(&path)?;
            Ok((
                Effect::dropped(taken_from.is_some() || had_refusal),
                taken_from,
            ))
        }
        Change::ForgetSource { path } => {
            let had_source = batch.drop_source(&path)?.is_some();
            let had_refusal = batch.forget_refusal(&path)?;
            // It takes no source from a picture as far as removing is concerned.
            Ok((Effect::dropped(had_source || had_refusal), None))
        }
        Change::Refuse(refusal) => refuse(batch, &refusal),
        Change::Label { id, patch } => {
            let effect = match key_of(batch, &id) {
                Some(_) => label(batch, &id, &patch)?,
                None => Effect::NotFound,
            };
            Ok((effect, None))
        }
    }
}

fn key_of(batch: &Batch<'_, '_>, id: &PictureId) -> Option<i64> {
    batch.pictures.get(id).map(|known| known.key)
}

fn add(batch: &mut Batch<'_, '_>, new: NewPicture) -> Result<Done, StoreError> {
    let (key, is_new) = match key_of(batch, &new.id) {
        Some(key) => {
            if new.uploaded {
                mark_uploaded(batch, &new.id)?;
            }
            (key, false)
        }
        None => {
            let key = batch.change.next_keys(1 + new.views.len())?;
            let record = PictureRecord::of_new(&new, key.cast_unsigned(), batch.now);
            let session = batch.change.session;
            insert_record(session, &record)?;
            // Its blobs must not be deleted any more.
            session.send(
                "DELETE FROM removed_pictures WHERE id = $1",
                vec![Box::new(new.id.as_str().to_owned())],
            )?;
            insert_described(batch.change, key, (new.features, new.words, new.views))?;
            keep(batch, record);
            batch.added.insert(key, new.id);
            (key, true)
        }
    };
    let taken_from = match &new.source {
        Some(source) => batch.put_source(key, source)?,
        None => None,
    };
    let (key, replaced) = (key.cast_unsigned(), None);
    let effect = match is_new {
        true => Effect::Added { key, replaced },
        false => Effect::AlreadyThere { key, replaced },
    };
    Ok((effect, taken_from))
}

fn keep(batch: &mut Batch<'_, '_>, record: PictureRecord) {
    let known = Known {
        key: record.key.cast_signed(),
        record: Some(record.clone()),
    };
    batch.pictures.insert(record.id, known);
}

fn retake(batch: &mut Batch<'_, '_>, new: NewPicture) -> Result<Done, StoreError> {
    let Some(before) = key_of(batch, &new.id) else {
        return Ok((Effect::NotFound, None));
    };
    let old = batch.whole(&new.id)?.clone();
    let key = batch.change.next_keys(1 + new.views.len())?;
    let record = old.retaken(&new, key.cast_unsigned());
    let session = batch.change.session;
    // Two rows cannot have one id, and no id has this form.
    session.send(
        "UPDATE picture SET id = id || ' before' WHERE key = $1",
        vec![Box::new(before)],
    )?;
    insert_record(session, &record)?;
    for (table, column) in [
        ("source", "key"),
        ("tag", "key"),
        ("entry", "key"),
        ("orphan", "key"),
        ("orphan", "heir"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = $2 WHERE {column} = $1");
        session.send(&sql, vec![Box::new(before), Box::new(key)])?;
    }
    session.send("DELETE FROM picture WHERE key = $1", vec![Box::new(before)])?;
    insert_described(batch.change, key, (new.features, new.words, new.views))?;
    for (owner, _) in batch.sources.values_mut() {
        if *owner == before {
            *owner = key;
        }
    }
    if let Some(id) = batch.added.remove(&before) {
        batch.added.insert(key, id);
    }
    keep(batch, record);
    let taken_from = match &new.source {
        Some(source) => batch.put_source(key, source)?,
        None => None,
    };
    let effect = Effect::Retaken {
        key: key.cast_unsigned(),
        before: before.cast_unsigned(),
        replaced: None,
    };
    Ok((effect, taken_from))
}

/// The flag is set and never cleared.
fn mark_uploaded(batch: &mut Batch<'_, '_>, id: &PictureId) -> Result<(), StoreError> {
    let session = batch.change.session;
    let record = batch.whole(id)?;
    let key = record.key.cast_signed();
    if !record.uploaded {
        record.uploaded = true;
        update_record(session, record)?;
    }
    batch.forget_orphan(key)
}

fn add_source(
    batch: &mut Batch<'_, '_>,
    id: &PictureId,
    source: &SourceFile,
) -> Result<Done, StoreError> {
    let Some(key) = key_of(batch, id) else {
        return Ok((Effect::NotFound, None));
    };
    let known = batch.sources.get(&source.path);
    if known.is_some_and(|(owner, known)| *owner == key && known == source) {
        return Ok((Effect::Unchanged, None));
    }
    let taken_from = batch.put_source(key, source)?;
    let effect = Effect::AlreadyThere {
        key: key.cast_unsigned(),
        replaced: None,
    };
    Ok((effect, taken_from))
}

fn refuse(batch: &mut Batch<'_, '_>, refusal: &Refusal) -> Result<Done, StoreError> {
    let source = &refusal.source;
    let taken_from = batch.drop_source(&source.path)?;
    batch.forget_refusal(&source.path)?;
    batch.change.session.send(
        "INSERT INTO refusal (path, byte_len, modified_ns, changed_ns, file_number, code, reason,
            seen_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vec![
            Box::new(stored(&source.path).into_owned()),
            Box::new(source.byte_len.cast_signed()),
            Box::new(source.modified_ns),
            Box::new(source.changed_ns),
            Box::new(source.file_number.map(u64::cast_signed)),
            Box::new(stored(&refusal.code).into_owned()),
            Box::new(stored(&refusal.reason).into_owned()),
            Box::new(refusal.seen_ms),
        ],
    )?;
    batch.refusals.insert(source.path.clone());
    Ok((Effect::Refused { removed: None }, taken_from))
}

/// Applies a patch to a stored picture, all of it or nothing.
fn label(
    batch: &mut Batch<'_, '_>,
    id: &PictureId,
    patch: &LabelPatch,
) -> Result<Effect, StoreError> {
    let session = batch.change.session;
    let record = batch.whole(id)?;
    let key = record.key.cast_signed();
    let before: BTreeSet<Tag> = record.labels.tags.iter().cloned().collect();
    let after = patch.tags_after(before.iter().cloned());
    if after.len() > Tag::MOST {
        return Ok(Effect::TooManyTags);
    }
    let gone: Vec<String> = before.difference(&after).map(Tag::to_string).collect();
    if !gone.is_empty() {
        session.send(
            "DELETE FROM tag WHERE key = $1 AND tag = ANY($2)",
            vec![Box::new(key), Box::new(gone)],
        )?;
    }
    add_tags(session, key, after.difference(&before))?;
    record.labels.tags = after.into_iter().collect();
    match &patch.object {
        Update::Keep => {}
        Update::Clear => record.labels.object = None,
        Update::Set(object) => record.labels.object = Some(object.clone()),
    }
    let metadata = match &patch.metadata {
        Update::Keep => None,
        Update::Clear => Some((None, &[][..])),
        Update::Set(data) => Some((Some(data.text().to_owned()), data.entries())),
    };
    if let Some((text, entries)) = metadata {
        record.labels.metadata = text;
        session.send("DELETE FROM entry WHERE key = $1", vec![Box::new(key)])?;
        add_entries(session, key, entries)?;
    }
    if !matches!(
        (&patch.object, &patch.metadata),
        (Update::Keep, Update::Keep)
    ) {
        update_record(session, record)?;
    }
    Ok(Effect::Labelled)
}

/// Adds tags that the picture lacks.
pub(super) fn add_tags<'a>(
    session: &Session,
    key: i64,
    tags: impl Iterator<Item = &'a Tag>,
) -> Result<(), StoreError> {
    let tags: Vec<String> = tags.map(Tag::to_string).collect();
    if tags.is_empty() {
        return Ok(());
    }
    session.send(
        "INSERT INTO tag (tag, key) SELECT tag, $1 FROM UNNEST($2::TEXT[]) AS new (tag)",
        vec![Box::new(key), Box::new(tags)],
    )
}

fn add_entries(
    session: &Session,
    key: i64,
    entries: &[(String, String)],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let stored = |text: &String| stored(text).into_owned();
    let names: Vec<String> = entries.iter().map(|(name, _)| stored(name)).collect();
    let values: Vec<String> = entries.iter().map(|(_, value)| stored(value)).collect();
    session.send(
        "INSERT INTO entry (name, value, key)
         SELECT name, value, $1 FROM UNNEST($2::TEXT[], $3::TEXT[]) AS new (name, value)",
        vec![Box::new(key), Box::new(names), Box::new(values)],
    )
}
