//! The files of a folder, in path order, without those that are left out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use resight_store::SourceFile;

use resight_decode::{Refused, RefusedCode};

use super::exclusion::{BadPattern, Entry, Exclusions, Patterns, Why};
use super::freshness::source_of;
use super::parts::Parts;
use super::report::LeftOut;
use crate::stored_path::path_text;

/// A file to be read.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) path: PathBuf,
    pub(crate) source: SourceFile,
}

/// A file or folder that cannot be looked at, and why.
type Unread = Box<(Task, Refused)>;

/// All files below a folder in path order, links followed, without those that are left out. A file or folder
/// that cannot be looked at comes with the reason.
pub(super) struct Listing<'a> {
    walk: walkdir::IntoIter,
    parts: Option<&'a Parts>,
    exclusions: Exclusions,
    /// What was left out so far.
    pub(crate) left_out: LeftOut,
    /// The paths of that.
    pub(crate) paths_left_out: HashSet<PathBuf>,
}

/// Lists what is below `root`, as it was named in `named`, without the folder `skip`; of `parts` alone where there are
/// some.
pub(super) fn list<'a>(
    root: &Path,
    named: &Path,
    patterns: &Patterns,
    skip: Option<&Path>,
    parts: Option<&'a Parts>,
) -> Result<Listing<'a>, BadPattern> {
    let walk = walkdir::WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name();
    Ok(Listing {
        walk: walk.into_iter(),
        parts,
        exclusions: Exclusions::new(root, named, patterns, skip)?,
        left_out: LeftOut::default(),
        paths_left_out: HashSet::new(),
    })
}

/// All files below `root` that are not left out by default or by `.resightignore` files.
pub(crate) fn files_below(root: &Path) -> Result<Vec<PathBuf>, BadPattern> {
    let all = list(root, root, &Patterns::default(), None, None)?;
    Ok(all.flatten().map(|task| task.path).collect())
}

impl Iterator for Listing<'_> {
    type Item = Result<Task, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.walk.next()? {
                Ok(entry) => {
                    let is_folder = entry.file_type().is_dir();
                    if !self.meets(entry.path()) {
                        if is_folder {
                            self.walk.skip_current_dir();
                        }
                        continue;
                    }
                    let seen = Entry {
                        path: entry.path(),
                        depth: entry.depth(),
                        is_folder,
                        is_link: entry.path_is_symlink(),
                    };
                    if let Some(why) = self.exclusions.why(&seen) {
                        self.leave_out(&seen, why);
                        if is_folder {
                            self.walk.skip_current_dir();
                        }
                    } else if !is_folder {
                        return Some(look_at(entry.into_path()));
                    }
                }
                // A link back to a folder above is no file and no failure.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) if error.path().is_some_and(|path| !self.meets(path)) => {}
                Err(error) => {
                    let path = error.path().map(Path::to_owned).unwrap_or_default();
                    // A folder that cannot be listed came before, and was not left out.
                    let seen = Entry {
                        path: &path,
                        depth: error.depth(),
                        is_folder: false,
                        is_link: false,
                    };
                    match self.exclusions.why(&seen).filter(|_| is_link(&path)) {
                        Some(why) => self.leave_out(&seen, why),
                        None => {
                            let reason = error
                                .io_error()
                                .map_or_else(|| error.to_string(), ToString::to_string);
                            return Some(refuse(path, format!("it cannot be read: {reason}")));
                        }
                    }
                }
            }
        }
    }
}

fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

impl Listing<'_> {
    /// Whether the path is one that this run looks at, or leads to one.
    fn meets(&self, path: &Path) -> bool {
        self.parts.is_none_or(|parts| parts.meets(path))
    }

    fn leave_out(&mut self, entry: &Entry<'_>, why: Why) {
        let counter = match (why, entry.is_folder) {
            (Why::Skipped | Why::Rules, _) => return,
            (Why::System(name), _) => {
                *self.left_out.system.entry(name).or_default() += 1;
                None
            }
            (Why::Pattern, true) => Some(&mut self.left_out.folders_by_pattern),
            (Why::Pattern, false) => Some(&mut self.left_out.files_by_pattern),
            (Why::Hidden, true) => Some(&mut self.left_out.hidden_folders),
            (Why::Hidden, false) => Some(&mut self.left_out.hidden_files),
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
        self.paths_left_out.insert(entry.path.to_owned());
    }
}

fn look_at(path: PathBuf) -> Result<Task, Unread> {
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => return refuse(path, format!("it cannot be read: {error}")),
    };
    // Reading a pipe or a device may block for ever.
    if !metadata.is_file() {
        return refuse(path, "it is not a regular file".into());
    }
    let Some(name) = path_text(&path) else {
        return refuse(path, "its name is not valid Unicode; rename it".into());
    };
    Ok(Task {
        source: source_of(name, &metadata),
        path,
    })
}

fn refuse(path: PathBuf, detail: String) -> Result<Task, Unread> {
    let source = SourceFile {
        path: path_text(&path).unwrap_or_else(|| path.to_string_lossy().into_owned()),
        ..SourceFile::default()
    };
    let code = RefusedCode::Unreadable;
    Err(Box::new((Task { path, source }, Refused { code, detail })))
}
