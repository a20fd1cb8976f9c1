//! Paths at which something has happened, until they stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Paths that wait at most. Beyond that a look at the whole folder is less work.
const MOST: usize = 20_000;
/// Entries of a new folder that are looked at to see whether it is still being filled.
const MOST_ENTRIES: usize = 10_000;
/// Ends of the names under which programs write files that get another name when they are whole.
const UNFINISHED: [&str; 8] = [
    "~",
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".swp",
];

/// What the system tells of a path: length and time of modification, or that nothing is there.
type Stamp = Option<(u64, Option<SystemTime>)>;

/// What waits, of one folder.
#[derive(Default)]
pub(super) struct Pending {
    paths: BTreeMap<PathBuf, (Stamp, Instant)>,
    /// Whether there were too many.
    pub(super) has_overflowed: bool,
}

impl Pending {
    /// Something has happened at `path`.
    pub(super) fn add(&mut self, path: PathBuf, now: Instant) {
        if self.has_overflowed || is_unfinished(&path) {
            return;
        }
        if self.paths.len() >= MOST {
            self.paths.clear();
            self.has_overflowed = true;
            return;
        }
        let stamp = stamp(&path);
        self.paths.insert(path, (stamp, now));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Takes the paths that have been as they are for `quiet`. Where some have, and others of them still change,
    /// those stay.
    pub(super) fn settled(&mut self, quiet: Duration, now: Instant) -> Vec<PathBuf> {
        let mut ready = Vec::new();
        self.paths.retain(|path, (before, since)| {
            let present = stamp(path);
            if present != *before {
                (*before, *since) = (present, now);
            }
            let is_quiet = now.saturating_duration_since(*since) >= quiet;
            if is_quiet && is_being_filled(path, quiet) {
                *since = now;
                return true;
            }
            if is_quiet {
                ready.push(path.clone());
            }
            !is_quiet
        });
        ready
    }
}

/// Whether a program still writes to the file under another name than its own.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| UNFINISHED.iter().any(|end| name.ends_with(end)))
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    let length = if metadata.is_file() {
        metadata.len()
    } else {
        0
    };
    Some((length, metadata.modified().ok()))
}

/// Whether something in a folder was written to just now. Times in the future say nothing.
fn is_being_filled(path: &Path, quiet: Duration) -> bool {
    if !path.is_dir() {
        return false;
    }
    let entries = walkdir::WalkDir::new(path).into_iter().flatten();
    let is_young = |entry: walkdir::DirEntry| {
        let modified = entry.metadata().ok().and_then(|m| m.modified().ok());
        let age = modified.and_then(|at| SystemTime::now().duration_since(at).ok());
        age.is_some_and(|age| age < quiet)
    };
    entries.take(MOST_ENTRIES).any(is_young)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(10);

    #[test]
    fn a_file_is_taken_when_it_has_stopped_growing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, "half").unwrap();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut pending = Pending::default();
        pending.add(path.clone(), at(0));
        assert!(pending.settled(QUIET, at(9)).is_empty());
        fs::write(&path, "the whole").unwrap();
        assert!(pending.settled(QUIET, at(11)).is_empty(), "it has grown");
        assert!(pending.settled(QUIET, at(20)).is_empty());
        assert_eq!(pending.settled(QUIET, at(21)), std::slice::from_ref(&path));
        assert!(pending.is_empty());
        // One that went away waits as well: it may come back under its name.
        pending.add(path.clone(), at(30));
        fs::remove_file(&path).unwrap();
        assert!(pending.settled(QUIET, at(41)).is_empty());
        assert_eq!(pending.settled(QUIET, at(51)), [path]);
    }

    #[test]
    fn a_folder_waits_for_what_is_written_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        fs::create_dir(&new).unwrap();
        fs::write(new.join("a.jpg"), "a").unwrap();
        assert!(is_being_filled(&new, Duration::from_secs(3600)));
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        for path in [new.join("a.jpg"), new.clone()] {
            let file = fs::File::open(path).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        assert!(!is_being_filled(&new, Duration::from_secs(3600)));
        assert!(!is_being_filled(&new.join("a.jpg"), QUIET));
    }

    #[test]
    fn names_of_unfinished_files_are_left_alone_and_too_many_are_one() {
        let now = Instant::now();
        let mut pending = Pending::default();
        for name in ["/p/a.jpg~", "/p/a.jpg.part", "/p/a.crdownload", "/p/b.tmp"] {
            pending.add(name.into(), now);
        }
        assert!(pending.is_empty());
        for number in 0..=MOST {
            pending.add(format!("/none/{number}").into(), now);
        }
        assert!(pending.has_overflowed && pending.is_empty());
        pending.clear();
        assert!(!pending.has_overflowed);
    }
}
