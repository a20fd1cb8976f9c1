//! One writing process a data folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::StoreError;
use crate::guard::{self, FolderGuard};

/// Exclusive use of a data folder, for as long as this value lives.
///
/// The operating system holds the lock, so it ends with the process, even after `kill -9`. The file
/// stays: removing it would let two processes lock two different files of the same name. It contains
/// the process id as text, for error messages only.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    guard: Arc<FolderGuard>,
}

impl FolderLock {
    /// Name of the lock's file in the data folder.
    const FILE: &'static str = "lock";

    /// Locks `dir`, creating it if it does not exist. Does not wait: fails with `store_locked` while
    /// another process (or another `FolderLock` of this one) has it.
    pub fn acquire(dir: &Path) -> Result<Self, StoreError> {
        create_private(dir).map_err(|error| StoreError::from_io(dir, error))?;
        let path = dir.join(Self::FILE);
        let io = |error| StoreError::from_io(&path, error);
        // Not truncated here: before this has the lock, the content is the holder's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let locked = file.try_lock();
        check(locked, dir, &path, &mut file)?;
        file.set_len(0).map_err(io)?;
        match file.write_all(std::process::id().to_string().as_bytes()) {
            // On a full disk a message has to do without the number.
            Err(error) if !guard::is_full(&error) => return Err(io(error)),
            _ => {}
        }
        let guard = Arc::new(FolderGuard::new(dir, &path));
        Ok(Self { file, guard })
    }

    /// What watches the folder: share it with the catalogues and blobs in it.
    pub fn guard(&self) -> &Arc<FolderGuard> {
        &self.guard
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Messages must not name a process that has ended. If this fails, the number is merely stale.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Fails where the lock's `file` at `path` could not be had.
fn check(
    locked: Result<(), TryLockError>,
    dir: &Path,
    path: &Path,
    file: &mut File,
) -> Result<(), StoreError> {
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => StoreError::Locked {
            location: dir.display().to_string(),
            pid: read_pid(file),
        },
        TryLockError::Error(error) => StoreError::from_io(path, error),
    })
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Shared use of a data folder that this process may not write to: while one lives, no [`FolderLock`] can be had.
#[derive(Debug)]
pub struct SharedFolderLock {
    _file: File,
}

impl SharedFolderLock {
    /// Shares `dir` with other readers. Does not wait: fails with `store_locked` while a process has the
    /// folder open for changes, and with `store_io` where there is no lock's file to share.
    pub fn acquire(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FolderLock::FILE);
        let io = |error| StoreError::from_io(&path, error);
        let mut file = File::open(&path).map_err(io)?;
        let locked = file.try_lock_shared();
        check(locked, dir, &path, &mut file)?;
        Ok(Self { _file: file })
    }
}

/// Creates the folder and its parents, readable by their owner alone: names and locations of pictures
/// are private.
pub fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
