//! A candidate looked at closely: its features matched with the query's, and verified.

use std::sync::Arc;

use rayon::prelude::*;
use resight_index::{Candidate, QueryWords, Vocabulary};
use resight_vision::{
    Evidence, LocalFeatures, Lookers, Match, MatchOptions, Nearest, Transform, Verification, verify,
};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::geometry;
use crate::instances::{self, Instance};
use crate::picture::Picture;
use crate::search::{Hit, Stage};
use crate::stored_features::StoredFeatures;
use crate::variants::Variant;
use crate::visual::Visual;

/// Candidates without a verified one among them that end the search for more.
pub(crate) const PATIENCE: usize = 50;

/// Candidates examined at most for the sake of verified ones before them: where thousands show the
/// same thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

/// The query's side of a search.
pub(crate) struct Sought<'a> {
    pub(crate) features: &'a LocalFeatures,
    /// Which of the search's pictures it is.
    pub(crate) number: usize,
    /// Those of the query as it is, in the same order: `features` may be a variant's.
    pub(crate) own: &'a LocalFeatures,
    /// Which variant's they are.
    pub(crate) variant: Variant,
    /// Width and height in pixels: of the region, where that is all that counts.
    pub(crate) size: [u32; 2],
    /// Where that lies in the picture; what hits say is in pixels of the whole one.
    pub(crate) origin: [f64; 2],
    /// Its features by the cells in which they look for a match.
    pub(crate) lookers: Vec<Lookers>,
    /// Of whose words they are.
    pub(crate) visual: &'a Visual,
}

impl<'a> Sought<'a> {
    /// A query as it is, all of it and alone, and what it asks the index with.
    pub(crate) fn new(
        features: &'a LocalFeatures,
        size: [u32; 2],
        visual: &'a Visual,
        cells: usize,
    ) -> (Self, QueryWords) {
        let words = visual.vocabulary.assign_query(features, size, cells);
        let sought = Self {
            features,
            number: 0,
            own: features,
            variant: Variant::default(),
            size,
            origin: [0.0; 2],
            lookers: lookers(features, &words, &visual.vocabulary),
            visual,
        };
        (sought, words)
    }

    /// A transform of the region as one of the whole picture.
    pub(crate) fn in_whole(&self, transform: &Transform) -> Transform {
        Transform::translation(self.origin.map(|v| -v)).then(transform)
    }
}

impl Engine {
    /// Matches candidates with each query and verifies them; gives one hit each, in their order, `None`
    /// for a picture that was removed since the index was asked.
    pub(crate) fn examine(
        &self,
        queries: &[Sought<'_>],
        candidates: &[Candidate],
    ) -> Result<Vec<Option<Hit>>, EngineError> {
        let Some(visual) = queries.first().map(|query| query.visual) else {
            return Ok(Vec::new());
        };
        let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
        let records = self.parts.catalogue.pictures(&keys)?;
        let stored = self.fetch(visual, &keys)?;
        let all = candidates.par_iter().zip(records).zip(stored);
        Ok(all
            .map(|((candidate, record), stored)| {
                let (picture, stored) = (Picture::from(record?), stored?);
                self.judge_all(queries, &picture, &stored, candidate.score)
            })
            .collect())
    }

    /// Examines the first `least` of these, and on as long as one of the last few was verified. Gives the
    /// hits of as many as were examined.
    pub(crate) fn examine_on(
        &self,
        queries: &[Sought<'_>],
        all: &[Candidate],
        least: usize,
    ) -> Result<Vec<Option<Hit>>, EngineError> {
        let mut examined = Vec::new();
        let mut wanted = least;
        while examined.len() < wanted.min(all.len()) {
            let next = &all[examined.len()..wanted.min(all.len())];
            let hits = self.examine(queries, next)?;
            if hits.is_empty() {
                break;
            }
            examined.extend(hits);
            let is_verified = |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| hit.verified);
            if let Some(last) = examined.iter().rposition(is_verified) {
                wanted = wanted.max((last + 1 + PATIENCE).min(MOST_EXAMINED));
            }
        }
        Ok(examined)
    }

    /// Features of pictures by key, in their order; `None` for those that are no longer there.
    pub(crate) fn fetch(
        &self,
        visual: &Visual,
        keys: &[u64],
    ) -> Result<Vec<Option<Arc<StoredFeatures>>>, EngineError> {
        let catalogue = &*self.parts.catalogue;
        visual.cache.fetch(keys, catalogue, &visual.vocabulary)
    }

    /// Hits of which only the index knows, in the order of `candidates`, `None` as in `examine`.
    pub(crate) fn unexamined(
        &self,
        candidates: &[Candidate],
    ) -> Result<Vec<Option<Hit>>, EngineError> {
        let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
        let records = self.parts.catalogue.pictures(&keys)?;
        let all = candidates.iter().zip(records);
        Ok(all
            .map(|(candidate, record)| Some(plain_hit(record?.into(), candidate.score)))
            .collect())
    }

    /// By the query that agrees most surely; of equals, the first.
    fn judge_all(
        &self,
        queries: &[Sought<'_>],
        picture: &Picture,
        stored: &StoredFeatures,
        score: f64,
    ) -> Option<Hit> {
        let hits = queries
            .iter()
            .map(|query| self.judge(query, picture.clone(), stored, score));
        let order = |hit: &Hit| (!hit.verified, hit.log10_nfa.unwrap_or(f64::MAX));
        hits.min_by(|a, b| {
            let (a, b) = (order(a), order(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }

    fn judge(
        &self,
        query: &Sought<'_>,
        picture: Picture,
        stored: &StoredFeatures,
        score: f64,
    ) -> Hit {
        let matches = match_within_cells(
            query.features,
            &query.lookers,
            stored,
            &query.visual.vocabulary,
        );
        let size = [picture.width, picture.height];
        let evidence = Evidence {
            mirrored: query.variant.mirrored,
            ..evidence(query.features, &stored.features, &matches, query.size, size)
        };
        let found = verify(&evidence, &self.options.verify);
        let mut hit = plain_hit(picture, score);
        hit.examined = true;
        hit.query = query.number;
        if let Some(found) = found {
            hit.verified = found.verified;
            hit.inliers = found.inliers.len();
            hit.log10_nfa = Some(found.log10_nfa);
            hit.matches = inlier_points(&found, &matches, query.own, &stored.features);
            let points = &hit.matches;
            let [w, h] = query.size;
            hit.coverage_query = geometry::coverage(points.iter().map(|m| [m[0], m[1]]), w, h);
            hit.coverage_result = geometry::coverage(
                points.iter().map(|m| [m[2], m[3]]),
                hit.picture.width,
                hit.picture.height,
            );
            if found.verified {
                hit.variant = query.variant;
                hit.transform = Some(query.in_whole(&found.transform).0);
                hit.region = geometry::region(&found.transform, query.size, size);
                let verify = &self.options.verify;
                let others =
                    instances::others(query, stored, &hit.picture, &found.transform, verify);
                hit.instances.push(Instance {
                    inliers: hit.inliers,
                    log10_nfa: found.log10_nfa,
                    transform: query.in_whole(&found.transform).0,
                    region: hit.region.clone(),
                });
                hit.instances.extend(others);
            }
            for m in &mut hit.matches {
                m[0] += query.origin[0];
                m[1] += query.origin[1];
            }
        }
        hit
    }
}

/// A hit without any geometry.
fn plain_hit(picture: Picture, score: f64) -> Hit {
    Hit {
        picture,
        stage: Stage::Words,
        examined: false,
        verified: false,
        inliers: 0,
        log10_nfa: None,
        query: 0,
        coverage_query: 0.0,
        coverage_result: 0.0,
        words: score,
        cosine: None,
        alike: false,
        model: None,
        variant: Variant::default(),
        transform: None,
        region: None,
        instances: Vec::new(),
        matches: Vec::new(),
    }
}

/// The query's features that look for their match in each cell of the vocabulary.
pub(crate) fn lookers(
    features: &LocalFeatures,
    words: &QueryWords,
    vocabulary: &Vocabulary,
) -> Vec<Lookers> {
    let descriptors = &features.descriptors;
    let mut cells: Vec<Vec<u32>> = vec![Vec::new(); vocabulary.cells()];
    for (feature, query) in words.features.iter().zip(0u32..).take(descriptors.len()) {
        for &cell in &feature.cells {
            cells[cell as usize].push(query);
        }
    }
    let cells = cells.into_par_iter().map(|queries| {
        let rows = queries.iter().map(|&i| descriptors.get(i as usize));
        let rows = rows.collect::<Vec<_>>().concat();
        Lookers::new(queries, rows, descriptors.dimension())
    });
    cells.collect()
}

/// Compares each stored feature with the query's features that look into its cell only: with 12 of
/// 256 cells a twentieth of the work, and few true matches lie elsewhere.
pub(crate) fn match_within_cells(
    query: &LocalFeatures,
    lookers: &[Lookers],
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let descriptors = &stored.features.descriptors;
    let dimension = descriptors.dimension();
    let mut nearest = Nearest::new(query.len(), stored.features.len());
    let mut first = 0;
    for (cell, lookers) in lookers.iter().enumerate() {
        let words = vocabulary.cell_words(cell as u32);
        let until = first + stored.words[first..].partition_point(|&w| w < words.end);
        if !lookers.is_empty() && first < until && dimension == query.descriptors.dimension() {
            let rows = &descriptors.as_bytes()[first * dimension..until * dimension];
            nearest.compare_run(first as u32, rows, lookers);
        }
        first = until;
    }
    nearest.matches(&MatchOptions::default())
}

pub(crate) fn evidence<'a>(
    query: &'a LocalFeatures,
    result: &'a LocalFeatures,
    matches: &'a [Match],
    query_size: [u32; 2],
    result_size: [u32; 2],
) -> Evidence<'a> {
    Evidence {
        query: &query.keypoints,
        result: &result.keypoints,
        matches,
        query_size: query_size.map(|v| v as f32),
        result_size: result_size.map(|v| v as f32),
        mirrored: false,
    }
}

pub(crate) fn inlier_points(
    found: &Verification,
    matches: &[Match],
    query: &LocalFeatures,
    result: &LocalFeatures,
) -> Vec<[f64; 4]> {
    found
        .inliers
        .iter()
        .map(|&i| {
            let (q, r) = (
                &query.keypoints[matches[i].query as usize],
                &result.keypoints[matches[i].result as usize],
            );
            [q.x.into(), q.y.into(), r.x.into(), r.y.into()]
        })
        .collect()
}
