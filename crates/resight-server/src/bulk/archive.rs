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
    let work = tokio::task::spawn_blocking(move || match archive.kind {
        ArchiveKind::Zip => zipped::read(&archive.file, &mut unpacking),
        ArchiveKind::Tar => tarball::read(BufReader::new(&archive.file), &mut unpacking),
        ArchiveKind::TarGz => tarball::read(
            flate2::read::MultiGzDecoder::new(&archive.file),
            &mut unpacking,
        ),
    });
    Reading { entries, work }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_archive_becomes_is_bounded() {
        assert_eq!(bound(1), UNQUESTIONED_BYTES);
        assert_eq!(bound(20 << 20), (20 << 20) * RATIO);
        assert_eq!(bound(4 << 30), UNPACKED_BYTES);
    }
}
