//! Backups of a data folder, and data folders from backups.
//!
//! A backup is a folder with `manifest.jsonl` and `files/`, where each file has the BLAKE3 hash of its content as its
//! name. Nothing in `files/` is written over, except that a file which lost its content is exchanged by a rename: a backup
//! adds what is new, then exchanges the manifest, and only then deletes what no manifest names. So a kill at any moment
//! leaves the backup before whole.

mod copy;
mod manifest;
mod pool;
mod read;
mod restore;
mod same;
mod write;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::AppError;
use crate::config::resolved;
use crate::private;

pub use restore::{Restored, restore};
pub use write::{BackupOptions, BackupReport, backup};

/// The list of what the backup consists of.
const MANIFEST: &str = "manifest.jsonl";
/// Folder of the files.
const FILES: &str = "files";
/// Folder of files that are being written.
const UNFINISHED: &str = "unfinished";
/// Keeps two processes from changing one backup.
const LOCK: &str = "lock";
/// Folder for the descriptions of global models, in a backup and in a restored data folder.
const MODELS: &str = "restored-models";

/// What the paths of files begin with that are not of the default collection; the collection's name is next.
const COLLECTIONS: &str = "collections/";

/// A backup's folder, locked.
struct BackupFolder {
    path: PathBuf,
    // Released with the value.
    _lock: File,
}

impl BackupFolder {
    /// Locks a folder to write a backup into: one that does not exist, is empty, or has a backup.
    fn to_write(path: &Path) -> Result<Self, AppError> {
        let unusable = |why: String| AppError::BackupTarget {
            path: path.to_owned(),
            why,
        };
        let unwritable = |error| AppError::unwritable(path, error);
        private::create_folder(path).map_err(|error| unusable(error.to_string()))?;
        for entry in std::fs::read_dir(path).map_err(unwritable)? {
            let name = entry.map_err(unwritable)?.file_name();
            let is_ours = [MANIFEST, FILES, UNFINISHED, LOCK]
                .iter()
                .any(|own| name == *own);
            if !is_ours {
                let name = name.to_string_lossy().into_owned();
                return Err(unusable(format!(
                    "it has {name:?}, which is no part of a backup"
                )));
            }
        }
        let lock = path.join(LOCK);
        let file = private::to_write().truncate(false).open(&lock);
        let file = file.map_err(|error| AppError::unwritable(&lock, error))?;
        Self::locked(path, file.try_lock(), file)
    }

    /// Locks a folder that has a backup, to read it.
    fn to_read(path: &Path) -> Result<Self, AppError> {
        let file = File::open(path.join(LOCK)).map_err(|error| AppError::NoBackup {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Self::locked(path, file.try_lock_shared(), file)
    }

    fn locked(path: &Path, got: Result<(), TryLockError>, file: File) -> Result<Self, AppError> {
        match got {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: file,
            }),
            Err(TryLockError::WouldBlock) => Err(AppError::BackupBusy {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(AppError::unwritable(path, error)),
        }
    }

    fn manifest(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    /// Where the file with this hash is, or comes to be.
    fn file(&self, hash: &blake3::Hash) -> PathBuf {
        let name = hash.to_hex();
        self.path.join(FILES).join(&name[..2]).join(&name[2..])
    }
}

/// Whether one of two folders lies in the other, or both are one.
fn lie_in_each_other(a: &Path, b: &Path) -> bool {
    let (a, b) = (resolved(a), resolved(b));
    a.starts_with(&b) || b.starts_with(&a)
}

/// Writes a folder's entries to the disk.
fn sync_folder(dir: &Path) -> Result<(), AppError> {
    if cfg!(unix) {
        File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| AppError::unwritable(dir, error))?;
    }
    Ok(())
}
