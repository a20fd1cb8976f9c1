//! What can be judged of settings before anything is started or opened: the files and names that they mention.
//!
//! Invariant: a check changes nothing, and what it refuses the start would refuse.

use resight_plugin::MODEL_PREFIX;

use crate::config::Config;
use crate::extractors::SIFT;
use crate::models::Models;
use crate::plugins::{PluginSettings, check_files};
use crate::{AppError, vocabularies};

/// The part of the settings that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Where pictures are decoded.
    Decoding,
    /// By what videos are read.
    Videos,
    /// The data folder.
    DataFolder,
    /// The vocabulary's file.
    Vocabulary,
    /// Names of global models.
    Models,
    /// Files of plug-ins.
    Plugins,
    /// What describes the pictures.
    Extractor,
}

/// All that is wrong with the files and names of these settings.
pub fn all(config: &Config, plugins: &PluginSettings) -> Vec<(Subject, AppError)> {
    let mut wrong = Vec::new();
    if let Err(error) = config.decoding.check() {
        wrong.push((Subject::Decoding, error));
    }
    if let Err(error) = config.videos.check() {
        wrong.push((Subject::Videos, error));
    }
    if config.root.exists() && !config.root.is_dir() {
        let error = AppError::NotAFolder {
            path: config.root.clone(),
            why: "it is a file".to_owned(),
        };
        wrong.push((Subject::DataFolder, error));
    }
    if let Some(path) = &config.vocabulary
        && let Err(error) = vocabularies::read(path)
    {
        wrong.push((Subject::Vocabulary, error));
    }
    let plugin_names = match check_files(plugins) {
        Ok(names) => names,
        Err(errors) => {
            wrong.extend(errors.into_iter().map(|error| (Subject::Plugins, error)));
            // Which names they have is not known then.
            return wrong;
        }
    };
    for name in &config.with_models {
        if let Err(error) = check_model(name, config, &plugin_names) {
            wrong.push((Subject::Models, error));
        }
    }
    if let Some(name) = &plugins.extractor
        && let Err(error) = check_extractor(name, config, &plugin_names)
    {
        wrong.push((Subject::Extractor, error));
    }
    wrong
}

fn check_model(name: &str, config: &Config, plugins: &[String]) -> Result<(), AppError> {
    let Some(plugin) = name.strip_prefix(MODEL_PREFIX) else {
        Models::new(config)?.folder.find(name)?;
        return Ok(());
    };
    if plugins.iter().any(|known| known == plugin) {
        return Ok(());
    }
    let known = plugins.iter().map(|name| format!("{MODEL_PREFIX}{name}"));
    Err(AppError::ExtractorUnknown {
        name: name.to_owned(),
        known: known.collect(),
    })
}

fn check_extractor(name: &str, config: &Config, plugins: &[String]) -> Result<(), AppError> {
    let is_known = name == SIFT || plugins.iter().any(|known| known == name);
    if is_known || Models::new(config)?.has(name) {
        return Ok(());
    }
    Err(AppError::ExtractorUnknown {
        name: name.to_owned(),
        known: plugins.iter().cloned().chain([SIFT.to_owned()]).collect(),
    })
}
