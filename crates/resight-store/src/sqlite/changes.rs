//! What each change does to the tables.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::catalogue::SqliteCatalogue;
use super::rows::length;
use super::{labels, orphans, settings, sums, taken, views};
use crate::changes::{Change, Changes, Effect, apply_each};
use crate::clock::now_ms;
use crate::error::StoreError;
use crate::id::PictureId;
use crate::picture::NewPicture;
use crate::sources::{Refusal, SourceFile};
use crate::sums::{Part, sum_of};

impl Changes for SqliteCatalogue {
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        if changes.is_empty() {
            // A transaction would wait for another process's commit, and for the disk.
            return self.writer().map(|_| Vec::new());
        }
        let only_removes =
            |change: &Change| matches!(change, Change::Remove(_) | Change::DropSource { .. });
        if changes.iter().all(only_removes) {
            return self
                .write_removal(|connection| apply_all(connection, changes.clone(), now_ms()));
        }
        self.write(|connection| apply_all(connection, changes, now_ms()))
    }

    fn commit_part(&self, folder: &str, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        if changes.is_empty() {
            return self.writer().map(|_| Vec::new());
        }
        self.write(|connection| apply_part(connection, folder, changes, now_ms()))
    }

    fn settle_orphans(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        self.write_removal(|connection| orphans::settle(connection, prefix, limit))
    }
}

/// The effect of one change, and the key of the picture that it took a source from.
type Done = (Effect, Option<i64>);

/// Applies a batch; `now` is in milliseconds since 1970.
///
/// A picture without a source is removed only at the end: a later change may add one, as when two
/// files swap their names.
pub(super) fn apply_all(
    connection: &Connection,
    changes: Vec<Change>,
    now: i64,
) -> Result<Vec<Effect>> {
    let (mut effects, last_taken) = apply_each(changes, u64::cast_signed, |change| {
        apply(connection, change, now)
    })?;
    for (key, number) in last_taken {
        if let Some(id) = orphans::id_of_orphan(connection, key)? {
            if let Some(heir) = heir(connection, &effects[number])? {
                labels::inherit(connection, key, heir)?;
            }
            remove(connection, key, &id)?;
            effects[number].name_removed((key.cast_unsigned(), id));
        }
    }
    Ok(effects)
}

/// Applies one of several batches: pictures without a source are recorded and stay.
fn apply_part(
    connection: &Connection,
    folder: &str,
    changes: Vec<Change>,
    now: i64,
) -> Result<Vec<Effect>> {
    let (effects, last_taken) = apply_each(changes, u64::cast_signed, |change| {
        apply(connection, change, now)
    })?;
    for (key, number) in last_taken {
        if orphans::id_of_orphan(connection, key)?.is_some() {
            let heir = heir(connection, &effects[number])?;
            orphans::record(connection, key, folder, heir)?;
        }
    }
    Ok(effects)
}

/// The new picture that has taken a path, unless a later change of the batch removed it.
fn heir(connection: &Connection, effect: &Effect) -> Result<Option<i64>> {
    let Effect::Added { key, .. } = effect else {
        return Ok(None);
    };
    connection
        .prepare_cached("SELECT key FROM picture WHERE key = ?1")?
        .query_row([key.cast_signed()], |row| row.get(0))
        .optional()
}

fn apply(connection: &Connection, change: Change, now: i64) -> Result<Done> {
    match change {
        Change::Add(picture) => add(connection, &picture, now),
        Change::Retake(picture) => retake(connection, &picture),
        Change::Remove(id) => {
            let effect = match key_of(connection, &id)? {
                Some(key) => {
                    remove(connection, key, &id)?;
                    Effect::Removed {
                        key: key.cast_unsigned(),
                        id,
                    }
                }
                None => Effect::NotFound,
            };
            Ok((effect, None))
        }
        Change::AddSource { id, source } => add_source(connection, &id, &source),
        Change::DropSource { path } => {
            let taken_from = drop_source(connection, &path)?;
            let had_refusal = forget_refusal(connection, &path)?;
            Ok((
                Effect::dropped(taken_from.is_some() || had_refusal),
                taken_from,
            ))
        }
        Change::ForgetSource { path } => {
            let had_source = drop_source(connection, &path)?.is_some();
            let had_refusal = forget_refusal(connection, &path)?;
            // It takes no source from a picture as far as removing is concerned.
            Ok((Effect::dropped(had_source || had_refusal), None))
        }
        Change::Refuse(refusal) => refuse(connection, &refusal),
        Change::Label { id, patch } => {
            let effect = match key_of(connection, &id)? {
                Some(key) => labels::apply(connection, key, &patch)?,
                None => Effect::NotFound,
            };
            Ok((effect, None))
        }
    }
}

fn add(connection: &Connection, new: &NewPicture, now: i64) -> Result<Done> {
    let made: Option<i64> = connection
        .prepare_cached(
            "INSERT INTO picture (id, name, media_type, byte_len, width, height, feature_count,
                model, uploaded, added_ms, features_len, words_len, pages, depth)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (id) DO NOTHING RETURNING key",
        )?
        .query_row(
            params![
                new.id.as_str(),
                new.name,
                new.media_type,
                new.byte_len.cast_signed(),
                new.width,
                new.height,
                new.feature_count,
                new.model,
                new.uploaded,
                now,
                length(&new.features),
                length(&new.words),
                new.pages,
                new.depth,
            ],
            |row| row.get(0),
        )
        .optional()?;
    let key = match made {
        Some(key) => {
            put_described(connection, key, new)?;
            // Its blobs must not be deleted any more.
            settings::forget(connection, &new.id)?;
            key
        }
        None => {
            let key = connection
                .prepare_cached("SELECT key FROM picture WHERE id = ?1")?
                .query_row([new.id.as_str()], |row| row.get(0))?;
            if new.uploaded {
                mark_uploaded(connection, key)?;
            }
            key
        }
    };
    let taken_from = match &new.source {
        Some(source) => put_source(connection, key, source)?,
        None => None,
    };
    let (key, replaced) = (key.cast_unsigned(), None);
    let effect = if made.is_some() {
        Effect::Added { key, replaced }
    } else {
        Effect::AlreadyThere { key, replaced }
    };
    Ok((effect, taken_from))
}

/// Writes what was described of a picture whose row was just written, and the checksums of it.
fn put_described(connection: &Connection, key: i64, new: &NewPicture) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO features (key, bytes) VALUES (?1, ?2)")?
        .execute(params![key, new.features])?;
    connection
        .prepare_cached("INSERT INTO words (key, bytes) VALUES (?1, ?2)")?
        .execute(params![key, new.words])?;
    connection
        .prepare_cached("UPDATE picture SET features_sum = ?2, words_sum = ?3 WHERE key = ?1")?
        .execute(params![
            key,
            sum_of(Part::Features, key, &new.features),
            sum_of(Part::Words, key, &new.words),
        ])?;
    sums::seal_record(connection, key)?;
    taken::put(connection, key, new.taken_ms)?;
    views::add(connection, key, &new.views)
}

fn retake(connection: &Connection, new: &NewPicture) -> Result<Done> {
    let Some(before) = key_of(connection, &new.id)? else {
        return Ok((Effect::NotFound, None));
    };
    // A checksum must not bless a damaged record.
    sums::check_before_change(connection, before)?;
    // Two rows cannot have one id, and no id has this form.
    let key: i64 = connection
        .prepare_cached(
            "INSERT INTO picture (id, name, media_type, byte_len, width, height, feature_count,
                model, uploaded, added_ms, features_len, words_len, pages, depth, object, metadata)
             SELECT id || ' again', name, ?2, byte_len, ?3, ?4, ?5, ?6, uploaded, added_ms, ?7, ?8,
                ?9, ?10, object, metadata
             FROM picture WHERE key = ?1 RETURNING key",
        )?
        .query_row(
            params![
                before,
                new.media_type,
                new.width,
                new.height,
                new.feature_count,
                new.model,
                length(&new.features),
                length(&new.words),
                new.pages,
                new.depth,
            ],
            |row| row.get(0),
        )?;
    for (table, column) in [
        ("source", "key"),
        ("tag", "key"),
        ("entry", "key"),
        ("orphan", "key"),
        ("orphan", "heir"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1");
        connection
            .prepare_cached(&sql)?
            .execute(params![before, key])?;
    }
    connection
        .prepare_cached("DELETE FROM picture WHERE key = ?1")?
        .execute([before])?;
    connection
        .prepare_cached("UPDATE picture SET id = ?2 WHERE key = ?1")?
        .execute(params![key, new.id.as_str()])?;
    put_described(connection, key, new)?;
    let taken_from = match &new.source {
        Some(source) => put_source(connection, key, source)?,
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
fn mark_uploaded(connection: &Connection, key: i64) -> Result<()> {
    sums::check_before_change(connection, key)?;
    connection
        .prepare_cached("UPDATE picture SET uploaded = 1 WHERE key = ?1")?
        .execute([key])?;
    sums::seal_record(connection, key)?;
    orphans::forget(connection, key)
}

fn add_source(connection: &Connection, id: &PictureId, source: &SourceFile) -> Result<Done> {
    let Some(key) = key_of(connection, id)? else {
        return Ok((Effect::NotFound, None));
    };
    let known: bool = connection
        .prepare_cached(
            "SELECT COUNT(*) > 0 FROM source
             WHERE path = ?1 AND key = ?2 AND byte_len = ?3 AND modified_ns = ?4
                AND changed_ns IS ?5 AND file_number IS ?6",
        )?
        .query_row(
            params![
                source.path,
                key,
                source.byte_len.cast_signed(),
                source.modified_ns,
                source.changed_ns,
                source.file_number.map(u64::cast_signed)
            ],
            |row| row.get(0),
        )?;
    if known {
        return Ok((Effect::Unchanged, None));
    }
    let taken_from = put_source(connection, key, source)?;
    let effect = Effect::AlreadyThere {
        key: key.cast_unsigned(),
        replaced: None,
    };
    Ok((effect, taken_from))
}

fn refuse(connection: &Connection, refusal: &Refusal) -> Result<Done> {
    let source = &refusal.source;
    let taken_from = drop_source(connection, &source.path)?;
    connection
        .prepare_cached(
            "INSERT INTO refusal (path, byte_len, modified_ns, code, reason, seen_ms, changed_ns,
                file_number)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (path) DO UPDATE SET byte_len = excluded.byte_len,
                modified_ns = excluded.modified_ns, code = excluded.code,
                reason = excluded.reason, seen_ms = excluded.seen_ms,
                changed_ns = excluded.changed_ns, file_number = excluded.file_number",
        )?
        .execute(params![
            source.path,
            source.byte_len.cast_signed(),
            source.modified_ns,
            refusal.code,
            refusal.reason,
            refusal.seen_ms,
            source.changed_ns,
            source.file_number.map(u64::cast_signed)
        ])?;
    Ok((Effect::Refused { removed: None }, taken_from))
}

/// Makes the path a source of `key` and of no other picture. Returns the other picture that it was
/// a source of before.
fn put_source(connection: &Connection, key: i64, source: &SourceFile) -> Result<Option<i64>> {
    let before: Option<i64> = connection
        .prepare_cached("SELECT key FROM source WHERE path = ?1")?
        .query_row([&source.path], |row| row.get(0))
        .optional()?;
    forget_refusal(connection, &source.path)?;
    orphans::forget(connection, key)?;
    connection
        .prepare_cached(
            "INSERT INTO source (path, key, byte_len, modified_ns, changed_ns, file_number)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (path) DO UPDATE SET key = excluded.key, byte_len = excluded.byte_len,
                modified_ns = excluded.modified_ns, changed_ns = excluded.changed_ns,
                file_number = excluded.file_number",
        )?
        .execute(params![
            source.path,
            key,
            source.byte_len.cast_signed(),
            source.modified_ns,
            source.changed_ns,
            source.file_number.map(u64::cast_signed)
        ])?;
    Ok(before.filter(|other| *other != key))
}

/// Forgets the path's source. Returns the picture that had it.
fn drop_source(connection: &Connection, path: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("DELETE FROM source WHERE path = ?1 RETURNING key")?
        .query_row([path], |row| row.get(0))
        .optional()
}

fn forget_refusal(connection: &Connection, path: &str) -> Result<bool> {
    let dropped = connection
        .prepare_cached("DELETE FROM refusal WHERE path = ?1")?
        .execute([path])?;
    Ok(dropped > 0)
}

fn key_of(connection: &Connection, id: &PictureId) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT key FROM picture WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()
}

/// Foreign keys remove features, words, views, sources, labels, vectors and pairs with the picture. The id
/// stays on record until the caller has deleted the picture's blobs.
pub(super) fn remove(connection: &Connection, key: i64, id: &PictureId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM picture WHERE key = ?1")?
        .execute([key])?;
    connection
        .prepare_cached(
            "INSERT INTO removed_pictures (id) VALUES (?1) ON CONFLICT (id) DO NOTHING",
        )?
        .execute([id.as_str()])?;
    Ok(())
}
