//! Converting a collection to another vocabulary, now or in the background.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use resight_engine::{ConvertStep, EngineError, Library};
use resight_index::Vocabulary;

use crate::background::Background;
use crate::config::Config;
use crate::{AppError, vocabularies};

/// Converts all stored pictures to `vocabulary`, which becomes the collection's own.
pub(crate) fn convert(
    library: &Arc<Library>,
    config: &Config,
    vocabulary: &Arc<Vocabulary>,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(ConvertStep),
) -> Result<(), AppError> {
    // The vocabulary is stored before the first words are of it.
    vocabularies::await_conversion(config, vocabulary)?;
    library.convert(vocabulary, cancel, on_step)?;
    vocabularies::adopt(config)
}

/// Goes on with a conversion that an earlier process began; `None` where there is none.
pub(crate) fn convert_in_background(
    library: &Arc<Library>,
    config: &Config,
    pending: Option<Arc<Vocabulary>>,
) -> Option<Background> {
    let vocabulary = pending?;
    let (library, config) = (library.clone(), config.clone());
    Background::begin(
        "resight-convert",
        "the conversion to another vocabulary waits",
        move |cancel| go_on(&library, &config, &vocabulary, cancel),
    )
}

fn go_on(
    library: &Arc<Library>,
    config: &Config,
    vocabulary: &Arc<Vocabulary>,
    cancel: &AtomicBool,
) {
    tracing::info!("pictures are being converted to another vocabulary");
    let converted = library.convert(vocabulary, cancel, &mut |step| {
        tracing::debug!("{} of {} pictures are converted", step.done, step.total);
    });
    match converted {
        Ok(()) => match vocabularies::adopt(config) {
            Ok(()) => tracing::info!("all pictures use the new vocabulary"),
            Err(error) => tracing::warn!("{error}"),
        },
        Err(EngineError::Cancelled) => {}
        Err(error) => tracing::warn!("the conversion to another vocabulary stopped: {error}"),
    }
}
