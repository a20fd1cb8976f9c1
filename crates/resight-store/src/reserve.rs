//! Space that a data folder keeps for the moment when its disk is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes of the reserve: what SQLite's log takes to remove some dozens of pictures.
pub(crate) const BYTES: u64 = 8 << 20;

/// Bytes that must be free beside the reserve before pictures are added again. Without them, one add and one
/// refusal would take turns.
const HEADROOM: u64 = 8 << 20;

/// Bytes that are written at once.
const CHUNK: usize = 64 << 10;

/// A file whose only purpose is the space it takes.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    probe: PathBuf,
}

impl Reserve {
    const FILE: &'static str = "reserve";
    const PROBE: &'static str = "reserve-probe";

    pub(crate) fn in_folder(dir: &Path) -> Self {
        Self {
            path: dir.join(Self::FILE),
            probe: dir.join(Self::PROBE),
        }
    }

    /// Lets the file grow to its full size, or as far as there is space. It is not written through to the
    /// disk: the next opening completes one that a power cut has shortened.
    pub(crate) fn fill(&self) -> io::Result<()> {
        grow(&self.path, BYTES)
    }

    /// Gives the space back to the disk. The file stays, so that filling it again needs no new entry.
    pub(crate) fn release(&self) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.path)?.set_len(0)
    }

    /// Fills the reserve, and fails unless there is more space beside it.
    pub(crate) fn find_space(&self) -> io::Result<()> {
        self.fill()?;
        let found = grow(&self.probe, HEADROOM);
        // If this fails the file stays, and the next attempt finds it written already.
        let _ = fs::remove_file(&self.probe);
        found
    }
}

fn grow(path: &Path, to: u64) -> io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let length = file.metadata()?.len();
    let missing = to.saturating_sub(length);
    write_noise(file, missing)
}

/// Writes bytes that a file system cannot compress: zeros might take no space.
fn write_noise(mut file: File, bytes: u64) -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let next = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        file.write_all(&chunk[..next])?;
        left -= next as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_filled_released_and_filled_again() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::in_folder(dir.path());
        let length = || fs::metadata(&reserve.path).unwrap().len();
        assert!(reserve.release().is_err(), "there is none yet");
        for _ in 0..2 {
            reserve.fill().unwrap();
            assert_eq!(length(), BYTES);
            reserve.release().unwrap();
            assert_eq!(length(), 0);
        }
        fs::write(&reserve.path, vec![1; 99]).unwrap();
        reserve.find_space().unwrap();
        assert_eq!(length(), BYTES);
        assert!(!reserve.probe.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::in_folder(dir.path());
        std::os::unix::fs::symlink("/dev/full", &reserve.probe).unwrap();
        let error = reserve.find_space().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::metadata(&reserve.path).unwrap().len(), BYTES);
    }
}
