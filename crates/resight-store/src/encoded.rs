//! Features and words of pictures and their views, as bytes that the store does not interpret.

use crate::error::StoreError;

/// The local features of each picture and each view, encoded by the caller: tens of kilobytes each.
pub trait EncodedFeatures: Send + Sync {
    /// Features of these keys: one entry for each, in the same order, `None` where there is no such
    /// picture or view. A key may occur more than once.
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// A page of the features of pictures and views with keys above `after` (from the start for `None`),
    /// ascending by key.
    fn features_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;
}

/// The visual words of each picture and each view, encoded by the caller: some kilobytes each.
pub trait EncodedWords: Send + Sync {
    /// Words of these keys, as [`EncodedFeatures::features`] returns features.
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// A page of words, as [`EncodedFeatures::features_after`] returns features.
    fn words_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;
}

/// Words of another vocabulary, staged beside the present ones until every picture and view has some. Then
/// all of them replace the present ones at once. A removed picture takes its staged words and those of its views
/// along.
pub trait StagedWords: Send + Sync {
    /// Stages words, in place of words staged for the same keys. Keys of no picture or view are ignored. As
    /// durable as [`crate::Changes::commit`].
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError>;

    /// A page of staged words, as [`EncodedWords::words_after`] returns the present ones.
    fn staged_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;

    /// The highest key with staged words.
    fn staged_last(&self) -> Result<Option<u64>, StoreError>;

    /// Forgets all staged words.
    fn discard_staged(&self) -> Result<(), StoreError>;

    /// Replaces the present words by the staged ones and sets a named value ([`crate::Settings`]),
    /// both or neither. Does neither and returns `false` while a picture or a view has no staged words.
    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError>;
}
