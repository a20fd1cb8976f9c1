//! Whether a process runs the jobs of a data folder.
//!
//! It has a file of the data folder locked meanwhile. The operating system ends the lock with the process.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{AppError, private};

/// The file that is locked.
const FILE: &str = "serving";

/// Tells others that this process runs the jobs, until it is dropped.
pub(super) fn announce(root: &Path) -> Result<File, AppError> {
    let path = root.join(FILE);
    let unwritable = |error| AppError::unwritable(&path, error);
    let file = private::to_write().truncate(false).open(&path);
    let file = file.map_err(unwritable)?;
    // A process that only looks has it for a moment.
    file.lock().map_err(unwritable)?;
    Ok(file)
}

/// Whether some process does.
pub(super) fn is_announced(root: &Path) -> bool {
    let file = File::open(root.join(FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_as_long_as_it_lasts() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_announced(folder.path()));
        let told = announce(folder.path()).unwrap();
        assert!(is_announced(folder.path()));
        drop(told);
        assert!(!is_announced(folder.path()));
    }
}
