//! Registered folders.

use rusqlite::{OptionalExtension, Result, Row, params};

use super::jobs::{collection, integer, whole};
use super::records::{FolderRecord, NewFolder};
use super::schema::ServiceRecords;
use crate::clock::now_ms;
use crate::error::StoreError;

const COLUMNS: &str = "id, path, collection, rules, made_by, made_ms, last_run_ms, last_job";

impl ServiceRecords {
    /// Registers a folder for a collection. One that is registered already stays as it is. Returns it, and
    /// whether it is new.
    pub fn add_folder(
        &self,
        new: &NewFolder,
    ) -> std::result::Result<(FolderRecord, bool), StoreError> {
        self.write(|transaction| {
            let added = transaction.execute(
                "INSERT INTO folder (path, collection, rules, made_by, made_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                params![
                    new.path,
                    new.collection.as_str(),
                    new.rules,
                    new.made_by,
                    now_ms()
                ],
            )?;
            let folder = transaction.query_row(
                &format!("SELECT {COLUMNS} FROM folder WHERE path = ?1 AND collection = ?2"),
                params![new.path, new.collection.as_str()],
                record,
            )?;
            Ok((folder, added > 0))
        })
    }

    /// All registered folders, in the order in which they were registered.
    pub fn folders(&self) -> std::result::Result<Vec<FolderRecord>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM folder ORDER BY id"))?
                .query_map([], record)?
                .collect()
        })
    }

    /// The folder with this number.
    pub fn folder(&self, id: u64) -> std::result::Result<Option<FolderRecord>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM folder WHERE id = ?1"))?
                .query_row([integer(id)], record)
                .optional()
        })
    }

    /// Changes how a folder is indexed. Returns whether there is one.
    pub fn set_rules(&self, id: u64, rules: &str) -> std::result::Result<bool, StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE folder SET rules = ?2 WHERE id = ?1",
                params![integer(id), rules],
            )?;
            Ok(changed > 0)
        })
    }

    /// Forgets that a folder is registered; its pictures stay. Returns whether it was.
    pub fn remove_folder(&self, id: u64) -> std::result::Result<bool, StoreError> {
        self.write(|transaction| {
            let removed = transaction.execute("DELETE FROM folder WHERE id = ?1", [integer(id)])?;
            Ok(removed > 0)
        })
    }

    /// Records that a folder was compared with what is stored just now, and by which job, if by one.
    pub fn note_run(&self, id: u64, job: Option<u64>) -> std::result::Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE folder SET last_run_ms = ?2, last_job = COALESCE(?3, last_job) WHERE id = ?1",
                params![integer(id), now_ms(), job.map(integer)],
            )?;
            Ok(())
        })
    }
}

fn record(row: &Row<'_>) -> Result<FolderRecord> {
    Ok(FolderRecord {
        id: whole(row, 0)?,
        new: NewFolder {
            path: row.get(1)?,
            collection: collection(row, 2)?,
            rules: row.get(3)?,
            made_by: row.get(4)?,
        },
        made_ms: row.get(5)?,
        last_run_ms: row.get(6)?,
        last_job: row.get::<_, Option<i64>>(7)?.map(i64::unsigned_abs),
    })
}
