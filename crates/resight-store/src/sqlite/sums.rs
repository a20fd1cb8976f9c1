//! Checksums of rows (`crate::sums`). SQLite has none for its pages.
//!
//! Rows of a format before 7 lack them (`NULL`) until [`seal`] adds them or the row is written again. The sums of
//! features and words stand in the picture's row, so that adding them rewrites no features.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::sums::{Part, RecordBytes, sum_of};

/// A row whose bytes are not those that were written.
#[derive(Debug, thiserror::Error)]
#[error("the checksum of the {what} of picture {picture} is wrong")]
pub(super) struct DamagedRow {
    pub(super) what: &'static str,
    /// The picture's id, or its key where the id cannot be read.
    pub(super) picture: String,
}

/// The bytes in the column `at`, compared with the sum in the next one.
pub(super) fn checked(
    connection: &Connection,
    part: Part,
    key: i64,
    row: &Row<'_>,
    at: usize,
) -> Result<Vec<u8>> {
    // A damaged header can make other types of both.
    let bytes = match row.get_ref(at)? {
        ValueRef::Blob(bytes) => bytes,
        _ => return Err(damaged(connection, part, key)),
    };
    let fits = match row.get_ref(at + 1)? {
        ValueRef::Null => true,
        ValueRef::Integer(sum) => sum == sum_of(part, key, bytes),
        _ => false,
    };
    if fits {
        Ok(bytes.to_vec())
    } else {
        Err(damaged(connection, part, key))
    }
}

fn damaged(connection: &Connection, part: Part, key: i64) -> rusqlite::Error {
    damage(part, id_or_number(connection, key))
}

/// The id of the picture with this key, or with the view of this key.
pub(super) fn id_or_number(connection: &Connection, key: i64) -> String {
    let id = connection
        .prepare_cached(
            "SELECT id FROM picture WHERE key = ?1
             OR key = (SELECT picture FROM picture_view WHERE picture_view.key = ?1)",
        )
        .and_then(|mut statement| statement.query_row([key], |row| row.get::<_, String>(0)));
    id.unwrap_or_else(|_| format!("number {key}"))
}

pub(super) fn damage(part: Part, picture: String) -> rusqlite::Error {
    let what = part.name();
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(DamagedRow { what, picture }))
}

/// The columns of a picture's own row that its sum covers, the key first.
pub(super) const COVERED: &str =
    "key, id, name, media_type, byte_len, width, height, feature_count,
    model, uploaded, added_ms, object, metadata, pages, depth";
const COVERED_COUNT: usize = 15;

/// The sum of a row that begins with [`COVERED`].
fn sum_of_record(row: &Row<'_>) -> Result<i64> {
    let mut bytes = RecordBytes::default();
    for column in 1..COVERED_COUNT {
        match row.get_ref(column)? {
            ValueRef::Null => bytes.absent(),
            ValueRef::Integer(number) => bytes.number(number),
            ValueRef::Real(number) => bytes.real(number),
            ValueRef::Text(text) | ValueRef::Blob(text) => bytes.text(text),
        }
    }
    Ok(bytes.sum(Part::Record, row.get(0)?))
}

/// Compares a row that has [`COVERED`] and then `row_sum` with that sum.
pub(super) fn check_record(row: &Row<'_>) -> Result<()> {
    let fits = match row.get_ref(COVERED_COUNT)? {
        ValueRef::Null => true,
        ValueRef::Integer(sum) => sum == sum_of_record(row)?,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let named = row.get::<_, String>(1);
    let named = named.or_else(|_| row.get::<_, i64>(0).map(|key| format!("number {key}")));
    Err(damage(Part::Record, named.unwrap_or_default()))
}

/// Compares the record of a picture, which is about to be changed, with its sum.
pub(super) fn check_before_change(connection: &Connection, key: i64) -> Result<()> {
    connection
        .prepare_cached(&format!(
            "SELECT {COVERED}, row_sum FROM picture WHERE key = ?1"
        ))?
        .query_row([key], check_record)
        .optional()
        .map(|_| ())
}

/// Writes the sum of a picture's record, which was changed.
pub(super) fn seal_record(connection: &Connection, key: i64) -> Result<()> {
    let sum = connection
        .prepare_cached(&format!("SELECT {COVERED} FROM picture WHERE key = ?1"))?
        .query_row([key], sum_of_record)
        .optional()?;
    connection
        .prepare_cached("UPDATE picture SET row_sum = ?2 WHERE key = ?1")?
        .execute(params![key, sum])?;
    Ok(())
}

/// Adds the sums that the rows of a picture lack. Returns whether any was added.
pub(super) fn seal(connection: &Connection, key: i64) -> Result<bool> {
    let lacks = connection
        .prepare_cached(
            "SELECT row_sum IS NULL, features_sum IS NULL, words_sum IS NULL FROM picture
             WHERE key = ?1",
        )?
        .query_row([key], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .optional()?;
    let Some([record, features, words]): Option<[bool; 3]> = lacks else {
        return Ok(false);
    };
    if record {
        seal_record(connection, key)?;
    }
    if features {
        seal_bytes(connection, Part::Features, key)?;
    }
    if words {
        seal_bytes(connection, Part::Words, key)?;
    }
    let vectors = seal_vectors(connection, key)?;
    Ok(record || features || words || vectors)
}

fn seal_bytes(connection: &Connection, part: Part, key: i64) -> Result<()> {
    let table = part.name();
    let sum = connection
        .prepare_cached(&format!("SELECT bytes FROM {table} WHERE key = ?1"))?
        .query_row([key], |row| {
            Ok(sum_of(part, key, row.get_ref(0)?.as_blob()?))
        })
        .optional()?;
    connection
        .prepare_cached(&format!(
            "UPDATE picture SET {table}_sum = ?2 WHERE key = ?1"
        ))?
        .execute(params![key, sum])?;
    Ok(())
}

fn seal_vectors(connection: &Connection, key: i64) -> Result<bool> {
    let sums: Vec<(i64, i64)> = connection
        .prepare_cached("SELECT model, bytes FROM vector WHERE key = ?1 AND sum IS NULL")?
        .query_map([key], |row| {
            let bytes = row.get_ref(1)?.as_blob()?;
            Ok((row.get(0)?, sum_of(Part::Vector, key, bytes)))
        })?
        .collect::<Result<_>>()?;
    for (model, sum) in &sums {
        connection
            .prepare_cached("UPDATE vector SET sum = ?3 WHERE model = ?1 AND key = ?2")?
            .execute(params![model, key, sum])?;
    }
    Ok(!sums.is_empty())
}
