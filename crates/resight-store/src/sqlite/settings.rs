//! Named values, and the record of removed pictures.

use rusqlite::{Connection, OptionalExtension, Result};

use super::catalogue::SqliteCatalogue;
use super::rows::{id_column, number, page};
use crate::error::StoreError;
use crate::id::PictureId;
use crate::settings::{RemovedPictures, Settings};

impl Settings for SqliteCatalogue {
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| get(connection, name))
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        // Small, and opening a data folder may need it.
        self.write_removal(|connection| set(connection, name, value))
    }
}

impl RemovedPictures for SqliteCatalogue {
    fn removed_pictures(&self, limit: usize) -> Result<Vec<PictureId>, StoreError> {
        self.read(|connection| {
            // A catalogue from before this table lacks it until it is opened for writing.
            let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'removed_pictures'";
            if number(connection, tables)? == 0 {
                return Ok(Vec::new());
            }
            connection
                .prepare_cached("SELECT id FROM removed_pictures ORDER BY id LIMIT ?1")?
                .query_map([page(limit)], |row| id_column(row, 0))?
                .collect()
        })
    }

    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError> {
        self.write_removal(|connection| ids.iter().try_for_each(|id| forget(connection, id)))
    }
}

pub(super) fn get(connection: &Connection, name: &str) -> Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(super) fn set(connection: &Connection, name: &str, value: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])?;
    Ok(())
}

/// Takes an id off the record of removed pictures.
pub(super) fn forget(connection: &Connection, id: &PictureId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM removed_pictures WHERE id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}
