//! The stage that asks the global models which pictures look like the query.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use resight_index::{Candidate, CandidateFilter, Key, NearestOptions, VectorIndex, VectorSnapshot};
use resight_vision::Fault;
use roaring::RoaringTreemap;

use super::query::ResolvedQuery;
use super::state::unshared;
use crate::error::EngineError;
use crate::library::attached_model::{AttachedModel, AttachedModels};
use crate::likeness::embed::embed;

/// How much a picture looks like the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// Cosine of its vector and the query's.
    pub(crate) cosine: f32,
    /// Position of the cosine between the model's threshold (0) and 1 (1): comparable between models,
    /// below 0 for what is not alike.
    pub(crate) excess: f32,
    /// Number of the model with the highest excess.
    pub(crate) model: usize,
}

impl Likeness {
    pub(crate) fn is_alike(&self) -> bool {
        self.excess >= 0.0
    }

    fn keep_higher(&mut self, other: Self) {
        if other.excess > self.excess {
            *self = other;
        }
    }
}

/// A model with the vectors of one search.
struct ModelQuery {
    model: Arc<AttachedModel>,
    snapshot: Arc<dyn VectorSnapshot>,
    /// One for each query that has one.
    vectors: Vec<Vec<f32>>,
    /// The model's threshold.
    alike: Option<f32>,
}

/// What the models in use answered.
#[derive(Default)]
pub(crate) struct Likenesses {
    models: Vec<ModelQuery>,
    /// The pictures that look most like the query, best first; ties by key.
    pub(crate) nearest: Vec<(Key, Likeness)>,
    /// Number of pictures that likeness can rank; counted where nothing else ranks them.
    pub(crate) total: usize,
}

/// Asks all models in use for the `limit` nearest pictures that `filter` accepts. Leaves out a model
/// that fails, with a warning; its error is returned where likeness is `needed` and no other model is
/// left.
///
/// # Errors
/// Where likeness is needed: `no_model` while none is in use, `bad_query` where no query has pixels or a
/// vector.
pub(crate) fn ask_models(
    attached: &AttachedModels,
    queries: &[ResolvedQuery],
    limit: usize,
    needed: bool,
    filter: &CandidateFilter,
) -> Result<Likenesses, EngineError> {
    let mut models: Vec<ModelQuery> = Vec::new();
    let mut failure = None;
    for model in attached.list().iter() {
        // While one model takes another's place, the earlier one is asked.
        if models.iter().any(|other| other.model.name == model.name) {
            continue;
        }
        let snapshot = model.index.vector_snapshot()?;
        match query_vectors(model, &*snapshot, queries) {
            Ok(vectors) if vectors.is_empty() => {}
            Ok(vectors) => models.push(ModelQuery {
                alike: model.alike(&*snapshot)?,
                model: model.clone(),
                snapshot,
                vectors,
            }),
            Err(error) => {
                tracing::warn!("{} is left out of a search: {error}", model.name);
                failure = Some(error);
            }
        }
    }
    if needed && models.is_empty() {
        let reason = if attached.is_empty() {
            EngineError::NoModel
        } else {
            EngineError::BadQuery(
                "no model has a vector of it: likeness needs the picture itself".into(),
            )
        };
        return Err(failure.unwrap_or(reason));
    }
    Ok(Likenesses {
        nearest: nearest(&models, limit, filter)?,
        total: if needed { count(&models, filter)? } else { 0 },
        models,
    })
}

/// The nearest pictures of all models together.
fn nearest(
    models: &[ModelQuery],
    limit: usize,
    filter: &CandidateFilter,
) -> Result<Vec<(Key, Likeness)>, EngineError> {
    let options = NearestOptions {
        limit,
        ..NearestOptions::default()
    };
    let mut best: HashMap<Key, Likeness> = HashMap::new();
    for (number, one) in models.iter().enumerate() {
        let vectors: Vec<&[f32]> = one.vectors.iter().map(Vec::as_slice).collect();
        let found = one.snapshot.nearest(&vectors, &options, filter)?;
        for (key, cosine) in found.into_iter().flatten() {
            let likeness = one.likeness(cosine, number);
            best.entry(key).or_insert(likeness).keep_higher(likeness);
        }
    }
    let mut nearest: Vec<(Key, Likeness)> = best.into_iter().collect();
    nearest.sort_unstable_by(|a, b| b.1.excess.total_cmp(&a.1.excess).then(a.0.cmp(&b.0)));
    nearest.truncate(limit);
    Ok(nearest)
}

/// Number of accepted pictures with a vector of any model.
fn count(models: &[ModelQuery], filter: &CandidateFilter) -> Result<usize, EngineError> {
    if let [one] = models {
        return Ok(one.snapshot.count(filter)?);
    }
    let mut all = RoaringTreemap::new();
    for one in models {
        all |= one.snapshot.keys(filter)?;
    }
    Ok(all.len() as usize)
}

/// The queries' vectors: a stored picture has one, and pixels are described.
fn query_vectors(
    model: &AttachedModel,
    snapshot: &dyn VectorSnapshot,
    queries: &[ResolvedQuery],
) -> Result<Vec<Vec<f32>>, EngineError> {
    let mut vectors = Vec::new();
    for query in queries {
        let whole = query.key.filter(|_| query.facts.region.is_none());
        let keys: Vec<Key> = whole.map(Key).into_iter().collect();
        if let Some(vector) = snapshot.stored(&keys)?.pop().flatten() {
            vectors.push(vector);
        } else if let Some(image) = query.image.as_ref().filter(|_| model.can_embed) {
            match embed(&*model.extractor, std::slice::from_ref(image)) {
                Ok(made) => vectors.extend(made),
                Err(EngineError::Extract(error)) if error.fault == Fault::Picture => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(vectors)
}

impl Likenesses {
    /// Of the nearest pictures those that `candidates` lack and the ranking lists: those that look alike,
    /// and all where words bring no candidates.
    pub(crate) fn unseen(&self, candidates: &[Candidate], by_words: bool) -> Vec<Candidate> {
        let seen: HashSet<Key> = candidates.iter().map(|c| c.key).collect();
        let nearest = self.nearest.iter();
        let unseen = nearest
            .filter(|(key, likeness)| !seen.contains(key) && (likeness.is_alike() || !by_words));
        unseen.map(|(key, _)| unshared(*key)).collect()
    }

    /// How much these pictures look like the query; `None` for those without a vector.
    pub(crate) fn of(&self, keys: &[Key]) -> Result<Vec<Option<Likeness>>, EngineError> {
        let mut all: Vec<Option<Likeness>> = vec![None; keys.len()];
        for (number, one) in self.models.iter().enumerate() {
            for vector in &one.vectors {
                let cosines = one.snapshot.cosines(vector, keys)?;
                for (best, cosine) in all.iter_mut().zip(cosines) {
                    if let Some(likeness) = cosine.map(|cosine| one.likeness(cosine, number)) {
                        best.get_or_insert(likeness).keep_higher(likeness);
                    }
                }
            }
        }
        Ok(all)
    }

    /// The name of the model `number`.
    pub(crate) fn name(&self, number: usize) -> Option<&str> {
        self.models.get(number).map(|one| &*one.model.name)
    }

    /// Answers with these nearest pictures, for the tests of stages.
    #[cfg(test)]
    pub(crate) fn of_nearest(nearest: Vec<(Key, Likeness)>) -> Self {
        Self {
            nearest,
            ..Self::default()
        }
    }
}

impl ModelQuery {
    fn likeness(&self, cosine: f32, model: usize) -> Likeness {
        Likeness {
            cosine,
            excess: excess(cosine, self.alike),
            model,
        }
    }
}

/// Where a cosine lies between the threshold (0) and 1 (1).
fn excess(cosine: f32, threshold: Option<f32>) -> f32 {
    match threshold {
        Some(threshold) if threshold < 1.0 => (cosine - threshold) / (1.0 - threshold),
        // Nothing is alike, and cosines still rank.
        _ => cosine - 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::samples::candidate;
    use super::*;

    fn likeness(excess: f32) -> Likeness {
        Likeness {
            cosine: 0.5,
            excess,
            model: 0,
        }
    }

    #[test]
    fn only_what_reaches_the_threshold_is_alike() {
        for (cosine, threshold, expected) in [
            (0.75, Some(0.5), 0.5),
            (1.0, Some(0.5), 1.0),
            (0.5, Some(0.5), 0.0),
            (0.25, Some(0.5), -0.5),
            (1.0, None, -1.0),
            (1.0, Some(1.0), -1.0),
        ] {
            assert_eq!(excess(cosine, threshold), expected);
        }
    }

    #[test]
    fn the_ranking_lists_what_looks_alike_and_all_where_words_are_not_asked() {
        let nearest = [(1, 0.2), (2, 0.1), (3, -0.1)];
        let nearest = nearest.map(|(key, excess)| (Key(key), likeness(excess)));
        let likenesses = Likenesses::of_nearest(nearest.to_vec());
        let candidates = [candidate(1, 5.0)];
        for (by_words, expected) in [(true, vec![2]), (false, vec![2, 3])] {
            let unseen = likenesses.unseen(&candidates, by_words);
            let keys: Vec<u64> = unseen.iter().map(|c| c.key.0).collect();
            assert_eq!(keys, expected);
        }
    }
}
