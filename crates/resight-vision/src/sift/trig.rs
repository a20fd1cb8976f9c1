//! Elementary functions that give the same bits on every machine and vectorise.
//!
//! The C library's versions differ between platforms in the last place; a keypoint's angle may
//! then fall into another histogram bin. These use only IEEE operations with one rounding each.

use std::f32::consts::{FRAC_PI_2, LOG2_E, PI, TAU};

/// Angle of (x, y) in [0, 2π); 0 for the origin. Error below 2e-6 rad.
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

/// e^x for -20 ≤ x ≤ 0, relative error below 2e-6.
///
/// 2^n is put together in the exponent bits, 2^f comes from a degree-6 Taylor polynomial with
/// |f| ≤ 1/2.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2^23 leaves the nearest integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    let t = x * LOG2_E;
    let shifted = t + ROUND;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let f = t - (shifted - ROUND);
    let p = 1.540_353e-4_f32;
    let p = p * f + 1.333_355_8e-3;
    let p = p * f + 9.618_129e-3;
    let p = p * f + 5.550_411e-2;
    let p = p * f + 2.402_265e-1;
    let p = p * f + 6.931_472e-1;
    let p = p * f + 1.0;
    f32::from_bits(n.wrapping_add(127) << 23) * p
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
    fn exp_is_close_where_it_is_used() {
        for i in 0..2000 {
            let x = -(i as f32) / 100.0;
            let want = f64::from(x).exp();
            let got = f64::from(exp(x));
            assert!(
                (got / want - 1.0).abs() < 2e-6,
                "exp({x}) = {got}, not {want}"
            );
        }
    }
}
