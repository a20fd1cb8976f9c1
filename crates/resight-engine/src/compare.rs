//! Two pictures against each other, without the index: all features with all.

use resight_vision::{Image, LocalExtractor, MatchOptions, match_all, verify};

use crate::describe::describe;
use crate::engine::EngineOptions;
use crate::error::EngineError;
use crate::examine::{evidence, inlier_points};
use crate::geometry;

/// What two pictures share.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first picture, upright.
    pub a: Image,
    /// The second picture, upright.
    pub b: Image,
    /// Features of the first.
    pub a_features: usize,
    /// Features of the second.
    pub b_features: usize,
    /// Matches before verification.
    pub matches: usize,
    /// Whether they agree on one transform beyond chance.
    pub verified: bool,
    /// Matches that agree.
    pub inliers: usize,
    /// log10 of the number of false alarms; `None` when nothing agrees.
    pub log10_nfa: Option<f64>,
    /// Share of the first picture inside the hull of the inliers, 0..1.
    pub coverage_a: f64,
    /// Share of the second picture inside the hull of the inliers, 0..1.
    pub coverage_b: f64,
    /// First to second in pixels, row-major 3×3; when verified.
    pub transform: Option<[f64; 9]>,
    /// The first picture's outline in the second's pixels; when verified.
    pub region: Option<[[f64; 2]; 4]>,
    /// The inliers: x and y in the first, x and y in the second.
    pub points: Vec<[f64; 4]>,
}

/// Compares the bytes of two picture files, described by `extractor`.
pub fn compare(
    a: &[u8],
    b: &[u8],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Result<Comparison, EngineError> {
    let (a, b) = (
        describe(a, options, extractor, None)?,
        describe(b, options, extractor, None)?,
    );
    let size = |image: &Image| [image.width(), image.height()];
    let matches = match_all(
        &a.features.descriptors,
        &b.features.descriptors,
        &MatchOptions::default(),
    );
    let evidence = evidence(
        &a.features,
        &b.features,
        &matches,
        size(&a.image),
        size(&b.image),
    );
    let found = verify(&evidence, &options.verify);
    let points = found
        .as_ref()
        .map(|f| inlier_points(f, &matches, &a.features, &b.features))
        .unwrap_or_default();
    let verified = found.as_ref().filter(|f| f.verified);
    Ok(Comparison {
        a_features: a.features.len(),
        b_features: b.features.len(),
        matches: matches.len(),
        verified: verified.is_some(),
        inliers: points.len(),
        log10_nfa: found.as_ref().map(|f| f.log10_nfa),
        coverage_a: geometry::coverage(
            points.iter().map(|p| [p[0], p[1]]),
            a.image.width(),
            a.image.height(),
        ),
        coverage_b: geometry::coverage(
            points.iter().map(|p| [p[2], p[3]]),
            b.image.width(),
            b.image.height(),
        ),
        transform: verified.map(|f| f.transform.0),
        region: verified
            .and_then(|f| geometry::outline(&f.transform, a.image.width(), a.image.height())),
        points,
        a: a.image,
        b: b.image,
    })
}
