//! What described the stored pictures of a collection, as its catalogue says.

use resight_engine::{MODEL_SETTING, VOCABULARY_SETTING};
use resight_store::Catalogue;
use resight_vision::ModelId;

use crate::AppError;
use crate::config::Config;
use crate::vocabularies::{self, ChosenVocabulary};

/// The catalogue's setting with the names of the models that a collection uses, one a line.
pub(crate) const MODELS_SETTING: &str = "models";

/// What described the stored pictures; nothing where none are stored.
#[derive(Default)]
pub(crate) struct Provenance {
    /// The id of the extractor's model.
    pub(crate) model: Option<String>,
    /// The id of the vocabulary of their words.
    pub(crate) vocabulary: Option<String>,
    /// The names of the global models that the collection uses.
    pub(crate) global_models: Vec<String>,
}

impl Provenance {
    pub(crate) fn of(catalogue: &dyn Catalogue) -> Result<Self, AppError> {
        let global_models = remembered(catalogue)?;
        if catalogue.count()? == 0 {
            return Ok(Self {
                global_models,
                ..Self::default()
            });
        }
        Ok(Self {
            model: catalogue.setting(MODEL_SETTING)?,
            vocabulary: catalogue.setting(VOCABULARY_SETTING)?,
            global_models,
        })
    }

    /// The vocabulary for features of `model`; `None` where one has to be learnt first.
    pub(crate) fn choose_vocabulary(
        &self,
        config: &Config,
        model: &ModelId,
    ) -> Result<Option<ChosenVocabulary>, AppError> {
        vocabularies::choose(config, model, self.vocabulary.as_deref())
    }
}

/// The names of the models that a collection uses, in the order in which they came.
pub(crate) fn remembered(catalogue: &dyn Catalogue) -> Result<Vec<String>, AppError> {
    let names = catalogue.setting(MODELS_SETTING)?.unwrap_or_default();
    let names = names.lines().filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}
