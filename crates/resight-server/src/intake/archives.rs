//! Archives of pictures: how they are recognised, and where they lie while they are read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use flate2::read::GzDecoder;
use resight_app::Code;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

/// The longest archive, in bytes.
pub(crate) const ARCHIVE_BYTES: u64 = 4 << 30;
/// Archives on disk at once.
const PLACES: usize = 4;
/// How long one waits for a place.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where a tar's first header names its format.
const TAR_MAGIC: usize = 257;
/// Bytes from which a kind is told.
pub(super) const TELLING: usize = 4096;

/// Which kind of archive it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArchiveKind {
    Zip,
    Tar,
    TarGz,
}

impl ArchiveKind {
    /// As a content type states it.
    pub(super) fn of_type(essence: &str) -> Option<Self> {
        match essence {
            "application/zip"
            | "application/x-zip-compressed"
            | "application/vnd.comicbook+zip"
            | "application/x-cbz" => Some(Self::Zip),
            "application/x-tar" => Some(Self::Tar),
            "application/gzip"
            | "application/x-gzip"
            | "application/x-gtar"
            | "application/x-compressed-tar" => Some(Self::TarGz),
            _ => None,
        }
    }
}

/// Whether a content type is an archive's.
pub(super) fn is_archive(essence: &str) -> bool {
    ArchiveKind::of_type(essence).is_some()
}

/// The kind of archive that begins with these bytes; `None` of anything else, as an SVG compressed by gzip.
pub(crate) fn archive_kind(beginning: &[u8]) -> Option<ArchiveKind> {
    let is_tar = |bytes: &[u8]| bytes.get(TAR_MAGIC..TAR_MAGIC + 5) == Some(b"ustar");
    if beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06") {
        return Some(ArchiveKind::Zip);
    }
    if is_tar(beginning) {
        return Some(ArchiveKind::Tar);
    }
    if beginning.starts_with(&[0x1f, 0x8b]) {
        let mut header = Vec::new();
        let beginning = &beginning[..beginning.len().min(TELLING)];
        // A beginning ends early, which is no matter once the header is there.
        let _ = GzDecoder::new(beginning).take(512).read_to_end(&mut header);
        return is_tar(&header).then_some(ArchiveKind::TarGz);
    }
    None
}

/// Where archives lie while they are read: in files without a name, which a kill leaves nothing of.
#[derive(Clone)]
pub(crate) struct Spools {
    folder: Arc<Path>,
    places: Arc<Semaphore>,
}

/// An archive on disk.
pub(crate) struct Archive {
    pub(crate) kind: ArchiveKind,
    pub(crate) file: File,
    pub(crate) length: u64,
    /// Of its bytes.
    pub(crate) hash: blake3::Hash,
    _place: OwnedSemaphorePermit,
}

/// An archive that is being written.
pub(super) struct Spooling {
    kind: ArchiveKind,
    file: tokio::fs::File,
    length: u64,
    hash: blake3::Hasher,
    place: OwnedSemaphorePermit,
}

impl Spools {
    /// In `folder`, or where there is none, in the system's folder for temporary files.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder: folder.unwrap_or_else(std::env::temp_dir).into(),
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }

    /// Begins a file when there is a place for it.
    pub(super) async fn begin(&self, kind: ArchiveKind) -> Result<Spooling, Problem> {
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let detail = "All places for archives are taken.";
            return Err(Problem::new(Code::Busy, detail));
        };
        let folder = self.folder.clone();
        let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder)).await;
        let file = made
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| unwritable(&error))?;
        Ok(Spooling {
            kind,
            file: tokio::fs::File::from_std(file),
            length: 0,
            hash: blake3::Hasher::new(),
            place,
        })
    }
}

impl Spooling {
    /// Appends bytes.
    pub(super) async fn write(&mut self, bytes: &Bytes) -> Result<(), Problem> {
        self.length += bytes.len() as u64;
        if self.length > ARCHIVE_BYTES {
            let detail = format!("The archive has more than {ARCHIVE_BYTES} bytes.");
            return Err(Problem::new(Code::ArchiveTooLarge, detail));
        }
        self.hash.update(bytes);
        let written = self.file.write_all(bytes).await;
        written.map_err(|error| unwritable(&error))
    }

    /// The archive, at its start.
    pub(super) async fn finish(mut self) -> Result<Archive, Problem> {
        let ended = async {
            self.file.flush().await?;
            self.file.rewind().await
        };
        ended.await.map_err(|error| unwritable(&error))?;
        Ok(Archive {
            kind: self.kind,
            file: self.file.into_std().await,
            length: self.length,
            hash: self.hash.finalize(),
            _place: self.place,
        })
    }
}

#[cfg(any(test, fuzzing))]
impl Spools {
    #[cfg(test)]
    pub(crate) fn free_places(&self) -> usize {
        self.places.available_permits()
    }

    pub(crate) async fn archive(
        &self,
        kind: ArchiveKind,
        bytes: &[u8],
    ) -> Result<Archive, Problem> {
        let mut spooling = self.begin(kind).await?;
        spooling.write(&Bytes::copy_from_slice(bytes)).await?;
        spooling.finish().await
    }
}

fn unwritable(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Problem::new(Code::StoreFull, "There is no space for the archive.")
        }
        _ => Problem::internal(&format_args!("an archive could not be stored: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn archives_are_told_by_their_bytes() {
        let mut header = tar::Header::new_ustar();
        header.set_path("a").unwrap();
        header.set_cksum();
        let tar = header.as_bytes();
        let zipped = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        for (bytes, kind) in [
            (b"PK\x03\x04rest".to_vec(), Some(ArchiveKind::Zip)),
            (b"PK\x05\x06".to_vec(), Some(ArchiveKind::Zip)),
            (tar.to_vec(), Some(ArchiveKind::Tar)),
            (zipped(tar), Some(ArchiveKind::TarGz)),
            (zipped(b"<svg/>"), None),
            (vec![0x1f, 0x8b], None),
            (b"\x89PNG\r\n\x1a\n".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(archive_kind(&bytes), kind, "{bytes:?}");
        }
    }
}
