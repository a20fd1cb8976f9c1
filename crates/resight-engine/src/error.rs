//! Errors of the engine, each with a stable code and a next step.
//!
//! Invariant: no text here names a command or a flag. A front end adds its own advice.

use std::path::PathBuf;

use resight_decode::Refused;
use resight_store::{ObjectId, PictureId, StoreError, Tag};
use resight_vision::ExtractError;

/// What stored data and the program disagree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The model of the features.
    Model,
    /// The vocabulary of the words.
    Vocabulary,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Vocabulary => "vocabulary",
        })
    }
}

/// An operation of the engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The given bytes are not accepted as a picture.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The query cannot be answered.
    #[error("{0}")]
    BadQuery(String),
    /// A search asks for likeness, and no global model is in use.
    #[error("no model is in use that finds what looks alike")]
    NoModel,
    /// Features that were sent cannot be searched by.
    #[error("the features cannot be used: {0}")]
    BadFeatures(String),
    /// No picture has this id.
    #[error("there is no picture with the id {0}")]
    UnknownPicture(PictureId),
    /// No picture belongs to this object.
    #[error("no picture belongs to the object {0}")]
    UnknownObject(ObjectId),
    /// A picture would have more tags than one may have.
    #[error("a picture has at most {} tags", Tag::MOST)]
    TooManyTags,
    /// A picture was paired with itself.
    #[error("{0} was given twice: a picture cannot be set apart from itself")]
    SamePicture(PictureId),
    /// The picture is stored, but its file was moved, changed or removed.
    #[error("the file of picture {id} cannot be read: {reason}")]
    FileGone {
        /// The picture.
        id: PictureId,
        /// What was found in its place.
        reason: String,
    },
    /// The folder to be indexed does not exist, is not a folder, or may not be read.
    #[error("{} cannot be read as a folder: {reason}", .path.display())]
    FolderUnreadable {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The stored pictures were described by another extractor or vocabulary.
    #[error(
        "the stored pictures were described with {what} {stored}, and this program uses {current}"
    )]
    ModelMismatch {
        /// Which of the two.
        what: Mismatch,
        /// Id recorded with the stored pictures.
        stored: String,
        /// Id in use now.
        current: String,
    },
    /// An extractor failed.
    #[error("{0}")]
    Extract(#[from] ExtractError),
    /// Training a vocabulary failed.
    #[error("{0}")]
    Vocabulary(#[from] resight_index::VocabularyError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A defect of the program.
    #[error("internal failure: {0}")]
    Internal(String),
}

impl From<resight_index::CandidateError> for EngineError {
    fn from(error: resight_index::CandidateError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl EngineError {
    /// Every code that [`EngineError::code`] returns, besides those of refused pictures
    /// ([`crate::RefusedCode`]), of the store ([`StoreError::code`]) and of extractors
    /// ([`ExtractError::code`]).
    pub const CODES: &'static [&'static str] = &[
        "bad_query",
        "no_model",
        "bad_features",
        "unknown_picture",
        "unknown_object",
        "too_many_tags",
        "same_picture",
        "file_gone",
        "folder_unreadable",
        "model_mismatch",
        "vocabulary_unusable",
        "cancelled",
        "internal",
    ];

    /// Stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code.as_str(),
            Self::BadQuery(_) => "bad_query",
            Self::NoModel => "no_model",
            Self::BadFeatures(_) => "bad_features",
            Self::UnknownPicture(_) => "unknown_picture",
            Self::UnknownObject(_) => "unknown_object",
            Self::TooManyTags => "too_many_tags",
            Self::SamePicture(_) => "same_picture",
            Self::FileGone { .. } => "file_gone",
            Self::FolderUnreadable { .. } => "folder_unreadable",
            Self::ModelMismatch { .. } => "model_mismatch",
            Self::Extract(error) => error.code,
            Self::Vocabulary(_) => "vocabulary_unusable",
            Self::Cancelled => "cancelled",
            Self::Store(error) => error.code(),
            Self::Internal(_) => "internal",
        }
    }

    /// What to do next, as a sentence.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code.next_step(),
            Self::BadQuery(_) => "Correct what the detail names.",
            Self::NoModel => {
                "Index the pictures with a global model first, or search in the mode exact."
            }
            Self::BadFeatures(_) => {
                "Encode them again with this version, and with the extractor that described the pictures."
            }
            Self::UnknownPicture(_) => {
                "List the pictures to find its id; it may have been removed."
            }
            Self::UnknownObject(_) => {
                "List the objects to find its id; its pictures may have been removed."
            }
            Self::TooManyTags => {
                "Remove tags that are no longer needed, or keep such facts as metadata."
            }
            Self::SamePicture(_) => "Give the ids of two different pictures.",
            Self::FileGone { .. } => "Index its folder again to bring the catalogue up to date.",
            Self::FolderUnreadable { .. } => "Check that the folder exists and may be read.",
            Self::ModelMismatch {
                what: Mismatch::Vocabulary,
                ..
            } => {
                "Use the vocabulary that the pictures were indexed with. Words of a vocabulary that an earlier version shipped are converted when the data folder is next opened for changes."
            }
            Self::ModelMismatch {
                what: Mismatch::Model,
                ..
            } => {
                "Use the extractor that described the stored pictures, in the same version, or index into a new data folder."
            }
            Self::Extract(error) => error.next_step,
            Self::Vocabulary(_) => {
                "Train on more pictures or ask for fewer words; use a file that training has written."
            }
            Self::Cancelled => "Start it again; what was done is stored.",
            Self::Store(_) => {
                "Do what the message says and try again; nothing acknowledged is lost."
            }
            Self::Internal(_) => "Try again, and report it if it stays.",
        }
    }
}
