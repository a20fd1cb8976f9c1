//! A file that is there whole or not at all.

use std::fs::File;
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
    pub fn write(mut self, bytes: &[u8]) -> Result<(), AppError> {
        let written = self.unfinished.write_all(bytes);
        written.map_err(|error| AppError::unwritable(&self.target, error))?;
        self.finish()
    }

    /// The file, to be filled piece by piece.
    pub fn file(&mut self) -> &mut File {
        self.unfinished.as_file_mut()
    }

    /// Puts what was written in place, in that of another of the same name.
    pub fn finish(self) -> Result<(), AppError> {
        let Self { unfinished, target } = self;
        let put = (|| {
            unfinished.as_file().sync_all()?;
            unfinished.persist(&target).map_err(|error| error.error)?;
            Ok(())
        })();
        put.map_err(|error: io::Error| AppError::unwritable(&target, error))
    }
}
