//! What can be judged of settings before anything is started: the files and names that they mention, and what the data
//! folder has.
//!
//! Invariant: a check changes nothing, and what it refuses the start would refuse.

use resight_plugin::MODEL_PREFIX;
use resight_vision::ModelId;

use crate::config::Config;
use crate::extractors::SIFT;
use crate::models::Models;
use crate::plugins::{PluginSettings, Plugins, check_files};
use crate::provenance::Provenance;
use crate::quarantine::Quarantine;
use crate::webhooks::Webhooks;
use crate::{AppError, components, extractors, vocabularies};

/// The part of the settings that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Where pictures are decoded.
    Decoding,
    /// By what videos are read.
    Videos,
    /// The data folder.
    DataFolder,
    /// The folder for files of duplicates.
    Quarantine,
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

/// What is wrong with what the data folder has, as far as it can be told without a lock and without starting plug-ins:
/// its catalogue, what described its pictures, the vocabulary of their words, its webhooks and its registered folders.
/// Nothing where there is no data folder yet. Also while a server uses it.
pub fn stored(config: &Config, plugins: &PluginSettings) -> Vec<(Subject, AppError)> {
    let mut wrong = Vec::new();
    if let Err(error) = Webhooks::open(&config.root) {
        wrong.push((Subject::DataFolder, error));
    }
    if let Err(error) = check_registered(config) {
        wrong.push((Subject::Quarantine, error));
    }
    match components::has_catalogue(config) {
        Ok(true) => wrong.extend(check_pictures(config, plugins).err()),
        Ok(false) => {}
        Err(error) => wrong.push((Subject::DataFolder, error)),
    }
    wrong
}

/// Registered folders lie apart from the folder for files of duplicates.
fn check_registered(config: &Config) -> Result<(), AppError> {
    let quarantine = config.quarantine.as_deref();
    // What else is wrong with it was found before.
    let quarantine = quarantine.and_then(|folder| Quarantine::new(folder, config).ok());
    quarantine.map_or(Ok(()), |quarantine| {
        quarantine.check_apart(&components::read_folders(&config.root))
    })
}

fn check_pictures(config: &Config, plugins: &PluginSettings) -> Result<(), (Subject, AppError)> {
    let of_folder = |error| (Subject::DataFolder, error);
    let stored = components::read_catalogue(config)
        .and_then(|catalogue| Provenance::of(&*catalogue))
        .map_err(of_folder)?;
    let Some(model) = stored.model.as_deref() else {
        return Ok(());
    };
    let of_extractor = |error| (Subject::Extractor, error);
    if plugins.files.is_empty() && plugins.extractor.is_none() {
        extractors::choose(&stored, &Plugins::default(), config).map_err(of_extractor)?;
    } else if let Some(plugin) = extractors::plugin_of(model)
        && let Ok(names) = check_files(plugins)
        && !names.iter().any(|name| name == plugin)
    {
        let plugin = plugin.to_owned();
        return Err(of_extractor(AppError::ExtractorNeeded { plugin }));
    }
    let model = ModelId::new(model);
    match stored.choose_vocabulary(config, &model) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(of_folder(vocabularies::missing(&model, true))),
        // A file that is named was looked at before.
        Err(_) if config.vocabulary.is_some() => Ok(()),
        Err(error) => Err(of_folder(error)),
    }
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
