//! Numbers made from rankings.

/// A ranking against its labels: only what the metrics need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// For each ranked picture, best first, whether it is relevant. What counts neither way (the
    /// query itself, ignored pictures) is left out already.
    pub ranking: Vec<bool>,
    /// Relevant pictures that were compared closely.
    pub examined: usize,
    /// Relevant pictures there are, found or not; at least 1.
    pub relevant: usize,
}

impl Judged {
    /// Whether one of the first `k` is relevant.
    pub fn hit_within(&self, k: usize) -> bool {
        self.ranking.iter().take(k).any(|relevant| *relevant)
    }

    /// Share of the relevant pictures that were compared closely, 0..=1.
    pub fn found(&self) -> f64 {
        self.examined as f64 / self.relevant.max(1) as f64
    }
}

/// Mean over all relevant pictures of the precision at their rank, 0 for those not ranked.
pub fn average_precision(judged: &Judged) -> f64 {
    let mut found = 0_usize;
    let mut sum = 0.0;
    for (i, relevant) in judged.ranking.iter().enumerate() {
        if *relevant {
            found += 1;
            sum += found as f64 / (i + 1) as f64;
        }
    }
    sum / judged.relevant.max(1) as f64
}

/// Mean of `numbers`; 0 when there are none.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

/// The smallest of `numbers` such that at least `share` (0..=1) of them are no larger (nearest
/// rank); 0 when there are none.
pub fn percentile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(ranking: &[u8], relevant: usize) -> Judged {
        Judged {
            examined: ranking.iter().filter(|r| **r == 1).count(),
            ranking: ranking.iter().map(|flag| *flag == 1).collect(),
            relevant,
        }
    }

    #[test]
    fn average_precision_of_hand_made_rankings() {
        // (ranking, relevant in all, average precision)
        let cases: [(&[u8], usize, f64); 6] = [
            (&[1], 1, 1.0),
            (&[0, 1], 1, 0.5),
            (&[1, 0, 1, 0], 2, (1.0 + 2.0 / 3.0) / 2.0),
            (&[1, 0, 1, 0], 4, (1.0 + 2.0 / 3.0) / 4.0),
            (&[0, 0, 0], 3, 0.0),
            (&[], 1, 0.0),
        ];
        for (ranking, relevant, expected) in cases {
            let found = average_precision(&judged(ranking, relevant));
            assert!((found - expected).abs() < 1e-12, "{ranking:?}: {found}");
        }
    }

    #[test]
    fn recall_looks_at_the_first_k_only() {
        let ranking = judged(&[0, 0, 1, 1], 4);
        assert!(!ranking.hit_within(1) && !ranking.hit_within(2));
        assert!(ranking.hit_within(3) && ranking.hit_within(10));
        assert_eq!(ranking.found(), 0.5);
        assert!(!judged(&[], 1).hit_within(10));
    }

    #[test]
    fn percentiles_are_numbers_that_were_measured() {
        let numbers: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(percentile(&numbers, 0.5), 10.0);
        assert_eq!(percentile(&numbers, 0.95), 19.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
        assert_eq!(mean([1.0, 2.0].into_iter()), 1.5);
        assert_eq!(mean(std::iter::empty()), 0.0);
    }
}
