//! Examining candidates: their features are matched with the query's, and the matches verified.

use rayon::prelude::*;
use resight_index::Candidate;

use super::answer::Hit;
use super::context::SearchContext;
use super::evidence::{SharedPart, Sides, inlier_points};
use super::instances::{add_apart, other_instances};
use super::patience::Patience;
use super::prepared::PreparedQuery;
use crate::error::EngineError;
use crate::geometry;
use crate::library::stored_features::StoredFeatures;
use crate::picture::Picture;

/// Examines candidates against each query. Returns one hit for each, in their order; `None` for a picture
/// that was removed since the index was asked.
pub(crate) fn examine(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    candidates: &[Candidate],
) -> Result<Vec<Option<Hit>>, EngineError> {
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
    let records = context.records(&keys)?;
    let features = context.features(&keys)?;
    let all = candidates.par_iter().zip(records).zip(features);
    let hits = all.map(|((candidate, record), stored)| {
        let (picture, stored) = (Picture::from(record?), stored?);
        surest_hit(context, queries, &picture, &stored, candidate.score)
    });
    Ok(hits.collect())
}

/// Examines candidates from the first on, as long as one of the last few was verified. Returns the hits
/// of as many as were examined.
pub(crate) fn examine_while_verified(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    candidates: &[Candidate],
    patience: Patience,
) -> Result<Vec<Option<Hit>>, EngineError> {
    patience.examine(
        candidates.len(),
        |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| hit.verified),
        |range| examine(context, queries, &candidates[range]),
    )
}

/// The hit by the query that agrees most surely; of equals, by the first.
fn surest_hit(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    picture: &Picture,
    stored: &StoredFeatures,
    words: f64,
) -> Option<Hit> {
    let hits = queries
        .iter()
        .map(|query| compare(context, query, picture.clone(), stored, words));
    let order = |hit: &Hit| (!hit.verified, hit.log10_nfa.unwrap_or(f64::MAX));
    hits.min_by(|a, b| {
        let (a, b) = (order(a), order(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    })
}

fn compare(
    context: &SearchContext<'_>,
    query: &PreparedQuery<'_>,
    picture: Picture,
    stored: &StoredFeatures,
    words: f64,
) -> Hit {
    let (vocabulary, options) = (&context.visual.vocabulary, &context.options.verify);
    let size = [picture.width, picture.height];
    let mut hit = Hit::unexamined(picture, words);
    hit.examined = true;
    hit.query = query.number;
    let sides = Sides {
        query: query.features,
        packed: &query.packed,
        query_size: query.size,
        mirrored: query.variant.mirrored,
        stored,
        stored_size: size,
    };
    let Some((matches, verification)) = sides.verify(vocabulary, options) else {
        return hit;
    };
    hit.inliers = verification.inliers.len();
    hit.log10_nfa = Some(verification.log10_nfa);
    hit.log10_uniform = Some(verification.log10_uniform);
    let mut points = inlier_points(&verification, &matches, query.own, &stored.features);
    let features = [query.own, &stored.features];
    let shared = SharedPart::of(&verification, &matches, features, [query.size, size]);
    [hit.coverage_query, hit.coverage_result] = shared.coverage;
    hit.likely = Some(verification.transform);
    if verification.verified {
        let (kind, is_exact) = shared.evidence(query.variant);
        (hit.evidence, hit.is_exact) = (Some(kind), is_exact);
        let [in_query, in_result] = shared.parts;
        hit.variant = query.variant;
        let transform = query.of_whole(&verification.transform);
        let region = geometry::region(&verification.transform, query.size, size);
        let moved = |[x, y]: [f64; 2]| [x + query.origin[0], y + query.origin[1]];
        let in_query = in_query.map(|part| part.into_iter().map(moved).collect());
        hit.verify_at(transform, region, in_query, in_result);
        let first = &verification.transform;
        let others = other_instances(query, vocabulary, stored, size, first, options);
        add_apart(&mut hit.instances, others);
    }
    for point in &mut points {
        point[0] += query.origin[0];
        point[1] += query.origin[1];
    }
    hit.matches = points;
    hit
}
