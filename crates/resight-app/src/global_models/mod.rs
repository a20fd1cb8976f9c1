//! Global models beside the words: which a collection uses, and the vectors of its pictures.
//!
//! A collection remembers the names of its models, and each vector the id of the model that made it. A
//! model that is no longer installed is no failure: its stored vectors are compared on, and no new ones
//! are made.

mod stand_in;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use resight_engine::{
    EngineError, GlobalModels, IndexFolder, Library, ModelComponents, vectors_setting,
};
use resight_models::{GlobalModel, model_name};
use resight_plugin::{MODEL_PREFIX, PythonGlobalExtractor};
use resight_store::{Catalogue, VectorCount};
use resight_vision::{Fault, GlobalExtractor};

use crate::AppError;
use crate::background::{Background, rest};
use crate::config::Config;
use crate::extractors::plugin_of;
use crate::models::Models;
use crate::plugins::Plugins;
use crate::provenance::{MODELS_SETTING, remembered};
use stand_in::{AbsentModel, under_stored_id};

/// How long pictures wait after a model failed on them: doubled each time, up to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LAST_PAUSE: Duration = Duration::from_secs(600);
/// How often pictures without a vector are looked for.
const QUIET_PAUSE: Duration = Duration::from_secs(60);
/// Folder of the vectors' indexes in the folder of a collection.
const VECTORS: &str = "vectors";

/// Global models that are loaded, each once for all collections; clones share them.
#[derive(Clone)]
pub struct LoadedModels(Arc<Inner>);

struct Inner {
    config: Config,
    plugins: Plugins,
    models: Mutex<HashMap<String, Loaded>>,
}

/// A global model that can describe pictures.
#[derive(Clone)]
enum Loaded {
    /// One of the folder of models.
    Installed(Arc<GlobalModel>),
    /// The `embed` of a plug-in.
    Plugin(Arc<PythonGlobalExtractor>),
}

/// What a library may do with models.
#[derive(Clone, Copy)]
pub(crate) struct ModelAccess {
    /// The collection may be changed.
    pub(crate) change: bool,
    /// Pictures may have to be described: models are loaded.
    pub(crate) describe: bool,
}

impl LoadedModels {
    /// Nothing is loaded yet. Names such as `plugin:NAME` mean the `embed` of one of `plugins`.
    pub fn new(config: &Config, plugins: &Plugins) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            plugins: plugins.clone(),
            models: Mutex::default(),
        }))
    }

    fn get(&self, name: &str) -> Result<Loaded, AppError> {
        let mut models = self.0.models.lock();
        if let Some(model) = models.get(name) {
            return Ok(model.clone());
        }
        let model = match name.strip_prefix(MODEL_PREFIX) {
            Some(plugin) => Loaded::Plugin(self.plugin(plugin)?),
            None => Loaded::Installed(self.installed(name)?),
        };
        models.insert(name.to_owned(), model.clone());
        Ok(model)
    }

    /// Waits until the plug-in is ready.
    fn plugin(&self, name: &str) -> Result<Arc<PythonGlobalExtractor>, AppError> {
        let plugins = &self.0.plugins;
        let Some(plugin) = plugins.get(name) else {
            let known = plugins.iter().map(|plugin| plugin.config().name.clone());
            return Err(AppError::ExtractorUnknown {
                name: format!("{MODEL_PREFIX}{name}"),
                known: known.map(|name| format!("{MODEL_PREFIX}{name}")).collect(),
            });
        };
        Ok(Arc::new(PythonGlobalExtractor::new(plugin.clone())?))
    }

    fn installed(&self, name: &str) -> Result<Arc<GlobalModel>, AppError> {
        let config = &self.0.config;
        let installed = Models::new(config)?;
        // Before a runtime is looked for.
        installed.folder.find(name)?;
        let runtime = installed.runtime()?;
        let threads = config.thread_count();
        Ok(Arc::new(
            installed.folder.load_global(name, runtime, threads)?,
        ))
    }

    /// Lets the library use the models that the collection remembers. Those that `config` names are
    /// remembered from now on where the collection may be changed; where it is only read, they must be
    /// among them, and the others are left out.
    pub(crate) fn attach(
        &self,
        library: &Arc<Library>,
        catalogue: &Arc<dyn Catalogue>,
        config: &Config,
        access: ModelAccess,
    ) -> Result<(), AppError> {
        let wanted = &config.with_models;
        if access.change {
            self.remember(&**catalogue, wanted)?;
        }
        let names = remembered(&**catalogue)?;
        if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
            return Err(AppError::ModelNotUsed {
                name: unknown.clone(),
            });
        }
        for name in names {
            let is_wanted = wanted.contains(&name);
            if !access.change && !wanted.is_empty() && !is_wanted {
                continue;
            }
            let model = match access.describe.then(|| self.get(&name)).transpose() {
                Ok(model) => model,
                Err(error) if is_wanted => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        "the model {name}, which this collection uses, cannot be loaded, so only vectors made before are compared: {error}"
                    );
                    None
                }
            };
            let index = IndexFolder {
                path: config.data.join(VECTORS),
                writable: access.change,
            };
            attach_model(library, catalogue, &name, model, index)?;
        }
        Ok(())
    }

    /// Remembers further models of a collection, once each is known to work.
    pub(crate) fn remember(
        &self,
        catalogue: &dyn Catalogue,
        wanted: &[String],
    ) -> Result<(), AppError> {
        let mut names = remembered(catalogue)?;
        for name in wanted {
            if !names.contains(name) {
                self.get(name)?;
                names.push(name.clone());
                catalogue.set_setting(MODELS_SETTING, &names.join("\n"))?;
            }
        }
        Ok(())
    }
}

/// Lets the library use the model of this name; `None` where it is not loaded. Until it has described all
/// pictures, or in its place, an earlier model of the name is searched by.
fn attach_model(
    library: &Arc<Library>,
    catalogue: &Arc<dyn Catalogue>,
    name: &str,
    model: Option<Loaded>,
    index: IndexFolder,
) -> Result<(), AppError> {
    let global_models = GlobalModels::new(library.clone());
    let components = |extractor: Arc<dyn GlobalExtractor>, can_embed| ModelComponents {
        name: name.to_owned(),
        extractor,
        can_embed,
        vectors: catalogue.clone(),
        index: Some(index.clone()),
        alike: None,
    };
    let complete = global_models.model_of_name(name)?;
    let stored = stored_vectors(&**catalogue, name)?;
    let present = model.map(|model| match model {
        Loaded::Installed(model) => under_stored_id(model, complete.as_deref(), &stored),
        Loaded::Plugin(embed) => embed as Arc<dyn GlobalExtractor>,
    });
    let earlier = match (complete, &present) {
        (Some(complete), _) => Some(complete),
        (None, Some(_)) => None,
        (None, None) => {
            let most = stored.iter().max_by_key(|count| count.vectors);
            most.map(|count| count.model.clone())
        }
    };
    let is_present = |id: &str| present.as_ref().is_some_and(|p| p.model().as_str() == id);
    if let Some(earlier) = earlier.filter(|id| !is_present(id))
        && let Some(absent) = AbsentModel::of(&**catalogue, &earlier)?
    {
        global_models.attach(components(Arc::new(absent), false))?;
    }
    if let Some(present) = present {
        global_models.attach(components(present, true))?;
    }
    Ok(())
}

/// Ids of the models of a name, with the number of vectors stored of each.
fn stored_vectors(catalogue: &dyn Catalogue, name: &str) -> Result<Vec<VectorCount>, AppError> {
    let counts = catalogue.vector_counts()?.into_iter();
    let is_own = |id: &str| match name.strip_prefix(MODEL_PREFIX) {
        Some(plugin) => plugin_of(id) == Some(plugin),
        None => model_name(id) == Some(name),
    };
    let own = counts.filter(|count| is_own(&count.model));
    Ok(own.collect())
}

/// Forgets a model and all vectors that it made. Returns whether the collection used it.
pub(crate) fn forget(
    library: &Arc<Library>,
    catalogue: &dyn Catalogue,
    name: &str,
) -> Result<bool, AppError> {
    let mut names = remembered(catalogue)?;
    let count_before = names.len();
    names.retain(|other| other != name);
    for count in stored_vectors(catalogue, name)? {
        catalogue.drop_vectors(&count.model, &vectors_setting(name), "")?;
    }
    catalogue.set_setting(MODELS_SETTING, &names.join("\n"))?;
    GlobalModels::new(library.clone()).detach(name);
    Ok(names.len() < count_before)
}

/// Describes pictures that lack a vector, until the returned value is dropped; `None` where no model can.
pub(crate) fn embed_in_background(library: &Arc<Library>) -> Option<Background> {
    let global_models = GlobalModels::new(library.clone());
    if !global_models.can_embed() {
        return None;
    }
    Background::begin(
        "resight-embed",
        "pictures wait for their vectors",
        move |cancel| embed(&global_models, cancel),
    )
}

fn embed(global_models: &GlobalModels, cancel: &AtomicBool) {
    // Searches and additions come first: half of the processors stay theirs.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = match pool.build() {
        Ok(pool) => pool,
        Err(error) => return tracing::warn!("pictures wait for their vectors: {error}"),
    };
    let mut pause = FIRST_PAUSE;
    while !cancel.load(Ordering::Relaxed) {
        let embedded = pool.install(|| {
            global_models.embed_missing(cancel, &mut |step| {
                tracing::debug!(
                    "{}: {} of {} pictures described",
                    step.name,
                    step.done,
                    step.total
                );
            })
        });
        match embedded {
            // An upload that a model fails on waits as well.
            Ok(()) => {
                pause = FIRST_PAUSE;
                rest(QUIET_PAUSE, cancel);
            }
            Err(EngineError::Cancelled) => return,
            Err(EngineError::Extract(error)) if error.fault == Fault::Passing => {
                let seconds = pause.as_secs();
                tracing::warn!(
                    "pictures wait for their vectors, which are tried again in {seconds} s: {error}"
                );
                rest(pause, cancel);
                pause = (pause * 2).min(LAST_PAUSE);
            }
            Err(error) => return tracing::warn!("pictures wait for their vectors: {error}"),
        }
    }
}
