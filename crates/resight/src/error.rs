//! What a command can end with other than success, and how that is told.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use resight_app::{AppError, Code, printable};
use resight_engine::{EngineError, Mismatch, Refused};
use resight_models::ModelError;
use resight_plugin::PluginError;
use resight_store::StoreError;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Something below the command line failed.
    #[error(transparent)]
    App(#[from] AppError),
    /// The command could not be carried out.
    #[error("{detail}")]
    Failure {
        /// Stable identifier for programs.
        code: Code,
        /// What happened, as a sentence.
        detail: String,
        /// What to do next, as a sentence.
        next_step: Cow<'static, str>,
    },
    /// The arguments contradict each other or the state of things.
    #[error("{detail}")]
    Usage {
        /// Stable identifier for programs.
        code: Code,
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

macro_rules! from_below {
    ($($error:ty),*) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::App(error.into())
            }
        })*
    };
}
from_below!(EngineError, StoreError, ModelError, PluginError);

impl CliError {
    /// A file that the user named was refused; the sentence begins with its name.
    pub(crate) fn refused(path: &Path, reason: Refused) -> Self {
        AppError::refused(path, reason).into()
    }

    /// A file that the user named could not be written.
    pub(crate) fn unwritable(path: &Path, error: io::Error) -> Self {
        AppError::unwritable(path, error).into()
    }

    /// Stable identifier for programs.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::App(error) => error.code(),
            Self::Failure { code, .. } | Self::Usage { code, .. } => *code,
            Self::Interrupted => Code::Interrupted,
            Self::Output(_) => Code::Output,
        }
    }

    /// A sentence that says what to do next.
    pub(crate) fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::App(error) => hint(error).unwrap_or_else(|| error.next_step()),
            Self::Failure { next_step, .. } | Self::Usage { next_step, .. } => next_step.clone(),
            Self::Interrupted | Self::Output(_) => self.code().next_step().into(),
        }
    }

    /// `failure` for a failure, 2 for wrong usage, 130 after an interrupt.
    pub(crate) fn exit_code(&self, failure: u8) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::App(error) if error.is_wrong_setting() => 2,
            Self::Interrupted => 130,
            _ => failure,
        }
    }

    /// Tells it on standard error and gives the exit code, of a failure `failure`. A reader of standard
    /// output that went away (`resight list | head`) is no failure.
    pub(crate) fn report(&self, json: bool, failure: u8) -> ExitCode {
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
        ExitCode::from(self.exit_code(failure))
    }

    /// Where it happened in the code of a plug-in.
    fn traceback(&self) -> Option<&str> {
        match self {
            Self::App(error) => error.traceback(),
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
                "code": self.code().as_str(),
                "detail": self.to_string(),
                "next_step": self.next_step(),
                "traceback": self.traceback(),
            }
        })
        .to_string()
    }
}

/// What to do next, where the command line knows better than [`AppError::next_step`]: which option or
/// command to use.
fn hint(error: &AppError) -> Option<Cow<'static, str>> {
    let text: &'static str = match error {
        AppError::UnknownCollection(_) => {
            "See `resight collections` for those there are, or make it with `resight collections create NAME`."
        }
        AppError::NothingIndexed { .. } => {
            "Run `resight index DIR` with your folder of pictures first, or name another data folder with --data."
        }
        AppError::DataFolderName { .. } => "Name a folder with --data DIR.",
        AppError::ModelsFolderName { .. } => "Name a folder with --models DIR.",
        AppError::DecoderNotStarted { .. } => {
            "Leave out --decode-in=process, or remove what the detail names."
        }
        AppError::FfmpegNotFound { .. } => {
            "Name the program itself with --ffmpeg PATH, or give --ffmpeg off."
        }
        AppError::NoHomeFolder { .. } => "Name a data folder with --data DIR.",
        AppError::DataInsidePictures { .. } => {
            "Choose a data folder elsewhere with --data DIR, or index the folders of pictures one by one."
        }
        AppError::ExtractorUnknown { .. } => {
            "Give its file with --plugin as well, install it with `resight models add`, or choose one of these."
        }
        AppError::ExtractorAmbiguous { names } => {
            let name = names.first()?;
            return Some(format!("Choose one, for example --extractor {name}.").into());
        }
        AppError::ExtractorNeeded { plugin } => {
            let hint = format!(
                "Give its file, for example --plugin {plugin}.py, or another data folder with --data."
            );
            return Some(hint.into());
        }
        AppError::ModelNotUsed { name } => {
            let hint = format!(
                "Run `resight index DIR --model {name}` with a folder of its pictures first."
            );
            return Some(hint.into());
        }
        AppError::VocabularyMissing {
            used_before: true, ..
        } => "Name with --vocabulary the file that these pictures were indexed with.",
        AppError::VocabularyMissing { .. } => {
            "Index a folder of pictures with the same --plugin first: the vocabulary is learnt from them. Or give --vocabulary a file that `resight train` has written."
        }
        AppError::NotAVocabulary { .. } => {
            "Give --vocabulary a file that `resight train` has written."
        }
        AppError::Engine(EngineError::Store(error)) | AppError::Store(error) => {
            return store_hint(error).map(Cow::Borrowed);
        }
        AppError::Engine(error) => return engine_hint(error).map(Cow::Borrowed),
        _ => return None,
    };
    Some(text.into())
}

fn engine_hint(error: &EngineError) -> Option<&'static str> {
    match error {
        EngineError::FolderUnreadable { .. } => Some(
            "Check that the folder exists and may be read. If it is no more, `resight forget DIR` forgets its paths and keeps pictures and tags.",
        ),
        EngineError::NoModel => Some(
            "Give the pictures vectors of a model with `resight index FOLDER --model NAME` (`resight models list` names some), or search in the mode exact.",
        ),
        EngineError::BadFeatures(_) => Some(
            "Encode them again with `resight features` of this version, and with the extractor that described the pictures.",
        ),
        EngineError::ModelMismatch {
            what: Mismatch::Vocabulary,
            ..
        } => Some(
            "Give --vocabulary the file that the pictures were indexed with, or none for the built-in one. Words of a vocabulary that an earlier version shipped are converted by the next `resight index` or `resight serve`.",
        ),
        EngineError::ModelMismatch {
            what: Mismatch::Model,
            ..
        } => Some(
            "Use the extractor that described the stored pictures (the same --plugin in the same version, or none), or index into a new data folder with --data.",
        ),
        EngineError::Vocabulary(_) => Some(
            "Train on more pictures or ask for fewer words; use a file that `resight train` has written.",
        ),
        _ => None,
    }
}

fn store_hint(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Locked { .. } => Some(
            "Stop that process (a server perhaps), or make the change through its web page; searching and listing work beside it.",
        ),
        StoreError::PictureDamaged { .. } => Some(
            "Run `resight verify --repair` while nothing else has the data folder open; or `resight remove ID` the picture and add its file again.",
        ),
        StoreError::Newer { .. } => {
            Some("Install the newer version of Resight, or choose another data folder with --data.")
        }
        StoreError::Missing { .. } => {
            Some("Check --data, or index a folder first: resight index DIR.")
        }
        StoreError::Full { .. } => {
            Some("Free some disk space and run the command again; nothing of this change was kept.")
        }
        StoreError::Busy { .. } => {
            Some("Run the command again, and close other programs that write to the catalogue.")
        }
        StoreError::Unreachable { .. } => Some(
            "Check that the server at that address runs and that this machine reaches it, and run the command again.",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_names_no_flag_and_the_command_line_does() {
        let mismatch = |what| EngineError::ModelMismatch {
            what,
            stored: "a".into(),
            current: "b".into(),
        };
        for (error, flag) in [
            (EngineError::NoModel, "--model"),
            (EngineError::BadFeatures("cut".into()), "`resight features`"),
            (mismatch(Mismatch::Model), "--plugin"),
            (mismatch(Mismatch::Vocabulary), "--vocabulary"),
        ] {
            let below = error.next_step();
            assert!(!below.contains("--") && !below.contains('`'), "{below}");
            let hint = CliError::from(error).next_step();
            assert!(hint.contains(flag), "{hint}");
        }
    }

    #[test]
    fn the_store_gets_the_same_hint_with_the_engine_around_it() {
        let full = || StoreError::Full {
            location: "c.db".into(),
        };
        let direct = CliError::from(full());
        let within = CliError::from(EngineError::Store(full()));
        assert!(direct.next_step().contains("disk space"));
        assert_eq!(direct.next_step(), within.next_step());
        assert_eq!(direct.code(), within.code());
    }

    #[test]
    fn a_store_that_cannot_be_used_says_what_to_do() {
        let damaged = CliError::from(StoreError::Damaged {
            location: "c.db".into(),
            detail: "x".into(),
        });
        assert!(damaged.next_step().contains("Move the data folder away"));
        let denied = CliError::from(StoreError::Io {
            location: "c.db".into(),
            source: io::Error::from(io::ErrorKind::PermissionDenied).into(),
        });
        assert!(denied.next_step().contains("data folder's permissions"));
    }

    #[test]
    fn the_hint_is_a_line_of_its_own() {
        let error = CliError::Usage {
            code: Code::Usage,
            detail: "This is wrong.".into(),
            next_step: "Do that.".into(),
        };
        assert_eq!(error.to_text(), "error: This is wrong.\nhint: Do that.");
        let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
        assert_eq!(json["error"]["code"], "usage");
        assert_eq!(json["error"]["next_step"], "Do that.");
        assert_eq!(error.exit_code(1), 2);
    }
}
