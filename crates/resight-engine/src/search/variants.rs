//! The stage that searches for variants of the query: mirrored left to right, and with its tones
//! inverted. Their features are computed from the query's own features, not from its pixels.
//!
//! Invariant: this stage only adds what it verifies. A picture in which no variant is verified keeps the
//! hit and the rank that it has without.

use std::collections::HashSet;

use resight_index::{Candidate, Key, QueryWords};
use resight_vision::{LocalExtractor, LocalFeatures};

use super::answer::{Hit, Stage};
use super::context::SearchContext;
use super::examine::{examine, examine_while_verified};
use super::folding::MatchedViews;
use super::patience::{MOST_EXAMINED, Patience};
use super::prepared::{PreparedQuery, pack_by_cell};
use super::request::Variant;
use super::state::SearchState;
use crate::error::EngineError;

/// How far down the variants' candidates are examined. A copy shares as many words with its variant as
/// any copy does, so it is among the first.
const SHORTLIST: Patience = Patience {
    least: 25,
    after_verified: 25,
    most: MOST_EXAMINED,
};

/// Features of a variant that vote, those of the largest scales. Candidates need fewer features than
/// evidence does, which is of all of them.
const VOTERS: usize = 300;

/// A variant with the features of each query as they are in it.
struct VariantFeatures {
    variant: Variant,
    of_queries: Vec<LocalFeatures>,
}

/// Examines the best candidates of the query's variants, and those of `alike` that are not verified yet,
/// and adds verified hits. Returns which of the `wanted` changes were searched for: those for which the
/// extractor can change features.
pub(crate) fn search_variants(
    context: &SearchContext<'_>,
    wanted: Variant,
    alike: &[Candidate],
    state: &mut SearchState,
) -> Result<Variant, EngineError> {
    let features = variant_features(context, wanted);
    let searched = features
        .iter()
        .fold(Variant::default(), |all, one| all.or(one.variant));
    if features.is_empty() {
        return Ok(searched);
    }
    let (queries, words) = prepare(context, &features);
    let (answers, views) = {
        let mut query = context.scope.word_query()?;
        query.add(words)?;
        let (answers, views) = context.scope.candidates(&*query)?;
        (answers.best, views)
    };
    let is_complete = state.is_complete();
    let hits = examine_while_verified(context, &queries, &answers, &views, SHORTLIST)?;
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
    Ok(searched)
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

/// Prepares each query in each variant. Returns also the words that ask the index for all of them.
fn prepare<'a>(
    context: &SearchContext<'a>,
    features: &'a [VariantFeatures],
) -> (Vec<PreparedQuery<'a>>, QueryWords) {
    let vocabulary = &context.visual.vocabulary;
    let cells = context.options.matching_cells;
    let mut all_words = QueryWords::default();
    let mut queries = Vec::with_capacity(features.len() * context.queries.len());
    for VariantFeatures {
        variant,
        of_queries,
    } in features
    {
        for (query, features) in context.queries.iter().zip(of_queries) {
            let votes = largest(features, VOTERS);
            let words = vocabulary.assign_some(features, query.size, cells, &|i| votes[i]);
            queries.push(PreparedQuery {
                features,
                variant: *variant,
                packed: pack_by_cell(features, &words, vocabulary),
                ..*query
            });
            let voting = words.features.into_iter().zip(votes);
            let voting = voting.filter_map(|(feature, votes)| votes.then_some(feature));
            all_words.features.extend(voting);
        }
    }
    (queries, all_words)
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

/// Which features are among the `n` of the largest scales; of equals, the first.
///
/// Their order does not tell: it is by strength for a picture just described, and by words for a stored
/// one.
fn largest(features: &LocalFeatures, n: usize) -> Vec<bool> {
    let keypoints = &features.keypoints;
    let mut order: Vec<usize> = (0..keypoints.len()).collect();
    order.sort_by(|&a, &b| keypoints[b].scale.total_cmp(&keypoints[a].scale));
    let mut among = vec![false; keypoints.len()];
    for number in order.into_iter().take(n) {
        among[number] = true;
    }
    among
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
        for (n, votes) in [
            (0, [false; 5]),
            (2, [false, true, false, false, true]),
            (9, [true; 5]),
        ] {
            assert_eq!(largest(&features, n), votes, "{n}");
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
