//! Files found at a new place, whose former paths are forgotten.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use resight_store::{PictureId, PictureRecord};

use crate::source_path::left_behind;

/// A picture stored before whose bytes a file has.
pub(super) struct KnownPicture {
    pub(super) id: PictureId,
    pub(super) features: u32,
    /// Whether the file is no source of it yet.
    pub(super) is_new_path: bool,
    /// Paths at which nothing is any more, if this is a new one.
    pub(super) left: Vec<String>,
}

impl KnownPicture {
    pub(super) fn new(record: PictureRecord, path: &str) -> Self {
        let is_new_path = !record.sources.iter().any(|source| source == path);
        Self {
            is_new_path,
            left: if is_new_path {
                left_behind(&record.sources, path)
            } else {
                Vec::new()
            },
            id: record.id,
            features: record.feature_count,
        }
    }
}

/// A path that a file has left.
pub(super) struct Left {
    pub(super) id: PictureId,
    pub(super) from: String,
    /// Where the file is now.
    pub(super) path: PathBuf,
}

/// The files that a run has found at a new place.
#[derive(Default)]
pub(super) struct Moves {
    by_picture: HashMap<PictureId, Move>,
    forgotten: HashSet<String>,
}

#[derive(Default)]
struct Move {
    /// Paths found by this run.
    new: u64,
    /// Paths forgotten by this run.
    old: u64,
}

impl Moves {
    /// A file of a picture was found at another path; `has_left` tells whether it has left one.
    pub(super) fn found(&mut self, id: &PictureId, has_left: bool) {
        // A file that comes after the old path was forgotten is counted too.
        match self.by_picture.get_mut(id) {
            Some(known) => known.new += 1,
            None if has_left => {
                self.by_picture.insert(id.clone(), Move { new: 1, old: 0 });
            }
            None => {}
        }
    }

    /// A former path of a picture was forgotten.
    pub(super) fn forgot(&mut self, id: &PictureId, path: &str) {
        self.by_picture.entry(id.clone()).or_default().old += 1;
        self.forgotten.insert(path.to_owned());
    }

    /// Whether this run has forgotten the path.
    pub(super) fn has_forgotten(&self, path: &str) -> bool {
        self.forgotten.contains(path)
    }

    /// Number of files that were moved: of each picture no more than paths it had and has now. A file that
    /// was moved and copied is moved once.
    pub(super) fn count(&self) -> u64 {
        let moves = self.by_picture.values();
        moves.map(|one| one.new.min(one.old)).sum()
    }
}
