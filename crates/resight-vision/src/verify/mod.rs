//! Do the matches of two pictures agree on one transform, or are they chance?
//!
//! Each SIFT match carries two scales and two angles, so one match alone proposes a similarity
//! (Lowe 2004 §7.2; Philbin et al., CVPR 2007). The proposals that most matches agree with are
//! refined to an affine transform and a homography on their inliers, with the tolerance closing
//! in (local optimisation, Chum et al., DAGM 2003). There is no random choice: the same matches
//! always give the same answer.

mod nfa;
mod transform;

use transform::PointPair;
pub use transform::Transform;

use crate::features::Keypoint;
use crate::matching::Match;

/// The two pictures' features and what is taken to belong together.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Keypoints of the query.
    pub query: &'a [Keypoint],
    /// Keypoints of the result.
    pub result: &'a [Keypoint],
    /// Pairs of the two, best first; each keypoint in at most one.
    pub matches: &'a [Match],
    /// Width and height of the query in pixels.
    pub query_size: [f32; 2],
    /// Width and height of the result in pixels.
    pub result_size: [f32; 2],
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

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            tolerance: 0.008,
            max_log10_nfa: -5.0,
            min_inliers: 6,
        }
    }
}

/// The transform that most matches agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Whether this many inliers are beyond chance.
    pub verified: bool,
    /// Query to result, in pixels.
    pub transform: Transform,
    /// Indices into the matches, ascending.
    pub inliers: Vec<usize>,
    /// log10 of how many transforms with so many inliers chance would give: the lower, the surer.
    pub log10_nfa: f64,
}

/// Proposals whose inliers are counted.
const MAX_PROPOSALS: usize = 200;
/// Proposals that are refined.
const REFINED: usize = 8;
/// A proposal made of one match is this much coarser than the final tolerance.
const COARSE: f64 = 4.0;
/// Scales of an inlier agree with the transform within this factor…
const SCALE_AGREEMENT: f64 = 2.0;
/// …and angles within this, in radians.
const ANGLE_AGREEMENT: f64 = std::f64::consts::FRAC_PI_6;

/// Finds the transform; `None` when no three matches agree.
pub fn verify(evidence: &Evidence<'_>, options: &VerifyOptions) -> Option<Verification> {
    let pairs: Vec<PointPair> = evidence
        .matches
        .iter()
        .map(|m| {
            let (q, r) = (
                &evidence.query[m.query as usize],
                &evidence.result[m.result as usize],
            );
            ([q.x.into(), q.y.into()], [r.x.into(), r.y.into()])
        })
        .collect();
    let relations: Vec<Relation> = evidence
        .matches
        .iter()
        .map(|m| {
            Relation::of(
                &evidence.query[m.query as usize],
                &evidence.result[m.result as usize],
            )
        })
        .collect();
    let problem = Problem {
        pairs: &pairs,
        relations: &relations,
    };
    let [w, h] = evidence.result_size.map(f64::from);
    let tolerance = options.tolerance * w.hypot(h);

    let mut proposals: Vec<(usize, Transform)> = relations
        .iter()
        .zip(&pairs)
        .take(MAX_PROPOSALS)
        .map(|(relation, (from, to))| {
            let t = Transform::similarity(*from, *to, relation.scale, relation.angle);
            (problem.count(&t, COARSE * tolerance), t)
        })
        .collect();
    // Stable: of equals, the one of the better match stays first.
    proposals.sort_by_key(|p| std::cmp::Reverse(p.0));
    let mut best: Option<Refined> = None;
    for (_, proposal) in proposals.iter().take(REFINED) {
        let Some(refined) = problem.refine(proposal, tolerance) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|b| refined.inliers.len() > b.inliers.len())
        {
            best = Some(refined);
        }
    }
    let Refined {
        inliers,
        transform,
        fitted,
    } = best?;
    let [query_width, query_height] = evidence.query_size.map(f64::from);
    let near_in_query = options.tolerance * query_width.hypot(query_height);
    let independent = problem.independent(&inliers, near_in_query, tolerance);
    let log10_nfa = log10_nfa(pairs.len(), independent, fitted, tolerance, w * h);
    Some(Verification {
        verified: independent >= options.min_inliers && log10_nfa <= options.max_log10_nfa,
        transform,
        inliers,
        log10_nfa,
    })
}

/// Chance model: the result's points lie anywhere in the picture, with any angle and a scale
/// within a factor of 16. Every match proposes an affine transform and a homography, and `fitted`
/// of the inliers agree with theirs because it was fitted to them. Only
/// inliers at places of their own count: see [`Problem::independent`].
fn log10_nfa(matches: usize, inliers: usize, fitted: usize, tolerance: f64, area: f64) -> f64 {
    let place = (std::f64::consts::PI * tolerance * tolerance / area).min(1.0);
    let angle = ANGLE_AGREEMENT / std::f64::consts::PI;
    let scale = libm::log(SCALE_AGREEMENT) / libm::log(16.0);
    let fitted = fitted.min(inliers);
    libm::log10(2.0 * matches.max(1) as f64)
        + nfa::log10_binomial_tail(matches - fitted, inliers - fitted, place * angle * scale)
}

/// How a match's keypoints relate: ratio of scales and difference of angles, result to query.
#[derive(Clone, Copy, Debug)]
struct Relation {
    scale: f64,
    angle: f64,
}

impl Relation {
    fn of(query: &Keypoint, result: &Keypoint) -> Self {
        Self {
            scale: f64::from(result.scale) / f64::from(query.scale),
            angle: f64::from(result.angle) - f64::from(query.angle),
        }
    }

    /// Whether a local map agrees in scale and rotation.
    fn agrees(&self, [a, b, c, d]: [f64; 4]) -> bool {
        let determinant = a * d - b * c;
        if determinant <= 0.0 {
            return false;
        }
        let ratio = self.scale * self.scale / determinant;
        if !(1.0 / (SCALE_AGREEMENT * SCALE_AGREEMENT)..=SCALE_AGREEMENT * SCALE_AGREEMENT)
            .contains(&ratio)
        {
            return false;
        }
        // Closest rotation of a 2×2 matrix, compared without an arc tangent.
        let (rc, rs) = (a + d, c - b);
        let norm = rc.hypot(rs);
        let cosine = (rc * libm::cos(self.angle) + rs * libm::sin(self.angle)) / norm;
        cosine >= libm::cos(ANGLE_AGREEMENT)
    }
}

/// A proposal after local optimisation.
struct Refined {
    inliers: Vec<usize>,
    transform: Transform,
    /// Pairs that determine a transform of its kind.
    fitted: usize,
}

struct Problem<'a> {
    pairs: &'a [PointPair],
    relations: &'a [Relation],
}

impl Problem<'_> {
    fn near(&self, i: usize, t: &Transform, tolerance: f64) -> bool {
        let (from, to) = self.pairs[i];
        t.apply(from).is_some_and(|[x, y]| {
            (x - to[0]).powi(2) + (y - to[1]).powi(2) <= tolerance * tolerance
        })
    }

    fn count(&self, t: &Transform, tolerance: f64) -> usize {
        (0..self.pairs.len())
            .filter(|&i| self.near(i, t, tolerance))
            .count()
    }

    fn inliers(&self, t: &Transform, tolerance: f64) -> Vec<usize> {
        (0..self.pairs.len())
            .filter(|&i| {
                self.near(i, t, tolerance)
                    && t.jacobian(self.pairs[i].0)
                        .is_some_and(|j| self.relations[i].agrees(j))
            })
            .collect()
    }

    /// Affine fits while the tolerance closes in, then homographies as long as they hold more.
    fn refine(&self, proposal: &Transform, tolerance: f64) -> Option<Refined> {
        let mut t = *proposal;
        let mut inliers = self.inliers(&t, COARSE * tolerance);
        for factor in [COARSE, 2.0, 1.4, 1.0, 1.0] {
            t = Transform::fit_affine(&self.pick(&inliers))?;
            inliers = self.inliers(&t, factor * tolerance);
        }
        if inliers.len() < 3 || !self.is_sound(&t, &inliers) {
            return None;
        }
        // A homography has two more numbers to bend: it must explain more than the affine.
        let mut wider = inliers.clone();
        let mut fitted = 3;
        for _ in 0..3 {
            if wider.len() < 6 {
                break;
            }
            let Some(h) = Transform::fit_homography(&self.pick(&wider)) else {
                break;
            };
            wider = self.inliers(&h, tolerance);
            if wider.len() >= inliers.len() && self.is_sound(&h, &wider) {
                inliers.clone_from(&wider);
                t = h;
                fitted = 4;
            }
        }
        Some(Refined {
            inliers,
            transform: t,
            fitted,
        })
    }

    /// How many inliers lie at places of their own, in both pictures.
    ///
    /// One corner gives several keypoints, at several scales and angles: when it matches by
    /// chance they all do, so those within the tolerance of a better one are no further evidence.
    fn independent(&self, inliers: &[usize], near_in_query: f64, near_in_result: f64) -> usize {
        let near = |a: [f64; 2], b: [f64; 2], limit: f64| {
            (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) <= limit * limit
        };
        let mut kept: Vec<PointPair> = Vec::new();
        for &i in inliers {
            let (from, to) = self.pairs[i];
            if !kept
                .iter()
                .any(|k| near(k.0, from, near_in_query) || near(k.1, to, near_in_result))
            {
                kept.push((from, to));
            }
        }
        kept.len()
    }

    fn pick(&self, inliers: &[usize]) -> Vec<PointPair> {
        inliers.iter().map(|&i| self.pairs[i]).collect()
    }

    /// Refuses mirrored, collapsed and grossly stretched maps at any inlier.
    fn is_sound(&self, t: &Transform, inliers: &[usize]) -> bool {
        inliers.iter().all(|&i| {
            t.jacobian(self.pairs[i].0).is_some_and(|[a, b, c, d]| {
                let determinant = a * d - b * c;
                let squares = a * a + b * b + c * c + d * d;
                // For singular values s ≥ r: squares / determinant = s/r + r/s.
                determinant > 1e-4 && determinant < 1e4 && squares < 6.0 * determinant
            })
        })
    }
}

#[cfg(test)]
mod tests;
