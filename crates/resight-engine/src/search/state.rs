//! What a search has found so far; every stage adds to it.

use resight_index::{Candidate, Candidates, Key};

use super::answer::Hit;
use super::folding::MatchedViews;

/// Candidates and the hits of those that were examined.
///
/// Invariant: `examined` holds the hits of the first candidates, in their order; `None` for pictures
/// that were removed meanwhile.
#[derive(Default)]
pub(crate) struct SearchState {
    pub(crate) candidates: Candidates,
    pub(crate) examined: Vec<Option<Hit>>,
    /// The views that brought the candidates.
    pub(crate) views: MatchedViews,
}

/// A candidate that shares no word with the query.
pub(crate) fn unshared(key: Key) -> Candidate {
    Candidate {
        key,
        score: 0.0,
        agreement: 0.0,
        agreeing: 0,
    }
}

/// Whether a candidate shares no word with the query: any shared word scores above 0.
pub(crate) fn is_unshared(candidate: &Candidate) -> bool {
    candidate.score == 0.0
}

impl SearchState {
    /// Whether all pictures that share a word with the query are among the candidates. There may be
    /// others among them, which only look alike.
    pub(crate) fn is_complete(&self) -> bool {
        let best = self.candidates.best.iter();
        best.filter(|c| !is_unshared(c)).count() == self.candidates.total
    }

    /// The verified hits with their candidates.
    pub(crate) fn verified(&self) -> impl Iterator<Item = (&Candidate, &Hit)> {
        self.hits().filter(|(_, hit)| hit.verified)
    }

    /// The hits with a log10 number of false alarms of at most `most`, with their candidates.
    pub(crate) fn likely(&self, most: f64) -> impl Iterator<Item = (&Candidate, &Hit)> {
        let is_likely = move |hit: &Hit| hit.log10_nfa.is_some_and(|nfa| nfa <= most);
        self.hits().filter(move |(_, hit)| is_likely(hit))
    }

    fn hits(&self) -> impl Iterator<Item = (&Candidate, &Hit)> {
        let examined = self.candidates.best.iter().zip(&self.examined);
        examined.filter_map(|(candidate, hit)| Some((candidate, hit.as_ref()?)))
    }

    /// Adds a verified hit of another variant of the query. Where its picture has a surer one already,
    /// that one stays. `is_complete` is [`SearchState::is_complete`] before the variants were searched.
    pub(crate) fn add_verified(&mut self, candidate: Candidate, hit: Hit, is_complete: bool) {
        let order = |hit: &Hit| (!hit.verified, hit.log10_nfa.unwrap_or(0.0));
        let is_surer = |new: &Hit, old: &Hit| order(new) < order(old);
        self.add(candidate, hit, is_complete, is_surer);
    }

    /// Adds the hit of a file with the bytes of a query. It replaces any other of its picture.
    pub(crate) fn add_identical(&mut self, candidate: Candidate, hit: Hit, is_complete: bool) {
        self.add(candidate, hit, is_complete, |_, old| !old.identical);
    }

    /// Adds a hit that its pixels verify. It replaces one of its picture that is not verified.
    pub(crate) fn add_by_pixels(&mut self, candidate: Candidate, hit: Hit, is_complete: bool) {
        self.add(candidate, hit, is_complete, |_, old| !old.verified);
    }

    fn add(
        &mut self,
        candidate: Candidate,
        hit: Hit,
        is_complete: bool,
        replaces: impl Fn(&Hit, &Hit) -> bool,
    ) {
        let best = &mut self.candidates.best;
        match best.iter().position(|c| c.key == candidate.key) {
            Some(at) if at < self.examined.len() => {
                let old = self.examined[at].as_ref();
                if old.is_none_or(|old| replaces(&hit, old)) {
                    self.examined[at] = Some(hit);
                }
                return;
            }
            Some(at) => {
                let listed = best.remove(at);
                let is_new = is_unshared(&listed) && !is_unshared(&candidate);
                self.candidates.total += usize::from(is_complete && is_new);
            }
            None => {
                let is_new = is_complete && !is_unshared(&candidate);
                self.candidates.total += usize::from(is_new);
            }
        }
        best.insert(self.examined.len(), candidate);
        self.examined.push(Some(hit));
    }
}

/// Hits for the tests of stages.
#[cfg(test)]
pub(crate) mod samples {
    use resight_index::{Candidate, Key};
    use resight_store::{Labels, PictureId};

    use super::{Hit, SearchState};
    use crate::picture::Picture;

    pub(crate) fn candidate(key: u64, score: f64) -> Candidate {
        Candidate {
            key: Key(key),
            score,
            agreement: 0.0,
            agreeing: 0,
        }
    }

    /// A hit of the picture `key`: verified where it has a number of false alarms.
    pub(crate) fn hit(key: u64, log10_nfa: Option<f64>) -> Hit {
        let picture = Picture {
            id: PictureId::parse(&format!("{key:032x}")).unwrap(),
            name: key.to_string(),
            media_type: "image/png".into(),
            byte_len: 1,
            width: 10,
            height: 10,
            pages: Some(1),
            depth: Some(8),
            taken_ms: None,
            features: 1,
            added_ms: 0,
            sources: Vec::new(),
            uploaded: false,
            labels: Labels::default(),
        };
        Hit {
            examined: true,
            verified: log10_nfa.is_some(),
            log10_nfa,
            log10_uniform: log10_nfa,
            ..Hit::unexamined(picture, 1.0)
        }
    }

    /// Candidates 1, 2, … with falling scores, of which the first have been examined.
    pub(crate) fn state(candidates: u64, examined: &[Option<f64>]) -> SearchState {
        let mut state = SearchState::default();
        let best = (1..=candidates).map(|key| candidate(key, 100.0 - key as f64));
        state.candidates.best = best.collect();
        state.candidates.total = candidates as usize;
        let hits = examined.iter().zip(1..);
        state.examined = hits.map(|(nfa, key)| Some(hit(key, *nfa))).collect();
        state
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{candidate, hit, state};
    use super::*;

    fn keys(state: &SearchState) -> Vec<u64> {
        state.candidates.best.iter().map(|c| c.key.0).collect()
    }

    #[test]
    fn a_verified_hit_of_a_variant_follows_those_examined() {
        // (the added key, its number of false alarms; keys afterwards, those of the hits, the total)
        for (key, keys_after, examined, total) in [
            (9, vec![1, 2, 9, 3], 3, 4),
            (3, vec![1, 2, 3], 3, 3),
            (2, vec![1, 2, 3], 2, 3),
        ] {
            let mut state = state(3, &[Some(-20.0), None]);
            state.add_verified(candidate(key, 5.0), hit(key, Some(-9.0)), true);
            assert_eq!(keys(&state), keys_after, "{key}");
            assert_eq!(state.examined.len(), examined, "{key}");
            assert_eq!(state.candidates.total, total, "{key}");
            assert!(state.verified().any(|(c, _)| c.key.0 == key), "{key}");
        }
    }

    #[test]
    fn the_surer_hit_of_a_picture_stays() {
        for (nfa, stays) in [(-30.0, -30.0), (-9.0, -20.0)] {
            let mut state = state(1, &[Some(-20.0)]);
            state.add_verified(candidate(1, 5.0), hit(1, Some(nfa)), true);
            let hits: Vec<_> = state.verified().map(|(_, hit)| hit.log10_nfa).collect();
            assert_eq!(hits, [Some(stays)]);
        }
    }

    #[test]
    fn a_picture_without_a_shared_word_does_not_count_as_complete() {
        let mut state = state(2, &[]);
        assert!(state.is_complete());
        state.candidates.best.push(unshared(Key(7)));
        assert!(state.is_complete());
        state.candidates.best.remove(0);
        assert!(!state.is_complete());
    }
}
