//! Jobs and registered folders as programs read them.

use std::collections::BTreeMap;

use resight_app::folders::{Folder, FolderState, Rules};
use resight_app::jobs::{Job, Task};
use resight_engine::readable;
use resight_store::JobRefusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::timestamp;

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobShown {
    /// Its number.
    pub id: u64,
    /// What it does: index, duplicates, verify, backup, embed or export.
    #[schema(example = "index")]
    pub kind: String,
    /// The collection that it works on.
    pub collection: String,
    /// Where it stands: queued, running, done, failed or cancelled.
    #[schema(example = "running")]
    pub state: &'static str,
    /// Whether somebody asked for its end.
    pub cancelling: bool,
    /// Things done so far.
    pub done: u64,
    /// Things in all, as far as known.
    pub total: u64,
    /// Things a second; null unless it runs.
    #[schema(required)]
    pub rate: Option<f64>,
    /// Seconds that it will take yet at this rate; null where that is not known.
    #[schema(required)]
    pub seconds_left: Option<f64>,
    /// What it has done, by name.
    pub counts: BTreeMap<String, u64>,
    /// The code of the error that ended it; null where none did.
    #[schema(required)]
    pub code: Option<String>,
    /// What that error says; null where none ended it, and where the reader is no admin.
    #[schema(required)]
    pub detail: Option<String>,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub made: String,
    /// When it was first begun; null before.
    #[schema(required, format = DateTime)]
    pub started: Option<String>,
    /// When it ended; null before.
    #[schema(required, format = DateTime)]
    pub ended: Option<String>,
    /// The id of the key that made it; null without one, and where the reader is no admin.
    #[schema(required)]
    pub made_by: Option<String>,
    /// The number of the registered folder that it reads; null where it reads none.
    #[schema(required)]
    pub folder_id: Option<u64>,
    /// The folder that it reads or writes; null where there is none, and where the reader is no admin.
    #[schema(required)]
    pub folder: Option<String>,
}

impl JobShown {
    /// `sees_paths`: whether the reader may know paths of the server.
    pub fn new(job: Job, sees_paths: bool) -> Self {
        let record = job.record;
        let folder = job.task.as_ref().and_then(Task::folder).map(str::to_owned);
        Self {
            id: record.id,
            kind: record.new.kind,
            collection: record.new.collection.to_string(),
            state: record.state.as_str(),
            cancelling: record.is_to_end && !record.state.is_end(),
            done: record.done,
            total: record.total,
            rate: job.rate,
            seconds_left: job.left.map(|left| left.as_secs_f64().round()),
            counts: job.counts,
            code: record.code,
            detail: record.detail.filter(|_| sees_paths),
            made: timestamp(record.made_ms),
            started: record.started_ms.map(timestamp),
            ended: record.ended_ms.map(timestamp),
            made_by: record.new.made_by.filter(|_| sees_paths),
            folder_id: record.new.folder,
            folder: folder.filter(|_| sees_paths),
        }
    }

    /// What [`JobShown::row`] shows.
    pub const HEADINGS: [&str; 7] = [
        "id",
        "kind",
        "collection",
        "state",
        "done",
        "made",
        "folder",
    ];

    /// The job as a row of a table.
    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.kind.clone(),
            self.collection.clone(),
            self.state.to_owned(),
            format!("{} of {}", self.done, self.total),
            self.made.clone(),
            readable(self.folder.as_deref().unwrap_or_default()),
        ]
    }
}

/// Some of the jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobList {
    /// Number of jobs that the filters mean.
    pub total: u64,
    /// The jobs of this page.
    pub jobs: Vec<JobShown>,
    /// The `before` of the next page; null where this is the last one.
    #[schema(required)]
    pub next: Option<u64>,
}

/// Files that a job refused; of a job of kind `verify`, what it found damaged.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRefusedList {
    /// The files of this page.
    pub refused: Vec<JobRefused>,
    /// The `after` of the next page; null where this is the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// A file that a job refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRefused {
    /// Its path.
    pub path: String,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub detail: String,
}

impl From<JobRefusal> for JobRefused {
    fn from(refusal: JobRefusal) -> Self {
        Self {
            path: refusal.path,
            code: refusal.code,
            detail: refusal.reason,
        }
    }
}

/// A job to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobWanted {
    /// What it does: index, duplicates, verify, backup, embed or export.
    #[schema(example = "index")]
    pub(crate) kind: String,
    /// The collection that it works on; the default one where it is left out.
    #[serde(default)]
    pub(crate) collection: Option<String>,
    /// Of `index` the folder to read, of `backup` the folder to write: a path of the server that it allows.
    #[serde(default)]
    pub(crate) folder: Option<String>,
    /// Of `index` the number of a registered folder, in place of `folder`; its rules hold.
    #[serde(default)]
    pub(crate) folder_id: Option<u64>,
    /// Of `index` with `folder`: how it is indexed.
    #[serde(default)]
    pub(crate) rules: RulesShown,
    /// Of `index`: read files again that were refused before.
    #[serde(default)]
    pub(crate) retry: bool,
    /// Of `index`: read every file and compare its bytes.
    #[serde(default)]
    pub(crate) reread: bool,
    /// Of `backup`: read also the files that earlier backups copied.
    #[serde(default)]
    pub(crate) check: bool,
    /// Of `export`: `jsonl`, an object a line, or `csv`; jsonl where it is left out.
    #[serde(default)]
    pub(crate) format: Option<String>,
}

/// How a folder is indexed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesShown {
    /// What is left out: lines of a .gitignore.
    pub exclude: Vec<String>,
    /// What is taken in whatever leaves it out.
    pub include: Vec<String>,
    /// Tags of each picture of the folder.
    pub tags: Vec<String>,
    /// Whether pictures are removed whose files are gone.
    pub prune: bool,
}

impl From<RulesShown> for Rules {
    fn from(rules: RulesShown) -> Self {
        Self {
            exclude: rules.exclude,
            include: rules.include,
            tags: rules.tags,
            prune: rules.prune,
        }
    }
}

impl From<Rules> for RulesShown {
    fn from(rules: Rules) -> Self {
        Self {
            exclude: rules.exclude,
            include: rules.include,
            tags: rules.tags,
            prune: rules.prune,
        }
    }
}

/// A registered folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct FolderShown {
    /// Its number.
    pub id: u64,
    /// The last name of its path.
    pub name: String,
    /// Its path; null where the reader is no admin.
    #[schema(required)]
    pub path: Option<String>,
    /// The collection that its pictures belong to.
    pub collection: String,
    /// How it is indexed; null where the reader is no admin.
    #[schema(required)]
    pub rules: Option<RulesShown>,
    /// Whether changes are followed: watching, polling, gone, or idle where nobody looks.
    #[schema(example = "watching")]
    pub state: &'static str,
    /// When it was registered (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub made: String,
    /// When its files were last compared with what is stored; null for never.
    #[schema(required, format = DateTime)]
    pub last_run: Option<String>,
    /// The last job that read all of it; null for none.
    #[schema(required)]
    pub job: Option<u64>,
}

impl FolderShown {
    /// `sees_paths`: whether the reader may know paths of the server.
    pub fn new(folder: Folder, state: FolderState, sees_paths: bool) -> Self {
        let record = folder.record;
        let path = record.new.path;
        let name = path.trim_end_matches('/').rsplit('/').next();
        Self {
            id: record.id,
            name: readable(name.unwrap_or_default()),
            collection: record.new.collection.to_string(),
            rules: sees_paths.then(|| folder.rules.into()),
            state: state.as_str(),
            made: timestamp(record.made_ms),
            last_run: record.last_run_ms.map(timestamp),
            job: record.last_job,
            path: sees_paths.then_some(path),
        }
    }

    /// What [`FolderShown::row`] shows.
    pub const HEADINGS: [&str; 5] = ["id", "folder", "collection", "last run", "rules"];

    /// The folder as a row of a table.
    pub fn row(&self) -> Vec<String> {
        let mut rules = Vec::new();
        if let Some(shown) = &self.rules {
            let all = [
                ("exclude", &shown.exclude),
                ("include", &shown.include),
                ("tag", &shown.tags),
            ];
            for (name, texts) in all {
                rules.extend(texts.iter().map(|text| format!("{name} {text}")));
            }
            rules.extend(shown.prune.then(|| "prune".to_owned()));
        }
        vec![
            self.id.to_string(),
            readable(self.path.as_deref().unwrap_or(&self.name)),
            self.collection.clone(),
            self.last_run.clone().unwrap_or_else(|| "never".into()),
            rules.join(", "),
        ]
    }
}

/// The registered folders.
#[derive(Debug, Serialize, ToSchema)]
pub struct FolderList {
    /// The folders, in the order in which they were registered.
    pub folders: Vec<FolderShown>,
}

/// A folder to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderWanted {
    /// Its path, which the server must allow.
    pub(crate) path: String,
    /// The collection that its pictures belong to; the default one where it is left out.
    #[serde(default)]
    pub(crate) collection: Option<String>,
    /// How it is indexed.
    #[serde(default)]
    pub(crate) rules: RulesShown,
}

/// Rules of a folder that are to change; the others stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesWanted {
    #[serde(default)]
    pub(crate) exclude: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) include: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) prune: Option<bool>,
}
