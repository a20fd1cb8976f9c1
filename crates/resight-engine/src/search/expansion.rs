//! The stage of query expansion (Chum, Philbin, Sivic, Isard & Zisserman, ICCV 2007): features of likely
//! hits are laid over the query, and the index is asked once more.
//!
//! Invariant: expansion finds and ranks, and never verifies. Its candidates are compared with the query
//! alone, so one wrong hit among the likely ones cannot make others count as verified.

use std::collections::HashMap;
use std::sync::Arc;

use resight_index::{Candidate, Candidates, Key, QueryWords, WordQuery};
use resight_vision::{Descriptors, Keypoint, LocalFeatures, Transform};

use super::answer::{Hit, Stage};
use super::context::SearchContext;
use super::examine::examine_while_verified;
use super::patience::{MOST_EXAMINED, PATIENCE, Patience, up_to_agreeing};
use super::prepared::PreparedQuery;
use super::state::SearchState;
use crate::error::EngineError;
use crate::library::stored_features::{StoredFeatures, select};

/// Hits whose features are added, the surest.
const SOURCES: usize = 20;

/// The largest log10 number of false alarms of a hit whose features are added. A wrong one costs places in the
/// ranking and verifies nothing, so this is less strict than what verifies a hit: on `oxford_landmarks` −3 gave a
/// mean average precision of 0.8835, −2 0.8832, −4 0.8797 and −5 and −6 0.8793.
pub(crate) const LIKELY: f64 = -3.0;

/// Features added, at most: those of the largest scales. On `oxford_landmarks` 1,000 of them gave a mean
/// average precision of 0.851, as many taken evenly 0.808, the smallest 0.777. Later, 1,500 of ten hits gave
/// 0.875, and 3,000 of twenty 0.881.
const MOST_ADDED: usize = 3000;

/// Fewer new features change no ranking.
const LEAST_ADDED: usize = 16;

/// Features added where the query has none of its own, at most.
const MOST_NEW: usize = 1500;

/// Two keypoints are at the same place if they are at most this share of their scale apart…
const SAME_PLACE: f32 = 0.4;
/// …their scales differ by at most this factor…
const SAME_SCALE: f32 = 1.25;
/// …and their angles by at most so many radians. Their descriptors then have the same words mostly.
const SAME_ANGLE: f32 = 0.25;

/// New candidates of which so many matches agree are examined. Many features ask, and three agree by chance.
const AGREEING: u32 = 5;

/// Adds features of likely hits to the query by words, examines the new candidates among its first
/// answers as long as some are verified, and ranks all that is not verified by the new answers. Does
/// nothing where no hit is likely.
pub(crate) fn expand(
    context: &SearchContext<'_>,
    query: &mut dyn WordQuery,
    state: &mut SearchState,
) -> Result<(), EngineError> {
    let mut words = QueryWords::default();
    for prepared in context.queries {
        let sources = sources(context, prepared, state)?;
        let added = laid_over(&sources, prepared.size);
        let mut added = without_known(added, &prepared.own.keypoints);
        added.truncate(MOST_NEW);
        // They bring candidates and are compared with nothing: no cells.
        let vocabulary = &context.visual.vocabulary;
        let added = vocabulary.assign_query(&added, prepared.size, 0);
        words.features.extend(added.features);
    }
    // A copy shows the query's own features once more.
    words.retain_new(query.features());
    if words.features.len() < LEAST_ADDED {
        return Ok(());
    }
    query.add(words)?;
    let (answers, views) = context.scope.candidates(query)?;
    let (mut new, mut rest) = merge_answers(&answers, context.options.shortlist, state);
    let patience = Patience {
        least: up_to_agreeing(&new, AGREEING, PATIENCE),
        after_verified: PATIENCE,
        most: MOST_EXAMINED,
    };
    let hits = examine_while_verified(context, context.queries, &new, &views, patience)?;
    let before = std::mem::replace(&mut state.views, views);
    state.views.extend(before);
    let unexamined = new.split_off(hits.len());
    state.examined.extend(hits.into_iter().map(|hit| {
        let stage = Stage::Expansion;
        hit.map(|hit| Hit { stage, ..hit })
    }));
    let best = &mut state.candidates.best;
    best.append(&mut new);
    best.extend(unexamined);
    best.append(&mut rest);
    Ok(())
}

/// Takes over the new scores of candidates that were examined, and drops those that were not. Returns the
/// answers that were not examined: those in the shortlist, and the others.
fn merge_answers(
    answers: &Candidates,
    shortlist: usize,
    state: &mut SearchState,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let best = &mut state.candidates.best;
    best.truncate(state.examined.len());
    let examined: HashMap<Key, usize> = best.iter().map(|c| c.key).zip(0..).collect();
    let (mut new, mut rest) = (Vec::new(), Vec::new());
    for (rank, candidate) in answers.best.iter().enumerate() {
        match examined.get(&candidate.key) {
            // Only as far down as every search looks: the ranking must not depend on the page.
            Some(&at) if rank < MOST_EXAMINED.max(shortlist) => {
                best[at] = *candidate;
                if let Some(hit) = &mut state.examined[at] {
                    hit.words = candidate.score;
                }
            }
            Some(_) => {}
            None if rank < shortlist => new.push(*candidate),
            None => rest.push(*candidate),
        }
    }
    state.candidates.total = answers.total;
    (new, rest)
}

/// The surest likely hits of one query: its transform into each, and their features.
fn sources(
    context: &SearchContext<'_>,
    query: &PreparedQuery<'_>,
    state: &SearchState,
) -> Result<Vec<(Transform, Arc<StoredFeatures>)>, EngineError> {
    let own = state
        .likely(LIKELY)
        .filter(|(_, hit)| hit.query == query.number);
    let mut likely: Vec<(&Candidate, &Hit)> = own.collect();
    let nfa = |hit: &Hit| hit.log10_nfa.unwrap_or(0.0);
    likely.sort_by(|a, b| nfa(a.1).total_cmp(&nfa(b.1)));
    likely.truncate(SOURCES);
    let keys: Vec<u64> = likely
        .iter()
        .map(|(candidate, hit)| {
            let view = hit.view.as_ref().and_then(|view| view.key);
            view.unwrap_or(candidate.key).0
        })
        .collect();
    let features = context.features(&keys)?;
    let sources = likely.iter().zip(features);
    let sources = sources.filter_map(|((_, hit), features)| Some((hit.likely?, features?)));
    Ok(sources.collect())
}

/// The features of pictures in pixels of a query of this size: of those inside it the largest, at most
/// [`MOST_ADDED`].
fn laid_over(sources: &[(Transform, Arc<StoredFeatures>)], size: [u32; 2]) -> LocalFeatures {
    let mut all: Vec<(Keypoint, &[u8])> = Vec::new();
    for (transform, stored) in sources {
        let Some(back) = transform.inverse() else {
            continue;
        };
        let features = &stored.features;
        let rows = features.descriptors.iter();
        all.extend(features.keypoints.iter().zip(rows).filter_map(|(k, row)| {
            let keypoint = moved(k, &back)?;
            let inside = |v: f32, side: u32| (-0.5..side as f32 - 0.5).contains(&v);
            (inside(keypoint.x, size[0]) && inside(keypoint.y, size[1])).then_some((keypoint, row))
        }));
    }
    // Stable: of equals, that of the surer hit stays first.
    all.sort_by(|a, b| b.0.scale.total_cmp(&a.0.scale));
    all.truncate(MOST_ADDED);
    let dimension = all.first().map_or(0, |(_, row)| row.len());
    let bytes = all.iter().flat_map(|(_, row)| row.iter().copied());
    LocalFeatures {
        descriptors: Descriptors::from_bytes(dimension, bytes.collect()).unwrap_or_default(),
        keypoints: all.into_iter().map(|(keypoint, _)| keypoint).collect(),
    }
}

/// The features at whose places the query has none of its own: those that it has asked for already need no words.
fn without_known(added: LocalFeatures, own: &[Keypoint]) -> LocalFeatures {
    let mut by_x: Vec<&Keypoint> = own.iter().collect();
    by_x.sort_by(|a, b| a.x.total_cmp(&b.x));
    let is_known = |k: &Keypoint| {
        let near = SAME_PLACE * k.scale;
        let first = by_x.partition_point(|own| own.x < k.x - near);
        let close = by_x[first..].iter().take_while(|own| own.x <= k.x + near);
        close.into_iter().any(|own| is_at_same_place(own, k))
    };
    let numbers = added.keypoints.iter().enumerate();
    let new: Vec<usize> = numbers
        .filter(|(_, k)| !is_known(k))
        .map(|(i, _)| i)
        .collect();
    select(&added, &new)
}

fn is_at_same_place(a: &Keypoint, b: &Keypoint) -> bool {
    let (x, y) = (a.x - b.x, a.y - b.y);
    let near = SAME_PLACE * a.scale.min(b.scale);
    let ratio = a.scale.max(b.scale) / a.scale.min(b.scale).max(f32::MIN_POSITIVE);
    let turn = (a.angle - b.angle).rem_euclid(std::f32::consts::TAU);
    x * x + y * y <= near * near
        && ratio <= SAME_SCALE
        && turn.min(std::f32::consts::TAU - turn) <= SAME_ANGLE
}

/// A keypoint under a transform; `None` where the transform has no image or no area.
fn moved(keypoint: &Keypoint, transform: &Transform) -> Option<Keypoint> {
    let from = [f64::from(keypoint.x), f64::from(keypoint.y)];
    let [x, y] = transform.apply(from)?;
    let [a, b, c, d] = transform.jacobian(from)?;
    let area = a * d - b * c;
    if area <= 1e-9 {
        return None;
    }
    let angle = f64::from(keypoint.angle);
    let (cos, sin) = (libm::cos(angle), libm::sin(angle));
    let angle = libm::atan2(c * cos + d * sin, a * cos + b * sin);
    Some(Keypoint {
        x: x as f32,
        y: y as f32,
        scale: (f64::from(keypoint.scale) * area.sqrt()) as f32,
        angle: angle.rem_euclid(std::f64::consts::TAU) as f32,
        response: keypoint.response,
    })
}

#[cfg(test)]
mod tests {
    use super::super::state::samples::{candidate, state};
    use super::*;

    fn keypoint(x: f32, y: f32, scale: f32) -> Keypoint {
        Keypoint {
            x,
            y,
            scale,
            angle: 1.0,
            response: 0.0,
        }
    }

    #[test]
    fn features_come_back_to_where_they_were() {
        let t = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 2e-4, 1e-4, 1.0]);
        for (x, y) in [(10.0, 20.0), (300.0, 200.0), (620.0, 470.0)] {
            let there = moved(&keypoint(x, y, 3.0), &t).unwrap();
            let back = moved(&there, &t.inverse().unwrap()).unwrap();
            assert!((back.x - x).abs() < 1e-2 && (back.y - y).abs() < 1e-2);
            assert!((back.scale - 3.0).abs() < 1e-3);
            assert!((back.angle - 1.0).abs() < 0.01, "{}", back.angle);
        }
        let turned = Transform([0.0, -2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let there = moved(&keypoint(5.0, 7.0, 3.0), &turned).unwrap();
        assert_eq!((there.x, there.y, there.scale), (-14.0, 10.0, 6.0));
        assert!((there.angle - 1.0 - std::f32::consts::FRAC_PI_2).abs() < 1e-6);
    }

    #[test]
    fn examined_candidates_get_the_new_scores_and_the_others_the_new_order() {
        let mut state = state(4, &[Some(-9.0), None]);
        let answers = Candidates {
            best: [(8, 90.0), (2, 80.0), (4, 70.0), (9, 60.0)]
                .map(|(key, score)| candidate(key, score))
                .to_vec(),
            total: 40,
        };
        let (new, rest) = merge_answers(&answers, 3, &mut state);
        let keys = |all: &[Candidate]| all.iter().map(|c| c.key.0).collect::<Vec<_>>();
        assert_eq!((keys(&new), keys(&rest)), (vec![8, 4], vec![9]));
        assert_eq!(keys(&state.candidates.best), [1, 2]);
        assert_eq!(state.candidates.best[1].score, 80.0);
        assert_eq!(state.examined[1].as_ref().unwrap().words, 80.0);
        assert_eq!(state.candidates.total, 40);
    }

    #[test]
    fn features_where_the_query_has_one_of_its_own_are_not_added() {
        let own = [keypoint(10.0, 20.0, 4.0), keypoint(50.0, 20.0, 2.0)];
        let turned = |angle| Keypoint {
            angle,
            ..keypoint(10.0, 20.0, 4.0)
        };
        let rows = |n: u8| Descriptors::from_bytes(1, (0..n).collect()).unwrap();
        let added = LocalFeatures {
            keypoints: vec![
                keypoint(10.5, 21.0, 4.5),
                // Too far, too large, turned, and turned by a whole turn.
                keypoint(12.0, 20.0, 4.0),
                keypoint(10.0, 20.0, 6.0),
                turned(1.5),
                turned(1.0 + std::f32::consts::TAU),
                keypoint(50.0, 20.5, 2.0),
            ],
            descriptors: rows(6),
        };
        let new = without_known(added.clone(), &own);
        assert_eq!(new.descriptors.as_bytes(), [1, 2, 3]);
        assert_eq!(new.keypoints, added.keypoints[1..4]);
        assert_eq!(without_known(added.clone(), &[]), added);
    }

    #[test]
    fn the_largest_inside_the_query_are_added() {
        let keypoints: Vec<Keypoint> = (0..8000)
            .map(|i| keypoint((i % 400) as f32, 50.0, 1.0 + i as f32 / 100.0))
            .collect();
        let rows: Vec<u8> = (0..8000u32).map(|i| (i / 32) as u8).collect();
        let stored = StoredFeatures {
            words: vec![0; 8000],
            features: LocalFeatures {
                keypoints,
                descriptors: Descriptors::from_bytes(1, rows).unwrap(),
            },
        };
        let sources = [(Transform::IDENTITY, Arc::new(stored))];
        let all = laid_over(&sources, [200, 100]);
        assert_eq!(all.len(), MOST_ADDED);
        assert!(all.keypoints.iter().all(|k| k.x < 199.5));
        assert!(all.keypoints.is_sorted_by(|a, b| a.scale >= b.scale));
        assert_eq!(all.keypoints[0].scale, 1.0 + 77.99);
        assert_eq!(all.descriptors.get(0), [(7799u32 / 32) as u8]);
        assert!(laid_over(&[], [200, 100]).is_empty());
    }
}
