//! Plane transforms: applying them and fitting them to point pairs.

/// A projective transform of the plane as a row-major 3×3 matrix, taking (x, y) of the query to
/// (x', y') of the result, both in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform(pub [f64; 9]);

/// A point of the query and where it lies in the result.
pub(crate) type PointPair = ([f64; 2], [f64; 2]);

impl Transform {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Moves every point by (x, y).
    pub fn translation([x, y]: [f64; 2]) -> Self {
        Self([1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0])
    }

    /// Where (x, y) goes; `None` on or behind the horizon.
    pub fn apply(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let m = &self.0;
        let w = m[6] * x + m[7] * y + m[8];
        (w > 1e-9).then(|| {
            [
                (m[0] * x + m[1] * y + m[2]) / w,
                (m[3] * x + m[4] * y + m[5]) / w,
            ]
        })
    }

    /// First `self`, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let (a, b) = (&next.0, &self.0);
        let mut m = [0.0; 9];
        for r in 0..3 {
            for c in 0..3 {
                m[3 * r + c] = a[3 * r] * b[c] + a[3 * r + 1] * b[3 + c] + a[3 * r + 2] * b[6 + c];
            }
        }
        Self(m)
    }

    /// The way back; `None` where several points go to one.
    pub fn inverse(&self) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let adjugate = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        let determinant = a * adjugate[0] + b * adjugate[3] + c * adjugate[6];
        // Divided by it, not only scaled, so that `apply` still knows the horizon's sides.
        let inverse = adjugate.map(|v| v / determinant);
        inverse
            .iter()
            .all(|v| v.is_finite())
            .then_some(Self(inverse))
    }

    /// The similarity that takes one keypoint onto another: scale, rotation and place, from the
    /// keypoints' own scale and angle.
    pub(crate) fn similarity(from: [f64; 2], to: [f64; 2], scale: f64, angle: f64) -> Self {
        let (c, s) = (scale * libm::cos(angle), scale * libm::sin(angle));
        Self([
            c,
            -s,
            to[0] - c * from[0] + s * from[1],
            s,
            c,
            to[1] - s * from[0] - c * from[1],
            0.0,
            0.0,
            1.0,
        ])
    }

    /// Least-squares affine transform; needs three pairs that do not lie on a line.
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

    /// Least-squares homography (inhomogeneous DLT in normalised coordinates, Hartley 1997);
    /// needs four pairs in general position.
    pub(crate) fn fit_homography(pairs: &[PointPair]) -> Option<Self> {
        if pairs.len() < 4 {
            return None;
        }
        let (from, to) = (
            Frame::of(pairs.iter().map(|p| p.0))?,
            Frame::of(pairs.iter().map(|p| p.1))?,
        );
        let mut normal = [[0.0; 9]; 8];
        let mut add = |row: [f64; 8], value: f64| {
            for (i, n) in normal.iter_mut().enumerate() {
                for (j, r) in row.iter().enumerate() {
                    n[j] += row[i] * r;
                }
                n[8] += row[i] * value;
            }
        };
        for (p, q) in pairs {
            let ([x, y], [u, v]) = (from.normalise(*p), to.normalise(*q));
            add([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u);
            add([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v);
        }
        let s = solve::<8, 9>(normal)?;
        let mut inner = [1.0; 9];
        for (m, row) in inner.iter_mut().zip(&s) {
            *m = row[8];
        }
        let mut m = from.entering().then(&Self(inner)).then(&to.leaving());
        // Positive in front of the query's centre, so that `apply` knows the horizon's sides.
        let scale = m.0[6] * from.centre[0] + m.0[7] * from.centre[1] + m.0[8];
        if scale.abs() < 1e-12 {
            return None;
        }
        for v in &mut m.0 {
            *v /= scale;
        }
        Some(m)
    }

    /// Derivative at (x, y): the affine transform that `self` is close to there, as
    /// [∂x'/∂x, ∂x'/∂y, ∂y'/∂x, ∂y'/∂y].
    pub fn jacobian(&self, [x, y]: [f64; 2]) -> Option<[f64; 4]> {
        let m = &self.0;
        let w = m[6] * x + m[7] * y + m[8];
        let [u, v] = self.apply([x, y])?;
        Some([
            (m[0] - u * m[6]) / w,
            (m[1] - u * m[7]) / w,
            (m[3] - v * m[6]) / w,
            (m[4] - v * m[7]) / w,
        ])
    }
}

/// A coordinate frame in which points have mean 0 and mean distance about 1.
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

/// Gauss–Jordan with pivots: N equations, the last M - N columns being right-hand sides, which
/// hold the solutions afterwards. `None` when the equations are close to dependent.
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
        close(Transform::fit_homography(&pairs).unwrap(), homography);
    }

    #[test]
    fn points_on_a_line_are_refused() {
        let pairs: Vec<_> = (0..9)
            .map(|i| ([f64::from(i), 2.0 * f64::from(i)], [f64::from(i), 3.0]))
            .collect();
        assert!(Transform::fit_affine(&pairs).is_none());
        assert!(Transform::fit_homography(&pairs).is_none());
        assert!(Transform::fit_affine(&[([1.0, 1.0], [2.0, 2.0]); 5]).is_none());
    }

    #[test]
    fn the_derivative_is_the_limit_of_differences() {
        let h = Transform([0.8, -0.3, 40.0, 0.2, 1.1, -15.0, 2e-4, -1e-4, 1.0]);
        let (p, e) = ([120.0, 80.0], 1e-4);
        let j = h.jacobian(p).unwrap();
        let at = h.apply(p).unwrap();
        let dx = h.apply([p[0] + e, p[1]]).unwrap();
        let dy = h.apply([p[0], p[1] + e]).unwrap();
        for (got, want) in [
            (j[0], (dx[0] - at[0]) / e),
            (j[2], (dx[1] - at[1]) / e),
            (j[1], (dy[0] - at[0]) / e),
            (j[3], (dy[1] - at[1]) / e),
        ] {
            assert!((got - want).abs() < 1e-5);
        }
    }
}
