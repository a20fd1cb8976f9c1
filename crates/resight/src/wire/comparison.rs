//! Two pictures against each other.

use resight_engine as engine;
use resight_vision::Image;
use serde::Serialize;

/// What two pictures share.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    verified: bool,
    inliers: usize,
    matches: usize,
    nfa_log10: Option<f64>,
    coverage_a: f64,
    coverage_b: f64,
    a: Side,
    b: Side,
    /// A to B, pixels, row by row.
    transform: Option<[f64; 9]>,
    /// The outline of A in B's pixels.
    region: Option<[[f64; 2]; 4]>,
    /// `[ax, ay, bx, by]` of each inlier.
    points: Vec<[f64; 4]>,
}

#[derive(Debug, Serialize)]
struct Side {
    width: u32,
    height: u32,
    features: usize,
}

impl Side {
    fn new(image: &Image, features: usize) -> Self {
        Self {
            width: image.width(),
            height: image.height(),
            features,
        }
    }
}

impl From<engine::Comparison> for Comparison {
    fn from(comparison: engine::Comparison) -> Self {
        Self {
            verified: comparison.verified,
            inliers: comparison.inliers,
            matches: comparison.matches,
            nfa_log10: comparison.log10_nfa,
            coverage_a: comparison.coverage_a,
            coverage_b: comparison.coverage_b,
            a: Side::new(&comparison.a, comparison.a_features),
            b: Side::new(&comparison.b, comparison.b_features),
            transform: comparison.transform,
            region: comparison.region,
            points: comparison.points,
        }
    }
}
