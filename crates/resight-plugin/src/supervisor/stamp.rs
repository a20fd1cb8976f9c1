//! Whether the author's file has changed, without reading it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Time of change and length of the author's file. Equal values mean the same content.
#[derive(PartialEq)]
pub(crate) struct FileStamp(Option<(SystemTime, u64)>);

impl FileStamp {
    pub(crate) fn of(file: &Path) -> Self {
        let stamp = || {
            let metadata = fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Self(stamp())
    }

    /// Whether both are of files that were there, with the same content.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.0.is_some() && self == other
    }

    /// Whether the file is another one now. A file that is gone, as during a save, is no change.
    pub(crate) fn changes(&mut self, file: &Path) -> bool {
        let now = Self::of(file);
        let changes = now.0.is_some() && now != *self;
        if changes {
            *self = now;
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_changed_once_for_each_edit_and_never_by_being_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.py");
        fs::write(&file, "x = 1\n").unwrap();
        let mut stamp = FileStamp::of(&file);
        assert!(!stamp.changes(&file));
        fs::remove_file(&file).unwrap();
        assert!(!stamp.changes(&file));
        fs::write(&file, "x = 10\n").unwrap();
        assert!(stamp.changes(&file) && !stamp.changes(&file));
    }
}
