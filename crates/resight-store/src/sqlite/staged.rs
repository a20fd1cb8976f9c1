//! Words that wait to take the place of the present ones, in a table that is there only meanwhile.
//!
//! Runs inside the caller's transaction.

use rusqlite::{Connection, Result, params};

use super::changes::set_setting;
use super::reads::{blobs_after, number};

/// As `words` in the schema, under another name.
const TABLE: &str = "
CREATE TABLE IF NOT EXISTS staged_words (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
)";

fn is_there(connection: &Connection) -> Result<bool> {
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'staged_words'";
    Ok(number(connection, tables)? > 0)
}

pub(super) fn stage(connection: &Connection, words: &[(u64, Vec<u8>)]) -> Result<()> {
    connection.execute_batch(TABLE)?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO staged_words (key, bytes)
         SELECT key, ?2 FROM picture WHERE key = ?1",
    )?;
    for (key, bytes) in words {
        insert.execute(params![key.cast_signed(), bytes])?;
    }
    Ok(())
}

pub(super) fn after(
    connection: &Connection,
    key: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    match is_there(connection)? {
        true => blobs_after(connection, "staged_words", key, limit),
        false => Ok(Vec::new()),
    }
}

pub(super) fn last(connection: &Connection) -> Result<Option<u64>> {
    if !is_there(connection)? {
        return Ok(None);
    }
    let last = number(connection, "SELECT COALESCE(MAX(key), 0) FROM staged_words")?;
    // Keys start at 1.
    Ok((last > 0).then_some(last))
}

pub(super) fn discard(connection: &Connection) -> Result<()> {
    connection.execute_batch("DROP TABLE IF EXISTS staged_words")
}

pub(super) fn adopt(connection: &Connection, setting: &str, value: &str) -> Result<bool> {
    connection.execute_batch(TABLE)?;
    let lacking = "SELECT COUNT(*) FROM picture WHERE key NOT IN (SELECT key FROM staged_words)";
    if number(connection, lacking)? > 0 {
        return Ok(false);
    }
    connection.execute_batch(
        "DROP TABLE words;
         ALTER TABLE staged_words RENAME TO words;
         UPDATE picture SET words_len =
             (SELECT LENGTH(words.bytes) FROM words WHERE words.key = picture.key);",
    )?;
    set_setting(connection, setting, value)?;
    Ok(true)
}
