//! Copies of files that are read again and compared with their hash.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::AppError;
use crate::private;

const CHUNK: usize = 1 << 20;

/// Length and hash of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) length: u64,
    pub(super) hash: blake3::Hash,
}

impl Content {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            hash: blake3::hash(bytes),
        }
    }

    /// Of the file at `path`, as it is on the disk or in the system's memory.
    pub(super) fn of_file(path: &Path) -> io::Result<Self> {
        copied(&mut File::open(path)?, &mut io::sink())
    }
}

fn copied(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<Content> {
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut length = 0;
    loop {
        let n = from.read(&mut chunk)?;
        if n == 0 {
            break;
        }
        hasher.update(&chunk[..n]);
        to.write_all(&chunk[..n])?;
        length += n as u64;
    }
    Ok(Content {
        length,
        hash: hasher.finalize(),
    })
}

/// Copies a file and reads the copy again. Returns the content of the source; fails unless the copy has it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<Content, AppError> {
    let mut source = File::open(from).map_err(|error| AppError::BackupDamaged {
        path: from.to_owned(),
        detail: error.to_string(),
    })?;
    let mut write = || {
        let mut target = private::to_write().truncate(true).open(to)?;
        let content = copied(&mut source, &mut target)?;
        target.sync_all()?;
        Ok(content)
    };
    let content = write().map_err(|error| AppError::unwritable(to, error))?;
    check(to, content)?;
    Ok(content)
}

/// Writes a file and reads it again.
pub(super) fn write(to: &Path, bytes: &[u8], content: Content) -> Result<(), AppError> {
    let write = || {
        let mut target = private::to_write().truncate(true).open(to)?;
        target.write_all(bytes)?;
        target.sync_all()
    };
    write().map_err(|error| AppError::unwritable(to, error))?;
    check(to, content)
}

/// Fails unless the file has this content.
pub(super) fn check(path: &Path, wanted: Content) -> Result<(), AppError> {
    let damaged = |detail: String| AppError::BackupDamaged {
        path: path.to_owned(),
        detail,
    };
    match Content::of_file(path) {
        Ok(found) if found == wanted => Ok(()),
        Ok(_) => Err(damaged(
            "it does not have the hash of what was to be in it".into(),
        )),
        Err(error) => Err(damaged(error.to_string())),
    }
}
