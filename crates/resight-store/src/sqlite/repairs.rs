//! Replacing damaged rows.

use rusqlite::{Connection, Result, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, key_column, length, page};
use super::sums;
use super::views;
use crate::error::StoreError;
use crate::repairs::Repairs;
use crate::sums::{Part, sum_of};

impl Repairs for SqliteCatalogue {
    fn seal(&self, keys: &[u64]) -> Result<u64, StoreError> {
        self.write(|connection| {
            let mut count = 0;
            for key in keys {
                count += u64::from(sums::seal(connection, key.cast_signed())?);
            }
            Ok(count)
        })
    }

    fn unsealed_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT key FROM picture WHERE key > ?1 AND (row_sum IS NULL
                         OR features_sum IS NULL OR words_sum IS NULL OR EXISTS
                         (SELECT 1 FROM vector WHERE vector.key = picture.key AND sum IS NULL))
                     ORDER BY key LIMIT ?2",
                )?
                .query_map([above(after), page(limit)], key_column)?
                .collect()
        })
    }

    fn replace_features(
        &self,
        key: u64,
        feature_count: u32,
        features: &[u8],
        words: &[u8],
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            let key = key.cast_signed();
            sums::check_before_change(connection, key)?;
            let Some(owner) = replace(connection, Part::Features, key, features)? else {
                return Ok(false);
            };
            replace(connection, Part::Words, key, words)?;
            let table = owner.table();
            connection
                .prepare_cached(&format!(
                    "UPDATE {table} SET feature_count = ?2 WHERE key = ?1"
                ))?
                .execute(params![key, feature_count])?;
            match owner {
                Owner::Picture => sums::seal_record(connection, key)?,
                Owner::View => views::seal(connection, key)?,
            }
            Ok(true)
        })
    }

    fn replace_words(&self, key: u64, words: &[u8]) -> Result<bool, StoreError> {
        self.write(|connection| {
            let replaced = replace(connection, Part::Words, key.cast_signed(), words)?;
            Ok(replaced.is_some())
        })
    }

    fn forget_vector(&self, model: &str, key: u64) -> Result<bool, StoreError> {
        self.write_removal(|connection| {
            let forgotten = connection
                .prepare_cached(
                    "DELETE FROM vector WHERE key = ?2
                     AND model = (SELECT number FROM vector_model WHERE model = ?1)",
                )?
                .execute(params![model, key.cast_signed()])?;
            Ok(forgotten > 0)
        })
    }

    fn rebuild_structure(&self) -> Result<(), StoreError> {
        self.write(|connection| connection.execute_batch("REINDEX"))
    }
}

/// What features and words belong to.
#[derive(Clone, Copy)]
enum Owner {
    Picture,
    View,
}

impl Owner {
    /// The table of its records.
    fn table(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::View => "picture_view",
        }
    }

    /// What the names of its tables of bytes begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Picture => "",
            Self::View => "view_",
        }
    }
}

/// Writes the bytes and their sum. Returns what has the key, if anything has.
fn replace(connection: &Connection, part: Part, key: i64, bytes: &[u8]) -> Result<Option<Owner>> {
    let column = match part {
        Part::Features => "features",
        _ => "words",
    };
    for owner in [Owner::Picture, Owner::View] {
        let (table, prefix) = (owner.table(), owner.prefix());
        let known = connection
            .prepare_cached(&format!(
                "UPDATE {table} SET {column}_len = ?2, {column}_sum = ?3 WHERE key = ?1"
            ))?
            .execute(params![key, length(bytes), sum_of(part, key, bytes)])?;
        if known > 0 {
            connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO {prefix}{column} (key, bytes) VALUES (?1, ?2)"
                ))?
                .execute(params![key, bytes])?;
            return Ok(Some(owner));
        }
    }
    Ok(None)
}
