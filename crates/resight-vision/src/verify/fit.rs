//! Fitting plane transforms to point pairs by least squares.

use super::transform::{PointPair, Transform};

impl Transform {
    /// The least-squares affine transform; `None` for fewer than three pairs and for collinear ones.
    pub(crate) fn fit_affine(pairs: &[PointPair]) -> Option<Self> {
        if pairs.len() < 3 {
            return None;
        }
        let (from, to) = (
            Frame::of(pairs.iter().map(|p| p.0))?,
            Frame::of(pairs.iter().map(|p| p.1))?,
        );
        let mut normal = [[0.0; 5]; 3];
        for (p, q) in pairs {
            let ([x, y], [u, v]) = (from.normalise(*p), to.normalise(*q));
            let row = [x, y, 1.0];
            for (i, n) in normal.iter_mut().enumerate() {
                for (j, r) in row.iter().enumerate() {
                    n[j] += row[i] * r;
                }
                n[3] += row[i] * u;
                n[4] += row[i] * v;
            }
        }
        let s = solve::<3, 5>(normal)?;
        let inner = Self([
            s[0][3], s[1][3], s[2][3], s[0][4], s[1][4], s[2][4], 0.0, 0.0, 1.0,
        ]);
        Some(from.entering().then(&inner).then(&to.leaving()))
    }

    /// The homography with the least weighted sum of squared residuals in the result, after
    /// Gauss–Newton steps from `start`. `None` unless four pairs are in general position and every
    /// pair lies in front of `start`'s horizon.
    ///
    /// The normal equations of x' and y' share the same 3×3 block. Eliminating it leaves two
    /// equations in the two parameters of the horizon.
    pub(crate) fn refine_homography(
        start: &Self,
        pairs: &[PointPair],
        weights: Option<&[f64]>,
        steps: usize,
    ) -> Option<Self> {
        if pairs.len() < 4 {
            return None;
        }
        let (from, to) = (
            Frame::of(pairs.iter().map(|p| p.0))?,
            Frame::of(pairs.iter().map(|p| p.1))?,
        );
        let mut inner = from.leaving().then(start).then(&to.entering());
        let scale = 1.0 / inner.0[8];
        if scale <= 0.0 || !scale.is_finite() {
            return None;
        }
        inner.0 = inner.0.map(|v| v * scale);
        for _ in 0..steps {
            gauss_newton(&mut inner.0, pairs, weights, &from, &to)?;
        }
        // The last entry is 1 at the centre of the query's points, so `apply` keeps the horizon's
        // sides.
        Some(from.entering().then(&inner).then(&to.leaving()))
    }
}

/// One Gauss–Newton step on `m`, whose last entry is 1; `None` where the pairs do not determine it.
fn gauss_newton(
    m: &mut [f64; 9],
    pairs: &[PointPair],
    weights: Option<&[f64]>,
    from: &Frame,
    to: &Frame,
) -> Option<()> {
    // Columns: the shared block, its products with the horizon's two parameters for x' and y', and
    // both right-hand sides.
    let mut normal = [[0.0; 9]; 3];
    let (mut gg, mut gh, mut hh) = (0.0, 0.0, 0.0);
    let (mut rg, mut rh) = (0.0, 0.0);
    for (i, (p, q)) in pairs.iter().enumerate() {
        let ([x, y], [u, v]) = (from.normalise(*p), to.normalise(*q));
        let w = m[6] * x + m[7] * y + 1.0;
        if w <= 1e-6 {
            return None;
        }
        let inverse = 1.0 / w;
        let pu = (m[0] * x + m[1] * y + m[2]) * inverse;
        let pv = (m[3] * x + m[4] * y + m[5]) * inverse;
        let (ru, rv) = (u - pu, v - pv);
        let weight = weights.map_or(1.0, |w| w[i]);
        let row = [x * inverse, y * inverse, inverse];
        let weighted = row.map(|r| r * weight);
        for (n, r) in normal.iter_mut().zip(weighted) {
            let (ru, rv) = (r * ru, r * rv);
            let (gu, gv) = (r * pu, r * pv);
            let add = [
                r * row[0],
                r * row[1],
                r * row[2],
                -gu * row[0],
                -gu * row[1],
                -gv * row[0],
                -gv * row[1],
                ru,
                rv,
            ];
            for (to, v) in n.iter_mut().zip(add) {
                *to += v;
            }
        }
        let squared = pu * pu + pv * pv;
        let along = ru * pu + rv * pv;
        gg += weighted[0] * row[0] * squared;
        gh += weighted[0] * row[1] * squared;
        hh += weighted[1] * row[1] * squared;
        rg -= weighted[0] * along;
        rh -= weighted[1] * along;
    }
    let (b, c) = (normal.map(|n| [n[3], n[4]]), normal.map(|n| [n[5], n[6]]));
    let s = solve::<3, 9>(normal)?;
    for k in 0..3 {
        gg -= b[k][0] * s[k][3] + c[k][0] * s[k][5];
        gh -= b[k][0] * s[k][4] + c[k][0] * s[k][6];
        hh -= b[k][1] * s[k][4] + c[k][1] * s[k][6];
        rg -= b[k][0] * s[k][7] + c[k][0] * s[k][8];
        rh -= b[k][1] * s[k][7] + c[k][1] * s[k][8];
    }
    let determinant = gg * hh - gh * gh;
    if gg + hh <= 0.0 || determinant <= 1e-10 * (gg + hh) * (gg + hh) {
        return None;
    }
    let g = (rg * hh - rh * gh) / determinant;
    let h = (gg * rh - gh * rg) / determinant;
    for k in 0..3 {
        m[k] += s[k][7] - s[k][3] * g - s[k][4] * h;
        m[3 + k] += s[k][8] - s[k][5] * g - s[k][6] * h;
    }
    m[6] += g;
    m[7] += h;
    m.iter().all(|v| v.is_finite()).then_some(())
}

/// A coordinate frame in which points have mean 0 and root-mean-square distance 1.
struct Frame {
    centre: [f64; 2],
    scale: f64,
}

impl Frame {
    fn of(points: impl Iterator<Item = [f64; 2]> + Clone) -> Option<Self> {
        let n = points.clone().count() as f64;
        let (mut cx, mut cy) = (0.0, 0.0);
        for [x, y] in points.clone() {
            cx += x;
            cy += y;
        }
        let (cx, cy) = (cx / n, cy / n);
        let spread = points
            .map(|[x, y]| (x - cx) * (x - cx) + (y - cy) * (y - cy))
            .sum::<f64>()
            / n;
        (spread > 1e-9 && spread.is_finite()).then(|| Self {
            centre: [cx, cy],
            scale: 1.0 / spread.sqrt(),
        })
    }

    fn normalise(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            (x - self.centre[0]) * self.scale,
            (y - self.centre[1]) * self.scale,
        ]
    }

    fn entering(&self) -> Transform {
        let s = self.scale;
        Transform([
            s,
            0.0,
            -s * self.centre[0],
            0.0,
            s,
            -s * self.centre[1],
            0.0,
            0.0,
            1.0,
        ])
    }

    fn leaving(&self) -> Transform {
        let s = 1.0 / self.scale;
        Transform([
            s,
            0.0,
            self.centre[0],
            0.0,
            s,
            self.centre[1],
            0.0,
            0.0,
            1.0,
        ])
    }
}

/// Gauss–Jordan elimination with pivots of N equations. The last M - N columns are right-hand sides
/// and hold the solutions afterwards. `None` when the equations are nearly dependent.
fn solve<const N: usize, const M: usize>(mut a: [[f64; M]; N]) -> Option<[[f64; M]; N]> {
    for col in 0..N {
        let pivot = (col..N).max_by(|&i, &j| a[i][col].abs().total_cmp(&a[j][col].abs()))?;
        a.swap(col, pivot);
        let lead = a[col][col];
        if lead.abs() < 1e-9 {
            return None;
        }
        for v in &mut a[col] {
            *v /= lead;
        }
        let row = a[col];
        for (i, other) in a.iter_mut().enumerate() {
            if i != col {
                let factor = other[col];
                for (v, r) in other.iter_mut().zip(&row) {
                    *v -= factor * r;
                }
            }
        }
    }
    Some(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = [f64; 2]> {
        (0..30).map(|i| {
            [
                f64::from(i % 6) * 90.0 + f64::from(i),
                f64::from(i / 6) * 110.0 - f64::from(i % 4) * 7.0,
            ]
        })
    }

    fn close(a: Transform, b: Transform) {
        for p in grid() {
            let (x, y) = (a.apply(p).unwrap(), b.apply(p).unwrap());
            assert!((x[0] - y[0]).hypot(x[1] - y[1]) < 1e-6, "{x:?} {y:?}");
        }
    }

    #[test]
    fn exact_pairs_give_the_transform_back() {
        let affine = Transform([0.8, -0.3, 40.0, 0.2, 1.1, -15.0, 0.0, 0.0, 1.0]);
        let pairs: Vec<_> = grid().map(|p| (p, affine.apply(p).unwrap())).collect();
        close(Transform::fit_affine(&pairs).unwrap(), affine);
        let homography = Transform([0.8, -0.3, 40.0, 0.2, 1.1, -15.0, 2e-4, -1e-4, 1.0]);
        let pairs: Vec<_> = grid().map(|p| (p, homography.apply(p).unwrap())).collect();
        let start = Transform::fit_affine(&pairs).unwrap();
        let found = Transform::refine_homography(&start, &pairs, None, 5).unwrap();
        close(found, homography);
        // A wrong pair without weight changes nothing.
        let mut pairs = pairs;
        pairs[3].1 = [9.0, 9.0];
        let mut weights = vec![1.0; pairs.len()];
        weights[3] = 0.0;
        let found = Transform::refine_homography(&start, &pairs, Some(&weights), 6).unwrap();
        close(found, homography);
    }

    #[test]
    fn points_on_a_line_are_refused() {
        let pairs: Vec<_> = (0..9)
            .map(|i| ([f64::from(i), 2.0 * f64::from(i)], [f64::from(i), 3.0]))
            .collect();
        assert!(Transform::fit_affine(&pairs).is_none());
        let start = Transform::IDENTITY;
        assert!(Transform::refine_homography(&start, &pairs, None, 3).is_none());
        assert!(Transform::fit_affine(&[([1.0, 1.0], [2.0, 2.0]); 5]).is_none());
    }
}
