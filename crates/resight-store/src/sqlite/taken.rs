//! When pictures were taken.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::rows::{for_chunks, key_column};

/// Records when a picture was taken.
pub(super) fn put(connection: &Connection, key: i64, taken_ms: Option<i64>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO taken (key, taken_ms) SELECT key, ?2 FROM picture WHERE key = ?1
             ON CONFLICT (key) DO UPDATE SET taken_ms = excluded.taken_ms",
        )?
        .execute(params![key, taken_ms])?;
    Ok(())
}

/// When pictures were taken, by key.
pub(super) fn of(connection: &Connection, keys: &[u64]) -> Result<HashMap<u64, i64>> {
    let mut taken = HashMap::new();
    let sql = "SELECT key, taken_ms FROM taken WHERE taken_ms IS NOT NULL AND key";
    for_chunks(connection, sql, "", keys, |row| {
        taken.insert(key_column(row)?, row.get(1)?);
        Ok(())
    })?;
    Ok(taken)
}
