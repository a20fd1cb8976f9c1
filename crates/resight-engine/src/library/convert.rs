//! Exchanging the vocabulary of an open library.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_index::Vocabulary;

use super::Library;
use super::components::check_vocabulary_model;
use super::conversion::{Conversion, ConvertStep};
use super::visual_index::{VisualIndex, remove_others};
use crate::error::EngineError;

impl Library {
    /// Converts all pictures to another vocabulary of the same model. Searches and changes go on
    /// meanwhile; when this returns, all searches use the new vocabulary and the data folder is of it.
    /// What was done by a call that was cancelled or killed is kept for the next one with the same
    /// vocabulary. One call at a time.
    ///
    /// # Errors
    /// `model_mismatch` for descriptors of another model, `cancelled`, and the store's.
    pub fn convert(
        &self,
        vocabulary: &Arc<Vocabulary>,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(ConvertStep),
    ) -> Result<(), EngineError> {
        let _one_at_a_time = self.conversion.lock();
        let before = self.visual();
        if before.vocabulary.id() == vocabulary.id() {
            return Ok(());
        }
        check_vocabulary_model(vocabulary, self.model())?;
        let folder = self.components.index.as_ref();
        remove_others(folder, &[&before.vocabulary, vocabulary]);
        let mut conversion = Conversion::begin(self.catalogue(), vocabulary.clone(), folder)?;
        while conversion.advance()? {
            let step = conversion.progress()?;
            on_step(step);
            // The rest is quick once all are done, so even short calls finish one day.
            if step.done < step.total && cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
        }
        {
            let _no_changes = self.lock_changes();
            let index = conversion.finish()?;
            self.visual.store(Arc::new(VisualIndex {
                vocabulary: vocabulary.clone(),
                index,
                cache: before.cache.beside(),
            }));
        }
        drop(before);
        remove_others(folder, &[vocabulary]);
        Ok(())
    }
}
