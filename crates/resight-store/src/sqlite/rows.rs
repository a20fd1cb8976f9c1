//! Reading rows: columns, and queries by many keys. Runs inside the caller's transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, params_from_iter};

use crate::id::PictureId;
use crate::labels::{ObjectId, Tag};

/// Keys in one statement. A shorter last chunk is filled up with NULL, which equals nothing, so that
/// one prepared statement serves all.
const CHUNK: usize = 64;

/// The one number that `sql` returns, which is never negative.
pub(super) fn number(connection: &Connection, sql: &str) -> Result<u64> {
    connection
        .prepare_cached(sql)?
        .query_row([], |row| unsigned(row, 0))
}

/// A column that stores an unsigned number bit for bit as a signed one.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A key in the first column.
pub(super) fn key_column(row: &Row<'_>) -> Result<u64> {
    unsigned(row, 0)
}

/// Two keys in the first two columns.
pub(super) fn key_pair(row: &Row<'_>) -> Result<(u64, u64)> {
    Ok((unsigned(row, 0)?, unsigned(row, 1)?))
}

pub(super) fn id_column(row: &Row<'_>, column: usize) -> Result<PictureId> {
    let text: String = row.get(column)?;
    PictureId::parse(&text).ok_or_else(|| not_valid(column, &text, "a picture's id"))
}

pub(super) fn tag_column(row: &Row<'_>, column: usize) -> Result<Tag> {
    let text: String = row.get(column)?;
    Tag::parse(&text).ok_or_else(|| not_valid(column, &text, "a tag"))
}

/// An object's id; `None` for NULL.
pub(super) fn object_column(row: &Row<'_>, column: usize) -> Result<Option<ObjectId>> {
    let text: Option<String> = row.get(column)?;
    let parse = |text: String| {
        ObjectId::parse(&text).ok_or_else(|| not_valid(column, &text, "an object's id"))
    };
    text.map(parse).transpose()
}

/// The error for a value that this program does not write: the file is damaged.
fn not_valid(column: usize, text: &str, what: &str) -> rusqlite::Error {
    let reason = format!("{text:?} is not {what}");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
}

/// Runs `sql IN (…) tail` for all keys, each once, a chunk at a time.
pub(super) fn for_chunks(
    connection: &Connection,
    sql: &str,
    tail: &str,
    keys: &[u64],
    mut each: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut distinct = keys.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let marks = ["?"; CHUNK].join(",");
    let mut statement = connection.prepare_cached(&format!("{sql} IN ({marks}) {tail}"))?;
    for chunk in distinct.chunks(CHUNK) {
        // A key above the signed range becomes negative, and no picture has such a key.
        let present = chunk.iter().map(|key| Some(key.cast_signed()));
        let filled = present.chain(std::iter::repeat(None)).take(CHUNK);
        let mut rows = statement.query(params_from_iter(filled))?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
    }
    Ok(())
}

pub(super) use crate::listing::{above, at_most, page};

/// The length of bytes as it is stored.
pub(super) fn length(bytes: &[u8]) -> i64 {
    // SQLite refuses blobs above 2 GB, so this never saturates.
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
