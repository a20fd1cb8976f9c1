//! Projective transforms of the plane.

/// A projective transform of the plane as a row-major 3×3 matrix. It maps (x, y) of the query to
/// (x', y') of the result, both in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform(pub [f64; 9]);

/// A point of the query and where it lies in the result.
pub(crate) type PointPair = ([f64; 2], [f64; 2]);

impl Transform {
    /// Maps every point to itself.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Moves every point by (x, y).
    pub fn translation([x, y]: [f64; 2]) -> Self {
        Self([1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0])
    }

    /// The image of (x, y); `None` on or behind the horizon.
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

    /// The inverse; `None` for a singular matrix.
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
        // Divided by the determinant, sign included, so that `apply` keeps the horizon's sides.
        let inverse = adjugate.map(|v| v / determinant);
        inverse
            .iter()
            .all(|v| v.is_finite())
            .then_some(Self(inverse))
    }

    /// Mirrors a picture of this width in pixels left to right.
    pub(crate) fn flip(width: f64) -> Self {
        Self([-1.0, 0.0, width - 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    }

    /// Whether it turns a picture over, as a mirror does, at the origin.
    pub fn is_mirroring(&self) -> bool {
        self.jacobian([0.0, 0.0])
            .is_some_and(|[a, b, c, d]| a * d - b * c < 0.0)
    }

    /// The derivative at (x, y), as [∂x'/∂x, ∂x'/∂y, ∂y'/∂x, ∂y'/∂y]; `None` on or behind the
    /// horizon.
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

#[cfg(test)]
mod tests {
    use super::*;

    const TILTED: Transform = Transform([0.8, -0.3, 40.0, 0.2, 1.1, -15.0, 2e-4, -1e-4, 1.0]);

    fn assert_near(a: [f64; 2], b: [f64; 2]) {
        assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 1e-9, "{a:?} {b:?}");
    }

    #[test]
    fn the_inverse_undoes_a_transform() {
        let inverse = TILTED.inverse().unwrap();
        for p in [[0.0, 0.0], [120.0, 80.0], [639.0, 479.0]] {
            assert_near(inverse.apply(TILTED.apply(p).unwrap()).unwrap(), p);
            assert_near(TILTED.then(&inverse).apply(p).unwrap(), p);
        }
        let flat = Transform([1.0, 2.0, 0.0, 2.0, 4.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(flat.inverse(), None);
        assert_eq!(Transform([f64::NAN; 9]).inverse(), None);
    }

    #[test]
    fn then_applies_the_first_transform_first() {
        let shift = Transform::translation([5.0, -7.0]);
        let p = [30.0, 40.0];
        let want = TILTED.apply([35.0, 33.0]).unwrap();
        assert_near(shift.then(&TILTED).apply(p).unwrap(), want);
        assert_near(
            TILTED.then(&Transform::IDENTITY).apply(p).unwrap(),
            TILTED.apply(p).unwrap(),
        );
        // Pixels of a picture of width 100 lie from 0 to 99.
        assert_near(
            Transform::flip(100.0).apply([0.0, 3.0]).unwrap(),
            [99.0, 3.0],
        );
    }

    #[test]
    fn points_on_or_behind_the_horizon_have_no_image() {
        // The horizon is x = 100.
        let t = Transform([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.01, 0.0, 1.0]);
        assert!(t.apply([99.0, 0.0]).is_some());
        for x in [100.0, 101.0, f64::NAN] {
            assert_eq!(t.apply([x, 0.0]), None, "{x}");
            assert_eq!(t.jacobian([x, 0.0]), None, "{x}");
        }
    }

    #[test]
    fn the_derivative_is_the_limit_of_differences() {
        let (p, e) = ([120.0, 80.0], 1e-4);
        let j = TILTED.jacobian(p).unwrap();
        let at = TILTED.apply(p).unwrap();
        let dx = TILTED.apply([p[0] + e, p[1]]).unwrap();
        let dy = TILTED.apply([p[0], p[1] + e]).unwrap();
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
