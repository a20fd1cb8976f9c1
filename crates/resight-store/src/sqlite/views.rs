//! Views of pictures.
//!
//! Keys come from SQLite's sequence of pictures' keys, so no picture gets the key of a view, in a program without
//! views either.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, for_chunks, key_column, key_pair, length, number, page, unsigned};
use super::sums::{damage, id_or_number};
use crate::error::StoreError;
use crate::listing::in_order;
use crate::sums::{Part, RecordBytes, sum_of};
use crate::views::{NewView, ViewRecord, Views};

/// In the order that [`record`] expects.
const RECORDS: &str =
    "SELECT key, picture, number, time_ms, width, height, feature_count, row_sum FROM picture_view";

impl Views for SqliteCatalogue {
    fn views(&self, keys: &[u64]) -> Result<Vec<Option<ViewRecord>>, StoreError> {
        self.read(|connection| {
            let mut by_key = HashMap::with_capacity(keys.len());
            for_chunks(
                connection,
                &format!("{RECORDS} WHERE key"),
                "",
                keys,
                |row| {
                    by_key.insert(key_column(row)?, record(connection, row)?);
                    Ok(())
                },
            )?;
            Ok(in_order(keys, by_key))
        })
    }

    fn views_of(&self, picture: u64) -> Result<Vec<ViewRecord>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("{RECORDS} WHERE picture = ?1 ORDER BY key"))?
                .query_map([picture.cast_signed()], |row| record(connection, row))?
                .collect()
        })
    }

    fn view_keys_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, picture FROM picture_view WHERE key > ?1 ORDER BY key LIMIT ?2",
                )?
                .query_map([above(after), page(limit)], key_pair)?
                .collect()
        })
    }

    fn described_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u32)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key, feature_count FROM picture WHERE key > ?1
                     UNION ALL SELECT key, feature_count FROM picture_view WHERE key > ?1
                     ORDER BY 1 LIMIT ?2",
                )?
                .query_map([above(after), page(limit)], |row| {
                    Ok((key_column(row)?, row.get(1)?))
                })?
                .collect()
        })
    }

    fn view_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| number(connection, "SELECT COUNT(*) FROM picture_view"))
    }
}

/// Adds the views of a picture that was just added.
pub(super) fn add(connection: &Connection, picture: i64, views: &[NewView]) -> Result<()> {
    if views.is_empty() {
        return Ok(());
    }
    for (key, view) in (picture + 1..).zip(views) {
        connection
            .prepare_cached(
                "INSERT INTO picture_view (key, picture, number, time_ms, width, height,
                    feature_count, features_len, words_len, row_sum, features_sum, words_sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11)",
            )?
            .execute(params![
                key,
                picture,
                view.number,
                view.time_ms.map(u64::cast_signed),
                view.width,
                view.height,
                view.feature_count,
                length(&view.features),
                length(&view.words),
                sum_of(Part::Features, key, &view.features),
                sum_of(Part::Words, key, &view.words),
            ])?;
        connection
            .prepare_cached("INSERT INTO view_features (key, bytes) VALUES (?1, ?2)")?
            .execute(params![key, view.features])?;
        connection
            .prepare_cached("INSERT INTO view_words (key, bytes) VALUES (?1, ?2)")?
            .execute(params![key, view.words])?;
        seal(connection, key)?;
    }
    let last = picture.saturating_add(i64::try_from(views.len()).unwrap_or(i64::MAX));
    connection
        .prepare_cached("UPDATE sqlite_sequence SET seq = MAX(seq, ?1) WHERE name = 'picture'")?
        .execute([last])?;
    Ok(())
}

/// Writes the sum of a view's record.
pub(super) fn seal(connection: &Connection, key: i64) -> Result<()> {
    let sum = connection
        .prepare_cached(&format!("{RECORDS} WHERE key = ?1"))?
        .query_row([key], sum_of_record)?;
    connection
        .prepare_cached("UPDATE picture_view SET row_sum = ?2 WHERE key = ?1")?
        .execute(params![key, sum])?;
    Ok(())
}

fn sum_of_record(row: &Row<'_>) -> Result<i64> {
    let mut bytes = RecordBytes::default();
    for column in 1..7 {
        bytes.optional_number(row.get(column)?);
    }
    Ok(bytes.sum(Part::View, row.get(0)?))
}

fn record(connection: &Connection, row: &Row<'_>) -> Result<ViewRecord> {
    let fits = matches!(
        (sum_of_record(row), row.get::<_, i64>(7)),
        (Ok(sum), Ok(stored)) if sum == stored
    );
    if !fits {
        return Err(damage(Part::View, id_or_number(connection, row.get(0)?)));
    }
    let time: Option<i64> = row.get(3)?;
    Ok(ViewRecord {
        key: key_column(row)?,
        picture: unsigned(row, 1)?,
        number: row.get(2)?,
        time_ms: time.map(u64::try_from).transpose().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(3, Type::Integer, error.into())
        })?,
        width: row.get(4)?,
        height: row.get(5)?,
        feature_count: row.get(6)?,
    })
}
