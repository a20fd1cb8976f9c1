//! Failures of a store, each with a stable code and a next step. Any implementation can make them.

use std::io;
use std::path::Path;

/// A failure of the store. The text says what to do next; [`StoreError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data folder's lock.
    #[error(
        "the data folder {location} is in use by another process{}; stop that process or choose another data folder",
        holder(*pid)
    )]
    Locked {
        /// The data folder.
        location: String,
        /// The holder's process id, where it could be read.
        pid: Option<u32>,
    },
    /// It is not a Resight catalogue, or its content is broken.
    #[error(
        "{location} is damaged or is not a Resight catalogue ({detail}); move it away and restore a backup, or index the pictures again"
    )]
    Damaged {
        /// The file, folder or database.
        location: String,
        /// What was wrong with it.
        detail: String,
    },
    /// The bytes of a stored row have changed since they were written.
    #[error(
        "the {what} of picture {picture} in {location} cannot be used: the bytes have changed since they were written; have the data folder repaired, or remove the picture and add it again"
    )]
    PictureDamaged {
        /// The file, folder or database.
        location: String,
        /// The picture's id, or its number where the id cannot be read.
        picture: String,
        /// What of it: its `features`, `words`, `vector` or `record`.
        what: &'static str,
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
    /// Nothing to open for reading.
    #[error("there is no catalogue at {location}; check the data folder, or add a picture first")]
    Missing {
        /// The file, folder or database.
        location: String,
    },
    /// Reading or writing failed: a file, or the connection to a database.
    #[error(
        "could not use {location}: {source}; check that the disk or server behind it works and that this user may read and write there"
    )]
    Io {
        /// The file, folder or database.
        location: String,
        /// What the operating system or the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A process was killed in the middle of a change, which can only be undone or completed by writing.
    #[error(
        "a change of {location} was cut short, and this user may not write there to undo or complete it; open the data folder once for changes as a user who may write there"
    )]
    CutShort {
        /// The file, folder or database.
        location: String,
    },
    /// No space is left; nothing of the change was stored.
    #[error(
        "no space is left for {location}; free some disk space and try again, nothing of this change was stored"
    )]
    Full {
        /// The file, folder or database that could not grow.
        location: String,
    },
    /// The data folder, or a file in it that the process has open, was removed or replaced meanwhile.
    #[error(
        "{location} was removed or replaced while it was in use; put the data folder back and start this process again, nothing of this change was stored"
    )]
    Gone {
        /// The file or folder.
        location: String,
    },
    /// Another program kept the catalogue busy for longer than the time allowed for waiting.
    #[error(
        "{location} is busy with another program's work; try again, and close other programs that write to it"
    )]
    Busy {
        /// The file, folder or database.
        location: String,
    },
    /// The server that has the catalogue or the blobs does not answer, or the connection to it was lost.
    #[error(
        "{location} does not answer ({detail}); check that the server runs and that this machine reaches it, and try again"
    )]
    Unreachable {
        /// The database or the object store.
        location: String,
        /// What was tried, and what came of it.
        detail: String,
    },
    /// The server behind a catalogue or blobs refuses the credentials, or they permit too little.
    #[error(
        "{location} refuses this program ({detail}); check the credentials that it was started with, and what they permit"
    )]
    Denied {
        /// The database or bucket, without credentials.
        location: String,
        /// What the server said.
        detail: String,
    },
    /// The server answers, and has no database or bucket of this name.
    #[error("there is no {what} at {location}; create it, or correct the address")]
    Absent {
        /// The database or bucket, without credentials.
        location: String,
        /// `bucket` or `database`.
        what: &'static str,
    },
    /// The address of a catalogue or of blobs cannot be used. It may contain a password, so it is not repeated.
    #[error("the address of the {what} cannot be used: {detail}; correct it")]
    Address {
        /// `catalogue` or `blobs`.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The catalogue is open for reading only.
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
    /// The database refused a statement: a defect of this program.
    #[error(
        "the catalogue {location} refused an operation: {detail}; please report this as a defect"
    )]
    Failed {
        /// The file, folder or database.
        location: String,
        /// What the database said.
        detail: String,
    },
}

impl StoreError {
    /// Every code that [`StoreError::code`] can give.
    pub const CODES: &'static [&'static str] = &[
        "store_locked",
        "store_damaged",
        "picture_damaged",
        "store_newer",
        "store_missing",
        "store_io",
        "store_cut_short",
        "store_full",
        "data_folder_gone",
        "store_busy",
        "store_unreachable",
        "store_denied",
        "store_absent",
        "store_address",
        "store_read_only",
        "store_bad_name",
        "store_failed",
    ];

    /// Stable identifier for programs, for example `store_full`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "store_locked",
            Self::Damaged { .. } => "store_damaged",
            Self::PictureDamaged { .. } => "picture_damaged",
            Self::Newer { .. } => "store_newer",
            Self::Missing { .. } => "store_missing",
            Self::Io { .. } => "store_io",
            Self::CutShort { .. } => "store_cut_short",
            Self::Full { .. } => "store_full",
            Self::Gone { .. } => "data_folder_gone",
            Self::Busy { .. } => "store_busy",
            Self::Unreachable { .. } => "store_unreachable",
            Self::Denied { .. } => "store_denied",
            Self::Absent { .. } => "store_absent",
            Self::Address { .. } => "store_address",
            Self::ReadOnly => "store_read_only",
            Self::BadName { .. } => "store_bad_name",
            Self::Failed { .. } => "store_failed",
        }
    }

    /// The error for a failed operation on the file or folder `path`.
    pub fn from_io(path: &Path, error: io::Error) -> Self {
        let location = path.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { location },
            _ => Self::Io {
                location,
                source: error.into(),
            },
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

    #[test]
    fn every_code_is_listed() {
        let (location, detail) = ("c.db".to_owned(), String::new());
        let source = io::Error::other("x");
        let errors = [
            StoreError::Locked {
                location: location.clone(),
                pid: None,
            },
            StoreError::Damaged {
                location: location.clone(),
                detail: detail.clone(),
            },
            StoreError::PictureDamaged {
                location: location.clone(),
                picture: detail.clone(),
                what: "words",
            },
            StoreError::Newer {
                found: 2,
                supported: 1,
            },
            StoreError::Missing {
                location: location.clone(),
            },
            StoreError::from_io(Path::new(&location), source),
            StoreError::CutShort {
                location: location.clone(),
            },
            StoreError::Full {
                location: location.clone(),
            },
            StoreError::Gone {
                location: location.clone(),
            },
            StoreError::Busy {
                location: location.clone(),
            },
            StoreError::Unreachable {
                location: location.clone(),
                detail: detail.clone(),
            },
            StoreError::Denied {
                location: location.clone(),
                detail: detail.clone(),
            },
            StoreError::Absent {
                location: location.clone(),
                what: "bucket",
            },
            StoreError::Address {
                what: "blobs",
                detail: detail.clone(),
            },
            StoreError::ReadOnly,
            StoreError::BadName {
                name: detail.clone(),
            },
            StoreError::Failed { location, detail },
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
