//! Opening a catalogue, and running work on one of its connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};

use super::errors::from_sql;
use super::{connection, schema};
use crate::error::StoreError;
use crate::folder::sync_folder;
use crate::guard::{FolderGuard, Watched};
use crate::lock::SharedFolderLock;

/// Name of the catalogue's file in the data folder.
pub(super) const FILE: &str = "catalogue.sqlite3";

/// SQLite's rollback journal, which exists only while a catalogue is being created.
const JOURNAL: &str = "catalogue.sqlite3-journal";

/// Idle reading connections to keep; more are opened when more threads read at once.
const IDLE_READERS: usize = 16;

/// A [`crate::Catalogue`] in one SQLite file, or in memory.
///
/// A commit waits up to 10 seconds for another process's commit, then fails with `store_busy`.
#[derive(Debug)]
pub struct SqliteCatalogue {
    path: PathBuf,
    pub(super) access: Access,
}

#[derive(Debug)]
pub(super) enum Access {
    ReadWrite {
        writer: Mutex<Connection>,
        readers: Mutex<Vec<Connection>>,
        /// The file that `writer` has open.
        file: Watched,
        guard: Option<Arc<FolderGuard>>,
    },
    ReadOnly {
        readers: Mutex<Vec<Connection>>,
        /// Keeps others from changing a catalogue that is read as a file that does not change.
        still: Option<SharedFolderLock>,
    },
    /// A database in memory belongs to its one connection, so reads wait for writes here.
    InMemory { only: Mutex<Connection> },
}

impl SqliteCatalogue {
    /// Opens the catalogue in the folder `dir` for reading and writing, creating either if it does
    /// not exist, and migrating a file of an earlier format. Fails with `store_newer` or
    /// `store_damaged` without having changed the file.
    ///
    /// Hold a [`crate::FolderLock`] on the data folder while it is open.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, None)
    }

    /// As [`SqliteCatalogue::open`], for a folder that is or lies in the data folder of `guard`. Removals
    /// and this opening get the space of the reserve on a full disk, where additions are refused.
    pub fn open_guarded(dir: &Path, guard: &Arc<FolderGuard>) -> Result<Self, StoreError> {
        guard.check()?;
        guard.with_reserve(|| Self::open_with(dir, Some(guard)))
    }

    fn open_with(dir: &Path, guard: Option<&Arc<FolderGuard>>) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|error| StoreError::from_io(dir, error))?;
        let path = dir.join(FILE);
        let writer = connection::open_writer(&path)?;
        // The file's own entry must be durable before the first commit is acknowledged.
        sync_folder(dir)?;
        if let Some(guard) = guard {
            guard.watch(&path);
        }
        let access = Access::ReadWrite {
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            file: Watched::new(&path),
            guard: guard.cloned(),
        };
        Ok(Self { path, access })
    }

    /// Whether `dir` holds the file of a catalogue, which may be incomplete.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(FILE).is_file()
    }

    /// Whether the catalogue in `dir` may have been left by a process that was killed while it created it.
    pub(crate) fn may_be_unfinished(dir: &Path) -> bool {
        let is_empty = |file: std::fs::Metadata| file.is_file() && file.len() == 0;
        dir.join(JOURNAL).exists() || dir.join(FILE).metadata().is_ok_and(is_empty)
    }

    /// Opens the catalogue in `dir` for reading, also while another process writes to it. Sees
    /// what that process commits. What a killed process has left is undone or completed first, by
    /// writing; where this process may not write, that fails with `store_cut_short`. Fails with
    /// `store_missing` if there is no catalogue, and as [`SqliteCatalogue::open`] does.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let first = connection::open_reader(&path)?;
        Self::reading(path, first, None)
    }

    /// Opens the catalogue in `dir` as [`SqliteCatalogue::open_read_only`] does, also where this user may not
    /// write into `dir` and nothing has the catalogue open: on a read-only disk, say. Then no process can open
    /// the data folder `root` for changes until the catalogue is closed; fails with `store_locked` while one
    /// has it open.
    pub fn open_read_only_in(root: &Path, dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        if !connection::is_beyond_writing(&path) {
            return Self::open_read_only(dir);
        }
        let still = match SharedFolderLock::acquire(root) {
            Ok(still) => still,
            // A process that may write has come meanwhile, and has created what readers need.
            Err(locked @ StoreError::Locked { .. }) => {
                return Self::open_read_only(dir).map_err(|_| locked);
            }
            Err(error) => return Err(error),
        };
        let first = connection::open_unchanging(&path)?;
        Self::reading(path, first, Some(still))
    }

    fn reading(
        path: PathBuf,
        first: Connection,
        still: Option<SharedFolderLock>,
    ) -> Result<Self, StoreError> {
        schema::check(&path, &first)?;
        let readers = Mutex::new(vec![first]);
        let access = Access::ReadOnly { readers, still };
        Ok(Self { path, access })
    }

    /// An empty catalogue in the memory of this value, with SQLite's own checks; for tests and trials.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let only = Mutex::new(connection::open_in_memory(&path)?);
        let access = Access::InMemory { only };
        Ok(Self { path, access })
    }

    /// Runs `work` on one committed state of the catalogue.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        match &self.access {
            Access::InMemory { only } => self.read_with(&mut only.lock(), work),
            Access::ReadWrite { readers, .. } | Access::ReadOnly { readers, .. } => {
                // In a statement of its own, so that the pool is not locked while a file is opened.
                let idle = readers.lock().pop();
                let mut reader = match idle {
                    Some(reader) => reader,
                    None => self.open_reader()?,
                };
                // A connection that failed is closed rather than used again.
                let read = self.read_with(&mut reader, work)?;
                let mut idle = readers.lock();
                if idle.len() < IDLE_READERS {
                    idle.push(reader);
                }
                Ok(read)
            }
        }
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        match &self.access {
            Access::ReadOnly { still: Some(_), .. } => connection::open_unchanging(&self.path),
            _ => connection::open_reader(&self.path),
        }
    }

    /// The transaction makes several statements see the same state.
    fn read_with<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = || {
            let transaction = connection.transaction()?;
            let read = work(&transaction)?;
            transaction.commit()?;
            Ok(read)
        };
        run().map_err(|error| from_sql(&self.path, error))
    }

    /// The connection for writing. Fails with `store_read_only` where there is none.
    pub(super) fn writer(&self) -> Result<&Mutex<Connection>, StoreError> {
        match &self.access {
            Access::ReadWrite { writer, .. } => Ok(writer),
            Access::InMemory { only } => Ok(only),
            Access::ReadOnly { .. } => Err(StoreError::ReadOnly),
        }
    }

    /// Runs `work` so that all its changes are stored, durably, or none. If `work` panics, the
    /// transaction is rolled back.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(guard) = self.guard() else {
            return self.transact(work);
        };
        guard.check_for_adding()?;
        self.transact(work).inspect_err(|error| guard.note(error))
    }

    /// As [`SqliteCatalogue::write`], for changes that free space: on a full disk they are tried again with
    /// the space of the reserve.
    pub(super) fn write_removal<T>(
        &self,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(guard) = self.guard() else {
            return self.transact(work);
        };
        let mut tries = 0;
        guard.with_reserve(|| {
            tries += 1;
            let done = self.transact(&mut work)?;
            if tries > 1 {
                // The log must not grow with each removal while there is no space for it.
                connection::move_log(&self.writer()?.lock());
            }
            Ok(done)
        })
    }

    fn guard(&self) -> Option<&FolderGuard> {
        match &self.access {
            Access::ReadWrite { guard, .. } => guard.as_deref(),
            Access::InMemory { .. } | Access::ReadOnly { .. } => None,
        }
    }

    fn transact<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer()?.lock();
        let sql = |error| from_sql(&self.path, error);
        // Taking the write lock at once: a transaction that starts by reading cannot wait for
        // another writer later.
        let transaction = writer
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let done = work(&transaction).map_err(sql)?;
        if let Access::ReadWrite { file, guard, .. } = &self.access {
            // Otherwise a commit would go to a file that nobody opens again.
            file.check()?;
            guard.as_ref().map_or(Ok(()), |guard| guard.check())?;
        }
        transaction.commit().map_err(sql)?;
        Ok(done)
    }
}

impl Drop for SqliteCatalogue {
    /// After opening for writing, moves everything into the one file, so that a copy of it is
    /// whole. A failure loses nothing: the write-ahead log beside the file still has the rest.
    fn drop(&mut self) {
        if let Access::ReadWrite {
            writer, readers, ..
        } = &mut self.access
        {
            // First, because SQLite tidies up when the last connection closes, and one opened for
            // reading cannot.
            readers.get_mut().clear();
            connection::empty_log(writer.get_mut());
        }
    }
}
