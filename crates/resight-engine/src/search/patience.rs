//! How far down a list of candidates is examined.

use std::ops::Range;

use resight_index::Candidate;

use crate::error::EngineError;

/// Candidates examined for the sake of verified ones before them, at most: where thousands show the same
/// thing, a search must still end.
pub(crate) const MOST_EXAMINED: usize = 1000;

/// Candidates without a verified one among them that end an examination.
pub(crate) const PATIENCE: usize = 50;

// The three bounds below were chosen on the five evaluation sets and checked on twelve others (`bench/attacks.py`; crops,
// turned and tilted views, pictures within pictures and thumbnails): `bench/results/search-time.md`.

/// A verified candidate lets at most so many times as many be examined as there are up to it: behind the only hit,
/// which is the first, there is next to nothing, and behind the twentieth there may be a thirtieth.
const GROWTH: usize = 4;

/// Candidates of which so many matches agree are examined in any case.
const AGREEING: u32 = 3;

/// Candidates of a search that are examined whatever the index says of them, at least…
const LEAST: usize = 32;
/// …and more where the query has few features: the index knows little of it then, and a comparison takes little time.
/// So many of its features are compared with candidates in all.
const FEATURES_COMPARED: usize = 48_000;

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

/// How many candidates there are up to the last one, among the first `most`, of which `matches` matches or more agree. The
/// index has put those of many first.
pub(crate) fn up_to_agreeing(candidates: &[Candidate], matches: u32, most: usize) -> usize {
    let first = &candidates[..most.min(candidates.len())];
    let last = first.iter().rposition(|c| c.agreeing >= matches);
    last.map_or(0, |last| last + 1)
}

impl Patience {
    /// Of a search by so many features, by the candidates of the index.
    pub(crate) fn of_search(candidates: &[Candidate], features: usize, shortlist: usize) -> Self {
        let least = (FEATURES_COMPARED / features.max(1)).max(LEAST);
        Self {
            least: up_to_agreeing(candidates, AGREEING, shortlist).max(least.min(shortlist)),
            after_verified: PATIENCE,
            most: MOST_EXAMINED,
        }
    }

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
                let until = last + 1 + self.after_verified.min((GROWTH - 1) * (last + 1));
                wanted = wanted.max(until.min(self.most));
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
    fn a_verified_candidate_lets_few_follow_where_few_stand_before_it() {
        let patience = Patience {
            least: 1,
            after_verified: 50,
            most: 1000,
        };
        // (ranks of the verified ones, candidates examined)
        for (verified, examined) in [
            (vec![], 1),
            (vec![0], 4),
            (vec![0, 2], 12),
            (vec![0, 2, 11], 48),
            (vec![0, 2, 11, 40], 91),
        ] {
            let results = patience.examine(
                500,
                |rank| verified.contains(rank),
                |range| Ok(range.collect::<Vec<usize>>()),
            );
            assert_eq!(results.unwrap().len(), examined, "{verified:?}");
        }
    }

    #[test]
    fn what_the_index_and_the_query_tell_decides_how_many_are_examined() {
        let candidate = |agreeing| Candidate {
            key: resight_index::Key(1),
            score: 1.0,
            agreement: f64::from(agreeing),
            agreeing,
        };
        let mut candidates = vec![candidate(0); 300];
        let least = |candidates: &[_], features, most| {
            Patience::of_search(candidates, features, most).least
        };
        for (features, least_of_all) in [(1500, 32), (15_000, 32), (600, 80), (20, 200), (0, 200)] {
            assert_eq!(
                least(&candidates, features, 200),
                least_of_all,
                "{features}"
            );
        }
        candidates[..40].fill(candidate(3));
        candidates[40..].fill(candidate(2));
        assert_eq!(least(&candidates, 1500, 200), 40);
        assert_eq!(least(&candidates, 1500, 5), 5);
        candidates[90] = candidate(7);
        assert_eq!(up_to_agreeing(&candidates, 4, 200), 91);
        assert_eq!(up_to_agreeing(&candidates, 4, 90), 0);
        assert_eq!(up_to_agreeing(&[], 4, 90), 0);
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
