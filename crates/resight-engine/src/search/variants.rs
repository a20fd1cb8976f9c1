//! Variants of the query that are looked for beside it as it is: mirrored left to right, and with its
//! tones inverted. Their features are made of the query's own, not of its pixels.
//!
//! Invariant: this only adds what it verifies. A picture in which no variant is verified keeps the hit
//! and the rank that it has without.

use std::collections::HashSet;
use std::time::Instant;

use resight_index::{Candidate, Key, QueryWords};
use resight_vision::{LocalExtractor, LocalFeatures};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{MOST_EXAMINED, Sought, lookers};
use crate::expansion::Found;
use crate::ranking::is_unshared;
use crate::scope::Scope;
use crate::search::{Hit, Stage, milliseconds};

/// Candidates of the variants that are examined at least, and without a verified one among them at
/// most. A copy shares as many words with its variant as a copy does, so it is among the first.
const SHORTLIST: usize = 25;

/// Features of a variant that vote, those of the largest scales: candidates need fewer than evidence
/// does, which is of all of them.
const VOTERS: usize = 300;

/// What a result does to the query beside moving it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// It shows it mirrored left to right.
    pub mirrored: bool,
    /// It shows light for dark and dark for light, as a negative does.
    pub inverted: bool,
}

impl Variant {
    /// Every change.
    pub const ALL: Self = Self {
        mirrored: true,
        inverted: true,
    };

    /// Each that is looked for where these changes are wanted: one change at a time.
    fn each(self) -> impl Iterator<Item = Self> {
        let Self { mirrored, inverted } = self;
        let one = Self::default();
        let all = [Self { mirrored, ..one }, Self { inverted, ..one }];
        all.into_iter().filter(move |variant| *variant != one)
    }

    /// Features of a picture so wide as they would be of this variant of it; `None` where the extractor
    /// cannot tell. One change at a time.
    fn of(
        self,
        features: &LocalFeatures,
        width: u32,
        extractor: &dyn LocalExtractor,
    ) -> Option<LocalFeatures> {
        match self.mirrored {
            true => extractor.mirrored(features, width),
            false => extractor.inverted(features),
        }
    }

    /// All variants of a picture so wide, with their features, as far as the extractor can tell.
    pub(crate) fn all_of(
        features: &LocalFeatures,
        width: u32,
        extractor: &dyn LocalExtractor,
    ) -> Vec<(Self, LocalFeatures)> {
        let each = Self::ALL.each();
        each.filter_map(|variant| Some((variant, variant.of(features, width, extractor)?)))
            .collect()
    }

    /// Both changes.
    fn or(self, other: Self) -> Self {
        Self {
            mirrored: self.mirrored || other.mirrored,
            inverted: self.inverted || other.inverted,
        }
    }
}

impl Engine {
    /// Examines the best candidates of the query's variants, and those of `alike` that are not verified
    /// yet, and adds those that are verified to what was found. Gives which of the `wanted` changes were
    /// looked for, those for which the extractor can change features, and the milliseconds it took.
    pub(crate) fn find_variants(
        &self,
        wanted: Variant,
        queries: &[Sought<'_>],
        scope: &Scope<'_>,
        alike: &[Candidate],
        found: &mut Found,
    ) -> Result<(Variant, f64), EngineError> {
        let begun = Instant::now();
        let mut features = Vec::new();
        for variant in wanted.each() {
            let own = queries
                .iter()
                .map(|query| variant.of(query.features, query.size[0], &*self.parts.extractor));
            if let Some(own) = own.collect::<Option<Vec<LocalFeatures>>>() {
                features.push((variant, own));
            }
        }
        let made = features
            .iter()
            .fold(Variant::default(), |all, (one, _)| all.or(*one));
        if features.is_empty() {
            return Ok((made, 0.0));
        }
        let mut words = QueryWords::default();
        let mut sought = Vec::with_capacity(features.len() * queries.len());
        for (variant, features) in &features {
            for (query, features) in queries.iter().zip(features) {
                let vocabulary = &query.visual.vocabulary;
                let cells = self.options.matching_cells;
                let votes = largest(features, VOTERS);
                let own =
                    vocabulary.assign_some(features, query.size, cells, &|number| votes[number]);
                sought.push(Sought {
                    features,
                    variant: *variant,
                    lookers: lookers(features, &own, vocabulary),
                    ..*query
                });
                let voting = own.features.into_iter().zip(votes);
                words
                    .features
                    .extend(voting.filter_map(|(feature, votes)| votes.then_some(feature)));
            }
        }
        let mut question = scope.question();
        question.add(&words);
        let asked = scope.candidates(&question);
        let complete = found.is_complete();
        let mut seen = HashSet::new();
        let (mut from, mut until) = (0, SHORTLIST);
        while from < until.min(asked.best.len()) {
            let part = &asked.best[from..until.min(asked.best.len())];
            seen.extend(part.iter().map(|c| c.key));
            for ((rank, candidate), hit) in (from..).zip(part).zip(self.examine(&sought, part)?) {
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
        let hits = self.examine(&sought, &alike)?;
        for (candidate, hit) in alike.iter().zip(hits) {
            if let Some(mut hit) = hit.filter(|hit| hit.verified) {
                hit.stage = Stage::Dense;
                found.put(*candidate, hit, complete);
            }
        }
        Ok((made, milliseconds(begun)))
    }
}

/// Which features are among the `n` of the largest scales; of equals, the first.
///
/// Not by their order, which is by strength for a picture that was just described, and by words for one
/// that is held.
fn largest(features: &LocalFeatures, n: usize) -> Vec<bool> {
    let keypoints = &features.keypoints;
    let mut order: Vec<usize> = (0..keypoints.len()).collect();
    order.sort_by(|&a, &b| keypoints[b].scale.total_cmp(&keypoints[a].scale));
    let mut among = vec![false; keypoints.len()];
    for number in order.into_iter().take(n) {
        among[number] = true;
    }
    among
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
