//! What can happen to a data folder while a process has it open for changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::StoreError;
use crate::reserve::Reserve;

/// While the disk is full, at most this often is it asked again.
const PROBE_EACH: Duration = Duration::from_secs(1);

/// Knows whether a data folder is still where it was and whether its disk is full. One belongs to each
/// [`crate::FolderLock`]; the catalogues and blobs of the folder share it.
///
/// Invariant: while the disk is known to be full nothing is added, so that the reserve serves removals alone.
#[derive(Debug)]
pub struct FolderGuard {
    root: PathBuf,
    /// The folder, its lock, and the catalogue of the default collection once it is open.
    watched: Mutex<Vec<Watched>>,
    reserve: Reserve,
    /// Held by the one change that uses the reserve.
    relief: Mutex<()>,
    full: Mutex<Full>,
}

/// Whether the disk is full, and when that was last tried.
#[derive(Debug)]
enum Full {
    No,
    Since(Instant),
}

impl FolderGuard {
    /// Watches the folder `root` and its lock's file, and fills the reserve.
    pub(crate) fn new(root: &Path, lock: &Path) -> Self {
        let reserve = Reserve::in_folder(root);
        // One that cannot be made for another reason leaves the disk as it is: full or not.
        let full = match reserve.fill() {
            Err(error) if is_full(&error) => Full::Since(Instant::now()),
            _ => Full::No,
        };
        Self {
            root: root.to_path_buf(),
            watched: Mutex::new(vec![Watched::new(root), Watched::new(lock)]),
            reserve,
            relief: Mutex::new(()),
            full: Mutex::new(full),
        }
    }

    /// Watches a file as well, if it lies in the data folder itself.
    pub(crate) fn watch(&self, file: &Path) {
        if file.parent() == Some(&self.root) {
            self.watched.lock().push(Watched::new(file));
        }
    }

    /// Fails with `data_folder_gone` when the folder, its lock or the default collection's catalogue was
    /// removed or replaced: what is written would be lost.
    pub fn check(&self) -> Result<(), StoreError> {
        self.watched.lock().iter().try_for_each(Watched::check)
    }

    /// As [`FolderGuard::check`], and fails with `store_full` while the disk is known to be full. Asks the
    /// disk again from time to time.
    pub fn check_for_adding(&self) -> Result<(), StoreError> {
        self.check()?;
        if self.is_full() {
            return Err(StoreError::Full {
                location: self.root.display().to_string(),
            });
        }
        Ok(())
    }

    /// Everything that keeps pictures from being added at present.
    pub fn problems(&self) -> Vec<StoreError> {
        // A disk is not asked in a folder that is not ours any more.
        self.check_for_adding().err().into_iter().collect()
    }

    /// Remembers that the disk is full, if that is what `error` says.
    pub(crate) fn note(&self, error: &StoreError) {
        if matches!(error, StoreError::Full { .. }) {
            *self.full.lock() = Full::Since(Instant::now());
        }
    }

    /// Runs `work`, and once more with the space of the reserve if the disk was too full for it. For work
    /// that frees space or opens the folder.
    pub fn with_reserve<T>(
        &self,
        mut work: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let error = match work() {
            Err(error) if self.may_be_full(&error) => error,
            done => return done,
        };
        self.note(&StoreError::Full {
            location: String::new(),
        });
        let _relief = self.relief.lock();
        if self.reserve.release().is_err() {
            return Err(error);
        }
        let done = work();
        // As far as there is space: what this has freed is kept for the next removal.
        let _ = self.reserve.fill();
        done
    }

    /// SQLite reports some failures to grow a file as failures of the disk.
    fn may_be_full(&self, error: &StoreError) -> bool {
        match error {
            StoreError::Full { .. } => true,
            StoreError::Io { .. } => {
                let _relief = self.relief.lock();
                self.reserve
                    .find_space()
                    .is_err_and(|error| is_full(&error))
            }
            _ => false,
        }
    }

    fn is_full(&self) -> bool {
        let mut full = self.full.lock();
        match *full {
            Full::No => return false,
            Full::Since(tried) if tried.elapsed() < PROBE_EACH => return true,
            Full::Since(_) => {}
        }
        // A removal uses the reserve just now.
        let Some(_relief) = self.relief.try_lock() else {
            return true;
        };
        *full = match self.reserve.find_space() {
            Err(error) if is_full(&error) => Full::Since(Instant::now()),
            _ => Full::No,
        };
        matches!(*full, Full::Since(_))
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A file or folder, and what told it apart from others when it was opened.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    identity: Option<Identity>,
}

/// Number of the device and of the file on it. Elsewhere than on Unix only existence is told.
type Identity = (u64, u64);

impl Watched {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            identity: identity(path),
        }
    }

    /// Fails with `data_folder_gone` unless the path still names the same file.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.identity.is_none() || identity(&self.path) == self.identity {
            return Ok(());
        }
        Err(StoreError::Gone {
            location: self.path.display().to_string(),
        })
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let file = fs::metadata(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    Some((0, u64::from(file.is_dir())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::FolderLock;
    use crate::reserve;

    fn full() -> StoreError {
        StoreError::Full {
            location: String::new(),
        }
    }

    #[test]
    fn work_on_a_full_disk_gets_the_space_of_the_reserve_and_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let lock = FolderLock::acquire(dir.path()).unwrap();
        let reserved = || fs::metadata(dir.path().join("reserve")).unwrap().len();
        let mut seen = Vec::new();
        let done = lock.guard().with_reserve(|| {
            seen.push(reserved());
            if reserved() > 0 { Err(full()) } else { Ok(7) }
        });
        assert_eq!(done.unwrap(), 7);
        assert_eq!(seen, [reserve::BYTES, 0]);
        assert_eq!(reserved(), reserve::BYTES);
        let code = lock.guard().check_for_adding().unwrap_err().code();
        assert_eq!(code, "store_full", "it was full a moment ago");
    }

    #[test]
    fn other_failures_leave_the_reserve_alone() {
        let dir = tempfile::tempdir().unwrap();
        let lock = FolderLock::acquire(dir.path()).unwrap();
        let mut tries = 0;
        let failed: Result<(), _> = lock.guard().with_reserve(|| {
            tries += 1;
            Err(StoreError::ReadOnly)
        });
        assert_eq!((failed.unwrap_err().code(), tries), ("store_read_only", 1));
        lock.guard().check_for_adding().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn adding_goes_on_once_there_is_space() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = dir.path().join("reserve");
        std::os::unix::fs::symlink("/dev/full", &reserve).unwrap();
        let lock = FolderLock::acquire(dir.path()).unwrap();
        let problems = lock.guard().problems();
        assert_eq!(
            problems.iter().map(StoreError::code).collect::<Vec<_>>(),
            ["store_full"]
        );
        fs::remove_file(&reserve).unwrap();
        while lock.guard().check_for_adding().is_err() {
            std::thread::yield_now();
        }
        assert!(lock.guard().problems().is_empty());
    }
}
