//! Two pictures against each other.

use resight_engine as engine;
use serde::Serialize;
use utoipa::ToSchema;

/// What two pictures share.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// Whether the geometry agrees beyond chance: the same thing is in both pictures.
    verified: bool,
    /// Whether the two files have the same bytes. Such pictures are verified, whatever their features.
    identical: bool,
    /// Whether the pixels verify them: both show the same in the same frame, and the features are too few
    /// to tell.
    by_pixels: bool,
    /// What it rests on: `object`, the geometry of what both pictures show; `mark`, that of a part that both
    /// share while most around it differs, such as a logo, a letterhead or the lines of a form; `pixels`, those
    /// of pictures with few features; `file`, its bytes. Null when not verified. A mirrored or inverted picture
    /// is never a mark.
    #[schema(required, example = "object")]
    evidence: Option<&'static str>,
    /// Number of matched points that fit the transform.
    inliers: usize,
    /// Matched points in all.
    matches: usize,
    /// log10 of how many such fits chance would give; the lower, the surer. Null when no transform
    /// was found.
    #[schema(required)]
    nfa_log10: Option<f64>,
    /// Share of A that the matched part covers, 0 to 1.
    coverage_a: f64,
    /// Share of B that the matched part covers, 0 to 1.
    coverage_b: f64,
    /// Whether the second shows the first mirrored.
    mirrored: bool,
    /// Whether the second shows the first with its tones inverted, as a negative does.
    inverted: bool,
    a: Side,
    b: Side,
    /// The 3x3 matrix from A's pixels to B's, row by row; null when not verified.
    #[schema(required)]
    transform: Option<[f64; 9]>,
    /// The outline of A in B's pixels, four corners [x, y] from the top left on clockwise; null when
    /// not verified.
    #[schema(required)]
    region: Option<[[f64; 2]; 4]>,
    /// The inliers as [x in A, y in A, x in B, y in B], pixels of the full pictures.
    points: Vec<[f64; 4]>,
}

/// One of the two pictures, or the page or frame of it that agrees most with one of the other.
#[derive(Debug, Serialize, ToSchema)]
struct Side {
    /// Its id if it is a stored picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<String>,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
    /// Number of local features found in it.
    features: usize,
    /// Which page of the file it is, from 1; only where several pages were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    /// Which frame of the animation or video it is, from 1; only where several frames were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u32>,
    /// When that frame begins, in milliseconds from the first; only with `frame`.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_ms: Option<u64>,
}

impl Side {
    fn new(facts: engine::QueryFacts, page: Option<engine::ComparedPage>) -> Self {
        let is_frame = page.as_ref().is_some_and(|page| page.is_frame);
        let number = page.as_ref().map(|page| page.number);
        Self {
            page: number.filter(|_| !is_frame),
            frame: number.filter(|_| is_frame),
            time_ms: page.and_then(|page| page.time_ms),
            image_id: facts.id.map(|id| id.to_string()),
            width: facts.width,
            height: facts.height,
            features: facts.features,
        }
    }
}

impl From<engine::Comparison> for Comparison {
    fn from(comparison: engine::Comparison) -> Self {
        let [page_a, page_b] = comparison.pages;
        Self {
            verified: comparison.verified,
            identical: comparison.identical,
            by_pixels: comparison.by_pixels,
            evidence: comparison.evidence.map(engine::EvidenceKind::as_str),
            inliers: comparison.inliers,
            matches: comparison.matches,
            nfa_log10: comparison.log10_nfa,
            coverage_a: comparison.coverage_a,
            coverage_b: comparison.coverage_b,
            mirrored: comparison.variant.mirrored,
            inverted: comparison.variant.inverted,
            a: Side::new(comparison.a, page_a),
            b: Side::new(comparison.b, page_b),
            transform: comparison.transform,
            region: comparison.region,
            points: comparison.points,
        }
    }
}
