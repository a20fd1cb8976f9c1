//! The order of what was found.

use std::collections::HashMap;

use resight_index::{Candidate, Key};

use crate::dense::{Likeness, Likenesses};
use crate::grouping::{self, Objects};
use crate::search::{Hit, Mode, SearchOptions};

/// A picture that words say nothing of.
pub(crate) fn unshared(key: Key) -> Candidate {
    Candidate {
        key,
        score: 0.0,
        agreement: 0.0,
    }
}

/// Words that are shared give more than nothing.
pub(crate) fn is_unshared(candidate: &Candidate) -> bool {
    candidate.score == 0.0
}

/// A place in the ranking.
pub(crate) struct Ranked {
    pub(crate) candidate: Candidate,
    /// `None` where it was not examined.
    pub(crate) hit: Option<Hit>,
    /// Where it looks alike, or words say nothing of it.
    excess: Option<f32>,
}

impl Ranked {
    pub(crate) fn is_alike(&self) -> bool {
        self.excess.is_some_and(|excess| excess >= 0.0)
    }
}

/// Verified hits by how unlikely chance is, then what looks alike by how much, then all others by
/// words.
pub(crate) struct Ranking {
    pub(crate) all: Vec<Ranked>,
    /// How many of these are verified, which come first.
    pub(crate) verified: usize,
    /// Examined pictures that share a word and were removed meanwhile.
    pub(crate) gone: usize,
    /// Those that share no word.
    pub(crate) unshared: usize,
}

impl Ranking {
    /// `examined` are the first of `candidates`, `None` for those that are gone.
    pub(crate) fn new(
        candidates: &[Candidate],
        examined: Vec<Option<Hit>>,
        likenesses: &Likenesses,
        options: &SearchOptions,
    ) -> Self {
        let near: HashMap<Key, Likeness> = likenesses.nearest.iter().copied().collect();
        let ranked = |candidate: &Candidate, hit| {
            let likeness = near.get(&candidate.key);
            let says = likeness.filter(|l| l.is_alike() || is_unshared(candidate));
            Ranked {
                candidate: *candidate,
                hit,
                excess: says.map(|l| l.excess),
            }
        };
        let rest = &candidates[examined.len()..];
        let gone = candidates.iter().zip(&examined);
        let gone = gone.filter(|(c, hit)| hit.is_none() && !is_unshared(c));
        let gone = gone.count();
        let examined = candidates.iter().zip(examined);
        let (mut all, mut others): (Vec<Ranked>, Vec<Ranked>) = examined
            .filter_map(|(candidate, hit)| Some(ranked(candidate, Some(hit?))))
            .partition(|r| r.hit.as_ref().is_some_and(|h| h.verified));
        // Stable: of equals, the better candidate stays first.
        let nfa = |r: &Ranked| r.hit.as_ref().and_then(|h| h.log10_nfa).unwrap_or(0.0);
        all.sort_by(|a, b| nfa(a).total_cmp(&nfa(b)));
        let verified = all.len();
        if !options.verified_only {
            others.extend(rest.iter().map(|candidate| ranked(candidate, None)));
            // What was only looked at because it is nearest of all, and is nothing.
            let by_words = options.mode != Mode::Similar;
            others.retain(|r| !by_words || !is_unshared(&r.candidate) || r.is_alike());
            others.sort_by(|a, b| {
                let alike = |r: &Ranked| r.excess.filter(|e| *e >= 0.0).unwrap_or(-1.0);
                let unlike = |r: &Ranked| r.excess.unwrap_or(f32::MIN);
                let (ac, bc) = (&a.candidate, &b.candidate);
                alike(b)
                    .total_cmp(&alike(a))
                    .then(bc.score.total_cmp(&ac.score))
                    .then(unlike(b).total_cmp(&unlike(a)))
                    .then(ac.key.cmp(&bc.key))
            });
            all.append(&mut others);
        }
        Self {
            unshared: all.iter().filter(|r| is_unshared(&r.candidate)).count(),
            all,
            verified,
            gone,
        }
    }

    /// Leaves the best picture of each object; gives of each the others, best first.
    pub(crate) fn group(&mut self, objects: &Objects) -> Vec<Vec<Key>> {
        let all = std::mem::take(&mut self.all);
        let (best, others) = grouping::best_of_each(all, |r| r.candidate.key, objects);
        self.all = best;
        let is_verified = |r: &&Ranked| r.hit.as_ref().is_some_and(|h| h.verified);
        self.verified = self.all.iter().filter(is_verified).count();
        others
    }
}
