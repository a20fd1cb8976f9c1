//! The matches in columns, and the number of matches that support a proposal.

use super::evidence::Evidence;
use super::transform::{PointPair, Transform};
use crate::dispatch::{Simd, widest};

/// Largest factor between an inlier's scale and the transform's.
pub(super) const SCALE_AGREEMENT: f64 = 2.0;
/// Largest difference between an inlier's angle and the transform's, in radians.
pub(super) const ANGLE_AGREEMENT: f64 = std::f64::consts::FRAC_PI_6;
/// Cosine of [`ANGLE_AGREEMENT`].
const COS_AGREEMENT: f64 = 0.866_025_403_784_438_6;

/// Matches, with a column for each number, so that a vector register holds many of them.
pub(super) struct Pairs {
    /// Place in the query, in pixels.
    query: [Vec<f32>; 2],
    /// Place in the result, in pixels.
    result: [Vec<f32>; 2],
    /// Scale in the query, in pixels.
    size: Vec<f32>,
    /// Scale in the result divided by scale in the query.
    scale: Vec<f32>,
    /// Cosine and sine of the angle in the result less that in the query.
    turn: [Vec<f32>; 2],
}

/// x' = a x - b y + tx, y' = b x + a y + ty, with a² + b² = scale².
#[derive(Clone, Copy)]
struct Similarity {
    a: f32,
    b: f32,
    tx: f32,
    ty: f32,
    scale: f32,
}

impl Pairs {
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        let n = evidence.matches.len();
        let empty = || Vec::with_capacity(n);
        let mut pairs = Self {
            query: [empty(), empty()],
            result: [empty(), empty()],
            size: empty(),
            scale: empty(),
            turn: [empty(), empty()],
        };
        for m in evidence.matches {
            let q = &evidence.query[m.query as usize];
            let r = &evidence.result[m.result as usize];
            let angle = r.angle - q.angle;
            pairs.query[0].push(q.x);
            pairs.query[1].push(q.y);
            pairs.result[0].push(r.x);
            pairs.result[1].push(r.y);
            pairs.size.push(q.scale);
            pairs.scale.push(r.scale / q.scale);
            pairs.turn[0].push(libm::cosf(angle));
            pairs.turn[1].push(libm::sinf(angle));
        }
        pairs
    }

    /// The matches at `which`.
    pub(super) fn subset(&self, which: &[usize]) -> Self {
        let of = |column: &Vec<f32>| which.iter().map(|&i| column[i]).collect();
        let two = |[a, b]: &[Vec<f32>; 2]| [of(a), of(b)];
        Self {
            query: two(&self.query),
            result: two(&self.result),
            size: of(&self.size),
            scale: of(&self.scale),
            turn: two(&self.turn),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.scale.len()
    }

    /// The places of match `i` in both pictures.
    pub(super) fn at(&self, i: usize) -> PointPair {
        (
            [self.query[0][i].into(), self.query[1][i].into()],
            [self.result[0][i].into(), self.result[1][i].into()],
        )
    }

    /// Scale of match `i` in both pictures, in pixels.
    pub(super) fn scales(&self, i: usize) -> [f64; 2] {
        let size = f64::from(self.size[i]);
        [size, size * f64::from(self.scale[i])]
    }

    pub(super) fn pick(&self, which: &[usize]) -> Vec<PointPair> {
        which.iter().map(|&i| self.at(i)).collect()
    }

    /// The similarity that maps one keypoint of match `i` to the other, with its scale and angle.
    fn similarity(&self, i: usize) -> Similarity {
        let scale = self.scale[i];
        let (a, b) = (scale * self.turn[0][i], scale * self.turn[1][i]);
        let (x, y) = (self.query[0][i], self.query[1][i]);
        Similarity {
            a,
            b,
            tx: self.result[0][i] - a * x + b * y,
            ty: self.result[1][i] - b * x - a * y,
            scale,
        }
    }

    /// The proposal of match `i` as a transform.
    pub(super) fn proposal(&self, i: usize) -> Transform {
        let Similarity { a, b, tx, ty, .. } = self.similarity(i);
        let [a, b, tx, ty] = [a, b, tx, ty].map(f64::from);
        Transform([a, -b, tx, b, a, ty, 0.0, 0.0, 1.0])
    }

    /// For each match the number of matches that agree with its proposal, itself included: place
    /// within `tolerance` pixels, scale and angle within the bounds of an inlier.
    pub(super) fn support(&self, simd: Simd, tolerance: f64) -> Vec<u32> {
        let limit = (tolerance * tolerance) as f32;
        (0..self.len())
            .map(|i| count(simd, self, self.similarity(i), limit))
            .collect()
    }

    /// The squared residual of match `i` under `t`, in pixels; `None` where it exceeds `limit`, or
    /// scale or angle do not agree with `t` at that place.
    #[inline]
    pub(super) fn residual(&self, i: usize, t: &Transform, limit: f64) -> Option<f64> {
        let ([x, y], [u, v]) = self.at(i);
        let m = &t.0;
        let w = m[6] * x + m[7] * y + m[8];
        let (px, py) = (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]);
        let (dx, dy) = (px - u * w, py - v * w);
        let (squared, ww) = (dx * dx + dy * dy, w * w);
        // In multiples of w, so that the many distant matches need no division.
        if w <= 1e-9 || squared > limit * ww {
            return None;
        }
        let inverse = 1.0 / w;
        let (px, py) = (px * inverse, py * inverse);
        let jacobian = [
            (m[0] - px * m[6]) * inverse,
            (m[1] - px * m[7]) * inverse,
            (m[3] - py * m[6]) * inverse,
            (m[4] - py * m[7]) * inverse,
        ];
        self.agrees(i, jacobian)
            .then_some(squared * inverse * inverse)
    }

    /// The squared residual of match `i` under `t`, in pixels, and whether its scale and angle agree with
    /// `t` at that place. Infinite and `false` where `t` maps the place to nowhere.
    pub(super) fn fit(&self, i: usize, t: &Transform) -> (f64, bool) {
        let (from, to) = self.at(i);
        match (t.apply(from), t.jacobian(from)) {
            (Some([x, y]), Some(jacobian)) => {
                let (dx, dy) = (x - to[0], y - to[1]);
                (dx * dx + dy * dy, self.agrees(i, jacobian))
            }
            _ => (f64::INFINITY, false),
        }
    }

    /// Whether the similarity that match `i` proposes brings match `j` to its place, within `tolerance`
    /// pixels and `slack` of its distance, with scales and angles that agree.
    pub(super) fn is_coherent(&self, i: usize, j: usize, tolerance: f64, slack: f64) -> bool {
        let ratio = self.scale[i] / self.scale[j];
        let most = SCALE_AGREEMENT as f32;
        let cos = self.turn[0][i] * self.turn[0][j] + self.turn[1][i] * self.turn[1][j];
        if !(ratio <= most && ratio * most >= 1.0 && f64::from(cos) >= COS_AGREEMENT) {
            return false;
        }
        let s = self.similarity(i);
        let (a, b) = (f64::from(s.a), f64::from(s.b));
        let (from, to) = self.at(i);
        let (other, there) = self.at(j);
        let (x, y) = (other[0] - from[0], other[1] - from[1]);
        let (px, py) = (a * x - b * y, b * x + a * y);
        let (dx, dy) = (to[0] + px - there[0], to[1] + py - there[1]);
        let allowed = tolerance + slack * (px * px + py * py).sqrt();
        dx * dx + dy * dy <= allowed * allowed
    }

    /// Whether a local linear map agrees with match `i` in scale and rotation.
    fn agrees(&self, i: usize, [a, b, c, d]: [f64; 4]) -> bool {
        const FACTOR: f64 = SCALE_AGREEMENT * SCALE_AGREEMENT;
        let determinant = a * d - b * c;
        let scale = f64::from(self.scale[i]);
        let squared = scale * scale;
        if !(squared <= FACTOR * determinant && determinant <= FACTOR * squared) {
            return false;
        }
        // The nearest rotation of a 2×2 matrix, compared without an arc tangent or a root.
        let (rc, rs) = (a + d, c - b);
        let dot = rc * f64::from(self.turn[0][i]) + rs * f64::from(self.turn[1][i]);
        dot > 0.0 && dot * dot >= COS_AGREEMENT * COS_AGREEMENT * (rc * rc + rs * rs)
    }
}

#[inline(always)]
fn count_body(p: &Pairs, s: Similarity, limit: f32) -> u32 {
    let n = p.scale.len();
    let [qx, qy] = [&p.query[0][..n], &p.query[1][..n]];
    let [rx, ry] = [&p.result[0][..n], &p.result[1][..n]];
    let [cos, sin] = [&p.turn[0][..n], &p.turn[1][..n]];
    let scale = &p.scale[..n];
    let (least, most) = (
        s.scale / SCALE_AGREEMENT as f32,
        s.scale * SCALE_AGREEMENT as f32,
    );
    let turned = s.scale * COS_AGREEMENT as f32;
    let mut found = 0u32;
    for i in 0..n {
        let dx = s.a * qx[i] - s.b * qy[i] + s.tx - rx[i];
        let dy = s.b * qx[i] + s.a * qy[i] + s.ty - ry[i];
        let near = dx * dx + dy * dy <= limit;
        let sized = (scale[i] >= least) & (scale[i] <= most);
        let turned = s.a * cos[i] + s.b * sin[i] >= turned;
        found += u32::from(near & sized & turned);
    }
    found
}

widest! {
    /// The number of pairs that agree with a similarity.
    fn count(p: &Pairs, s: Similarity, limit: f32) -> u32 = count_body
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scene;
    use super::*;

    #[test]
    fn every_path_counts_the_same_and_by_the_rule_of_inliers() {
        let t = Transform([0.9, -0.25, 90.0, 0.3, 0.8, -20.0, 0.0, 0.0, 1.0]);
        for (seed, n) in (3..).zip([0, 1, 15, 16, 33, 101]) {
            let scene = Scene::of(&t, n, n / 2, seed);
            let pairs = Pairs::of(&scene.evidence());
            let want = pairs.support(Simd::PLAIN, 20.0);
            for &simd in Simd::available() {
                assert_eq!(pairs.support(simd, 20.0), want, "{}", simd.name());
            }
            for (i, &count) in want.iter().enumerate() {
                let t = pairs.proposal(i);
                let slowly = (0..pairs.len())
                    .filter(|&j| pairs.residual(j, &t, 400.0).is_some())
                    .count();
                assert!(count.abs_diff(slowly as u32) <= 1, "{count} {slowly}");
            }
        }
    }
}
