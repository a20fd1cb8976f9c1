//! Why a model was not installed, loaded or run. Each kind of error has a stable code and a next
//! step.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use resight_vision::{ExtractError, Fault};

use crate::numerics::BUILT_IN;

/// An error of a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A manifest is not valid.
    #[error("{}: {detail}", file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// No model of this name is installed.
    #[error("no model named {name:?} is installed in {}", folder.display())]
    NotInstalled {
        /// The requested name.
        name: String,
        /// The folder of models.
        folder: PathBuf,
    },
    /// No model of this name is known.
    #[error("{name:?} is none of the models that can be pulled: {known}")]
    Unknown {
        /// The requested name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The model is of the other kind: one vector a picture, or keypoints.
    #[error("{name} is a {kind} model")]
    WrongKind {
        /// The model.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// A model of this name is installed already.
    #[error("a model named {name:?} is installed already, with other contents")]
    Exists {
        /// Its name.
        name: String,
    },
    /// A file does not have the hash of its manifest.
    #[error("{} is not the file that its model.toml describes: its {kind} is {found}, not {expected}", file.display())]
    Hash {
        /// The file.
        file: PathBuf,
        /// The kind of hash.
        kind: &'static str,
        /// The hash in the manifest, in hexadecimal.
        expected: String,
        /// The hash of the file.
        found: String,
    },
    /// The runtime cannot load the model.
    #[error("{runtime} cannot load {model}: {detail}")]
    Load {
        /// The model's name.
        model: String,
        /// The runtime.
        runtime: &'static str,
        /// The runtime's message.
        detail: String,
        /// What to do about it.
        next_step: String,
    },
    /// The model failed on this input.
    #[error("{model} failed in {runtime}: {detail}")]
    Run {
        /// The model's name.
        model: String,
        /// The runtime.
        runtime: &'static str,
        /// The runtime's message.
        detail: String,
    },
    /// The model's output does not agree with its manifest.
    #[error("the output of {model} does not agree with its model.toml: {detail}")]
    Output {
        /// The model's name.
        model: String,
        /// The output, and what was expected.
        detail: String,
    },
    /// ONNX Runtime was requested and cannot be used.
    #[error("ONNX Runtime cannot be used: {detail}")]
    Runtime {
        /// What was found, and where.
        detail: String,
    },
    /// A model could not be fetched.
    #[error("{detail}")]
    Fetch {
        /// What happened.
        detail: String,
        /// What to do about it.
        next_step: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The code of failures on a picture, and of all errors of an extractor.
const FAILED: &str = "model_failed";

impl ModelError {
    /// Stable identifier for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Manifest { .. } => "model_manifest",
            Self::NotInstalled { .. } => "model_not_installed",
            Self::Unknown { .. } => "model_unknown",
            Self::WrongKind { .. } => "model_kind",
            Self::Exists { .. } => "model_exists",
            Self::Hash { .. } => "model_hash",
            Self::Load { .. } => "model_load",
            Self::Run { .. } | Self::Output { .. } => FAILED,
            Self::Runtime { .. } => "runtime_missing",
            Self::Fetch { .. } => "model_fetch",
            Self::Io { .. } => "model_io",
        }
    }

    /// What to do next, as a sentence.
    pub fn next_step(&self) -> Cow<'static, str> {
        match self {
            Self::Load { next_step, .. } | Self::Fetch { next_step, .. } => next_step.clone().into(),
            Self::Manifest { .. } => {
                "Correct it as docs/models.md describes, and try again.".into()
            }
            Self::NotInstalled { .. } => {
                "`resight models list` names those that are; `resight models add` or `pull` brings one.".into()
            }
            Self::Unknown { .. } => {
                "Choose one of these, or bring a file of your own with `resight models add`.".into()
            }
            Self::WrongKind { kind, .. } => match *kind {
                "local" => "It finds keypoints: describe pictures with --extractor NAME.".into(),
                _ => "It computes one vector for each picture and no keypoints; choose a model of kind local.".into(),
            },
            Self::Exists { .. } => {
                "Remove it first with `resight models remove NAME`, or change the name in the other model.toml.".into()
            }
            Self::Hash { .. } => {
                "Fetch the file again; if it was replaced on purpose, remove the model and add it again.".into()
            }
            Self::Run { runtime, .. } if *runtime == BUILT_IN => format!(
                "{OUTPUT_STEP} ONNX Runtime runs more networks than the built-in runtime; `resight doctor` says how to get it."
            )
            .into(),
            Self::Run { .. } | Self::Output { .. } => OUTPUT_STEP.into(),
            Self::Runtime { .. } => {
                "Install it with `python3 -m pip install onnxruntime`, or name its library with --onnxruntime PATH; --onnxruntime none takes the built-in runtime.".into()
            }
            Self::Io { .. } => "Check the path, its permissions and the space on its disk.".into(),
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

const OUTPUT_STEP: &str = "Test the model with `resight models check NAME`, and compare its model.toml with docs/models.md.";

impl From<ModelError> for ExtractError {
    fn from(error: ModelError) -> Self {
        let fault = match error {
            ModelError::Run { .. } => Fault::Picture,
            _ => Fault::Extractor,
        };
        Self {
            code: FAILED,
            fault,
            next_step: OUTPUT_STEP,
            ..Self::new(error.to_string())
        }
    }
}
