//! Whether a catalogue is whole.

use crate::error::StoreError;

/// A catalogue's check of itself.
pub trait Integrity: Send + Sync {
    /// Reads all of the catalogue and returns what is wrong with its structure, a sentence each. Whether the
    /// caller's encoded bytes can be decoded is not the catalogue's to know.
    fn check_structure(&self) -> Result<Vec<String>, StoreError>;
}
