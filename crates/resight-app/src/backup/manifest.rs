//! The list of a backup's files: a line of JSON each, between a first one and a last one that has the hash of all
//! before.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::copy::Content;
use crate::AppError;

const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    resight_backup: u32,
    made_ms: u64,
    program: String,
}

/// A file of the data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its path in the data folder, with `/` between the parts.
    pub(super) path: String,
    pub(super) length: u64,
    pub(super) hash: String,
    /// Of a file of a picture: the picture's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<u64>,
    /// When the file was changed last, in nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified_ns: Option<u64>,
}

impl Entry {
    pub(super) fn new(path: String, content: Content) -> Self {
        Self {
            path,
            length: content.length,
            hash: content.hash.to_hex().to_string(),
            key: None,
            modified_ns: None,
        }
    }

    pub(super) fn content(&self) -> Option<Content> {
        Some(Content {
            length: self.length,
            hash: blake3::Hash::from_hex(&self.hash).ok()?,
        })
    }
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tail {
    /// Number of files.
    pub(super) files: u64,
    pub(super) collections: u64,
    pub(super) pictures: u64,
    /// Hash of all lines before.
    hash: String,
}

/// A manifest in the making, which takes the place of another when it is finished.
pub(super) struct Writer {
    out: BufWriter<NamedTempFile>,
    target: PathBuf,
    hasher: blake3::Hasher,
    files: u64,
}

impl Writer {
    pub(super) fn begin(target: &Path) -> Result<Self, AppError> {
        let folder = target.parent().unwrap_or(Path::new("."));
        // Within the folder for unfinished files, so that what a kill leaves is found.
        let file = NamedTempFile::new_in(folder.join(super::UNFINISHED));
        let file = file.map_err(|error| AppError::unwritable(target, error))?;
        let mut writer = Self {
            out: BufWriter::new(file),
            target: target.to_owned(),
            hasher: blake3::Hasher::new(),
            files: 0,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        writer.line(&Head {
            resight_backup: VERSION,
            made_ms: now.map_or(0, |since| since.as_millis() as u64),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        Ok(writer)
    }

    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), AppError> {
        self.files += 1;
        self.line(entry)
    }

    /// A place to go back to.
    pub(super) fn mark(&mut self) -> Result<Mark, AppError> {
        let at = self.out.stream_position();
        Ok(Mark {
            at: at.map_err(|error| AppError::unwritable(&self.target, error))?,
            hasher: self.hasher.clone(),
            files: self.files,
        })
    }

    /// Takes back all that was added since.
    pub(super) fn back_to(&mut self, mark: Mark) -> Result<(), AppError> {
        let mut cut = || {
            self.out.seek(SeekFrom::Start(mark.at))?;
            self.out.get_ref().as_file().set_len(mark.at)
        };
        cut().map_err(|error| AppError::unwritable(&self.target, error))?;
        (self.hasher, self.files) = (mark.hasher, mark.files);
        Ok(())
    }

    /// Puts the manifest in its place, durably.
    pub(super) fn finish(mut self, collections: u64, pictures: u64) -> Result<u64, AppError> {
        let tail = Tail {
            files: self.files,
            collections,
            pictures,
            hash: self.hasher.finalize().to_hex().to_string(),
        };
        self.line(&tail)?;
        let Self {
            out, target, files, ..
        } = self;
        let put = || {
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&target).map_err(|error| error.error)
        };
        put().map_err(|error| AppError::unwritable(&target, error))?;
        super::sync_folder(target.parent().unwrap_or(Path::new(".")))?;
        Ok(files)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), AppError> {
        let unwritable = |error| AppError::unwritable(&self.target, error);
        let mut line = serde_json::to_vec(value)
            .map_err(io::Error::from)
            .map_err(unwritable)?;
        line.push(b'\n');
        self.hasher.update(&line);
        self.out.write_all(&line).map_err(unwritable)
    }
}

/// How far a manifest was written.
pub(super) struct Mark {
    at: u64,
    hasher: blake3::Hasher,
    files: u64,
}

/// The files of a whole manifest, one after another.
pub(super) struct Reader {
    all: BufReader<File>,
    path: PathBuf,
    pub(super) tail: Tail,
    left: u64,
}

impl Reader {
    /// Reads all of the manifest and compares it with its hash; then its files can be gone through. `None` where
    /// there is no manifest.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, AppError> {
        let no_backup = |why: String| no_backup(path, why);
        let mut all = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(no_backup(error.to_string())),
        };
        let mut hasher = blake3::Hasher::new();
        let mut last = Vec::new();
        let mut line = Vec::new();
        let mut count: u64 = 0;
        loop {
            line.clear();
            let n = all.read_until(b'\n', &mut line);
            if n.map_err(|error| no_backup(error.to_string()))? == 0 {
                break;
            }
            if count == 0 {
                let head: Result<Head, _> = serde_json::from_slice(&line);
                match head {
                    Ok(head) if head.resight_backup == VERSION => {}
                    Ok(head) => {
                        let why = format!(
                            "it has format {}, written by Resight {}",
                            head.resight_backup, head.program
                        );
                        return Err(no_backup(why));
                    }
                    Err(_) => return Err(no_backup("it is no list of a backup".into())),
                }
            }
            count += 1;
            hasher.update(&last);
            std::mem::swap(&mut last, &mut line);
        }
        let tail: Option<Tail> = serde_json::from_slice(&last).ok();
        let is_whole = |tail: &Tail| {
            tail.hash == hasher.finalize().to_hex().as_str() && tail.files + 2 == count
        };
        let tail = tail.filter(is_whole);
        let tail = tail.ok_or_else(|| no_backup("the list is damaged or cut short".into()))?;
        let mut reader = Self {
            all,
            path: path.to_owned(),
            left: 0,
            tail,
        };
        reader.rewind()?;
        Ok(Some(reader))
    }

    /// Goes back to the first file.
    pub(super) fn rewind(&mut self) -> Result<(), AppError> {
        let mut head = Vec::new();
        self.all
            .rewind()
            .and_then(|()| self.all.read_until(b'\n', &mut head))
            .map_err(|error| no_backup(&self.path, error.to_string()))?;
        self.left = self.tail.files;
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<Entry>, AppError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let damaged = |detail: String| AppError::BackupDamaged {
            path: self.path.clone(),
            detail,
        };
        let mut line = Vec::new();
        let read = self.all.read_until(b'\n', &mut line);
        read.map_err(|error| damaged(error.to_string()))?;
        let entry = serde_json::from_slice(&line).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(entry))
    }
}

fn no_backup(path: &Path, why: String) -> AppError {
    AppError::NoBackup {
        path: path.to_owned(),
        why,
    }
}
