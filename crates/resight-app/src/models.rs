//! The models that a command may use: where they are, and what runs them.

use std::sync::{Arc, OnceLock};

use resight_models::{LocalModel, ModelError, ModelFolder, Runtime};

use crate::AppError;
use crate::config::Config;

/// Keypoints that a model of kind `local` keeps where nothing else is said; as many as our SIFT.
const MOST_KEYPOINTS: usize = 1500;

/// The folder of models of a command, and their runtime.
#[derive(Debug)]
pub struct Models<'a> {
    config: &'a Config,
    /// What is installed.
    pub folder: ModelFolder,
    /// Found when it is first needed: looking for it may start an interpreter.
    runtime: OnceLock<Runtime>,
}

impl<'a> Models<'a> {
    /// Those that `config` names. Nothing is read yet.
    pub fn new(config: &'a Config) -> Result<Self, AppError> {
        Ok(Self {
            config,
            folder: ModelFolder::new(config.models_folder()?),
            runtime: OnceLock::new(),
        })
    }

    /// What runs models.
    pub fn runtime(&self) -> Result<&Runtime, AppError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let found = Runtime::choose(&self.config.runtime)?;
        Ok(self.runtime.get_or_init(|| found))
    }

    /// Whether a model of this name is installed, whatever state it is in.
    pub fn has(&self, name: &str) -> bool {
        !matches!(self.folder.find(name), Err(ModelError::NotInstalled { .. }))
    }

    /// The keypoint network of this name, for as many pictures at once as there are threads.
    /// With features stored that another runtime made, it goes on under their id and logs a warning.
    pub fn extractor(&self, name: &str, stored: Option<&str>) -> Result<Arc<LocalModel>, AppError> {
        let most = self.config.max_features.unwrap_or(MOST_KEYPOINTS);
        let runtime = self.runtime()?;
        let threads = self.config.thread_count();
        let mut model = self.folder.load_local(name, runtime, threads, most)?;
        if let Some(stored) = stored
            && resight_models::numerics(stored) != Some(runtime.numerics())
            && model.adopt_id(stored)
        {
            tracing::warn!(
                "the stored pictures were described in {}, this runs {name} in {}: features differ in the last digits, more so of int8 models",
                resight_models::numerics(stored).unwrap_or("another runtime"),
                runtime.numerics()
            );
        }
        Ok(Arc::new(model))
    }
}
