//! The server's mapping of memory that it shares with a worker. One plain copy is several times as
//! fast as `pread` and `pwrite`, which copy page by page.

#![allow(unsafe_code)]

use std::fs::File;

use memmap2::{MmapOptions, MmapRaw};

/// A whole file whose size is sealed and whose memory is allocated, so that no access can fault.
pub(crate) struct Mapping(MmapRaw);

impl Mapping {
    /// Maps `size` bytes of `file`, which must not become shorter.
    pub(crate) fn new(file: &File, size: u64) -> Option<Self> {
        let size = usize::try_from(size).ok()?;
        let raw = MmapOptions::new().len(size).populate().map_raw(file).ok()?;
        Some(Self(raw))
    }

    /// The offset of `length` bytes from `at`; `None` when they exceed the mapping.
    fn place(&self, at: u64, length: usize) -> Option<usize> {
        let at = usize::try_from(at).ok()?;
        let end = at.checked_add(length)?;
        (end <= self.0.len()).then_some(at)
    }

    /// Copies `bytes` to `at`. Returns `false` and copies nothing when they do not fit.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        let Some(at) = self.place(at, bytes.len()) else {
            return false;
        };
        // SAFETY: `place` checked the range against the mapping's length. `bytes` does not overlap
        // the mapping, to which no reference is ever made. The worker may access the same memory
        // meanwhile; it holds bytes, of which every value is valid.
        unsafe {
            let to = self.0.as_mut_ptr().add(at);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        true
    }

    /// A copy of `length` bytes from `at`; `None` when they exceed the mapping.
    pub(crate) fn read(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        let at = self.place(at, length)?;
        let mut bytes = Vec::with_capacity(length);
        // SAFETY: as in `write`; the vector has room for `length` bytes and all of them are
        // written before its length says so. A worker that writes meanwhile spoils its own answer.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.as_ptr().add(at), bytes.as_mut_ptr(), length);
            bytes.set_len(length);
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn it_reads_and_writes_the_file_and_nothing_beyond() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10_000).unwrap();
        let mut mapping = Mapping::new(&file, 10_000).unwrap();
        let data: Vec<u8> = (0..9000u32).map(|i| (i % 251) as u8).collect();
        assert!(mapping.write(1000, &data));
        let mut twin = vec![0; 9000];
        file.read_exact_at(&mut twin, 1000).unwrap();
        assert_eq!(twin, data);
        file.write_all_at(b"other", 4094).unwrap();
        assert_eq!(mapping.read(4094, 5).unwrap(), b"other");
        assert_eq!(mapping.read(10_000, 0).unwrap(), b"");
        for (at, length) in [(1001, 9000), (10_001, 0), (u64::MAX, 2), (0, usize::MAX)] {
            assert!(mapping.read(at, length).is_none(), "{at} {length}");
        }
        assert!(!mapping.write(1001, &data) && !mapping.write(u64::MAX, b"x"));
        assert_eq!(mapping.read(1000, 5).unwrap(), data[..5]);
    }
}
