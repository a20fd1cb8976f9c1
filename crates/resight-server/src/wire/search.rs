//! The answer to a search.

use resight_engine as engine;
use resight_engine::{EngineError, Library, SearchOptions};
use serde::Serialize;
use utoipa::ToSchema;

use super::labels::SameObject;
use super::{Picture, Reader};

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchAnswer {
    /// What was searched for; the first picture where several were given.
    query: QueryFacts,
    /// All of them, where several were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<Vec<QueryFacts>>,
    /// How long the search took, in milliseconds.
    took_ms: f64,
    timings: Timings,
    /// How many candidates were looked at closely.
    shortlist: usize,
    /// Number of hits in all: pictures that share a visual word with the query or look like it, or with
    /// `group_by=object` the objects that these belong to.
    total: usize,
    /// How many hits were skipped.
    offset: usize,
    /// How many hits were asked for at most.
    limit: usize,
    /// How many of all hits are verified.
    verified_hits: usize,
    /// How many hits after those look like the query as a whole.
    alike_hits: usize,
    /// Whether the query was looked for mirrored as well; not with features of a plug-in.
    mirrored: bool,
    /// Whether the query was looked for with its tones inverted as well; not with features of a plug-in.
    inverted: bool,
    /// How many stored pictures were left out because somebody said that they are no match of the
    /// query.
    left_out: usize,
    /// Files of the same bytes first; then verified hits, surest first; then those that look alike, the
    /// most alike first; then those compared closely whose number of false alarms is below 1, surest
    /// first; then all others by visual words. The surest are those with the fewest false alarms in the
    /// uniform chance model.
    hits: Vec<Hit>,
}

/// A picture that was searched for.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
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
    /// Left, top, width and height of the region that counted, in pixels; null for all of it.
    #[schema(required)]
    region: Option<[f64; 4]>,
    /// Number of local features that were searched by.
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
    /// Looking for the query mirrored and inverted; 0 where that was not done.
    variants_ms: f64,
    /// Finding what looks alike, and looking at that closely; 0 where no model is asked.
    likeness_ms: f64,
    /// All of it, the same as `took_ms`.
    total_ms: f64,
}

/// A stored picture that resembles the query. Its scores are of different kinds and stay apart.
#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    image: Picture,
    /// Which page of the file the hit is about, from 1; only where several pages are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// Which frame of an animation the hit is about, from 1; only where several frames are searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u32>,
    /// When that frame begins, in milliseconds from the first; only with `frame`.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
    /// Width and height of that page or frame in pixels, in which the places in the result are; only with `page` or
    /// `frame`.
    #[serde(skip_serializing_if = "Option::is_none")]
    view_size: Option<[u32; 2]>,
    /// The stage that found it: `words` of the query, `expansion`, words of verified hits, `dense`, the
    /// vectors of a model, `bytes`, those of the file, or `pixels`, those of a picture with few features.
    #[schema(example = "words")]
    stage: String,
    /// Whether its file has the bytes of a picture that was sent. Such a hit is verified, whatever its
    /// features.
    identical: bool,
    /// Whether its pixels verify it: both pictures show the same in the same frame, and the features are
    /// too few to tell. There are no inliers then.
    by_pixels: bool,
    /// Whether it was compared closely; hits after those that were are ranked by visual words alone.
    examined: bool,
    /// Whether the geometry agrees beyond chance: the same thing is in both pictures.
    verified: bool,
    /// What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both
    /// share while most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those
    /// of pictures with few features; `file`, its bytes. Null when not verified. A mirrored or inverted picture
    /// is never a mark.
    #[schema(required, example = "object")]
    evidence: Option<&'static str>,
    /// Number of matched points that fit the transform.
    inliers: usize,
    /// log10 of how many such fits chance would give; the lower, the surer. Null when no transform
    /// was found.
    #[schema(required)]
    nfa_log10: Option<f64>,
    /// Which of the pictures searched for the evidence is about, counted from 0; 0 for one.
    query: usize,
    /// Share of the query, or of its region, that the matched part covers, 0 to 1.
    coverage_query: f64,
    /// Share of the result that the matched part covers, 0 to 1.
    coverage_result: f64,
    /// Score by visual words; comparable within one search only.
    words: f64,
    /// Likeness of the whole pictures, -1 to 1, by the model that makes them most alike; null when no
    /// such model is asked.
    #[schema(required)]
    cosine: Option<f64>,
    /// Whether they are more alike than one pair of unrelated pictures in a million.
    alike: bool,
    /// The model's name; null when no such model is asked.
    #[schema(required)]
    model: Option<String>,
    /// Whether the result shows the query mirrored.
    mirrored: bool,
    /// Whether the result shows the query with its tones inverted, as a negative does.
    inverted: bool,
    /// The 3x3 matrix from the query's pixels to the result's, row by row. Where `mirrored` is true it
    /// mirrors.
    #[schema(required)]
    transform: Option<[f64; 9]>,
    /// The outline of the query, or of its region, in the result's pixels, clipped to the result: 3 to 8
    /// corners [x, y], 4
    /// where all of it is inside, in the order of the query's from its top left on clockwise; null
    /// when not verified.
    #[schema(required)]
    region: Option<Vec<[f64; 2]>>,
    /// The part of the result that matches, in its pixels: corners [x, y] of a convex polygon around all
    /// that the matched descriptors describe. The frame, `region`, may hold much that the result does not
    /// show. Null when not verified.
    #[schema(required)]
    shared: Option<Vec<[f64; 2]>>,
    /// The same part in the pixels of the query's whole picture; null when not verified.
    #[schema(required)]
    shared_query: Option<Vec<[f64; 2]>>,
    /// Every place in the result where the query is seen, at most 8, each verified by itself; this
    /// hit's own `transform`, `region` and `shared` first. Places whose frames overlap by more than half
    /// of the smaller, or whose matched parts by more than 0.3, are one. Empty when not verified.
    instances: Vec<Instance>,
    /// The inliers as [query x, query y, result x, result y] in pixels of the full pictures; only
    /// with `matches=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<Vec<[f64; 4]>>,
    /// The pictures of its object that were found beside it; only with `group_by=object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_object: Option<SameObject>,
}

/// One place in a result where the query is seen.
#[derive(Debug, Serialize, ToSchema)]
struct Instance {
    /// Number of matched points that fit its transform.
    inliers: usize,
    /// log10 of how many such fits chance would give; the lower, the surer. Null where no features agree,
    /// as in a file of the same bytes that has none.
    #[schema(required)]
    nfa_log10: Option<f64>,
    /// The 3x3 matrix from the query's pixels to the result's, row by row.
    transform: [f64; 9],
    /// The query's outline there, as the hit's `region`.
    #[schema(required)]
    region: Option<Vec<[f64; 2]>>,
    /// The part that matches there, as the hit's `shared`.
    #[schema(required)]
    shared: Option<Vec<[f64; 2]>>,
}

impl From<engine::Instance> for Instance {
    fn from(instance: engine::Instance) -> Self {
        Self {
            inliers: instance.inliers,
            nfa_log10: instance.log10_nfa,
            transform: instance.transform,
            region: instance.region,
            shared: instance.shared,
        }
    }
}

impl SearchAnswer {
    /// `options` are those that were asked for, and `matches` says whether to give points.
    ///
    /// # Errors
    /// When the name of a stored picture that was searched for cannot be read.
    pub fn new(
        library: &Library,
        answer: engine::SearchAnswer,
        options: &SearchOptions,
        matches: bool,
        reader: Reader<'_>,
    ) -> Result<Self, EngineError> {
        let timings = Timings::from(answer.timings);
        let queries = answer.queries.into_iter();
        let queries: Vec<QueryFacts> = queries
            .map(|facts| QueryFacts::new(library, facts))
            .collect::<Result<_, _>>()?;
        let hits = answer.hits.into_iter();
        let mut groups = answer.same_object.map(Vec::into_iter);
        let hits = hits.map(|hit| Hit {
            same_object: groups.as_mut().and_then(Iterator::next).map(Into::into),
            ..Hit::new(hit, matches, reader)
        });
        Ok(Self {
            query: queries.first().cloned().unwrap_or_default(),
            queries: (queries.len() > 1).then_some(queries),
            took_ms: timings.total_ms,
            timings,
            shortlist: answer.shortlist,
            total: answer.total,
            offset: options.offset,
            limit: options.limit,
            verified_hits: answer.verified,
            alike_hits: answer.alike,
            mirrored: answer.variants.mirrored,
            inverted: answer.variants.inverted,
            left_out: answer.left_out,
            hits: hits.collect(),
        })
    }
}

impl SearchAnswer {
    /// The hits one by one.
    pub fn hits(&self) -> impl Iterator<Item = impl Serialize> {
        self.hits.iter()
    }
}

impl QueryFacts {
    fn new(library: &Library, facts: engine::QueryFacts) -> Result<Self, EngineError> {
        let name = match facts.id.as_ref().map(|id| library.picture(id)) {
            Some(Ok(picture)) => Some(picture.name),
            // It was removed since.
            None | Some(Err(EngineError::UnknownPicture(_))) => None,
            Some(Err(error)) => return Err(error),
        };
        Ok(Self {
            image_id: facts.id.map(|id| id.to_string()),
            name,
            width: facts.width,
            height: facts.height,
            region: facts.region,
            features: facts.features,
        })
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
            variants_ms: tenths(timings.variants_ms),
            likeness_ms: tenths(timings.likeness_ms),
            total_ms: tenths(timings.total_ms),
        }
    }
}

impl Hit {
    fn new(hit: engine::Hit, matches: bool, reader: Reader<'_>) -> Self {
        // A hundredth of a pixel is far below what a match can tell, and halves the answer.
        let point = |p: [f64; 4]| p.map(|value| rounded(value, 100.0));
        let is_frame = hit.is_frame();
        let number = hit.view.as_ref().map(|view| view.number);
        Self {
            page: number.filter(|_| !is_frame),
            frame: number.filter(|_| is_frame),
            time_ms: hit.view.as_ref().and_then(|view| view.time_ms),
            view_size: hit.view.as_ref().map(|view| [view.width, view.height]),
            image: Picture::new(hit.picture, reader),
            stage: hit.stage.as_str().to_owned(),
            identical: hit.identical,
            by_pixels: hit.by_pixels,
            evidence: hit.evidence.map(engine::EvidenceKind::as_str),
            examined: hit.examined,
            verified: hit.verified,
            inliers: hit.inliers,
            nfa_log10: hit.log10_nfa,
            query: hit.query,
            coverage_query: hit.coverage_query,
            coverage_result: hit.coverage_result,
            words: hit.words,
            cosine: hit.cosine.map(|cosine| rounded(cosine, 1e4)),
            alike: hit.alike,
            model: hit.model,
            mirrored: hit.variant.mirrored,
            inverted: hit.variant.inverted,
            transform: hit.transform,
            region: hit.region,
            shared: hit.shared,
            shared_query: hit.shared_query,
            instances: hit.instances.into_iter().map(Instance::from).collect(),
            matches: matches.then(|| hit.matches.into_iter().map(point).collect()),
            same_object: None,
        }
    }
}

/// `value` to the nearest 1/`parts`.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
