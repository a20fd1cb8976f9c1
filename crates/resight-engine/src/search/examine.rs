//! Examining candidates: their features are matched with the query's, and the matches verified.

use std::cmp::Ordering;
use std::sync::Arc;

use rayon::prelude::*;
use resight_index::Candidate;
use resight_store::ViewRecord;
use resight_vision::Match;

use super::answer::{Hit, HitView};
use super::cancelling::go_on;
use super::context::SearchContext;
use super::evidence::{SharedPart, Sides, inlier_points, match_within_cells};
use super::folding::MatchedViews;
use super::instances::{add_apart, other_instances};
use super::patience::Patience;
use super::prepared::PreparedQuery;
use crate::error::EngineError;
use crate::geometry;
use crate::library::stored_features::StoredFeatures;
use crate::picture::Picture;

/// Examines candidates against each query, each by the views that brought it. Returns one hit for each, in their
/// order: that of the surest view; `None` for a picture that was removed since the index was asked.
pub(crate) fn examine(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    candidates: &[Candidate],
    views: &MatchedViews,
) -> Result<Vec<Option<Hit>>, EngineError> {
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    go_on(context.cancel)?;
    let compared = Compared::new(candidates, views);
    let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
    let records = context.records(&keys)?;
    let features = context.features(&compared.keys)?;
    let views = compared.views(context)?;
    let pictures: Vec<Option<Picture>> = records
        .into_iter()
        .map(|record| record.map(Picture::from))
        .collect();
    let numbers = compared.candidates.iter();
    let pages = numbers
        .zip(views)
        .zip(features)
        .map(|((&number, view), stored)| {
            let view = match view {
                Viewed::First => None,
                Viewed::Further(view) => Some(HitView::new(&view)),
                Viewed::Removed => return None,
            };
            Some(StoredPage {
                picture: pictures[number].as_ref()?,
                view,
                stored: stored?,
                words: candidates[number].score,
            })
        });
    let pages: Vec<Option<StoredPage<'_>>> = pages.collect();
    let some = pages.par_chunks(together(pages.len()));
    let hits: Vec<Option<Hit>> = some
        .flat_map_iter(|some| surest_hits(context, queries, some))
        .collect();
    Ok(compared.surest_of_each(candidates.len(), hits))
}

/// The pages of candidates that are compared.
struct Compared {
    keys: Vec<u64>,
    /// Of each the number of its candidate, ascending.
    candidates: Vec<usize>,
    /// Whether it is the candidate's own key.
    is_own: Vec<bool>,
}

/// The record of a page that is compared.
enum Viewed {
    First,
    Further(ViewRecord),
    Removed,
}

impl Compared {
    fn new(candidates: &[Candidate], views: &MatchedViews) -> Self {
        let mut compared = Self {
            keys: Vec::with_capacity(candidates.len()),
            candidates: Vec::with_capacity(candidates.len()),
            is_own: Vec::with_capacity(candidates.len()),
        };
        for (number, candidate) in candidates.iter().enumerate() {
            for key in views.of(candidate.key) {
                compared.keys.push(key.0);
                compared.candidates.push(number);
                compared.is_own.push(key == candidate.key);
            }
        }
        compared
    }

    fn views(&self, context: &SearchContext<'_>) -> Result<Vec<Viewed>, EngineError> {
        let all = self.keys.iter().zip(&self.is_own);
        let further: Vec<u64> = all.filter(|(_, own)| !**own).map(|(key, _)| *key).collect();
        let mut records = if further.is_empty() {
            Vec::new().into_iter()
        } else {
            context.views(&further)?.into_iter()
        };
        let viewed = self.is_own.iter().map(|is_own| match is_own {
            true => Viewed::First,
            false => records
                .next()
                .flatten()
                .map_or(Viewed::Removed, Viewed::Further),
        });
        Ok(viewed.collect())
    }

    /// The surest of the hits of each candidate; of equals, the first.
    fn surest_of_each(&self, candidates: usize, hits: Vec<Option<Hit>>) -> Vec<Option<Hit>> {
        let mut surest: Vec<Option<Hit>> = Vec::with_capacity(candidates);
        surest.resize_with(candidates, || None);
        for (&number, hit) in self.candidates.iter().zip(hits) {
            let best = &mut surest[number];
            let is_surer = match (&hit, &best) {
                (Some(hit), Some(best)) => order(hit, best).is_lt(),
                (Some(_), None) => true,
                (None, _) => false,
            };
            if is_surer {
                *best = hit;
            }
        }
        surest
    }
}

/// Examines candidates from the first on, as long as one of the last few was verified. Returns the hits
/// of as many as were examined.
pub(crate) fn examine_while_verified(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    candidates: &[Candidate],
    views: &MatchedViews,
    patience: Patience,
) -> Result<Vec<Option<Hit>>, EngineError> {
    patience.examine(
        candidates.len(),
        |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| hit.verified),
        |range| examine(context, queries, &candidates[range], views),
    )
}

/// The surer hit first.
fn order(a: &Hit, b: &Hit) -> Ordering {
    let of = |hit: &Hit| (!hit.verified, hit.log10_nfa.unwrap_or(f64::MAX));
    let (a, b) = (of(a), of(b));
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
}

/// A page of a stored picture that is compared.
struct StoredPage<'a> {
    picture: &'a Picture,
    view: Option<HitView>,
    stored: Arc<StoredFeatures>,
    /// The candidate's score by words.
    words: f64,
}

/// How many of `pages` are compared together: enough to share what is in the cache, and few enough for all threads to
/// have some.
fn together(pages: usize) -> usize {
    pages.div_ceil(4 * rayon::current_num_threads()).clamp(1, 8)
}

/// Of each page the hit by the query that agrees most surely; of equals, by the first.
fn surest_hits(
    context: &SearchContext<'_>,
    queries: &[PreparedQuery<'_>],
    pages: &[Option<StoredPage<'_>>],
) -> Vec<Option<Hit>> {
    let stored: Vec<&StoredFeatures> = pages.iter().flatten().map(|page| &*page.stored).collect();
    let mut surest: Vec<Option<Hit>> = Vec::with_capacity(pages.len());
    surest.resize_with(pages.len(), || None);
    for query in queries {
        let vocabulary = &context.visual.vocabulary;
        let matches = match_within_cells(query.features, &query.packed, &stored, vocabulary);
        let there = pages.iter().zip(&mut surest);
        let there = there.filter_map(|(page, surest)| Some((page.as_ref()?, surest)));
        for ((page, surest), within) in there.zip(matches) {
            let hit = compare(context, query, page, within);
            if surest
                .as_ref()
                .is_none_or(|surest| order(&hit, surest).is_lt())
            {
                *surest = Some(hit);
            }
        }
    }
    surest
}

fn compare(
    context: &SearchContext<'_>,
    query: &PreparedQuery<'_>,
    page: &StoredPage<'_>,
    within: Vec<Match>,
) -> Hit {
    let (vocabulary, options) = (&context.visual.vocabulary, &context.options.verify);
    let stored = &*page.stored;
    let mut hit = Hit::unexamined(page.picture.clone(), page.words);
    hit.view = page.view.clone();
    let size = match &hit.view {
        Some(view) => [view.width, view.height],
        None => [hit.picture.width, hit.picture.height],
    };
    hit.examined = true;
    hit.query = query.number;
    let sides = Sides {
        query: query.features,
        query_size: query.size,
        mirrored: query.variant.mirrored,
        stored,
        stored_size: size,
    };
    let Some((matches, verification)) = sides.verify(within, options) else {
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
