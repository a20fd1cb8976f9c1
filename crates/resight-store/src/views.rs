//! Views: the further pages and frames of a picture's file, each with features and words of its own.

use crate::error::StoreError;

/// A page or frame to be added with its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewView {
    /// Number of the page or frame in the file, from 1.
    pub number: u32,
    /// When the frame begins, in milliseconds from the first; `None` of a page.
    pub time_ms: Option<u64>,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Number of local features in `features`.
    pub feature_count: u32,
    /// Encoded local features; opaque to the store.
    pub features: Vec<u8>,
    /// Encoded visual words; opaque to the store.
    pub words: Vec<u8>,
}

/// A stored view, without its features and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRecord {
    /// Internal number, of the sequence of pictures' keys.
    pub key: u64,
    /// The key of its picture.
    pub picture: u64,
    /// Number of the page or frame in the file, from 1.
    pub number: u32,
    /// When the frame begins, in milliseconds from the first; `None` of a page.
    pub time_ms: Option<u64>,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Number of local features.
    pub feature_count: u32,
}

/// The stored views.
///
/// The first page of a file is the picture itself. The others have a key each and nothing else of a picture: lists,
/// counts, labels, vectors and pairs know pictures alone. Features, words and staged words are those of pictures and
/// of views, by key.
///
/// Invariant: the views of a picture that was added with `n` of them have the `n` keys above its own, in their order,
/// and come and go with it. No key of a view is used again, and none is ever the key of a picture.
pub trait Views: Send + Sync {
    /// The views with these keys: one entry for each of `keys`, in the same order, `None` where there is none. A key
    /// may occur more than once.
    fn views(&self, keys: &[u64]) -> Result<Vec<Option<ViewRecord>>, StoreError>;

    /// The views of a picture, ascending by key.
    fn views_of(&self, picture: u64) -> Result<Vec<ViewRecord>, StoreError>;

    /// A page of the keys of views above `after` (from the start for `None`), ascending, each with the key of its
    /// picture.
    fn view_keys_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError>;

    /// A page of the keys of pictures and views above `after` (from the start for `None`), ascending, each with its
    /// number of features.
    fn described_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, u32)>, StoreError>;

    /// Number of views.
    fn view_count(&self) -> Result<u64, StoreError>;
}
