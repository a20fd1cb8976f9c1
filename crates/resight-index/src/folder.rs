//! Segments on disk: files that never change, and a manifest that names those in use.
//!
//! Everything here can be rebuilt from the catalogue. A segment that cannot be read is left out, and
//! its pictures are added again when the index is opened.

use std::fs::{self, File};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::mapped::Bytes;
use crate::segment_file::SegmentFile;

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
/// Attempts to read the manifest and its files: a process that writes to the folder may merge, and
/// so remove, a file between the two.
const ATTEMPTS: usize = 5;
/// Files that are being written have names that begin like this.
const TEMPORARY: &str = ".tmp";

/// A folder of segments of one owner: a vocabulary or a model.
#[derive(Debug)]
pub(crate) struct SegmentFolder<S> {
    path: PathBuf,
    owner: [u8; 16],
    /// Number of the next file.
    next: u64,
    kind: PhantomData<fn() -> S>,
}

/// A segment with the name of its file.
#[derive(Debug)]
pub(crate) struct SavedSegment<S> {
    pub(crate) name: Arc<str>,
    pub(crate) segment: Arc<S>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// Files in use, in the order in which their pictures were added.
    segments: Vec<String>,
}

impl<S: SegmentFile + Send + Sync> SegmentFolder<S> {
    pub(crate) fn new(path: &Path, owner: [u8; 16]) -> Self {
        Self {
            path: path.to_owned(),
            owner,
            next: 0,
            kind: PhantomData,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes files that a killed process left half written. The caller is the only writer.
    pub(crate) fn remove_temporary_files(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
                remove(&entry.path());
            }
        }
    }

    /// The segments that the manifest names, up to the first that cannot be read, and why it cannot.
    pub(crate) fn read(&mut self) -> (Vec<SavedSegment<S>>, Option<String>) {
        let mut last = (Vec::new(), None);
        for _ in 0..ATTEMPTS {
            last = self.attempt();
            if last.1.is_none() {
                break;
            }
        }
        let numbers = last.0.iter().filter_map(|s| Self::number(&s.name));
        self.next = numbers.max().map_or(0, |n| n + 1);
        last
    }

    fn attempt(&self) -> (Vec<SavedSegment<S>>, Option<String>) {
        let manifest = match fs::read(self.path.join(MANIFEST)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return (Vec::new(), None),
            Err(e) => return (Vec::new(), Some(format!("{MANIFEST}: {e}"))),
            Ok(bytes) => serde_json::from_slice::<Manifest>(&bytes),
        };
        let manifest = match manifest {
            Ok(manifest) if manifest.format == FORMAT => manifest,
            Ok(other) => {
                let why = format!("{MANIFEST} is of format {}, not {FORMAT}", other.format);
                return (Vec::new(), Some(why));
            }
            Err(e) => return (Vec::new(), Some(format!("{MANIFEST} is damaged: {e}"))),
        };
        // Checking the hashes reads whole files.
        let names = manifest.segments.into_par_iter();
        let opened: Vec<_> = names.map(|name| (self.open(&name), name)).collect();
        let mut segments = Vec::with_capacity(opened.len());
        for (opened, name) in opened {
            match opened {
                Ok(segment) => segments.push(SavedSegment {
                    name: name.into(),
                    segment: Arc::new(segment),
                }),
                // Those behind it are left out as well.
                Err(why) => return (segments, Some(format!("{name}: {why}"))),
            }
        }
        (segments, None)
    }

    fn open(&self, name: &str) -> Result<S, String> {
        // A name in the manifest must not lead out of the folder.
        Self::number(name).ok_or("it is not the name of a segment")?;
        let file = File::open(self.path.join(name)).map_err(|e| e.to_string())?;
        let bytes = Bytes::map(&file).map_err(|e| e.to_string())?;
        S::open(bytes, &self.owner)
    }

    /// Writes a segment and maps its file. It is in use once the manifest names it.
    pub(crate) fn save(&mut self, segment: &S) -> io::Result<SavedSegment<S>> {
        // The folder of all indexes and this one. Nothing above them: a data folder that was removed must not
        // come back with an index alone.
        for folder in [self.path.parent(), Some(&*self.path)] {
            match folder.map(fs::create_dir) {
                Some(Err(error)) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error);
                }
                _ => {}
            }
        }
        let name = format!("{:08}{}", self.next, S::EXTENSION);
        self.next += 1;
        self.put(&name, &|out| segment.write(&self.owner, out))?;
        let segment = self.open(&name).map_err(io::Error::other)?;
        Ok(SavedSegment {
            name: name.into(),
            segment: Arc::new(segment),
        })
    }

    /// Writes a manifest of `names`, and removes the segments' files that are neither named nor
    /// `kept`.
    pub(crate) fn publish(&self, names: &[Arc<str>], kept: &[Arc<str>]) -> io::Result<()> {
        let manifest = Manifest {
            format: FORMAT,
            segments: names.iter().map(ToString::to_string).collect(),
        };
        let manifest = serde_json::to_vec(&manifest)?;
        self.put(MANIFEST, &|out| out.write_all(&manifest))?;
        for entry in fs::read_dir(&self.path)?.flatten() {
            let name = entry.file_name();
            let unused = name.to_str().is_some_and(|name| {
                let named = |n: &Arc<str>| **n == *name;
                Self::number(name).is_some() && !names.iter().chain(kept).any(named)
            });
            if unused {
                remove(&entry.path());
            }
        }
        Ok(())
    }

    /// Writes a file that exists whole or not at all, also after a power failure.
    pub(crate) fn put(
        &self,
        name: &str,
        write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.path)?;
        write(&mut file)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(name)).map_err(|e| e.error)?;
        File::open(&self.path)?.sync_all()
    }

    /// The number in a segment's file name.
    fn number(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(S::EXTENSION)?;
        let fine = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
        fine.then(|| digits.parse().ok()).flatten()
    }
}

/// Removes a file; one that cannot be removed is left for a later attempt.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!("{} is left over: {error}", path.display());
    }
}
