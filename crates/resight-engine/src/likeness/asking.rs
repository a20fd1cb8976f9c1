//! Which pictures look like the query, by the vectors of the models in use.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use resight_index::{Candidate, DenseSnapshot, Key, KeyFilter};
use resight_vision::Fault;

use super::embed::embed;
use super::{Alike, Global};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::query::Resolved;
use crate::ranking::unshared;

/// Pictures held whose vectors tell what unrelated ones are like.
const SAMPLE: usize = 500;
/// With fewer pictures held, nothing is called alike.
pub const FEWEST_TO_TELL: usize = 100;
/// The share of pairs of unrelated pictures that are alike.
const FALSE_MATCHES: f64 = 1e-6;
/// The upper shares of all pairs that tell how the tail falls. Copies among the pictures held are a far
/// smaller share, and lie above.
const TAIL: [f64; 2] = [0.01, 0.0025];

/// How much a picture looks like the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// Of its vector and the query's.
    pub(crate) cosine: f32,
    /// Where between the model's threshold (0) and sameness (1) the cosine lies: comparable between
    /// models, below 0 for what is not alike.
    pub(crate) excess: f32,
    /// Which model says so: the one of the highest excess.
    pub(crate) model: usize,
}

impl Likeness {
    pub(crate) fn is_alike(&self) -> bool {
        self.excess >= 0.0
    }
}

/// The query's side of one model.
struct Asked {
    global: Arc<Global>,
    snapshot: Arc<DenseSnapshot>,
    /// One for each query that has one.
    vectors: Vec<Vec<f32>>,
    alike: Option<f32>,
}

/// What the models in use say of one search.
pub(crate) struct Likenesses {
    asked: Vec<Asked>,
    /// The pictures that look most like the query, best first; ties by key.
    pub(crate) nearest: Vec<(Key, Likeness)>,
    /// Pictures that likeness can rank; counted where nothing else ranks them.
    pub(crate) total: usize,
}

impl Engine {
    /// Asks all models in use for the `limit` nearest pictures that `filter` accepts. A model that fails
    /// is left out with a warning, unless none is left and `needed`: then its error is told.
    ///
    /// # Errors
    /// Where likeness is needed: `no_model` where none is in use, `bad_query` where none of the queries
    /// has pixels or a vector.
    pub(crate) fn likenesses(
        &self,
        queries: &[Resolved],
        limit: usize,
        needed: bool,
        filter: &KeyFilter<'_>,
    ) -> Result<Likenesses, EngineError> {
        let mut asked: Vec<Asked> = Vec::new();
        let mut failure = None;
        let globals = self.attached().clone();
        for global in globals {
            // While one takes another's place, the earlier is asked.
            if asked.iter().any(|a| a.global.name == global.name) {
                continue;
            }
            let snapshot = global.index.snapshot();
            match vectors_of(&global, &snapshot, queries) {
                Ok(vectors) if vectors.is_empty() => {}
                Ok(vectors) => asked.push(Asked {
                    alike: global.alike(&snapshot),
                    global,
                    snapshot,
                    vectors,
                }),
                Err(error) => {
                    tracing::warn!("{} is left out of a search: {error}", global.name);
                    failure = Some(error);
                }
            }
        }
        if needed && asked.is_empty() {
            let why = match self.attached().is_empty() {
                true => EngineError::NoModel,
                false => EngineError::BadQuery(
                    "no model has a vector of it: likeness needs the picture itself".into(),
                ),
            };
            return Err(failure.unwrap_or(why));
        }
        let mut best: HashMap<Key, Likeness> = HashMap::new();
        for (model, one) in asked.iter().enumerate() {
            for vector in &one.vectors {
                let found = one.snapshot.nearest(vector, limit, Some(filter));
                let found = found.map_err(|fault| EngineError::Internal(fault.to_string()))?;
                for (key, cosine) in found {
                    let likeness = one.likeness(cosine, model);
                    keep_higher(best.entry(key).or_insert(likeness), likeness);
                }
            }
        }
        let mut nearest: Vec<(Key, Likeness)> = best.into_iter().collect();
        nearest.sort_unstable_by(|a, b| b.1.excess.total_cmp(&a.1.excess).then(a.0.cmp(&b.0)));
        nearest.truncate(limit);
        let total = match (needed, &asked[..]) {
            (false, _) => 0,
            (true, [one]) => one
                .snapshot
                .keys()
                .into_iter()
                .filter(|&k| filter(k))
                .count(),
            (true, several) => {
                let keys = several.iter().flat_map(|one| one.snapshot.keys());
                keys.filter(|&k| filter(k)).collect::<HashSet<Key>>().len()
            }
        };
        Ok(Likenesses {
            asked,
            nearest,
            total,
        })
    }
}

impl Likenesses {
    /// Of a search that no model has a say in.
    pub(crate) fn none() -> Self {
        Self {
            asked: Vec::new(),
            nearest: Vec::new(),
            total: 0,
        }
    }

    /// Of the nearest, those that `candidates` lack and that are to be listed: what looks alike, and all
    /// where words have no say.
    pub(crate) fn unseen(&self, candidates: &[Candidate], by_words: bool) -> Vec<Candidate> {
        let seen: HashSet<Key> = candidates.iter().map(|c| c.key).collect();
        let nearest = self.nearest.iter();
        let unseen = nearest
            .filter(|(key, likeness)| !seen.contains(key) && (likeness.is_alike() || !by_words));
        unseen.map(|(key, _)| unshared(*key)).collect()
    }

    /// How much these pictures look like the query; `None` for those without a vector.
    pub(crate) fn of(&self, keys: &[Key]) -> Vec<Option<Likeness>> {
        let mut all: Vec<Option<Likeness>> = vec![None; keys.len()];
        for (model, one) in self.asked.iter().enumerate() {
            for vector in &one.vectors {
                // The vector was compared before, so it is one.
                let cosines = one.snapshot.cosines(vector, keys).unwrap_or_default();
                for (best, cosine) in all.iter_mut().zip(cosines) {
                    if let Some(likeness) = cosine.map(|c| one.likeness(c, model)) {
                        keep_higher(best.get_or_insert(likeness), likeness);
                    }
                }
            }
        }
        all
    }

    /// A model's name.
    pub(crate) fn name(&self, model: usize) -> Option<&str> {
        self.asked.get(model).map(|one| &*one.global.name)
    }
}

impl Asked {
    fn likeness(&self, cosine: f32, model: usize) -> Likeness {
        let excess = match self.alike {
            Some(threshold) if threshold < 1.0 => (cosine - threshold) / (1.0 - threshold),
            // Nothing is alike, and cosines still rank.
            _ => cosine - 2.0,
        };
        Likeness {
            cosine,
            excess,
            model,
        }
    }
}

fn keep_higher(best: &mut Likeness, other: Likeness) {
    if other.excess > best.excess {
        *best = other;
    }
}

/// The queries' vectors: that of a picture held is known, others are made from pixels.
fn vectors_of(
    global: &Global,
    snapshot: &DenseSnapshot,
    queries: &[Resolved],
) -> Result<Vec<Vec<f32>>, EngineError> {
    let mut vectors = Vec::new();
    for query in queries {
        let whole = query.key.filter(|_| query.facts.region.is_none());
        if let Some(vector) = whole.and_then(|key| snapshot.vector(Key(key))) {
            vectors.push(vector);
        } else if let Some(image) = query.image.as_ref().filter(|_| global.can_embed) {
            match embed(&*global.extractor, std::slice::from_ref(image)) {
                Ok(made) => vectors.extend(made),
                Err(EngineError::Extract(error)) if error.fault == Fault::Picture => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(vectors)
}

impl Global {
    /// From which cosine on pictures are alike: given, else told by the pictures held, and told anew
    /// when they have become twice as many.
    pub(super) fn alike(&self, snapshot: &DenseSnapshot) -> Option<f32> {
        let known = *self.alike.read().unwrap_or_else(PoisonError::into_inner);
        let held = snapshot.len();
        if self.is_given || held < FEWEST_TO_TELL || held < 2 * known.of {
            return known.cosine;
        }
        let told = Alike {
            cosine: alike_among(snapshot),
            of: held,
        };
        *self.alike.write().unwrap_or_else(PoisonError::into_inner) = told;
        told.cosine
    }
}

/// Told from pairs of pictures held: of these, nearly all are unrelated.
fn alike_among(snapshot: &DenseSnapshot) -> Option<f32> {
    let mut keys = snapshot.keys();
    // Not as segments happen to lie.
    keys.sort_unstable();
    let step = keys.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<Key> = keys.into_iter().step_by(step).collect();
    let mut cosines = Vec::new();
    for (i, &key) in sample.iter().enumerate() {
        let vector = snapshot.vector(key)?;
        let others = snapshot.cosines(&vector, &sample[i + 1..]).ok()?;
        cosines.extend(others.into_iter().flatten());
    }
    alike_from(&mut cosines)
}

/// The cosine that one pair of unrelated pictures in a million reaches, from those of pairs of which
/// nearly all are unrelated, in any order; `None` for too few.
///
/// Beyond the upper hundredth their number falls exponentially (Pickands, Annals of Statistics 3, 1975,
/// has when; told on Fisher's scale, as cosines end at 1). A normal distribution's tail is too thin: one
/// pair of 6,000 varied photos reached what it gave for SSCD.
pub fn alike_from(cosines: &mut [f32]) -> Option<f32> {
    let mut reached = |share: f64| {
        let n = (cosines.len() as f64 * (1.0 - share)) as usize;
        let cosine = match n < cosines.len() {
            true => *cosines.select_nth_unstable_by(n, f32::total_cmp).1,
            false => return None,
        };
        Some(libm::atanh(f64::from(cosine).clamp(-0.9999, 0.9999)))
    };
    let [high, higher] = [reached(TAIL[0])?, reached(TAIL[1])?];
    let scale = (higher - high) / libm::log(TAIL[0] / TAIL[1]);
    let alike = high + scale * libm::log(TAIL[0] / FALSE_MATCHES);
    Some(libm::tanh(alike) as f32)
}
