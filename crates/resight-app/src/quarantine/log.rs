//! What was moved: lines of JSON, each on the disk before what it says is done.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use resight_engine::Picture;
use resight_store::now_ms;
use serde::{Deserialize, Serialize};

use super::moving::{sync_folder, unwritable};
use crate::{AppError, private};

/// The file's name in the folder of a resolution.
const NAME: &str = "log.jsonl";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Begun {
        resolution: String,
        made_ms: i64,
        collection: String,
    },
    /// A picture that is to be removed, as it was. Of several of one picture the last counts: its labels were changed
    /// before it was removed.
    Picture {
        id: String,
        name: String,
        tags: Vec<String>,
        object: Option<String>,
        metadata: Option<String>,
    },
    /// A file of it that is to be moved.
    File {
        picture: String,
        /// Its path as stored text; `None` for the bytes of an upload.
        from: Option<String>,
        /// The registered folder that it lies in.
        root: Option<String>,
        /// Where the file system begins on which it lay.
        #[serde(default)]
        mount: Option<String>,
        /// Within the folder of the quarantine, as stored text.
        to: String,
        bytes: u64,
    },
    /// A path of it at which nothing is.
    Missing {
        picture: String,
        from: String,
        /// The registered folder that it would lie in.
        root: Option<String>,
    },
    /// The picture is not stored any more.
    Removed { id: String },
    /// It is stored, and its files are where they were.
    Kept { id: String },
    /// It is stored again, with its labels.
    Returned { id: String },
    /// All was put back.
    Undone { at_ms: i64 },
}

impl Line {
    pub(super) fn of(picture: &Picture) -> Self {
        let labels = &picture.labels;
        Self::Picture {
            id: picture.id.to_string(),
            name: picture.name.clone(),
            tags: labels.tags.iter().map(ToString::to_string).collect(),
            object: labels.object.as_ref().map(ToString::to_string),
            metadata: labels.metadata.clone(),
        }
    }
}

/// A resolution that files were moved by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// By which it can be undone.
    pub id: String,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub made_ms: i64,
    /// Pictures that were removed.
    pub pictures: u64,
    /// Files that were moved.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether it was undone.
    pub undone: bool,
}

/// The log of a resolution, to be written.
pub(super) struct Log {
    pub(super) id: String,
    /// The folder of the resolution.
    pub(super) folder: PathBuf,
    file: File,
    /// Of its whole lines.
    length: u64,
}

impl Log {
    /// Begins one in a folder of its own.
    pub(super) fn begin(quarantine: &Path, collection: &str) -> Result<Self, AppError> {
        let failed = |path: &Path, error| unwritable(path, error);
        private::create_folder(quarantine).map_err(|error| failed(quarantine, error))?;
        let (id, folder, file) = loop {
            let id = fresh_id()?;
            let folder = quarantine.join(&id);
            // Names and places of pictures are private.
            private::create_folder(&folder).map_err(|error| failed(&folder, error))?;
            let path = folder.join(NAME);
            let mut options = private::to_write();
            match options.create_new(true).open(&path) {
                Ok(file) => break (id, folder, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&path, error)),
            }
        };
        let mut log = Self {
            id,
            folder,
            file,
            length: 0,
        };
        log.write(&[Line::Begun {
            resolution: log.id.clone(),
            made_ms: now_ms(),
            collection: collection.to_owned(),
        }])?;
        for folder in [&log.folder, quarantine] {
            sync_folder(folder).map_err(|error| failed(folder, error))?;
        }
        Ok(log)
    }

    /// Opens the log of a resolution, and reads its lines.
    pub(super) fn open(
        quarantine: &Path,
        id: &str,
        collection: &str,
    ) -> Result<(Self, Vec<Line>), AppError> {
        let unknown = || AppError::UnknownResolution(id.to_owned());
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || id.len() > 64 || !id.bytes().all(is_id) {
            return Err(unknown());
        }
        let folder = quarantine.join(id);
        let path = folder.join(NAME);
        let (lines, length) = read(&path).map_err(|error| match is_none(&error) {
            true => unknown(),
            false => unwritable(&path, error),
        })?;
        let is_of =
            |line: &Line| matches!(line, Line::Begun { collection: of, .. } if of == collection);
        if !lines.first().is_some_and(is_of) {
            return Err(unknown());
        }
        let file = File::options().write(true).open(&path);
        let mut log = Self {
            id: id.to_owned(),
            folder,
            file: file.map_err(|error| unwritable(&path, error))?,
            length,
        };
        // What follows a line that was cut short would never be read.
        log.shorten().map_err(|error| unwritable(&path, error))?;
        Ok((log, lines))
    }

    /// Removes it, where it has nothing that could be undone, and the folders that were made for it; files stay.
    pub(super) fn discard(self) {
        let removed = fs::remove_file(self.folder.join(NAME));
        if let Err(error) = removed {
            tracing::warn!(folder = %self.folder.display(), %error, "an empty resolution stays");
            return;
        }
        // Folders before those that they lie in.
        let folders = walkdir::WalkDir::new(&self.folder).contents_first(true);
        for folder in folders.into_iter().flatten() {
            if folder.file_type().is_dir() {
                // One that is not empty stays.
                let _full = fs::remove_dir(folder.path());
            }
        }
    }

    /// Cuts off what is no whole line.
    fn shorten(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length)).map(|_| ())
    }

    /// Lets nothing more be written.
    #[cfg(test)]
    pub(super) fn seal(&mut self) {
        self.file = File::open(self.folder.join(NAME)).unwrap();
    }

    /// Puts lines on the disk.
    pub(super) fn write(&mut self, lines: &[Line]) -> Result<(), AppError> {
        let mut text = Vec::new();
        let written = lines.iter().try_for_each(|line| {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
            Ok::<_, io::Error>(())
        });
        let written = written
            .and_then(|()| self.file.write_all(&text))
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += text.len() as u64,
            Err(error) => {
                // Of a part of a line nothing may be left before the next one.
                let _shorter = self.shorten();
                return Err(unwritable(&self.folder.join(NAME), error));
            }
        }
        Ok(())
    }
}

/// The moment, and what tells it from another one of the same.
fn fresh_id() -> Result<String, AppError> {
    let mut random = [0; 3];
    getrandom::fill(&mut random)
        .map_err(|error| unwritable(Path::new(NAME), io::Error::other(error.to_string())))?;
    let seconds = now_ms().div_euclid(1000);
    let ([year, month, day], [hour, minute, second]) = resight_engine::utc_date(seconds);
    Ok(format!(
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{}",
        hex::encode(random)
    ))
}

/// The lines of a log and their length in bytes. The last one may have been cut short: what it says was not begun.
fn read(path: &Path) -> io::Result<(Vec<Line>, u64)> {
    let mut lines = Vec::new();
    let length = each_line(BufReader::new(File::open(path)?), |line| {
        lines.push(line);
        true
    })?;
    Ok((lines, length))
}

/// Gives whole lines until one is not wanted. Returns their length in bytes.
fn each_line(mut file: impl BufRead, mut take: impl FnMut(Line) -> bool) -> io::Result<u64> {
    let mut length = 0;
    let mut text = Vec::new();
    while file.read_until(b'\n', &mut text)? > 0 {
        let line = serde_json::from_slice(&text).ok();
        let Some(line) = line.filter(|_| text.ends_with(b"\n")) else {
            break;
        };
        length += text.len() as u64;
        text.clear();
        if !take(line) {
            break;
        }
    }
    Ok(length)
}

/// Whether there is no such log, rather than one that cannot be read.
fn is_none(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};

    matches!(error.kind(), NotFound | NotADirectory)
}

/// Resolutions of a collection, the newest first.
pub(super) fn list(
    quarantine: &Path,
    collection: &str,
    most: usize,
) -> Result<Vec<Resolution>, AppError> {
    let entries = match fs::read_dir(quarantine) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unwritable(quarantine, error)),
    };
    let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // They begin with their times.
    names.sort_unstable_by(|a, b| b.cmp(a));
    let all = names.iter().filter_map(|folder| {
        let file = File::open(folder.join(NAME)).ok()?;
        // One that was cut short before anything was moved has nothing to undo.
        summary(BufReader::new(file), collection).filter(|found| found.pictures + found.files > 0)
    });
    Ok(all.take(most).collect())
}

/// Keeps no line of it, which may have the labels of many pictures, and reads one line alone of another collection's.
fn summary(file: impl BufRead, collection: &str) -> Option<Resolution> {
    let mut found: Option<Resolution> = None;
    // Of pictures that may have stayed: their files, and the bytes of these.
    let mut moved: HashMap<String, (u64, u64)> = HashMap::new();
    let read = each_line(file, |line| {
        match (line, &mut found) {
            (
                Line::Begun {
                    resolution,
                    made_ms,
                    collection: of,
                },
                None,
            ) if of == collection => {
                found = Some(Resolution {
                    id: resolution,
                    made_ms,
                    pictures: 0,
                    files: 0,
                    bytes: 0,
                    undone: false,
                });
            }
            (_, None) => return false,
            (Line::Removed { .. }, Some(found)) => found.pictures += 1,
            (Line::File { picture, bytes, .. }, Some(_)) => {
                let of_picture = moved.entry(picture).or_default();
                of_picture.0 += 1;
                of_picture.1 = of_picture.1.saturating_add(bytes);
            }
            (Line::Kept { id }, Some(_)) => drop(moved.remove(&id)),
            (Line::Undone { .. }, Some(found)) => found.undone = true,
            _ => {}
        }
        true
    });
    read.ok()?;
    let mut found = found?;
    for (files, bytes) in moved.into_values() {
        found.files += files;
        found.bytes = found.bytes.saturating_add(bytes);
    }
    Some(found)
}

/// Ids of pictures that stayed, with their files.
pub(super) fn kept(lines: &[Line]) -> HashSet<&str> {
    let kept = lines.iter().filter_map(|line| match line {
        Line::Kept { id } => Some(&**id),
        _ => None,
    });
    kept.collect()
}

/// What pictures were like when they were removed.
pub(super) fn pictures(lines: &[Line]) -> Vec<&Line> {
    let mut seen = HashSet::new();
    let pictures = lines.iter().rev().filter(|line| match line {
        Line::Picture { id, .. } => seen.insert(&**id),
        _ => false,
    });
    let mut pictures: Vec<&Line> = pictures.collect();
    pictures.reverse();
    pictures
}

/// Ids of pictures that were stored again.
pub(super) fn returned(lines: &[Line]) -> HashSet<&str> {
    let returned = lines.iter().filter_map(|line| match line {
        Line::Returned { id } => Some(&**id),
        _ => None,
    });
    returned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_cut_short_has_its_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::begin(folder.path(), "c").unwrap();
        let removed = Line::Removed { id: "a".into() };
        log.write(std::slice::from_ref(&removed)).unwrap();
        let path = log.folder.join(NAME);
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"removed\":{\"i");
        fs::write(&path, text).unwrap();
        let (mut log, lines) = Log::open(folder.path(), &log.id, "c").unwrap();
        assert_eq!((lines.len(), lines.last()), (2, Some(&removed)));
        // What is written after it is read.
        let returned = Line::Returned { id: "a".into() };
        log.write(std::slice::from_ref(&returned)).unwrap();
        let (log, lines) = Log::open(folder.path(), &log.id, "c").unwrap();
        assert_eq!(lines[1..], [removed, returned]);
        for (id, collection) in [(&*log.id, "d"), ("../x", "c"), ("", "c"), ("none", "c")] {
            assert!(Log::open(folder.path(), id, collection).is_err());
        }
        // One that cannot be read is another matter.
        fs::create_dir_all(folder.path().join("odd").join(NAME)).unwrap();
        let odd = Log::open(folder.path(), "odd", "c").map(|_| ());
        assert_eq!(odd.unwrap_err().code(), crate::Code::QuarantineFailed);
        let listed = list(folder.path(), "c", 9).unwrap();
        assert_eq!((listed.len(), listed[0].pictures), (1, 1));
        assert!(list(folder.path(), "d", 9).unwrap().is_empty());
    }

    /// Gives a line, and fails when more is asked for.
    struct OneLine<'a>(&'a [u8]);

    impl io::Read for OneLine<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "more was read than a line");
            self.0.read(into)
        }
    }

    #[test]
    fn one_line_is_read_of_the_log_of_another_collection() {
        let mut line = serde_json::to_vec(&Line::Begun {
            resolution: "a".into(),
            made_ms: 1,
            collection: "c".into(),
        })
        .unwrap();
        line.push(b'\n');
        assert_eq!(summary(BufReader::new(OneLine(&line)), "d"), None);
        // What stayed with its picture is not counted.
        let file = |picture: &str, bytes| Line::File {
            picture: picture.into(),
            from: None,
            root: None,
            mount: None,
            to: String::new(),
            bytes,
        };
        let id = || "x".to_owned();
        let more = [
            file("x", 1),
            file("y", 2),
            file("y", 3),
            Line::Kept { id: id() },
        ];
        for one in more.iter().chain([&Line::Removed { id: "y".into() }]) {
            serde_json::to_writer(&mut line, one).unwrap();
            line.push(b'\n');
        }
        let found = summary(&line[..], "c").unwrap();
        assert_eq!((found.pictures, found.files, found.bytes), (1, 2, 5));
    }

    #[test]
    fn a_log_with_nothing_to_undo_is_neither_listed_nor_left() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::begin(folder.path(), "c").unwrap();
        assert!(list(folder.path(), "c", 9).unwrap().is_empty());
        fs::create_dir_all(log.folder.join("a/b")).unwrap();
        log.discard();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // A file is not removed, whatever it is.
        let log = Log::begin(folder.path(), "c").unwrap();
        fs::write(log.folder.join("file"), b"content").unwrap();
        let file = log.folder.join("file");
        log.discard();
        assert!(file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn logs_are_their_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt;

        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("quarantine");
        let log = Log::begin(&folder, "c").unwrap();
        for (path, mode) in [
            (folder.clone(), 0o700),
            (log.folder.clone(), 0o700),
            (log.folder.join(NAME), 0o600),
        ] {
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{}", path.display());
        }
    }
}
