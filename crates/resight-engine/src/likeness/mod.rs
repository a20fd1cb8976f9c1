//! Global models beside the local features: each describes a picture as a whole by one vector.
//!
//! Vectors are derived from pictures: the catalogue stores them and a dense index serves them. Words
//! find a picture that has no vector yet.

pub(crate) mod embed;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_index::{DenseIndex, DenseSettings, Key};
use resight_store::read_all;

use crate::error::EngineError;
use crate::library::Library;
use crate::library::attached_model::{
    AttachedModel, ModelComponents, add_vectors, dense_folder, vector_from_bytes,
};
use crate::library::damage::read_each;
use embed::{EmbedStep, embed_all, model_of_name};

/// Vectors read at a time when an index is filled.
const FILL_BATCH: usize = 2000;

/// The catalogue's setting that identifies a catalogue.
const IDENTITY: &str = "identity";

/// The state of a model in use.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelState {
    /// The user's name for it.
    pub name: String,
    /// Its id.
    pub model: String,
    /// Whether it can describe pictures at present.
    pub can_embed: bool,
    /// The licence of its weights, where it is known.
    pub licence: Option<String>,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Pictures with a vector.
    pub vectors: usize,
    /// Pictures that it cannot describe.
    pub without: u64,
    /// Pictures that it has not tried yet.
    pub pending: u64,
    /// Cosine from which on pictures are alike; `None` while too few are stored to estimate it.
    pub alike: Option<f32>,
    /// Bytes of its index, in memory or on disk.
    pub index_bytes: usize,
}

/// The global models of a library.
#[derive(Clone)]
pub struct GlobalModels {
    library: Arc<Library>,
}

impl GlobalModels {
    /// Of `library`.
    pub fn new(library: Arc<Library>) -> Self {
        Self { library }
    }

    /// Uses a model from now on: searches compare its vectors too, new pictures get one, and
    /// [`GlobalModels::embed_missing`] makes those that are missing. Searches go on with another model of
    /// the same name until this one has described all pictures.
    ///
    /// # Errors
    /// `internal` for an index that cannot be opened; the store's.
    pub fn attach(&self, components: ModelComponents) -> Result<(), EngineError> {
        let (index, missing) = self.open_index(&components)?;
        let model = components.extractor.model().as_str();
        for keys in missing.chunks(FILL_BATCH) {
            let numbers: Vec<u64> = keys.iter().map(|key| key.0).collect();
            let stored = read_each(&numbers, |keys| components.vectors.vectors(model, keys))?;
            let vectors: Vec<(Key, Vec<f32>)> = keys
                .iter()
                .zip(stored)
                .filter_map(|(key, bytes)| {
                    let bytes = bytes.inspect_err(|error| {
                        tracing::error!("a vector is left out: {error}");
                    });
                    Some((*key, vector_from_bytes(&bytes.ok()??)?))
                })
                .collect();
            add_vectors(&index, &vectors);
        }
        let attached = Arc::new(AttachedModel::new(components, index));
        let _no_changes = self.library.lock_changes();
        self.library.models().push(&attached);
        Ok(())
    }

    /// A model's dense index as far as it is stored, and the keys that it lacks.
    fn open_index(
        &self,
        components: &ModelComponents,
    ) -> Result<(DenseIndex, Vec<Key>), EngineError> {
        let model = components.extractor.model().as_str();
        let dimension = components.extractor.dimension();
        let settings = DenseSettings::default();
        let page = |after, limit| components.vectors.vector_keys_after(model, after, limit);
        let stored = read_all(|key| *key, page)?;
        let keys: Vec<Key> = stored.into_iter().map(Key).collect();
        let unusable =
            |error: &dyn std::fmt::Display| EngineError::Internal(format!("{model}: {error}"));
        let Some(folder) = &components.index else {
            let index = DenseIndex::new(dimension, settings).map_err(|e| unusable(&e))?;
            return Ok((index, keys));
        };
        let tag = format!("{model} {}", self.identity(folder.writable)?);
        let path = dense_folder(folder, model);
        let (index, opened) =
            DenseIndex::open(&tag, dimension, &path, folder.writable, keys, settings)
                .map_err(|e| unusable(&e))?;
        if let Some(lost) = opened.lost {
            tracing::warn!(
                "the vectors' index of {model} is not whole ({lost}); the rest is rebuilt"
            );
        }
        Ok((index, opened.missing))
    }

    /// Stops using a model. Its vectors stay in the catalogue.
    pub fn detach(&self, name: &str) {
        for model in self.library.models().retain(|model| model.name != name) {
            model.delete_index(model.id());
        }
    }

    /// Whether no model is in use.
    pub fn is_empty(&self) -> bool {
        self.library.models().is_empty()
    }

    /// Whether a model in use can describe pictures.
    pub fn can_embed(&self) -> bool {
        self.library.models().can_embed()
    }

    /// The state of each model in use.
    pub fn states(&self) -> Result<Vec<ModelState>, EngineError> {
        let pictures = self.library.count()?;
        let mut states = Vec::new();
        for model in self.library.models().list().iter() {
            let snapshot = model.index.snapshot();
            let counts = model.vectors.vector_counts()?;
            let own = counts.iter().find(|count| count.model == model.id());
            let (vectors, without) = own.map_or((0, 0), |count| (count.vectors, count.without));
            states.push(ModelState {
                name: model.name.clone(),
                model: model.id().to_owned(),
                can_embed: model.can_embed,
                licence: model.extractor.licence().map(str::to_owned),
                dimension: snapshot.dimension(),
                vectors: snapshot.len(),
                without,
                pending: pictures.saturating_sub(vectors + without),
                alike: model.alike(&*snapshot)?,
                index_bytes: snapshot.bytes(),
            });
        }
        Ok(states)
    }

    /// The id of the model that a name stands for: the one that has described all pictures.
    pub fn model_of_name(&self, name: &str) -> Result<Option<String>, EngineError> {
        model_of_name(&self.library, name)
    }

    /// Describes all pictures without a vector, by all models in use. Vectors are durable and searched at
    /// once. Setting `cancel` stops it, and a later call goes on. A model that has described all pictures
    /// takes the place of another with its name.
    ///
    /// A picture whose file is away is described by its thumbnail. A model is not asked again about a
    /// picture that it cannot describe.
    ///
    /// # Errors
    /// [`EngineError::Extract`] where the model itself does not work; [`EngineError::Cancelled`].
    pub fn embed_missing(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(EmbedStep),
    ) -> Result<(), EngineError> {
        let models = self.library.models().list();
        for model in models.iter().filter(|model| model.can_embed) {
            embed_all(&self.library, model, cancel, on_step)?;
        }
        Ok(())
    }

    /// The identity of the catalogue, which a stored dense index carries: keys are of other pictures in
    /// another catalogue. The first model attached for writing records it.
    fn identity(&self, writable: bool) -> Result<String, EngineError> {
        let catalogue = self.library.catalogue();
        if let Some(known) = catalogue.setting(IDENTITY)? {
            return Ok(known);
        }
        let mut hasher = blake3::Hasher::new();
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        hasher.update(&since.unwrap_or_default().as_nanos().to_le_bytes());
        hasher.update(&std::process::id().to_le_bytes());
        let new = hasher.finalize().to_hex()[..16].to_owned();
        if writable {
            catalogue.set_setting(IDENTITY, &new)?;
        }
        Ok(new)
    }
}
