//! From proposals to the one transform, and how likely chance would do as well.

use super::nfa;
use super::pairs::{ANGLE_AGREEMENT, Pairs, SCALE_AGREEMENT};
use super::transform::{PointPair, Transform};
use super::{Evidence, VerifyOptions};
use crate::dispatch::Simd;

/// Proposals that are refined at most.
const REFINED: usize = 6;
/// A proposal made of one match is this much coarser than the final tolerance.
const COARSE: f64 = 4.0;
/// A proposal with less than this share of the best's inliers is not refined.
const LEAST_SUPPORT: usize = 10;
/// Inliers from which on a homography is tried.
const HOMOGRAPHY_FROM: usize = 8;
/// Off by more than this many standard deviations, an inlier counts less in the last fit.
const SOFT: f64 = 2.5;
/// Half the side of a descriptor in units of its keypoint's scale: nearer than this, by the geometric
/// mean of two scales, keypoints are described by much the same pixels.
const SUPPORT: f64 = 6.0;
/// Shares of the tolerance at which chance is asked.
const PRECISIONS: [f64; 3] = [1.0, 0.5, 0.25];

/// What the sizes of the two pictures make of the options.
pub(super) struct Bounds {
    /// An inlier's distance at most in the result, and an own place's at least, in pixels.
    tolerance: f64,
    /// Likewise an own place's in the query.
    near_in_query: f64,
    /// Of the result, in square pixels.
    area: f64,
}

impl Bounds {
    /// How far an inlier may lie off in the result, in pixels.
    pub(super) fn tolerance(&self) -> f64 {
        self.tolerance
    }

    pub(super) fn of(evidence: &Evidence<'_>, options: &VerifyOptions) -> Self {
        let [w, h] = evidence.result_size.map(f64::from);
        let [query_width, query_height] = evidence.query_size.map(f64::from);
        Self {
            tolerance: options.tolerance * w.hypot(h),
            near_in_query: options.tolerance * query_width.hypot(query_height),
            area: w * h,
        }
    }
}

/// A proposal after local optimisation.
pub(super) struct Model {
    pub(super) transform: Transform,
    /// Ascending.
    pub(super) inliers: Vec<usize>,
    pub(super) places: usize,
    pub(super) log10_nfa: f64,
}

/// A transform on its way.
#[derive(Clone)]
struct Fit {
    transform: Transform,
    inliers: Vec<usize>,
    /// Sum of squared distances of the inliers.
    off: f64,
    /// Pairs that determine a transform of its kind.
    fitted: usize,
}

/// The transform that most pairs agree on; `None` when no three do.
pub(super) fn best(pairs: &Pairs, bounds: &Bounds, simd: Simd) -> Option<Model> {
    let support = pairs.support(simd, COARSE * bounds.tolerance);
    let mut order: Vec<usize> = (0..pairs.len()).filter(|&i| support[i] >= 3).collect();
    // Stable: of equals, the one of the better match stays first.
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
    let (places, log10_nfa) = strength(pairs, &fit, bounds);
    Some(Model {
        transform: fit.transform,
        inliers: fit.inliers,
        places,
        log10_nfa,
    })
}

/// Inliers of `t` within `tolerance` pixels, and the sum of their squared distances.
fn inliers(pairs: &Pairs, t: &Transform, tolerance: f64) -> (Vec<usize>, f64) {
    let limit = tolerance * tolerance;
    let (mut found, mut off) = (Vec::with_capacity(pairs.len()), 0.0);
    for i in 0..pairs.len() {
        if let Some(squared) = pairs.residual(i, t, limit) {
            found.push(i);
            off += squared;
        }
    }
    (found, off)
}

/// Affine fits while the tolerance closes in, and homographies where they explain more.
fn refine(pairs: &Pairs, proposal: &Transform, tolerance: f64) -> Option<Fit> {
    let mut found = inliers(pairs, proposal, COARSE * tolerance).0;
    let mut t = Transform::fit_affine(&pairs.pick(&found))?;
    for factor in [COARSE, 2.0] {
        found = inliers(pairs, &t, factor * tolerance).0;
        t = Transform::fit_affine(&pairs.pick(&found))?;
    }
    let wide = inliers(pairs, &t, 2.0 * tolerance).0;
    let bent = homography(pairs, &t, &wide, tolerance);
    for factor in [1.4, 1.0] {
        found = inliers(pairs, &t, factor * tolerance).0;
        match Transform::fit_affine(&pairs.pick(&found)) {
            Some(next) => t = next,
            None => return bent,
        }
    }
    let (found, off) = inliers(pairs, &t, tolerance);
    let affine = Fit {
        transform: t,
        inliers: found,
        off,
        fitted: 3,
    };
    let affine = (affine.inliers.len() >= 3 && is_sound(pairs, &affine)).then_some(affine);
    match (bent, affine) {
        (Some(bent), Some(affine)) => Some(if bent.explains_more_than(&affine) {
            bent
        } else {
            affine
        }),
        (bent, affine) => bent.or(affine),
    }
}

/// A homography on pairs that an affine transform brings about into place.
fn homography(pairs: &Pairs, t: &Transform, wide: &[usize], tolerance: f64) -> Option<Fit> {
    let (mut t, mut found, mut off) = (*t, wide.to_vec(), 0.0);
    for (factor, steps) in [(2.0, 2), (1.4, 1), (1.0, 1), (1.0, 1)] {
        if found.len() < HOMOGRAPHY_FROM {
            return None;
        }
        t = Transform::refine_homography(&t, &pairs.pick(&found), None, steps)?;
        (found, off) = inliers(pairs, &t, factor * tolerance);
    }
    let fit = Fit {
        transform: t,
        inliers: found,
        off,
        fitted: 4,
    };
    (fit.inliers.len() >= HOMOGRAPHY_FROM && is_sound(pairs, &fit)).then_some(fit)
}

impl Fit {
    /// A homography has two more numbers to bend than an affine transform: it must hold more, or as
    /// many with clearly less variance.
    fn explains_more_than(&self, affine: &Self) -> bool {
        let variance = |fit: &Self| {
            let freedom = 2 * fit.inliers.len() - 2 * fit.fitted;
            fit.off / freedom.max(1) as f64
        };
        let (own, other) = (self.inliers.len(), affine.inliers.len());
        own > other + 1 || (own >= other && variance(self) < 0.95 * variance(affine))
    }
}

/// The last fit, on soft weights: what is off by more than most counts less.
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
    let (found, off) = inliers(pairs, &t, tolerance);
    let polished = Fit {
        transform: t,
        inliers: found,
        off,
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

/// Refuses mirrored, collapsed and grossly stretched maps at any inlier.
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

/// How many inliers lie at places of their own, and log10 of how many transforms with so many
/// chance would give.
///
/// Chance model: the result's points lie anywhere in the picture, with any angle and a scale within
/// a factor of 16. Every match proposes an affine transform and a homography, each is looked at with
/// every one of [`PRECISIONS`], and `fitted` of the inliers agree with theirs because it was fitted
/// to them.
fn strength(pairs: &Pairs, fit: &Fit, bounds: &Bounds) -> (usize, f64) {
    let limit = bounds.tolerance * bounds.tolerance;
    let places = own_places(pairs, &fit.inliers, bounds);
    let squares: Vec<f64> = places
        .iter()
        .filter_map(|&i| pairs.residual(i, &fit.transform, limit))
        .collect();
    let angle = ANGLE_AGREEMENT / std::f64::consts::PI;
    let scale = libm::log(SCALE_AGREEMENT) / libm::log(16.0);
    let tests = 2 * PRECISIONS.len() * pairs.len().max(1);
    let lowest = PRECISIONS.iter().map(|precision| {
        let limit = precision * precision * limit;
        let inliers = squares.iter().filter(|&&s| s <= limit).count();
        let place = (std::f64::consts::PI * limit / bounds.area).min(1.0);
        let fitted = fit.fitted.min(inliers);
        nfa::log10_binomial_tail(
            pairs.len() - fitted,
            inliers - fitted,
            place * angle * scale,
        )
    });
    let lowest = lowest.fold(0.0, f64::min);
    (places.len(), libm::log10(tests as f64) + lowest)
}

/// Inliers at places of their own, in both pictures.
///
/// One corner gives several keypoints, at several scales and angles, and so does one letter: when it
/// matches by chance they all do. Those within the tolerance of a better one, or within
/// [`SUPPORT`] of it, where both descriptors see the same pixels, are no further evidence.
fn own_places(pairs: &Pairs, inliers: &[usize], bounds: &Bounds) -> Vec<usize> {
    let near = |a: [f64; 2], b: [f64; 2], squared: f64| {
        let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
        dx * dx + dy * dy <= squared
    };
    let least = [bounds.near_in_query, bounds.tolerance].map(|limit| limit * limit);
    let mut kept: Vec<(usize, PointPair, [f64; 2])> = Vec::new();
    for &i in inliers {
        let (from, to) = pairs.at(i);
        let scales = pairs.scales(i);
        let is_own = kept.iter().all(|(_, (other_from, other_to), others)| {
            let reach = |k: usize| (SUPPORT * SUPPORT * scales[k] * others[k]).max(least[k]);
            !near(*other_from, from, reach(0)) && !near(*other_to, to, reach(1))
        });
        if is_own {
            kept.push((i, (from, to), scales));
        }
    }
    kept.into_iter().map(|(i, ..)| i).collect()
}
