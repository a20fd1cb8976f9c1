//! What a library is opened with, and whether that fits what is stored.

use std::path::PathBuf;
use std::sync::Arc;

use resight_index::Vocabulary;
use resight_store::{BlobStore, Catalogue};
use resight_vision::{LocalExtractor, ModelId};

use crate::error::{EngineError, Mismatch};

/// The catalogue's setting with the model of all stored features.
pub const MODEL_SETTING: &str = "model";
/// The catalogue's setting with the vocabulary of all stored words.
pub const VOCABULARY_SETTING: &str = "vocabulary";

/// The components a library is opened with.
pub struct Components {
    /// Records of pictures.
    pub catalogue: Arc<dyn Catalogue>,
    /// Thumbnails, and the files of uploaded pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// Makes local features.
    pub extractor: Arc<dyn LocalExtractor>,
    /// Assigns visual words; must have been trained on the extractor's model.
    pub vocabulary: Arc<Vocabulary>,
    /// Folder of the inverted index; without it the index is rebuilt from the catalogue at each opening.
    pub index: Option<IndexFolder>,
    /// Where the stored words are of another vocabulary: convert all of them before the library opens,
    /// or else fail with `model_mismatch`.
    pub convert: bool,
}

/// A folder for an index. Everything in it can be rebuilt from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFolder {
    /// Its path.
    pub path: PathBuf,
    /// Whether this process may write to it; one process may at a time.
    pub writable: bool,
}

impl Components {
    /// Whether no other process changes the catalogue meanwhile: the one that may write to the index
    /// folder is the only one that changes either.
    pub(crate) fn is_only_writer(&self) -> bool {
        self.index.as_ref().is_none_or(|folder| folder.writable)
    }

    /// Checks that stored features are of the extractor's model.
    pub(crate) fn check_model(&self) -> Result<(), EngineError> {
        let model = self.extractor.model();
        check_vocabulary_model(&self.vocabulary, model)?;
        self.check_setting(MODEL_SETTING, Mismatch::Model, model.as_str())
    }

    /// Checks that stored words are of the vocabulary.
    pub(crate) fn check_vocabulary(&self) -> Result<(), EngineError> {
        let id = self.vocabulary.id();
        self.check_setting(VOCABULARY_SETTING, Mismatch::Vocabulary, id)
    }

    /// A setting is recorded with the first picture, so an empty catalogue accepts any.
    fn check_setting(
        &self,
        setting: &str,
        what: Mismatch,
        current: &str,
    ) -> Result<(), EngineError> {
        match self.catalogue.setting(setting)? {
            Some(stored) if stored != current && self.catalogue.count()? > 0 => {
                Err(EngineError::ModelMismatch {
                    what,
                    stored,
                    current: current.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Checks that a vocabulary was trained on features of this model.
pub(crate) fn check_vocabulary_model(
    vocabulary: &Vocabulary,
    model: &ModelId,
) -> Result<(), EngineError> {
    if vocabulary.model() == model {
        return Ok(());
    }
    Err(EngineError::ModelMismatch {
        what: Mismatch::Model,
        stored: format!("{} (of the vocabulary)", vocabulary.model()),
        current: model.to_string(),
    })
}
