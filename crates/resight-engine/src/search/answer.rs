//! The answer of a search.

use std::time::Instant;

use resight_decode::is_animation;
use resight_index::Key;
use resight_store::{PictureId, ViewRecord};
use resight_vision::Transform;

use super::request::Variant;
use crate::picture::Picture;

/// The answer of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// The pictures that were searched by, in the order given.
    pub queries: Vec<QueryFacts>,
    /// Candidates that were matched and verified.
    pub shortlist: usize,
    /// Pictures in the ranking; where hits are grouped, objects and pictures of none.
    pub total: usize,
    /// Of these, verified.
    pub verified: usize,
    /// Pictures left out because somebody decided that they are no match of a query.
    pub left_out: usize,
    /// Pictures in the ranking that look alike and are not verified.
    pub alike: usize,
    /// The requested part of the ranking: files of the same bytes, then verified hits by how unlikely
    /// chance is, then those that look alike, then examined ones whose number of false alarms is below 1,
    /// then all others by words.
    pub hits: Vec<Hit>,
    /// For each hit the other pictures of its object; `None` where hits are not grouped.
    pub same_object: Option<Vec<SameObject>>,
    /// The variants of the query that were searched for: wanted, and possible with this extractor.
    pub variants: Variant,
    /// Where the time went.
    pub timings: Timings,
}

/// Facts about one picture of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryFacts {
    /// Id of the stored picture that was searched by; `None` for one that was sent.
    pub id: Option<PictureId>,
    /// Width of the whole picture in pixels.
    pub width: u32,
    /// Height of the whole picture in pixels.
    pub height: u32,
    /// Left, top, width and height of the region that counted, in pixels; `None` for all of it.
    pub region: Option<[f64; 4]>,
    /// Number of features searched by.
    pub features: usize,
}

/// Milliseconds of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Decoding the picture.
    pub decode_ms: f64,
    /// Detecting and describing keypoints.
    pub extract_ms: f64,
    /// Assigning words and searching the index.
    pub candidates_ms: f64,
    /// Matching and verifying the shortlist.
    pub verify_ms: f64,
    /// Asking once more with what verified hits show; 0 where none is or it was not wanted.
    pub expand_ms: f64,
    /// Searching for variants of the query; 0 where there was none.
    pub variants_ms: f64,
    /// Finding, matching and verifying what looks alike; 0 where no model was asked.
    pub likeness_ms: f64,
    /// All of it.
    pub total_ms: f64,
}

/// Measures the steps of a search.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    pub(crate) fn elapsed(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e3
    }

    /// Milliseconds since the start or the lap before.
    pub(crate) fn lap(&mut self) -> f64 {
        let lap = self.elapsed();
        self.0 = Instant::now();
        lap
    }
}

/// The stage that found a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Visual words in the inverted index.
    Words,
    /// Visual words of verified hits.
    Expansion,
    /// A global model's vectors.
    Dense,
    /// The bytes of the file.
    Bytes,
    /// The pixels in the same frame.
    Pixels,
}

impl Stage {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Expansion => "expansion",
            Self::Dense => "dense",
            Self::Bytes => "bytes",
            Self::Pixels => "pixels",
        }
    }
}

/// What a verified hit rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// The bytes of the file.
    File,
    /// The pixels in the same frame, of pictures with too few features.
    Pixels,
    /// The geometry of what both pictures show.
    Object,
    /// The geometry of a part that both share while most around it differs: a logo, a letterhead, the lines of
    /// a form, the finder marks of a code.
    Mark,
}

impl EvidenceKind {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pixels => "pixels",
            Self::Object => "object",
            Self::Mark => "mark",
        }
    }
}

/// The page or frame of a picture that a hit is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitView {
    /// Its number in the file, from 1.
    pub number: u32,
    /// When the frame begins, in milliseconds from the first; `None` of a page.
    pub time_ms: Option<u64>,
    /// Its width in pixels, upright.
    pub width: u32,
    /// Its height in pixels, upright.
    pub height: u32,
    /// Its key; `None` for the first page, whose features are the picture's.
    pub(crate) key: Option<Key>,
}

impl HitView {
    pub(crate) fn new(view: &ViewRecord) -> Self {
        Self {
            number: view.number,
            time_ms: view.time_ms,
            width: view.width,
            height: view.height,
            key: Some(Key(view.key)),
        }
    }

    /// The first page or frame.
    pub(crate) fn first(picture: &Picture) -> Self {
        Self {
            number: 1,
            time_ms: is_animation(&picture.media_type).then_some(0),
            width: picture.width,
            height: picture.height,
            key: None,
        }
    }
}

/// A picture found, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The picture.
    pub picture: Picture,
    /// The page or frame that the evidence is about, and in whose pixels it is; `None` of a picture of which one page
    /// is described alone.
    pub view: Option<HitView>,
    /// The stage that found it.
    pub stage: Stage,
    /// Whether its file has the bytes of a query that was sent. Such a hit is verified, whatever its
    /// features.
    pub identical: bool,
    /// Whether its pixels verify it: both pictures show the same in the same frame, and the features are
    /// too few to tell.
    pub by_pixels: bool,
    /// Whether it was matched and verified; the index alone ranked those that were not.
    pub examined: bool,
    /// Whether the matches agree on one transform beyond chance.
    pub verified: bool,
    /// What it rests on; verified hits only. A mirrored or inverted hit is never a mark.
    pub evidence: Option<EvidenceKind>,
    /// Whether the inliers' descriptors are as near as print repeats them; verified hits only.
    pub is_exact: bool,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; lower is surer. `None` where nothing agrees.
    pub log10_nfa: Option<f64>,
    /// The same in the uniform chance model, by which hits are ordered; `None` when nothing agrees.
    pub log10_uniform: Option<f64>,
    /// Number of the query that the evidence is about: the one that agrees most surely.
    pub query: usize,
    /// Share of the query, or of its region, that the matched part covers, 0..1.
    pub coverage_query: f64,
    /// Share of the result that the matched part covers, 0..1.
    pub coverage_result: f64,
    /// Score of the words, those of the variant where one is shown; comparable within one search and one
    /// variant.
    pub words: f64,
    /// Cosine of the query's vector and the picture's, by the model that makes them most alike; `None`
    /// where no model was asked or one of the two has no vector.
    pub cosine: Option<f64>,
    /// Whether that cosine is one that fewer than one pair of unrelated pictures in a million reaches
    /// ([`crate::ModelState::alike`]).
    pub alike: bool,
    /// The model's name.
    pub model: Option<String>,
    /// The variant of the query that the result shows; verified hits only.
    pub variant: Variant,
    /// Query to result in pixels, row-major 3×3, of the query as it was given: it mirrors where
    /// `variant` says so. Verified hits only.
    pub transform: Option<[f64; 9]>,
    /// The transform on which matches agree, of the query as it was matched: in the pixels of its region, where it
    /// has one. Also where it verifies nothing.
    pub(crate) likely: Option<Transform>,
    /// The outline of the query, or of its region, in the result's pixels, clipped to the result: 3 to 8
    /// corners in the order of the query's, clockwise from its top left (counter-clockwise where it is
    /// mirrored); 4 where all of it is in the result. Verified hits only.
    pub region: Option<Vec<[f64; 2]>>,
    /// The part of the result that matches, in its pixels: a convex polygon around all that the inliers'
    /// descriptors describe. The query's frame, `region`, may hold much that the result does not show.
    /// Verified hits only.
    pub shared: Option<Vec<[f64; 2]>>,
    /// The same part in the pixels of the query's whole picture. Verified hits only.
    pub shared_query: Option<Vec<[f64; 2]>>,
    /// Every place where the result shows the query, this hit's own first; verified hits only. Places
    /// that overlap are one.
    pub instances: Vec<Instance>,
    /// The inliers: x and y in the query, x and y in the result.
    pub matches: Vec<[f64; 4]>,
}

impl Hit {
    /// A hit that was not examined, with its score of the words.
    pub(crate) fn unexamined(picture: Picture, words: f64) -> Self {
        Self {
            picture,
            view: None,
            stage: Stage::Words,
            identical: false,
            by_pixels: false,
            examined: false,
            verified: false,
            evidence: None,
            is_exact: false,
            inliers: 0,
            log10_nfa: None,
            log10_uniform: None,
            query: 0,
            coverage_query: 0.0,
            coverage_result: 0.0,
            words,
            cosine: None,
            alike: false,
            model: None,
            variant: Variant::default(),
            transform: None,
            likely: None,
            region: None,
            shared: None,
            shared_query: None,
            instances: Vec::new(),
            matches: Vec::new(),
        }
    }

    /// Whether the file's views are frames of an animation, and not pages.
    pub fn is_frame(&self) -> bool {
        is_animation(&self.picture.media_type)
    }

    /// Whether it is about another page or frame than the first.
    pub(crate) fn is_of_further_page(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.key.is_some())
    }

    /// Makes the hit a verified one, at this place alone. `region` and `shared` are in the result's pixels,
    /// `shared_query` in the query's.
    pub(crate) fn verify_at(
        &mut self,
        transform: Transform,
        region: Option<Vec<[f64; 2]>>,
        shared_query: Option<Vec<[f64; 2]>>,
        shared: Option<Vec<[f64; 2]>>,
    ) {
        self.verified = true;
        self.transform = Some(transform.0);
        self.instances = vec![Instance {
            inliers: self.inliers,
            log10_nfa: self.log10_nfa,
            transform: transform.0,
            region: region.clone(),
            shared: shared.clone(),
        }];
        self.region = region;
        self.shared_query = shared_query;
        self.shared = shared;
    }
}

/// One place in a result that shows the query, verified by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; lower is surer. `None` where no features agree, as in a file of
    /// the same bytes that has none.
    pub log10_nfa: Option<f64>,
    /// Query to result in pixels, row-major 3×3.
    pub transform: [f64; 9],
    /// The query's outline in the result's pixels, clipped to the result: see [`Hit::region`].
    pub region: Option<Vec<[f64; 2]>>,
    /// The part of the result that matches: see [`Hit::shared`].
    pub shared: Option<Vec<[f64; 2]>>,
}

/// The other pictures of a hit's object in the ranking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SameObject {
    /// Their number.
    pub total: usize,
    /// Ids of the best of them, at most a hundred, best first.
    pub ids: Vec<PictureId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_add_up() {
        let mut watch = Stopwatch::start();
        let laps = watch.lap() + watch.lap();
        assert!(laps >= 0.0 && watch.elapsed() >= 0.0);
    }
}
