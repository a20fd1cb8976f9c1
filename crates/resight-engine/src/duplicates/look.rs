//! Looking for each picture among those that were there before it.
//!
//! A pair is symmetric, so the later of two asks and every pair is examined once. Words only bring
//! candidates: pairs stay what they are when the vocabulary is exchanged.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rayon::prelude::*;
use resight_index::{Candidate, Key, Snapshot};
use resight_store::{PicturePair, PictureRecord};
use resight_vision::{Image, Transform};

use super::aligned::{Small, likeness};
use super::kind::kind_of;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::examine::{MOST_EXAMINED, Sought};
use crate::expansion::Found;
use crate::picture::Picture;
use crate::scope::Scope;
use crate::search::Hit;
use crate::stored_features::StoredFeatures;
use crate::variants::Variant;
use crate::visual::Visual;
use resight_decode::decode;

/// Pictures looked for between two commits.
const BATCH: usize = 32;

/// Candidates examined of each picture, and how many more after the last verified one.
const SHORTLIST: usize = 40;
const PATIENCE: usize = 20;

/// Pairs of one picture that are kept, the best candidates first: without a bound, pairs of many
/// copies of one picture would grow with the square of their number.
const MOST: usize = 250;

/// How far the looking is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairStep {
    /// Pictures looked for by this call.
    pub done: u64,
    /// Pictures that are left.
    pub left: u64,
    /// Pairs found by this call.
    pub pairs: u64,
}

/// A picture that looks for others.
struct Looker<'a> {
    record: &'a PictureRecord,
    stored: &'a StoredFeatures,
    visual: &'a Visual,
    snapshot: &'a Snapshot,
}

impl Engine {
    /// Looks for every picture that was not looked for yet, and keeps the verified pairs. What is done
    /// is durable after each step; where it is cancelled or killed, the next call goes on. Pictures that
    /// come meanwhile are looked for too. One call at a time.
    ///
    /// Errors: `cancelled`, and the store's.
    pub fn update_pairs(
        &self,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(PairStep),
    ) -> Result<(), EngineError> {
        let mut all = PairStep::default();
        loop {
            let step = self.update_some_pairs(&|| cancel.load(Ordering::Relaxed))?;
            if step.done == 0 {
                return Ok(());
            }
            all.done += step.done;
            all.pairs += step.pairs;
            all.left = step.left;
            on_step(all);
        }
    }

    /// One step of [`Engine::update_pairs`], some seconds at most; `done` is 0 when every picture has
    /// been looked for.
    pub fn update_some_pairs(
        &self,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<PairStep, EngineError> {
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let catalogue = &*self.parts.catalogue;
        let checked = Some(catalogue.checked_up_to()?);
        let keys = catalogue.keys_after(checked, BATCH)?;
        let keys: Vec<u64> = keys.into_iter().map(|(key, _)| key).collect();
        let Some(&last) = keys.last() else {
            return Ok(PairStep::default());
        };
        let (visual, snapshot) = {
            // A picture is committed before it is indexed: behind this lock all of these are both.
            let _no_changes = self.lock_changes();
            let visual = self.visual();
            let snapshot = visual.index.snapshot();
            (visual, snapshot)
        };
        let records = catalogue.pictures(&keys)?;
        let stored = self.fetch(&visual, &keys)?;
        let all = records.par_iter().zip(&stored);
        let found = all.map(|(record, stored)| {
            if is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let (Some(record), Some(stored)) = (record, stored) else {
                // Removed since, or damaged.
                return Ok(Vec::new());
            };
            let (visual, snapshot) = (&*visual, &*snapshot);
            self.look(&Looker {
                record,
                stored,
                visual,
                snapshot,
            })
        });
        let found = found.collect::<Result<Vec<_>, EngineError>>()?.concat();
        catalogue.put_pairs(&found, last)?;
        Ok(PairStep {
            done: keys.len() as u64,
            pairs: found.len() as u64,
            left: catalogue.unchecked_count()?,
        })
    }

    /// Waits until a picture has come since `known` was given, here or to an engine opened beside this
    /// one, or so much time has passed. Gives what to ask with the next time; the first time, ask with 0.
    pub fn wait_for_pictures(&self, known: u64, at_most: Duration) -> u64 {
        self.news.wait(known, at_most)
    }

    /// Ends all [`Engine::wait_for_pictures`].
    pub fn wake(&self) {
        self.news.tell();
    }

    /// The verified pairs of one picture with those of lower keys, as it is, mirrored and inverted.
    fn look(&self, looker: &Looker<'_>) -> Result<Vec<PicturePair>, EngineError> {
        let record = looker.record;
        let mut verified = self.verified(looker, 0)?;
        if verified.len() == MOST {
            // Of very many copies all would be paired with the same few, and hardly any with each
            // other: pairs with those that came just before make groups of neighbours of them.
            let known: HashSet<u64> = verified
                .iter()
                .map(|(candidate, _)| candidate.key.0)
                .collect();
            let neighbours = self.verified(looker, record.key.saturating_sub(MOST as u64))?;
            let new = |(candidate, _): &(Candidate, Hit)| !known.contains(&candidate.key.0);
            verified.extend(neighbours.into_iter().filter(new));
        }
        if verified.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.small(&record.clone().into());
        let pairs = verified
            .iter()
            .filter_map(|(candidate, hit)| self.pair(record, own.as_ref(), *candidate, hit));
        Ok(pairs.collect())
    }

    /// Pictures with keys from `since` up to its own in which one is verified, at most [`MOST`].
    fn verified(
        &self,
        looker: &Looker<'_>,
        since: u64,
    ) -> Result<Vec<(Candidate, Hit)>, EngineError> {
        let Looker {
            record,
            stored,
            visual,
            snapshot,
        } = *looker;
        let (features, size) = (&stored.features, [record.width, record.height]);
        let (query, words) = Sought::new(features, size, visual, self.options.matching_cells);
        // Those with higher keys ask for themselves.
        let is_earlier = |key: Key| (since..record.key).contains(&key.0);
        let scope = Scope {
            snapshot,
            limit: MOST_EXAMINED,
            wanted: &is_earlier,
        };
        let mut question = scope.question();
        question.add(&words);
        let mut found = Found {
            candidates: scope.candidates(&question),
            examined: Vec::new(),
        };
        let queries = std::slice::from_ref(&query);
        let is_verified = |hit: &Option<Hit>| hit.as_ref().is_some_and(|hit| hit.verified);
        let mut wanted = SHORTLIST;
        loop {
            let all = &found.candidates.best;
            let from = found.examined.len();
            let Some(next) = all
                .get(from..wanted.min(all.len()))
                .filter(|n| !n.is_empty())
            else {
                break;
            };
            found.examined.extend(self.examine(queries, next)?);
            if let Some(last) = found.examined.iter().rposition(is_verified) {
                wanted = wanted.max((last + 1 + PATIENCE).min(MOST));
            }
        }
        self.find_variants(Variant::ALL, queries, &scope, &[], &mut found)?;
        let all = found.candidates.best.iter().zip(found.examined);
        let verified = all.filter_map(|(candidate, hit)| {
            let hit = hit.filter(|hit| hit.verified)?;
            Some((*candidate, hit))
        });
        Ok(verified.take(MOST).collect())
    }

    /// A verified hit as a pair; `None` for a transform that has no way back.
    fn pair(
        &self,
        later: &PictureRecord,
        small: Option<&Image>,
        candidate: Candidate,
        hit: &Hit,
    ) -> Option<PicturePair> {
        let transform = hit.transform.map(Transform)?.inverse()?;
        let (first, second) = (
            [hit.picture.width, hit.picture.height],
            [later.width, later.height],
        );
        let inverted = hit.variant.inverted;
        let negative = small.filter(|_| inverted).and_then(negative);
        let compared = match (self.small(&hit.picture), negative.as_ref().or(small)) {
            (Some(a), Some(b)) => {
                let a = Small {
                    image: &a,
                    full: first,
                };
                let b = Small {
                    image: b,
                    full: second,
                };
                likeness(a, b, &transform)
            }
            _ => None,
        };
        let kind = kind_of(&transform, first, second, inverted, compared.as_ref());
        tracing::debug!(
            a = hit.picture.name,
            b = later.name,
            kind = kind.as_str(),
            ?compared,
            "a pair"
        );
        Some(PicturePair {
            a: candidate.key.0,
            b: later.key,
            kind: kind.number(),
            log10_nfa: hit.log10_nfa.unwrap_or(0.0),
            inliers: u32::try_from(hit.inliers).unwrap_or(u32::MAX),
            coverage_a: hit.coverage_result,
            coverage_b: hit.coverage_query,
            alike: compared.map(|l| l.alike),
            transform: transform.0,
        })
    }

    /// A picture's thumbnail; `None` where there is none and its file is not at hand either, or they
    /// cannot be read: one picture must not stop the looking for all others.
    fn small(&self, picture: &Picture) -> Option<Image> {
        let bytes = self.thumbnail(&picture.id).inspect_err(|error| {
            tracing::warn!("{} is compared without its pixels: {error}", picture.name);
        });
        let decoded = decode(&bytes.ok()?, &self.options.decode).ok()?;
        Some(decoded.image)
    }
}

/// With its tones inverted.
fn negative(image: &Image) -> Option<Image> {
    let rgb = image.rgb().iter().map(|&value| 255 - value).collect();
    Image::from_rgb(image.width(), image.height(), rgb)
}
