//! Pictures: what is added, what is read back.

use crate::error::StoreError;
use crate::id::PictureId;
use crate::labels::Labels;
use crate::sources::SourceFile;
use crate::views::NewView;

/// A picture to be added, with everything that was derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPicture {
    /// Content id.
    pub id: PictureId,
    /// Name to show, usually the file's name.
    pub name: String,
    /// Media type of the file, for example `image/jpeg`.
    pub media_type: String,
    /// Length of the file in bytes.
    pub byte_len: u64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Pages or frames of the file, at least 1.
    pub pages: u32,
    /// Bits a sample of the file.
    pub depth: u8,
    /// When it was taken, in milliseconds since 1970; `None` where its file does not tell.
    pub taken_ms: Option<i64>,
    /// Number of local features in `features`.
    pub feature_count: u32,
    /// Id and version of the model that made the features.
    pub model: String,
    /// Whether the picture's bytes were uploaded, so that it stays when no source is left.
    pub uploaded: bool,
    /// Encoded local features; opaque to the store.
    pub features: Vec<u8>,
    /// Encoded visual words; opaque to the store.
    pub words: Vec<u8>,
    /// The file it was read from, if there is one.
    pub source: Option<SourceFile>,
    /// Further pages or frames of its file.
    pub views: Vec<NewView>,
}

/// A stored picture, without its features and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRecord {
    /// Internal number; see [`Pictures`] for the order of keys.
    pub key: u64,
    /// Content id.
    pub id: PictureId,
    /// Name to show.
    pub name: String,
    /// Media type of the file.
    pub media_type: String,
    /// Length of the file in bytes.
    pub byte_len: u64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Pages or frames of the file; `None` of a picture that was added before format 6.
    pub pages: Option<u32>,
    /// Bits a sample of the file; `None` as above.
    pub depth: Option<u8>,
    /// When it was taken, in milliseconds since 1970; `None` where its file does not tell, or was not asked yet.
    pub taken_ms: Option<i64>,
    /// Number of local features.
    pub feature_count: u32,
    /// Id and version of the model that made the features.
    pub model: String,
    /// Whether the picture stays when no source is left.
    pub uploaded: bool,
    /// When it was added, in milliseconds since 1970 (UTC).
    pub added_ms: i64,
    /// Paths of all its sources, ascending.
    pub sources: Vec<String>,
    /// Its tags, object and metadata.
    pub labels: Labels,
}

impl PictureRecord {
    /// Of a picture that is added under `key`, without sources and labels.
    pub fn of_new(new: &NewPicture, key: u64, added_ms: i64) -> Self {
        Self {
            key,
            id: new.id.clone(),
            name: new.name.clone(),
            media_type: new.media_type.clone(),
            byte_len: new.byte_len,
            width: new.width,
            height: new.height,
            pages: Some(new.pages),
            depth: Some(new.depth),
            taken_ms: new.taken_ms,
            feature_count: new.feature_count,
            model: new.model.clone(),
            uploaded: new.uploaded,
            added_ms,
            sources: Vec::new(),
            labels: Labels::default(),
        }
    }

    /// Of the same picture described again, under another key.
    pub fn retaken(&self, new: &NewPicture, key: u64) -> Self {
        Self {
            name: self.name.clone(),
            byte_len: self.byte_len,
            uploaded: self.uploaded,
            sources: self.sources.clone(),
            labels: self.labels.clone(),
            ..Self::of_new(new, key, self.added_ms)
        }
    }
}

/// Sums of the lengths of the opaque parts of pictures and views, and of files that are kept, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredBytes {
    /// All features.
    pub features: u64,
    /// All words.
    pub words: u64,
    /// All vectors.
    pub vectors: u64,
    /// The files of all uploads.
    pub originals: u64,
}

/// The stored pictures.
///
/// A picture has a public [`PictureId`], which follows from its content, and a key, which the
/// catalogue assigns when it is added. Keys start at 1, stay below 2^63, and are never reused, not
/// even after a removal.
///
/// Invariant: keys ascend in the order in which commits become visible. After a reader has seen key
/// `k`, no picture below `k` appears that it could not have seen before. Callers rely on this to
/// continue from the last key that they processed. Gaps are allowed. An implementation whose
/// commits run side by side must order the assignment of keys with them.
pub trait Pictures: Send + Sync {
    /// The picture with this id.
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError>;

    /// The pictures with these keys: one entry for each of `keys`, in the same order, `None` where
    /// there is no such picture. A key may occur more than once.
    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError>;

    /// At most `limit` pictures after the first `offset`, newest first; of pictures added in the
    /// same millisecond, the higher key first.
    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError>;

    /// A page of the pictures above `after`, ascending by key, whose file was not asked yet when it was taken. They
    /// were added by an earlier version.
    fn unasked_taken(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, PictureId)>, StoreError>;

    /// Records when pictures were taken, by key; `None` where the file does not tell. Those that are gone are left
    /// out.
    fn put_taken(&self, taken: &[(u64, Option<i64>)]) -> Result<(), StoreError>;

    /// Number of pictures.
    fn count(&self) -> Result<u64, StoreError>;

    /// A page of all keys above `after` (from the start for `None`), ascending, each with the number
    /// of features of its picture.
    fn keys_after(&self, after: Option<u64>, limit: usize) -> Result<Vec<(u64, u32)>, StoreError>;

    /// How many bytes the features and the words of all pictures and views take, their vectors, and the files of uploads.
    fn stored_bytes(&self) -> Result<StoredBytes, StoreError>;
}
