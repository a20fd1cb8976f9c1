//! Geometric verification: finds the transform that the matches of two pictures agree on, and
//! estimates how likely chance would give the same agreement.
//!
//! Each SIFT match carries two scales and two angles, so a single match proposes a similarity
//! (Lowe 2004 §7.2; Philbin et al., CVPR 2007). [`verify`] counts the matches that agree with each
//! proposal. It refines the proposals with the most support to an affine transform and a
//! homography on their inliers, while the tolerance shrinks (local optimisation, Chum et al., DAGM
//! 2003). The last fit weighs inliers by their residuals, relative to a scale estimated from them
//! (MAGSAC++, Barath et al., CVPR 2020, averages over scales instead). Nothing is random: the same
//! matches always give the same result.

mod background;
mod bounds;
mod evidence;
mod fit;
mod instances;
mod nfa;
mod pairs;
mod places;
mod refine;
mod strength;
mod transform;
mod verification;

pub use evidence::{Evidence, VerifyOptions};
pub use instances::verify_others;
pub use places::DESCRIPTOR_REACH;
pub use transform::Transform;
pub use verification::Verification;

use bounds::Bounds;
use pairs::Pairs;

use crate::dispatch::Simd;

/// Finds the transform that most matches agree on; `None` when no three matches agree.
pub fn verify(evidence: &Evidence<'_>, options: &VerifyOptions) -> Option<Verification> {
    let pairs = Pairs::of(evidence);
    let bounds = Bounds::of(evidence, options);
    let model = refine::best(&pairs, &bounds, Simd::widest())?;
    Some(Verification::of(model, evidence, options))
}

#[cfg(test)]
mod tests;
