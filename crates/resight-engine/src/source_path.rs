//! What is at the stored paths of a picture now.
//!
//! Several paths may lead to one file: through a symbolic link, a linked folder, a hard link, or a folder
//! that is mounted twice.
//!
//! Invariant: two paths are two files only where the system gives them different identities (device and
//! inode; on Windows volume and file index). A path at which nothing is found is no file.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;

use file_id::{FileId, get_file_id};

use crate::stored_path::path_of_text;

/// A stored path of a picture, and what is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePath {
    /// Absolute, as it was indexed; the text of [`crate::path_text`].
    pub path: String,
    /// What is there.
    pub state: PathState,
}

/// What is at a path. Ordered as the paths of a picture are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathState {
    /// A file. Of several paths to one file, the first that no symbolic link leads through; else the first.
    Present,
    /// The same file as at `to`, without a symbolic link: a hard link, or a folder mounted twice.
    HardLink {
        /// The path in the state `Present`.
        to: String,
    },
    /// The same file as at `to`, reached through a symbolic link.
    Link {
        /// The path in the state `Present`.
        to: String,
    },
    /// It cannot be known: the system answers with an error other than that nothing is there. Counts as
    /// a file.
    Unreachable,
    /// Nothing, or no file.
    Missing,
}

impl SourcePath {
    /// Whether the path counts as a file of its own.
    pub fn is_file(&self) -> bool {
        matches!(self.state, PathState::Present | PathState::Unreachable)
    }
}

/// What is at the paths of one picture, files that are there first, then further paths to them.
pub fn source_paths(paths: &[String]) -> Vec<SourcePath> {
    let found: Vec<Found> = paths.iter().map(|path| look_at(path)).collect();
    let mut same: HashMap<FileId, Vec<usize>> = HashMap::new();
    for (found, i) in found.iter().zip(0..) {
        if let Found::File(Some(id)) = found {
            same.entry(*id).or_default().push(i);
        }
    }
    let mut states: Vec<PathState> = found.iter().map(Found::state).collect();
    for all in same.values().filter(|all| all.len() > 1) {
        let is_direct: Vec<bool> = all.iter().map(|&i| is_direct(&paths[i])).collect();
        let main = is_direct.iter().position(|direct| *direct).unwrap_or(0);
        for (&i, &direct) in all.iter().zip(&is_direct) {
            let to = paths[all[main]].clone();
            if i == all[main] {
                continue;
            }
            states[i] = if direct {
                PathState::HardLink { to }
            } else {
                PathState::Link { to }
            };
        }
    }
    let paths = paths.iter().cloned().zip(states);
    let mut all: Vec<SourcePath> = paths
        .map(|(path, state)| SourcePath { path, state })
        .collect();
    all.sort_by(|a, b| (&a.state, &a.path).cmp(&(&b.state, &b.path)));
    all
}

/// Number of files that these paths lead to.
pub(crate) fn file_count(paths: &[String]) -> u64 {
    let mut ids = HashSet::new();
    let is_another = |path: &&String| match look_at(path) {
        Found::File(Some(id)) => ids.insert(id),
        Found::File(None) | Found::Unreachable => true,
        Found::Missing => false,
    };
    paths.iter().filter(is_another).count() as u64
}

/// Those of a picture's paths that its file has left for `now`: nothing is there any more, or only
/// another spelling of `now`.
pub(crate) fn left_behind(paths: &[String], now: &str) -> Vec<String> {
    let left = |path: &&String| {
        was_moved(&path_of_text(path), &path_of_text(now)) || is_former_spelling(path, now)
    };
    paths.iter().filter(left).cloned().collect()
}

/// Folders in which systems mount disks, and below the last two each user's.
const MOUNTS: [&str; 6] = ["/", "/mnt", "/Volumes", "/media", "/run/media", "/run"];

/// Whether the file at `path` was moved to `now`: nothing is at `path`, and its disk is there. That is so
/// where its folder is there with something else in it, and where both paths lie below one folder that is no
/// place where disks are mounted. What a disk holds that is away must not be forgotten.
fn was_moved(path: &Path, now: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) if is_missing(&error) => {}
        _ => return false,
    }
    for (above, is_parent) in path
        .ancestors()
        .skip(1)
        .zip(std::iter::once(true).chain(std::iter::repeat(false)))
    {
        match fs::symlink_metadata(above) {
            // A link on the way that leads nowhere says nothing of the file.
            Ok(_) if fs::metadata(above).is_err() => return false,
            Ok(_) if is_parent && has_entries(above) => return true,
            Ok(_) => return now.starts_with(above) && !is_for_mounts(above),
            Err(error) if is_missing(&error) => {}
            Err(_) => return false,
        }
    }
    false
}

fn has_entries(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn is_for_mounts(folder: &Path) -> bool {
    let is_listed = |folder: &Path| MOUNTS.iter().any(|mounts| folder == Path::new(mounts));
    let of_users =
        |folder: &Path| folder == Path::new("/media") || folder == Path::new("/run/media");
    is_listed(folder) || folder.parent().is_some_and(of_users)
}

/// Whether `old` differs from `new` in case only, and names the same file because the file system ignores
/// case.
fn is_former_spelling(old: &str, new: &str) -> bool {
    let is_link = |path: &Path| path.is_symlink();
    old != new
        && old.to_lowercase() == new.to_lowercase()
        && fs::canonicalize(path_of_text(old)).is_ok_and(|real| real == path_of_text(new))
        && !path_of_text(old).ancestors().any(is_link)
}

/// Whether no symbolic link leads through the path.
fn is_direct(path: &str) -> bool {
    let path = path_of_text(path);
    fs::canonicalize(&path).is_ok_and(|real| real == path)
}

enum Found {
    /// With its identity, where the system tells it.
    File(Option<FileId>),
    Missing,
    Unreachable,
}

impl Found {
    fn state(&self) -> PathState {
        match self {
            Self::File(_) => PathState::Present,
            Self::Missing => PathState::Missing,
            Self::Unreachable => PathState::Unreachable,
        }
    }
}

fn look_at(path: &str) -> Found {
    let path = path_of_text(path);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => Found::File(get_file_id(&path).ok()),
        Ok(_) => Found::Missing,
        Err(error) if is_missing(&error) => Found::Missing,
        Err(_) => Found::Unreachable,
    }
}

/// Whether the error says that nothing is there.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder whose name has no link in it.
    fn folder() -> (tempfile::TempDir, impl Fn(&str) -> String) {
        let root = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(root.path()).unwrap();
        let path = move |name: &str| real.join(name).to_str().unwrap().to_owned();
        (root, path)
    }

    #[test]
    fn links_to_one_file_are_told_from_files() {
        let (_root, path) = folder();
        fs::create_dir(path("b")).unwrap();
        for name in ["b/file", "copy", "later"] {
            fs::write(path(name), "x").unwrap();
        }
        symlink(path("b/file"), path("a link")).unwrap();
        symlink(path("b"), path("linked")).unwrap();
        fs::hard_link(path("b/file"), path("hard")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        symlink(path("loop"), path("loop")).unwrap();
        let names = [
            "a link",
            "b/file",
            "copy",
            "dangling",
            "hard",
            "linked/file",
            "loop",
            "copy/below a file",
            "b",
        ];
        let paths = names.map(&path);
        let found = source_paths(&paths);
        let to = || path("b/file");
        let expected = [
            ("b/file", PathState::Present),
            ("copy", PathState::Present),
            ("hard", PathState::HardLink { to: to() }),
            ("a link", PathState::Link { to: to() }),
            ("linked/file", PathState::Link { to: to() }),
            ("loop", PathState::Unreachable),
            ("b", PathState::Missing),
            ("copy/below a file", PathState::Missing),
            ("dangling", PathState::Missing),
        ];
        let expected = expected.map(|(name, state)| SourcePath {
            path: path(name),
            state,
        });
        assert_eq!(found, expected);
        assert_eq!(file_count(&paths), 3);
        assert_eq!(found.iter().filter(|one| one.is_file()).count(), 3);
        // Where every path is a link, the first one stands for the file.
        let links = source_paths(&["linked/file", "a link"].map(&path));
        let state = |i: usize| links[i].state.clone();
        assert_eq!(
            (links[0].path.clone(), state(0)),
            (path("linked/file"), PathState::Present)
        );
        assert_eq!(
            state(1),
            PathState::Link {
                to: path("linked/file")
            }
        );
    }

    #[test]
    fn a_file_has_left_a_path_only_where_it_is_known_to_be_gone() {
        let (_root, path) = folder();
        fs::create_dir(path("New")).unwrap();
        fs::write(path("New/a"), "x").unwrap();
        symlink(path("away"), path("disk")).unwrap();
        let cases = [
            ("old/a", true),
            ("New/b", true),
            ("New/a/b", true),
            ("New/a", false),
            ("disk/a", false),
            ("disk", false),
        ];
        for (name, left) in cases {
            let paths = [path(name)];
            let expected = if left { &paths[..] } else { &[] };
            assert_eq!(left_behind(&paths, &path("New/a")), expected, "{name}");
        }
        // A link is no former spelling. Where case is ignored, there can be none of this name.
        if symlink(path("New"), path("new")).is_ok() {
            assert!(left_behind(&[path("new/a")], &path("New/a")).is_empty());
        }
        assert!(!was_moved(
            Path::new("no folder above it"),
            Path::new("now")
        ));
    }

    #[test]
    fn a_path_is_left_only_where_its_disk_is_there() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| root.path().join(name);
        let outside = elsewhere.path().join("a");
        fs::create_dir_all(at("here")).unwrap();
        let old = at("disk/p/a");
        // Within one folder the disk is there; from elsewhere nothing tells that it is.
        assert!(was_moved(&old, &at("here/a")));
        assert!(!was_moved(&old, &outside));
        // An empty folder may be where the disk is mounted.
        fs::create_dir_all(at("disk/p")).unwrap();
        assert!(!was_moved(&old, &outside));
        fs::write(at("disk/p/b"), b"b").unwrap();
        assert!(was_moved(&old, &outside));
        fs::write(&old, b"a").unwrap();
        assert!(!was_moved(&old, &at("here/a")));
        for mounts in ["/", "/mnt", "/media/me", "/run/media/me"] {
            assert!(is_for_mounts(Path::new(mounts)), "{mounts}");
        }
        assert!(!is_for_mounts(Path::new("/home/me")));
    }
}
