//! How a folder is indexed, and what its indexing reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use resight_decode::RefusedCode;
use resight_store::{LabelPatch, PictureId};

use super::exclusion::Patterns;

/// How a folder is indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderOptions {
    /// Remove pictures whose files are gone, and those without labels whose files are left out now.
    pub prune: bool,
    /// Read files again that were refused before and have not changed.
    pub retry_refused: bool,
    /// Read every file and compare its bytes with what is stored, whatever the system tells of it; refused files
    /// too. Pictures are described again of which pages or frames are not stored, or something stored is damaged.
    pub reread: bool,
    /// A folder to skip wherever it is met: the data folder, so that Resight never indexes its own
    /// thumbnails.
    pub skip: Option<PathBuf>,
    /// What is left out, and what is taken in that is left out by default.
    pub patterns: Patterns,
    /// Labels of each picture of the folder, unchanged ones included.
    pub labels: LabelPatch,
    /// Describe new pictures by the global models in use as well, from the pixels decoded for their
    /// features. Otherwise they wait for [`crate::GlobalModels::embed_missing`], and the run ends sooner.
    pub embed: bool,
    /// Only these paths below the folder are looked at, and what is below them; `None` for all of it. Files at other
    /// paths are as if they were unchanged. Paths begin with the folder's own, links above it followed.
    pub parts: Option<Vec<PathBuf>>,
}

/// An event of an indexing run. Whatever it reports is durable already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderEvent {
    /// The folder has been listed.
    Listed {
        /// Files in it.
        files: u64,
        /// Of these, known from an earlier run and not changed.
        unchanged: u64,
        /// Of these, to be read now.
        to_do: u64,
    },
    /// A picture is stored, and searches find it.
    Indexed {
        /// Its file.
        path: PathBuf,
        /// Its id.
        id: PictureId,
        /// Number of its features.
        features: u32,
        /// Whether the same bytes were stored before.
        already_there: bool,
    },
    /// A file was found at a new place: it has the bytes of a stored picture, and nothing is at a former
    /// path of that picture any more. The former path is forgotten.
    Moved {
        /// The former path.
        from: String,
        /// The file.
        path: PathBuf,
    },
    /// A model in use has described pictures of this run.
    Embedded {
        /// The model's name.
        model: String,
        /// Pictures of this run that it has described so far.
        done: u64,
        /// Files of this run, without those that turned out to be refused or stored already.
        total: u64,
    },
    /// A file could not be read as a picture.
    Refused {
        /// The file.
        path: PathBuf,
        /// Stable code.
        code: RefusedCode,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is gone or left out, and its path was forgotten, with the picture where that has no other one.
    Pruned {
        /// The file.
        path: String,
    },
}

/// What of a folder was left out. Neither a folder that was left out nor anything below it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Folders in which systems and network storage keep their own files, and links into them, by name.
    pub system: BTreeMap<&'static str, u64>,
    /// Folders whose names begin with a dot.
    pub hidden_folders: u64,
    /// Files whose names begin with a dot.
    pub hidden_files: u64,
    /// Folders, by the run's patterns or those of a `.resightignore`.
    pub folders_by_pattern: u64,
    /// Files, by such patterns.
    pub files_by_pattern: u64,
}

/// What an indexing run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderReport {
    /// Files in the folder.
    pub files: u64,
    /// Pictures added.
    pub indexed: u64,
    /// Of these, with fewer than [`crate::WEAK_BELOW`] features on each page.
    pub weak: u64,
    /// Further pages and frames of them that were described.
    pub pages: u64,
    /// Those that could not be read.
    pub unread_pages: u64,
    /// Files whose bytes were stored before.
    pub already_there: u64,
    /// Of these, found at a new place: a former path is gone, and was forgotten.
    pub moved: u64,
    /// Files known from an earlier run.
    pub unchanged: u64,
    /// Files that were read again and have the bytes they had.
    pub same_bytes: u64,
    /// Files of stored pictures that were described again, as pages or frames of them were not stored, or something
    /// stored was damaged.
    pub retaken: u64,
    /// Files refused now.
    pub refused: u64,
    /// Of these, files that are no pictures ([`crate::RefusedKind::NoPicture`]).
    pub no_pictures: u64,
    /// Files refused in an earlier run, and not changed since.
    pub unchanged_refused: u64,
    /// Of these, files that are no pictures.
    pub unchanged_no_pictures: u64,
    /// Files of stored pictures that are gone and were not found at a new place.
    pub missing: u64,
    /// Of these, removed.
    pub pruned: u64,
    /// Files of stored pictures that are still there, and were left out.
    pub excluded: u64,
    /// Of these, forgotten, with pictures that have no other file.
    pub excluded_pruned: u64,
    /// What was left out.
    pub left_out: LeftOut,
    /// Whether it was stopped before the end.
    pub cancelled: bool,
    /// How long it took.
    pub elapsed: Duration,
}
