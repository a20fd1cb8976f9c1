//! Replacing what is damaged, and completing checksums.

use crate::error::StoreError;

/// Changes that put damaged rows right, as durable as [`crate::Changes::commit`]. Those of one picture return whether
/// there was something to change.
pub trait Repairs: Send + Sync {
    /// Adds checksums to the rows of these pictures that were written by a version without. Call it for rows
    /// that are known to be whole. Returns the number of pictures that lacked one.
    fn seal(&self, keys: &[u64]) -> Result<u64, StoreError>;

    /// A page of the keys above `after` (from the start for `None`) of pictures that lack a checksum, ascending.
    fn unsealed_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<u64>, StoreError>;

    /// Replaces the features of a picture or a view, their number, and its words.
    fn replace_features(
        &self,
        key: u64,
        feature_count: u32,
        features: &[u8],
        words: &[u8],
    ) -> Result<bool, StoreError>;

    /// Replaces the words of a picture or a view.
    fn replace_words(&self, key: u64, words: &[u8]) -> Result<bool, StoreError>;

    /// Forgets what a model has of a picture, as if it had not described it yet.
    fn forget_vector(&self, model: &str, key: u64) -> Result<bool, StoreError>;

    /// Rebuilds what the catalogue derives from its own rows, such as the indexes of a database.
    fn rebuild_structure(&self) -> Result<(), StoreError>;
}
