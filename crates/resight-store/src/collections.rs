//! Several catalogues side by side in one data folder.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::folder::sync_folder;
use crate::lock::create_private;
use crate::sqlite::SqliteCatalogue;

/// Names a collection: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first of them a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollectionName(String);

impl CollectionName {
    /// `None` for text that breaks the rule.
    pub fn parse(text: &str) -> Option<Self> {
        let is_first = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_next = |c: &u8| is_first(c) || matches!(c, b'_' | b'-');
        let good = text.len() <= 63
            && text.as_bytes().first().is_some_and(is_first)
            && text.as_bytes().iter().all(is_next);
        good.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names the default collection, which always exists.
    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT
    }
}

impl Default for CollectionName {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const DEFAULT: &str = "default";
/// Folder of all collections but the default one, in the data folder.
const FOLDER: &str = "collections";
/// Prefix of a folder that is being deleted; no collection's name begins so.
const DELETED: &str = ".deleted-";
/// Folder of a collection's blobs, by which one is recognised that has lost its catalogue.
const BLOBS: &str = "blobs";

/// The collections of a data folder. Each has a folder of its own with the layout of a data folder;
/// the default one uses the data folder itself.
///
/// Hold a [`crate::FolderLock`] on the data folder to create, remove or sweep.
#[derive(Clone, Debug)]
pub struct Collections {
    root: PathBuf,
}

impl Collections {
    /// The collections of the data folder `root`, which need not exist.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The folder in which all collections but the default one have theirs; it need not exist.
    pub fn parent(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    /// The folder of a collection, whether or not it exists.
    pub fn folder(&self, name: &CollectionName) -> PathBuf {
        if name.is_default() {
            self.root.clone()
        } else {
            self.root.join(FOLDER).join(name.as_str())
        }
    }

    /// Whether the collection exists; the default one always does.
    pub fn has(&self, name: &CollectionName) -> bool {
        name.is_default() || SqliteCatalogue::is_in(&self.folder(name))
    }

    /// All collections: the default one, then the others by name.
    pub fn names(&self) -> Result<Vec<CollectionName>, StoreError> {
        let mut names = self.entries(|entry| {
            let name = CollectionName::parse(entry)?;
            (!name.is_default() && self.has(&name)).then_some(name)
        })?;
        names.sort_unstable();
        names.insert(0, CollectionName::default());
        Ok(names)
    }

    /// Creates an empty collection durably. Returns `false` if it exists. Completes one whose creation
    /// a crash cut short.
    pub fn create(&self, name: &CollectionName) -> Result<bool, StoreError> {
        if name.is_default() {
            return Ok(false);
        }
        let folder = self.folder(name);
        let was_there = match SqliteCatalogue::open_read_only(&folder) {
            Err(StoreError::Missing { .. }) => false,
            // Even a damaged one exists.
            Ok(_) | Err(_) => true,
        };
        create_private(&folder).map_err(|error| StoreError::from_io(&folder, error))?;
        if !was_there {
            SqliteCatalogue::open(&folder)?;
        }
        // Even if it existed: a crash may have come between its creation and this.
        sync_folder(&self.root.join(FOLDER))?;
        sync_folder(&self.root)?;
        Ok(!was_there)
    }

    /// Removes a collection and everything in it. Returns `false` if it does not exist, and for the
    /// default one. It stays removed after a power cut; the next [`Collections::sweep`] deletes files
    /// that this could not delete. No catalogue may be open in it.
    pub fn remove(&self, name: &CollectionName) -> Result<bool, StoreError> {
        if name.is_default() || !self.has(name) {
            return Ok(false);
        }
        // A rename removes it at once and as a whole: a crash must not leave half of it.
        let folder = self.folder(name);
        let mut number = 0;
        let deleted = loop {
            let unused = self
                .root
                .join(FOLDER)
                .join(format!("{DELETED}{name}-{number}"));
            if !unused.exists() {
                break unused;
            }
            number += 1;
        };
        fs::rename(&folder, &deleted).map_err(|error| StoreError::from_io(&folder, error))?;
        sync_folder(&self.root.join(FOLDER))?;
        // If this fails, the next sweep deletes them.
        let _ = fs::remove_dir_all(&deleted);
        Ok(true)
    }

    /// Gives a collection another name, at once and as a whole, and durably. Returns `false` where there is no collection
    /// `from`, or something has the name `to`; both must not be the default one. No catalogue may be open in it.
    pub fn rename(&self, from: &CollectionName, to: &CollectionName) -> Result<bool, StoreError> {
        let (old, new) = (self.folder(from), self.folder(to));
        let is_taken = fs::symlink_metadata(&new).is_ok();
        if from.is_default() || to.is_default() || is_taken || !self.has(from) {
            return Ok(false);
        }
        fs::rename(&old, &new).map_err(|error| StoreError::from_io(&old, error))?;
        sync_folder(&self.root.join(FOLDER))?;
        Ok(true)
    }

    /// Deletes the files that earlier removals left, for example after a crash, and completes collections
    /// whose creation was cut short.
    pub fn sweep(&self) -> Result<(), StoreError> {
        self.complete_unfinished()?;
        let deleted = self.entries(|entry| {
            let is_one = entry.starts_with(DELETED);
            is_one.then(|| self.root.join(FOLDER).join(entry))
        })?;
        for folder in deleted {
            fs::remove_dir_all(&folder).map_err(|error| StoreError::from_io(&folder, error))?;
        }
        Ok(())
    }

    /// Creates the tables of collections that a killed process has left without, and the catalogues of those
    /// that have lost theirs beside their blobs, and removes empty folders. A failure is left to the next opening of that collection, which reports it.
    fn complete_unfinished(&self) -> Result<(), StoreError> {
        for name in self.entries(CollectionName::parse)? {
            let folder = self.folder(&name);
            if name.is_default() {
                continue;
            }
            let lost_catalogue = !self.has(&name) && folder.join(BLOBS).is_dir();
            if !lost_catalogue && !self.has(&name) {
                // Fails where there are files in it, which are somebody's.
                let _ = fs::remove_dir(&folder);
            } else if lost_catalogue || SqliteCatalogue::may_be_unfinished(&folder) {
                let _ = SqliteCatalogue::open(&folder);
            }
        }
        Ok(())
    }

    /// Those values that `take` returns for the names in the folder of all collections.
    fn entries<T>(&self, take: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, StoreError> {
        let folder = self.root.join(FOLDER);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::from_io(&folder, error)),
        };
        let mut taken = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| StoreError::from_io(&folder, error))?;
            taken.extend(entry.file_name().to_str().and_then(&take));
        }
        Ok(taken)
    }
}
