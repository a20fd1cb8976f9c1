//! What can go wrong in the store, each case with a stable code and a next step.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store. The text says what to do next; [`StoreError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the data folder's lock.
    #[error(
        "the data folder {} is in use by another process{}; stop that process or choose another data folder",
        path.display(), holder(*pid)
    )]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The holder's process id, where it could be read.
        pid: Option<u32>,
    },
    /// The file is not one of ours, or its content is broken.
    #[error(
        "{} is damaged or is not a Resight catalogue ({detail}); move it away and restore a backup, or index the pictures again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        detail: String,
    },
    /// A newer version of the program wrote the catalogue.
    #[error(
        "the catalogue has format {found}, and this program reads up to format {supported}; install the newer version of Resight that wrote it"
    )]
    Newer {
        /// Format version in the file.
        found: u32,
        /// Highest format version that this program reads.
        supported: u32,
    },
    /// There is no catalogue where one was to be opened for reading.
    #[error(
        "there is no catalogue at {}; check the data folder, or add a picture first",
        path.display()
    )]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// Reading or writing a file failed.
    #[error(
        "could not use {}: {source}; check that the disk is healthy and that this user may read and write there",
        path.display()
    )]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system or the database said.
        source: io::Error,
    },
    /// No space is left; nothing of the change was kept.
    #[error(
        "no space is left for {}; free some disk space and try again, nothing of this change was kept",
        path.display()
    )]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// Somebody else kept the catalogue busy for longer than the time allowed for waiting.
    #[error(
        "{} is busy with another program's work; try again, and close other programs that write to it",
        path.display()
    )]
    Busy {
        /// The catalogue's file.
        path: PathBuf,
    },
    /// A change was asked of a catalogue opened for reading only.
    #[error("this catalogue is open for reading only; open it for writing to change it")]
    ReadOnly,
    /// A blob's name breaks the rules of [`crate::BlobStore`].
    #[error(
        "{name:?} cannot name a blob; use parts of a-z, 0-9, '.', '_' and '-' joined by single '/', without '..', each at most 200 bytes and 1024 bytes in all"
    )]
    BadName {
        /// The name as given.
        name: String,
    },
    /// The database refused a statement of ours: a defect of this program.
    #[error("the catalogue {} refused an operation: {detail}; please report this as a defect", path.display())]
    Failed {
        /// The catalogue's file.
        path: PathBuf,
        /// What the database said.
        detail: String,
    },
}

impl StoreError {
    /// Every code that [`StoreError::code`] can give.
    pub const CODES: &'static [&'static str] = &[
        "store_locked",
        "store_damaged",
        "store_newer",
        "store_missing",
        "store_io",
        "store_full",
        "store_busy",
        "store_read_only",
        "store_bad_name",
        "store_failed",
    ];

    /// Stable identifier for programs, for example `store_full`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "store_locked",
            Self::Damaged { .. } => "store_damaged",
            Self::Newer { .. } => "store_newer",
            Self::Missing { .. } => "store_missing",
            Self::Io { .. } => "store_io",
            Self::Full { .. } => "store_full",
            Self::Busy { .. } => "store_busy",
            Self::ReadOnly => "store_read_only",
            Self::BadName { .. } => "store_bad_name",
            Self::Failed { .. } => "store_failed",
        }
    }

    /// Sorts a file system error on `path`.
    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }

    /// Sorts a database error on the catalogue at `path`.
    pub(crate) fn from_sql(path: &Path, error: rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        let path = path.to_path_buf();
        let detail = error.to_string();
        match error {
            Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => Self::Full { path },
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { path },
                ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => {
                    Self::Damaged { path, detail }
                }
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed => Self::Io {
                    path,
                    source: io::Error::other(error),
                },
                _ => Self::Failed { path, detail },
            },
            // A stored value of the wrong kind was not written by us.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Self::Damaged { path, detail },
            _ => Self::Failed { path, detail },
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn database_errors_are_sorted() {
        let cases = [
            (ffi::SQLITE_FULL, "store_full"),
            (ffi::SQLITE_BUSY, "store_busy"),
            (ffi::SQLITE_LOCKED, "store_busy"),
            (ffi::SQLITE_NOTADB, "store_damaged"),
            (ffi::SQLITE_CORRUPT, "store_damaged"),
            (ffi::SQLITE_IOERR_FSYNC, "store_io"),
            (ffi::SQLITE_CANTOPEN, "store_io"),
            (ffi::SQLITE_READONLY, "store_io"),
            (ffi::SQLITE_CONSTRAINT, "store_failed"),
        ];
        for (number, code) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(number), None);
            let sorted = StoreError::from_sql(Path::new("c.db"), error);
            assert_eq!(sorted.code(), code, "SQLite code {number}");
            assert!(sorted.to_string().contains("c.db"), "{sorted}");
        }
    }

    #[test]
    fn every_code_is_listed() {
        let (path, detail) = (PathBuf::from("c.db"), String::new());
        let source = io::Error::other("x");
        let errors = [
            StoreError::Locked {
                path: path.clone(),
                pid: None,
            },
            StoreError::Damaged {
                path: path.clone(),
                detail: detail.clone(),
            },
            StoreError::Newer {
                found: 2,
                supported: 1,
            },
            StoreError::Missing { path: path.clone() },
            StoreError::from_io(&path, source),
            StoreError::Full { path: path.clone() },
            StoreError::Busy { path: path.clone() },
            StoreError::ReadOnly,
            StoreError::BadName {
                name: detail.clone(),
            },
            StoreError::Failed { path, detail },
        ];
        assert_eq!(errors.map(|error| error.code()), StoreError::CODES);
    }

    #[test]
    fn a_full_disk_is_told_apart_from_other_file_errors() {
        let full = StoreError::from_io(Path::new("b"), io::ErrorKind::StorageFull.into());
        assert_eq!(full.code(), "store_full");
        let denied = StoreError::from_io(Path::new("b"), io::ErrorKind::PermissionDenied.into());
        assert_eq!(denied.code(), "store_io");
    }
}
