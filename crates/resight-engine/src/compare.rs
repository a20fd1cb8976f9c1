//! Two pictures against each other, without the index: all features with all, as they are and with the
//! first mirrored or inverted.

use resight_vision::{
    Evidence, Image, LocalExtractor, LocalFeatures, MatchOptions, match_all, verify,
};

use crate::describe::describe;
use crate::engine::{Engine, EngineOptions};
use crate::error::EngineError;
use crate::examine::{evidence, inlier_points};
use crate::geometry;
use crate::query::{Query, QueryFacts};
use crate::search::Timings;
use crate::variants::Variant;

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
    /// Which variant of the first picture the second shows; when verified.
    pub variant: Variant,
    /// First to second in pixels, row-major 3×3, of the first as it was given; when verified.
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
    let comparison = compared(sides, [&a.features, &b.features], extractor, options);
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
        let extractor = &*self.parts.extractor;
        Ok(compared(
            [a.facts, b.facts],
            features,
            extractor,
            &self.options,
        ))
    }
}

/// As the pictures are, or with a variant of the first where that is verified and surer.
fn compared(
    sides: [QueryFacts; 2],
    features: [&LocalFeatures; 2],
    extractor: &dyn LocalExtractor,
    options: &EngineOptions,
) -> Comparison {
    let as_is = Variant::default();
    let mut best = compared_as(as_is, &sides, features[0], features, options);
    for (variant, changed) in Variant::all_of(features[0], sides[0].width, extractor) {
        let other = compared_as(variant, &sides, &changed, features, options);
        let order = |c: &Comparison| (!c.verified, c.log10_nfa.unwrap_or(f64::MAX));
        if other.verified && order(&other) < order(&best) {
            best = other;
        }
    }
    best
}

/// `changed` are the first picture's features as they are in this variant of it.
fn compared_as(
    variant: Variant,
    [a, b]: &[QueryFacts; 2],
    changed: &LocalFeatures,
    [of_a, of_b]: [&LocalFeatures; 2],
    options: &EngineOptions,
) -> Comparison {
    let matches = match_all(
        &changed.descriptors,
        &of_b.descriptors,
        &MatchOptions::default(),
    );
    let (a_size, b_size) = ([a.width, a.height], [b.width, b.height]);
    let evidence = Evidence {
        mirrored: variant.mirrored,
        ..evidence(changed, of_b, &matches, a_size, b_size)
    };
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
        variant: verified.map_or(Variant::default(), |_| variant),
        transform: verified.map(|f| f.transform.0),
        region: verified.and_then(|f| geometry::outline(&f.transform, a.width, a.height)),
        points,
        a: a.clone(),
        b: b.clone(),
    }
}
