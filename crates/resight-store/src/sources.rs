//! Files that pictures were read from, and files that were refused.

use crate::error::StoreError;
use crate::id::PictureId;

/// A file as it was when it was read; a change of length or time means that it must be read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// The caller's locator, usually an absolute path; compared byte for byte.
    pub path: String,
    /// Length in bytes.
    pub byte_len: u64,
    /// Time of the last change, in nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// Time of the last change of the file or of what the system records of it, which no program sets; `None`
    /// where the system tells none, and in records from before format 8.
    pub changed_ns: Option<i64>,
    /// Number of the file within its file system (inode); `None` as above.
    pub file_number: Option<u64>,
}

/// A file that could not be read as a picture, and why.
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

/// The files that pictures were read from. A path is a source of at most one picture; a picture may
/// have many sources.
pub trait Sources: Send + Sync {
    /// The source with exactly this path, and its picture.
    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError>;

    /// A page of the sources whose path starts with `prefix`, ascending by the bytes of the path,
    /// those above `after` (from the start for `None`). The prefix is plain text: end it with the
    /// separator to stay inside a folder.
    fn sources_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(SourceFile, PictureId)>, StoreError>;

    /// The paths of all sources of these pictures: one entry for each of `keys`, in the same order, each
    /// ascending; empty where there is none or no such picture.
    fn source_paths(&self, keys: &[u64]) -> Result<Vec<Vec<String>>, StoreError>;
}

/// The files that were refused. A path has at most one refusal, and none while it is a source.
pub trait Refusals: Send + Sync {
    /// A page of the refusals, chosen and sorted as by [`Sources::sources_under`].
    fn refusals_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Refusal>, StoreError>;

    /// Number of refusals.
    fn refusal_count(&self) -> Result<u64, StoreError>;
}
