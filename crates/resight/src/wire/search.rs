//! The answer to a search.

use resight_engine as engine;
use resight_engine::{Engine, EngineError, SearchOptions};
use serde::Serialize;
use utoipa::ToSchema;

use super::labels::SameObject;
use super::{Picture, Reader};

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    query: QueryFacts,
    /// How long the search took, in milliseconds.
    took_ms: f64,
    timings: Timings,
    /// How many candidates were looked at closely.
    shortlist: usize,
    /// Number of hits in all: pictures that share a visual word with the query, or with
    /// `group_by=object` the objects that these belong to.
    total: usize,
    /// How many hits were skipped.
    offset: usize,
    /// How many hits were asked for at most.
    limit: usize,
    /// How many of all hits are verified.
    verified: usize,
    /// Verified hits first, surest first; then all others by visual words.
    hits: Vec<Hit>,
}

/// The picture that was searched for.
#[derive(Debug, Serialize, ToSchema)]
struct QueryFacts {
    /// Its id if it is a stored picture; null if it was sent.
    #[schema(required)]
    image_id: Option<String>,
    /// Its name if it is a stored picture; null if it was sent.
    #[schema(required)]
    name: Option<String>,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
    /// Number of local features found in it.
    features: usize,
}

/// Where the time of a search went, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
struct Timings {
    /// Reading the picture; 0 for a stored one.
    decode_ms: f64,
    /// Finding and describing its local features; 0 for a stored one.
    extract_ms: f64,
    /// Finding candidates by visual words.
    candidates_ms: f64,
    /// Looking at the candidates closely.
    verify_ms: f64,
    /// Asking once more with what verified hits show; 0 where there was nothing to ask with.
    expand_ms: f64,
    /// All of it, the same as `took_ms`.
    total_ms: f64,
}

/// A stored picture that resembles the query. Its scores are of different kinds and stay apart.
#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    image: Picture,
    /// The stage that found it: `words` of the query, or `expansion`, words of verified hits.
    #[schema(example = "words")]
    stage: String,
    /// Whether it was compared closely; hits after those that were are ranked by visual words alone.
    examined: bool,
    /// Whether the geometry agrees beyond chance: the same thing is in both pictures.
    verified: bool,
    /// Number of matched points that fit the transform.
    inliers: usize,
    /// log10 of how many such fits chance would give; the lower, the surer. Null when no transform
    /// was found.
    #[schema(required)]
    nfa_log10: Option<f64>,
    /// Share of the query that the matched points span, 0 to 1.
    coverage_query: f64,
    /// Share of the result that the matched points span, 0 to 1.
    coverage_result: f64,
    /// Score by visual words; comparable within one search only.
    words: f64,
    /// Likeness of the whole pictures, -1 to 1; null when no such model is in use.
    #[schema(required)]
    cosine: Option<f64>,
    /// The 3x3 matrix from the query's pixels to the result's, row by row.
    #[schema(required)]
    transform: Option<[f64; 9]>,
    /// The query's outline in the result's pixels, four corners [x, y] from the top left on
    /// clockwise; null when not verified.
    #[schema(required)]
    region: Option<[[f64; 2]; 4]>,
    /// The inliers as [query x, query y, result x, result y] in pixels of the full pictures; only
    /// with `matches=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<Vec<[f64; 4]>>,
    /// The pictures of its object that were found beside it; only with `group_by=object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_object: Option<SameObject>,
}

impl SearchAnswer {
    /// `options` are those that were asked for, `query_name` is that of [`query_name`], and
    /// `matches` says whether to give points.
    pub(crate) fn new(
        answer: engine::SearchAnswer,
        query_name: Option<String>,
        options: &SearchOptions,
        matches: bool,
        reader: Reader<'_>,
    ) -> Self {
        let timings = Timings::from(answer.timings);
        let hits = answer.hits.into_iter();
        let mut groups = answer.same_object.map(Vec::into_iter);
        let hits = hits.map(|hit| Hit {
            same_object: groups.as_mut().and_then(Iterator::next).map(Into::into),
            ..Hit::new(hit, matches, reader)
        });
        Self {
            query: QueryFacts {
                image_id: answer.query_id.map(|id| id.to_string()),
                name: query_name,
                width: answer.query_width,
                height: answer.query_height,
                features: answer.query_features,
            },
            took_ms: timings.total_ms,
            timings,
            shortlist: answer.shortlist,
            total: answer.total,
            offset: options.offset,
            limit: options.limit,
            verified: answer.verified,
            hits: hits.collect(),
        }
    }
}

/// The name of the stored picture that was searched for; `None` when the picture was sent, or was
/// removed since.
pub(crate) fn query_name(
    engine: &Engine,
    answer: &engine::SearchAnswer,
) -> Result<Option<String>, EngineError> {
    let Some(id) = &answer.query_id else {
        return Ok(None);
    };
    match engine.picture(id) {
        Ok(picture) => Ok(Some(picture.name)),
        Err(EngineError::UnknownPicture(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<engine::Timings> for Timings {
    fn from(timings: engine::Timings) -> Self {
        let tenths = |ms| rounded(ms, 10.0);
        Self {
            decode_ms: tenths(timings.decode_ms),
            extract_ms: tenths(timings.extract_ms),
            candidates_ms: tenths(timings.candidates_ms),
            verify_ms: tenths(timings.verify_ms),
            expand_ms: tenths(timings.expand_ms),
            total_ms: tenths(timings.total_ms),
        }
    }
}

impl Hit {
    fn new(hit: engine::Hit, matches: bool, reader: Reader<'_>) -> Self {
        // A hundredth of a pixel is far below what a match can tell, and halves the answer.
        let point = |p: [f64; 4]| p.map(|value| rounded(value, 100.0));
        Self {
            image: Picture::new(hit.picture, reader),
            stage: hit.stage.as_str().to_owned(),
            examined: hit.examined,
            verified: hit.verified,
            inliers: hit.inliers,
            nfa_log10: hit.log10_nfa,
            coverage_query: hit.coverage_query,
            coverage_result: hit.coverage_result,
            words: hit.words,
            cosine: hit.cosine,
            transform: hit.transform,
            region: hit.region,
            matches: matches.then(|| hit.matches.into_iter().map(point).collect()),
            same_object: None,
        }
    }
}

/// `value` to the nearest 1/`parts`.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
