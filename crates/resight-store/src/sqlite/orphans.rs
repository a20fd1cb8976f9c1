//! Pictures that lost their last file in one of several batches.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::errors::is_damaged_row;
use super::rows::{id_column, key_column, page};
use super::{changes, labels};
use crate::id::PictureId;
use crate::listing::after_all_with;

/// The picture's id, if it is stored, has no source and was not uploaded.
pub(super) fn id_of_orphan(connection: &Connection, key: i64) -> Result<Option<PictureId>> {
    connection
        .prepare_cached(
            "SELECT id FROM picture WHERE key = ?1 AND uploaded = 0
             AND NOT EXISTS (SELECT 1 FROM source WHERE source.key = ?1)",
        )?
        .query_row([key], |row| id_column(row, 0))
        .optional()
}

/// Records that a picture lost its last file while `folder` was read, and the new picture at its path.
pub(super) fn record(
    connection: &Connection,
    key: i64,
    folder: &str,
    heir: Option<i64>,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO orphan (key, folder, heir) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET folder = excluded.folder, heir = excluded.heir",
        )?
        .execute(params![key, folder, heir])?;
    Ok(())
}

/// Forgets that a picture lost its last file.
pub(super) fn forget(connection: &Connection, key: i64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM orphan WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

/// Removes recorded orphans. An heir has a higher key than the picture it replaces, so of several pictures at
/// one path each inherits before it is removed itself. One whose record, or whose heir's, is damaged stays for now.
pub(super) fn settle(
    connection: &Connection,
    prefix: &str,
    limit: usize,
) -> Result<Vec<(u64, PictureId)>> {
    let end = after_all_with(prefix);
    let recorded: Vec<(u64, Option<i64>, PictureId)> = connection
        .prepare_cached(
            "SELECT orphan.key, orphan.heir, picture.id
             FROM orphan JOIN picture ON picture.key = orphan.key
             WHERE orphan.folder >= ?1 AND (?2 IS NULL OR orphan.folder < ?2)
             ORDER BY orphan.key LIMIT ?3",
        )?
        .query_map(params![prefix, end, page(limit)], |row| {
            Ok((key_column(row)?, row.get(1)?, id_column(row, 2)?))
        })?
        .collect::<Result<_>>()?;
    let mut removed = Vec::with_capacity(recorded.len());
    for (key, heir, id) in recorded {
        let signed = key.cast_signed();
        match heir.map(|heir| labels::inherit(connection, signed, heir)) {
            // It stays, with its labels, and so does what is recorded: nothing was changed yet.
            Some(Err(error)) if is_damaged_row(&error) => continue,
            done => done.unwrap_or(Ok(()))?,
        }
        changes::remove(connection, signed, &id)?;
        removed.push((key, id));
    }
    Ok(removed)
}
