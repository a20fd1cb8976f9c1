//! Records of pictures.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params_from_iter};

use super::catalogue::SqliteCatalogue;
use super::rows::{
    above, at_most, for_chunks, id_column, key_column, number, object_column, page, tag_column,
    unsigned,
};
use super::sources::paths_of;
use super::sums::{COVERED, check_record};
use super::taken;
use crate::error::StoreError;
use crate::id::PictureId;
use crate::labels::{Labels, Tag};
use crate::listing::in_order;
use crate::picture::{PictureRecord, Pictures, StoredBytes};

/// In the order that [`record`] expects.
fn all_records() -> String {
    format!("SELECT {COVERED}, row_sum FROM picture")
}

impl Pictures for SqliteCatalogue {
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError> {
        self.read(|connection| {
            let row = connection
                .prepare_cached(&format!("{} WHERE id = ?1", all_records()))?
                .query_row([id.as_str()], record)
                .optional()?;
            let mut records = Vec::from_iter(row);
            attach_lists(connection, &mut records)?;
            Ok(records.pop())
        })
    }

    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError> {
        self.read(|connection| {
            let mut records = Vec::with_capacity(keys.len());
            let sql = format!("{} WHERE key", all_records());
            for_chunks(connection, &sql, "", keys, |row| {
                records.push(record(row)?);
                Ok(())
            })?;
            attach_lists(connection, &mut records)?;
            let by_key = records.into_iter().map(|record| (record.key, record));
            Ok(in_order(keys, by_key.collect()))
        })
    }

    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError> {
        self.read(|connection| newest_first(connection, "", Vec::new(), offset, limit))
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.read(|connection| number(connection, "SELECT COUNT(*) FROM picture"))
    }

    fn keys_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<(u64, u32)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, feature_count FROM picture WHERE key > ?1 ORDER BY key LIMIT ?2",
                )?
                .query_map([above(after), page(limit)], |row| {
                    Ok((key_column(row)?, row.get(1)?))
                })?
                .collect()
        })
    }

    fn unasked_taken(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, id FROM picture WHERE key > ?1
                        AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.key = picture.key)
                     ORDER BY key LIMIT ?2",
                )?
                .query_map([above(after), page(limit)], |row| {
                    Ok((key_column(row)?, id_column(row, 1)?))
                })?
                .collect()
        })
    }

    fn put_taken(&self, taken: &[(u64, Option<i64>)]) -> Result<(), StoreError> {
        self.write(|connection| {
            for (key, taken_ms) in taken {
                taken::put(connection, key.cast_signed(), *taken_ms)?;
            }
            Ok(())
        })
    }

    fn stored_bytes(&self) -> Result<StoredBytes, StoreError> {
        self.read(|connection| {
            let sum = |column: &str| {
                let of = |table: &str| {
                    let sql =
                        format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM {table}");
                    number(connection, &sql)
                };
                Ok::<_, rusqlite::Error>(of("picture")? + of("picture_view")?)
            };
            Ok(StoredBytes {
                features: sum("features_len")?,
                words: sum("words_len")?,
                vectors: number(
                    connection,
                    "SELECT CAST(COALESCE(SUM(LENGTH(bytes)), 0) AS BIGINT) FROM vector",
                )?,
                originals: number(
                    connection,
                    "SELECT CAST(COALESCE(SUM(byte_len), 0) AS BIGINT) FROM picture WHERE uploaded = 1",
                )?,
            })
        })
    }
}

/// A page of the pictures that meet `condition`, whose marks come before the page's own.
pub(super) fn newest_first_sql(condition: &str) -> String {
    format!(
        "{} {condition} ORDER BY added_ms DESC, key DESC LIMIT ? OFFSET ?",
        all_records()
    )
}

/// The pictures that meet `condition`, whose marks stand for `values`.
pub(super) fn newest_first(
    connection: &Connection,
    condition: &str,
    mut values: Vec<Value>,
    offset: u64,
    limit: u64,
) -> Result<Vec<PictureRecord>> {
    let sql = newest_first_sql(condition);
    values.extend([at_most(limit), at_most(offset)].map(Value::from));
    in_page(connection, &sql, values)
}

/// The pictures in the order of a page that `sql` reads.
pub(super) fn in_page(
    connection: &Connection,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<PictureRecord>> {
    let mut records: Vec<PictureRecord> = connection
        .prepare_cached(sql)?
        .query_map(params_from_iter(values), record)?
        .collect::<Result<_>>()?;
    attach_lists(connection, &mut records)?;
    Ok(records)
}

/// Tags by key, ascending.
pub(super) fn tags_of(connection: &Connection, keys: &[u64]) -> Result<HashMap<u64, Vec<Tag>>> {
    let mut tags: HashMap<u64, Vec<Tag>> = HashMap::new();
    let sql = "SELECT key, tag FROM tag WHERE key";
    for_chunks(connection, sql, "ORDER BY key, tag", keys, |row| {
        let tag = tag_column(row, 1)?;
        tags.entry(key_column(row)?).or_default().push(tag);
        Ok(())
    })?;
    Ok(tags)
}

fn record(row: &Row<'_>) -> Result<PictureRecord> {
    check_record(row)?;
    Ok(PictureRecord {
        key: key_column(row)?,
        id: id_column(row, 1)?,
        name: row.get(2)?,
        media_type: row.get(3)?,
        byte_len: unsigned(row, 4)?,
        width: row.get(5)?,
        height: row.get(6)?,
        feature_count: row.get(7)?,
        model: row.get(8)?,
        uploaded: row.get(9)?,
        added_ms: row.get(10)?,
        sources: Vec::new(),
        labels: Labels {
            tags: Vec::new(),
            object: object_column(row, 11)?,
            metadata: row.get(12)?,
        },
        pages: row.get(13)?,
        depth: row.get(14)?,
        taken_ms: None,
    })
}

/// Adds sources and tags, which have tables of their own.
fn attach_lists(connection: &Connection, records: &mut [PictureRecord]) -> Result<()> {
    let keys: Vec<u64> = records.iter().map(|record| record.key).collect();
    let mut sources = paths_of(connection, &keys)?;
    let mut tags = tags_of(connection, &keys)?;
    let mut taken = taken::of(connection, &keys)?;
    for record in records {
        record.taken_ms = taken.remove(&record.key);
        record.sources = sources.remove(&record.key).unwrap_or_default();
        record.labels.tags = tags.remove(&record.key).unwrap_or_default();
    }
    Ok(())
}
