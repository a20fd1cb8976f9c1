//! Refines proposals to one transform.

use super::bounds::Bounds;
use super::pairs::Pairs;
use super::strength::{Strength, strength};
use super::transform::{PointPair, Transform};
use crate::dispatch::Simd;

/// Most proposals that are refined.
const REFINED: usize = 6;
/// The tolerance for a proposal from a single match, in units of the final tolerance.
const COARSE: f64 = 4.0;
/// A proposal is refined only if its support times this is at least the best fit's inliers.
const LEAST_SUPPORT: usize = 10;
/// Fewest inliers for which a homography is fitted.
const HOMOGRAPHY_FROM: usize = 8;
/// The last fit reduces the weight of inliers beyond this many standard deviations.
const SOFT: f64 = 2.5;

/// A proposal after local optimisation.
pub(super) struct Model {
    pub(super) transform: Transform,
    /// Ascending.
    pub(super) inliers: Vec<usize>,
    pub(super) strength: Strength,
}

/// A transform fitted to its inliers.
#[derive(Clone)]
struct Fit {
    transform: Transform,
    inliers: Vec<usize>,
    /// Sum of squared residuals of the inliers.
    squares: f64,
    /// Number of pairs that determine a transform of its kind.
    fitted: usize,
}

/// The transform that most pairs agree on; `None` when no three agree.
pub(super) fn best(pairs: &Pairs, bounds: &Bounds<'_>, simd: Simd) -> Option<Model> {
    let support = pairs.support(simd, COARSE * bounds.tolerance);
    let mut order: Vec<usize> = (0..pairs.len()).filter(|&i| support[i] >= 3).collect();
    // Stable: of equal support, the proposal of the better match stays first.
    order.sort_by_key(|&i| std::cmp::Reverse(support[i]));
    let mut explained = vec![false; pairs.len()];
    let mut best: Option<Fit> = None;
    let mut refined = 0;
    for i in order {
        let most = best.as_ref().map_or(0, |b| b.inliers.len());
        if refined == REFINED || LEAST_SUPPORT * (support[i] as usize) < most {
            break;
        }
        if explained[i] {
            continue;
        }
        refined += 1;
        let Some(fit) = refine(pairs, &pairs.proposal(i), bounds.tolerance) else {
            continue;
        };
        for &j in &fit.inliers {
            explained[j] = true;
        }
        if fit.inliers.len() > most {
            best = Some(fit);
        }
    }
    let fit = polish(pairs, best?, bounds.tolerance);
    let strength = strength(pairs, &fit.transform, &fit.inliers, bounds);
    Some(Model {
        transform: fit.transform,
        inliers: fit.inliers,
        strength,
    })
}

/// Inliers of `t` within `tolerance` pixels, and the sum of their squared residuals.
fn inliers(pairs: &Pairs, t: &Transform, tolerance: f64) -> (Vec<usize>, f64) {
    let limit = tolerance * tolerance;
    let (mut found, mut squares) = (Vec::with_capacity(pairs.len()), 0.0);
    for i in 0..pairs.len() {
        if let Some(squared) = pairs.residual(i, t, limit) {
            found.push(i);
            squares += squared;
        }
    }
    (found, squares)
}

/// Fits affine transforms while the tolerance shrinks, and a homography, and returns what explains
/// more.
fn refine(pairs: &Pairs, proposal: &Transform, tolerance: f64) -> Option<Fit> {
    let mut found = inliers(pairs, proposal, COARSE * tolerance).0;
    let mut t = Transform::fit_affine(&pairs.pick(&found))?;
    for factor in [COARSE, 2.0] {
        found = inliers(pairs, &t, factor * tolerance).0;
        t = Transform::fit_affine(&pairs.pick(&found))?;
    }
    let wide = inliers(pairs, &t, 2.0 * tolerance).0;
    let projective = homography(pairs, &t, &wide, tolerance);
    for factor in [1.4, 1.0] {
        found = inliers(pairs, &t, factor * tolerance).0;
        match Transform::fit_affine(&pairs.pick(&found)) {
            Some(next) => t = next,
            None => return projective,
        }
    }
    let (found, squares) = inliers(pairs, &t, tolerance);
    let last = Fit {
        transform: t,
        inliers: found,
        squares,
        fitted: 3,
    };
    let affine = (last.inliers.len() >= 3 && is_sound(pairs, &last)).then_some(last);
    match (projective, affine) {
        (Some(projective), Some(affine)) if projective.explains_more_than(&affine) => {
            Some(projective)
        }
        (projective, affine) => affine.or(projective),
    }
}

/// Fits a homography, starting from an affine transform and the pairs near it.
fn homography(pairs: &Pairs, affine: &Transform, near: &[usize], tolerance: f64) -> Option<Fit> {
    let (mut t, mut found, mut squares) = (*affine, near.to_vec(), 0.0);
    for (factor, steps) in [(2.0, 2), (1.4, 1), (1.0, 1), (1.0, 1)] {
        if found.len() < HOMOGRAPHY_FROM {
            return None;
        }
        t = Transform::refine_homography(&t, &pairs.pick(&found), None, steps)?;
        (found, squares) = inliers(pairs, &t, factor * tolerance);
    }
    let fit = Fit {
        transform: t,
        inliers: found,
        squares,
        fitted: 4,
    };
    (fit.inliers.len() >= HOMOGRAPHY_FROM && is_sound(pairs, &fit)).then_some(fit)
}

impl Fit {
    /// Whether this homography is better than an affine transform, which has two parameters fewer:
    /// it must have more inliers, or as many with clearly less variance.
    fn explains_more_than(&self, affine: &Self) -> bool {
        let variance = |fit: &Self| {
            let freedom = 2 * fit.inliers.len() - 2 * fit.fitted;
            fit.squares / freedom.max(1) as f64
        };
        let (own, other) = (self.inliers.len(), affine.inliers.len());
        own > other + 1 || (own >= other && variance(self) < 0.95 * variance(affine))
    }
}

/// Fits a homography once more, with less weight on large residuals.
fn polish(pairs: &Pairs, fit: Fit, tolerance: f64) -> Fit {
    if fit.fitted < 4 {
        return fit;
    }
    let points: Vec<PointPair> = pairs.pick(&fit.inliers);
    let limit = f64::INFINITY;
    let mut t = fit.transform;
    for _ in 0..2 {
        let squared = |&i: &usize| {
            pairs
                .residual(i, &t, limit)
                .unwrap_or(4.0 * tolerance * tolerance)
        };
        let squares: Vec<f64> = fit.inliers.iter().map(squared).collect();
        let mut sorted = squares.clone();
        let middle = sorted.len() / 2;
        // Half of a two-dimensional normal distribution lies within 2 ln 2 variances.
        let variance = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1
            / (2.0 * std::f64::consts::LN_2);
        let most = SOFT * SOFT * variance.max(1e-12);
        let weights: Vec<f64> = squares
            .iter()
            .map(|&s| (most / s).min(1.0).sqrt())
            .collect();
        match Transform::refine_homography(&t, &points, Some(&weights), 1) {
            Some(next) => t = next,
            None => return fit,
        }
    }
    let (found, squares) = inliers(pairs, &t, tolerance);
    let polished = Fit {
        transform: t,
        inliers: found,
        squares,
        fitted: 4,
    };
    if polished.inliers.len() + polished.inliers.len() / 20 >= fit.inliers.len()
        && is_sound(pairs, &polished)
    {
        polished
    } else {
        fit
    }
}

/// Whether the transform is neither mirrored, collapsed nor grossly stretched at any inlier.
fn is_sound(pairs: &Pairs, fit: &Fit) -> bool {
    fit.inliers.iter().all(|&i| {
        fit.transform
            .jacobian(pairs.at(i).0)
            .is_some_and(|[a, b, c, d]| {
                let determinant = a * d - b * c;
                let squares = a * a + b * b + c * c + d * d;
                // For singular values s ≥ r: squares / determinant = s/r + r/s.
                determinant > 1e-4 && determinant < 1e4 && squares < 6.0 * determinant
            })
    })
}
