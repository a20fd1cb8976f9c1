//! Files of exports that jobs have made, in the folder `exports` of the data folder.
//!
//! Invariant: a file with a job's number as its name is whole; one that is being written has another name.
//! Invariant: all of them together take no more room than they may, those that are being written included: the oldest
//! whole ones give way as one grows. None takes the last of the disk, which changes of pictures need.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use resight_store::StoreError;

use super::ExportFormat;
use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::private;
use crate::storage::free;

const FOLDER: &str = "exports";
/// How long a file is kept at least, unless its job is forgotten before.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A file that grows looks for room whenever it has so many bytes more.
const LOOKED_EACH: u64 = 1 << 20;
/// What stays free on the disk of the data folder: what growing files may take before they look again, beside what must
/// be free for pictures to be added.
const LEFT_FREE: u64 = 64 << 20;

/// The room that files of exports may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportRoom {
    /// How many whole ones there may be.
    pub files: usize,
    /// Their bytes and those of what is being written.
    pub bytes: u64,
    /// Bytes that stay free on the disk.
    pub left_free: u64,
}

impl Default for ExportRoom {
    /// 1,000 files of 10 GiB, and 64 MiB that stay free.
    fn default() -> Self {
        Self {
            files: 1000,
            bytes: 10 << 30,
            left_free: LEFT_FREE,
        }
    }
}

/// The file of an export in the making.
pub(crate) struct ExportFile {
    file: AtomicFile,
    root: PathBuf,
    target: PathBuf,
    room: ExportRoom,
    /// Bytes written since the last look for room.
    since: u64,
    /// Why the last write failed, where the system did not say so.
    failed: Option<AppError>,
}

impl ExportFile {
    /// Begins the file of a job, in the place of one of an earlier attempt.
    ///
    /// # Errors
    /// `unwritable`, and `store_full` where too little is free on the disk.
    pub(crate) fn begin(
        root: &Path,
        job: u64,
        format: ExportFormat,
        room: ExportRoom,
    ) -> Result<Self, AppError> {
        prepare(root)?;
        let target = file_of(root, job, format);
        let file = AtomicFile::beside(&target)?;
        make_room(root, &target, room)?;
        Ok(Self {
            file,
            root: root.to_owned(),
            target,
            room,
            since: 0,
            failed: None,
        })
    }

    /// Why the export failed that was written to it, as far as `error` of a write tells.
    pub(crate) fn failure(self, error: io::Error) -> AppError {
        match self.failed {
            Some(failed) => failed,
            None => unwritten(&self.target, error),
        }
    }

    /// Puts the whole file in place.
    pub(crate) fn finish(self) -> Result<(), AppError> {
        let room = ExportRoom {
            // It is one itself.
            files: self.room.files.saturating_sub(1),
            ..self.room
        };
        make_room(&self.root, &self.target, room)?;
        self.file.finish()
    }
}

impl Write for ExportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.since >= LOOKED_EACH {
            self.since = 0;
            if let Err(error) = make_room(&self.root, &self.target, self.room) {
                let text = error.to_string();
                self.failed = Some(error);
                return Err(io::Error::other(text));
            }
        }
        let count = self.file.file().write(bytes)?;
        self.since += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.file().flush()
    }
}

fn unwritten(path: &Path, error: io::Error) -> AppError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(path),
        _ => AppError::unwritable(path, error),
    }
}

fn full(path: &Path) -> AppError {
    let location = path.display().to_string();
    StoreError::Full { location }.into()
}

/// Deletes the oldest whole files until all of them fit. Fails where what is being written is too much by itself, and
/// where too little is free on the disk.
fn make_room(root: &Path, target: &Path, room: ExportRoom) -> Result<(), AppError> {
    let mut all = files(root);
    all.sort_by_key(|file| (file.modified, file.job));
    let mut bytes: u64 = all.iter().map(|file| file.bytes).sum();
    let mut count = all.iter().filter(|file| file.job.is_some()).count();
    for file in all.iter().filter(|file| file.job.is_some()) {
        if bytes <= room.bytes && count <= room.files {
            break;
        }
        if fs::remove_file(&file.path).is_ok() {
            bytes = bytes.saturating_sub(file.bytes);
            count -= 1;
        }
    }
    if bytes > room.bytes {
        return Err(AppError::ExportTooLarge { most: room.bytes });
    }
    match free(root) {
        Some(free) if free < room.left_free => Err(full(target)),
        _ => Ok(()),
    }
}

/// The file of the job with this number.
pub fn file_of(root: &Path, job: u64, format: ExportFormat) -> PathBuf {
    root.join(FOLDER).join(format!("{job}.{}", format.as_str()))
}

/// Makes the folder.
fn prepare(root: &Path) -> Result<(), AppError> {
    let folder = root.join(FOLDER);
    private::create_folder(&folder).map_err(|error| AppError::unwritable(&folder, error))
}

/// Deletes what a killed process was writing. For the one process that runs jobs, before it begins.
pub(crate) fn delete_unfinished(root: &Path) {
    for file in files(root) {
        if file.job.is_none() {
            // What stays is deleted by the next process.
            let _ = fs::remove_file(file.path);
        }
    }
}

/// Deletes files that are old, and those whose jobs are forgotten. Returns their number.
pub(crate) fn sweep(root: &Path, is_kept: &mut dyn FnMut(u64) -> bool) -> usize {
    let mut deleted = 0;
    for file in files(root) {
        let Some(job) = file.job else {
            continue;
        };
        let age = file.modified.elapsed().unwrap_or_default();
        if (age > KEPT || !is_kept(job)) && fs::remove_file(file.path).is_ok() {
            deleted += 1;
        }
    }
    deleted
}

/// A file of the folder.
struct Present {
    path: PathBuf,
    /// The number of its job, if it is a whole export.
    job: Option<u64>,
    modified: SystemTime,
    bytes: u64,
}

fn files(root: &Path) -> Vec<Present> {
    let entries = fs::read_dir(root.join(FOLDER)).into_iter().flatten();
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok()?;
        let name = entry.file_name();
        let parts = name.to_str().and_then(|name| name.split_once('.'));
        let whole = parts.filter(|(_, ending)| ExportFormat::parse(ending).is_some());
        metadata.is_file().then_some(Present {
            path: entry.path(),
            job: whole.and_then(|(number, _)| number.parse().ok()),
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
        })
    };
    entries.flatten().filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    const ROOM: ExportRoom = ExportRoom {
        files: 9,
        bytes: 4 << 20,
        left_free: 0,
    };

    #[test]
    fn the_oldest_files_give_way_while_another_grows_and_one_that_is_too_large_fails() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let begin = |job| ExportFile::begin(root, job, ExportFormat::Csv, ROOM).unwrap();
        for job in [1, 2] {
            let mut file = begin(job);
            file.write_all(&vec![b'a'; 1 << 20]).unwrap();
            file.finish().unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(job);
            let whole =
                fs::File::options()
                    .append(true)
                    .open(file_of(root, job, ExportFormat::Csv));
            whole.unwrap().set_modified(modified).unwrap();
        }
        let is_there = |job| file_of(root, job, ExportFormat::Csv).exists();
        let mut file = begin(3);
        let half = vec![b'b'; 1 << 19];
        for _ in 0..5 {
            file.write_all(&half).unwrap();
        }
        assert!(is_there(1) && is_there(2));
        for _ in 0..2 {
            file.write_all(&half).unwrap();
        }
        assert!(!is_there(1) && is_there(2));
        let error = (0..9).find_map(|_| file.write_all(&half).err());
        let error = file.failure(error.unwrap());
        assert_eq!(error.code(), Code::ExportTooLarge, "{error}");
        assert!(!is_there(2) && !is_there(3));
        assert_eq!(files(root).len(), 0);
    }

    #[test]
    fn what_stays_free_on_the_disk_is_left() {
        let dir = tempfile::tempdir().unwrap();
        if free(dir.path()).is_none() {
            println!("SKIPPED: this system does not tell what is free");
            return;
        }
        let room = ExportRoom {
            left_free: u64::MAX,
            ..ROOM
        };
        let begun = ExportFile::begin(dir.path(), 1, ExportFormat::Jsonl, room);
        assert_eq!(begun.err().unwrap().code(), Code::StoreFull);
    }
}
