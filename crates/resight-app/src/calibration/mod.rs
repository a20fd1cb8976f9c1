//! What the scores of unrelated pairs say about a threshold: rates that can be counted, and beyond
//! them the tail of a model.

mod plot;

pub use plot::plot;

/// The lowest scores that the tail is fitted to.
const TAIL: usize = 100;

/// log10 numbers of false alarms of unrelated pairs.
pub struct Scores {
    /// Pairs compared, with those that have no score worth keeping.
    pairs: u64,
    /// Ascending: the surest, which are the wrongest here, first.
    scores: Vec<f64>,
}

/// The lowest scores lie exponentially below a level, as they do where every further inlier is as
/// unlikely as the one before: peaks over a threshold (Pickands, Annals of Statistics 1975) with the
/// shape 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Scores at or below this are the tail.
    pub level: f64,
    /// How many of all pairs they are.
    pub share: f64,
    /// Their mean distance from the level.
    pub mean: f64,
    /// The most that the mean may well be: 95 % confidence, from the number of scores.
    pub most: f64,
}

impl Scores {
    /// `pairs`: all that were compared; `scores`: those of them worth keeping, in any order.
    pub fn new(pairs: u64, mut scores: Vec<f64>) -> Self {
        scores.sort_by(f64::total_cmp);
        Self { pairs, scores }
    }

    /// The scores that were kept, ascending.
    pub fn all(&self) -> &[f64] {
        &self.scores
    }

    /// How many pairs were compared.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// How many lie at or below `level`.
    pub fn counted(&self, level: f64) -> usize {
        self.scores.partition_point(|&score| score <= level)
    }

    /// The fitted tail; `None` with fewer than ten scores, or where they are all the same.
    pub fn tail(&self) -> Option<Tail> {
        let n = self.scores.len().min(TAIL + 1).checked_sub(1)?;
        if n < 10 {
            return None;
        }
        let level = self.scores[n];
        let mean = self.scores[..n].iter().map(|s| level - s).sum::<f64>() / n as f64;
        (mean > 0.0).then(|| Tail {
            level,
            share: n as f64 / self.pairs.max(1) as f64,
            mean,
            // The standard deviation of an exponential mean is the mean by the root of their number.
            most: mean * (1.0 + 1.645 / (n as f64).sqrt()),
        })
    }
}

impl Tail {
    /// Share of unrelated pairs expected at or below `score`, itself below the level; with
    /// `most` the share that it may well be.
    pub fn rate(&self, score: f64, most: bool) -> f64 {
        let mean = if most { self.most } else { self.mean };
        self.share * ((score - self.level).min(0.0) / mean).exp()
    }

    /// The score at or below which so large a share is expected.
    pub fn score(&self, rate: f64, most: bool) -> f64 {
        let mean = if most { self.most } else { self.mean };
        self.level + mean * (rate / self.share).min(1.0).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_extrapolates() {
        // Quantiles of an exponential distribution of mean 0.5 below -1.
        let scores: Vec<f64> = (0..2000)
            .map(|i| -1.0 + 0.5 * ((f64::from(i) + 0.5) / 2000.0).ln())
            .collect();
        let scores = Scores::new(1_000_000, scores);
        assert_eq!(scores.counted(-1.0), 2000);
        assert_eq!(scores.counted(-99.0), 0);
        let tail = scores.tail().unwrap();
        assert!((tail.mean - 0.5).abs() < 0.02, "{tail:?}");
        assert!((tail.rate(tail.level, false) - 1e-4).abs() < 1e-9);
        let counted = scores.counted(-4.0) as f64 / 1e6;
        assert!((tail.rate(-4.0, false) / counted - 1.0).abs() < 0.3);
        let millionth = tail.score(1e-6, false);
        assert!((tail.rate(millionth, false) - 1e-6).abs() < 1e-12);
        assert!(tail.score(1e-6, true) < millionth);
        assert!(tail.rate(-8.0, true) > tail.rate(-8.0, false));
    }

    #[test]
    fn too_few_scores_have_no_tail() {
        assert_eq!(Scores::new(10, Vec::new()).tail(), None);
        assert_eq!(Scores::new(10, vec![-1.0; 50]).tail(), None);
        assert_eq!(Scores::new(10, vec![-1.0, -2.0]).tail(), None);
    }
}
