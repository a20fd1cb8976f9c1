//! Global models beside the words: which a collection uses, and the vectors of its pictures.
//!
//! A collection remembers the names of its models, and each vector the id of what made it. A model that
//! is no longer installed is no failure: the vectors held go on being compared, and no new ones are made.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use resight_engine::{
    EngineError, GlobalModels, IndexFolder, Library, ModelComponents, vectors_setting,
};
use resight_models::{GlobalModel, model_name, numerics, same_model};
use resight_store::{Catalogue, Vectors};
use resight_vision::{ExtractError, GlobalExtractor, Image, ModelId};

use crate::AppError;
use crate::background::Background;
use crate::config::Config;
use crate::data_folder::Writing;
use crate::models::Models;

/// The catalogue's setting with the names of the models that a collection uses, one a line.
const MODELS_SETTING: &str = "models";
/// Folder of the vectors' indexes in the folder of a collection.
const VECTORS: &str = "vectors";

/// Global models that are loaded, each once for all collections; clones share them.
#[derive(Clone)]
pub struct Loaded(Arc<Inner>);

struct Inner {
    config: Config,
    models: Mutex<HashMap<String, Arc<GlobalModel>>>,
}

/// What an engine may do.
#[derive(Clone, Copy)]
pub(crate) struct May {
    /// The collection may be changed.
    pub(crate) change: bool,
    /// Pictures may have to be described: models are loaded.
    pub(crate) describe: bool,
}

/// What a collection holds of a name: ids of models, and how many vectors of each.
type Held = Vec<(String, u64)>;

impl Loaded {
    /// None yet.
    pub fn new(config: &Config) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            models: Mutex::default(),
        }))
    }

    fn get(&self, name: &str) -> Result<Arc<GlobalModel>, AppError> {
        let mut models = self.0.models.lock();
        if let Some(model) = models.get(name) {
            return Ok(model.clone());
        }
        let config = &self.0.config;
        let installed = Models::new(config)?;
        // Before a runtime is looked for.
        installed.folder.find(name)?;
        let threads = config.thread_count();
        let model = installed
            .folder
            .load_global(name, installed.runtime()?, threads)?;
        let model = Arc::new(model);
        models.insert(name.to_owned(), model.clone());
        Ok(model)
    }

    /// Lets the engine use the models that the collection remembers. Those that `config` names are
    /// remembered from now on where the collection may be changed; where it is only read, they must be
    /// among them, and the others are left out.
    pub(crate) fn attach(
        &self,
        engine: &Arc<Library>,
        catalogue: &Arc<dyn Catalogue>,
        config: &Config,
        may: May,
    ) -> Result<(), AppError> {
        let wanted = &config.with_models;
        if may.change {
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
            if !may.change && !wanted.is_empty() && !is_wanted {
                continue;
            }
            let model = match may.describe.then(|| self.get(&name)).transpose() {
                Ok(model) => model,
                Err(error) if is_wanted => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        "the model {name}, which this collection uses, cannot be loaded, so only vectors made before are compared: {error}"
                    );
                    None
                }
            };
            let parts = |extractor, can_embed| ModelComponents {
                name: name.clone(),
                extractor,
                can_embed,
                vectors: catalogue.clone(),
                index: Some(IndexFolder {
                    path: config.data.join(VECTORS),
                    writable: may.change,
                }),
                alike: None,
            };
            let complete = GlobalModels::new(engine.clone()).model_of_name(&name)?;
            let held = held_of(&**catalogue, &name)?;
            let present = model.map(|model| as_held(model, complete.as_deref(), &held));
            let present_id = present.as_ref().map(|p| p.model().as_str().to_owned());
            // What is searched by until the present model has all pictures, or in its place.
            let before = complete.or_else(|| match present_id {
                None => held.iter().max_by_key(|h| h.1).map(|h| h.0.clone()),
                Some(_) => None,
            });
            if let Some(before) = before.filter(|id| present_id.as_ref() != Some(id))
                && let Some(absent) = Absent::of(&**catalogue, &before)?
            {
                GlobalModels::new(engine.clone()).attach(parts(Arc::new(absent), false))?;
            }
            if let Some(present) = present {
                GlobalModels::new(engine.clone()).attach(parts(present, true))?;
            }
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

/// The names of the models that a collection uses, in the order in which they came.
fn remembered(catalogue: &dyn Catalogue) -> Result<Vec<String>, AppError> {
    let names = catalogue.setting(MODELS_SETTING)?.unwrap_or_default();
    let names = names.lines().filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

fn held_of(vectors: &dyn Vectors, name: &str) -> Result<Held, AppError> {
    let counts = vectors.vector_counts()?.into_iter();
    let own = counts.filter(|count| model_name(&count.model) == Some(name));
    Ok(own.map(|count| (count.model, count.vectors)).collect())
}

/// The model, going on as the one that made the vectors held where only their runtimes differ.
fn as_held(
    model: Arc<GlobalModel>,
    complete: Option<&str>,
    held: &Held,
) -> Arc<dyn GlobalExtractor> {
    let id = model.model().as_str();
    let of_other_runtime = complete
        .into_iter()
        .chain(held.iter().map(|h| h.0.as_str()))
        .find(|other| same_model(other, id));
    match of_other_runtime {
        Some(other) if other != id && !held.iter().any(|h| h.0 == id) => {
            tracing::warn!(
                "the vectors held of {} were made in {}, this makes them in {}: they differ in the last digits, those of int8 SSCD to a cosine of 0.9986",
                model.name(),
                numerics(other).unwrap_or("another runtime"),
                numerics(id).unwrap_or("another runtime"),
            );
            let id = ModelId::new(other);
            Arc::new(GoingOn { model, id })
        }
        _ => model,
    }
}

/// A model whose vectors carry the id of the same model in another runtime.
struct GoingOn {
    model: Arc<GlobalModel>,
    id: ModelId,
}

impl GlobalExtractor for GoingOn {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.model.dimension()
    }

    fn embed(&self, images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.model.embed(images)
    }
}

/// Stands for a model that is not at hand, of which there are vectors.
struct Absent {
    id: ModelId,
    dimension: usize,
}

impl Absent {
    /// `None` where there is no vector of it.
    fn of(vectors: &dyn Vectors, id: &str) -> Result<Option<Self>, AppError> {
        let Some(&key) = vectors.vector_keys_after(id, None, 1)?.first() else {
            return Ok(None);
        };
        let bytes = vectors.vectors(id, &[key])?.into_iter().flatten().next();
        Ok(bytes.map(|bytes| Self {
            id: ModelId::new(id),
            dimension: bytes.len() / size_of::<f32>(),
        }))
    }
}

impl GlobalExtractor for Absent {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, _images: &[Image]) -> Result<Vec<Vec<f32>>, ExtractError> {
        Err(ExtractError::new(format!("{} is not at hand", self.id)))
    }
}

impl Writing {
    /// Describes pictures that lack a vector, beside other work, until what is returned is dropped.
    pub fn go_on_embedding(&self) -> Option<Background> {
        embed_beside(&self.engine)
    }

    /// Forgets a model and all that it has made; tells whether the collection used it.
    pub fn forget_model(&self, name: &str) -> Result<bool, AppError> {
        let catalogue = &*self.catalogue;
        let mut names = remembered(catalogue)?;
        let before = names.len();
        names.retain(|other| other != name);
        for (id, _) in held_of(catalogue, name)? {
            catalogue.drop_vectors(&id, &vectors_setting(name), "")?;
        }
        catalogue.set_setting(MODELS_SETTING, &names.join("\n"))?;
        GlobalModels::new(self.engine.clone()).detach(name);
        Ok(names.len() < before)
    }
}

/// `None` where no model is in use.
pub(crate) fn embed_beside(engine: &Arc<Library>) -> Option<Background> {
    if !GlobalModels::new(engine.clone()).can_embed() {
        return None;
    }
    let engine = engine.clone();
    Background::begin(
        "resight-embed",
        "pictures wait for their vectors",
        move |cancel| go_on(&engine, cancel),
    )
}

fn go_on(engine: &Arc<Library>, cancel: &AtomicBool) {
    // Searches and additions come first: half of the processors stay theirs.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = match pool.build() {
        Ok(pool) => pool,
        Err(error) => return tracing::warn!("pictures wait for their vectors: {error}"),
    };
    let embedded = pool.install(|| {
        GlobalModels::new(engine.clone()).embed_missing(cancel, &mut |step| {
            tracing::debug!(
                "{}: {} of {} pictures described",
                step.name,
                step.done,
                step.total
            );
        })
    });
    match embedded {
        Ok(()) | Err(EngineError::Cancelled) => {}
        Err(error) => tracing::warn!("pictures wait for their vectors: {error}"),
    }
}
