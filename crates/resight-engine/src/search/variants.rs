//! The stage that searches for variants of the query: mirrored left to right, and with its tones
//! inverted. Their features are computed from the query's own features, not from its pixels.
//!
//! Invariant: this stage only adds what it verifies. A picture in which no variant is verified keeps the
//! hit and the rank that it has without.

use std::collections::HashSet;

use resight_index::{Candidate, Key, QueryWords};
use resight_vision::{LocalExtractor, LocalFeatures};

use super::answer::{Hit, Stage};
use super::cancelling::go_on;
use super::context::SearchContext;
use super::examine::{examine, examine_while_verified};
use super::folding::MatchedViews;
use super::patience::{MOST_EXAMINED, Patience, up_to_agreeing};
use super::prepared::{PreparedQuery, pack_by_cell};
use super::request::Variant;
use super::state::SearchState;
use crate::error::EngineError;
use crate::library::stored_features::select;

/// How far down the variants' candidates are examined. A copy shares as many words with its variant as
/// any copy does, so it is among the first.
const SHORTLIST: usize = 25;
/// Candidates of which so many matches agree are examined.
const AGREEING: u32 = 4;
/// Features of variants that are compared with candidates whatever the index says of them, in all.
const FEATURES_COMPARED: usize = 6_000;

/// Features of a variant that vote, those of the largest scales. Candidates need fewer features than
/// evidence does, which is of all of them.
const VOTERS: usize = 300;

/// A variant with the features of each query as they are in it.
struct VariantFeatures {
    variant: Variant,
    of_queries: Vec<LocalFeatures>,
}

/// The variants of a search's queries, and what the index answers to them. Nothing has been compared yet.
pub(crate) struct AskedVariants {
    features: Vec<VariantFeatures>,
    candidates: Vec<Candidate>,
    views: MatchedViews,
}

impl AskedVariants {
    /// Which changes are searched for.
    fn searched(&self) -> Variant {
        let variants = self.features.iter().map(|one| one.variant);
        variants.fold(Variant::default(), Variant::or)
    }
}

/// Searches for variants of the query: [`ask_variants`], then [`examine_variants`].
pub(crate) fn search_variants(
    context: &SearchContext<'_>,
    wanted: Variant,
    alike: &[Candidate],
    state: &mut SearchState,
) -> Result<Variant, EngineError> {
    let asked = ask_variants(context, wanted)?;
    examine_variants(context, &asked, alike, state)
}

/// Asks the index for the `wanted` variants of the queries: those for which the extractor can change features.
/// Depends on no other stage, so it may run beside one.
pub(crate) fn ask_variants(
    context: &SearchContext<'_>,
    wanted: Variant,
) -> Result<AskedVariants, EngineError> {
    let features = variant_features(context, wanted);
    if features.is_empty() {
        return Ok(AskedVariants {
            features,
            candidates: Vec::new(),
            views: MatchedViews::default(),
        });
    }
    go_on(context.cancel)?;
    let mut query = context.scope.word_query()?;
    query.add(voting_words(context, &features))?;
    let (answers, views) = context.scope.candidates(&*query)?;
    Ok(AskedVariants {
        features,
        candidates: answers.best,
        views,
    })
}

/// Examines the best candidates of the query's variants, and those of `alike` that are not verified yet,
/// and adds verified hits. Returns which changes were searched for.
pub(crate) fn examine_variants(
    context: &SearchContext<'_>,
    asked: &AskedVariants,
    alike: &[Candidate],
    state: &mut SearchState,
) -> Result<Variant, EngineError> {
    let answers = &asked.candidates;
    let patience = patience(asked);
    let is_verified = |key: Key| state.verified().any(|(candidate, _)| candidate.key == key);
    let is_for_nothing = patience.least == 0 && alike.iter().all(|c| is_verified(c.key));
    if asked.features.is_empty() || is_for_nothing {
        return Ok(asked.searched());
    }
    let queries = pack(context, &asked.features);
    let is_complete = state.is_complete();
    let hits = examine_while_verified(context, &queries, answers, &asked.views, patience)?;
    let mut seen: HashSet<Key> = answers[..hits.len()].iter().map(|c| c.key).collect();
    for (candidate, hit) in answers.iter().zip(hits) {
        if let Some(hit) = hit.filter(|hit| hit.verified) {
            state.add_verified(*candidate, hit, is_complete);
        }
    }
    seen.extend(state.verified().map(|(candidate, _)| candidate.key));
    let unseen = alike.iter().filter(|c| !seen.contains(&c.key));
    let unseen: Vec<Candidate> = unseen.copied().collect();
    let hits = examine(context, &queries, &unseen, &MatchedViews::default())?;
    for (candidate, hit) in unseen.iter().zip(hits) {
        if let Some(hit) = hit.filter(|hit| hit.verified) {
            let stage = Stage::Dense;
            state.add_verified(*candidate, Hit { stage, ..hit }, is_complete);
        }
    }
    Ok(asked.searched())
}

/// How far down the variants' candidates are examined.
fn patience(asked: &AskedVariants) -> Patience {
    let of_all = asked.features.iter().flat_map(|one| &one.of_queries);
    let features: usize = of_all.map(LocalFeatures::len).sum();
    let few = (FEATURES_COMPARED / features.max(1)).min(SHORTLIST);
    Patience {
        least: up_to_agreeing(&asked.candidates, AGREEING, SHORTLIST)
            .max(few.min(asked.candidates.len())),
        after_verified: SHORTLIST,
        most: MOST_EXAMINED,
    }
}

/// The features of all queries in each variant that the extractor can compute for all of them.
fn variant_features(context: &SearchContext<'_>, wanted: Variant) -> Vec<VariantFeatures> {
    let of_all = |variant: Variant| {
        let queries = context.queries.iter();
        let features =
            queries.map(|query| changed(variant, query.features, query.size[0], context.extractor));
        Some(VariantFeatures {
            variant,
            of_queries: features.collect::<Option<_>>()?,
        })
    };
    wanted.each().filter_map(of_all).collect()
}

/// The words by which each query in each variant asks the index: those of its largest features.
fn voting_words(context: &SearchContext<'_>, features: &[VariantFeatures]) -> QueryWords {
    let vocabulary = &context.visual.vocabulary;
    let mut all_words = QueryWords::default();
    for variant in features {
        for (query, features) in context.queries.iter().zip(&variant.of_queries) {
            // They bring candidates and are compared with nothing: no cells.
            let words = vocabulary.assign_query(&largest(features, VOTERS), query.size, 0);
            all_words.features.extend(words.features);
        }
    }
    all_words
}

/// Each query in each variant, packed to be compared.
fn pack<'a>(
    context: &SearchContext<'a>,
    features: &'a [VariantFeatures],
) -> Vec<PreparedQuery<'a>> {
    let vocabulary = &context.visual.vocabulary;
    let cells = context.options.matching_cells;
    let each = features.iter().flat_map(|one| {
        let of_queries = context.queries.iter().zip(&one.of_queries);
        of_queries.map(|(query, features)| (one.variant, query, features))
    });
    let packed = each.map(|(variant, query, features)| {
        let words = vocabulary.assign_some(features, query.size, cells, &|_| false);
        PreparedQuery {
            features,
            variant,
            packed: pack_by_cell(features, &words, vocabulary),
            ..*query
        }
    });
    packed.collect()
}

/// Features of a picture of this width as they would be of a variant of it, one change at a time; `None`
/// where the extractor cannot compute them.
pub(crate) fn changed(
    variant: Variant,
    features: &LocalFeatures,
    width: u32,
    extractor: &dyn LocalExtractor,
) -> Option<LocalFeatures> {
    if variant.mirrored {
        extractor.mirrored(features, width)
    } else {
        extractor.inverted(features)
    }
}

/// The `n` features of the largest scales, in their order; of equals, the first.
///
/// Their order does not tell: it is by strength for a picture just described, and by words for a stored
/// one.
fn largest(features: &LocalFeatures, n: usize) -> LocalFeatures {
    let keypoints = &features.keypoints;
    let mut order: Vec<usize> = (0..keypoints.len()).collect();
    order.sort_by(|&a, &b| keypoints[b].scale.total_cmp(&keypoints[a].scale));
    order.truncate(n);
    order.sort_unstable();
    select(features, &order)
}

#[cfg(test)]
mod tests {
    use resight_vision::{Descriptors, Keypoint, Sift};

    use super::*;

    fn features(scales: &[f32]) -> LocalFeatures {
        let keypoint = |(&scale, i): (&f32, u8)| Keypoint {
            x: 10.0 + f32::from(i),
            y: 5.0,
            scale,
            angle: 0.5,
            response: 0.0,
        };
        LocalFeatures {
            keypoints: scales.iter().zip(0u8..).map(keypoint).collect(),
            descriptors: Descriptors::from_bytes(128, vec![7; 128 * scales.len()]).unwrap(),
        }
    }

    #[test]
    fn the_features_of_the_largest_scales_vote() {
        let features = features(&[1.0, 3.0, 2.0, 3.0, 9.0]);
        for (n, numbers) in [(0, vec![]), (2, vec![1, 4]), (9, vec![0, 1, 2, 3, 4])] {
            assert_eq!(largest(&features, n), select(&features, &numbers), "{n}");
        }
    }

    #[test]
    fn a_mirrored_feature_lies_on_the_other_side() {
        let mirrored = Variant {
            mirrored: true,
            inverted: false,
        };
        let before = features(&[2.0]);
        let changed = changed(mirrored, &before, 100, &Sift::default()).unwrap();
        assert_eq!(changed.keypoints[0].x, 99.0 - before.keypoints[0].x);
        assert_eq!(changed.keypoints[0].y, before.keypoints[0].y);
    }
}
