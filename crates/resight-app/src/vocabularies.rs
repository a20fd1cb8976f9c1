//! Which vocabulary a data folder works with: the one that is named, the built-in one, or one of
//! its own: learnt from the first pictures that another extractor than our SIFT described, or by
//! `resight train`.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use resight_engine::{RefusedCode, read_bounded};
use resight_index::Vocabulary;
use resight_vision::ModelId;

use crate::AppError;
use crate::atomic_file::AtomicFile;
use crate::config::Config;

/// The longest vocabulary's file read, in bytes. A million words, the most that `resight train`
/// makes, take about 260 MB.
const VOCABULARY_BYTES: u64 = 1 << 30;

/// A data folder's file for a vocabulary of its own.
const OWN: &str = "own.vocabulary";

/// Where a data folder keeps a vocabulary of its own.
fn own_file(config: &Config) -> PathBuf {
    config.data.join(OWN)
}

/// Where the one waits that is to take its place.
fn next_file(config: &Config) -> PathBuf {
    config.data.join("next.vocabulary")
}

/// The files of a data folder's own vocabularies: names and bytes.
pub(crate) fn files_of(config: &Config) -> Result<Vec<(String, Vec<u8>)>, AppError> {
    let mut found = Vec::new();
    for path in [own_file(config), next_file(config)] {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        match std::fs::read(&path) {
            Ok(bytes) => found.extend(name.map(|name| (name, bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(AppError::BackupSource {
                    path,
                    detail: error.to_string(),
                });
            }
        }
    }
    Ok(found)
}

/// The vocabulary of a data folder.
pub(crate) struct ChosenVocabulary {
    pub(crate) vocabulary: Arc<Vocabulary>,
    /// The stored words are of a vocabulary that an earlier version shipped: they have to be converted to
    /// this one.
    pub(crate) convert: bool,
}

impl From<Vocabulary> for ChosenVocabulary {
    fn from(vocabulary: Vocabulary) -> Self {
        Arc::new(vocabulary).into()
    }
}

impl From<Arc<Vocabulary>> for ChosenVocabulary {
    fn from(vocabulary: Arc<Vocabulary>) -> Self {
        Self {
            vocabulary,
            convert: false,
        }
    }
}

/// The vocabulary for features of `model` where the stored words, if there are any, are of the one with
/// the id `stored`; `None` where one has to be learnt first. One that is named is taken whatever is
/// stored.
pub(crate) fn choose(
    config: &Config,
    model: &ModelId,
    stored: Option<&str>,
) -> Result<Option<ChosenVocabulary>, AppError> {
    if let Some(path) = &config.vocabulary {
        return Ok(Some(read(path)?.into()));
    }
    if stored.is_none()
        && let Some(found) = of_the_default(config, model)?
    {
        return Ok(Some(found.into()));
    }
    let generic = Vocabulary::generic();
    if stored.is_some_and(|id| id == generic.id()) {
        return Ok(Some(generic.into()));
    }
    let mut own = None;
    for path in [own_file(config), next_file(config)] {
        if path.exists() {
            let found = read(&path)?;
            if stored.is_some_and(|id| id == found.id()) {
                return Ok(Some(found.into()));
            }
            if found.model() == model {
                own.get_or_insert(found);
            }
        }
    }
    let convert = stored.is_some_and(Vocabulary::was_generic);
    let fitting = if generic.model() == model {
        Some(generic)
    } else {
        own.map(Arc::new)
    };
    Ok(fitting.map(|vocabulary| ChosenVocabulary {
        vocabulary,
        convert,
    }))
}

/// What a new collection begins with where the default one has a vocabulary of its own.
fn of_the_default(config: &Config, model: &ModelId) -> Result<Option<Vocabulary>, AppError> {
    let path = config.root.join(OWN);
    if config.collection.is_default() || own_file(config).exists() || !path.exists() {
        return Ok(None);
    }
    Ok(Some(read(&path)?).filter(|found| found.model() == model))
}

/// Keeps the vocabulary of a collection with it where it is not built in: the default collection may
/// get another one.
pub(crate) fn keep_apart(config: &Config, vocabulary: &Vocabulary) -> Result<(), AppError> {
    let is_named = config.vocabulary.is_some();
    if config.collection.is_default() || is_named || vocabulary.id() == Vocabulary::generic().id() {
        return Ok(());
    }
    let is_it = |path: &Path| read(path).is_ok_and(|kept| kept.id() == vocabulary.id());
    if is_it(&own_file(config)) || is_it(&next_file(config)) {
        return Ok(());
    }
    keep(config, vocabulary)
}

/// The vocabulary that a data folder is to be converted to. One that has already taken its place
/// becomes the folder's own.
pub(crate) fn pending(
    config: &Config,
    present: &Vocabulary,
) -> Result<Option<Arc<Vocabulary>>, AppError> {
    let path = next_file(config);
    if !path.exists() {
        return Ok(None);
    }
    let next = read(&path)?;
    if next.id() == present.id() {
        adopt(config)?;
        return Ok(None);
    }
    Ok(Some(Arc::new(next)))
}

/// Lets a vocabulary wait in the data folder until the stored words are converted to it.
pub(crate) fn await_conversion(config: &Config, vocabulary: &Vocabulary) -> Result<(), AppError> {
    AtomicFile::beside(&next_file(config))?.write(&vocabulary.to_bytes())
}

/// Makes the waiting vocabulary the folder's own, once all words are of it.
pub(crate) fn adopt(config: &Config) -> Result<(), AppError> {
    let (from, to) = (next_file(config), own_file(config));
    std::fs::rename(&from, &to).map_err(|error| AppError::unwritable(&to, error))
}

/// Keeps a vocabulary in the data folder, in place of another.
pub(crate) fn keep(config: &Config, vocabulary: &Vocabulary) -> Result<(), AppError> {
    AtomicFile::beside(&own_file(config))?.write(&vocabulary.to_bytes())
}

/// `used_before`: whether stored pictures were indexed with one.
pub(crate) fn missing(model: &ModelId, used_before: bool) -> AppError {
    AppError::VocabularyMissing {
        model: model.clone(),
        used_before,
    }
}

/// The vocabulary of a file.
pub(crate) fn read(path: &Path) -> Result<Vocabulary, AppError> {
    let not_one = |reason: &dyn Display| AppError::NotAVocabulary {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let bytes = read_bounded(path, VOCABULARY_BYTES).map_err(|why| match why.code {
        RefusedCode::TooManyBytes => not_one(&why),
        _ => AppError::refused(path, why),
    })?;
    Vocabulary::from_bytes(&bytes).map_err(|error| not_one(&error))
}
