//! Bytes of a segment, in memory or mapped from a file.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::Mmap;

#[cfg(not(target_endian = "little"))]
compile_error!("segments are read as they lie on disk, which is little-endian");

/// Bytes whose start is a multiple of eight.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// Memory, and the number of its bytes that are used.
    Owned(Vec<u64>, usize),
    Mapped(Mmap),
}

impl Bytes {
    /// Maps a file, whose bytes are read when they are used.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the file is in the index's folder, which the data folder's lock reserves for one
        // writing process. It got its name when it was complete, and nothing writes to it
        // afterwards: a merge writes a new file and removes the name of the old one, whose bytes
        // stay while they are mapped. A person who changes files of that folder while a server runs
        // may crash it, as with any database. All bytes are valid values of the types read from
        // them.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self::Mapped(map))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(words, length) => &bytemuck::cast_slice(words)[..*length],
            Self::Mapped(map) => map,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_s_bytes_are_those_in_memory() {
        let mut file = tempfile::tempfile().unwrap();
        let words: Vec<u64> = (0..1000).map(|i| i * 0x0101_0101).collect();
        let twin = Bytes::Owned(words.clone(), 7997);
        file.write_all(&bytemuck::cast_slice(&words)[..7997])
            .unwrap();
        let mapped = Bytes::map(&file).unwrap();
        assert_eq!(mapped.as_slice(), twin.as_slice());
        assert_eq!(mapped.as_slice().as_ptr().align_offset(8), 0);
    }
}
