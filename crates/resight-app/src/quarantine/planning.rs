//! What would become of a picture's files. Nothing is changed here.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use resight_engine::{Picture, path_of_text, readable};

use super::mounts::mount_above;
use super::moving::{is_free, is_writable};
use super::{FileState, Quarantine, ResolveOptions, ResolvedFile, ResolvedPicture};
use crate::Code;

/// Why a picture is not removed.
pub(super) type Refusal = (Code, String);

/// A picture that is to be removed, and what becomes of its files.
pub(super) struct Planned {
    pub(super) picture: Picture,
    pub(super) files: Vec<PlannedFile>,
}

pub(super) struct PlannedFile {
    pub(super) shown: ResolvedFile,
    /// The registered folder that it lies in, or would.
    pub(super) root: Option<PathBuf>,
    /// Where the file system begins on which it lies.
    pub(super) mount: Option<PathBuf>,
    /// That folder is not there: the file may lie in it.
    is_away: bool,
}

impl PlannedFile {
    pub(super) fn moves(&self) -> bool {
        self.shown.state == FileState::Moved
    }
}

impl Planned {
    pub(super) fn done(self, refusal: Option<Refusal>) -> ResolvedPicture {
        let returns = |file: &PlannedFile| file.is_away || file.shown.state == FileState::Stays;
        ResolvedPicture {
            returns: refusal.is_none() && self.files.iter().any(returns),
            id: self.picture.id,
            name: self.picture.name,
            refusal,
            files: self.files.into_iter().map(|file| file.shown).collect(),
        }
    }

    /// Nothing of it was moved, or all is back.
    pub(super) fn refused(mut self, why: Refusal) -> ResolvedPicture {
        for file in &mut self.files {
            file.shown.to = None;
            if file.moves() {
                file.shown.state = FileState::Stays;
            }
        }
        self.left(why)
    }

    /// Its files are where `files` says.
    pub(super) fn left(mut self, why: Refusal) -> ResolvedPicture {
        // An upload's bytes are no file of a folder.
        self.files.retain(|file| file.shown.path.is_some());
        self.done(Some(why))
    }
}

/// Looks at a picture's files. `elsewhere`: paths at which other collections have pictures.
pub(super) fn plan(
    picture: Picture,
    options: &ResolveOptions<'_>,
    elsewhere: &HashSet<String>,
) -> Result<Planned, ResolvedPicture> {
    let mut files = Vec::new();
    let mut refusal = None;
    for source in &picture.sources {
        let (file, why) = match options.quarantine {
            Some(quarantine) if is_around(quarantine, source, options.roots) => {
                around(source, &picture)
            }
            Some(_) => {
                let is_shared = elsewhere.contains(source);
                plan_move(source, &picture, options.roots, is_shared)
            }
            None => (stays(source, &picture, options.roots), None),
        };
        refusal = refusal.or(why);
        files.push(file);
    }
    // Without a quarantine nothing of an upload is left, and nothing moved.
    if picture.uploaded && options.quarantine.is_some() {
        files.push(PlannedFile {
            shown: shown(None, picture.byte_len, FileState::Moved),
            root: None,
            mount: None,
            is_away: false,
        });
    }
    let planned = Planned { picture, files };
    match refusal {
        Some(why) => Err(planned.refused(why)),
        None => Ok(planned),
    }
}

fn plan_move(
    source: &str,
    picture: &Picture,
    roots: &[PathBuf],
    is_shared: bool,
) -> (PlannedFile, Option<Refusal>) {
    let path = path_of_text(source);
    let plain = |state| PlannedFile {
        shown: shown(Some(source.to_owned()), picture.byte_len, state),
        root: None,
        mount: None,
        is_away: false,
    };
    let named = readable(source);
    let refuse = |state, code, why: &str| (plain(state), Some((code, format!("{named} {why}"))));
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if is_missing(&error) => {
            let file = missing(source, picture, roots);
            let why =
                "may be in a folder that is not there or empty, such as a disk that is not mounted";
            return match file.is_away {
                true => refuse(FileState::Missing, Code::FolderGone, why),
                false => (file, None),
            };
        }
        Err(error) => {
            let why = format!("cannot be looked at: {error}");
            return refuse(FileState::Stays, Code::QuarantineFailed, &why);
        }
    };
    if !metadata.is_file() {
        let why = "is a link or no file, and is not moved";
        return refuse(FileState::Stays, Code::QuarantineFailed, why);
    }
    let Some((folder, root)) = root_of(&path, roots) else {
        let why = "lies in no registered folder";
        return refuse(FileState::NotRegistered, Code::FileNotRegistered, why);
    };
    if is_shared {
        let why = "is the file of a picture of another collection, too";
        return refuse(FileState::Stays, Code::FileShared, why);
    }
    if metadata.len() != picture.byte_len {
        let why = "has other bytes than those that were indexed";
        return refuse(FileState::Changed, Code::FileChanged, why);
    }
    if !path.parent().is_some_and(is_writable) {
        let why = "cannot be moved: let the server write to its folder (a unit of systemd names it in ReadWritePaths=)";
        return refuse(FileState::Stays, Code::QuarantineFailed, why);
    }
    let file = PlannedFile {
        root: Some(root),
        mount: mount_above(&folder),
        ..plain(FileState::Moved)
    };
    (file, None)
}

/// Whether the path is one of a registered folder in which moved files would be found again. Nothing keeps another process
/// from registering it.
fn is_around(quarantine: &Quarantine, source: &str, roots: &[PathBuf]) -> bool {
    let mut around = roots
        .iter()
        .filter(|root| !quarantine.is_apart(root))
        .peekable();
    if around.peek().is_none() {
        return false;
    }
    let path = path_of_text(source);
    let real = path.parent().and_then(|above| fs::canonicalize(above).ok());
    around.any(|root| {
        path.starts_with(root) || real.as_ref().is_some_and(|real| real.starts_with(root))
    })
}

fn around(source: &str, picture: &Picture) -> (PlannedFile, Option<Refusal>) {
    let state = match is_free(&path_of_text(source)) {
        true => FileState::Missing,
        false => FileState::Stays,
    };
    let file = PlannedFile {
        shown: shown(Some(source.to_owned()), picture.byte_len, state),
        root: None,
        mount: None,
        is_away: false,
    };
    let named = readable(source);
    let why = format!(
        "{named} is in a registered folder that has the folder for files of duplicates in it, or lies in that"
    );
    (file, Some((Code::QuarantineFolder, why)))
}

/// The folder that a file really lies in, and the registered one.
fn root_of(path: &Path, roots: &[PathBuf]) -> Option<(PathBuf, PathBuf)> {
    let folder = fs::canonicalize(path.parent()?).ok()?;
    let root = roots.iter().find(|root| folder.starts_with(root)).cloned();
    root.map(|root| (folder, root))
}

fn stays(source: &str, picture: &Picture, roots: &[PathBuf]) -> PlannedFile {
    if is_free(&path_of_text(source)) {
        return missing(source, picture, roots);
    }
    PlannedFile {
        shown: shown(Some(source.to_owned()), picture.byte_len, FileState::Stays),
        root: None,
        mount: None,
        is_away: false,
    }
}

/// A path at which nothing is.
fn missing(source: &str, picture: &Picture, roots: &[PathBuf]) -> PlannedFile {
    let path = path_of_text(source);
    let mut above = roots.iter().filter(|root| path.starts_with(root));
    PlannedFile {
        shown: shown(
            Some(source.to_owned()),
            picture.byte_len,
            FileState::Missing,
        ),
        root: above.clone().next().cloned(),
        mount: None,
        is_away: above.any(|root| is_away(&path, root)),
    }
}

/// A disk that is not mounted leaves no folder, or an empty one, in place of the registered one or of one below it.
fn is_away(path: &Path, root: &Path) -> bool {
    let mut above = path
        .ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(root));
    let there = above.find(|above| above.is_dir());
    let is_empty =
        |folder: &Path| fs::read_dir(folder).map_or(true, |mut all| all.next().is_none());
    there.is_none_or(is_empty)
}

fn shown(path: Option<String>, bytes: u64, state: FileState) -> ResolvedFile {
    ResolvedFile {
        path,
        to: None,
        bytes,
        state,
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
