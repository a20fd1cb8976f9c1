//! The binomial tail of the a-contrario number of false alarms
//! (Moisan & Stival, IJCV 2004; Desolneux, Moisan & Morel 2008).

/// log10 of the probability that at least k of n independent trials succeed, each with
/// probability p.
///
/// Exact sum of the binomial tail, in logarithms; 0 for k = 0, -∞ for probability 0.
pub(crate) fn log10_binomial_tail(n: usize, k: usize, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 0.0;
    }
    if k > n || p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let (ln_p, ln_q) = (libm::log(p), libm::log1p(-p));
    // The first term, then each following one by its ratio to the one before.
    let ln_first = ln_choose(n, k) + k as f64 * ln_p + (n - k) as f64 * ln_q;
    let odds = p / (1.0 - p);
    let (mut term, mut sum) = (1.0f64, 1.0f64);
    for i in k..n {
        term *= odds * (n - i) as f64 / (i + 1) as f64;
        sum += term;
        if term < sum * 1e-15 {
            break;
        }
    }
    ((ln_first + libm::log(sum)) / std::f64::consts::LN_10).min(0.0)
}

/// As [`log10_binomial_tail`], for a number of successes between two whole numbers: interpolated linearly.
pub(crate) fn log10_binomial_tail_between(n: usize, k: f64, p: f64) -> f64 {
    let whole = libm::floor(k.max(0.0));
    let part = k.max(0.0) - whole;
    let below = log10_binomial_tail(n, whole as usize, p);
    if part == 0.0 {
        return below;
    }
    let above = log10_binomial_tail(n, whole as usize + 1, p);
    if above == f64::NEG_INFINITY {
        return below;
    }
    below + part * (above - below)
}

fn ln_choose(n: usize, k: usize) -> f64 {
    let ln_factorial = |m: usize| libm::lgamma(m as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_by_hand() {
        let check = |n, k, p: f64, want: f64| {
            let got = log10_binomial_tail(n, k, p);
            assert!((got - want.log10()).abs() < 1e-9, "{n} {k} {p}: {got}");
        };
        check(3, 1, 0.5, 7.0 / 8.0);
        check(3, 3, 0.5, 1.0 / 8.0);
        check(4, 2, 0.1, 6.0 * 0.01 * 0.81 + 4.0 * 0.001 * 0.9 + 0.0001);
        check(10, 0, 0.3, 1.0);
        assert_eq!(log10_binomial_tail(3, 4, 0.5), f64::NEG_INFINITY);
    }

    #[test]
    fn the_tail_equals_the_sum_of_its_terms() {
        for (n, p) in [(20, 0.3f64), (37, 0.02), (50, 0.9)] {
            for k in 1..=n {
                let terms = (k..=n).map(|i| {
                    let ln = ln_choose(n, i) + i as f64 * p.ln() + (n - i) as f64 * (1.0 - p).ln();
                    ln.exp()
                });
                let want = terms.sum::<f64>().log10().min(0.0);
                let got = log10_binomial_tail(n, k, p);
                assert!(
                    (got - want).abs() < 1e-9 * want.abs().max(1.0),
                    "{n} {k} {p}: {got} {want}"
                );
            }
        }
    }

    #[test]
    fn between_whole_numbers_the_tail_falls_evenly() {
        let tail = |k| log10_binomial_tail_between(40, k, 0.05);
        for k in 0..40 {
            let k = f64::from(k);
            assert_eq!(tail(k), log10_binomial_tail(40, k as usize, 0.05));
            let middle = 0.5 * (tail(k) + tail(k + 1.0));
            assert!((tail(k + 0.5) - middle).abs() < 1e-9, "{k}");
        }
        // All trials, and a part more.
        assert_eq!(tail(40.5), tail(40.0));
        assert_eq!(tail(-1.0), 0.0);
    }

    #[test]
    fn certain_and_impossible_events() {
        for (n, k, p, want) in [
            (5, 0, 0.0, 0.0),
            (5, 5, 1.0, 0.0),
            (0, 0, 0.5, 0.0),
            (0, 1, 0.5, f64::NEG_INFINITY),
            (5, 1, 0.0, f64::NEG_INFINITY),
        ] {
            assert_eq!(log10_binomial_tail(n, k, p), want, "{n} {k} {p}");
        }
        // Far below the smallest number above 0.
        assert!((log10_binomial_tail(1000, 1000, 1e-6) + 6000.0).abs() < 1e-6);
    }

    #[test]
    fn more_successes_are_rarer() {
        let tails: Vec<f64> = (0..=200)
            .map(|k| log10_binomial_tail(200, k, 0.01))
            .collect();
        assert!(tails.windows(2).all(|t| t[1] < t[0] || t[0] == 0.0));
        assert!(tails[200] < -399.0);
    }
}
