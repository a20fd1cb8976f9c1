//! Vectors of whole pictures beside the local features: what a picture looks like, by one or several
//! global models.
//!
//! Vectors are derived from pictures: the catalogue keeps them, a dense index serves them, and pictures
//! that have none yet are found by their words meanwhile.

mod embed;
mod likeness;

use std::path::PathBuf;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use resight_index::{DenseIndex, DenseSettings, Key};
use resight_store::{Vectors, read_all};
use resight_vision::GlobalExtractor;

use crate::engine::{Engine, IndexFolder};
use crate::error::EngineError;

pub use embed::EmbedStep;
pub use likeness::{FEWEST_TO_TELL, alike_from};
pub(crate) use likeness::{Likeness, Likenesses};

/// Vectors read at a time when an index is filled.
const FILL_BATCH: usize = 2000;

/// A global model to be used beside the words.
#[derive(Clone)]
pub struct GlobalParts {
    /// What the user calls it. One model has one name; another model under the same name takes its
    /// place once all pictures have its vectors.
    pub name: String,
    /// Makes its vectors.
    pub extractor: Arc<dyn GlobalExtractor>,
    /// Whether it can be asked now; without it the vectors held are compared, and none are made.
    pub can_embed: bool,
    /// Where they are kept.
    pub vectors: Arc<dyn Vectors>,
    /// The folder that dense indexes are in; without it they are made anew from the catalogue.
    pub index: Option<IndexFolder>,
    /// Pictures with a cosine of at least this are alike; `None`: as the pictures held tell.
    pub alike: Option<f32>,
}

/// How far a model has come.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalState {
    /// What the user calls it.
    pub name: String,
    /// Its id.
    pub model: String,
    /// Whether it can be asked; otherwise the vectors held are compared.
    pub can_embed: bool,
    /// Numbers in a vector.
    pub dimension: usize,
    /// Pictures that have a vector.
    pub vectors: usize,
    /// Pictures that cannot have one.
    pub without: u64,
    /// Pictures that wait for theirs.
    pub pending: u64,
    /// From which cosine on pictures count as alike; `None` while too few are held to tell.
    pub alike: Option<f32>,
    /// Bytes of its index, in memory or on disk.
    pub index_bytes: usize,
}

/// A model in use.
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) extractor: Arc<dyn GlobalExtractor>,
    /// Whether the extractor can be asked.
    pub(crate) can_embed: bool,
    /// The folder that indexes are in, where it may be changed.
    folder: Option<IndexFolder>,
    pub(crate) vectors: Arc<dyn Vectors>,
    pub(crate) index: DenseIndex,
    /// Given, else as the pictures held tell.
    alike: RwLock<Alike>,
    /// Whether `alike` was given.
    is_given: bool,
}

/// A threshold, and from how many vectors it was told.
#[derive(Clone, Copy, Default)]
struct Alike {
    cosine: Option<f32>,
    of: usize,
}

/// The catalogue's setting with the id of the model that a name stands for: the one that has described
/// all pictures; empty or absent before that.
pub fn vectors_setting(name: &str) -> String {
    format!("vectors:{name}")
}

/// The catalogue's setting that tells one catalogue from another.
const IDENTITY: &str = "identity";

impl Engine {
    /// Uses a global model from now on: searches are by its vectors as well, new pictures get one, and
    /// [`Engine::embed_missing`] makes those that are missing. Another of the same name goes on being
    /// searched until all pictures have a vector of the new one, and then gives way.
    pub fn attach(&self, parts: GlobalParts) -> Result<(), EngineError> {
        let model = parts.extractor.model().as_str();
        let dimension = parts.extractor.dimension();
        let no_index =
            |error: &dyn std::fmt::Display| EngineError::Internal(format!("{model}: {error}"));
        let held = read_all(
            |key| *key,
            |after, limit| parts.vectors.vector_keys_after(model, after, limit),
        )?;
        let held: Vec<Key> = held.into_iter().map(Key).collect();
        let (index, missing) = match &parts.index {
            None => {
                let index = DenseIndex::new(dimension, DenseSettings::default());
                (index.map_err(|e| no_index(&e))?, held)
            }
            Some(folder) => {
                let tag = format!("{model} {}", self.identity(folder.writable)?);
                let (index, opened) = DenseIndex::open(
                    &tag,
                    dimension,
                    &folder_of(folder, model),
                    folder.writable,
                    held,
                    DenseSettings::default(),
                )
                .map_err(|e| no_index(&e))?;
                if let Some(lost) = opened.lost {
                    tracing::warn!(
                        "the vectors' index of {model} is not whole ({lost}); the rest is made anew"
                    );
                }
                (index, opened.missing)
            }
        };
        for keys in missing.chunks(FILL_BATCH) {
            let numbers: Vec<u64> = keys.iter().map(|key| key.0).collect();
            let vectors = parts.vectors.vectors(model, &numbers)?;
            let vectors = keys.iter().zip(vectors);
            let vectors: Vec<(Key, Vec<f32>)> = vectors
                .filter_map(|(key, bytes)| Some((*key, from_bytes(&bytes?)?)))
                .collect();
            fill(&index, &vectors);
        }
        let global = Arc::new(Global {
            name: parts.name,
            extractor: parts.extractor,
            can_embed: parts.can_embed,
            folder: parts.index.filter(|folder| folder.writable),
            vectors: parts.vectors,
            index,
            is_given: parts.alike.is_some(),
            alike: RwLock::new(Alike {
                cosine: parts.alike,
                of: 0,
            }),
        });
        let _one_at_a_time = self.lock_changes();
        self.globals_for_change().push(global);
        Ok(())
    }

    /// Stops using a model; its vectors stay in the catalogue.
    pub fn detach(&self, name: &str) {
        let gone: Vec<Arc<Global>> = {
            let mut globals = self.globals_for_change();
            globals
                .extract_if(.., |global| global.name == name)
                .collect()
        };
        for global in gone {
            global.remove_index(global.extractor.model().as_str());
        }
    }

    /// Whether a model in use can describe pictures.
    pub fn embeds(&self) -> bool {
        self.attached().iter().any(|global| global.can_embed)
    }

    /// The models in use.
    pub fn globals(&self) -> Result<Vec<GlobalState>, EngineError> {
        let held = self.count()?;
        let mut states = Vec::new();
        for global in self.attached().iter() {
            let model = global.extractor.model().as_str();
            let snapshot = global.index.snapshot();
            let counts = global.vectors.vector_counts()?;
            let of_model = counts.iter().find(|c| c.model == model);
            let (vectors, without) = of_model.map_or((0, 0), |c| (c.vectors, c.without));
            states.push(GlobalState {
                name: global.name.clone(),
                model: model.to_owned(),
                can_embed: global.can_embed,
                dimension: snapshot.dimension(),
                vectors: snapshot.len(),
                without,
                pending: held.saturating_sub(vectors + without),
                alike: global.alike(&snapshot),
                index_bytes: snapshot.bytes(),
            });
        }
        Ok(states)
    }

    /// The id that is remembered for a model's name: that of the model whose vectors are complete.
    pub fn model_of_name(&self, name: &str) -> Result<Option<String>, EngineError> {
        let value = self.parts.catalogue.setting(&vectors_setting(name))?;
        Ok(value.filter(|value| !value.is_empty()))
    }

    pub(crate) fn attached(&self) -> RwLockReadGuard<'_, Vec<Arc<Global>>> {
        self.globals
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What is said of pictures that are gone.
    pub(crate) fn forget_vectors(&self, gone: &[Key]) {
        for global in self.attached().iter() {
            global.index.remove(gone);
        }
    }

    fn globals_for_change(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Arc<Global>>> {
        self.globals
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Keys mean other pictures in another catalogue, so what is kept outside of it carries this. A
    /// catalogue gets it with the first model.
    fn identity(&self, writable: bool) -> Result<String, EngineError> {
        let catalogue = &self.parts.catalogue;
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

impl Global {
    /// Removes the kept index of a model of this collection.
    fn remove_index(&self, model: &str) {
        let Some(folder) = &self.folder else {
            return;
        };
        let path = folder_of(folder, model);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("{} is left over: {error}", path.display());
            }
            _ => {}
        }
    }
}

/// Each model has a folder of its own.
fn folder_of(folder: &IndexFolder, model: &str) -> PathBuf {
    let name = blake3::hash(model.as_bytes()).to_hex();
    folder.path.join(&name[..16])
}

/// Vectors that the index refuses are left out: they were checked when they were made.
fn fill(index: &DenseIndex, vectors: &[(Key, Vec<f32>)]) {
    let all: Vec<(Key, &[f32])> = vectors.iter().map(|(key, v)| (*key, &**v)).collect();
    if index.add(&all).is_err() {
        for one in all {
            if let Err(error) = index.add(&[one]) {
                tracing::warn!("a stored vector is left out: {error}");
            }
        }
    }
}

fn to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// `None` for what is no run of numbers.
fn from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks();
    let floats = numbers.iter().map(|&b| f32::from_le_bytes(b)).collect();
    rest.is_empty().then_some(floats)
}
