//! Converting a data folder to another vocabulary, now or beside other work.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{ConvertStep, EngineError, Library};
use resight_index::Vocabulary;

use crate::background::Background;
use crate::config::Config;
use crate::data_folder::Writing;
use crate::{AppError, vocabularies};

impl Writing {
    /// Converts everything held to `vocabulary`, which becomes the folder's own. Where it is
    /// cancelled or killed, it goes on with the next process that opens the folder for changes.
    pub fn convert(
        &self,
        config: &Config,
        vocabulary: &Arc<Vocabulary>,
        cancel: &AtomicBool,
        on_step: &mut dyn FnMut(ConvertStep),
    ) -> Result<(), AppError> {
        // First where it is found again, then what is of it.
        vocabularies::await_conversion(config, vocabulary)?;
        self.engine.convert(vocabulary, cancel, on_step)?;
        vocabularies::adopt(config)
    }

    /// Goes on with a conversion that was begun, until what is returned is dropped.
    pub fn go_on_converting(&self, config: &Config) -> Option<Background> {
        go_on_with(&self.engine, config, self.pending.clone())
    }
}

pub(crate) fn go_on_with(
    engine: &Arc<Library>,
    config: &Config,
    pending: Option<Arc<Vocabulary>>,
) -> Option<Background> {
    let vocabulary = pending?;
    let (engine, config) = (engine.clone(), config.clone());
    Background::begin(
        "resight-convert",
        "the conversion to another vocabulary waits",
        move |cancel| go_on(&engine, &config, &vocabulary, cancel),
    )
}

fn go_on(
    engine: &Arc<Library>,
    config: &Config,
    vocabulary: &Arc<Vocabulary>,
    cancel: &AtomicBool,
) {
    tracing::info!("pictures are being converted to another vocabulary");
    let converted = engine.convert(vocabulary, cancel, &mut |step| {
        tracing::debug!("{} of {} pictures are converted", step.done, step.total);
    });
    match converted {
        Ok(()) => match vocabularies::adopt(config) {
            Ok(()) => tracing::info!("all pictures are of the new vocabulary"),
            Err(error) => tracing::warn!("{error}"),
        },
        Err(EngineError::Cancelled) => {}
        Err(error) => tracing::warn!("the conversion to another vocabulary stopped: {error}"),
    }
}
