//! Blobs as files in a folder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::blobs::{BlobStore, check_blob_name};
use crate::error::StoreError;
use crate::guard::FolderGuard;

/// Folder for unfinished files. A blob's name cannot contain `+`, so the two never clash, and what a
/// crash left behind is found without walking through all blobs.
const UNFINISHED: &str = "+tmp";

/// A file that exists while the folder is open for writing. One that is found at opening was left by a process
/// that was killed, or by one in which a blob could not be stored or deleted.
const OPEN: &str = "+open";

/// A [`BlobStore`] with one file for each blob, in folders that follow its name.
///
/// Hold a [`crate::FolderLock`] while it is open for writing: opening removes unfinished files,
/// those of another process as well.
#[derive(Debug)]
pub struct FolderBlobs {
    root: PathBuf,
    /// Folders whose entry in their parent is known to be on the disk.
    settled: Mutex<HashSet<PathBuf>>,
    next: AtomicU64,
    guard: Option<Arc<FolderGuard>>,
    /// Folders with deletions that may not be on the disk.
    unsettled: Mutex<HashSet<PathBuf>>,
    is_writer: bool,
    was_left_open: bool,
    /// Whether a blob may be there whose caller got an error.
    has_failed: AtomicBool,
}

impl FolderBlobs {
    /// Opens the folder, creating it if it does not exist, and removes what unfinished writes left.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let unfinished = dir.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::from_io(&unfinished, error));
            }
            _ => {}
        }
        fs::create_dir_all(&unfinished).map_err(|error| StoreError::from_io(&unfinished, error))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        let open = dir.join(OPEN);
        let was_left_open = open.exists();
        File::create(&open).map_err(|error| StoreError::from_io(&open, error))?;
        // A blob that outlives a power cut must not outlive the sign that it may be unknown.
        sync_folder(dir)?;
        let mut opened = Self::for_reading(dir);
        opened.settled.get_mut().insert(dir.to_path_buf());
        opened.is_writer = true;
        opened.was_left_open = was_left_open;
        Ok(opened)
    }

    /// Whether the process that had it open for writing before was killed, or could not store or delete a blob,
    /// so that there may be blobs which the catalogue does not know.
    pub fn was_left_open(&self) -> bool {
        self.was_left_open
    }

    /// As [`FolderBlobs::open`], in the data folder of `guard`: while the disk is full nothing is put.
    pub fn open_guarded(dir: &Path, guard: &Arc<FolderGuard>) -> Result<Self, StoreError> {
        guard.check()?;
        let mut opened = guard.with_reserve(|| Self::open(dir))?;
        opened.guard = Some(guard.clone());
        Ok(opened)
    }

    /// The folder as it is, for reading alone: it needs no lock, creates nothing and removes nothing.
    pub fn for_reading(dir: &Path) -> Self {
        Self {
            root: dir.to_path_buf(),
            settled: Mutex::default(),
            next: AtomicU64::new(0),
            guard: None,
            unsettled: Mutex::default(),
            is_writer: false,
            was_left_open: false,
            has_failed: AtomicBool::new(false),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        check_blob_name(name)?;
        Ok(self.root.join(name))
    }

    /// Creates every folder of `name` so that it survives a power cut, and returns the innermost.
    fn settle_folders(&self, name: &str) -> Result<PathBuf, StoreError> {
        let mut folder = self.root.clone();
        let mut parts: Vec<&str> = name.split('/').collect();
        parts.pop();
        let mut settled = self.settled.lock();
        for part in parts {
            let parent = folder.clone();
            folder.push(part);
            if settled.contains(&folder) {
                continue;
            }
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(StoreError::from_io(&folder, error));
                }
                _ => {}
            }
            // Even if it existed: a crash may have come between its creation and this call.
            sync_folder(&parent)?;
            settled.insert(folder.clone());
        }
        Ok(folder)
    }

    fn put_unguarded(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let target = self.path(name)?;
        let folder = self.settle_folders(name)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self
            .root
            .join(UNFINISHED)
            .join(format!("{}-{number}", std::process::id()));
        let written = self
            .write_unfinished(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, &target));
        if let Err(error) = written {
            // Frees the space at once, which matters when the disk is full; else at the next open.
            let _ = fs::remove_file(&unfinished);
            return Err(StoreError::from_io(&target, error));
        }
        sync_folder(&folder)
    }

    fn write_unfinished(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }
}

impl BlobStore for FolderBlobs {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if let Some(guard) = &self.guard {
            guard.check_for_adding()?;
        }
        self.put_unguarded(name, bytes).inspect_err(|error| {
            // It may have its name already, and may be lost or not.
            self.has_failed.store(true, Ordering::Relaxed);
            if let Some(guard) = &self.guard {
                guard.note(error);
            }
        })
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(name)?;
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if means_absent(&error) => Ok(None),
            Err(error) => Err(StoreError::from_io(&path, error)),
        }
    }

    fn part(&self, name: &str, range: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(name)?;
        let read = || {
            let mut file = File::open(&path)?;
            // A folder opens on some systems.
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            file.seek(SeekFrom::Start(range.start))?;
            let mut bytes = Vec::new();
            let most = range.end.saturating_sub(range.start);
            file.take(most).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if means_absent(&error) => Ok(None),
            Err(error) => Err(StoreError::from_io(&path, error)),
        }
    }

    fn delete(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => {
                let folder = path.parent().map(Path::to_path_buf);
                self.unsettled.lock().extend(folder);
                Ok(true)
            }
            // Some systems report a folder here as "not permitted".
            Err(error) if means_absent(&error) || path.is_dir() => Ok(false),
            Err(error) => {
                self.has_failed.store(true, Ordering::Relaxed);
                Err(StoreError::from_io(&path, error))
            }
        }
    }

    fn settle_deletions(&self) -> Result<(), StoreError> {
        let folders = std::mem::take(&mut *self.unsettled.lock());
        for folder in &folders {
            if let Err(error) = sync_folder(folder) {
                self.unsettled.lock().extend(folders);
                return Err(error);
            }
        }
        Ok(())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let path = self.path(folder)?;
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if means_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::from_io(&path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let io = |error| StoreError::from_io(&path, error);
            let entry = entry.map_err(io)?;
            if entry.file_type().map_err(io)?.is_file() {
                names.extend(
                    entry
                        .file_name()
                        .to_str()
                        .map(|name| format!("{folder}/{name}")),
                );
            }
        }
        Ok(names)
    }
}

impl Drop for FolderBlobs {
    fn drop(&mut self) {
        // A power cut must not bring back a blob that was deleted, and not the sign that it may be unknown.
        if self.is_writer && !*self.has_failed.get_mut() && self.settle_deletions().is_ok() {
            // If it stays, the next opening looks for what a kill might have left.
            let _ = fs::remove_file(self.root.join(OPEN));
        }
    }
}

/// Whether the error says that no file has this name, even if a folder has.
fn means_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

/// Writes a folder's entries to the disk. Elsewhere than on Unix a folder cannot be opened for
/// this, and the file system orders renames itself.
pub(crate) fn sync_folder(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| StoreError::from_io(dir, error))?;
    }
    Ok(())
}
