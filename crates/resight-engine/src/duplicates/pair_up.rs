//! Pairing each picture with those stored before it.
//!
//! A pair is symmetric, so the later of two searches and every pair is examined once. Words only bring
//! candidates: pairs stay what they are when the vocabulary is exchanged.

use std::collections::HashSet;

use rayon::prelude::*;
use resight_decode::{MemoryBudget, Purpose, Share};
use resight_index::{Candidate, CandidateFilter, Key, WordIndex, WordSnapshot};
use resight_store::{PicturePair, PictureRecord};
use resight_vision::Image;

use super::decoded::DecodedPictures;
use super::pixels::MOST_PIXELS;
use crate::error::EngineError;
use crate::library::Library;
use crate::library::damage::whole_records;
use crate::library::plain::FEW_FEATURES;
use crate::library::stored_features::StoredFeatures;
use crate::library::views::ViewMap;
use crate::library::visual_index::VisualIndex;
use crate::picture::Picture;
use crate::search::answer::Hit;
use crate::search::context::{Scope, SearchContext};
use crate::search::examine::examine_while_verified;
use crate::search::patience::{MOST_EXAMINED, Patience};
use crate::search::plain::{PlainQuery, find_plain};
use crate::search::prepared::PreparedQuery;
use crate::search::request::Variant;
use crate::search::state::SearchState;
use crate::search::variants::search_variants;

/// Pictures paired between two commits.
const BATCH: usize = 8;

/// Pairs stored of one picture, the best candidates first, at most: without a bound, the pairs of many
/// copies of one picture would grow with the square of their number.
const MOST_PAIRS: usize = 250;

/// How far down a picture's candidates are examined.
const SHORTLIST: Patience = Patience {
    least: 40,
    after_verified: 20,
    most: MOST_PAIRS,
};

/// Memory for comparing a pair by all its pixels, in bytes for each pixel that is compared.
const BYTES_A_PIXEL: u64 = 88;

/// Waits for the memory for comparing two pictures by all their pixels.
pub(super) fn memory_to_compare(memory: &MemoryBudget, a: &Image, b: &Image) -> Share {
    let pixels = [a, b].map(|image| image.rgb().len() as u64 / 3);
    let pixels = pixels[0].max(pixels[1]).min(MOST_PIXELS);
    let bytes = pixels * BYTES_A_PIXEL + (1 << 20);
    memory.queue(Purpose::Work, bytes).wait()
}

/// Progress of pairing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairStep {
    /// Pictures paired by this call.
    pub done: u64,
    /// Pictures left.
    pub left: u64,
    /// Pairs found by this call.
    pub pairs: u64,
}

/// The state of the library during one step.
pub(super) struct Pairing<'a> {
    pub(super) library: &'a Library,
    visual: &'a VisualIndex,
    snapshot: &'a dyn WordSnapshot,
    views: &'a ViewMap,
    pub(super) decoded: DecodedPictures<'a>,
    pub(super) is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// A picture, and those of lower keys in which it is verified.
pub(super) struct Found {
    pub(super) key: u64,
    pub(super) later: Picture,
    /// Its decoded thumbnail, where it can be read.
    pub(super) thumbnail: Option<Image>,
    verified: Vec<(Candidate, Hit)>,
}

/// Pairs the next pictures that were not paired yet.
pub(crate) fn pair_up(
    library: &Library,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<PairStep, EngineError> {
    let _one_at_a_time = library.lock_pairing();
    let catalogue = library.catalogue();
    let checked = Some(catalogue.checked_up_to()?);
    let keys = catalogue.keys_after(checked, BATCH)?;
    let keys: Vec<u64> = keys.into_iter().map(|(key, _)| key).collect();
    let Some(&last) = keys.last() else {
        return Ok(PairStep::default());
    };
    let (visual, snapshot, views) = {
        // A picture is committed before it is indexed: behind this lock all of these are both.
        let _no_changes = library.lock_changes();
        let visual = library.visual();
        let snapshot = visual.index.word_snapshot()?;
        (visual, snapshot, library.views().map())
    };
    let pairing = Pairing {
        library,
        visual: &visual,
        snapshot: &*snapshot,
        views: &views,
        decoded: DecodedPictures::new(library),
        is_cancelled,
    };
    let records = whole_records(catalogue, &keys)?;
    let features = visual.whole_features(catalogue, &keys)?;
    let all = records.par_iter().zip(&features);
    let found = all.map(|(record, features)| {
        if is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let (Some(record), Some(features)) = (record, features) else {
            // Removed since, or damaged.
            return Ok(None);
        };
        pairing.found(record, features)
    });
    let found = found.collect::<Result<Vec<_>, EngineError>>()?;
    let found: Vec<Found> = found.into_iter().flatten().collect();
    let pairs = pairing.pairs(&found)?;
    catalogue.put_pairs(&pairs, last)?;
    if !pairs.is_empty() {
        library.pairs_changed();
    }
    Ok(PairStep {
        done: keys.len() as u64,
        pairs: pairs.len() as u64,
        left: catalogue.unchecked_count()?,
    })
}

impl Pairing<'_> {
    /// The verified hits of one picture among those of lower keys, as it is, mirrored and inverted.
    fn found(
        &self,
        record: &PictureRecord,
        features: &StoredFeatures,
    ) -> Result<Option<Found>, EngineError> {
        let mut verified = self.verified(record, features, 0)?;
        if verified.len() == MOST_PAIRS {
            // Of very many copies all would be paired with the same few, and hardly any with each
            // other: pairs with those stored just before make groups of neighbours of them.
            let known: HashSet<Key> = verified.iter().map(|(c, _)| c.key).collect();
            let since = record.key.saturating_sub(MOST_PAIRS as u64);
            let neighbours = self.verified(record, features, since)?.into_iter();
            verified.extend(neighbours.filter(|(c, _)| !known.contains(&c.key)));
        }
        if verified.is_empty() {
            return Ok(None);
        }
        let later = Picture::from(record.clone());
        let thumbnail = self.thumbnail(&later);
        Ok(Some(Found {
            key: record.key,
            later,
            thumbnail,
            verified,
        }))
    }

    /// The pairs of all hits, in their order.
    fn pairs(&self, found: &[Found]) -> Result<Vec<PicturePair>, EngineError> {
        let hits = found.iter().enumerate().flat_map(|(i, found)| {
            let verified = 0..found.verified.len();
            verified.map(move |k| (found.verified[k].0.key, i, k))
        });
        let mut hits: Vec<(Key, usize, usize)> = hits.collect();
        // Those with one earlier picture follow each other, so that it is decoded once for all of them.
        hits.sort_unstable();
        let pairs = hits.par_iter().map(|&(_, i, k)| {
            if (self.is_cancelled)() {
                return Err(EngineError::Cancelled);
            }
            let (candidate, hit) = &found[i].verified[k];
            Ok(((i, k), self.pair(&found[i], *candidate, hit)))
        });
        let mut pairs = pairs.collect::<Result<Vec<_>, EngineError>>()?;
        // What was compared since may be cut short.
        if (self.is_cancelled)() {
            return Err(EngineError::Cancelled);
        }
        pairs.sort_unstable_by_key(|&(place, _)| place);
        Ok(pairs.into_iter().filter_map(|(_, pair)| pair).collect())
    }

    /// Pictures with keys from `since` up to the picture's own in which it is verified, at most
    /// [`MOST_PAIRS`].
    fn verified(
        &self,
        record: &PictureRecord,
        stored: &StoredFeatures,
        since: u64,
    ) -> Result<Vec<(Candidate, Hit)>, EngineError> {
        let cells = self.library.options().matching_cells;
        let size = [record.width, record.height];
        let vocabulary = &self.visual.vocabulary;
        let (query, words) = PreparedQuery::new(&stored.features, size, vocabulary, cells);
        // Those with higher keys search for themselves. Further pages are no pictures.
        let earlier = CandidateFilter::all()
            .in_range(since..record.key)
            .without(self.views.keys().clone());
        let none = ViewMap::default();
        let scope = Scope {
            snapshot: self.snapshot,
            limit: MOST_EXAMINED,
            filter: &earlier,
            views: &none,
        };
        let queries = std::slice::from_ref(&query);
        let context = SearchContext {
            leaves_out_damaged: true,
            ..SearchContext::new(self.library, self.visual, queries, scope)
        };
        let mut word_query = scope.word_query()?;
        word_query.add(words)?;
        let mut state = SearchState {
            candidates: word_query.candidates(scope.filter)?,
            ..SearchState::default()
        };
        let best = &state.candidates.best;
        state.examined = examine_while_verified(&context, queries, best, &state.views, SHORTLIST)?;
        search_variants(&context, Variant::ALL, &[], &mut state)?;
        if record.feature_count < FEW_FEATURES {
            let pixels = self.decoded.get(&Picture::from(record.clone()));
            let plain = pixels.as_ref().map(|pixels| PlainQuery {
                image: &pixels.image,
                number: 0,
            });
            find_plain(self.library, &scope, plain.as_slice(), &mut state)?;
        }
        let verified = state.verified().take(MOST_PAIRS);
        Ok(verified.map(|(c, hit)| (*c, hit.clone())).collect())
    }

    /// A picture's decoded thumbnail; `None` where neither it nor the file can be read: one picture must
    /// not stop the pairing of all others.
    pub(super) fn thumbnail(&self, picture: &Picture) -> Option<Image> {
        let pixels = self.library.thumbnail_image(&picture.id);
        let pixels = pixels.inspect_err(|error| {
            tracing::warn!("{} is compared without its pixels: {error}", picture.name);
        });
        pixels.ok()
    }
}
