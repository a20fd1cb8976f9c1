//! Elementary functions that vectorise and give the same bits on every machine.
//!
//! The C library's versions differ between platforms in the last place, which may move a
//! keypoint's angle to another histogram bin. These use only IEEE operations with one rounding
//! each.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// The angle of (x, y) in [0, 2π); 0 for the origin. Error below 2e-6 rad.
///
/// Octant reduction and a degree-13 odd minimax polynomial for atan on [0, 1].
#[inline(always)]
pub(crate) fn atan2(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let (lo, hi) = if ax < ay { (ax, ay) } else { (ay, ax) };
    // The smallest normal number keeps 0/0 from becoming NaN and changes nothing else.
    let t = lo / (hi + f32::MIN_POSITIVE);
    let s = t * t;
    let p = 0.006_811_759_4_f32;
    let p = p * s - 0.033_604_115;
    let p = p * s + 0.079_623_54;
    let p = p * s - 0.132_333_35;
    let p = p * s + 0.198_078_14;
    let p = p * s - 0.333_173_7;
    let p = p * s + 0.999_996_1;
    let a = p * t;
    let a = if ax < ay { FRAC_PI_2 - a } else { a };
    let a = if x < 0.0 { PI - a } else { a };
    let a = if y < 0.0 { TAU - a } else { a };
    if a >= TAU { a - TAU } else { a }
}

/// Adding 1.5 · 2^23 leaves the nearest whole number in the low bits of the mantissa.
const ROUND: f32 = 12_582_912.0;

/// The whole number nearest to `x`, for |x| < 2^22. Faster than a cast, which must saturate.
#[inline(always)]
pub(super) fn round(x: f32) -> i32 {
    (x + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i32
}

/// Splits `x` into a whole number and a fraction in 0..=1, for |x| < 2^22. A whole `x` has the
/// fraction 0, or is the number before with the fraction 1.
#[inline(always)]
pub(super) fn split(x: f32) -> (i32, f32) {
    let shifted = (x - 0.5) + ROUND;
    let whole = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    (whole, x - (shifted - ROUND))
}

/// The length of a gradient, the lower of the two nearest of `bins` directions (`bins` may stand
/// for 0), and the share of the higher one.
#[inline(always)]
pub(super) fn direction(gx: f32, gy: f32, bins: usize) -> (f32, u32, f32) {
    let (low, share) = split(atan2(gy, gx) * (bins as f32 / TAU));
    ((gx * gx + gy * gy).sqrt(), low as u32, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atan2_is_close_everywhere() {
        let mut worst = 0f64;
        for i in 0..7200 {
            let a = f64::from(i) * std::f64::consts::TAU / 7200.0;
            for r in [1e-12, 1e-3, 1.0, 300.0] {
                let got = f64::from(atan2((r * a.sin()) as f32, (r * a.cos()) as f32));
                let mut d = (got - a).abs();
                d = d.min(std::f64::consts::TAU - d);
                worst = worst.max(d);
                assert!((0.0..std::f64::consts::TAU).contains(&got));
            }
        }
        assert!(worst < 2e-6, "worst error {worst}");
        assert_eq!(atan2(0.0, 0.0), 0.0);
    }

    #[test]
    fn split_adds_up() {
        for i in 0..4000 {
            let x = i as f32 / 17.0;
            let (whole, share) = split(x);
            assert_eq!(whole as f32 + share, x);
            assert!((0.0..=1.0).contains(&share), "{x}: {share}");
            assert!((round(x) as f32 - x).abs() <= 0.5);
        }
    }
}
