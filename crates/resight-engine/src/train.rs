//! A vocabulary from folders of pictures.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use resight_index::{TrainOptions, TrainStep, Vocabulary, VocabularyError, train};
use resight_vision::{Descriptors, LocalExtractor};

use crate::decode::DecodeLimits;
use crate::describe::describe;
use crate::error::EngineError;
use crate::folder::list;
use crate::read::read_bounded;

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

/// Descriptors kept for learning; half a gigabyte of SIFT. With many files each gives fewer.
const MOST_DESCRIPTORS: usize = 4_000_000;
/// Descriptors that each file may give at least.
const FEWEST_EACH: usize = 20;
/// Files described between two reports.
const BATCH: usize = 64;

/// The first `count` descriptors: extractors give the strongest first.
fn strongest(descriptors: &Descriptors, count: usize) -> Vec<u8> {
    descriptors.iter().take(count).flatten().copied().collect()
}

/// Trains a vocabulary on all pictures in `dirs` and below (hidden files excepted), described by `extractor` at most
/// `max_side` pixels large. The same pictures give the same vocabulary, whatever the number of
/// threads.
pub fn train_vocabulary(
    dirs: &[PathBuf],
    extractor: &dyn LocalExtractor,
    max_side: u32,
    options: &TrainOptions,
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
    on_event(TrainEvent::Listed {
        files: files.len() as u64,
    });
    let limits = DecodeLimits::default();
    let each = (MOST_DESCRIPTORS / files.len().max(1)).max(FEWEST_EACH);
    let unusable = AtomicU64::new(0);
    let mut bytes = Vec::new();
    for (batch, done) in files.chunks(BATCH).zip(1..) {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let described: Vec<Vec<u8>> = batch
            .par_iter()
            .map(|path| {
                let features = read_bounded(path, limits.max_bytes)
                    .ok()
                    .and_then(|bytes| describe(&bytes, &limits, max_side, extractor).ok())
                    .map(|d| strongest(&d.features.descriptors, each))
                    .unwrap_or_default();
                if features.is_empty() {
                    unusable.fetch_add(1, Ordering::Relaxed);
                }
                features
            })
            .collect();
        bytes.extend(described.into_iter().flatten());
        on_event(TrainEvent::Described {
            files: ((done * BATCH).min(files.len())) as u64,
            unusable: unusable.load(Ordering::Relaxed),
            features: (bytes.len() / extractor.dimension()) as u64,
        });
    }
    let descriptors = Descriptors::from_bytes(extractor.dimension(), bytes).unwrap_or_default();
    let step = &mut |step: TrainStep| {
        on_event(TrainEvent::Round(step));
        !cancel.load(Ordering::Relaxed)
    };
    match train(extractor.model(), &descriptors, options, step) {
        Err(VocabularyError::Cancelled) => Err(EngineError::Cancelled),
        trained => Ok(trained?),
    }
}
