//! Vectors of whole pictures. Runs inside the caller's transaction.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::SqliteCatalogue;
use super::changes::set_setting;
use crate::{StoreError, VectorCount, Vectors};

/// Since format 4. A model's id is long and stands beside every vector, so it has a number.
pub(super) const TABLES: &str = "
CREATE TABLE vector_model (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL UNIQUE
);
CREATE TABLE vector (
    model INTEGER NOT NULL REFERENCES vector_model (number) ON DELETE CASCADE,
    key INTEGER NOT NULL REFERENCES picture (key) ON DELETE CASCADE,
    bytes BLOB NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE INDEX vector_by_key ON vector (key);
";

/// Stands in for the tables while a file of an earlier format is only read: there are no vectors.
pub(super) const WITHOUT: &str = "
PRAGMA temp_store = memory;
CREATE TEMP TABLE vector_model (number INTEGER PRIMARY KEY, model TEXT);
CREATE TEMP TABLE vector (model INTEGER, key INTEGER, bytes BLOB);
";

/// The model's number; `None` where nothing is kept of it.
fn numbered(connection: &Connection, model: &str) -> Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM vector_model WHERE model = ?1")?
        .query_row([model], |row| row.get(0))
        .optional()
}

fn put(connection: &Connection, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO vector_model (model) VALUES (?1)",
        [model],
    )?;
    let model = numbered(connection, model)?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO vector (model, key, bytes)
         SELECT ?1, key, ?3 FROM picture WHERE key = ?2",
    )?;
    for (key, bytes) in vectors {
        insert.execute(params![model, key.cast_signed(), bytes])?;
    }
    Ok(())
}

fn of(connection: &Connection, model: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>> {
    let Some(model) = numbered(connection, model)? else {
        return Ok(vec![None; keys.len()]);
    };
    let mut one = connection.prepare_cached(
        "SELECT bytes FROM vector WHERE model = ?1 AND key = ?2 AND LENGTH(bytes) > 0",
    )?;
    keys.iter()
        .map(|key| {
            one.query_row(params![model, key.cast_signed()], |row| row.get(0))
                .optional()
        })
        .collect()
}

fn keys(connection: &Connection, model: &str) -> Result<Vec<u64>> {
    let Some(model) = numbered(connection, model)? else {
        return Ok(Vec::new());
    };
    connection
        .prepare_cached(
            "SELECT key FROM vector WHERE model = ?1 AND LENGTH(bytes) > 0 ORDER BY key",
        )?
        .query_map([model], |row| row.get::<_, i64>(0))?
        .map(|key| key.map(i64::cast_unsigned))
        .collect()
}

fn without(
    connection: &Connection,
    model: &str,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<u64>> {
    let after = after.map_or(0, u64::cast_signed);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let row = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(i64::cast_unsigned);
    match numbered(connection, model)? {
        Some(model) => connection
            .prepare_cached(
                "SELECT key FROM picture WHERE key > ?2 AND NOT EXISTS
                     (SELECT 1 FROM vector WHERE vector.model = ?1 AND vector.key = picture.key)
                 ORDER BY key LIMIT ?3",
            )?
            .query_map(params![model, after, limit], row)?
            .collect(),
        None => connection
            .prepare_cached("SELECT key FROM picture WHERE key > ?1 ORDER BY key LIMIT ?2")?
            .query_map(params![after, limit], row)?
            .collect(),
    }
}

fn counts(connection: &Connection) -> Result<Vec<VectorCount>> {
    let mut counted: HashMap<i64, (u64, u64)> = HashMap::new();
    let mut count = connection.prepare_cached(
        "SELECT model, LENGTH(bytes) > 0, COUNT(*) FROM vector GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let mut rows = count.query([])?;
    while let Some(row) = rows.next()? {
        let counts = counted.entry(row.get(0)?).or_default();
        let number = row.get::<_, i64>(2)?.cast_unsigned();
        match row.get(1)? {
            true => counts.0 = number,
            false => counts.1 = number,
        }
    }
    connection
        .prepare_cached("SELECT number, model FROM vector_model ORDER BY model")?
        .query_map([], |row| {
            let (vectors, without) = counted.get(&row.get(0)?).copied().unwrap_or_default();
            Ok(VectorCount {
                model: row.get(1)?,
                vectors,
                without,
            })
        })?
        .collect()
}

fn forget(connection: &Connection, model: &str, setting: &str, value: &str) -> Result<()> {
    if let Some(model) = numbered(connection, model)? {
        connection.execute("DELETE FROM vector WHERE model = ?1", [model])?;
        connection.execute("DELETE FROM vector_model WHERE number = ?1", [model])?;
    }
    set_setting(connection, setting, value)
}

impl Vectors for SqliteCatalogue {
    fn put_vectors(
        &self,
        model: &str,
        vectors: &[(u64, Vec<u8>)],
    ) -> std::result::Result<(), StoreError> {
        self.write(|connection| put(connection, model, vectors))
    }

    fn vectors(
        &self,
        model: &str,
        keys: &[u64],
    ) -> std::result::Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| of(connection, model, keys))
    }

    fn vector_keys(&self, model: &str) -> std::result::Result<Vec<u64>, StoreError> {
        self.read(|connection| keys(connection, model))
    }

    fn without_vector(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> std::result::Result<Vec<u64>, StoreError> {
        self.read(|connection| without(connection, model, after, limit))
    }

    fn vector_counts(&self) -> std::result::Result<Vec<VectorCount>, StoreError> {
        self.read(counts)
    }

    fn drop_vectors(
        &self,
        model: &str,
        setting: &str,
        value: &str,
    ) -> std::result::Result<(), StoreError> {
        self.write(|connection| forget(connection, model, setting, value))
    }
}
