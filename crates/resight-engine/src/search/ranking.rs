//! The stage that orders what was found.

use std::collections::HashMap;

use resight_index::{Candidate, Key};

use super::answer::Hit;
use super::folding::MatchedViews;
use super::grouping::{Objects, best_of_each};
use super::likeness::{Likeness, Likenesses};
use super::request::SearchOptions;
use super::state::{SearchState, is_unshared};

/// An entry of the ranking.
pub(crate) struct Ranked {
    pub(crate) candidate: Candidate,
    /// `None` where it was not examined.
    pub(crate) hit: Option<Hit>,
    /// Excess of its likeness, where it looks alike or shares no word.
    excess: Option<f32>,
}

impl Ranked {
    fn is_alike(&self) -> bool {
        self.excess.is_some_and(|excess| excess >= 0.0)
    }

    fn is_verified(&self) -> bool {
        self.hit.as_ref().is_some_and(|hit| hit.verified)
    }

    fn is_identical(&self) -> bool {
        self.hit.as_ref().is_some_and(|hit| hit.identical)
    }

    /// log10 of its number of false alarms in the uniform chance model where that is below 0, else 0.
    fn evidence(&self) -> f64 {
        let nfa = self.hit.as_ref().and_then(|hit| hit.log10_uniform);
        nfa.unwrap_or(0.0).min(0.0)
    }
}

/// Files of the same bytes first, then verified hits, then those that look alike by how much, then examined
/// ones with a number of false alarms below 1, then all others by words. Verified and examined hits are
/// ordered by their number of false alarms in the uniform chance model.
pub(crate) struct Ranking {
    pub(crate) all: Vec<Ranked>,
    /// Number of verified ones, which come first.
    pub(crate) verified: usize,
    /// Number of those that look alike and are not verified.
    pub(crate) alike: usize,
    /// Number of pictures in the whole ranking, of which `all` may list a part.
    pub(crate) total: usize,
    /// The views that brought candidates.
    pub(crate) views: MatchedViews,
    /// Where hits are grouped, the keys of the other pictures of each object, best first.
    pub(crate) groups: Option<Vec<Vec<Key>>>,
}

impl Ranking {
    /// Ranks everything found, and keeps the best picture of each object where `objects` are given.
    pub(crate) fn new(
        state: SearchState,
        likenesses: &Likenesses,
        objects: Option<&Objects>,
        options: &SearchOptions,
    ) -> Self {
        let by_words = options.by_words();
        let is_complete = state.is_complete();
        let SearchState {
            mut candidates,
            examined,
            views,
        } = state;
        let unseen = likenesses.unseen(&candidates.best, by_words);
        candidates.best.extend(unseen);
        let with_hits = candidates.best.iter().zip(&examined);
        let removed = with_hits.filter(|(c, hit)| hit.is_none() && !is_unshared(c));
        let removed = removed.count();
        let ranked = rank(&candidates.best, examined, likenesses, options);
        let (all, groups) = match objects {
            Some(objects) => {
                let (best, others) = best_of_each(ranked, |r| r.candidate.key, objects);
                (best, Some(others))
            }
            None => (ranked, None),
        };
        let unshared = all.iter().filter(|r| is_unshared(&r.candidate)).count();
        let verified = all.iter().filter(|r| r.is_verified()).count();
        let total = if options.verified_only || groups.is_some() {
            all.len()
        } else if !by_words {
            likenesses.total
        } else if is_complete {
            candidates.total - removed + unshared
        } else {
            // Not all that share a word are known, so some that look alike are among them.
            candidates.total - removed
        };
        Self {
            verified,
            alike: all[verified..].iter().filter(|r| r.is_alike()).count(),
            total,
            all,
            views,
            groups,
        }
    }
}

/// `examined` are the hits of the first of `candidates`; `None` for pictures that were removed.
fn rank(
    candidates: &[Candidate],
    examined: Vec<Option<Hit>>,
    likenesses: &Likenesses,
    options: &SearchOptions,
) -> Vec<Ranked> {
    let near: HashMap<Key, Likeness> = likenesses.nearest.iter().copied().collect();
    let ranked = |candidate: &Candidate, hit| {
        let likeness = near.get(&candidate.key);
        let counts = likeness.filter(|l| l.is_alike() || is_unshared(candidate));
        Ranked {
            candidate: *candidate,
            hit,
            excess: counts.map(|l| l.excess),
        }
    };
    let rest = &candidates[examined.len()..];
    let (mut verified, mut others): (Vec<Ranked>, Vec<Ranked>) = candidates
        .iter()
        .zip(examined)
        .filter_map(|(candidate, hit)| Some(ranked(candidate, Some(hit?))))
        .partition(Ranked::is_verified);
    // Stable: of equals, the better candidate stays first.
    verified.sort_by(|a, b| {
        let identical = b.is_identical().cmp(&a.is_identical());
        identical.then(a.evidence().total_cmp(&b.evidence()))
    });
    if options.verified_only {
        return verified;
    }
    others.extend(rest.iter().map(|candidate| ranked(candidate, None)));
    // Pictures examined only because they are the nearest, and that turned out to be nothing.
    let by_words = options.by_words();
    others
        .retain(|r| !by_words || !is_unshared(&r.candidate) || r.is_alike() || r.evidence() < 0.0);
    others.sort_by(|a, b| {
        let alike = |r: &Ranked| r.excess.filter(|e| *e >= 0.0).unwrap_or(-1.0);
        let unlike = |r: &Ranked| r.excess.unwrap_or(f32::MIN);
        let (ac, bc) = (&a.candidate, &b.candidate);
        alike(b)
            .total_cmp(&alike(a))
            .then(a.evidence().total_cmp(&b.evidence()))
            .then(bc.score.total_cmp(&ac.score))
            .then(unlike(b).total_cmp(&unlike(a)))
            .then(ac.key.cmp(&bc.key))
    });
    verified.append(&mut others);
    verified
}

#[cfg(test)]
mod tests {
    use super::super::request::Mode;
    use super::super::state::samples::state;
    use super::*;

    fn likenesses(nearest: &[(u64, f32)]) -> Likenesses {
        let nearest = nearest.iter().map(|&(key, excess)| {
            let likeness = Likeness {
                cosine: 0.5,
                excess,
                model: 0,
            };
            (Key(key), likeness)
        });
        Likenesses::of_nearest(nearest.collect())
    }

    fn keys(ranking: &Ranking) -> Vec<u64> {
        ranking.all.iter().map(|r| r.candidate.key.0).collect()
    }

    #[test]
    fn verified_hits_then_what_looks_alike_then_words() {
        let state = state(5, &[None, Some(-5.0), Some(-9.0)]);
        // 9 shares no word and looks alike, 8 neither.
        let likenesses = likenesses(&[(5, 0.6), (9, 0.4), (8, -0.5)]);
        let ranking = Ranking::new(state, &likenesses, None, &SearchOptions::default());
        assert_eq!(keys(&ranking), [3, 2, 5, 9, 1, 4]);
        assert_eq!((ranking.verified, ranking.alike, ranking.total), (2, 2, 6));
    }

    #[test]
    fn agreement_below_one_false_alarm_goes_before_words_and_identical_files_before_all() {
        let mut state = state(
            6,
            &[Some(-9.0), Some(-3.0), Some(-4.0), Some(0.5), Some(-7.0)],
        );
        for at in [1, 2, 3] {
            state.examined[at].as_mut().unwrap().verified = false;
        }
        state.examined[4].as_mut().unwrap().identical = true;
        // 6 looks alike.
        let likenesses = likenesses(&[(6, 0.4)]);
        let ranking = Ranking::new(state, &likenesses, None, &SearchOptions::default());
        assert_eq!(keys(&ranking), [5, 1, 6, 3, 2, 4]);
        assert_eq!((ranking.verified, ranking.alike, ranking.total), (2, 1, 6));
    }

    #[test]
    fn verified_hits_are_ordered_by_the_uniform_model() {
        let mut state = state(3, &[Some(-9.0), Some(-8.0), Some(-7.0)]);
        for (at, uniform) in [(0, -20.0), (1, -40.0), (2, -30.0)] {
            state.examined[at].as_mut().unwrap().log10_uniform = Some(uniform);
        }
        let ranking = Ranking::new(state, &likenesses(&[]), None, &SearchOptions::default());
        assert_eq!(keys(&ranking), [2, 3, 1]);
    }

    #[test]
    fn verified_hits_alone_where_they_are_wanted() {
        let options = SearchOptions {
            verified_only: true,
            ..SearchOptions::default()
        };
        let state = state(5, &[None, Some(-5.0)]);
        let ranking = Ranking::new(state, &likenesses(&[(9, 0.4)]), None, &options);
        assert_eq!(keys(&ranking), [2]);
        assert_eq!((ranking.verified, ranking.alike, ranking.total), (1, 0, 1));
    }

    #[test]
    fn pictures_removed_meanwhile_are_not_counted() {
        let mut state = state(4, &[None, None]);
        state.examined[1] = None;
        let ranking = Ranking::new(state, &likenesses(&[]), None, &SearchOptions::default());
        assert_eq!(keys(&ranking), [1, 3, 4]);
        assert_eq!(ranking.total, 3);
    }

    #[test]
    fn likeness_alone_ranks_by_likeness() {
        let options = SearchOptions {
            mode: Mode::Similar,
            ..SearchOptions::default()
        };
        let mut likenesses = likenesses(&[(4, 0.2), (2, -0.1), (6, -0.4)]);
        likenesses.total = 7;
        let ranking = Ranking::new(SearchState::default(), &likenesses, None, &options);
        assert_eq!(keys(&ranking), [4, 2, 6]);
        assert_eq!((ranking.alike, ranking.total), (1, 7));
    }
}
