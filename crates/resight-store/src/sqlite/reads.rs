//! Queries. Each runs inside the caller's transaction, so several statements see one state.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params, params_from_iter};

use super::labels;
use crate::{Labels, PictureId, PictureRecord, Refusal, SourceFile, StoredBytes};

/// Keys asked for by one statement. The last, shorter chunk is filled up with NULL, which equals
/// nothing, so that one prepared statement serves all.
const CHUNK: usize = 64;

/// In the order that [`record`] expects.
const RECORD: &str = "SELECT key, id, name, media_type, byte_len, width, height, feature_count,
    model, uploaded, added_ms, object, metadata FROM picture";

pub(super) fn picture(connection: &Connection, id: &PictureId) -> Result<Option<PictureRecord>> {
    let found = connection
        .prepare_cached(&format!("{RECORD} WHERE id = ?1"))?
        .query_row([id.as_str()], record)
        .optional()?;
    let mut records = Vec::from_iter(found);
    attach_rest(connection, &mut records)?;
    Ok(records.pop())
}

pub(super) fn pictures(
    connection: &Connection,
    keys: &[u64],
) -> Result<Vec<Option<PictureRecord>>> {
    let mut found = Vec::with_capacity(keys.len());
    for_chunks(
        connection,
        &format!("{RECORD} WHERE key"),
        "",
        keys,
        |row| {
            found.push(record(row)?);
            Ok(())
        },
    )?;
    attach_rest(connection, &mut found)?;
    let found = found.into_iter().map(|record| (record.key, record));
    Ok(in_order(keys, found.collect()))
}

/// Those that `wanted` means, with what stands for its marks.
pub(super) fn list(
    connection: &Connection,
    (wanted, values): (&str, &[&dyn ToSql]),
    offset: u64,
    limit: u64,
) -> Result<Vec<PictureRecord>> {
    let sql = format!("{RECORD} {wanted} ORDER BY added_ms DESC, key DESC LIMIT ? OFFSET ?");
    let (limit, offset) = (at_most(limit), at_most(offset));
    let mut values = values.to_vec();
    values.extend([&limit as &dyn ToSql, &offset]);
    let mut records: Vec<PictureRecord> = connection
        .prepare_cached(&sql)?
        .query_map(&values[..], record)?
        .collect::<Result<_>>()?;
    attach_rest(connection, &mut records)?;
    Ok(records)
}

/// From one of the tables of opaque parts.
pub(super) fn blobs(
    connection: &Connection,
    table: &str,
    keys: &[u64],
) -> Result<Vec<Option<Vec<u8>>>> {
    let mut found = HashMap::with_capacity(keys.len());
    let sql = format!("SELECT key, bytes FROM {table} WHERE key");
    for_chunks(connection, &sql, "", keys, |row| {
        found.insert(row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?);
        Ok(())
    })?;
    Ok(in_order(keys, found))
}

pub(super) fn keys(connection: &Connection) -> Result<Vec<(u64, u32)>> {
    connection
        .prepare_cached("SELECT key, feature_count FROM picture ORDER BY key")?
        .query_map([], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })?
        .collect()
}

pub(super) fn blobs_after(
    connection: &Connection,
    table: &str,
    key: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    // Keys start at 1.
    let after = at_most(key.unwrap_or(0));
    let sql = format!("SELECT key, bytes FROM {table} WHERE key > ?1 ORDER BY key LIMIT ?2");
    connection
        .prepare_cached(&sql)?
        .query_map([after, at_most(limit as u64)], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })?
        .collect()
}

pub(super) fn source(
    connection: &Connection,
    path: &str,
) -> Result<Option<(SourceFile, PictureId)>> {
    connection
        .prepare_cached(
            "SELECT source.path, source.byte_len, source.modified_ns, picture.id
             FROM source JOIN picture ON picture.key = source.key WHERE source.path = ?1",
        )?
        .query_row([path], |row| Ok((source_file(row)?, id_column(row, 3)?)))
        .optional()
}

pub(super) fn sources_under(
    connection: &Connection,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(SourceFile, PictureId)>> {
    let sql = "SELECT source.path, source.byte_len, source.modified_ns, picture.id
        FROM source JOIN picture ON picture.key = source.key";
    under(
        connection,
        sql,
        "source.path",
        (prefix, after, limit),
        |row| Ok((source_file(row)?, id_column(row, 3)?)),
    )
}

pub(super) fn refusals_under(
    connection: &Connection,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Refusal>> {
    let sql = "SELECT path, byte_len, modified_ns, code, reason, seen_ms FROM refusal";
    under(connection, sql, "path", (prefix, after, limit), |row| {
        Ok(Refusal {
            source: source_file(row)?,
            code: row.get(3)?,
            reason: row.get(4)?,
            seen_ms: row.get(5)?,
        })
    })
}

pub(super) fn stored_bytes(connection: &Connection) -> Result<StoredBytes> {
    let sum = |column: &str| {
        let sql = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM picture");
        number(connection, &sql)
    };
    Ok(StoredBytes {
        features: sum("features_len")?,
        words: sum("words_len")?,
    })
}

pub(super) fn removed_pictures(connection: &Connection, limit: usize) -> Result<Vec<PictureId>> {
    // A catalogue from before this table lacks it until it is opened for writing.
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'removed_pictures'";
    if number(connection, tables)? == 0 {
        return Ok(Vec::new());
    }
    connection
        .prepare_cached("SELECT id FROM removed_pictures ORDER BY id LIMIT ?1")?
        .query_map([at_most(limit as u64)], |row| id_column(row, 0))?
        .collect()
}

/// The one number that `sql` gives, which is never negative.
pub(super) fn number(connection: &Connection, sql: &str) -> Result<u64> {
    connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}

/// Reads an id; a value that is none means a damaged file.
pub(super) fn id_column(row: &Row<'_>, column: usize) -> Result<PictureId> {
    let text: String = row.get(column)?;
    PictureId::parse(&text).ok_or_else(|| {
        let reason = format!("{text:?} is not a picture's id");
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
    })
}

fn record(row: &Row<'_>) -> Result<PictureRecord> {
    Ok(PictureRecord {
        key: row.get::<_, i64>(0)?.cast_unsigned(),
        id: id_column(row, 1)?,
        name: row.get(2)?,
        media_type: row.get(3)?,
        byte_len: row.get::<_, i64>(4)?.cast_unsigned(),
        width: row.get(5)?,
        height: row.get(6)?,
        feature_count: row.get(7)?,
        model: row.get(8)?,
        uploaded: row.get(9)?,
        added_ms: row.get(10)?,
        sources: Vec::new(),
        labels: Labels {
            tags: Vec::new(),
            object: labels::object_column(row, 11)?,
            metadata: row.get(12)?,
        },
    })
}

/// From columns 0 to 2: path, length, time.
fn source_file(row: &Row<'_>) -> Result<SourceFile> {
    Ok(SourceFile {
        path: row.get(0)?,
        byte_len: row.get::<_, i64>(1)?.cast_unsigned(),
        modified_ns: row.get(2)?,
    })
}

/// Sources and tags, which have tables of their own.
fn attach_rest(connection: &Connection, records: &mut [PictureRecord]) -> Result<()> {
    let keys: Vec<u64> = records.iter().map(|record| record.key).collect();
    let mut sources: HashMap<u64, Vec<String>> = HashMap::new();
    let sql = "SELECT key, path FROM source WHERE key";
    for_chunks(connection, sql, "ORDER BY key, path", &keys, |row| {
        let key = row.get::<_, i64>(0)?.cast_unsigned();
        sources.entry(key).or_default().push(row.get(1)?);
        Ok(())
    })?;
    let mut tags = labels::tags_of(connection, &keys)?;
    for record in records {
        record.sources = sources.remove(&record.key).unwrap_or_default();
        record.labels.tags = tags.remove(&record.key).unwrap_or_default();
    }
    Ok(())
}

/// Runs `sql IN (…) tail` for all keys, each asked for once, a chunk at a time.
pub(super) fn for_chunks(
    connection: &Connection,
    sql: &str,
    tail: &str,
    keys: &[u64],
    mut each: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let marks = ["?"; CHUNK].join(",");
    let mut statement = connection.prepare_cached(&format!("{sql} IN ({marks}) {tail}"))?;
    for chunk in keys.chunks(CHUNK) {
        // A key above the signed range becomes negative, and no picture has such a key.
        let filled = chunk.iter().map(|key| Some(key.cast_signed()));
        let filled = filled.chain(std::iter::repeat(None)).take(CHUNK);
        let mut rows = statement.query(params_from_iter(filled))?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
    }
    Ok(())
}

/// One value a key, in the order of `keys`, which may hold a key twice.
fn in_order<T: Clone>(keys: &[u64], mut found: HashMap<u64, T>) -> Vec<Option<T>> {
    let mut first: HashMap<u64, usize> = HashMap::with_capacity(keys.len());
    let mut out: Vec<Option<T>> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let value = match first.get(key) {
            Some(&earlier) => out[earlier].clone(),
            None => {
                first.insert(*key, at);
                found.remove(key)
            }
        };
        out.push(value);
    }
    out
}

/// Rows whose `path` column starts with the prefix. A range and not LIKE: in a pattern `%` and `_`
/// of the user's path would be wildcards, and case would not count.
fn under<T>(
    connection: &Connection,
    sql: &str,
    path: &str,
    (prefix, after, limit): (&str, Option<&str>, usize),
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let limit = at_most(limit as u64);
    // One lower bound, so that each page starts with a step down the index and not with a walk
    // over the pages before it.
    let (above, low) = match after {
        Some(after) if after >= prefix => (">", after),
        _ => (">=", prefix),
    };
    match after_all_with(prefix) {
        Some(end) => connection
            .prepare_cached(&format!(
                "{sql} WHERE {path} {above} ?1 AND {path} < ?2 ORDER BY {path} LIMIT ?3"
            ))?
            .query_map(params![low, end, limit], read)?
            .collect(),
        None => connection
            .prepare_cached(&format!(
                "{sql} WHERE {path} {above} ?1 ORDER BY {path} LIMIT ?2"
            ))?
            .query_map(params![low, limit], read)?
            .collect(),
    }
}

/// The lowest text above every text that starts with `prefix`; `None` if there is no such text.
/// Right because bytes of UTF-8 sort as the characters do.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Steps over the surrogates, which no text holds.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// SQLite counts with a sign.
pub(super) fn at_most(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::after_all_with;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_that_lacks_it() {
        let end = |prefix: &str| after_all_with(prefix);
        assert_eq!(end("/a/"), Some("/a0".into()));
        assert_eq!(end("%"), Some("&".into()));
        assert_eq!(end("\u{d7ff}"), Some("\u{e000}".into()));
        assert_eq!(end("a\u{10ffff}"), Some("b".into()));
        assert_eq!(end("\u{10ffff}"), None);
        assert_eq!(end(""), None);
    }
}
