//! Exchanging the vocabulary: every picture gets new words from its stored features, while the old
//! ones are searched; then all is exchanged at once.
//!
//! What is done is staged in the catalogue, so that it goes on where it was stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use resight_index::{Index, Key, PictureWords, Vocabulary};
use resight_store::Catalogue;

use crate::engine::{Engine, IndexFolder, Parts, VOCABULARY_SETTING, check_model};
use crate::error::EngineError;
use crate::stored_features::from_bytes;
use crate::visual::{Visual, all_keys, fill, open_index, remove_others};

/// How far the exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertStep {
    /// Pictures with new words.
    pub done: u64,
    /// Pictures held.
    pub total: u64,
}

/// Pictures that get new words at a time.
const BATCH: usize = 64;

impl Engine {
    /// Gives every picture held words of another vocabulary, of the same model. Searches and changes
    /// go on meanwhile; when this returns, all searches use the new one, and the data folder is of
    /// it. Where it is cancelled or killed, what was done is kept for the next time with the same
    /// vocabulary. One call at a time.
    ///
    /// Errors: `model_mismatch` for descriptors of another model, `cancelled`, and the store's.
    pub fn convert(
        &self,
        vocabulary: &Arc<Vocabulary>,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(ConvertStep),
    ) -> Result<(), EngineError> {
        let _one_at_a_time = self.lock_conversion();
        let before = self.visual();
        if before.vocabulary.id() == vocabulary.id() {
            return Ok(());
        }
        check_model(vocabulary, self.parts.extractor.model())?;
        let folder = self.parts.index.as_ref();
        remove_others(folder, &[&before.vocabulary, vocabulary]);
        let catalogue = &*self.parts.catalogue;
        let mut conversion = Conversion::begin(catalogue, vocabulary.clone(), folder)?;
        while conversion.advance()? {
            let step = conversion.step()?;
            on_step(step);
            // Once all are done, the rest is quick: short runs get there as well.
            if step.done < step.total && cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
        }
        {
            let _no_changes = self.lock_changes();
            let index = conversion.finish()?;
            self.exchange(Visual {
                vocabulary: vocabulary.clone(),
                index,
                cache: self.visual().cache.beside(),
            });
        }
        drop(before);
        remove_others(folder, &[vocabulary]);
        Ok(())
    }
}

/// Converts what the parts hold before there is an engine: nothing can be searched by the words of
/// a vocabulary that is nowhere to be found.
pub(crate) fn convert_first(parts: &Parts) -> Result<(), EngineError> {
    let catalogue = &*parts.catalogue;
    tracing::warn!(
        "{} pictures get words of the present vocabulary first, as that of their words is no longer there",
        catalogue.count()?
    );
    let vocabulary = parts.vocabulary.clone();
    let mut conversion = Conversion::begin(catalogue, vocabulary, parts.index.as_ref())?;
    while conversion.advance()? {
        let ConvertStep { done, total } = conversion.step()?;
        tracing::info!("{done} of {total} pictures have new words");
    }
    conversion.finish()?;
    remove_others(parts.index.as_ref(), &[&parts.vocabulary]);
    Ok(())
}

struct Conversion<'a> {
    catalogue: &'a dyn Catalogue,
    vocabulary: Arc<Vocabulary>,
    index: Index,
    /// All up to this key have staged words, and are in the index.
    last: Option<u64>,
}

impl<'a> Conversion<'a> {
    /// Takes over what was staged for the same vocabulary.
    fn begin(
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
        let held = || {
            let mut keys = all_keys(catalogue)?;
            keys.retain(|(key, _)| last.is_some_and(|last| *key <= last));
            Ok::<_, EngineError>(keys)
        };
        let (index, after) = open_index(&vocabulary, folder, held)?;
        let rest = |after, limit| catalogue.staged_after(after, limit);
        fill(&index, after, catalogue, &vocabulary, rest)?;
        Ok(Self {
            catalogue,
            vocabulary,
            index,
            last,
        })
    }

    fn step(&self) -> Result<ConvertStep, EngineError> {
        Ok(ConvertStep {
            done: self.index.snapshot().len() as u64,
            total: self.catalogue.count()?,
        })
    }

    /// Does some more; `false` when there is no more.
    fn advance(&mut self) -> Result<bool, EngineError> {
        let batch = self.catalogue.features_after(self.last, BATCH)?;
        let Some(&(last, _)) = batch.last() else {
            return Ok(false);
        };
        let keys: Vec<u64> = batch.iter().map(|b| b.0).collect();
        let records = self.catalogue.pictures(&keys)?;
        let all = batch.into_par_iter().zip(records);
        let words = all.filter_map(|((key, bytes), record)| {
            // Gone between the two reads.
            let record = record?;
            let damaged = || EngineError::Internal(format!("picture {key}: damaged features"));
            let words = from_bytes(&bytes).ok_or_else(damaged).map(|features| {
                let size = [record.width, record.height];
                PictureWords::new(self.vocabulary.postings(&features, size))
            });
            Some(words.map(|words| (Key(key), words)))
        });
        let words = words.collect::<Result<Vec<_>, EngineError>>()?;
        let tag = self.vocabulary.tag();
        let staged = words
            .iter()
            .map(|(key, words)| (key.0, words.to_bytes(tag)));
        self.catalogue.stage_words(&staged.collect::<Vec<_>>())?;
        self.index.add(words);
        self.last = Some(last);
        Ok(true)
    }

    /// Converts what came meanwhile and puts everything into place. Nothing may change until then.
    fn finish(mut self) -> Result<Index, EngineError> {
        while self.advance()? {}
        let held: Vec<Key> = all_keys(self.catalogue)?.iter().map(|k| Key(k.0)).collect();
        let mut gone = self.index.snapshot().keys();
        gone.retain(|key| held.binary_search(key).is_err());
        self.index.remove(&gone);
        let id = self.vocabulary.id();
        if !self.catalogue.adopt_staged(VOCABULARY_SETTING, id)? {
            let why = "a picture has no words of the new vocabulary";
            return Err(EngineError::Internal(why.into()));
        }
        Ok(self.index)
    }
}
