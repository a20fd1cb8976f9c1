//! Two pictures against each other, without the index: all features with all.

use resight_vision::{Image, LocalExtractor, LocalFeatures, MatchOptions, match_all, verify};

use crate::describe::describe;
use crate::engine::{Engine, EngineOptions};
use crate::error::EngineError;
use crate::examine::{evidence, inlier_points};
use crate::geometry;
use crate::query::{Query, QueryFacts};
use crate::search::Timings;

/// What two pictures share.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The first picture.
    pub a: QueryFacts,
    /// The second picture.
    pub b: QueryFacts,
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

/// Compares the bytes of two picture files, described by `extractor`; gives the pictures, upright, as
/// well.
pub fn compare(
    a: &[u8],
    b: &[u8],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Result<(Comparison, [Image; 2]), EngineError> {
    let (a, b) = (
        describe(a, options, extractor, None)?,
        describe(b, options, extractor, None)?,
    );
    let facts = |image: &Image, features: &LocalFeatures| QueryFacts {
        id: None,
        width: image.width(),
        height: image.height(),
        region: None,
        features: features.len(),
    };
    let sides = [facts(&a.image, &a.features), facts(&b.image, &b.features)];
    let comparison = compared(sides, [&a.features, &b.features], options);
    Ok((comparison, [a.image, b.image]))
}

impl Engine {
    /// Compares two pictures, sent or held. Those held need no file: their stored features are
    /// compared.
    pub fn compare(&self, a: Query<'_>, b: Query<'_>) -> Result<Comparison, EngineError> {
        let visual = self.visual();
        let mut timings = Timings::default();
        let a = self.resolve(&a.into(), false, &visual, &mut timings)?;
        let b = self.resolve(&b.into(), false, &visual, &mut timings)?;
        let features = [&a.features, &b.features];
        Ok(compared([a.facts, b.facts], features, &self.options))
    }
}

fn compared(
    [a, b]: [QueryFacts; 2],
    features: [&LocalFeatures; 2],
    options: &EngineOptions,
) -> Comparison {
    let [of_a, of_b] = features;
    let matches = match_all(
        &of_a.descriptors,
        &of_b.descriptors,
        &MatchOptions::default(),
    );
    let (a_size, b_size) = ([a.width, a.height], [b.width, b.height]);
    let evidence = evidence(of_a, of_b, &matches, a_size, b_size);
    let found = verify(&evidence, &options.verify);
    let points = found
        .as_ref()
        .map(|f| inlier_points(f, &matches, of_a, of_b))
        .unwrap_or_default();
    let verified = found.as_ref().filter(|f| f.verified);
    let hull = |side: [usize; 2], [w, h]: [u32; 2]| {
        geometry::coverage(points.iter().map(|p| side.map(|i| p[i])), w, h)
    };
    Comparison {
        matches: matches.len(),
        verified: verified.is_some(),
        inliers: points.len(),
        log10_nfa: found.as_ref().map(|f| f.log10_nfa),
        coverage_a: hull([0, 1], a_size),
        coverage_b: hull([2, 3], b_size),
        transform: verified.map(|f| f.transform.0),
        region: verified.and_then(|f| geometry::outline(&f.transform, a.width, a.height)),
        points,
        a,
        b,
    }
}
