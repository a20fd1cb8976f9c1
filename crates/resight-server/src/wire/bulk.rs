//! What became of each file of a request with many.

use resight_engine as engine;
use serde::Serialize;
use utoipa::ToSchema;

use super::AddedPicture;
use crate::problem::Problem;

/// The answer about one picture, or about many.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(
    dead_code,
    reason = "describes two answers, each of which is written as what it is"
)]
pub(crate) enum AddedOrMany {
    One(AddedPicture),
    Many(BulkAnswer),
}

/// What became of all files that were sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    #[serde(flatten)]
    pub(crate) summary: BulkSummary,
    /// Each file, in the order in which they came.
    pub(crate) files: Vec<FileOutcome>,
}

/// How many files had which outcome.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkSummary {
    /// Files that are stored now.
    added: u64,
    /// Files that were stored before.
    already_present: u64,
    /// Files that cannot be taken.
    refused: u64,
    /// Entries of archives that are no files, as links.
    skipped: u64,
    /// Whether the request and its archives were read to their ends.
    pub(crate) complete: bool,
    /// Why the request was not read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Reason>,
}

/// What became of one file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileOutcome {
    /// Its name in the form or in the archive.
    file: String,
    /// `added`, `already_present`, `refused` or `skipped`.
    outcome: &'static str,
    /// The picture's id, where it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The picture's name, where it is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Why it is not, as in the list of errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What went wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

/// Why something was not done.
#[derive(Debug, Serialize, ToSchema)]
struct Reason {
    /// Stable identifier, one of those in the list of errors.
    code: String,
    /// What went wrong this time.
    reason: String,
    /// What to do now.
    next_step: String,
}

impl From<&Problem> for Reason {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code().as_str().to_owned(),
            reason: problem.detail().to_owned(),
            next_step: problem.code().next_step().to_owned(),
        }
    }
}

impl Default for BulkSummary {
    fn default() -> Self {
        Self {
            added: 0,
            already_present: 0,
            refused: 0,
            skipped: 0,
            complete: true,
            problem: None,
        }
    }
}

impl BulkSummary {
    pub(crate) fn count(&mut self, outcome: &FileOutcome) {
        let count = match outcome.outcome {
            ADDED => &mut self.added,
            PRESENT => &mut self.already_present,
            REFUSED => &mut self.refused,
            _ => &mut self.skipped,
        };
        *count += 1;
    }

    /// Says why the request was not read to its end.
    pub(crate) fn end(&mut self, problem: &Problem) {
        self.complete = false;
        self.problem = Some(problem.into());
    }
}

const ADDED: &str = "added";
const PRESENT: &str = "already_present";
const REFUSED: &str = "refused";
const SKIPPED: &str = "skipped";

impl FileOutcome {
    pub(crate) fn stored(file: String, added: engine::Added) -> Self {
        Self {
            file,
            outcome: if added.already_there { PRESENT } else { ADDED },
            id: Some(added.picture.id.to_string()),
            name: Some(added.picture.name),
            code: None,
            reason: None,
            next_step: None,
        }
    }

    pub(crate) fn refused(file: String, problem: &Problem) -> Self {
        Self::without(file, REFUSED, problem)
    }

    pub(crate) fn skipped(file: String, problem: &Problem) -> Self {
        Self::without(file, SKIPPED, problem)
    }

    fn without(file: String, outcome: &'static str, problem: &Problem) -> Self {
        let Reason {
            code,
            reason,
            next_step,
        } = problem.into();
        Self {
            file,
            outcome,
            id: None,
            name: None,
            code: Some(code),
            reason: Some(reason),
            next_step: Some(next_step),
        }
    }
}
