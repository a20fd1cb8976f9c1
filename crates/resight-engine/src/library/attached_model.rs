//! Global models in use: each with the vectors of stored pictures in a dense index, and the cosine from
//! which on two pictures count as alike.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use resight_index::{CandidateFilter, DenseIndex, Key, VectorSnapshot};
use resight_store::Vectors;
use resight_vision::GlobalExtractor;

use super::components::IndexFolder;
use crate::error::EngineError;

/// Stored pictures whose vectors show what unrelated ones are like.
const SAMPLE: usize = 500;
/// With fewer vectors, no pictures are called alike.
pub const FEWEST_TO_TELL: usize = 100;
/// Share of pairs of unrelated pictures that reach the threshold.
const FALSE_MATCHES: f64 = 1e-6;
/// Upper shares of all pairs from which the slope of the tail is estimated. Copies among the stored
/// pictures are a far smaller share, and lie above.
const TAIL: [f64; 2] = [0.01, 0.0025];

/// A global model to be used beside the words.
#[derive(Clone)]
pub struct ModelComponents {
    /// The user's name for it. Another model under the same name takes its place once it has described
    /// all pictures.
    pub name: String,
    /// Makes its vectors.
    pub extractor: Arc<dyn GlobalExtractor>,
    /// Whether it can describe pictures at present. Without, stored vectors are compared and none are
    /// made.
    pub can_embed: bool,
    /// Stores its vectors.
    pub vectors: Arc<dyn Vectors>,
    /// Folder of the dense indexes; without it they are rebuilt from the catalogue.
    pub index: Option<IndexFolder>,
    /// Cosine from which on pictures are alike; `None` to estimate it from the stored vectors.
    pub alike: Option<f32>,
}

/// A model in use.
pub(crate) struct AttachedModel {
    pub(crate) name: String,
    pub(crate) extractor: Arc<dyn GlobalExtractor>,
    /// Whether the extractor can describe pictures at present.
    pub(crate) can_embed: bool,
    /// Folder of the dense indexes, where it may be changed.
    folder: Option<IndexFolder>,
    pub(crate) vectors: Arc<dyn Vectors>,
    pub(crate) index: DenseIndex,
    threshold: Threshold,
}

/// The cosine from which on pictures are alike.
enum Threshold {
    Given(f32),
    Estimated(RwLock<Estimate>),
}

/// An estimated threshold, and the number of vectors at that time.
#[derive(Clone, Copy, Default)]
struct Estimate {
    cosine: Option<f32>,
    vectors: usize,
}

/// The models in use, in the order in which they came. Readers never wait.
#[derive(Default)]
pub(crate) struct AttachedModels(ArcSwap<Vec<Arc<AttachedModel>>>);

impl AttachedModels {
    pub(crate) fn list(&self) -> Arc<Vec<Arc<AttachedModel>>> {
        self.0.load_full()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.load().is_empty()
    }

    /// Whether one of them can describe pictures.
    pub(crate) fn can_embed(&self) -> bool {
        self.0.load().iter().any(|model| model.can_embed)
    }

    pub(crate) fn push(&self, model: &Arc<AttachedModel>) {
        self.0.rcu(|models| {
            let mut longer = Vec::clone(models);
            longer.push(model.clone());
            longer
        });
    }

    /// Keeps the models for which `keeps` is true. Returns the others.
    pub(crate) fn retain(
        &self,
        keeps: impl Fn(&Arc<AttachedModel>) -> bool,
    ) -> Vec<Arc<AttachedModel>> {
        let before = self.0.rcu(|models| {
            let kept = models.iter().filter(|model| keeps(model));
            kept.cloned().collect::<Vec<_>>()
        });
        let removed = before.iter().filter(|model| !keeps(model));
        removed.cloned().collect()
    }

    /// Takes removed pictures out of all dense indexes.
    pub(crate) fn remove_pictures(&self, removed: &[Key]) {
        for model in self.list().iter() {
            model.index.remove(removed);
        }
    }
}

impl AttachedModel {
    /// `index` holds the stored vectors.
    pub(crate) fn new(components: ModelComponents, index: DenseIndex) -> Self {
        Self {
            name: components.name,
            extractor: components.extractor,
            can_embed: components.can_embed,
            folder: components.index.filter(|folder| folder.writable),
            vectors: components.vectors,
            index,
            threshold: match components.alike {
                Some(cosine) => Threshold::Given(cosine),
                None => Threshold::Estimated(RwLock::default()),
            },
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.extractor.model().as_str()
    }

    /// Deletes the stored dense index of a model of this collection.
    pub(crate) fn delete_index(&self, model: &str) {
        let Some(folder) = &self.folder else {
            return;
        };
        let path = dense_folder(folder, model);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("{} is left over: {error}", path.display());
            }
            _ => {}
        }
    }

    /// The cosine from which on pictures are alike: as given, or estimated from the stored vectors, and
    /// again whenever their number has doubled. `None` for fewer than [`FEWEST_TO_TELL`].
    pub(crate) fn alike(&self, snapshot: &dyn VectorSnapshot) -> Result<Option<f32>, EngineError> {
        let estimated = match &self.threshold {
            Threshold::Given(cosine) => return Ok(Some(*cosine)),
            Threshold::Estimated(estimated) => estimated,
        };
        let known = *estimated.read();
        let vectors = snapshot.vectors();
        if vectors < FEWEST_TO_TELL || vectors < 2 * known.vectors {
            return Ok(known.cosine);
        }
        let cosine = alike_among(snapshot)?;
        *estimated.write() = Estimate { cosine, vectors };
        Ok(cosine)
    }
}

/// Each model has a folder of its own.
pub(crate) fn dense_folder(folder: &IndexFolder, model: &str) -> PathBuf {
    let name = blake3::hash(model.as_bytes()).to_hex();
    folder.path.join(&name[..16])
}

/// Adds vectors to a dense index. Leaves out, with a warning, those that it refuses: they were checked
/// when they were made.
pub(crate) fn add_vectors(index: &DenseIndex, vectors: &[(Key, Vec<f32>)]) {
    let all: Vec<(Key, &[f32])> = vectors.iter().map(|(key, v)| (*key, &**v)).collect();
    if index.add(&all).is_err() {
        for one in all {
            if let Err(error) = index.add(&[one]) {
                tracing::warn!("a stored vector is left out: {error}");
            }
        }
    }
}

/// A vector as the catalogue stores it: `f32`, little-endian.
pub(crate) fn vector_to_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A stored vector; `None` where the bytes are not a whole number of `f32`.
pub(crate) fn vector_from_bytes(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks();
    let floats = numbers.iter().map(|&b| f32::from_le_bytes(b)).collect();
    rest.is_empty().then_some(floats)
}

/// The threshold estimated from pairs of stored pictures: nearly all pairs are unrelated.
fn alike_among(snapshot: &dyn VectorSnapshot) -> Result<Option<f32>, EngineError> {
    let keys = snapshot.keys(&CandidateFilter::all())?;
    let step = (keys.len() as usize).div_ceil(SAMPLE).max(1);
    let sample: Vec<Key> = keys.into_iter().step_by(step).map(Key).collect();
    let mut cosines = Vec::new();
    for (i, vector) in snapshot.stored(&sample)?.into_iter().enumerate() {
        let Some(vector) = vector else {
            return Ok(None);
        };
        let others = snapshot.cosines(&vector, &sample[i + 1..])?;
        cosines.extend(others.into_iter().flatten());
    }
    Ok(alike_from(&mut cosines))
}

/// The cosine that one pair of unrelated pictures in a million reaches, estimated from the cosines of
/// pairs, in any order, of which nearly all are unrelated. `None` for too few pairs.
///
/// Above the upper hundredth the number of pairs falls exponentially on Fisher's scale (Pickands, Annals
/// of Statistics 3, 1975, states when). A normal distribution's tail is too thin: one pair of 6,000
/// varied photos reached the threshold that it gave for SSCD.
pub fn alike_from(cosines: &mut [f32]) -> Option<f32> {
    let mut reached = |share: f64| {
        let n = (cosines.len() as f64 * (1.0 - share)) as usize;
        if n >= cosines.len() {
            return None;
        }
        let cosine = *cosines.select_nth_unstable_by(n, f32::total_cmp).1;
        Some(libm::atanh(f64::from(cosine).clamp(-0.9999, 0.9999)))
    };
    let [high, higher] = [reached(TAIL[0])?, reached(TAIL[1])?];
    let scale = (higher - high) / libm::log(TAIL[0] / TAIL[1]);
    let alike = high + scale * libm::log(TAIL[0] / FALSE_MATCHES);
    Some(libm::tanh(alike) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_stored_exactly_and_cut_ones_are_detected() {
        let vector = [1.0, -0.25, f32::MIN_POSITIVE];
        let bytes = vector_to_bytes(&vector);
        assert_eq!(vector_from_bytes(&bytes).unwrap(), vector);
        assert_eq!(vector_from_bytes(&bytes[1..]), None);
        assert_eq!(vector_from_bytes(&[]), Some(Vec::new()));
    }

    #[test]
    fn the_threshold_lies_above_the_cosines_of_unrelated_pairs() {
        let cosine = |i: usize| ((i * 7919) % 10_007) as f32 / 10_007.0 * 0.4 - 0.2;
        let mut cosines: Vec<f32> = (0..10_007).map(cosine).collect();
        let alike = alike_from(&mut cosines).unwrap();
        assert!((0.2..0.4).contains(&alike), "{alike}");
        cosines.reverse();
        assert_eq!(alike_from(&mut cosines), Some(alike), "in any order");
        assert_eq!(alike_from(&mut []), None);
    }
}
