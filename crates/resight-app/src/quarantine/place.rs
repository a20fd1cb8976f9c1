//! Whether the folder of a quarantine is the one that it was: a disk that is not mounted leaves an empty folder.
//!
//! Invariant: nothing is moved to a quarantine that was used before, and nothing told of what lies there, while the file is
//! not there that was put into it first.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use resight_engine::path_text;
use resight_store::StoreError;
use tempfile::NamedTempFile;

use super::moving::{is_free, sync_folder, unwritable};
use crate::atomic_file::AtomicFile;
use crate::{AppError, private};

/// Lies in the data folder, and names quarantines that were used.
const USED: &str = "quarantines.json";
/// Lies in a quarantine.
const MARK: &str = ".resightignore";
/// Indexing reads it in this folder, in one around it and in one within it.
const TEXT: &[u8] = b"# Files of duplicates that Resight removed. Keep this file: it tells that the disk is mounted,\n\
# and keeps these files from being indexed again.\n\
*\n";

/// A quarantine's folder, and the data folder whose pictures it has.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) data: PathBuf,
}

impl Place {
    /// # Errors
    /// `quarantine_gone` where it was used before and has lost its mark.
    pub(super) fn check(&self) -> Result<(), AppError> {
        match is_free(&self.mark()) && self.used()?.contains(&self.text()) {
            true => Err(AppError::QuarantineGone { mark: self.mark() }),
            false => Ok(()),
        }
    }

    /// Makes the folder and marks it, where it is not used yet.
    pub(super) fn begin(&self) -> Result<(), AppError> {
        self.check()?;
        let mark = self.mark();
        let failed = |error| unwritable(&mark, error);
        private::create_folder(&self.folder).map_err(|error| unwritable(&self.folder, error))?;
        // Who put an empty one there has told that this is the folder.
        if fs::metadata(&mark).map_or(true, |mark| mark.len() == 0) {
            self.write_mark().map_err(failed)?;
        }
        let mut used = self.used()?;
        if !used.contains(&self.text()) {
            used.push(self.text());
            let text = serde_json::to_vec(&used).unwrap_or_default();
            AtomicFile::beside(&self.data.join(USED))?.write(&text)?;
            sync_folder(&self.data).map_err(|error| unwritable(&self.data, error))?;
        }
        Ok(())
    }

    fn write_mark(&self) -> io::Result<()> {
        let mut mark = NamedTempFile::new_in(&self.folder)?;
        mark.write_all(TEXT)?;
        mark.as_file().sync_all()?;
        mark.persist(self.mark()).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }

    fn mark(&self) -> PathBuf {
        self.folder.join(MARK)
    }

    fn text(&self) -> String {
        let lossy = || self.folder.to_string_lossy().into_owned();
        path_text(&self.folder).unwrap_or_else(lossy)
    }

    fn used(&self) -> Result<Vec<String>, AppError> {
        let path = self.data.join(USED);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&path, &error)),
        };
        serde_json::from_slice(&text).map_err(|error| unreadable(&path, &error))
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> AppError {
    StoreError::Failed {
        location: path.display().to_string(),
        detail: error.to_string(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarantine_whose_disk_is_away_is_told_from_a_new_one() {
        let root = tempfile::tempdir().unwrap();
        let [folder, data, away] =
            ["quarantine", "data", "away"].map(|name| root.path().join(name));
        fs::create_dir(&data).unwrap();
        let place = Place { folder, data };
        place.check().unwrap();
        place.begin().unwrap();
        place.begin().unwrap();
        fs::rename(&place.folder, &away).unwrap();
        for _ in 0..2 {
            for refused in [place.check(), place.begin()] {
                assert_eq!(refused.unwrap_err().code(), crate::Code::QuarantineGone);
            }
            fs::create_dir_all(&place.folder).unwrap();
        }
        // Who has emptied it makes the file again.
        fs::write(place.mark(), b"").unwrap();
        place.check().unwrap();
        place.begin().unwrap();
        assert_eq!(fs::read(place.mark()).unwrap(), TEXT);
        // Another folder is another quarantine.
        let other = Place {
            folder: root.path().join("other"),
            data: place.data.clone(),
        };
        other.begin().unwrap();
        assert_eq!(place.used().unwrap().len(), 2);
    }
}
