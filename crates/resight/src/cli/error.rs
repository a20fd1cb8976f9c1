//! What a command can end with other than success, and how that is told.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use resight_engine::{EngineError, Refused, RefusedCode};
use resight_store::{CollectionName, StoreError};

use super::output::printable;
use crate::parts::CollectionError;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command could not be carried out.
    #[error("{detail}")]
    Failure {
        /// Stable identifier for programs.
        code: &'static str,
        /// What happened, as a sentence.
        detail: String,
        /// What to do next, as a sentence.
        next_step: Cow<'static, str>,
    },
    /// The arguments contradict each other or the state of things.
    #[error("{detail}")]
    Usage {
        /// Stable identifier for programs.
        code: &'static str,
        /// What is wrong with the arguments, as a sentence.
        detail: String,
        /// What to do next, as a sentence.
        next_step: Cow<'static, str>,
    },
    /// The user asked to stop; the command has told people what is kept.
    #[error("interrupted")]
    Interrupted,
    /// Standard output could not be written.
    #[error("the result could not be written: {0}")]
    Output(#[from] io::Error),
}

impl From<CollectionError> for CliError {
    fn from(error: CollectionError) -> Self {
        match error {
            CollectionError::Unknown(name) => Self::unknown_collection(&name),
            CollectionError::Engine(error) => Self::Engine(error),
            other @ (CollectionError::Default | CollectionError::InUse(_)) => {
                Self::Engine(EngineError::Internal(other.to_string()))
            }
        }
    }
}

impl CliError {
    /// A file that the user named was refused; the sentence begins with its name.
    pub(crate) fn refused(path: &Path, refused: &Refused) -> Self {
        Self::Failure {
            code: refused.code.as_str(),
            detail: format!("{}: {refused}", printable(&path.to_string_lossy())),
            next_step: match refused.code {
                RefusedCode::Unreadable => {
                    "Check the name, and that it is a file which this user may read.".into()
                }
                code => code.next_step().into(),
            },
        }
    }

    /// A collection was named that is not there.
    pub(crate) fn unknown_collection(name: &CollectionName) -> Self {
        Self::Failure {
            code: "unknown_collection",
            detail: format!("there is no collection named {name}"),
            next_step: "See `resight collections` for those there are, or make it with `resight collections create NAME`.".into(),
        }
    }

    /// A file that the user named could not be written.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::Failure {
            code: "unwritable",
            detail: format!("{} could not be written: {error}", path.display()),
            next_step: "Check that the folder exists, that there is space, and that this user may write there.".into(),
        }
    }

    /// Stable identifier for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Failure { code, .. } | Self::Usage { code, .. } => code,
            Self::Interrupted => "interrupted",
            Self::Output(_) => "output",
        }
    }

    /// A sentence that says what to do next.
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::Engine(EngineError::Store(error)) | Self::Store(error) => {
                store_hint(error).into()
            }
            Self::Engine(error) => error.next_step().into(),
            Self::Failure { next_step, .. } | Self::Usage { next_step, .. } => next_step.clone(),
            Self::Interrupted => "Run the same command again to go on.".into(),
            Self::Output(_) => "Check where the output goes.".into(),
        }
    }

    /// 1 for a failure, 2 for wrong usage, 130 after an interrupt.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// Tells it on standard error and gives the exit code. A reader of standard output that went
    /// away (`resight list | head`) is no failure.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        let message = match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Interrupted if !json => None,
            _ if json => Some(self.to_json()),
            _ => Some(self.to_text()),
        };
        if let Some(message) = message {
            // With standard error gone as well there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{message}");
        }
        ExitCode::from(self.exit_code())
    }

    /// Where it happened in the code of a plug-in.
    fn traceback(&self) -> Option<&str> {
        match self {
            Self::Engine(EngineError::Extract(error)) => error.traceback.as_deref(),
            _ => None,
        }
    }

    fn to_text(&self) -> String {
        let traceback = self.traceback().map_or_else(String::new, |text| {
            let lines = text.lines().map(|line| format!("  {}\n", printable(line)));
            lines.collect()
        });
        format!("error: {self}\n{traceback}hint: {}", self.next_step())
    }

    fn to_json(&self) -> String {
        serde_json::json!({
            "error": {
                "code": self.code(),
                "detail": self.to_string(),
                "next_step": self.next_step(),
                "traceback": self.traceback(),
            }
        })
        .to_string()
    }
}

/// What whoever runs a command can do about a failure of the store.
fn store_hint(error: &StoreError) -> &'static str {
    match error {
        StoreError::Locked { .. } => {
            "Stop that process (a server perhaps), or make the change through its web page; searching and listing work beside it."
        }
        StoreError::Damaged { .. } => {
            "Move the data folder away and index the pictures again, or put a backup of the whole folder in its place."
        }
        StoreError::Newer { .. } => {
            "Install the newer version of Resight, or choose another data folder with --data."
        }
        StoreError::Missing { .. } => "Check --data, or index a folder first: resight index DIR.",
        StoreError::Io { .. } => {
            "Check the data folder's permissions: this user must be able to read and write there; and that its disk is healthy."
        }
        StoreError::Full { .. } => {
            "Free some disk space and run the command again; nothing of this change was kept."
        }
        StoreError::Busy { .. } => {
            "Run the command again, and close other programs that write to the catalogue."
        }
        StoreError::ReadOnly | StoreError::BadName { .. } | StoreError::Failed { .. } => {
            "Report this as a defect; nothing that was acknowledged is lost."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_gets_the_same_hint_with_the_engine_around_it() {
        let full = || StoreError::Full {
            location: "c.db".into(),
        };
        let direct = CliError::Store(full());
        let within = CliError::Engine(EngineError::Store(full()));
        assert!(direct.next_step().contains("disk space"));
        assert_eq!(direct.next_step(), within.next_step());
        assert_eq!(direct.code(), within.code());
    }

    #[test]
    fn a_store_that_cannot_be_used_says_what_to_do() {
        let damaged = CliError::Store(StoreError::Damaged {
            location: "c.db".into(),
            detail: "x".into(),
        });
        assert!(damaged.next_step().contains("Move the data folder away"));
        let denied = CliError::Store(StoreError::Io {
            location: "c.db".into(),
            source: io::Error::from(io::ErrorKind::PermissionDenied).into(),
        });
        assert!(denied.next_step().contains("data folder's permissions"));
    }

    #[test]
    fn a_refused_file_is_named_and_cannot_steer_the_terminal() {
        let refused = Refused::new(RefusedCode::Broken, "it ends early");
        let error = CliError::refused(Path::new("a\u{1b}[1m.jpg"), &refused);
        assert_eq!(error.to_string(), "a?[1m.jpg: it ends early");
        assert_eq!(error.code(), "broken");
        assert_eq!(error.next_step(), RefusedCode::Broken.next_step());
    }

    #[test]
    fn the_hint_is_a_line_of_its_own() {
        let error = CliError::Usage {
            code: "x",
            detail: "This is wrong.".into(),
            next_step: "Do that.".into(),
        };
        assert_eq!(error.to_text(), "error: This is wrong.\nhint: Do that.");
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        assert_eq!(json["error"]["code"], "x");
        assert_eq!(json["error"]["next_step"], "Do that.");
        assert_eq!(error.exit_code(), 2);
    }
}
