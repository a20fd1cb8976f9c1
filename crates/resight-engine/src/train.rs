//! Training a vocabulary on folders of pictures, or on stored pictures.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use resight_decode::read_bounded;
use resight_index::{TrainOptions, TrainStep, Vocabulary, VocabularyError, train};
use resight_vision::{Descriptors, Fault, LocalExtractor, ModelId};

use crate::describe::describe;
use crate::error::EngineError;
use crate::indexer::listing::files_below;
use crate::library::Library;
use crate::library::damage::read_each;
use crate::library::stored_features::from_bytes;
use crate::library::visual_index::picture_keys;
use crate::options::EngineOptions;

/// Progress of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainEvent {
    /// The folders have been listed.
    Listed {
        /// Files in them.
        files: u64,
    },
    /// Files have been described.
    Described {
        /// So far.
        files: u64,
        /// Of these, files that are no pictures or have no features.
        unusable: u64,
        /// Features so far.
        features: u64,
    },
    /// A round of k-means has ended.
    Round(TrainStep),
}

/// How a vocabulary is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainPlan {
    /// How pictures are described.
    pub describing: EngineOptions,
    /// Number of words; `None` for [`TrainOptions::default`]'s, or fewer where there are too few features
    /// for them.
    pub words: Option<usize>,
    /// Files described, at most; spread evenly over all.
    pub most_files: usize,
}

impl Default for TrainPlan {
    fn default() -> Self {
        Self {
            describing: EngineOptions::default(),
            words: None,
            most_files: usize::MAX,
        }
    }
}

/// Features of each word where the number of words is not given: enough for the median of each bit of its
/// signature.
const FEATURES_PER_WORD: usize = 16;
/// The fewest words chosen so.
const FEWEST_WORDS: usize = 16;
/// Descriptors trained on, in bytes, at most: four million of SIFT. Of many files, fewer are taken each.
const MOST_BYTES: usize = 512_000_000;
/// Descriptors taken of each file, at least.
const FEWEST_EACH: usize = 20;
/// Files described between two events.
const BATCH: usize = 64;

/// The first `count` descriptors. Extractors return the strongest first.
fn strongest(descriptors: &Descriptors, count: usize) -> Vec<u8> {
    descriptors.iter().take(count).flatten().copied().collect()
}

/// Trains a vocabulary on the pictures in `dirs` and below (hidden files excepted), described by
/// `extractor`. The same pictures give the same vocabulary, whatever the number of threads. A picture that
/// the extractor fails on is left out.
///
/// # Errors
/// `folder_unreadable`; `vocabulary_unusable` for too few features; those of an extractor that can describe
/// nothing; `cancelled`.
pub fn train_vocabulary(
    dirs: &[PathBuf],
    extractor: &dyn LocalExtractor,
    plan: &TrainPlan,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<Vocabulary, EngineError> {
    let mut files = Vec::new();
    for dir in dirs {
        if let Err(error) = std::fs::read_dir(dir) {
            return Err(EngineError::FolderUnreadable {
                path: dir.clone(),
                reason: error.to_string(),
            });
        }
        files.extend(files_below(dir)?);
    }
    let files = spread_evenly(files, plan.most_files);
    on_event(TrainEvent::Listed {
        files: files.len() as u64,
    });
    let each = descriptors_each(extractor.dimension(), files.len());
    let unusable = AtomicU64::new(0);
    let mut bytes = Vec::new();
    for (batch, done) in files.chunks(BATCH).zip(1..) {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let described = batch
            .par_iter()
            .map(|path| {
                let features = descriptors_of(path, extractor, plan, each, cancel)?;
                if features.is_empty() {
                    unusable.fetch_add(1, Ordering::Relaxed);
                }
                Ok(features)
            })
            .collect::<Result<Vec<Vec<u8>>, EngineError>>()?;
        bytes.extend(described.into_iter().flatten());
        on_event(TrainEvent::Described {
            files: ((done * BATCH).min(files.len())) as u64,
            unusable: unusable.load(Ordering::Relaxed),
            features: (bytes.len() / extractor.dimension()) as u64,
        });
    }
    learn(
        extractor.model(),
        extractor.dimension(),
        bytes,
        plan,
        cancel,
        on_event,
    )
}

/// The strongest descriptors of a file, at most `count`; none for a file that is no picture or that the
/// extractor fails on.
fn descriptors_of(
    path: &Path,
    extractor: &dyn LocalExtractor,
    plan: &TrainPlan,
    count: usize,
    cancel: &AtomicBool,
) -> Result<Vec<u8>, EngineError> {
    let Ok(bytes) = read_bounded(path, plan.describing.decode.max_bytes) else {
        return Ok(Vec::new());
    };
    match describe(&bytes, &plan.describing, extractor, Some(cancel)) {
        Ok(described) => Ok(strongest(&described.features.descriptors, count)),
        Err(EngineError::Extract(error)) if error.fault != Fault::Picture => Err(error.into()),
        Err(EngineError::Cancelled) => Err(EngineError::Cancelled),
        Err(_) => Ok(Vec::new()),
    }
}

/// Trains a vocabulary on the features of stored pictures: of all, or of [`TrainPlan::most_files`] spread
/// evenly. Events count pictures as files.
///
/// # Errors
/// Those of [`train_vocabulary`], and the store's.
pub fn train_from_library(
    library: &Library,
    plan: &TrainPlan,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<Vocabulary, EngineError> {
    let all = picture_keys(library.catalogue())?;
    let keys = spread_evenly(all, plan.most_files);
    on_event(TrainEvent::Listed {
        files: keys.len() as u64,
    });
    let dimension = library.extractor().dimension();
    let each = descriptors_each(dimension, keys.len());
    let mut bytes = Vec::new();
    let (mut files, mut unusable) = (0, 0);
    for batch in keys.chunks(BATCH) {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        for stored in read_each(batch, |keys| library.catalogue().features(keys))? {
            files += 1;
            let stored = stored.ok().flatten();
            match stored.and_then(|bytes| from_bytes(&bytes)) {
                Some(features) if !features.descriptors.is_empty() => {
                    bytes.extend(evenly(&features.descriptors, each));
                }
                _ => unusable += 1,
            }
        }
        on_event(TrainEvent::Described {
            files,
            unusable,
            features: (bytes.len() / dimension.max(1)) as u64,
        });
    }
    learn(library.model(), dimension, bytes, plan, cancel, on_event)
}

/// `most` of `all`, spread evenly; all where there are no more.
fn spread_evenly<T: Clone>(all: Vec<T>, most: usize) -> Vec<T> {
    if all.len() <= most {
        return all;
    }
    (0..most)
        .map(|i| all[i * all.len() / most].clone())
        .collect()
}

/// The number of descriptors taken of each file, for this number of files.
fn descriptors_each(dimension: usize, files: usize) -> usize {
    let most = MOST_BYTES / dimension.max(1);
    (most / files.max(1)).max(FEWEST_EACH)
}

/// At most `count` descriptors of stored features, which are not ordered by strength.
fn evenly(descriptors: &Descriptors, count: usize) -> Vec<u8> {
    let (all, taken) = (descriptors.len(), descriptors.len().min(count));
    let chosen = (0..taken).map(|i| descriptors.get(i * all / taken));
    chosen.flatten().copied().collect()
}

/// Trains on descriptors laid end to end.
fn learn(
    model: &ModelId,
    dimension: usize,
    bytes: Vec<u8>,
    plan: &TrainPlan,
    cancel: &AtomicBool,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<Vocabulary, EngineError> {
    let descriptors = Descriptors::from_bytes(dimension, bytes).unwrap_or_default();
    let step = &mut |step: TrainStep| {
        on_event(TrainEvent::Round(step));
        !cancel.load(Ordering::Relaxed)
    };
    let mut options = TrainOptions::default();
    let fitting = (descriptors.len() / FEATURES_PER_WORD).clamp(FEWEST_WORDS, options.words);
    options.words = plan.words.unwrap_or(fitting);
    match train(model, &descriptors, &options, step) {
        Err(VocabularyError::Cancelled) => Err(EngineError::Cancelled),
        trained => Ok(trained?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_descriptors_are_spread_evenly() {
        let all: Vec<u32> = (0..10).collect();
        assert_eq!(spread_evenly(all.clone(), 3), [0, 3, 6]);
        assert_eq!(spread_evenly(all.clone(), 10), all);
        assert_eq!(spread_evenly(all, 0), Vec::<u32>::new());
        let descriptors = Descriptors::from_bytes(1, vec![0, 1, 2, 3, 4]).unwrap();
        assert_eq!(evenly(&descriptors, 2), [0, 2]);
        assert_eq!(evenly(&descriptors, 9), [0, 1, 2, 3, 4]);
        assert_eq!(strongest(&descriptors, 2), [0, 1]);
    }

    #[test]
    fn many_files_give_fewer_descriptors_each() {
        assert_eq!(descriptors_each(128, 1), 4_000_000);
        assert_eq!(descriptors_each(128, 1000), 4000);
        assert_eq!(descriptors_each(128, 10_000_000), FEWEST_EACH);
    }
}
