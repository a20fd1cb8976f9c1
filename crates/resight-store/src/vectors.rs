//! Vectors of whole pictures, one a picture and model.

use crate::StoreError;

/// How many pictures a model has been asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorCount {
    /// The model's id.
    pub model: String,
    /// Pictures that have a vector of it.
    pub vectors: u64,
    /// Pictures that it cannot describe.
    pub without: u64,
}

/// Durable vectors beside a [`crate::Catalogue`], by the catalogue's keys and the id of the model that
/// made them. They go away with their picture. Methods fail as those of a catalogue do.
pub trait Vectors: Send + Sync {
    /// Keeps encoded vectors of one model, opaque to the store, in place of earlier ones; empty bytes
    /// say that the model cannot describe the picture. Keys that are unknown are passed over.
    fn put_vectors(&self, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<(), StoreError>;

    /// Vectors of these keys: as many as `keys`, in the same order, `None` where there is none.
    fn vectors(&self, model: &str, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Keys of all pictures that have a vector of this model, ascending.
    fn vector_keys(&self, model: &str) -> Result<Vec<u64>, StoreError>;

    /// At most `limit` keys above `after` (from the start for `None`), ascending, of pictures that this
    /// model has not been asked about.
    fn without_vector(
        &self,
        model: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;

    /// All models that vectors are kept of, by id.
    fn vector_counts(&self) -> Result<Vec<VectorCount>, StoreError>;

    /// Forgets everything of a model and sets a named value ([`crate::Catalogue::setting`]), both or
    /// neither: so one model takes another's place at once.
    fn drop_vectors(&self, model: &str, setting: &str, value: &str) -> Result<(), StoreError>;
}
