//! Folders that a service indexes by itself: they are registered once, and outlive a restart.

mod eye;
mod follow;
mod pending;
mod roots;
mod rules;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use resight_engine::{path_of_text, path_text};
use resight_store::{CollectionName, FolderRecord, NewFolder, StoreError};

use crate::AppError;
use crate::components::Records;
use crate::config::Config;
use crate::jobs::{IndexTask, Job, JobMaker, Jobs, Task};

pub use eye::Following;
pub use follow::FollowSettings;
pub use roots::Roots;
pub use rules::Rules;

/// A registered folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What is stored of it.
    pub record: FolderRecord,
    /// How it is indexed.
    pub rules: Rules,
}

impl Folder {
    fn of(record: FolderRecord) -> Self {
        // Written by us, or by a later version: then the folder keeps everything.
        let rules = serde_json::from_str(&record.new.rules).unwrap_or_default();
        Self { record, rules }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        path_of_text(&self.record.new.path)
    }
}

/// Whether changes in a folder are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FolderState {
    /// Nobody looks.
    #[default]
    Idle,
    /// The system tells of changes.
    Watching,
    /// The folder is looked through from time to time.
    Polling,
    /// There is no such folder at present; it is looked for.
    Gone,
}

impl FolderState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Watching, Self::Polling, Self::Gone];

    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Watching => "watching",
            Self::Polling => "polling",
            Self::Gone => "gone",
        }
    }
}

/// The registered folders of a data folder. A clone shares them.
#[derive(Clone, Debug)]
pub struct Folders {
    records: Arc<Records>,
    /// Of those that are followed.
    states: Arc<Mutex<HashMap<u64, FolderState>>>,
    /// Whether this process follows folders.
    is_followed: Arc<AtomicBool>,
}

impl Folders {
    /// Those that are registered beside these jobs.
    pub fn beside(jobs: &Jobs) -> Self {
        Self {
            records: jobs.0.records.clone(),
            states: Arc::default(),
            is_followed: Arc::default(),
        }
    }

    /// All of them, in the order in which they were registered.
    pub fn list(&self) -> Result<Vec<Folder>, AppError> {
        let records = self.records.folders()?;
        Ok(records.into_iter().map(Folder::of).collect())
    }

    /// The folder with this number.
    pub fn get(&self, id: u64) -> Result<Folder, AppError> {
        let record = self.records.folder(id)?;
        record.map(Folder::of).ok_or(AppError::UnknownFolder(id))
    }

    /// Registers a folder, whose links are followed. One that is registered for the collection keeps its rules.
    /// Returns it, and whether it is new.
    pub fn add(
        &self,
        config: &Config,
        path: &Path,
        collection: &CollectionName,
        rules: &Rules,
        made_by: Option<&str>,
    ) -> Result<(Folder, bool), AppError> {
        rules.check()?;
        let (record, is_new) = self.records.add_folder(&NewFolder {
            path: folder_text(config, path)?,
            collection: collection.clone(),
            rules: stored(rules)?,
            made_by: made_by.map(str::to_owned),
        })?;
        Ok((Folder::of(record), is_new))
    }

    /// Whether this process follows changes in the folder.
    pub fn state(&self, id: u64) -> FolderState {
        self.states.lock().get(&id).copied().unwrap_or_default()
    }

    /// Changes how a folder is indexed.
    pub fn set_rules(&self, id: u64, rules: &Rules) -> Result<Folder, AppError> {
        rules.check()?;
        if !self.records.set_rules(id, &stored(rules)?)? {
            return Err(AppError::UnknownFolder(id));
        }
        self.get(id)
    }

    /// Forgets that a folder is registered; its pictures stay.
    pub fn remove(&self, id: u64) -> Result<(), AppError> {
        match self.records.remove_folder(id)? {
            true => Ok(()),
            false => Err(AppError::UnknownFolder(id)),
        }
    }

    /// Makes a job that indexes all of a folder that is new or has other rules, unless this process follows folders:
    /// then it sees that by itself, within a second.
    pub fn index_changed(
        &self,
        jobs: &Jobs,
        folder: &Folder,
        by: Option<&str>,
    ) -> Result<(), AppError> {
        // It belongs to a change that is made already.
        let maker = by.map(|key| JobMaker { key, most: None });
        match self.is_followed.load(Ordering::Relaxed) {
            true => Ok(()),
            false => self.index(jobs, folder, maker).map(drop),
        }
    }

    /// Makes a job that indexes all of a registered folder.
    pub fn index(
        &self,
        jobs: &Jobs,
        folder: &Folder,
        maker: Option<JobMaker<'_>>,
    ) -> Result<Job, AppError> {
        let task = Task::Index(IndexTask {
            folder: folder.record.new.path.clone(),
            rules: folder.rules.clone(),
            ..IndexTask::default()
        });
        let id = folder.record.id;
        jobs.add(&folder.record.new.collection, &task, maker, Some(id))
    }
}

/// A folder that is to be indexed as a text, with links followed. Fails with `not_a_folder`, and with
/// `data_inside_pictures`.
pub fn folder_text(config: &Config, path: &Path) -> Result<String, AppError> {
    let unusable = |why: String| AppError::NotAFolder {
        path: path.to_owned(),
        why,
    };
    let real = std::fs::canonicalize(path).map_err(|error| unusable(error.to_string()))?;
    if !real.is_dir() {
        return Err(unusable("it is a file".into()));
    }
    config.check_apart(std::slice::from_ref(&real))?;
    path_text(&real).ok_or_else(|| unusable("its name is not valid Unicode".into()))
}

fn stored(rules: &Rules) -> Result<String, AppError> {
    serde_json::to_string(rules).map_err(|error| {
        StoreError::Failed {
            location: "the rules of a folder".into(),
            detail: error.to_string(),
        }
        .into()
    })
}
