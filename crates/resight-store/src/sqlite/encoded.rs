//! Features, words, and staged words.

use std::collections::HashMap;

use rusqlite::{Connection, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, for_chunks, number, page};
use super::settings::set;
use super::sums::checked;
use crate::encoded::{EncodedFeatures, EncodedWords, StagedWords};
use crate::error::StoreError;
use crate::listing::in_order;
use crate::sums::{Part, sum_of};

/// A table of bytes, with the table and column that have their sums.
#[derive(Clone, Copy)]
struct Bytes {
    table: &'static str,
    owner: &'static str,
    sum: &'static str,
    part: Part,
}

/// Of pictures, and of views.
const FEATURES: [Bytes; 2] = of_both(
    ["features", "view_features"],
    "features_sum",
    Part::Features,
);
const WORDS: [Bytes; 2] = of_both(["words", "view_words"], "words_sum", Part::Words);
const STAGED_WORDS: [Bytes; 2] = of_both(STAGED_TABLES, "staged_sum", Part::Words);

const STAGED_TABLES: [&str; 2] = ["staged_words", "staged_view_words"];

const fn of_both(tables: [&'static str; 2], sum: &'static str, part: Part) -> [Bytes; 2] {
    let [picture, view] = tables;
    [
        Bytes {
            table: picture,
            owner: "picture",
            sum,
            part,
        },
        Bytes {
            table: view,
            owner: "picture_view",
            sum,
            part,
        },
    ]
}

impl Bytes {
    /// Rows named `stored`: key, bytes and sum.
    fn rows(self) -> String {
        let Self {
            table, owner, sum, ..
        } = self;
        format!(
            "SELECT stored.key, stored.bytes, {owner}.{sum} FROM {table} AS stored
             JOIN {owner} ON {owner}.key = stored.key WHERE stored.key"
        )
    }

    fn checked(self, connection: &Connection, row: &Row<'_>) -> Result<(u64, Vec<u8>)> {
        let key: i64 = row.get(0)?;
        let bytes = checked(connection, self.part, key, row, 1)?;
        Ok((key.cast_unsigned(), bytes))
    }
}

/// As `words` and `view_words` in the schema, under other names. The tables exist only while words are staged; an
/// earlier version made the first one alone.
const STAGED: &str = "
CREATE TABLE IF NOT EXISTS staged_words (
    key INTEGER PRIMARY KEY REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS staged_view_words (
    key INTEGER PRIMARY KEY REFERENCES picture_view (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);";

impl EncodedFeatures for SqliteCatalogue {
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, &FEATURES, keys))
    }

    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, &FEATURES, after, limit))
    }
}

impl EncodedWords for SqliteCatalogue {
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of_keys(connection, &WORDS, keys))
    }

    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| page_after(connection, &WORDS, after, limit))
    }
}

impl StagedWords for SqliteCatalogue {
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute_batch(STAGED)?;
            for (key, bytes) in words {
                let key = key.cast_signed();
                for Bytes { table, owner, .. } in STAGED_WORDS {
                    let known = connection
                        .prepare_cached(&format!(
                            "UPDATE {owner} SET staged_sum = ?2 WHERE key = ?1"
                        ))?
                        .execute(params![key, sum_of(Part::Words, key, bytes)])?;
                    if known > 0 {
                        connection
                            .prepare_cached(&format!(
                                "INSERT OR REPLACE INTO {table} (key, bytes) VALUES (?1, ?2)"
                            ))?
                            .execute(params![key, bytes])?;
                        break;
                    }
                }
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
            let staged = staged(connection)?;
            if staged.is_empty() {
                return Ok(Vec::new());
            }
            page_after(connection, &staged, after, limit)
        })
    }

    fn staged_last(&self) -> Result<Option<u64>, StoreError> {
        self.read(|connection| {
            let mut last = 0;
            for Bytes { table, .. } in staged(connection)? {
                let sql = format!("SELECT COALESCE(MAX(key), 0) FROM {table}");
                last = last.max(number(connection, &sql)?);
            }
            // Keys start at 1.
            Ok(Some(last).filter(|last| *last > 0))
        })
    }

    fn discard_staged(&self) -> Result<(), StoreError> {
        self.write_removal(|connection| {
            connection.execute_batch(
                "DROP TABLE IF EXISTS staged_words; DROP TABLE IF EXISTS staged_view_words;",
            )
        })
    }

    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute_batch(STAGED)?;
            for Bytes { table, owner, .. } in STAGED_WORDS {
                let lacking = format!(
                    "SELECT COUNT(*) FROM {owner} WHERE key NOT IN (SELECT key FROM {table})"
                );
                if number(connection, &lacking)? > 0 {
                    return Ok(false);
                }
            }
            for (staged, present) in STAGED_WORDS.into_iter().zip(WORDS) {
                let (from, to, owner) = (staged.table, present.table, present.owner);
                connection.execute_batch(&format!(
                    "DROP TABLE {to};
                     ALTER TABLE {from} RENAME TO {to};
                     UPDATE {owner} SET words_sum = staged_sum, staged_sum = NULL, words_len =
                         (SELECT LENGTH({to}.bytes) FROM {to} WHERE {to}.key = {owner}.key);"
                ))?;
            }
            set(connection, setting, value)?;
            Ok(true)
        })
    }
}

/// The tables of staged words that exist.
fn staged(connection: &Connection) -> Result<Vec<Bytes>> {
    let mut known =
        connection.prepare_cached("SELECT COUNT(*) > 0 FROM sqlite_schema WHERE name = ?1")?;
    let mut staged = Vec::new();
    for bytes in STAGED_WORDS {
        if known.query_row([bytes.table], |row| row.get(0))? {
            staged.push(bytes);
        }
    }
    Ok(staged)
}

fn of_keys(
    connection: &Connection,
    [pictures, views]: &[Bytes; 2],
    keys: &[u64],
) -> Result<Vec<Option<Vec<u8>>>> {
    let mut by_key = HashMap::with_capacity(keys.len());
    let mut read = |from: &Bytes, keys: &[u64]| {
        for_chunks(connection, &from.rows(), "", keys, |row| {
            let (key, bytes) = from.checked(connection, row)?;
            by_key.insert(key, bytes);
            Ok(())
        })?;
        let missing = keys.iter().filter(|key| !by_key.contains_key(key));
        Ok::<Vec<u64>, rusqlite::Error>(missing.copied().collect())
    };
    let others = read(pictures, keys)?;
    if !others.is_empty() {
        read(views, &others)?;
    }
    Ok(in_order(keys, by_key))
}

/// SQLite merges the tables, each of which it reads by key.
fn page_after(
    connection: &Connection,
    from: &[Bytes],
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let parts: Vec<String> = from
        .iter()
        .map(|from| format!("{} > ?1", from.rows()))
        .collect();
    let sql = format!("{} ORDER BY 1 LIMIT ?2", parts.join(" UNION ALL "));
    let Some(any) = from.first() else {
        return Ok(Vec::new());
    };
    connection
        .prepare_cached(&sql)?
        .query_map([above(after), page(limit)], |row| {
            any.checked(connection, row)
        })?
        .collect()
}
