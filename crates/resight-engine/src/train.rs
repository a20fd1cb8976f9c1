//! A vocabulary from folders of pictures, or from the pictures held.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use resight_index::{TrainOptions, TrainStep, Vocabulary, VocabularyError, train};
use resight_vision::{Descriptors, Fault, LocalExtractor, ModelId};

use crate::describe::describe;
use crate::engine::{Engine, EngineOptions};
use crate::error::EngineError;
use crate::folder::list;
use crate::stored_features::from_bytes;
use crate::visual::all_keys;
use resight_decode::read_bounded;

/// How training goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainEvent {
    /// The folders have been read through.
    Listed {
        /// Files in them.
        files: u64,
    },
    /// Files have been described.
    Described {
        /// So far.
        files: u64,
        /// Of these, no pictures or without features.
        unusable: u64,
        /// Features so far.
        features: u64,
    },
    /// A round of k-means is done.
    Round(TrainStep),
}

/// How a vocabulary is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainPlan {
    /// How pictures are described.
    pub describing: EngineOptions,
    /// Words wanted; `None`: [`TrainOptions::default`]'s, or fewer where there are too few
    /// features for them.
    pub words: Option<usize>,
    /// Files described at most, evenly over all there are.
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

/// Features to each word where the number of words is not given: enough for the median of each
/// bit of its signature.
const FEATURES_PER_WORD: usize = 16;
/// The fewest words chosen so.
const FEWEST_WORDS: usize = 16;
/// Descriptors kept for learning, in bytes: four million of SIFT. With many files each gives fewer.
const MOST_BYTES: usize = 512_000_000;
/// Descriptors that each file may give at least.
const FEWEST_EACH: usize = 20;
/// Files described between two reports.
const BATCH: usize = 64;

/// The first `count` descriptors: extractors give the strongest first.
fn strongest(descriptors: &Descriptors, count: usize) -> Vec<u8> {
    descriptors.iter().take(count).flatten().copied().collect()
}

/// Trains a vocabulary on the pictures in `dirs` and below (hidden files excepted), described by
/// `extractor`. The same pictures give the same vocabulary, whatever the number of threads. A
/// picture that the extractor fails on is left out; one that can describe nothing is an error.
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
        files.extend(list(dir, None).flatten().map(|task| task.path));
    }
    if files.len() > plan.most_files {
        let all = files.len();
        files = (0..plan.most_files)
            .map(|i| files[i * all / plan.most_files].clone())
            .collect();
    }
    on_event(TrainEvent::Listed {
        files: files.len() as u64,
    });
    let most = MOST_BYTES / extractor.dimension().max(1);
    let each = (most / files.len().max(1)).max(FEWEST_EACH);
    let unusable = AtomicU64::new(0);
    let mut bytes = Vec::new();
    for (batch, done) in files.chunks(BATCH).zip(1..) {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let learn = |path: &PathBuf| {
            let Ok(bytes) = read_bounded(path, plan.describing.decode.max_bytes) else {
                return Ok(Vec::new());
            };
            match describe(&bytes, &plan.describing, extractor, Some(cancel)) {
                Ok(described) => Ok(strongest(&described.features.descriptors, each)),
                Err(EngineError::Extract(error)) if error.fault != Fault::Picture => {
                    Err(error.into())
                }
                Err(EngineError::Cancelled) => Err(EngineError::Cancelled),
                Err(_) => Ok(Vec::new()),
            }
        };
        let described = batch
            .par_iter()
            .map(|path| {
                let features = learn(path)?;
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

impl Engine {
    /// Trains a vocabulary on the features of the pictures held, or of `most_files` of them, evenly.
    /// Files are counted as pictures. Errors as of [`train_vocabulary`], and the store's.
    pub fn train_from_held(
        &self,
        plan: &TrainPlan,
        cancel: &AtomicBool,
        on_event: &mut dyn FnMut(TrainEvent),
    ) -> Result<Vocabulary, EngineError> {
        let mut keys = all_keys(&*self.parts.catalogue)?;
        if keys.len() > plan.most_files {
            let all = keys.len();
            keys = (0..plan.most_files)
                .map(|i| keys[i * all / plan.most_files])
                .collect();
        }
        on_event(TrainEvent::Listed {
            files: keys.len() as u64,
        });
        let dimension = self.parts.extractor.dimension();
        let each = (MOST_BYTES / dimension.max(1) / keys.len().max(1)).max(FEWEST_EACH);
        let mut bytes = Vec::new();
        let (mut files, mut unusable) = (0, 0);
        for batch in keys.chunks(BATCH) {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            let batch: Vec<u64> = batch.iter().map(|k| k.0).collect();
            for stored in self.parts.catalogue.features(&batch)? {
                files += 1;
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
        let model = self.parts.extractor.model();
        learn(model, dimension, bytes, plan, cancel, on_event)
    }
}

/// At most `count` descriptors of stored features, which are no longer ordered by strength.
fn evenly(descriptors: &Descriptors, count: usize) -> Vec<u8> {
    let (all, taken) = (descriptors.len(), descriptors.len().min(count));
    let chosen = (0..taken).map(|i| descriptors.get(i * all / taken));
    chosen.flatten().copied().collect()
}

/// Learns from descriptors, end to end.
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
