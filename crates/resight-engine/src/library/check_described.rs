//! Checking features and words, of pictures and of their further pages and frames.

use resight_index::{PictureWords, WordsError};
use resight_store::{Catalogue, PictureId, PictureRecord, StoreError, ViewRecord};

use super::damage::{Read, if_readable, read_each};
use super::findings::{FindingKind, Verification};
use super::stored_features::from_bytes;
use crate::error::EngineError;

/// A picture or a view of one, whose features and words are checked.
pub(super) struct Described<'a> {
    key: u64,
    picture: &'a PictureId,
    feature_count: u32,
    /// What the detail of a finding begins with.
    what: String,
}

impl<'a> Described<'a> {
    pub(super) fn picture(record: &'a PictureRecord) -> Self {
        Self {
            key: record.key,
            picture: &record.id,
            feature_count: record.feature_count,
            what: String::new(),
        }
    }

    fn view(picture: &'a PictureId, view: &ViewRecord) -> Self {
        Self {
            key: view.key,
            picture,
            feature_count: view.feature_count,
            what: format!("page or frame {}: ", view.number),
        }
    }
}

/// The views of a picture. Returns the bytes that were read, and whether all of them were checked: words of another
/// vocabulary are not, where `is_exchanged` says that the vocabulary was exchanged.
pub(super) fn check_views(
    catalogue: &dyn Catalogue,
    tag: [u8; 4],
    record: &PictureRecord,
    is_exchanged: &dyn Fn() -> Result<bool, StoreError>,
    checked: &mut Verification,
) -> Result<(u64, bool), EngineError> {
    let (mut bytes, mut is_complete) = (0, true);
    let views = match if_readable(catalogue.views_of(record.key))? {
        Ok(views) => views,
        Err(error) => {
            let detail = format!("of a further page or frame: {error}");
            checked.find_of(record.key, FindingKind::PageDamaged, &record.id, detail);
            return Ok((bytes, is_complete));
        }
    };
    for view in views {
        let described = Described::view(&record.id, &view);
        let features = read_one(view.key, |keys| catalogue.features(keys))?;
        let words = read_one(view.key, |keys| catalogue.words(keys))?;
        bytes += length(&features) + length(&words);
        check_features(&described, features, checked);
        if is_of_another_vocabulary(&words, tag) && is_exchanged()? {
            is_complete = false;
        } else {
            check_words(tag, &described, words, checked);
        }
    }
    Ok((bytes, is_complete))
}

/// What is stored for a key, or why it cannot be read.
pub(super) fn read_one<T>(
    key: u64,
    read: impl Fn(&[u64]) -> Result<Vec<Option<T>>, StoreError>,
) -> Result<Result<Option<T>, StoreError>, StoreError> {
    let one = if_readable(read_each(&[key], read))?;
    let one = one.unwrap_or_else(|error| vec![Err(error)]);
    Ok(one.into_iter().next().unwrap_or(Ok(None)))
}

pub(super) fn length(read: &Read) -> u64 {
    read.as_ref()
        .map_or(0, |bytes| bytes.as_ref().map_or(0, Vec::len) as u64)
}

pub(super) fn check_features(one: &Described<'_>, features: Read, checked: &mut Verification) {
    let detail = match features {
        Err(error) => error.to_string(),
        Ok(bytes) => {
            let readable = bytes.and_then(|bytes| from_bytes(&bytes));
            if readable.is_some_and(|f| f.len() == one.feature_count as usize) {
                return;
            }
            "they cannot be decoded, or their number is not the picture's".into()
        }
    };
    let detail = format!("{}{detail}", one.what);
    checked.find_of(one.key, FindingKind::FeaturesDamaged, one.picture, detail);
}

pub(super) fn check_words(
    tag: [u8; 4],
    one: &Described<'_>,
    words: Read,
    checked: &mut Verification,
) {
    let detail = match words {
        Err(error) => error.to_string(),
        Ok(None) => WordsError::Damaged.to_string(),
        Ok(Some(bytes)) => match PictureWords::from_bytes(&bytes, tag) {
            // Those of an earlier version are completed when the folder is opened.
            Ok(_) | Err(WordsError::NoPlaces) => return,
            Err(error) => error.to_string(),
        },
    };
    let detail = format!("{}{detail}", one.what);
    checked.find_of(one.key, FindingKind::WordsDamaged, one.picture, detail);
}

/// As words are for a moment while a conversion ends.
pub(super) fn is_of_another_vocabulary(words: &Read, tag: [u8; 4]) -> bool {
    let Ok(Some(bytes)) = words else {
        return false;
    };
    let read = PictureWords::from_bytes(bytes, tag);
    matches!(read, Err(WordsError::OtherVocabulary))
}
