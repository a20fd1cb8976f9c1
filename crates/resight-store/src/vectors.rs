//! Vectors of whole pictures, one for each picture and model.

use crate::error::StoreError;

/// How many pictures a model has described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorCount {
    /// The model's id.
    pub model: String,
    /// Pictures with a vector of it.
    pub vectors: u64,
    /// Pictures that it cannot describe.
    pub without: u64,
}

/// Vectors by the id of the model that made them and the key of the picture. They are removed with
/// their picture.
pub trait Vectors: Send + Sync {
    /// Stores encoded vectors of one model, opaque to the store, in place of earlier ones. Empty bytes
    /// record that the model cannot describe the picture. Keys of no picture are ignored. As durable as
    /// [`crate::Changes::commit`].
    fn put_vectors(&self, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<(), StoreError>;

    /// Vectors of these keys: one entry for each, in the same order, `None` where there is none.
    fn vectors(&self, model: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// A page of the keys above `after` (from the start for `None`) with a vector of this model,
    /// ascending.
    fn vector_keys_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;

    /// A page of the keys above `after` (from the start for `None`) for which nothing of this model is
    /// stored, neither a vector nor that there can be none, ascending.
    fn without_vector_after(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;

    /// Every model that [`Vectors::put_vectors`] was called for and that was not dropped since, also with
    /// counts of 0, ascending by id: a handful.
    fn vector_counts(&self) -> Result<Vec<VectorCount>, StoreError>;

    /// Removes everything of a model and sets a named value ([`crate::Settings`]), both or neither, so
    /// that one model takes another's place at once.
    fn drop_vectors(&self, model: &str, setting: &str, value: &str) -> Result<(), StoreError>;
}
