//! What describes the pictures of a data folder: our SIFT, the `extract` of a plug-in, or a keypoint
//! network.

use std::sync::Arc;

use resight_engine::{EngineError, Mismatch};
use resight_models::model_name;
use resight_plugin::{MODEL_PREFIX, PluginError, PythonLocalExtractor};
use resight_vision::{
    ExtractError, Fault, Image, LocalExtractor, LocalFeatures, ModelId, Sift, SiftOptions,
};

use crate::AppError;
use crate::config::Config;
use crate::models::Models;
use crate::plugins::Plugins;
use crate::provenance::Provenance;

/// What `--extractor` calls our own.
pub(crate) const SIFT: &str = "sift";

pub(crate) fn sift(config: &Config) -> Arc<dyn LocalExtractor> {
    let mut options = SiftOptions::default();
    if let Some(max_features) = config.max_features {
        options.max_features = max_features;
    }
    Arc::new(Sift::new(options))
}

/// The extractor for a collection whose pictures were described as `provenance` says. Waits for the plug-ins that come into question. A plug-in goes before a model of its name.
pub(crate) fn choose(
    provenance: &Provenance,
    plugins: &Plugins,
    config: &Config,
) -> Result<Arc<dyn LocalExtractor>, AppError> {
    let stored = provenance.model.as_deref();
    // What a server's plug-ins are like is of no concern to pictures described by SIFT: it begins
    // without waiting for them.
    let stays_sift = plugins.are_served() && stored.is_some_and(|m| plugin_of(m).is_none());
    let chosen = match plugins.extractor().or(stored.and_then(model_name)) {
        Some(SIFT) => sift(config),
        Some(name) => of_named(name, stored, plugins, config)?,
        None if stays_sift => sift(config),
        None => match (
            of_any(provenance, plugins, config)?,
            stored.and_then(plugin_of),
        ) {
            (Some(extractor), _) => extractor,
            (None, Some(name)) => {
                return Err(AppError::ExtractorNeeded {
                    plugin: name.to_owned(),
                });
            }
            (None, None) => sift(config),
        },
    };
    match stored {
        Some(model) if model != chosen.model().as_str() => Err(EngineError::ModelMismatch {
            what: Mismatch::Model,
            stored: model.to_owned(),
            current: chosen.model().to_string(),
        }
        .into()),
        _ => Ok(chosen),
    }
}

/// Stands for the extractor where pictures are listed or removed and none is described.
pub(crate) fn absent(model: ModelId, dimension: usize, config: &Config) -> Arc<dyn LocalExtractor> {
    let sift = sift(config);
    Arc::new(AbsentExtractor {
        sift: (*sift.model() == model).then_some(sift),
        model,
        dimension,
    })
}

/// The plug-in of this name, else the model.
fn of_named(
    name: &str,
    stored: Option<&str>,
    plugins: &Plugins,
    config: &Config,
) -> Result<Arc<dyn LocalExtractor>, AppError> {
    let Some(plugin) = plugins.get(name) else {
        let models = Models::new(config)?;
        // One that the stored pictures need is reported as missing, not as unknown.
        if models.has(name) || stored.and_then(model_name) == Some(name) {
            return Ok(models.extractor(name, stored)?);
        }
        let names = plugins.iter().map(|plugin| plugin.config().name.clone());
        return Err(AppError::ExtractorUnknown {
            name: name.to_owned(),
            known: names.chain([SIFT.to_owned()]).collect(),
        });
    };
    Ok(Arc::new(PythonLocalExtractor::new(plugin.clone())?))
}

/// The one plug-in that offers `extract`, or that of the stored model among several; `None` if
/// there are none, or none offers it and they may serve for something else.
fn of_any(
    provenance: &Provenance,
    plugins: &Plugins,
    config: &Config,
) -> Result<Option<Arc<dyn LocalExtractor>>, AppError> {
    let stored = provenance.model.as_deref();
    // One may be there for its vectors alone.
    let is_model = |name: &str| {
        let models = config.with_models.iter().chain(&provenance.global_models);
        models
            .filter_map(|m| m.strip_prefix(MODEL_PREFIX))
            .any(|m| m == name)
    };
    let mut found: Vec<(&str, PythonLocalExtractor)> = Vec::new();
    for plugin in plugins.iter() {
        match PythonLocalExtractor::new(plugin.clone()) {
            Ok(extractor) => found.push((&plugin.config().name, extractor)),
            Err(PluginError::NoFunction { .. })
                if plugins.are_served() || is_model(&plugin.config().name) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.len() > 1 {
        let Some(same) = found
            .iter()
            .position(|(_, extractor)| Some(extractor.model().as_str()) == stored)
        else {
            return Err(AppError::ExtractorAmbiguous {
                names: found.iter().map(|(name, _)| (*name).to_owned()).collect(),
            });
        };
        found.swap(0, same);
    }
    let first = found.into_iter().next();
    Ok(first.map(|(_, extractor)| Arc::new(extractor) as Arc<dyn LocalExtractor>))
}

/// The plug-in that a model is of, by the name it gives itself.
pub(crate) fn plugin_of(model: &str) -> Option<&str> {
    let rest = model.strip_prefix(MODEL_PREFIX)?;
    rest.split('/').next()
}

/// Stands for an extractor that is not at hand.
struct AbsentExtractor {
    model: ModelId,
    dimension: usize,
    /// Our SIFT, where it made the stored features, to mirror and invert them.
    sift: Option<Arc<dyn LocalExtractor>>,
}

impl LocalExtractor for AbsentExtractor {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn extract(&self, _: &Image) -> Result<LocalFeatures, ExtractError> {
        Err(ExtractError {
            fault: Fault::Extractor,
            ..ExtractError::new("pictures are only listed here, not described")
        })
    }

    fn mirrored(&self, features: &LocalFeatures, width: u32) -> Option<LocalFeatures> {
        self.sift.as_ref()?.mirrored(features, width)
    }

    fn inverted(&self, features: &LocalFeatures) -> Option<LocalFeatures> {
        self.sift.as_ref()?.inverted(features)
    }
}
