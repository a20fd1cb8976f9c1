//! A copy of one committed state, made while the records are in use.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::schema::ServiceRecords;
use crate::error::StoreError;
use crate::lock::SharedFolderLock;
use crate::sqlite::{from_sql, immutable, is_beyond_writing, open_copy};

/// Pages that are copied in one step: 16 MiB.
const PAGES: i32 = 4096;
/// Between two steps, and where another process is in the way.
const PAUSE: Duration = Duration::from_millis(5);
/// How long to wait for another process's lock.
const PATIENCE: Duration = Duration::from_secs(10);

impl ServiceRecords {
    /// Copies registered folders and jobs that have ended from the data folder `dir` into the folder `into`, which
    /// has no such file yet, also while another process changes them. Jobs that wait or run are left out: they belong
    /// to the machine that they were made on. The copy is checked, is one file, and is not written through to the
    /// disk. Returns `false` where there is nothing to copy.
    ///
    /// # Errors
    /// `store_damaged` where what was copied is not whole; and those of the files.
    pub fn copy(dir: &Path, into: &Path) -> Result<bool, StoreError> {
        let source = dir.join(Self::FILE_NAME);
        if !Self::is_in(dir) {
            return Ok(false);
        }
        copy_file(dir, &source, &into.join(Self::FILE_NAME))?;
        // Opening it tells whether it has such records at all.
        let copy = Self::open(into).map_err(|error| of_source(&source, error))?;
        let wrong: Vec<String> = copy
            .read(|connection| {
                connection
                    .prepare("PRAGMA integrity_check")?
                    .query_map([], |row| row.get(0))?
                    .collect()
            })
            .map_err(|error| of_source(&source, error))?;
        if let Some(wrong) = wrong.into_iter().find(|line| line != "ok") {
            return Err(damaged(&source, wrong));
        }
        copy.write(|transaction| {
            transaction.execute("DELETE FROM job WHERE ended_ms IS NULL", [])
        })?;
        copy.folders().map_err(|error| of_source(&source, error))?;
        // Closing it moves its log into it.
        drop(copy);
        let mut log = into.join(Self::FILE_NAME).into_os_string();
        log.push("-wal");
        match std::fs::metadata(&log) {
            Ok(file) if file.len() > 0 => Err(StoreError::Failed {
                location: Path::new(&log).display().to_string(),
                detail: "the log was not written back to the copy".into(),
            }),
            _ => Ok(true),
        }
    }
}

fn copy_file(dir: &Path, source: &Path, target: &Path) -> Result<(), StoreError> {
    let in_source = |error| from_sql(source, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Where this user may not write, nobody else may open the folder for changes meanwhile.
    let still = match is_beyond_writing(source) {
        true => Some(SharedFolderLock::acquire(dir)?),
        false => None,
    };
    let opened = match still {
        Some(_) => {
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(immutable(source), flags)
        }
        None => Connection::open_with_flags(source, flags),
    };
    let from = opened.map_err(in_source)?;
    from.busy_timeout(PATIENCE).map_err(in_source)?;
    let mut to = open_copy(target)?;
    let copied = (|| {
        let backup = Backup::new(&from, &mut to)?;
        backup.run_to_completion(PAGES, PAUSE, None)
    })();
    copied.map_err(in_source)?;
    to.close().map_err(|(_, error)| from_sql(target, error))
}

/// Names the file that was copied in place of the copy.
fn of_source(source: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { detail, .. } => damaged(source, detail),
        other => other,
    }
}

fn damaged(source: &Path, detail: String) -> StoreError {
    StoreError::Damaged {
        location: source.display().to_string(),
        detail,
    }
}
