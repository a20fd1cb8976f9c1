//! Archives, each read on a thread of its own.

use std::io::BufReader;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::unpacking::{Entry, Stopped, Unpacking};
use super::{tarball, zipped};
use crate::intake::{Archive, ArchiveKind, Bounds};
use crate::problem::Problem;

/// The most bytes that an archive becomes.
const UNPACKED_BYTES: u64 = 16 << 30;
/// Beyond so many bytes an archive may become at most [`RATIO`] times as long as it is.
const UNQUESTIONED_BYTES: u64 = 1 << 30;
const RATIO: u64 = 100;

/// An archive that is being read.
pub(super) struct Reading {
    entries: mpsc::Receiver<Entry>,
    work: JoinHandle<Result<(), Stopped>>,
}

/// Begins to read an archive whose entries are bounded as bodies are.
pub(super) fn read(archive: Archive, bounds: &Bounds) -> Reading {
    let (sender, entries) = mpsc::channel(1);
    let bound = bound(archive.length);
    let mut unpacking = Unpacking::new(sender, bounds, Handle::current(), bound);
    let work = tokio::task::spawn_blocking(move || unpack(archive, &mut unpacking));
    Reading { entries, work }
}

/// Takes all of the archive: its place is taken until it is read.
fn unpack(archive: Archive, unpacking: &mut Unpacking) -> Result<(), Stopped> {
    match archive.kind {
        ArchiveKind::Zip => zipped::read(&archive.file, archive.length, unpacking),
        ArchiveKind::Tar => tarball::read(BufReader::new(&archive.file), unpacking),
        ArchiveKind::TarGz => {
            tarball::read(flate2::read::MultiGzDecoder::new(&archive.file), unpacking)
        }
    }
}

/// How many bytes an archive of `length` may become.
fn bound(length: u64) -> u64 {
    let by_ratio = length.saturating_mul(RATIO).max(UNQUESTIONED_BYTES);
    by_ratio.min(UNPACKED_BYTES)
}

impl Reading {
    pub(super) async fn next(&mut self) -> Option<Entry> {
        self.entries.recv().await
    }

    /// Whether it was read to its end.
    pub(super) async fn ended(self) -> Result<(), Problem> {
        match self.work.await {
            Ok(Ok(()) | Err(Stopped::Unheard)) => Ok(()),
            Ok(Err(Stopped::Broken(problem))) => Err(problem),
            Err(error) => Err(Problem::internal(&error)),
        }
    }
}

/// An archive of pictures, as the fuzzers call its readers.
#[cfg(any(test, fuzzing))]
pub fn archive(bytes: &[u8]) -> bool {
    use crate::intake::{Memory, Spools, archive_kind};
    /// The most bytes of an entry.
    const MOST: u64 = 1 << 20;
    static RUNTIME: std::sync::LazyLock<std::io::Result<tokio::runtime::Runtime>> =
        std::sync::LazyLock::new(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
        });
    let (Ok(runtime), Some(kind)) = (&*RUNTIME, archive_kind(bytes)) else {
        return false;
    };
    runtime.block_on(async {
        let Ok(archive) = Spools::new(None).archive(kind, bytes).await else {
            panic!("there is no room for the archive");
        };
        let bounds = Bounds {
            bytes: MOST,
            idle: std::time::Duration::from_secs(9),
            rate: 1,
            memory: Memory::of(resight_engine::MemoryBudget::new(64 << 20)),
        };
        let mut reading = read(archive, &bounds);
        let mut count = 0;
        while let Some(entry) = reading.next().await {
            count += 1;
            match entry {
                Entry::Picture { bytes, .. } => {
                    assert!(bytes.len() as u64 <= MOST && archive_kind(&bytes).is_none());
                }
                Entry::Refused { problem, .. } | Entry::Skipped { problem, .. } => {
                    assert!(problem.status().is_client_error(), "{}", problem.message());
                }
            }
        }
        assert!(count <= super::limits::MOST_FILES);
        match reading.ended().await {
            Ok(()) => true,
            Err(problem) => {
                assert!(problem.status().is_client_error(), "{}", problem.message());
                false
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use resight_engine::MemoryBudget;

    use super::*;
    use crate::intake::{Memory, Spools};

    #[tokio::test]
    async fn an_archive_has_its_place_until_it_is_read() {
        let spools = Spools::new(None);
        let all = spools.free_places();
        let mut archive = tar::Builder::new(Vec::new());
        for name in ["a", "b", "c"] {
            let mut header = tar::Header::new_ustar();
            header.set_size(1);
            archive.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        let archive = archive.into_inner().unwrap();
        let archive = spools.archive(ArchiveKind::Tar, &archive).await;
        let bounds = Bounds {
            bytes: 100,
            idle: std::time::Duration::from_secs(9),
            rate: 1,
            memory: Memory::of(MemoryBudget::new(1 << 30)),
        };
        // One entry is taken and one waits to be, so the third is not read yet.
        let mut reading = read(archive.ok().unwrap(), &bounds);
        assert!(reading.next().await.is_some());
        assert_eq!(spools.free_places(), all - 1);
        while reading.next().await.is_some() {}
        assert!(reading.ended().await.is_ok());
        assert_eq!(spools.free_places(), all);
    }

    #[test]
    fn what_an_archive_becomes_is_bounded() {
        assert_eq!(bound(1), UNQUESTIONED_BYTES);
        assert_eq!(bound(20 << 20), (20 << 20) * RATIO);
        assert_eq!(bound(4 << 30), UNPACKED_BYTES);
    }
}
