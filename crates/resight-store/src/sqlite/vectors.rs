//! Vectors of whole pictures. Rows name a model by a number, because its id is long.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::catalogue::SqliteCatalogue;
use super::rows::{above, key_column, page, unsigned};
use super::settings::set;
use super::sums::checked;
use crate::error::StoreError;
use crate::sums::{Part, sum_of};
use crate::vectors::{VectorCount, Vectors};

impl Vectors for SqliteCatalogue {
    fn put_vectors(&self, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO vector_model (model) VALUES (?1) ON CONFLICT (model) DO NOTHING",
                [model],
            )?;
            let model = model_number(connection, model)?;
            let mut insert = connection.prepare_cached(
                "INSERT INTO vector (model, key, bytes, sum)
                 SELECT ?1, key, ?3, ?4 FROM picture WHERE key = ?2
                 ON CONFLICT (model, key) DO UPDATE SET bytes = excluded.bytes,
                    sum = excluded.sum",
            )?;
            for (key, bytes) in vectors {
                let key = key.cast_signed();
                let sum = sum_of(Part::Vector, key, bytes);
                insert.execute(params![model, key, bytes, sum])?;
            }
            Ok(())
        })
    }

    fn vectors(&self, model: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| {
            let Some(model) = model_number(connection, model)? else {
                return Ok(vec![None; keys.len()]);
            };
            let mut one = connection.prepare_cached(
                "SELECT bytes, sum FROM vector WHERE model = ?1 AND key = ?2 AND LENGTH(bytes) > 0",
            )?;
            keys.iter()
                .map(|key| {
                    let key = key.cast_signed();
                    let bytes = |row: &Row<'_>| checked(connection, Part::Vector, key, row, 0);
                    one.query_row(params![model, key], bytes).optional()
                })
                .collect()
        })
    }

    fn vector_keys_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            let Some(model) = model_number(connection, model)? else {
                return Ok(Vec::new());
            };
            connection
                .prepare_cached(
                    "SELECT key FROM vector WHERE model = ?1 AND key > ?2 AND LENGTH(bytes) > 0
                     ORDER BY key LIMIT ?3",
                )?
                .query_map([model, above(after), page(limit)], key_column)?
                .collect()
        })
    }

    fn without_vector_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            // No model has the number 0, so all pictures lack a vector of an unknown one.
            let model = model_number(connection, model)?.unwrap_or(0);
            connection
                .prepare_cached(
                    "SELECT key FROM picture WHERE key > ?2 AND NOT EXISTS
                         (SELECT 1 FROM vector WHERE vector.model = ?1 AND vector.key = picture.key)
                     ORDER BY key LIMIT ?3",
                )?
                .query_map([model, above(after), page(limit)], key_column)?
                .collect()
        })
    }

    fn vector_counts(&self) -> Result<Vec<VectorCount>, StoreError> {
        self.read(|connection| {
            let mut counted: HashMap<i64, (u64, u64)> = HashMap::new();
            let mut count = connection.prepare_cached(
                "SELECT model, LENGTH(bytes) > 0, COUNT(*) FROM vector GROUP BY 1, 2 ORDER BY 1, 2",
            )?;
            let mut rows = count.query([])?;
            while let Some(row) = rows.next()? {
                let counts = counted.entry(row.get(0)?).or_default();
                let slot = if row.get(1)? {
                    &mut counts.0
                } else {
                    &mut counts.1
                };
                *slot = unsigned(row, 2)?;
            }
            connection
                .prepare_cached("SELECT number, model FROM vector_model ORDER BY model")?
                .query_map([], |row| {
                    let (vectors, without) = counted.get(&row.get(0)?).copied().unwrap_or_default();
                    let model = row.get(1)?;
                    Ok(VectorCount {
                        model,
                        vectors,
                        without,
                    })
                })?
                .collect()
        })
    }

    fn drop_vectors(&self, model: &str, setting: &str, value: &str) -> Result<(), StoreError> {
        self.write_removal(|connection| {
            if let Some(model) = model_number(connection, model)? {
                connection.execute("DELETE FROM vector WHERE model = ?1", [model])?;
                connection.execute("DELETE FROM vector_model WHERE number = ?1", [model])?;
            }
            set(connection, setting, value)
        })
    }
}

/// `None` for a model of which nothing is stored.
fn model_number(connection: &Connection, model: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM vector_model WHERE model = ?1")?
        .query_row([model], |row| row.get(0))
        .optional()
}
