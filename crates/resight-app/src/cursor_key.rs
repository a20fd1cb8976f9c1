//! What the cursors of lists are sealed with, so that a changed one is noticed.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use crate::AppError;
use crate::atomic_file::AtomicFile;

/// The file's name in the data folder.
const NAME: &str = "cursor.key";

/// 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// Another one each time: cursors end with it.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes))
    }

    /// That of the data folder whose root is `root`; made where there is none, or a damaged one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(root: &Path) -> Result<Self, AppError> {
        let path = root.join(NAME);
        if let Ok(bytes) = fs::read(&path)
            && let Ok(bytes) = bytes.try_into()
        {
            return Ok(Self(bytes));
        }
        let key = Self::random().map_err(|error| AppError::unwritable(&path, error))?;
        AtomicFile::beside(&path)?.write(&key.0)?;
        Ok(key)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_key() {
        let root = tempfile::tempdir().unwrap();
        let key = CursorKey::open(root.path()).unwrap();
        assert_eq!(CursorKey::open(root.path()).unwrap(), key);
        fs::write(root.path().join(NAME), b"cut").unwrap();
        let other = CursorKey::open(root.path()).unwrap();
        assert_ne!(other, key);
        assert_eq!(CursorKey::open(root.path()).unwrap(), other);
        assert_eq!(format!("{key:?}"), "CursorKey");
    }
}
