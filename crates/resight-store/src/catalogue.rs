//! The catalogue: which pictures there are, where they came from, and what was refused.

use std::fmt;

use crate::{Filter, LabelPatch, Labels, ObjectId, Pairs, StoreError};

/// Public id of a picture: 32 lower-case hexadecimal characters, the first 16 bytes of the BLAKE3
/// hash of the file's bytes. The store does not compute it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PictureId(String);

impl PictureId {
    /// Takes exactly 32 characters of `0-9a-f`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == 32 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    /// The 32 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    /// Number of local features in `features`.
    pub feature_count: u32,
    /// Id and version of the model that made the features.
    pub model: String,
    /// Whether the picture's bytes were handed to us, so that it stays when no source is left.
    pub uploaded: bool,
    /// Encoded local features; opaque to the store.
    pub features: Vec<u8>,
    /// Encoded visual words; opaque to the store.
    pub words: Vec<u8>,
    /// Where the file lies, if it lies somewhere.
    pub source: Option<SourceFile>,
}

/// A file as it was when it was read; a change of length or time means that it must be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The caller's locator, usually an absolute path; compared byte for byte.
    pub path: String,
    /// Length in bytes.
    pub byte_len: u64,
    /// Time of the last change, in nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
}

/// What the catalogue knows of a picture, without the large opaque parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRecord {
    /// Internal number, never given to another picture, from 1 upwards.
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
    /// What is said about it.
    pub labels: Labels,
}

/// An object that pictures belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCount {
    /// Its id.
    pub id: ObjectId,
    /// Pictures of it, at least 1.
    pub pictures: u64,
}

/// A file that could not be taken in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file as it was when it was refused.
    pub source: SourceFile,
    /// Stable code of the reason.
    pub code: String,
    /// The reason as a sentence.
    pub reason: String,
    /// When it was refused, in milliseconds since 1970 (UTC).
    pub seen_ms: i64,
}

/// One change to the catalogue; see [`Effect`] for what each can lead to.
///
/// A path has at most one of: a source, a refusal. Adding either drops the other.
///
/// A picture that lost its last source to a change of a batch, was not uploaded and has no source
/// at the end of the batch is removed then. Where the file holds a new picture instead, that one
/// takes over what was said about the old one, as far as nothing is said about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a picture. If its id is there already, only its source and its `uploaded` flag are
    /// taken over; the stored features stay.
    Add(NewPicture),
    /// Drops a picture with its features, words and sources.
    Remove(PictureId),
    /// Records one more file of a picture that is there already.
    AddSource {
        /// The picture.
        id: PictureId,
        /// The file.
        source: SourceFile,
    },
    /// The file is gone or has changed: forgets its source and its refusal.
    DropSource {
        /// The file.
        path: String,
    },
    /// Records that a file was refused, in place of an earlier refusal, and drops its source as
    /// [`Change::DropSource`] does.
    Refuse(Refusal),
    /// Changes what is said about a picture.
    Label {
        /// The picture.
        id: PictureId,
        /// What changes.
        patch: LabelPatch,
    },
}

/// What a [`Change`] did. Every picture that went away is named once by key and id, so that the
/// caller can take it out of an index: in [`Effect::Removed`], or in `replaced` or `removed` of the
/// change that took its last source. Such a picture is still there for the later changes of the
/// batch, and gone after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// From `Add`: the picture is new.
    Added {
        /// Its key.
        key: u64,
        /// Another picture, removed because the path now holds this one.
        replaced: Option<(u64, PictureId)>,
    },
    /// From `Add` and `AddSource`: the picture was there; its source was recorded.
    AlreadyThere {
        /// Its key.
        key: u64,
        /// Another picture, removed because the path now holds this one.
        replaced: Option<(u64, PictureId)>,
    },
    /// From `Remove`.
    Removed {
        /// The key it had.
        key: u64,
        /// The id it had.
        id: PictureId,
    },
    /// From `DropSource`: a source or a refusal was forgotten.
    SourceDropped {
        /// The picture that went with it.
        removed: Option<(u64, PictureId)>,
    },
    /// From `Refuse`.
    Refused {
        /// The picture that the path held before, if this was its last source.
        removed: Option<(u64, PictureId)>,
    },
    /// From `Label`: it is said now.
    Labelled,
    /// From `Label`: the picture would have more than [`crate::Tag::MOST`] tags; nothing of this
    /// change was done.
    TooManyTags,
    /// From `Remove`, `AddSource` and `Label` for an unknown id, and `DropSource` for an unknown
    /// path; nothing was done.
    NotFound,
    /// From `AddSource`: exactly this source was recorded before.
    Unchanged,
}

/// Sums of the lengths of the opaque parts, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredBytes {
    /// All features.
    pub features: u64,
    /// All words.
    pub words: u64,
}

/// Durable records of pictures, sources and refusals. Every method may be called from any thread;
/// each read sees one committed state, and reads do not wait for a commit in progress.
///
/// Any method fails with `store_io`, `store_busy` or `store_damaged`; methods that write also with
/// `store_full` and `store_read_only`. Pairs of pictures have a trait of their own.
pub trait Catalogue: Pairs + Send + Sync {
    /// Applies all changes in order, or none of them. Once this has returned `Ok`, they survive a
    /// power cut. Gives one effect a change, in the same order; a later change sees the earlier.
    fn commit(&self, changes: Vec<Change>) -> Result<Vec<Effect>, StoreError>;

    /// The picture with this id.
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError>;

    /// The pictures with these keys: as many as `keys`, in the same order, `None` where unknown.
    fn pictures(&self, keys: &[u64]) -> Result<Vec<Option<PictureRecord>>, StoreError>;

    /// At most `limit` pictures, newest first (of equal time, the higher key first), after
    /// skipping `offset`.
    fn list(&self, offset: u64, limit: u64) -> Result<Vec<PictureRecord>, StoreError>;

    /// Number of pictures.
    fn count(&self) -> Result<u64, StoreError>;

    /// As [`Catalogue::list`], of the pictures that are meant.
    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError>;

    /// Number of the pictures that are meant.
    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError>;

    /// Keys of the pictures that are meant, ascending.
    fn matching_keys(&self, filter: &Filter) -> Result<Vec<u64>, StoreError>;

    /// At most `limit` objects after skipping `offset`, ascending by id.
    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError>;

    /// Number of objects.
    fn object_count(&self) -> Result<u64, StoreError>;

    /// Each picture that belongs to an object, by ascending key, with a number that pictures of the
    /// same object share and others do not.
    fn object_numbers(&self) -> Result<Vec<(u64, u32)>, StoreError>;

    /// Features of these keys: as many as `keys`, in the same order, `None` where unknown.
    fn features(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Every picture's key with its number of features, by ascending key.
    fn keys(&self) -> Result<Vec<(u64, u32)>, StoreError>;

    /// At most `limit` pairs of key and words with keys above `key` (from the start for `None`),
    /// ascending.
    fn words_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;

    /// Words of these keys, as [`Catalogue::features`] gives features.
    fn words(&self, keys: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Features of the pictures with keys above `key`, as [`Catalogue::words_after`] gives words.
    fn features_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;

    /// Keeps words that are to take the place of the present ones once there are some for every
    /// picture, in place of words that were staged for the same keys. Keys that are unknown are passed
    /// over; staged words go away with their picture. As durable as [`Catalogue::commit`].
    fn stage_words(&self, words: &[(u64, Vec<u8>)]) -> Result<(), StoreError>;

    /// Staged words, as [`Catalogue::words_after`] gives the present ones.
    fn staged_after(
        &self,
        key: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError>;

    /// The highest key with staged words.
    fn staged_last(&self) -> Result<Option<u64>, StoreError>;

    /// Forgets all staged words.
    fn discard_staged(&self) -> Result<(), StoreError>;

    /// Puts all staged words in place of the present ones and sets a named value, both or neither.
    /// Does neither and gives `false` when a picture has none staged.
    fn adopt_staged(&self, setting: &str, value: &str) -> Result<bool, StoreError>;

    /// The source recorded for exactly this path, and its picture.
    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError>;

    /// At most `limit` sources whose path starts with `prefix` and lies above `after`, ascending
    /// by the bytes of the path. The prefix is plain text: end it with the separator to stay
    /// inside a folder.
    fn sources_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SourceFile, PictureId)>, StoreError>;

    /// At most `limit` refusals, chosen and sorted as by [`Catalogue::sources_under`].
    fn refusals_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Refusal>, StoreError>;

    /// Number of refusals.
    fn refusal_count(&self) -> Result<u64, StoreError>;

    /// A named value set by [`Catalogue::set_setting`].
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets a named value, as durably as [`Catalogue::commit`].
    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError>;

    /// How many bytes the features and the words take.
    fn stored_bytes(&self) -> Result<StoredBytes, StoreError>;

    /// At most `limit` ids of pictures that were removed, in whatever way, and whose blobs may still
    /// be there, ascending. An id comes on record with the commit that removes the picture; it
    /// leaves with [`Catalogue::forget_removed`], or when the picture is added again. So no picture
    /// that is there is ever among them, but one may be added while its old blobs are being
    /// deleted: the caller must keep the two apart.
    fn removed_pictures(&self, limit: usize) -> Result<Vec<PictureId>, StoreError>;

    /// Takes these ids off the record of [`Catalogue::removed_pictures`], once their blobs are
    /// deleted, as durably as [`Catalogue::commit`]. Ids that are not on it are passed over.
    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::PictureId;

    #[test]
    fn an_id_is_32_lower_case_hexadecimal_characters() {
        let good = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            PictureId::parse(good).map(|id| id.to_string()),
            Some(good.into())
        );
        for bad in [
            "",
            &good[1..],
            "0123456789ABCDEF0123456789abcdef",
            "g123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(PictureId::parse(bad), None, "{bad:?}");
        }
    }
}
