//! Segments on disk: files that never change, and a manifest that names those that count.
//!
//! The folder holds nothing that the catalogue could not give again: what cannot be read is left
//! out, and whoever opens the index adds it anew.

use std::fs::{self, File};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::live::Filed;
use crate::mapped::Bytes;

const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
/// How often the manifest is read again when a file that it names is gone: the process that writes
/// here has merged it meanwhile.
const ATTEMPTS: usize = 5;

/// A folder of segments that one owner made: a vocabulary, or a model.
#[derive(Debug)]
pub(crate) struct Folder<S> {
    path: PathBuf,
    owner: [u8; 16],
    /// The number of the next file.
    next: u64,
    kind: PhantomData<fn() -> S>,
}

/// A segment and its file's name.
#[derive(Debug)]
pub(crate) struct Saved<S> {
    pub(crate) name: Arc<str>,
    pub(crate) segment: Arc<S>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The segments' files, by ascending keys.
    segments: Vec<String>,
}

impl<S: Filed + Send + Sync> Folder<S> {
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

    /// The segments that the manifest names, as far as they can be read; and why not all.
    pub(crate) fn read(&mut self) -> (Vec<Saved<S>>, Option<String>) {
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

    fn attempt(&self) -> (Vec<Saved<S>>, Option<String>) {
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
        // Checking reads all of them.
        let names = manifest.segments.into_par_iter();
        let opened: Vec<_> = names.map(|name| (self.open(&name), name)).collect();
        let mut segments: Vec<Saved<S>> = Vec::with_capacity(opened.len());
        for (opened, name) in opened {
            let last = segments.last();
            match opened {
                // Those behind a gap are left out as well.
                Ok(segment) if last.is_none_or(|l| segment.may_follow(&l.segment)) => {
                    segments.push(Saved {
                        name: name.into(),
                        segment: Arc::new(segment),
                    });
                }
                Ok(_) => return (segments, Some(format!("{name} is out of order"))),
                Err(why) => return (segments, Some(format!("{name}: {why}"))),
            }
        }
        (segments, None)
    }

    fn open(&self, name: &str) -> Result<S, String> {
        // A name of the manifest's must not lead out of the folder.
        Self::number(name).ok_or("it is no name of a segment")?;
        let file = File::open(self.path.join(name)).map_err(|e| e.to_string())?;
        let bytes = Bytes::map(&file).map_err(|e| e.to_string())?;
        S::open(bytes, &self.owner)
    }

    /// Writes a segment and reads it back from its file. It counts once the manifest names it.
    pub(crate) fn save(&mut self, segment: &S) -> io::Result<Saved<S>> {
        fs::create_dir_all(&self.path)?;
        let name = format!("{:08}{}", self.next, S::ENDING);
        self.next += 1;
        self.put(&name, &|out| segment.write(&self.owner, out))?;
        let segment = self.open(&name).map_err(io::Error::other)?;
        Ok(Saved {
            name: name.into(),
            segment: Arc::new(segment),
        })
    }

    /// Makes these the segments that count, and removes the files that are not `kept` either.
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
            if unused && let Err(e) = fs::remove_file(entry.path()) {
                tracing::warn!("{} stays for now: {e}", entry.path().display());
            }
        }
        Ok(())
    }

    /// A file that is there whole or not at all, also after a power failure.
    pub(crate) fn put(
        &self,
        name: &str,
        write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.path)?;
        write(&mut file)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(name)).map_err(|e| e.error)?;
        File::open(&self.path)?.sync_all()
    }

    /// The number in a segment's file name.
    fn number(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(S::ENDING)?;
        let fine = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
        fine.then(|| digits.parse().ok()).flatten()
    }
}
