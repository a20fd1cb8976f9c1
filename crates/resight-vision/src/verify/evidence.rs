//! Do the matches of two pictures agree on one transform, or are they chance?
//!
//! Each SIFT match carries two scales and two angles, so one match alone proposes a similarity
//! (Lowe 2004 §7.2; Philbin et al., CVPR 2007). All of them are counted out, and those that most
//! matches agree with are refined to an affine transform and a homography on their inliers, with
//! the tolerance closing in (local optimisation, Chum et al., DAGM 2003); the last fit weighs
//! inliers by how far they lie off, on a scale that is measured on them (as MAGSAC++ does, Barath
//! et al., CVPR 2020, which averages over scales instead). There is no random choice: the same
//! matches always give the same answer.

mod fit;
mod instances;
mod nfa;
mod pairs;
mod refine;
mod transform;

pub use instances::verify_others;
pub use transform::Transform;

use pairs::Pairs;
use refine::{Bounds, Model};

use crate::dispatch::Simd;
use crate::features::Keypoint;
use crate::matching::Match;

/// The two pictures' features and what is taken to belong together.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Keypoints of the query.
    pub query: &'a [Keypoint],
    /// Keypoints of the result.
    pub result: &'a [Keypoint],
    /// Pairs of the two, best first.
    pub matches: &'a [Match],
    /// Width and height of the query in pixels.
    pub query_size: [f32; 2],
    /// Width and height of the result in pixels.
    pub result_size: [f32; 2],
    /// Whether `query` holds the keypoints of the query mirrored left to right: transforms are
    /// then found for the mirrored query and given for the query as it is.
    pub mirrored: bool,
}

/// Bounds of what is accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerifyOptions {
    /// An inlier lies within this share of the result's diagonal of where it should.
    pub tolerance: f64,
    /// `verified` needs a log10 number of false alarms at or below this.
    pub max_log10_nfa: f64,
    /// `verified` needs this many inliers at places of their own, however unlikely fewer are.
    pub min_inliers: usize,
}

/// What they promise is in `docs/calibration.md`.
impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            tolerance: 0.008,
            max_log10_nfa: -5.0,
            min_inliers: 7,
        }
    }
}

/// The transform that most matches agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Whether this many inliers are beyond chance.
    pub verified: bool,
    /// Query to result, in pixels; turns left to right when the evidence was mirrored.
    pub transform: Transform,
    /// Indices into the matches, ascending.
    pub inliers: Vec<usize>,
    /// Inliers at places of their own in both pictures, which alone are evidence.
    pub places: usize,
    /// log10 of how many transforms with so many inliers chance would give: the lower, the surer.
    pub log10_nfa: f64,
}

/// Finds the transform that most matches agree on; `None` when no three do.
pub fn verify(evidence: &Evidence<'_>, options: &VerifyOptions) -> Option<Verification> {
    let pairs = Pairs::of(evidence);
    let bounds = Bounds::of(evidence, options);
    let model = refine::best(&pairs, &bounds, Simd::widest())?;
    Some(told(model, evidence, options))
}

fn told(model: Model, evidence: &Evidence<'_>, options: &VerifyOptions) -> Verification {
    let enough = model.places >= options.min_inliers;
    let transform = match evidence.mirrored {
        true => Transform::flip(evidence.query_size[0].into()).then(&model.transform),
        false => model.transform,
    };
    Verification {
        verified: enough && model.log10_nfa <= options.max_log10_nfa,
        transform,
        inliers: model.inliers,
        places: model.places,
        log10_nfa: model.log10_nfa,
    }
}

#[cfg(test)]
mod tests;
