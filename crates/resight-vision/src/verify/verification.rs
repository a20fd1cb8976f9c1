//! The result of verification.

use super::evidence::{Evidence, VerifyOptions};
use super::refine::Model;
use super::transform::Transform;

/// The transform that most matches agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Whether the inliers suffice and chance is unlikely to give as many.
    pub verified: bool,
    /// Query to result, in pixels. Turns left to right when the evidence was mirrored.
    pub transform: Transform,
    /// Indices into the matches, ascending.
    pub inliers: Vec<usize>,
    /// Number of inliers at distinct places in both pictures. Only these are evidence.
    pub places: usize,
    /// log10 of the expected number of transforms with as many inliers by chance; lower is surer.
    pub log10_nfa: f64,
}

impl Verification {
    pub(super) fn of(model: Model, evidence: &Evidence<'_>, options: &VerifyOptions) -> Self {
        let transform = if evidence.mirrored {
            Transform::flip(evidence.query_size[0].into()).then(&model.transform)
        } else {
            model.transform
        };
        Self {
            verified: model.places >= options.min_inliers
                && model.log10_nfa <= options.max_log10_nfa,
            transform,
            inliers: model.inliers,
            places: model.places,
            log10_nfa: model.log10_nfa,
        }
    }
}
