//! Gaussian kernels in fixed point, packed in pairs for the multiply-add of neighbouring numbers.

/// Fractional bits of a tap; a kernel's taps sum to exactly `1 << TAP_BITS`.
pub(super) const TAP_BITS: u32 = 15;

/// Radius of the kernels in units of σ: 0.01 % of a Gaussian lies beyond.
const REACH: f64 = 4.0;

/// Two taps as the 16-bit halves of a lane, four times: a register of the narrowest vectors, which
/// would take two instructions to fill from one lane.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct Pair(pub(super) [i32; 4]);

/// One symmetric kernel of `2 radius + 1` taps, in the orders that the two passes read.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) radius: usize,
    /// For each pair of neighbouring pixels of a row, the taps of the even outputs and of the odd
    /// ones. `radius + 1` entries.
    pub(super) along: Vec<[Pair; 2]>,
    /// For each pair of neighbouring rows, the taps of four output rows. `radius + 2` entries.
    pub(super) down: Vec<[Pair; 4]>,
}

impl Taps {
    /// A Gaussian of standard deviation `sigma` pixels, which must be above 0.
    pub(super) fn gaussian(sigma: f32) -> Self {
        let sigma = f64::from(sigma);
        let radius = (REACH * sigma).ceil().max(1.0) as usize;
        let half: Vec<f64> = (0..=radius)
            .map(|i| libm::exp(-((i * i) as f64) / (2.0 * sigma * sigma)))
            .collect();
        let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
        let one = f64::from(1u32 << TAP_BITS);
        let mut full = vec![0i32; 2 * radius + 1];
        for (i, w) in half.iter().enumerate().skip(1) {
            // The centre takes the rounding error, and must fit a signed 16-bit number.
            let tap = libm::round(w / sum * one).clamp(0.0, one / 2.0) as i32;
            full[radius - i] = tap;
            full[radius + i] = tap;
        }
        let others: i32 = full.iter().sum();
        full[radius] = (1 << TAP_BITS) - others;
        if full[radius] > i32::from(i16::MAX) {
            full[radius] = i32::from(i16::MAX);
            full[radius + 1] = 1;
        }
        Self::packed(&full)
    }

    fn packed(full: &[i32]) -> Self {
        let radius = full.len() / 2;
        let tap = |i: usize, before: usize| {
            let i = i.checked_sub(before).filter(|&i| i < full.len());
            i.map_or(0, |i| full[i])
        };
        // No tap is negative.
        let pair =
            |k: usize, before: usize| Pair([tap(2 * k, before) | tap(2 * k + 1, before) << 16; 4]);
        Self {
            radius,
            along: (0..=radius).map(|k| [pair(k, 0), pair(k, 1)]).collect(),
            down: (0..radius + 2)
                .map(|k| [pair(k, 0), pair(k, 1), pair(k, 2), pair(k, 3)])
                .collect(),
        }
    }
}

/// The two taps of a packed pair.
#[inline(always)]
pub(super) fn unpack(pair: Pair) -> (i32, i32) {
    (pair.0[0] & 0xffff, pair.0[0] >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_sum_to_one_and_follow_the_gaussian() {
        for sigma in [0.05f32, 0.3, 1.0, 1.2263, 2.452, 3.09, 9.0] {
            let taps = Taps::gaussian(sigma);
            let full: Vec<i32> = taps
                .along
                .iter()
                .flat_map(|p| <[i32; 2]>::from(unpack(p[0])))
                .collect();
            assert_eq!(full.iter().sum::<i32>(), 1 << TAP_BITS, "{sigma}");
            assert!(full.iter().all(|&t| (0..1 << TAP_BITS).contains(&t)));
            if sigma >= 1.0 {
                let variance: f64 = full
                    .iter()
                    .enumerate()
                    .map(|(i, &t)| (i as f64 - taps.radius as f64).powi(2) * f64::from(t))
                    .sum::<f64>()
                    / f64::from(1u32 << TAP_BITS);
                assert!(
                    (variance.sqrt() / f64::from(sigma) - 1.0).abs() < 2e-3,
                    "{sigma}"
                );
            }
        }
    }

    #[test]
    fn packed_orders_hold_the_same_taps() {
        let taps = Taps::gaussian(1.5);
        for shift in 0..4 {
            let down: Vec<i32> = taps
                .down
                .iter()
                .flat_map(|p| <[i32; 2]>::from(unpack(p[shift])))
                .collect();
            assert_eq!(down.iter().sum::<i32>(), 1 << TAP_BITS);
            assert!(down[..shift].iter().all(|&t| t == 0));
            assert_eq!(down[shift], unpack(taps.along[0][0]).0);
        }
    }
}
