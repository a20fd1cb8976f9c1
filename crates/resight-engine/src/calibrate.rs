//! Calibrating `verified`: all pairs of a folder's pictures are matched and verified as a search does it,
//! which counts what chance and likeness alone reach.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use resight_decode::{read_bounded, thumbnail_jpeg};
use resight_index::Vocabulary;
use resight_vision::{
    Fault, Image, LocalExtractor, Match, PackedQueries, Verification, VerifyOptions,
};

use crate::describe::describe;
use crate::error::EngineError;
use crate::indexer::listing::files_below;
use crate::library::files::{THUMBNAIL, thumbnail_pixels};
use crate::library::stored_features::{StoredFeatures, in_order};
use crate::options::EngineOptions;
use crate::search::answer::EvidenceKind;
use crate::search::evidence::{SharedPart, Sides, match_within_cells};
use crate::search::pixel_evidence::{SmallPair, is_open};
use crate::search::prepared::pack_by_cell;
use crate::search::support::{Support, kind_of_evidence};

/// Progress of a calibration: the number done, and of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrationEvent {
    /// Files described.
    Described(u64, u64),
    /// Pairs compared.
    Compared(u64, u64),
}

/// Two pictures whose matches agree.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreeingPair {
    /// The query, by its place among the pictures.
    pub query: usize,
    /// The result, by its place among the pictures.
    pub result: usize,
    /// Whether a search would call it verified.
    pub verified: bool,
    /// Matches that agree.
    pub inliers: usize,
    /// Of these, at different places.
    pub places: usize,
    /// log10 of the number of false alarms.
    pub log10_nfa: f64,
    /// What a verified pair rests on.
    pub evidence: Option<EvidenceKind>,
    /// How much of what both show agrees in a verified pair.
    pub support: Support,
    /// Shares of the query and of the result that the matched part covers.
    pub coverage: [f64; 2],
}

/// The pairs of a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The pictures compared, in path order.
    pub pictures: Vec<PathBuf>,
    /// Number of files that are no pictures or have no features.
    pub unusable: usize,
    /// Number of pairs: each two pictures once.
    pub pairs: u64,
    /// The pairs with a log10 number of false alarms at or below the bound, surest first.
    pub agreeing: Vec<AgreeingPair>,
}

/// A picture ready to be either side of a pair.
struct Side {
    size: [u32; 2],
    stored: StoredFeatures,
    /// Its thumbnail as a library would store it.
    thumbnail: Vec<u8>,
}

impl Side {
    fn small(&self, options: &EngineOptions) -> Option<Image> {
        thumbnail_pixels(&self.thumbnail, options).ok()
    }
}

/// Describes the pictures in `dir` and below, hidden files excepted, and verifies each two of them; the
/// earlier in path order is the query. Returns the pairs with a log10 number of false alarms of at most
/// `keep`.
pub fn calibrate(
    dir: &Path,
    extractor: &dyn LocalExtractor,
    vocabulary: &Vocabulary,
    options: &EngineOptions,
    keep: f64,
    cancel: &AtomicBool,
    on_event: &(dyn Fn(CalibrationEvent) + Sync),
) -> Result<Calibration, EngineError> {
    if let Err(error) = std::fs::read_dir(dir) {
        return Err(EngineError::FolderUnreadable {
            path: dir.to_owned(),
            reason: error.to_string(),
        });
    }
    let files = files_below(dir)?;
    let done = AtomicU64::new(0);
    let described = files.par_iter().map(|path| {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let side = side(path, extractor, vocabulary, options, cancel)?;
        let done = 1 + done.fetch_add(1, Ordering::Relaxed);
        on_event(CalibrationEvent::Described(done, files.len() as u64));
        Ok(side.map(|side| (path.clone(), side)))
    });
    let described = described.collect::<Result<Vec<_>, EngineError>>()?;
    let (pictures, sides): (Vec<PathBuf>, Vec<Side>) = described.into_iter().flatten().unzip();

    let n = sides.len() as u64;
    let pairs = n * n.saturating_sub(1) / 2;
    let done = AtomicU64::new(0);
    // The first queries have the most partners: one at a time, so that no thread is left with them.
    let rows = (0..sides.len()).into_par_iter().with_max_len(1);
    let rows = rows.map(|query| {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let found = row(&sides, query, vocabulary, options, keep);
        let row = (sides.len() - 1 - query) as u64;
        let done = row + done.fetch_add(row, Ordering::Relaxed);
        on_event(CalibrationEvent::Compared(done, pairs));
        Ok(found)
    });
    let mut agreeing = rows.collect::<Result<Vec<_>, EngineError>>()?.concat();
    // Stable: of equals, the earlier pair stays first.
    agreeing.sort_by(|a, b| a.log10_nfa.total_cmp(&b.log10_nfa));
    Ok(Calibration {
        unusable: files.len() - pictures.len(),
        pictures,
        pairs,
        agreeing,
    })
}

/// A described file; `None` for one that is no picture or has no features.
fn side(
    path: &Path,
    extractor: &dyn LocalExtractor,
    vocabulary: &Vocabulary,
    options: &EngineOptions,
    cancel: &AtomicBool,
) -> Result<Option<Side>, EngineError> {
    let Ok(bytes) = read_bounded(path, options.decode.max_bytes) else {
        return Ok(None);
    };
    let described = match describe(&bytes, options, extractor, Some(cancel)) {
        Ok(described) => described,
        Err(EngineError::Extract(error)) if error.fault != Fault::Picture => {
            return Err(error.into());
        }
        Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
        Err(_) => return Ok(None),
    };
    if described.features.is_empty() {
        return Ok(None);
    }
    let size = [described.image.width(), described.image.height()];
    let thumbnail = thumbnail_jpeg(&described.image, THUMBNAIL.0, THUMBNAIL.1)?;
    let postings = vocabulary.postings(&described.features, size);
    let (features, words) = in_order(&described.features, &postings);
    let words = words.postings().iter().map(|p| p.word).collect();
    let stored = StoredFeatures { words, features };
    Ok(Some(Side {
        size,
        stored,
        thumbnail,
    }))
}

/// The pairs of one picture with all after it.
fn row(
    sides: &[Side],
    query: usize,
    vocabulary: &Vocabulary,
    options: &EngineOptions,
    keep: f64,
) -> Vec<AgreeingPair> {
    let own = &sides[query];
    let features = &own.stored.features;
    let words = vocabulary.assign_query(features, own.size, options.matching_cells);
    let packed = pack_by_cell(features, &words, vocabulary);
    let partners = (query + 1..sides.len()).filter_map(|result| {
        let other = &sides[result];
        let (matches, found) = agreement(own, &packed, other, vocabulary, &options.verify)?;
        if found.log10_nfa > keep {
            return None;
        }
        let mut pair = AgreeingPair {
            query,
            result,
            verified: found.verified,
            inliers: found.inliers.len(),
            places: found.places,
            log10_nfa: found.log10_nfa,
            evidence: None,
            support: Support::default(),
            coverage: [0.0; 2],
        };
        if found.verified {
            let features = [features, &other.stored.features];
            let shared = SharedPart::of(&found, &matches, features, [own.size, other.size]);
            pair.support = shared.support();
            pair.coverage = shared.coverage;
            let kind = kind_of_evidence(&pair.support, pair.coverage);
            let is_exact = pair.support.is_exact();
            pair.evidence = Some(kind);
            if is_open(pair.evidence, is_exact)
                && let Some(part) = &shared.parts[0]
                && let (Some(a), Some(b)) = (own.small(options), other.small(options))
            {
                let small = SmallPair {
                    images: [&a, &b],
                    sizes: [own.size, other.size],
                };
                pair.evidence = Some(small.decide(kind, is_exact, &found.transform, part));
            }
        }
        Some(pair)
    });
    partners.collect()
}

fn agreement(
    query: &Side,
    packed: &[PackedQueries],
    result: &Side,
    vocabulary: &Vocabulary,
    options: &VerifyOptions,
) -> Option<(Vec<Match>, Verification)> {
    let features = &query.stored.features;
    let within = match_within_cells(features, packed, &[&result.stored], vocabulary);
    let sides = Sides {
        query: features,
        query_size: query.size,
        mirrored: false,
        stored: &result.stored,
        stored_size: result.size,
    };
    sides.verify(within.into_iter().flatten().collect(), options)
}
