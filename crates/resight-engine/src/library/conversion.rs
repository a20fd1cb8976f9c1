//! Converting stored pictures to another vocabulary, in steps.
//!
//! Invariant: every step is staged in the catalogue, so a conversion that was stopped goes on where it
//! was. The present words stay in use until all are staged, and then all are exchanged at once.

use std::sync::Arc;

use rayon::prelude::*;
use resight_index::{Index, Key, PictureWords, Vocabulary};
use resight_store::Catalogue;
use resight_vision::Keypoint;

use super::components::{Components, IndexFolder, VOCABULARY_SETTING};
use super::damage::{Read, read_each, sizes_of, undecodable};
use super::stored_features::from_bytes;
use super::visual_index::{all_keys, fill, open_index, remove_others};
use crate::error::EngineError;

/// Progress of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertStep {
    /// Pictures, and further pages and frames, with new words.
    pub done: u64,
    /// All of them.
    pub total: u64,
}

/// Pictures that get new words in one step.
const BATCH: usize = 64;

/// Converts everything before the library opens: no search is possible by the words of a vocabulary that
/// is not at hand.
pub(crate) fn convert_before_opening(components: &Components) -> Result<(), EngineError> {
    let catalogue = &*components.catalogue;
    tracing::warn!(
        "{} pictures get words of the present vocabulary first, as the vocabulary of their words is not at hand",
        catalogue.count()?
    );
    let (vocabulary, folder) = (&components.vocabulary, components.index.as_ref());
    let mut conversion = Conversion::begin(catalogue, vocabulary.clone(), folder)?;
    while conversion.advance()? {
        let ConvertStep { done, total } = conversion.progress()?;
        tracing::info!("{done} of {total} pictures have new words");
    }
    conversion.finish()?;
    remove_others(folder, &[vocabulary]);
    Ok(())
}

/// A conversion under way.
pub(crate) struct Conversion<'a> {
    catalogue: &'a dyn Catalogue,
    vocabulary: Arc<Vocabulary>,
    index: Index,
    /// Highest key with staged words; all pictures up to it are in the index.
    last: Option<u64>,
}

impl<'a> Conversion<'a> {
    /// Goes on with what was staged for the same vocabulary.
    pub(crate) fn begin(
        catalogue: &'a dyn Catalogue,
        vocabulary: Arc<Vocabulary>,
        folder: Option<&IndexFolder>,
    ) -> Result<Self, EngineError> {
        let tag = vocabulary.tag();
        let first = catalogue.staged_after(None, 1)?;
        if first
            .iter()
            .any(|(_, bytes)| PictureWords::from_bytes(bytes, tag).is_err())
        {
            catalogue.discard_staged()?;
        }
        let last = catalogue.staged_last()?;
        let staged_keys = || {
            let mut keys = all_keys(catalogue)?;
            keys.retain(|(key, _)| last.is_some_and(|last| *key <= last));
            Ok::<_, EngineError>(keys)
        };
        let (index, after) = open_index(&vocabulary, folder, staged_keys)?;
        let rest = |after, limit| catalogue.staged_after(after, limit);
        fill(&index, after, catalogue, &vocabulary, rest)?;
        Ok(Self {
            catalogue,
            vocabulary,
            index,
            last,
        })
    }

    pub(crate) fn progress(&self) -> Result<ConvertStep, EngineError> {
        Ok(ConvertStep {
            done: self.index.snapshot().len() as u64,
            total: self.catalogue.count()? + self.catalogue.view_count()?,
        })
    }

    /// Converts one more batch. Returns `false` when none is left.
    pub(crate) fn advance(&mut self) -> Result<bool, EngineError> {
        let keys = self.catalogue.described_after(self.last, BATCH)?;
        let keys: Vec<u64> = keys.into_iter().map(|(key, _)| key).collect();
        let Some(&last) = keys.last() else {
            return Ok(false);
        };
        let features = read_each(&keys, |keys| self.catalogue.features(keys))?;
        let sizes = sizes_of(self.catalogue, &keys)?;
        let all = keys.into_par_iter().zip(features).zip(sizes);
        let words = all.filter_map(|((key, features), size)| {
            let size = match size {
                // Removed meanwhile.
                Ok(None) => return None,
                Ok(size) => size,
                Err(error) => {
                    tracing::warn!("places of words are taken from features alone: {error}");
                    None
                }
            };
            Some((Key(key), self.words(size, key, features)))
        });
        let words: Vec<(Key, PictureWords)> = words.collect();
        let tag = self.vocabulary.tag();
        let staged = words
            .iter()
            .map(|(key, words)| (key.0, words.to_bytes(tag)));
        self.catalogue.stage_words(&staged.collect::<Vec<_>>())?;
        self.index.add(words);
        self.last = Some(last);
        Ok(true)
    }

    /// The new words of a picture: none where its features are damaged, as one picture must not keep all others
    /// from being converted. Without a `size`, the features' extent is taken for it.
    fn words(&self, size: Option<[u32; 2]>, key: u64, features: Read) -> PictureWords {
        let features = features.and_then(|bytes| {
            let features = bytes.and_then(|bytes| from_bytes(&bytes));
            features.ok_or_else(|| undecodable(self.catalogue, key, "features"))
        });
        match features {
            Ok(features) => {
                let size = size.unwrap_or_else(|| extent(&features.keypoints));
                PictureWords::new(self.vocabulary.postings(&features, size))
            }
            Err(error) => {
                tracing::error!("a picture is in no search: {error}");
                PictureWords::new(Vec::new())
            }
        }
    }

    /// Converts what was added meanwhile and exchanges all words. The caller has locked changes.
    pub(crate) fn finish(mut self) -> Result<Index, EngineError> {
        while self.advance()? {}
        let stored = all_keys(self.catalogue)?;
        let stored: Vec<Key> = stored.iter().map(|(key, _)| Key(*key)).collect();
        let mut removed = self.index.snapshot().keys();
        removed.retain(|key| stored.binary_search(key).is_err());
        self.index.remove(&removed);
        let id = self.vocabulary.id();
        if !self.catalogue.adopt_staged(VOCABULARY_SETTING, id)? {
            let why = "a picture has no words of the new vocabulary";
            return Err(EngineError::Internal(why.into()));
        }
        Ok(self.index)
    }
}

/// The smallest size of a picture in which all these points are.
fn extent(keypoints: &[Keypoint]) -> [u32; 2] {
    let mut size = [1, 1];
    for point in keypoints {
        size[0] = size[0].max(point.x.ceil() as u32);
        size[1] = size[1].max(point.y.ceil() as u32);
    }
    size
}
