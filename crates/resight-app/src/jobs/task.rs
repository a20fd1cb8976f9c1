//! What a job does, and how that is stored.

use std::path::PathBuf;

use resight_engine::path_of_text;
use serde::{Deserialize, Serialize};

use crate::export::{ExportFormat, ExportOptions};
use crate::folders::Rules;

/// The kinds of jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Compares a folder of pictures with what is stored, and reads what is new.
    Index,
    /// Pairs all pictures that were not paired yet.
    Duplicates,
    /// Reads everything that a collection stores, and lists what is damaged.
    Verify,
    /// Copies the data folder.
    Backup,
    /// Describes pictures that lack a vector of a global model in use.
    Embed,
    /// Writes labels, groups and decisions to a file.
    Export,
}

impl JobKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Index,
        Self::Duplicates,
        Self::Verify,
        Self::Backup,
        Self::Embed,
        Self::Export,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Duplicates => "duplicates",
            Self::Verify => "verify",
            Self::Backup => "backup",
            Self::Embed => "embed",
            Self::Export => "export",
        }
    }

    /// The kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// See [`JobKind::Index`].
    Index(IndexTask),
    /// See [`JobKind::Duplicates`].
    Duplicates,
    /// See [`JobKind::Verify`].
    Verify,
    /// See [`JobKind::Backup`].
    Backup(BackupTask),
    /// See [`JobKind::Embed`].
    Embed,
    /// See [`JobKind::Export`].
    Export(ExportTask),
}

/// Which folder is indexed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTask {
    /// The folder as a text, links above it followed.
    pub folder: String,
    /// What is left out, the tags of its pictures, and what becomes of pictures whose files are gone.
    #[serde(default)]
    pub rules: Rules,
    /// Reads files again that were refused before.
    #[serde(default)]
    pub retry: bool,
    /// Reads every file, whatever the system tells of it.
    #[serde(default)]
    pub reread: bool,
}

impl IndexTask {
    /// The folder.
    pub fn path(&self) -> PathBuf {
        path_of_text(&self.folder)
    }
}

/// Where the data folder is copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTask {
    /// The folder of the backup, as a text.
    pub folder: String,
    /// Reads also the files that earlier backups copied.
    #[serde(default)]
    pub check: bool,
}

/// What is written to a file of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportTask {
    /// Its form.
    pub format: ExportFormat,
    /// Whether it says where files of pictures are.
    pub paths: bool,
}

impl From<ExportTask> for ExportOptions {
    fn from(task: ExportTask) -> Self {
        Self {
            format: task.format,
            paths: task.paths,
        }
    }
}

impl Task {
    /// Its kind.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Index(_) => JobKind::Index,
            Self::Duplicates => JobKind::Duplicates,
            Self::Verify => JobKind::Verify,
            Self::Backup(_) => JobKind::Backup,
            Self::Embed => JobKind::Embed,
            Self::Export(_) => JobKind::Export,
        }
    }

    /// The folder that it is about.
    pub fn folder(&self) -> Option<&str> {
        match self {
            Self::Index(task) => Some(&task.folder),
            Self::Backup(task) => Some(&task.folder),
            Self::Duplicates | Self::Verify | Self::Embed | Self::Export(_) => None,
        }
    }

    /// Its parameters as they are stored.
    pub(crate) fn parameters(&self) -> serde_json::Result<String> {
        match self {
            Self::Index(task) => serde_json::to_string(task),
            Self::Backup(task) => serde_json::to_string(task),
            Self::Export(task) => serde_json::to_string(task),
            Self::Duplicates | Self::Verify | Self::Embed => Ok("{}".into()),
        }
    }

    /// The task that was stored so; `None` where this version knows none such.
    pub(crate) fn stored(kind: &str, parameters: &str) -> Option<Self> {
        Some(match JobKind::parse(kind)? {
            JobKind::Index => Self::Index(serde_json::from_str(parameters).ok()?),
            JobKind::Backup => Self::Backup(serde_json::from_str(parameters).ok()?),
            JobKind::Export => Self::Export(serde_json::from_str(parameters).ok()?),
            JobKind::Duplicates => Self::Duplicates,
            JobKind::Verify => Self::Verify,
            JobKind::Embed => Self::Embed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_stored() {
        let index = IndexTask {
            folder: "/p".into(),
            rules: Rules {
                tags: vec!["a".into()],
                prune: true,
                ..Rules::default()
            },
            retry: true,
            reread: false,
        };
        let backup = BackupTask {
            folder: "/b".into(),
            check: true,
        };
        let all = [
            Task::Index(index),
            Task::Backup(backup),
            Task::Duplicates,
            Task::Verify,
            Task::Embed,
            Task::Export(ExportTask {
                format: ExportFormat::Csv,
                paths: true,
            }),
        ];
        for (task, kind) in all.into_iter().zip([
            JobKind::Index,
            JobKind::Backup,
            JobKind::Duplicates,
            JobKind::Verify,
            JobKind::Embed,
            JobKind::Export,
        ]) {
            assert_eq!(task.kind(), kind);
            let stored = Task::stored(kind.as_str(), &task.parameters().unwrap());
            assert_eq!(stored.as_ref(), Some(&task));
        }
        assert_eq!(Task::stored("later", "{}"), None);
        assert_eq!(Task::stored("index", "{}"), None);
    }
}
