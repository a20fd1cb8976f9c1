//! Which files in indexed folders were compared with their picture's id, so that a file is read for that
//! once and not each time it is sent.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use resight_store::PictureId;

use crate::picture::id_of_content;

/// Files remembered at most; beyond it all are forgotten.
const MOST: usize = 4096;

/// Files that were compared.
#[derive(Default)]
pub(super) struct CheckedFiles(Mutex<HashMap<PathBuf, (Stamp, PictureId)>>);

/// What changes when a file's content does.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    length: u64,
    modified: SystemTime,
    /// Device and number of the file and the time at which anything of it changed, where the system has
    /// them. A program that sets the time of modification back does not set that one.
    identity: (u64, u64, (i64, i64)),
}

impl Stamp {
    fn of(metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            length: metadata.len(),
            modified: metadata.modified()?,
            identity: identity(metadata),
        })
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, (i64, i64)) {
    use std::os::unix::fs::MetadataExt;
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    (metadata.dev(), metadata.ino(), changed)
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, (i64, i64)) {
    (0, 0, (0, 0))
}

impl CheckedFiles {
    /// Whether the content of `file`, which was opened at `path`, is that of `id`. Leaves it at its
    /// beginning.
    pub(super) fn has_content_of(
        &self,
        id: &PictureId,
        path: &Path,
        file: &mut File,
    ) -> io::Result<bool> {
        let stamp = Stamp::of(&file.metadata()?)?;
        if let Some((known, found)) = self.0.lock().get(path)
            && *known == stamp
        {
            return Ok(found == id);
        }
        let found = id_of_content(&mut *file)?;
        file.rewind()?;
        let is_it = found == *id;
        // A file that changed while it was read is read again the next time.
        if Stamp::of(&file.metadata()?)? == stamp {
            let mut all = self.0.lock();
            if all.len() >= MOST {
                all.clear();
            }
            all.insert(path.to_path_buf(), (stamp, found));
        }
        Ok(is_it)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::picture::id_of;

    #[test]
    fn a_file_is_compared_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let checked = CheckedFiles::default();
        let (old, new) = (id_of(b"old content"), id_of(b"new"));
        let has = |id: &PictureId| {
            let mut file = File::open(&path).unwrap();
            let is_it = checked.has_content_of(id, &path, &mut file).unwrap();
            assert_eq!(file.stream_position().unwrap(), 0);
            is_it
        };
        fs::write(&path, b"old content").unwrap();
        for _ in 0..2 {
            assert!(has(&old) && !has(&new));
        }
        fs::write(&path, b"new").unwrap();
        assert!(has(&new) && !has(&old));
        // As long, and of the same time, as if it had not changed.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        // The system tells times apart by some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, b"old").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(has(&new), cfg!(not(unix)));
    }

    #[test]
    fn a_file_that_stays_as_it_is_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"content").unwrap();
        let checked = CheckedFiles::default();
        let id = id_of(b"content");
        let mut file = File::open(&path).unwrap();
        assert!(checked.has_content_of(&id, &path, &mut file).unwrap());
        // Without its content it is taken for what it was, as it is not read.
        file.seek(io::SeekFrom::End(0)).unwrap();
        assert!(checked.has_content_of(&id, &path, &mut file).unwrap());
        assert_eq!(file.stream_position().unwrap(), 7, "it was read again");
    }
}
