//! Pictures as callers see them.

use resight_store::{Labels, PictureId, PictureRecord};

/// A stored picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Derived from its content: the same bytes have the same id.
    pub id: PictureId,
    /// The file's name when it was first seen.
    pub name: String,
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// Length of the file in bytes.
    pub byte_len: u64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Pages or frames of the file, of which the first is searched; `None` where the picture was stored before
    /// they were counted.
    pub pages: Option<u32>,
    /// Bits a sample of the file; `None` as above.
    pub depth: Option<u8>,
    /// Number of local features.
    pub features: u32,
    /// When it was added, in milliseconds since 1970 (UTC).
    pub added_ms: i64,
    /// Paths of its files.
    pub sources: Vec<String>,
    /// Whether it was uploaded, and its bytes are stored.
    pub uploaded: bool,
    /// Its labels.
    pub labels: Labels,
}

impl From<PictureRecord> for Picture {
    fn from(record: PictureRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            media_type: record.media_type,
            byte_len: record.byte_len,
            width: record.width,
            height: record.height,
            pages: record.pages,
            depth: record.depth,
            features: record.feature_count,
            added_ms: record.added_ms,
            sources: record.sources,
            uploaded: record.uploaded,
            labels: record.labels,
        }
    }
}

/// The answer to adding a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The picture as it is stored now.
    pub picture: Picture,
    /// Whether the same bytes were stored before.
    pub already_there: bool,
}

/// The bytes of a picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFile {
    /// Exactly as they were added.
    pub bytes: Vec<u8>,
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// A name to save it under.
    pub name: String,
}

/// The id of a file with these bytes: the first 16 bytes of their BLAKE3 hash.
pub(crate) fn id_of(bytes: &[u8]) -> PictureId {
    let hash = blake3::hash(bytes).to_hex();
    match PictureId::parse(&hash[..32]) {
        Some(id) => id,
        None => unreachable!("BLAKE3 gives 64 lower-case hexadecimal characters"),
    }
}
