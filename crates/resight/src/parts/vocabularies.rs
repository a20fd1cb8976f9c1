//! Which vocabulary a data folder works with: the one that is named, the built-in one, or one of
//! its own, learnt from the first pictures that another extractor than our SIFT described.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_engine::{RefusedCode, read_bounded};
use resight_index::Vocabulary;
use resight_vision::ModelId;

use crate::atomic_file::AtomicFile;
use crate::cli::CliError;
use crate::config::Config;

/// The longest vocabulary's file read, in bytes. A million words, the most that `resight train`
/// makes, take about 260 MB.
const VOCABULARY_BYTES: u64 = 1 << 30;

/// Where a data folder keeps a vocabulary of its own.
fn own_file(config: &Config) -> PathBuf {
    config.data.join("own.vocabulary")
}

/// The vocabulary for features of `model`; `None` where one has to be learnt first.
pub(super) fn find(config: &Config, model: &ModelId) -> Result<Option<Arc<Vocabulary>>, CliError> {
    if let Some(path) = &config.vocabulary {
        return Ok(Some(Arc::new(read(path)?)));
    }
    let generic = Vocabulary::generic();
    if generic.model() == model {
        return Ok(Some(generic));
    }
    let own = own_file(config);
    if !own.exists() {
        return Ok(None);
    }
    let own = read(&own)?;
    Ok((own.model() == model).then(|| Arc::new(own)))
}

/// Keeps a vocabulary in the data folder, in place of another.
pub(super) fn keep(config: &Config, vocabulary: &Vocabulary) -> Result<(), CliError> {
    AtomicFile::beside(&own_file(config))?.write(&vocabulary.to_bytes())
}

/// `held`: whether pictures were indexed with one before.
pub(super) fn missing(model: &ModelId, held: bool) -> CliError {
    CliError::Failure {
        code: "vocabulary_missing",
        detail: format!("there is no vocabulary for features of {model}"),
        next_step: match held {
            true => "Name with --vocabulary the file that these pictures were indexed with.",
            false => "Index a folder of pictures with the same --plugin first: the vocabulary is learnt from them. Or give --vocabulary a file that `resight train` has written.",
        }
        .into(),
    }
}

fn read(path: &Path) -> Result<Vocabulary, CliError> {
    let not_one = |reason: &dyn Display| CliError::Failure {
        code: "not_a_vocabulary",
        detail: format!("{} is not a vocabulary: {reason}", path.display()),
        next_step: "Give --vocabulary a file that `resight train` has written.".into(),
    };
    let bytes = read_bounded(path, VOCABULARY_BYTES).map_err(|why| match why.code {
        RefusedCode::TooManyBytes => not_one(&why),
        _ => CliError::refused(path, &why),
    })?;
    Vocabulary::from_bytes(&bytes).map_err(|error| not_one(&error))
}
