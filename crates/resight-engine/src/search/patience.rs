//! How far down a list of candidates is examined.

use std::ops::Range;

use crate::error::EngineError;

/// Candidates examined for the sake of verified ones before them, at most: where thousands show the same
/// thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

/// Candidates without a verified one among them that end an examination.
pub(crate) const PATIENCE: usize = 50;

/// Bounds of an examination that goes on as long as one of the last few candidates was verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Candidates examined in any case.
    pub(crate) least: usize,
    /// Candidates examined after each verified one.
    pub(crate) after_verified: usize,
    /// Candidates examined at most, unless `least` is more.
    pub(crate) most: usize,
}

impl Patience {
    /// Examines ranges of `available` candidates, best first, and returns the results of all that were
    /// examined. `examine` returns one result for each candidate of a range, or none to end the
    /// examination.
    pub(crate) fn examine<T>(
        &self,
        available: usize,
        is_verified: impl Fn(&T) -> bool,
        mut examine: impl FnMut(Range<usize>) -> Result<Vec<T>, EngineError>,
    ) -> Result<Vec<T>, EngineError> {
        let mut examined = Vec::new();
        let mut wanted = self.least;
        while examined.len() < wanted.min(available) {
            let results = examine(examined.len()..wanted.min(available))?;
            if results.is_empty() {
                break;
            }
            examined.extend(results);
            if let Some(last) = examined.iter().rposition(&is_verified) {
                wanted = wanted.max((last + 1 + self.after_verified).min(self.most));
            }
        }
        Ok(examined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_examination_goes_on_as_long_as_one_of_the_last_few_was_verified() {
        let patience = Patience {
            least: 4,
            after_verified: 3,
            most: 12,
        };
        // (candidates there are, ranks of the verified ones, candidates examined)
        for (available, verified, examined) in [
            (0, vec![], 0),
            (2, vec![], 2),
            (100, vec![], 4),
            (100, vec![0], 4),
            (100, vec![3], 7),
            (100, vec![3, 6], 10),
            (100, vec![3, 5, 8, 11], 12),
            (100, (0..100).collect(), 12),
            (9, (0..100).collect(), 9),
        ] {
            let results = patience
                .examine(
                    available,
                    |rank| verified.contains(rank),
                    |range| Ok(range.collect()),
                )
                .unwrap();
            assert_eq!(
                results,
                (0..examined).collect::<Vec<usize>>(),
                "{verified:?}"
            );
        }
    }

    #[test]
    fn the_least_is_examined_even_beyond_the_most() {
        let patience = Patience {
            least: 20,
            after_verified: 5,
            most: 10,
        };
        let all = patience.examine(100, |_| true, |range| Ok(range.collect::<Vec<_>>()));
        assert_eq!(all.unwrap().len(), 20);
    }

    #[test]
    fn an_examination_without_results_ends() {
        let patience = Patience {
            least: 4,
            after_verified: 3,
            most: 12,
        };
        let none = patience.examine(9, |_: &u8| true, |_| Ok(Vec::new()));
        assert!(none.unwrap().is_empty());
    }
}
