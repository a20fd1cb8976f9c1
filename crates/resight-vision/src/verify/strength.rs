//! How likely chance would give as many inliers.

use super::background::{Background, neighbourhood, uniform_agreement};
use super::bounds::Bounds;
use super::nfa;
use super::pairs::Pairs;
use super::places::{distinct_places, groups};
use super::transform::Transform;

/// Shares of the tolerance at which the number of false alarms is computed.
const PRECISIONS: [f64; 3] = [1.0, 0.5, 0.25];
/// Matches that determine a transform, and so agree with it whatever it is.
const FITTED: f64 = 3.0;

/// How strong the agreement on a transform is.
#[derive(Clone, Copy)]
pub(super) struct Strength {
    /// Number of inliers at distinct places.
    pub(super) places: usize,
    /// log10 of the expected number of transforms with as many inliers by chance.
    pub(super) log10_nfa: f64,
    /// The same in the uniform chance model.
    pub(super) log10_uniform: f64,
}

/// Counts the places, and estimates how likely chance would give as many.
///
/// In the uniform chance model the result's points are uniform in the picture, their angles uniform,
/// and their scales log-uniform within a factor of 16. Every match proposes an affine transform and a
/// homography, each is tested at every one of [`PRECISIONS`], and [`FITTED`] of the inliers agree with
/// the transform because it was fitted to them. What that model finds rare is judged by the
/// [`Background`] of the two pictures, which is never rarer.
pub(super) fn strength(
    pairs: &Pairs,
    transform: &Transform,
    inliers: &[usize],
    bounds: &Bounds<'_>,
) -> Strength {
    let limit = bounds.tolerance * bounds.tolerance;
    let places = distinct_places(pairs, inliers, bounds);
    let tests = 2 * PRECISIONS.len() * pairs.len().max(1);
    let at_all_precisions = |tail: &dyn Fn(&[usize], f64) -> f64| {
        let lowest = PRECISIONS.iter().map(|precision| {
            let limit = precision * precision * limit;
            let is_within = |i: &usize| pairs.residual(*i, transform, limit).is_some();
            let within: Vec<usize> = places.iter().copied().filter(is_within).collect();
            let place = (std::f64::consts::PI * limit / bounds.area).min(1.0);
            tail(&within, place)
        });
        libm::log10(tests as f64) + lowest.fold(0.0, f64::min)
    };
    let tail = |agreeing: f64, probability: f64| {
        let fitted = agreeing.min(FITTED);
        let trials = pairs.len() - (FITTED as usize).min(pairs.len());
        nfa::log10_binomial_tail_between(trials, agreeing - fitted, probability)
    };
    let uniform =
        at_all_precisions(&|within, place| tail(within.len() as f64, place * uniform_agreement()));
    if uniform >= 0.0 {
        return Strength {
            places: places.len(),
            log10_nfa: uniform,
            log10_uniform: uniform,
        };
    }
    let background = Background::of(pairs, transform, inliers, &places, bounds);
    let reach = neighbourhood(bounds);
    let own = at_all_precisions(&|within, place| {
        let probability = (place * background.density).min(MOST_LIKELY) * background.agreement;
        // The first place of a group agrees with the transform by chance; each further one then agrees
        // as neighbours do, which counts as part of a place.
        let first = groups(pairs, within, reach);
        let coherence = background.coherence.clamp(probability, MOST_LIKELY);
        let part = (libm::log(coherence) / libm::log(probability)).min(1.0);
        tail(
            first as f64 + part * (within.len() - first) as f64,
            probability,
        )
    });
    Strength {
        places: places.len(),
        log10_nfa: own - background.contradiction,
        log10_uniform: uniform,
    }
}

/// A probability has a logarithm below 0.
const MOST_LIKELY: f64 = 0.999;
