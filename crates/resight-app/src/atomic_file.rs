//! A file that is there whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::AppError;

/// A file in the making, in the folder where it is to be.
pub struct AtomicFile {
    unfinished: NamedTempFile,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins it, so that a folder that cannot be written to is told before the work.
    pub fn beside(target: &Path) -> Result<Self, AppError> {
        let folder = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let unfinished =
            NamedTempFile::new_in(folder).map_err(|error| AppError::unwritable(target, error))?;
        Ok(Self {
            unfinished,
            target: target.to_owned(),
        })
    }

    /// Fills it and puts it in place, in that of another of the same name.
    pub fn write(self, bytes: &[u8]) -> Result<(), AppError> {
        let Self {
            mut unfinished,
            target,
        } = self;
        let written = (|| {
            unfinished.write_all(bytes)?;
            unfinished.as_file().sync_all()?;
            unfinished.persist(&target).map_err(|error| error.error)?;
            Ok(())
        })();
        written.map_err(|error: io::Error| AppError::unwritable(&target, error))
    }
}
