//! What the two kinds of segments (postings, vectors) have in common.

use std::io;

use crate::Key;
use crate::mapped::Bytes;

/// A segment of any kind: an immutable run of pictures.
pub(crate) trait Keyed {
    /// Keys of the pictures, ascending. A picture's number in the segment is its position here.
    fn keys(&self) -> &[u64];

    /// The number of the picture with this key.
    fn find(&self, key: Key) -> Option<u32> {
        self.keys().binary_search(&key.0).ok().map(|i| i as u32)
    }
}

/// A segment that is stored as a file, with a header that detects damage.
pub(crate) trait SegmentFile: Keyed + Sized {
    /// Extension of its files' names, with the dot.
    const EXTENSION: &'static str;

    /// Reads what [`SegmentFile::write`] wrote for the same owner.
    ///
    /// Errors: why the bytes are refused, as a clause for the log.
    fn open(bytes: Bytes, owner: &[u8; 16]) -> Result<Self, String>;

    /// Writes all bytes of the file. `owner` identifies what made the contents: a vocabulary or a
    /// model.
    fn write(&self, owner: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()>;
}
