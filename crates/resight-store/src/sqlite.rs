//! The catalogue in one SQLite file.
//!
//! One connection writes, behind a mutex; reads take connections from a pool, so that with the
//! write-ahead log they run beside a commit. Invariant: only the writing connection may change the
//! file; every other one is opened for reading.

mod changes;
mod connection;
mod labels;
mod pairs;
mod reads;
mod schema;
mod staged;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::folder::sync_folder;
use crate::{
    Catalogue, Change, Effect, Filter, NotAMatch, ObjectCount, PairLink, PairedPicture, Pairs,
    PictureId, PicturePair, PictureRecord, Refusal, SourceFile, StoreError, StoredBytes,
};

/// Name of the catalogue's file in the data folder.
const FILE: &str = "catalogue.sqlite3";

/// Idle reading connections to keep; more are opened when more threads read at once.
const IDLE_READERS: usize = 16;

/// A [`Catalogue`] in one SQLite file, or in memory.
///
/// A commit waits up to 10 seconds for another process's commit, then fails with `store_busy`.
#[derive(Debug)]
pub struct SqliteCatalogue {
    /// The file, for messages.
    path: PathBuf,
    access: Access,
}

#[derive(Debug)]
enum Access {
    ReadWrite {
        writer: Mutex<Connection>,
        readers: Mutex<Vec<Connection>>,
    },
    ReadOnly {
        readers: Mutex<Vec<Connection>>,
    },
    /// A database in memory belongs to its one connection, so reads wait for writes here.
    InMemory {
        only: Mutex<Connection>,
    },
}

impl SqliteCatalogue {
    /// Opens the catalogue in the folder `dir` for reading and writing, creating either if it is
    /// not there, and taking a file of an earlier format over. Fails with `store_newer` or
    /// `store_damaged` without having changed the file.
    ///
    /// Hold a [`crate::FolderLock`] on the data folder meanwhile.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|error| StoreError::from_io(dir, error))?;
        let path = dir.join(FILE);
        let writer = connection::open_writer(&path)?;
        // The file's own entry must be durable before the first commit is acknowledged.
        sync_folder(dir)?;
        Ok(Self {
            path,
            access: Access::ReadWrite {
                writer: Mutex::new(writer),
                readers: Mutex::default(),
            },
        })
    }

    /// Whether there is a file of a catalogue in `dir`; it may not be whole.
    pub(crate) fn is_in(dir: &Path) -> bool {
        dir.join(FILE).is_file()
    }

    /// Opens the catalogue in `dir` for reading, also while another process writes to it. Sees
    /// what that process commits. Fails with `store_missing` if there is no catalogue, and as
    /// [`SqliteCatalogue::open`] does.
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let first = connection::open_reader(&path)?;
        schema::check(&path, &first)?;
        Ok(Self {
            path,
            access: Access::ReadOnly {
                readers: Mutex::new(vec![first]),
            },
        })
    }

    /// An empty catalogue that lives as long as this value, for tests and trials.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let only = connection::open_in_memory(&path)?;
        Ok(Self {
            path,
            access: Access::InMemory {
                only: Mutex::new(only),
            },
        })
    }

    /// Runs `work` on one committed state of the catalogue.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        match &self.access {
            Access::InMemory { only } => self.read_with(&mut lock(only), work),
            Access::ReadWrite { readers, .. } | Access::ReadOnly { readers } => {
                // In a statement of its own, so that the pool is not locked while a file is opened.
                let idle = lock(readers).pop();
                let mut reader = match idle {
                    Some(reader) => reader,
                    None => connection::open_reader(&self.path)?,
                };
                // A connection that failed is closed rather than used again.
                let found = self.read_with(&mut reader, work)?;
                let mut idle = lock(readers);
                if idle.len() < IDLE_READERS {
                    idle.push(reader);
                }
                Ok(found)
            }
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
            let found = work(&transaction)?;
            transaction.commit()?;
            Ok(found)
        };
        run().map_err(|error| StoreError::from_sql(&self.path, error))
    }

    /// Runs `work` so that all of it is kept, durably, or none.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let writer = match &self.access {
            Access::ReadWrite { writer, .. } => writer,
            Access::InMemory { only } => only,
            Access::ReadOnly { .. } => return Err(StoreError::ReadOnly),
        };
        let mut writer = lock(writer);
        let run = || {
            // Taking the write lock at once: a transaction that starts by reading cannot wait for
            // another writer later.
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|error| StoreError::from_sql(&self.path, error))
    }
}

impl Catalogue for SqliteCatalogue {
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError> {
        if changes.is_empty() && !matches!(self.access, Access::ReadOnly { .. }) {
            return Ok(Vec::new());
        }
        let now = now_ms();
        self.write(|connection| changes::apply_all(connection, changes, now))
    }

    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError> {
        self.read(|connection| reads::picture(connection, id))
    }

    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError> {
        self.read(|connection| reads::pictures(connection, keys))
    }

    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError> {
        self.read(|connection| reads::list(connection, ("", &[]), offset, limit))
    }

    fn count(&self) -> Result<u64, StoreError> {
        self.read(|connection| reads::number(connection, "SELECT COUNT(*) FROM picture"))
    }

    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError> {
        self.read(|connection| labels::list(connection, filter, offset, limit))
    }

    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.read(|connection| labels::count(connection, filter))
    }

    fn matching_keys(&self, filter: &Filter) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| labels::keys(connection, filter))
    }

    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError> {
        self.read(|connection| labels::objects(connection, offset, limit))
    }

    fn object_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(DISTINCT object) FROM picture";
        self.read(|connection| reads::number(connection, sql))
    }

    fn object_numbers(&self) -> Result<Vec<(u64, u32)>, StoreError> {
        self.read(labels::object_numbers)
    }

    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| reads::blobs(connection, "features", keys))
    }

    fn keys(&self) -> Result<Vec<(u64, u32)>, StoreError> {
        self.read(reads::keys)
    }

    fn words_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| reads::blobs_after(connection, "words", key, limit))
    }

    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read(|connection| reads::blobs(connection, "words", keys))
    }

    fn features_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| reads::blobs_after(connection, "features", key, limit))
    }

    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        self.write(|connection| staged::stage(connection, words))
    }

    fn staged_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| staged::after(connection, key, limit))
    }

    fn staged_last(&self) -> Result<Option<u64>, StoreError> {
        self.read(staged::last)
    }

    fn discard_staged(&self) -> Result<(), StoreError> {
        self.write(staged::discard)
    }

    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError> {
        self.write(|connection| staged::adopt(connection, setting, value))
    }

    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError> {
        self.read(|connection| reads::source(connection, path))
    }

    fn sources_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SourceFile, PictureId)>, StoreError> {
        self.read(|connection| reads::sources_under(connection, prefix, after, limit))
    }

    fn refusals_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Refusal>, StoreError> {
        self.read(|connection| reads::refusals_under(connection, prefix, after, limit))
    }

    fn refusal_count(&self) -> Result<u64, StoreError> {
        self.read(|connection| reads::number(connection, "SELECT COUNT(*) FROM refusal"))
    }

    fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        })
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.write(|connection| changes::set_setting(connection, name, value))
    }

    fn stored_bytes(&self) -> Result<StoredBytes, StoreError> {
        self.read(reads::stored_bytes)
    }

    fn removed_pictures(&self, limit: usize) -> Result<Vec<PictureId>, StoreError> {
        self.read(|connection| reads::removed_pictures(connection, limit))
    }

    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError> {
        self.write(|connection| {
            ids.iter()
                .try_for_each(|id| changes::forget_removed(connection, id))
        })
    }
}

impl Pairs for SqliteCatalogue {
    fn keep_pairs(&self, pairs: &[PicturePair], looked_up_to: u64) -> Result<(), StoreError> {
        self.write(|connection| pairs::keep(connection, pairs, looked_up_to))
    }

    fn looked_up_to(&self) -> Result<u64, StoreError> {
        self.read(pairs::looked_up_to)
    }

    fn not_looked_for(&self) -> Result<u64, StoreError> {
        self.read(pairs::not_looked_for)
    }

    fn keys_above(&self, key: u64, limit: usize) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| pairs::keys_above(connection, key, limit))
    }

    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError> {
        self.read(|connection| pairs::links_after(connection, after, limit))
    }

    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError> {
        self.read(|connection| pairs::pairs(connection, keys))
    }

    fn paired(&self) -> Result<Vec<PairedPicture>, StoreError> {
        self.read(pairs::paired)
    }

    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        let now = now_ms();
        self.write(|connection| pairs::add_not_a_match(connection, (a, b), now))
    }

    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError> {
        self.write(|connection| pairs::drop_not_a_match(connection, a, b))
    }

    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError> {
        self.read(|connection| pairs::not_matches(connection, offset, limit))
    }

    fn not_match_count(&self) -> Result<u64, StoreError> {
        self.read(pairs::not_match_count)
    }

    fn not_matches_of(&self, id: &PictureId) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| pairs::not_matches_of(connection, id))
    }

    fn not_match_keys(&self) -> Result<Vec<(u64, u64)>, StoreError> {
        self.read(pairs::not_match_keys)
    }
}

impl Drop for SqliteCatalogue {
    /// After opening for writing, brings everything into the one file, so that a copy of it is
    /// whole. A failure loses nothing: the write-ahead log beside the file still has the rest.
    fn drop(&mut self) {
        if let Access::ReadWrite { writer, readers } = &mut self.access {
            // First, because SQLite tidies up when the last connection closes, and one opened for
            // reading cannot.
            readers
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
            let writer = writer.get_mut().unwrap_or_else(PoisonError::into_inner);
            connection::empty_log(writer);
        }
    }
}

/// A thread that panicked in the middle left no half-made change: its transaction was rolled back
/// while it unwound. So a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
