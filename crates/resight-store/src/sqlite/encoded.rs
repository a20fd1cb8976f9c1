//! Features, words, and staged words.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, for_chunks, in_order, key_column, number, page};
use super::settings::set;
use crate::encoded::{EncodedFeatures, EncodedWords, StagedWords};
use crate::error::StoreError;

/// As `words` in the schema, under another name. The table exists only while words are staged.
const STAGED: &str = "
CREATE TABLE IF NOT EXISTS staged_words (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
)";

impl EncodedFeatures for SqliteCatalogue {
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, "features", keys))
    }

    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, "features", after, limit))
    }
}

impl EncodedWords for SqliteCatalogue {
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, "words", keys))
    }

    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, "words", after, limit))
    }
}

impl StagedWords for SqliteCatalogue {
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute_batch(STAGED)?;
            let mut insert = connection.prepare_cached(
                "INSERT OR REPLACE INTO staged_words (key, bytes)
                 SELECT key, ?2 FROM picture WHERE key = ?1",
            )?;
            for (key, bytes) in words {
                insert.execute(params![key.cast_signed(), bytes])?;
            }
            Ok(())
        })
    }

    fn staged_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| {
            if !has_staged(connection)? {
                return Ok(Vec::new());
            }
            page_after(connection, "staged_words", after, limit)
        })
    }

    fn staged_last(&self) -> Result<Option<u64>, StoreError> {
        self.read(|connection| {
            if !has_staged(connection)? {
                return Ok(None);
            }
            let sql = "SELECT COALESCE(MAX(key), 0) FROM staged_words";
            // Keys start at 1.
            Ok(Some(number(connection, sql)?).filter(|last| *last > 0))
        })
    }

    fn discard_staged(&self) -> Result<(), StoreError> {
        self.write_removal(|connection| {
            connection.execute_batch("DROP TABLE IF EXISTS staged_words")
        })
    }

    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute_batch(STAGED)?;
            let lacking =
                "SELECT COUNT(*) FROM picture WHERE key NOT IN (SELECT key FROM staged_words)";
            if number(connection, lacking)? > 0 {
                return Ok(false);
            }
            connection.execute_batch(
                "DROP TABLE words;
                 ALTER TABLE staged_words RENAME TO words;
                 UPDATE picture SET words_len =
                     (SELECT LENGTH(words.bytes) FROM words WHERE words.key = picture.key);",
            )?;
            set(connection, setting, value)?;
            Ok(true)
        })
    }
}

fn has_staged(connection: &Connection) -> Result<bool> {
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'staged_words'";
    Ok(number(connection, tables)? > 0)
}

fn of_keys(connection: &Connection, table: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut by_key = HashMap::with_capacity(keys.len());
    let sql = format!("SELECT key, bytes FROM {table} WHERE key");
    for_chunks(connection, &sql, "", keys, |row| {
        by_key.insert(key_column(row)?, row.get(1)?);
        Ok(())
    })?;
    Ok(in_order(keys, by_key))
}

fn page_after(
    connection: &Connection,
    table: &str,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let sql = format!("SELECT key, bytes FROM {table} WHERE key > ?1 ORDER BY key LIMIT ?2");
    connection
        .prepare_cached(&sql)?
        .query_map([above(after), page(limit)], |row| {
            Ok((key_column(row)?, row.get(1)?))
        })?
        .collect()
}
