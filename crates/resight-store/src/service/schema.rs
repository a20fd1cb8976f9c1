//! The file, its tables and its one connection.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::folder::sync_folder;
use crate::sqlite::{from_sql, open_durable};

/// Marks the file: "Rsjb" in ASCII.
const APPLICATION_ID: i64 = 0x5273_6A62;
/// The format that this program writes, and the highest that it reads.
const VERSION: i64 = 1;
/// The write-ahead log is cut to this length.
const LOG_BYTES: i64 = 4 << 20;

const TABLES: &str = "
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    kind TEXT NOT NULL,
    parameters TEXT NOT NULL,
    made_by TEXT,
    folder INTEGER,
    state TEXT NOT NULL,
    is_to_end INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    report TEXT NOT NULL DEFAULT '',
    code TEXT,
    detail TEXT,
    made_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER
);
CREATE INDEX job_by_state ON job (state, id);
CREATE TABLE job_refused (
    job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;
CREATE TABLE folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    collection TEXT NOT NULL,
    rules TEXT NOT NULL,
    made_by TEXT,
    made_ms INTEGER NOT NULL,
    last_run_ms INTEGER,
    last_job INTEGER,
    UNIQUE (path, collection)
);
";

/// Jobs and registered folders of a data folder.
#[derive(Debug)]
pub struct ServiceRecords {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl ServiceRecords {
    /// Name of the file in the data folder.
    pub const FILE_NAME: &'static str = "service.sqlite3";

    /// Opens the records of the data folder `dir`, which must exist; creates them where there are none.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(Self::FILE_NAME);
        let connection = connect(&path)?;
        // The file's own entry must be durable before the first commit is acknowledged.
        sync_folder(dir)?;
        Ok(Self {
            path,
            connection: Mutex::new(connection),
        })
    }

    /// Whether the data folder has such records.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(Self::FILE_NAME).exists()
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection.lock()).map_err(|error| from_sql(&self.path, error))
    }

    /// Runs `work` in one transaction, which is durable when this returns.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        let done = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            });
        done.map_err(|error| from_sql(&self.path, error))
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let sql = |error| from_sql(path, error);
    let mut connection = open_durable(path, LOG_BYTES, |_| Ok(()))?;
    let set = connection.pragma_update(None, "foreign_keys", true);
    set.map_err(sql)?;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sql)?;
    let pragma = |name: &str| {
        let value = transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.map_err(sql)
    };
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) => {
            transaction.execute_batch(TABLES).map_err(sql)?;
            let set =
                |name: &str, value: i64| transaction.pragma_update(None, name, value).map_err(sql);
            set("application_id", APPLICATION_ID)?;
            set("user_version", VERSION)?;
        }
        (APPLICATION_ID, VERSION) => {}
        (APPLICATION_ID, newer) if newer > VERSION => {
            return Err(StoreError::Newer {
                found: u32::try_from(newer).unwrap_or(u32::MAX),
                supported: u32::try_from(VERSION).unwrap_or(u32::MAX),
            });
        }
        _ => {
            return Err(StoreError::Damaged {
                location: path.display().to_string(),
                detail: "it has no jobs of Resight".into(),
            });
        }
    }
    transaction.commit().map_err(sql)?;
    Ok(connection)
}
