//! Search by picture: candidates by words, then every candidate of the shortlist is matched and
//! verified.

use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use resight_index::{CandidateOptions, QueryWords, Vocabulary};
use resight_store::PictureId;
use resight_vision::{Evidence, LocalFeatures, Match, MatchOptions, Nearest, Verification, verify};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::geometry;
use crate::picture::Picture;
use crate::stored_features::StoredFeatures;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub enum Query<'a> {
    /// The bytes of a picture file.
    Bytes(&'a [u8]),
    /// A picture held; it is left out of its own results.
    Stored(&'a PictureId),
}

/// Which part of the ranking is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchOptions {
    /// Hits to skip.
    pub offset: usize,
    /// Hits to give.
    pub limit: usize,
    /// Leave out hits whose geometry does not agree.
    pub verified_only: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: 20,
            verified_only: false,
        }
    }
}

/// The ranking, best first: verified hits by how unlikely chance is, then the others by words.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// The picture held that was searched for; `None` for bytes.
    pub query_id: Option<PictureId>,
    /// Width of the query in pixels.
    pub query_width: u32,
    /// Height of the query in pixels.
    pub query_height: u32,
    /// Features found in it.
    pub query_features: usize,
    /// Candidates that were verified.
    pub shortlist: usize,
    /// Hits in the whole ranking.
    pub total: usize,
    /// Verified hits in the whole ranking.
    pub verified: usize,
    /// The part asked for.
    pub hits: Vec<Hit>,
    /// Where the time went.
    pub timings: Timings,
}

/// Milliseconds of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Reading the picture.
    pub decode_ms: f64,
    /// Finding and describing keypoints.
    pub extract_ms: f64,
    /// Assigning words and searching the index.
    pub candidates_ms: f64,
    /// Matching and verifying the shortlist.
    pub verify_ms: f64,
    /// All of it.
    pub total_ms: f64,
}

/// What found a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Visual words in the inverted index.
    Words,
}

impl Stage {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
        }
    }
}

/// A picture found, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Which.
    pub picture: Picture,
    /// What found it.
    pub stage: Stage,
    /// Whether the matches agree on one transform beyond chance.
    pub verified: bool,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; lower is surer. `None` when nothing agrees.
    pub log10_nfa: Option<f64>,
    /// Share of the query inside the hull of the inliers, 0..1.
    pub coverage_query: f64,
    /// Share of the result inside the hull of the inliers, 0..1.
    pub coverage_result: f64,
    /// Score of the words; comparable within one search.
    pub words: f64,
    /// Cosine of global descriptors, once there are any.
    pub cosine: Option<f64>,
    /// Query to result in pixels, row-major 3×3; verified hits only.
    pub transform: Option<[f64; 9]>,
    /// The query's outline in the result's pixels; verified hits only.
    pub region: Option<[[f64; 2]; 4]>,
    /// The inliers: x and y in the query, x and y in the result.
    pub matches: Vec<[f64; 4]>,
}

/// The query's side of a search.
struct Prepared {
    features: LocalFeatures,
    size: [u32; 2],
    words: QueryWords,
}

impl Engine {
    /// Finds the pictures that show the same thing.
    pub fn search(
        &self,
        query: Query<'_>,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, EngineError> {
        let start = Instant::now();
        let mut timings = Timings::default();
        let (id, own_key, features, size) = self.query_features(query, &mut timings)?;

        let step = Instant::now();
        let snapshot = self.index.snapshot();
        let vocabulary = &self.parts.vocabulary;
        let words = vocabulary.assign_query(&features.descriptors, self.options.matching_cells);
        let wanted = CandidateOptions {
            limit: self
                .options
                .shortlist
                .saturating_add(usize::from(own_key.is_some())),
            ..CandidateOptions::default()
        };
        let mut candidates = snapshot.candidates(&words, &wanted);
        candidates.retain(|c| Some(c.key.0) != own_key);
        candidates.truncate(self.options.shortlist);
        timings.candidates_ms = milliseconds(step);

        let step = Instant::now();
        let keys: Vec<u64> = candidates.iter().map(|c| c.key.0).collect();
        let records = self.parts.catalogue.pictures(&keys)?;
        let stored = self.cache.fetch(&keys, &*self.parts.catalogue)?;
        let prepared = Prepared {
            features,
            size,
            words,
        };
        let mut hits: Vec<Hit> = candidates
            .par_iter()
            .zip(records)
            .zip(stored)
            // A picture removed since the snapshot was taken is no longer a hit.
            .filter_map(|((c, record), stored)| Some((c.score, Picture::from(record?), stored?)))
            .map(|(score, picture, stored)| self.judge(&prepared, picture, &stored, score))
            .collect();
        hits.sort_by(|a, b| {
            let nfa = |h: &Hit| {
                if h.verified {
                    h.log10_nfa.unwrap_or(0.0)
                } else {
                    0.0
                }
            };
            b.verified
                .cmp(&a.verified)
                .then(nfa(a).total_cmp(&nfa(b)))
                .then(b.words.total_cmp(&a.words))
        });
        timings.verify_ms = milliseconds(step);

        let verified = hits.iter().filter(|h| h.verified).count();
        if options.verified_only {
            hits.truncate(verified);
        }
        let total = hits.len();
        let hits = hits
            .into_iter()
            .skip(options.offset)
            .take(options.limit)
            .collect();
        timings.total_ms = milliseconds(start);
        Ok(SearchAnswer {
            query_id: id,
            query_width: size[0],
            query_height: size[1],
            query_features: prepared.features.len(),
            shortlist: keys.len(),
            total,
            verified,
            hits,
            timings,
        })
    }

    /// The id, the key to leave out, the features and the size of a query.
    #[allow(clippy::type_complexity)]
    fn query_features(
        &self,
        query: Query<'_>,
        timings: &mut Timings,
    ) -> Result<(Option<PictureId>, Option<u64>, LocalFeatures, [u32; 2]), EngineError> {
        match query {
            Query::Bytes(bytes) => {
                let described = self.describe(bytes, None)?;
                timings.decode_ms = described.decode_ms;
                timings.extract_ms = described.extract_ms;
                let size = [described.image.width(), described.image.height()];
                Ok((None, None, described.features, size))
            }
            Query::Stored(id) => {
                let unknown = || EngineError::UnknownPicture(id.clone());
                let record = self.parts.catalogue.picture(id)?.ok_or_else(unknown)?;
                let stored = self.cache.fetch(&[record.key], &*self.parts.catalogue)?;
                let stored: Arc<StoredFeatures> =
                    stored.into_iter().flatten().next().ok_or_else(unknown)?;
                let size = [record.width, record.height];
                Ok((
                    Some(record.id),
                    Some(record.key),
                    stored.features.clone(),
                    size,
                ))
            }
        }
    }

    fn judge(
        &self,
        query: &Prepared,
        picture: Picture,
        stored: &StoredFeatures,
        score: f64,
    ) -> Hit {
        let matches = match_within_cells(query, stored, &self.parts.vocabulary);
        let found = verify(
            &evidence(
                &query.features,
                &stored.features,
                &matches,
                query.size,
                [picture.width, picture.height],
            ),
            &self.options.verify,
        );
        let mut hit = Hit {
            picture,
            stage: Stage::Words,
            verified: false,
            inliers: 0,
            log10_nfa: None,
            coverage_query: 0.0,
            coverage_result: 0.0,
            words: score,
            cosine: None,
            transform: None,
            region: None,
            matches: Vec::new(),
        };
        if let Some(found) = found {
            hit.verified = found.verified;
            hit.inliers = found.inliers.len();
            hit.log10_nfa = Some(found.log10_nfa);
            hit.matches = inlier_points(&found, &matches, &query.features, &stored.features);
            let points = &hit.matches;
            let [w, h] = query.size;
            hit.coverage_query = geometry::coverage(points.iter().map(|m| [m[0], m[1]]), w, h);
            hit.coverage_result = geometry::coverage(
                points.iter().map(|m| [m[2], m[3]]),
                hit.picture.width,
                hit.picture.height,
            );
            if found.verified {
                hit.transform = Some(found.transform.0);
                hit.region = geometry::outline(&found.transform, w, h);
            }
        }
        hit
    }
}

/// Compares each query feature with the stored features in its nearest cells only: with 12 of 128
/// cells a tenth of the work, and few true matches lie elsewhere.
fn match_within_cells(
    query: &Prepared,
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let descriptors = &stored.features.descriptors;
    let d = descriptors.dimension();
    let ranges: Vec<(usize, usize)> = (0..vocabulary.cells() as u32)
        .map(|cell| {
            let words = vocabulary.cell_words(cell);
            let first = stored.words.partition_point(|&w| w < words.start);
            let last = stored.words.partition_point(|&w| w < words.end);
            (first, last)
        })
        .collect();
    let mut nearest = Nearest::new(query.features.len(), stored.features.len());
    for ((descriptor, feature), i) in query
        .features
        .descriptors
        .iter()
        .zip(&query.words.features)
        .zip(0u32..)
    {
        for &cell in &feature.cells {
            let (first, last) = ranges[cell as usize];
            if first < last {
                nearest.compare(
                    i,
                    descriptor,
                    first as u32,
                    &descriptors.as_bytes()[first * d..last * d],
                );
            }
        }
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

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
