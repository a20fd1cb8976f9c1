//! The rows as values.

use crate::collections::CollectionName;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It is being done, or was when a process was killed.
    Running,
    /// It came to its end.
    Done,
    /// An error ended it.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl JobState {
    /// All of them, in the order in which a job meets them.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more happens to such a job.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A job to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// The collection that it works on.
    pub collection: CollectionName,
    /// What it does.
    pub kind: String,
    /// How it does it.
    pub parameters: String,
    /// The id of the key that made it; `None` where no key was asked for.
    pub made_by: Option<String>,
    /// The registered folder that it reads.
    pub folder: Option<u64>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its number; later jobs have greater ones, and none is used twice.
    pub id: u64,
    /// What it was made from.
    pub new: NewJob,
    /// Where it stands.
    pub state: JobState,
    /// Whether somebody asked for its end.
    pub is_to_end: bool,
    /// Things done so far.
    pub done: u64,
    /// Things in all, as far as known.
    pub total: u64,
    /// What it has done, as a text.
    pub report: String,
    /// The code of the error that ended it.
    pub code: Option<String>,
    /// What that error says.
    pub detail: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
    /// When it was first begun.
    pub started_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

/// Selects jobs; the default selects all.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only in one of these states, unless there are none.
    pub states: Vec<JobState>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of these collections.
    pub collections: Option<Vec<CollectionName>>,
    /// Only with a smaller number.
    pub before: Option<u64>,
}

/// A file that a job could not take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRefusal {
    /// The file.
    pub path: String,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub reason: String,
}

/// How many jobs there may be before another one is made; `None` bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobBounds {
    /// That wait.
    pub waiting: Option<u64>,
    /// That wait or run, and were made by the same key.
    pub of_key: Option<u64>,
}

/// What became of a job that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobAdded {
    /// It has this number.
    Made(u64),
    /// As many wait as may, so it is not made.
    TooManyWait,
    /// Its key has as many as it may, so it is not made.
    TooManyOfKey,
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// Things done so far.
    pub done: u64,
    /// Things in all.
    pub total: u64,
    /// What it has done, as a text.
    pub report: String,
    /// Files refused since it was stored last; a file that was refused before counts once.
    pub refused: Vec<JobRefusal>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEnd {
    /// One of the states that end it.
    pub state: JobState,
    /// The code and the text of the error.
    pub error: Option<(String, String)>,
}

/// A folder to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFolder {
    /// Its path, with links followed, as a text.
    pub path: String,
    /// The collection that its pictures belong to.
    pub collection: CollectionName,
    /// How it is indexed, as a text.
    pub rules: String,
    /// The id of the key that registered it.
    pub made_by: Option<String>,
}

/// A registered folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRecord {
    /// Its number; none is used twice.
    pub id: u64,
    /// What it was made from.
    pub new: NewFolder,
    /// When it was registered, in milliseconds since 1970.
    pub made_ms: i64,
    /// When its files were last compared with what is stored.
    pub last_run_ms: Option<i64>,
    /// The last job that read all of it.
    pub last_job: Option<u64>,
}
