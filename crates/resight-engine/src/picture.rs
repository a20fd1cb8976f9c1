//! Pictures as callers see them.

use std::fs::File;
use std::io;

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
    /// Pages or frames of the file; `None` where the picture was stored before
    /// they were counted.
    pub pages: Option<u32>,
    /// Bits a sample of the file; `None` as above.
    pub depth: Option<u8>,
    /// When it was taken, in milliseconds since 1970; `None` where its file does not tell, or was not asked yet.
    pub taken_ms: Option<i64>,
    /// Number of local features.
    pub features: u32,
    /// When it was added, in milliseconds since 1970 (UTC).
    pub added_ms: i64,
    /// Paths of its files, each as [`crate::path_text`] writes it.
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
            taken_ms: record.taken_ms,
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

/// A picture's file, opened to be sent.
#[derive(Debug)]
pub enum OpenFile {
    /// A file in an indexed folder, at its beginning. Its content was compared with the id.
    InFolder(File),
    /// Bytes that the store has: [`crate::Library::file`] reads them.
    Stored,
}

/// The id of a file with these bytes: the first 16 bytes of their BLAKE3 hash.
pub(crate) fn id_of(bytes: &[u8]) -> PictureId {
    id_of_hash(blake3::hash(bytes))
}

/// The id of what `content` gives, read in small parts.
///
/// # Errors
/// Those of reading.
pub fn id_of_content(content: impl io::Read) -> io::Result<PictureId> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(content)?;
    Ok(id_of_hash(hasher.finalize()))
}

fn id_of_hash(hash: blake3::Hash) -> PictureId {
    let hash = hash.to_hex();
    match PictureId::parse(&hash[..32]) {
        Some(id) => id,
        None => unreachable!("BLAKE3 gives 64 lower-case hexadecimal characters"),
    }
}
