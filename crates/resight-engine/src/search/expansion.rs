//! Query expansion (Chum, Philbin, Sivic, Isard & Zisserman, ICCV 2007): what verified hits show of
//! the same thing is laid over the query, and the index is asked once more.
//!
//! It finds and ranks, and never verifies: what it brings is compared with the query alone, so one
//! wrong hit among the verified ones cannot make others count as verified.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use resight_index::{Candidate, Candidates, Key, QueryWords, Question};
use resight_vision::{Descriptors, Keypoint, LocalFeatures, Transform};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{MOST_EXAMINED, PATIENCE, Sought};
use crate::ranking::is_unshared;
use crate::scope::Scope;
use crate::search::{Hit, Stage, milliseconds};
use crate::stored_features::StoredFeatures;

/// Verified hits, the surest, whose features are added.
const SOURCES: usize = 10;

/// Features added at most. Those of the largest scales: on `oxford_landmarks` 1,000 of them gave a
/// mean average precision of 0.851, as many taken evenly 0.808, the smallest 0.777.
const MOST_ADDED: usize = 1500;

/// What a search has found so far.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) candidates: Candidates,
    /// Of the first candidates; `None` for those that are gone.
    pub(crate) examined: Vec<Option<Hit>>,
}

impl Found {
    /// Whether the candidates are all pictures that share a word with the query; there may be others
    /// among them, which only look alike.
    pub(crate) fn is_complete(&self) -> bool {
        let best = self.candidates.best.iter();
        best.filter(|c| !is_unshared(c)).count() == self.candidates.total
    }
}

impl Engine {
    /// Asks the query's question with more features, examines what is new among its first answers as long
    /// as some of it is verified, and ranks all that is not verified by what it says. Gives the milliseconds
    /// it took; does nothing where no hit is verified.
    pub(crate) fn expand(
        &self,
        queries: &[Sought<'_>],
        scope: &Scope<'_>,
        question: Question<'_>,
        found: &mut Found,
    ) -> Result<f64, EngineError> {
        let begun = Instant::now();
        let mut words = QueryWords::default();
        for query in queries {
            let sources = self.sources(query, &found.examined)?;
            let added = laid_over(&sources, query.size);
            let vocabulary = &query.visual.vocabulary;
            // They bring candidates and compare nothing: no cells.
            let added = vocabulary.assign_query(&added, query.size, 0);
            words.features.extend(added.features);
        }
        if words.features.is_empty() {
            return Ok(0.0);
        }
        // A copy shows the query's own features once more.
        question.leave_new(&mut words);
        if words.features.is_empty() {
            return Ok(milliseconds(begun));
        }
        let mut question = question;
        question.add(&words);
        let asked = scope.candidates(&question);

        let mut best = std::mem::take(&mut found.candidates.best);
        best.truncate(found.examined.len());
        let seen: HashMap<Key, usize> = best.iter().map(|c| c.key).zip(0..).collect();
        let (mut new, mut rest): (Vec<Candidate>, Vec<Candidate>) = (Vec::new(), Vec::new());
        for (rank, candidate) in asked.best.iter().enumerate() {
            match seen.get(&candidate.key) {
                // Only as far down as every search looks: the ranking may not depend on the page.
                Some(&at) if rank < MOST_EXAMINED.max(self.options.shortlist) => {
                    best[at] = *candidate;
                    if let Some(hit) = &mut found.examined[at] {
                        hit.words = candidate.score;
                    }
                }
                Some(_) => {}
                None if rank < self.options.shortlist => new.push(*candidate),
                None => rest.push(*candidate),
            }
        }
        let hits = self.examine_on(queries, &new, PATIENCE)?;
        let unexamined = new.split_off(hits.len());
        found.examined.extend(hits.into_iter().map(|hit| {
            let stage = Stage::Expansion;
            hit.map(|hit| Hit { stage, ..hit })
        }));
        best.append(&mut new);
        best.extend(unexamined);
        best.append(&mut rest);
        found.candidates = Candidates {
            best,
            total: asked.total,
        };
        Ok(milliseconds(begun))
    }

    /// The surest hits that verify one query: where it lies in each, and their features.
    fn sources(
        &self,
        query: &Sought<'_>,
        examined: &[Option<Hit>],
    ) -> Result<Vec<(Transform, Arc<StoredFeatures>)>, EngineError> {
        let own = examined.iter().flatten();
        let own = own.filter(|hit| hit.verified && hit.query == query.number);
        let mut verified: Vec<&Hit> = own.collect();
        let nfa = |hit: &Hit| hit.log10_nfa.unwrap_or(0.0);
        verified.sort_by(|a, b| nfa(a).total_cmp(&nfa(b)));
        verified.truncate(SOURCES);
        let mut sources = Vec::new();
        for hit in verified {
            let record = self.parts.catalogue.picture(&hit.picture.id)?;
            let Some((record, transform)) = record.zip(hit.transform) else {
                continue;
            };
            let stored = self.fetch(query.visual, &[record.key])?;
            let stored = stored.into_iter().flatten();
            let from_region = Transform::translation(query.origin).then(&Transform(transform));
            sources.extend(stored.map(|features| (from_region, features)));
        }
        Ok(sources)
    }
}

/// The features of pictures, as they would lie in a query of this size; of those inside it the
/// largest, [`MOST_ADDED`] at most.
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

/// A keypoint under a transform; `None` where that has no place or no area there.
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
    fn the_largest_inside_the_query_are_added() {
        let keypoints: Vec<Keypoint> = (0..4000)
            .map(|i| keypoint((i % 400) as f32, 50.0, 1.0 + i as f32 / 100.0))
            .collect();
        let rows: Vec<u8> = (0..4000u32).map(|i| (i / 16) as u8).collect();
        let stored = StoredFeatures {
            words: vec![0; 4000],
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
        assert_eq!(all.keypoints[0].scale, 1.0 + 37.99);
        assert_eq!(all.descriptors.get(0), [(3799u32 / 16) as u8]);
        assert!(laid_over(&[], [200, 100]).is_empty());
    }
}
