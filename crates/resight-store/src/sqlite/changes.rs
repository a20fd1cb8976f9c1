//! What each change does to the tables. Runs inside the caller's transaction.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::reads::id_column;
use crate::{Change, Effect, NewPicture, PictureId, Refusal, SourceFile};

/// A picture that went away: its key and id.
type Gone = Option<(u64, PictureId)>;

/// Applies one change; `now` is in milliseconds since 1970.
pub(super) fn apply(connection: &Connection, change: Change, now: i64) -> Result<Effect> {
    match change {
        Change::Add(picture) => add(connection, &picture, now),
        Change::Remove(id) => Ok(match key_of(connection, &id)? {
            Some(key) => {
                remove(connection, key)?;
                Effect::Removed {
                    key: key.cast_unsigned(),
                    id,
                }
            }
            None => Effect::NotFound,
        }),
        Change::AddSource { id, source } => add_source(connection, &id, &source),
        Change::DropSource { path } => {
            let (had_source, removed) = drop_source(connection, &path)?;
            let had_refusal = forget_refusal(connection, &path)?;
            Ok(match had_source || had_refusal {
                true => Effect::SourceDropped { removed },
                false => Effect::NotFound,
            })
        }
        Change::Refuse(refusal) => refuse(connection, &refusal),
    }
}

fn add(connection: &Connection, new: &NewPicture, now: i64) -> Result<Effect> {
    let made: Option<i64> = connection
        .prepare_cached(
            "INSERT INTO picture (id, name, media_type, byte_len, width, height, feature_count,
                model, uploaded, added_ms, features_len, words_len)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
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
            ],
            |row| row.get(0),
        )
        .optional()?;
    let key = match made {
        Some(key) => {
            connection
                .prepare_cached("INSERT INTO features (key, bytes) VALUES (?1, ?2)")?
                .execute(params![key, new.features])?;
            connection
                .prepare_cached("INSERT INTO words (key, bytes) VALUES (?1, ?2)")?
                .execute(params![key, new.words])?;
            key
        }
        None => {
            // The flag is only ever set: bytes that were handed to us stay handed to us.
            connection
                .prepare_cached(
                    "UPDATE picture SET uploaded = 1 WHERE id = ?1 AND ?2 AND uploaded = 0",
                )?
                .execute(params![new.id.as_str(), new.uploaded])?;
            connection
                .prepare_cached("SELECT key FROM picture WHERE id = ?1")?
                .query_row([new.id.as_str()], |row| row.get(0))?
        }
    };
    let replaced = match &new.source {
        Some(source) => put_source(connection, key, source)?,
        None => None,
    };
    let is_new = made.is_some();
    let key = key.cast_unsigned();
    Ok(match is_new {
        true => Effect::Added { key, replaced },
        false => Effect::AlreadyThere { key, replaced },
    })
}

fn add_source(connection: &Connection, id: &PictureId, source: &SourceFile) -> Result<Effect> {
    let Some(key) = key_of(connection, id)? else {
        return Ok(Effect::NotFound);
    };
    let known: bool = connection
        .prepare_cached(
            "SELECT COUNT(*) > 0 FROM source
             WHERE path = ?1 AND key = ?2 AND byte_len = ?3 AND modified_ns = ?4",
        )?
        .query_row(
            params![
                source.path,
                key,
                source.byte_len.cast_signed(),
                source.modified_ns
            ],
            |row| row.get(0),
        )?;
    if known {
        return Ok(Effect::Unchanged);
    }
    Ok(Effect::AlreadyThere {
        replaced: put_source(connection, key, source)?,
        key: key.cast_unsigned(),
    })
}

fn refuse(connection: &Connection, refusal: &Refusal) -> Result<Effect> {
    let source = &refusal.source;
    let (_, removed) = drop_source(connection, &source.path)?;
    connection
        .prepare_cached(
            "INSERT INTO refusal (path, byte_len, modified_ns, code, reason, seen_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (path) DO UPDATE SET byte_len = excluded.byte_len,
                modified_ns = excluded.modified_ns, code = excluded.code,
                reason = excluded.reason, seen_ms = excluded.seen_ms",
        )?
        .execute(params![
            source.path,
            source.byte_len.cast_signed(),
            source.modified_ns,
            refusal.code,
            refusal.reason,
            refusal.seen_ms
        ])?;
    Ok(Effect::Refused { removed })
}

/// Makes the path a source of `key` and of no other picture. Returns a picture that the path held
/// before and that went away for it.
fn put_source(connection: &Connection, key: i64, source: &SourceFile) -> Result<Gone> {
    let before: Option<i64> = connection
        .prepare_cached("SELECT key FROM source WHERE path = ?1")?
        .query_row([&source.path], |row| row.get(0))
        .optional()?;
    // Only for another picture: dropping the last source of `key` itself would remove it.
    let replaced = match before {
        Some(other) if other != key => drop_source(connection, &source.path)?.1,
        _ => None,
    };
    forget_refusal(connection, &source.path)?;
    connection
        .prepare_cached(
            "INSERT INTO source (path, key, byte_len, modified_ns) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (path) DO UPDATE SET key = excluded.key, byte_len = excluded.byte_len,
                modified_ns = excluded.modified_ns",
        )?
        .execute(params![
            source.path,
            key,
            source.byte_len.cast_signed(),
            source.modified_ns
        ])?;
    Ok(replaced)
}

/// Forgets the path's source. Says whether there was one, and which picture went with it.
fn drop_source(connection: &Connection, path: &str) -> Result<(bool, Gone)> {
    let key: Option<i64> = connection
        .prepare_cached("DELETE FROM source WHERE path = ?1 RETURNING key")?
        .query_row([path], |row| row.get(0))
        .optional()?;
    let Some(key) = key else {
        return Ok((false, None));
    };
    let orphan: Option<PictureId> = connection
        .prepare_cached(
            "SELECT id FROM picture WHERE key = ?1 AND uploaded = 0
             AND NOT EXISTS (SELECT 1 FROM source WHERE source.key = ?1)",
        )?
        .query_row([key], |row| id_column(row, 0))
        .optional()?;
    if orphan.is_some() {
        remove(connection, key)?;
    }
    Ok((true, orphan.map(|id| (key.cast_unsigned(), id))))
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

/// Features, words and sources go along by their foreign keys.
fn remove(connection: &Connection, key: i64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM picture WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

pub(super) fn set_setting(connection: &Connection, name: &str, value: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])?;
    Ok(())
}

fn length(bytes: &[u8]) -> i64 {
    // SQLite refuses blobs above 2 GB, so this never saturates.
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
