//! Duplicates removed, and their files moved to a folder from which they can be put back.
//!
//! Invariant: what is to be moved is on record, durably, before anything is moved; so a resolution that was cut short
//! at any point can be undone.
//! Invariant: a file is moved only where it has the bytes of its picture, lies in a registered folder and belongs to no
//! picture of another collection, and nothing is ever written over. It comes back only to where its registered folder
//! really is, on the disk on which it lay.
//! Invariant: a picture goes only while the one that is kept for it is stored, with the labels that both have then.
//! Invariant: who moves files of a collection's pictures holds its lock of indexing.
//! Invariant: what became of a move is judged by what lies on the disk.

mod bringing;
mod carried;
mod log;
mod mounts;
mod moving;
mod place;
mod planning;
mod resolving;
mod sharing;
#[cfg(test)]
mod tests;
mod undoing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use resight_engine::{Metadata, PictureId};
use resight_store::CollectionName;

use crate::collections::Collections;
use crate::config::{Config, is_within, resolved};
use crate::{AppError, Code};

pub use log::Resolution;
pub use resolving::{resolve, stands_once};
pub use undoing::{Return, Undone};

use log::Log;
use place::Place;

/// How long a request waits for others that move files of the collection, or that index its folders.
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder for the files of removed duplicates. Clones share it.
#[derive(Clone, Debug)]
pub struct Quarantine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    patience: Duration,
}

/// A picture that is kept, and those that are removed in its favour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The one that is kept.
    pub keep: PictureId,
    /// Those that are removed.
    pub remove: Vec<PictureId>,
}

/// How duplicates are resolved.
#[derive(Clone, Copy)]
pub struct ResolveOptions<'a> {
    /// The kept picture gets what the removed ones have of labels and it has not.
    pub carry_over: bool,
    /// Only tell what would happen.
    pub dry_run: bool,
    /// Where files are moved; `None` leaves them where they are.
    pub quarantine: Option<&'a Quarantine>,
    /// Registered folders, out of which files may be moved.
    pub roots: &'a [PathBuf],
    /// Those of the data folder, whose files stay.
    pub collections: &'a Collections,
    /// The collection's name, and what tells it from others.
    pub collection: (&'a CollectionName, &'a str),
    /// Reads metadata.
    pub metadata: fn(&str) -> Result<Metadata, String>,
}

/// What came of it, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// By which it can be undone, where it is on record that pictures were removed or files moved.
    pub resolution: Option<String>,
    /// In the order of the request.
    pub groups: Vec<ResolvedGroup>,
}

/// What came of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedGroup {
    /// The picture that is kept.
    pub keep: PictureId,
    /// Whether its labels change.
    pub carried_over: bool,
    /// The others.
    pub remove: Vec<ResolvedPicture>,
}

/// What came of a picture that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedPicture {
    /// Its id.
    pub id: PictureId,
    /// Its name; empty where it is not stored.
    pub name: String,
    /// Why it is not removed.
    pub refusal: Option<(Code, String)>,
    /// A file of it stays in a folder, or may be in a registered one that is away, so that the picture comes back.
    pub returns: bool,
    /// Its files.
    pub files: Vec<ResolvedFile>,
}

/// What came of a file of a picture that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedFile {
    /// Where it lies or lay, as stored text; `None` for the bytes of an upload.
    pub path: Option<String>,
    /// Where it lies now or would.
    pub to: Option<PathBuf>,
    /// Its bytes.
    pub bytes: u64,
    /// What is done with it.
    pub state: FileState,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// It is moved.
    Moved,
    /// It stays where it is.
    Stays,
    /// It has other bytes than the picture.
    Changed,
    /// Nothing is there.
    Missing,
    /// It lies in no registered folder.
    NotRegistered,
}

impl FileState {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Stays => "stays",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::NotRegistered => "not_registered",
        }
    }
}

impl Quarantine {
    /// That of this folder, which is made when something is moved.
    ///
    /// # Errors
    /// `quarantine_folder` where [`check_folder`] refuses it.
    pub fn new(folder: &Path, config: &Config) -> Result<Self, AppError> {
        check_folder(folder, config)?;
        Ok(Self(Arc::new(Inner {
            place: Place {
                folder: resolved(folder),
                data: config.root.clone(),
            },
            patience: PATIENCE,
        })))
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.0.place.folder
    }

    /// Resolutions of a collection, the newest first, at most so many.
    pub fn resolutions(&self, collection: &str, most: usize) -> Result<Vec<Resolution>, AppError> {
        self.0.place.check()?;
        log::list(self.folder(), collection, most)
    }

    /// Begins a resolution.
    fn begin(&self, collection: &str) -> Result<Log, AppError> {
        self.0.place.begin()?;
        Log::begin(self.folder(), collection)
    }

    /// Fails where no file could be moved here.
    fn check_writable(&self) -> Result<(), AppError> {
        self.0.place.check()?;
        let there = self.folder().ancestors().find(|folder| folder.exists());
        match there {
            Some(there) if there.is_dir() && moving::is_writable(there) => Ok(()),
            _ => {
                let denied = std::io::ErrorKind::PermissionDenied.into();
                Err(moving::unwritable(self.folder(), denied))
            }
        }
    }

    /// Refuses folders of pictures, of any collection, in which moved files would be found again.
    ///
    /// # Errors
    /// `quarantine_folder` for one that has the quarantine in it or lies in it.
    pub fn check_apart(&self, roots: &[PathBuf]) -> Result<(), AppError> {
        for root in roots {
            if !self.is_apart(root) {
                return Err(AppError::QuarantineFolder {
                    path: self.folder().to_owned(),
                    why: format!(
                        "the registered folder {} has it, or lies in it",
                        root.display()
                    ),
                });
            }
        }
        Ok(())
    }

    fn is_apart(&self, root: &Path) -> bool {
        !is_within(self.folder(), root)
    }
}

/// Whether a folder can take files of duplicates. Changes nothing on the disk.
///
/// # Errors
/// `quarantine_folder` for a file, and for one within the data folder or around it.
pub fn check_folder(folder: &Path, config: &Config) -> Result<(), AppError> {
    let unusable = |why: &str| {
        Err(AppError::QuarantineFolder {
            path: folder.to_owned(),
            why: why.to_owned(),
        })
    };
    let (real, data) = (resolved(folder), resolved(&config.root));
    if real.exists() && !real.is_dir() {
        return unusable("it is a file");
    }
    if real.starts_with(&data) || data.starts_with(&real) {
        return unusable("it lies in the data folder or around it");
    }
    Ok(())
}
