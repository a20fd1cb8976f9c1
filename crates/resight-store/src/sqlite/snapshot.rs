//! A copy of one committed state, made while the catalogue is in use.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::catalogue::SqliteCatalogue;
use super::errors::from_sql;
use crate::error::StoreError;

/// Pages that are copied between two questions whether to go on: 32 MiB.
const PAGES: i32 = 4096;

impl SqliteCatalogue {
    /// Name of the catalogue's file in its folder.
    pub const FILE_NAME: &'static str = super::catalogue::FILE;

    /// Copies one committed state of the catalogue into the folder `dir`, which has none yet, also while
    /// another process changes it. Calls `on_step` with the pages copied and of all from time to time, and
    /// stops where that returns `false`; returns whether the copy is whole. The copy is not written through
    /// to the disk.
    pub fn copy_to(
        &self,
        dir: &Path,
        on_step: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<bool, StoreError> {
        let path = dir.join(Self::FILE_NAME);
        let mut copy = open_copy(&path)?;
        let copied = self.read(|source| {
            // The transaction begins with its first read, and all steps see its state.
            source.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
            let backup = Backup::new(source, &mut copy)?;
            loop {
                let step = backup.step(PAGES)?;
                let progress = backup.progress();
                let total = u64::try_from(progress.pagecount).unwrap_or(0);
                let left = u64::try_from(progress.remaining).unwrap_or(0);
                let goes_on = on_step(total.saturating_sub(left), total);
                match step {
                    StepResult::Done => return Ok(true),
                    _ if !goes_on => return Ok(false),
                    _ => {}
                }
            }
        })?;
        copy.close().map_err(|(_, error)| from_sql(&path, error))?;
        Ok(copied)
    }
}

/// Opens a new file to be copied into. A copy that is cut short is of no use, so nothing needs to be undone.
pub(crate) fn open_copy(path: &Path) -> Result<Connection, StoreError> {
    let target = |error| from_sql(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(path, flags).map_err(target)?;
    for (name, value) in [("journal_mode", "off"), ("synchronous", "off")] {
        copy.pragma_update(None, name, value).map_err(target)?;
    }
    Ok(copy)
}
