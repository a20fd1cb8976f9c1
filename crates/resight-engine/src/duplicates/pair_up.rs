//! Pairing each picture with those stored before it.
//!
//! A pair is symmetric, so the later of two searches and every pair is examined once. Words only bring
//! candidates: pairs stay what they are when the vocabulary is exchanged.

use std::collections::HashSet;

use rayon::prelude::*;
use resight_decode::{MemoryBudget, Purpose, Share};
use resight_index::{Candidate, CandidateFilter, Key, WordIndex, WordSnapshot};
use resight_store::{PicturePair, PictureRecord};
use resight_vision::{Image, Transform};

use super::aligned::{PixelDifference, Small, compare_aligned};
use super::decoded::DecodedPictures;
use super::further_pages::further_pages_are_same;
use super::kind::{Compared, PairKind, kind_of, master_rank, of_whole_files};
use super::pixels::{PixelAgreement, compare_pixels};
use crate::error::EngineError;
use crate::geometry;
use crate::library::Library;
use crate::library::plain::FEW_FEATURES;
use crate::library::stored_features::StoredFeatures;
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
/// Pixels at which a pair is compared, at most.
const MOST_PIXELS: u64 = 6_000_000;

/// Waits for the memory for comparing two pictures by all their pixels.
pub(super) fn memory_to_compare(memory: &MemoryBudget, a: &Image, b: &Image) -> Share {
    let pixels = [a, b].map(|image| image.rgb().len() as u64 / 3);
    let pixels = pixels[0].max(pixels[1]).min(MOST_PIXELS);
    let bytes = pixels * BYTES_A_PIXEL + (1 << 20);
    memory.queue(Purpose::Work, bytes).wait()
}

/// Share of the blocks of two thumbnails that must be alike for their pixels to be compared.
const PERHAPS_ALIKE: f64 = 0.25;

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
struct Pairing<'a> {
    library: &'a Library,
    visual: &'a VisualIndex,
    snapshot: &'a dyn WordSnapshot,
    decoded: DecodedPictures<'a>,
    is_cancelled: &'a (dyn Fn() -> bool + Sync),
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
    let (visual, snapshot) = {
        // A picture is committed before it is indexed: behind this lock all of these are both.
        let _no_changes = library.lock_changes();
        let visual = library.visual();
        let snapshot = visual.index.word_snapshot()?;
        (visual, snapshot)
    };
    let pairing = Pairing {
        library,
        visual: &visual,
        snapshot: &*snapshot,
        decoded: DecodedPictures::new(library),
        is_cancelled,
    };
    let records = catalogue.pictures(&keys)?;
    let features = visual.features(catalogue, &keys)?;
    let all = records.par_iter().zip(&features);
    let pairs = all.map(|(record, features)| {
        if is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let (Some(record), Some(features)) = (record, features) else {
            // Removed since, or damaged.
            return Ok(Vec::new());
        };
        pairing.pairs_of(record, features)
    });
    let pairs = pairs.collect::<Result<Vec<_>, EngineError>>()?.concat();
    catalogue.put_pairs(&pairs, last)?;
    Ok(PairStep {
        done: keys.len() as u64,
        pairs: pairs.len() as u64,
        left: catalogue.unchecked_count()?,
    })
}

impl Pairing<'_> {
    /// The verified pairs of one picture with those of lower keys, as it is, mirrored and inverted.
    fn pairs_of(
        &self,
        record: &PictureRecord,
        features: &StoredFeatures,
    ) -> Result<Vec<PicturePair>, EngineError> {
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
            return Ok(Vec::new());
        }
        let later = Picture::from(record.clone());
        let thumbnail = self.thumbnail(&later);
        let mut pairs = Vec::new();
        for (candidate, hit) in &verified {
            if (self.is_cancelled)() {
                return Err(EngineError::Cancelled);
            }
            pairs.extend(self.pair((record.key, &later), thumbnail.as_ref(), *candidate, hit));
        }
        // What was compared since may be cut short.
        if (self.is_cancelled)() {
            return Err(EngineError::Cancelled);
        }
        Ok(pairs)
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
        // Those with higher keys search for themselves.
        let earlier = CandidateFilter::all().in_range(since..record.key);
        let scope = Scope {
            snapshot: self.snapshot,
            limit: MOST_EXAMINED,
            filter: &earlier,
        };
        let queries = std::slice::from_ref(&query);
        let context = SearchContext::new(self.library, self.visual, queries, scope);
        let mut word_query = scope.word_query()?;
        word_query.add(words)?;
        let mut state = SearchState {
            candidates: word_query.candidates(scope.filter)?,
            examined: Vec::new(),
        };
        let best = &state.candidates.best;
        state.examined = examine_while_verified(&context, queries, best, SHORTLIST)?;
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

    /// A verified hit as a pair; `None` for a transform without an inverse.
    fn pair(
        &self,
        later: (u64, &Picture),
        thumbnail: Option<&Image>,
        candidate: Candidate,
        hit: &Hit,
    ) -> Option<PicturePair> {
        let (key, later) = later;
        let transform = hit.transform.map(Transform)?.inverse()?;
        let inverted = hit.variant.inverted;
        let small = self.by_thumbnails(later, thumbnail, hit, &transform);
        let may_be_a_copy = small.is_some_and(|small| small.alike >= PERHAPS_ALIKE);
        let compared = may_be_a_copy.then(|| self.by_pixels(later, hit, &transform));
        let compared = compared.flatten();
        let kind = compared
            .as_ref()
            .map_or(PairKind::SameScene, |(_, kind)| *kind);
        tracing::debug!(
            a = hit.picture.name,
            b = later.name,
            kind = kind.as_str(),
            ?small,
            ?compared,
            "a pair"
        );
        let mut pair = PicturePair {
            a: candidate.key.0,
            b: key,
            kind: kind.number(),
            log10_nfa: hit.log10_nfa.unwrap_or(0.0),
            inliers: u32::try_from(hit.inliers).unwrap_or(u32::MAX),
            coverage_a: hit.coverage_result,
            coverage_b: hit.coverage_query,
            alike: small.map(|small| small.alike),
            transform: transform.0,
            inverted,
            regions: Vec::new(),
        };
        if let Some((pixels, kind)) = compared {
            pair.alike = Some(pixels.agreement.alike[0]);
            if kind.is_copy() {
                pair.transform = pixels.transform.0;
            }
            if kind == PairKind::Edited {
                pair.regions = pixels.regions;
            }
        }
        Some(pair)
    }

    /// Compares the thumbnails, which is enough where they clearly differ.
    fn by_thumbnails(
        &self,
        later: &Picture,
        thumbnail: Option<&Image>,
        hit: &Hit,
        transform: &Transform,
    ) -> Option<PixelDifference> {
        let negative = thumbnail
            .filter(|_| hit.variant.inverted)
            .and_then(negative);
        let earlier = self.thumbnail(&hit.picture)?;
        let a = Small {
            image: &earlier,
            full: [hit.picture.width, hit.picture.height],
        };
        let b = Small {
            image: negative.as_ref().or(thumbnail)?,
            full: [later.width, later.height],
        };
        compare_aligned(a, b, transform)
    }

    /// Compares all pixels; `None` where they cannot be read, or have too little in common.
    fn by_pixels(
        &self,
        later: &Picture,
        hit: &Hit,
        transform: &Transform,
    ) -> Option<(PixelAgreement, PairKind)> {
        let [a, b] = [self.decoded.get(&hit.picture)?, self.decoded.get(later)?];
        let sizes = [&hit.picture, later].map(|picture| [picture.width, picture.height]);
        let inverted = hit.variant.inverted;
        let decoded = [&a, &b].map(|pixels| [pixels.image.width(), pixels.image.height()]);
        // Thumbnails and very large pictures are compared at another size than transforms refer to.
        let enter = geometry::same_frame(decoded[0], sizes[0]);
        let leave = geometry::same_frame(sizes[1], decoded[1]);
        let onto = enter.then(transform).then(&leave);
        let mut pixels = {
            let memory = &self.library.options().decode.memory;
            let _share = memory_to_compare(memory, &a.image, &b.image);
            compare_pixels(&a.image, &b.image, &onto, inverted)?
        };
        let back = [enter.inverse()?, leave.inverse()?];
        pixels.transform = back[0].then(&pixels.transform).then(&back[1]);
        let [x, y] = [0, 1].map(|i| sizes[1][i] as f32 / decoded[1][i] as f32);
        for region in &mut pixels.regions {
            *region = [region[0] * x, region[1] * y, region[2] * x, region[3] * y];
        }
        let kind = kind_of(&Compared {
            sizes,
            inverted,
            whole: a.whole && b.whole,
            pixels: &pixels,
        });
        let kind = of_whole_files(kind, [a.pages, b.pages], || {
            further_pages_are_same(self.library, [&hit.picture, later], self.is_cancelled)
        });
        let of_ranks = [
            master_rank(&hit.picture.media_type, a.depth),
            master_rank(&later.media_type, b.depth),
        ];
        let kind = match kind {
            PairKind::ReEncoded if of_ranks[0] != of_ranks[1] => PairKind::Derivative,
            kind => kind,
        };
        Some((pixels, kind))
    }

    /// A picture's decoded thumbnail; `None` where neither it nor the file can be read: one picture must
    /// not stop the pairing of all others.
    fn thumbnail(&self, picture: &Picture) -> Option<Image> {
        let pixels = self.library.thumbnail_image(&picture.id);
        let pixels = pixels.inspect_err(|error| {
            tracing::warn!("{} is compared without its pixels: {error}", picture.name);
        });
        pixels.ok()
    }
}

/// The picture with its tones inverted.
fn negative(image: &Image) -> Option<Image> {
    let rgb = image.rgb().iter().map(|&value| 255 - value).collect();
    Image::from_rgb(image.width(), image.height(), rgb)
}
