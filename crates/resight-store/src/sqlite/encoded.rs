//! Features, words, and staged words.

use std::collections::HashMap;

use rusqlite::{Connection, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, for_chunks, in_order, number, page};
use super::settings::set;
use super::sums::{Part, checked, sum_of};
use crate::encoded::{EncodedFeatures, EncodedWords, StagedWords};
use crate::error::StoreError;

/// A table of bytes, with the column of the picture that has their sums.
#[derive(Clone, Copy)]
struct Bytes {
    table: &'static str,
    sum: &'static str,
    part: Part,
}

const FEATURES: Bytes = Bytes {
    table: "features",
    sum: "features_sum",
    part: Part::Features,
};
const WORDS: Bytes = Bytes {
    table: "words",
    sum: "words_sum",
    part: Part::Words,
};
const STAGED_WORDS: Bytes = Bytes {
    table: "staged_words",
    sum: "staged_sum",
    part: Part::Words,
};

impl Bytes {
    /// Rows named `stored`: key, bytes and sum.
    fn rows(self) -> String {
        let Self { table, sum, .. } = self;
        format!(
            "SELECT stored.key, stored.bytes, picture.{sum} FROM {table} AS stored
             JOIN picture ON picture.key = stored.key WHERE stored.key"
        )
    }

    fn checked(self, connection: &Connection, row: &Row<'_>) -> Result<(u64, Vec<u8>)> {
        let key: i64 = row.get(0)?;
        let bytes = checked(connection, self.part, key, row, 1)?;
        Ok((key.cast_unsigned(), bytes))
    }
}

/// As `words` in the schema, under another name. The table exists only while words are staged.
const STAGED: &str = "
CREATE TABLE IF NOT EXISTS staged_words (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
)";

impl EncodedFeatures for SqliteCatalogue {
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, FEATURES, keys))
    }

    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, FEATURES, after, limit))
    }
}

impl EncodedWords for SqliteCatalogue {
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, WORDS, keys))
    }

    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, WORDS, after, limit))
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
            let mut seal =
                connection.prepare_cached("UPDATE picture SET staged_sum = ?2 WHERE key = ?1")?;
            for (key, bytes) in words {
                let key = key.cast_signed();
                insert.execute(params![key, bytes])?;
                seal.execute(params![key, sum_of(Part::Words, key, bytes)])?;
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
            page_after(connection, STAGED_WORDS, after, limit)
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
                 UPDATE picture SET words_sum = staged_sum, staged_sum = NULL, words_len =
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

fn of_keys(connection: &Connection, from: Bytes, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut by_key = HashMap::with_capacity(keys.len());
    for_chunks(connection, &from.rows(), "", keys, |row| {
        let (key, bytes) = from.checked(connection, row)?;
        by_key.insert(key, bytes);
        Ok(())
    })?;
    Ok(in_order(keys, by_key))
}

fn page_after(
    connection: &Connection,
    from: Bytes,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let sql = format!("{} > ?1 ORDER BY stored.key LIMIT ?2", from.rows());
    connection
        .prepare_cached(&sql)?
        .query_map([above(after), page(limit)], |row| {
            from.checked(connection, row)
        })?
        .collect()
}
