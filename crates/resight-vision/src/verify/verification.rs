//! The result of verification.

use super::evidence::{Evidence, VerifyOptions};
use super::refine::Model;
use super::strength::Strength;
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
    /// The same in the uniform chance model, which knows nothing of the two pictures but their sizes. It
    /// orders strong agreements more evenly, and verifies nothing.
    pub log10_uniform: f64,
}

impl Verification {
    pub(super) fn of(model: Model, evidence: &Evidence<'_>, options: &VerifyOptions) -> Self {
        let transform = if evidence.mirrored {
            Transform::flip(evidence.query_size[0].into()).then(&model.transform)
        } else {
            model.transform
        };
        let Strength {
            places,
            log10_nfa,
            log10_uniform,
        } = model.strength;
        Self {
            verified: places >= options.min_inliers && log10_nfa <= options.max_log10_nfa,
            transform,
            inliers: model.inliers,
            places,
            log10_nfa,
            log10_uniform,
        }
    }
}
