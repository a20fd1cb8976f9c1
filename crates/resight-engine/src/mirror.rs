//! Mirrored matches: the query's features are mirrored, not its pixels, and ask the index beside the
//! query as it is.
//!
//! Invariant: it only adds what it verifies. A picture that no mirrored match is verified in keeps the
//! hit and the rank that it has without.

use std::collections::HashSet;
use std::time::Instant;

use resight_index::{Candidate, Candidates, Key, QueryWords};
use resight_vision::LocalFeatures;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{Sought, lookers};
use crate::expansion::Found;
use crate::ranking::is_unshared;
use crate::search::{Hit, MOST_EXAMINED, Stage, milliseconds};

/// Candidates of the mirrored query that are examined at least, and without a verified one among them
/// at most. A mirrored copy shares as many words with it as a copy does, so it is among the first.
const SHORTLIST: usize = 50;

impl Engine {
    /// Examines the best candidates of the mirrored query, and those of `alike` that are not verified
    /// yet, and adds those that are verified to what was found. Gives the milliseconds it took; `None` where the extractor's features cannot be mirrored.
    pub(crate) fn find_mirrored(
        &self,
        queries: &[Sought<'_>],
        ask: impl Fn(&QueryWords) -> Candidates,
        alike: &[Candidate],
        found: &mut Found,
    ) -> Result<Option<f64>, EngineError> {
        let begun = Instant::now();
        let extractor = &self.parts.extractor;
        let turned = queries.iter();
        let turned = turned.map(|query| extractor.mirrored(query.features, query.size[0]));
        let Some(turned) = turned.collect::<Option<Vec<LocalFeatures>>>() else {
            return Ok(None);
        };
        let mut words = QueryWords::default();
        let mut mirrored = Vec::with_capacity(queries.len());
        for (query, features) in queries.iter().zip(&turned) {
            let vocabulary = &query.visual.vocabulary;
            let cells = self.options.matching_cells;
            let own = vocabulary.assign_query(features, query.size, cells);
            mirrored.push(Sought {
                features,
                unmirrored: Some(query.features),
                size: query.size,
                origin: query.origin,
                lookers: lookers(features, &own, vocabulary),
                visual: query.visual,
            });
            words.features.extend(own.features);
        }
        let asked = ask(&words);
        let complete = found.is_complete();
        let mut seen = HashSet::new();
        let (mut from, mut until) = (0, SHORTLIST);
        while from < until.min(asked.best.len()) {
            let part = &asked.best[from..until.min(asked.best.len())];
            seen.extend(part.iter().map(|c| c.key));
            for ((rank, candidate), hit) in (from..).zip(part).zip(self.examine(&mirrored, part)?) {
                let Some(hit) = hit.filter(|hit| hit.verified) else {
                    continue;
                };
                until = until.max((rank + 1 + SHORTLIST).min(MOST_EXAMINED));
                found.put(*candidate, hit, complete);
            }
            from += part.len();
        }
        seen.extend(found.verified());
        let alike = alike.iter().filter(|c| !seen.contains(&c.key));
        let alike: Vec<Candidate> = alike.copied().collect();
        let hits = self.examine(&mirrored, &alike)?;
        for (candidate, hit) in alike.iter().zip(hits) {
            if let Some(mut hit) = hit.filter(|hit| hit.verified) {
                hit.stage = Stage::Dense;
                found.put(*candidate, hit, complete);
            }
        }
        Ok(Some(milliseconds(begun)))
    }
}

impl Found {
    /// The pictures that are verified.
    fn verified(&self) -> impl Iterator<Item = Key> {
        let examined = self.candidates.best.iter().zip(&self.examined);
        let verified = examined.filter(|(_, hit)| hit.as_ref().is_some_and(|hit| hit.verified));
        verified.map(|(candidate, _)| candidate.key)
    }

    /// Adds a verified hit; where its picture has a surer one already that stays. `complete` says
    /// whether the candidates are all pictures that share a word with the query.
    fn put(&mut self, candidate: Candidate, hit: Hit, complete: bool) {
        let best = &mut self.candidates.best;
        let nfa = |hit: &Hit| (!hit.verified, hit.log10_nfa.unwrap_or(0.0));
        match best.iter().position(|c| c.key == candidate.key) {
            Some(at) if at < self.examined.len() => {
                let old = self.examined[at].as_ref().map(nfa);
                if old.is_none_or(|old| nfa(&hit) < old) {
                    self.examined[at] = Some(hit);
                }
                return;
            }
            Some(at) => {
                let listed = best.remove(at);
                let is_new = is_unshared(&listed) && !is_unshared(&candidate);
                self.candidates.total += usize::from(complete && is_new);
            }
            None => {
                let is_new = complete && !is_unshared(&candidate);
                self.candidates.total += usize::from(is_new);
            }
        }
        best.insert(self.examined.len(), candidate);
        self.examined.push(Some(hit));
    }
}
