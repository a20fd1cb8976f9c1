//! How many inliers are evidence, and how likely chance would give as many.

use super::bounds::Bounds;
use super::nfa;
use super::pairs::{ANGLE_AGREEMENT, Pairs, SCALE_AGREEMENT};
use super::transform::{PointPair, Transform};

/// Half the side of a descriptor in units of its keypoint's scale. Keypoints nearer than this, by the
/// geometric mean of their scales, are described by much the same pixels.
const SUPPORT: f64 = 6.0;
/// Shares of the tolerance at which the number of false alarms is computed.
const PRECISIONS: [f64; 3] = [1.0, 0.5, 0.25];

/// The number of inliers at distinct places, and log10 of the expected number of transforms with
/// as many by chance. `fitted` pairs determine a transform of this kind.
///
/// Chance model: the result's points are uniform in the picture, their angles uniform, and their
/// scales log-uniform within a factor of 16. Every match proposes an affine transform and a
/// homography, each is tested at every one of [`PRECISIONS`], and `fitted` of the inliers agree
/// with the transform because it was fitted to them.
pub(super) fn strength(
    pairs: &Pairs,
    transform: &Transform,
    inliers: &[usize],
    fitted: usize,
    bounds: &Bounds,
) -> (usize, f64) {
    let limit = bounds.tolerance * bounds.tolerance;
    let places = distinct_places(pairs, inliers, bounds);
    let squares: Vec<f64> = places
        .iter()
        .filter_map(|&i| pairs.residual(i, transform, limit))
        .collect();
    let angle = ANGLE_AGREEMENT / std::f64::consts::PI;
    let scale = libm::log(SCALE_AGREEMENT) / libm::log(16.0);
    let tests = 2 * PRECISIONS.len() * pairs.len().max(1);
    let lowest = PRECISIONS.iter().map(|precision| {
        let limit = precision * precision * limit;
        let inliers = squares.iter().filter(|&&s| s <= limit).count();
        let place = (std::f64::consts::PI * limit / bounds.area).min(1.0);
        let fitted = fitted.min(inliers);
        nfa::log10_binomial_tail(
            pairs.len() - fitted,
            inliers - fitted,
            place * angle * scale,
        )
    });
    let lowest = lowest.fold(0.0, f64::min);
    (places.len(), libm::log10(tests as f64) + lowest)
}

/// Inliers at distinct places in both pictures.
///
/// One corner, like one letter, has several keypoints, at several scales and angles. When one of
/// them matches by chance, all do. So keypoints within the tolerance of a better one, or within
/// [`SUPPORT`] of it, where both descriptors cover the same pixels, are no further evidence.
fn distinct_places(pairs: &Pairs, inliers: &[usize], bounds: &Bounds) -> Vec<usize> {
    let near = |a: [f64; 2], b: [f64; 2], squared: f64| {
        let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
        dx * dx + dy * dy <= squared
    };
    let least = [bounds.near_in_query, bounds.tolerance].map(|limit| limit * limit);
    let mut kept: Vec<(usize, PointPair, [f64; 2])> = Vec::new();
    for &i in inliers {
        let (from, to) = pairs.at(i);
        let scales = pairs.scales(i);
        let is_distinct = kept.iter().all(|(_, (other_from, other_to), others)| {
            let reach = |k: usize| (SUPPORT * SUPPORT * scales[k] * others[k]).max(least[k]);
            !near(*other_from, from, reach(0)) && !near(*other_to, to, reach(1))
        });
        if is_distinct {
            kept.push((i, (from, to), scales));
        }
    }
    kept.into_iter().map(|(i, ..)| i).collect()
}
