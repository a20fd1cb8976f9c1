//! Checking that everything stored can be used, without changing it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_decode::decode;
use resight_index::{PictureWords, WordsError};
use resight_store::{PictureId, PictureRecord, StoreError};

use super::components::{Components, IndexFolder};
use super::files::{original_name, thumbnail_name};
use super::leftovers::{id_in, shards};
use super::stored_features::from_bytes;
use super::visual_index::{all_keys, open_stored};
use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::picture::id_of;

/// Pictures whose records are read at a time.
const TOGETHER: usize = 64;

/// What is wrong with a stored thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// The catalogue's own structure.
    CatalogueDamaged,
    /// A picture's features cannot be read, or are missing.
    FeaturesDamaged,
    /// A picture's visual words cannot be read, or are missing.
    WordsDamaged,
    /// An uploaded picture has no file.
    OriginalMissing,
    /// An uploaded file does not have the bytes that its id names.
    OriginalDamaged,
    /// An uploaded file has no record.
    OriginalUnrecorded,
    /// A thumbnail cannot be decoded.
    ThumbnailDamaged,
    /// A thumbnail has no picture.
    ThumbnailUnrecorded,
    /// A segment of the index cannot be read, or does not agree with the catalogue.
    IndexDamaged,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::CatalogueDamaged,
        Self::FeaturesDamaged,
        Self::WordsDamaged,
        Self::OriginalMissing,
        Self::OriginalDamaged,
        Self::OriginalUnrecorded,
        Self::ThumbnailDamaged,
        Self::ThumbnailUnrecorded,
        Self::IndexDamaged,
    ];

    /// Stable identifier for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatalogueDamaged => "catalogue_damaged",
            Self::FeaturesDamaged => "features_damaged",
            Self::WordsDamaged => "words_damaged",
            Self::OriginalMissing => "original_missing",
            Self::OriginalDamaged => "original_damaged",
            Self::OriginalUnrecorded => "original_unrecorded",
            Self::ThumbnailDamaged => "thumbnail_damaged",
            Self::ThumbnailUnrecorded => "thumbnail_unrecorded",
            Self::IndexDamaged => "index_damaged",
        }
    }

    /// What to do about it, as a sentence.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::CatalogueDamaged => {
                "Put a backup of the data folder in its place, or move the catalogue away: uploaded pictures are then added again, and folders are indexed again."
            }
            Self::FeaturesDamaged | Self::WordsDamaged => {
                "Remove the picture and add its file again."
            }
            Self::OriginalMissing | Self::OriginalDamaged => {
                "Upload the file again, or remove the picture."
            }
            Self::OriginalUnrecorded => {
                "Open the data folder for indexing or serving: the file is added again."
            }
            Self::ThumbnailDamaged | Self::ThumbnailUnrecorded => {
                "Delete the file while nothing has the data folder open: a thumbnail is made from its picture where it is missing."
            }
            Self::IndexDamaged => {
                "Open the data folder for indexing or serving: the index is rebuilt from the catalogue."
            }
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// Which picture, file or folder.
    pub thing: String,
    /// What was found.
    pub detail: String,
}

/// What was checked, and what was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Pictures checked.
    pub pictures: u64,
    /// Uploaded files checked.
    pub originals: u64,
    /// Thumbnails checked. One that is missing is made when it is asked for.
    pub thumbnails: u64,
    /// Files of indexed folders.
    pub sources: u64,
    /// Those that are not where they were indexed: on a disk that is not mounted, perhaps.
    pub sources_away: u64,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Verification {
    fn find(&mut self, kind: FindingKind, thing: impl ToString, detail: impl ToString) {
        self.findings.push(Finding {
            kind,
            thing: thing.to_string(),
            detail: detail.to_string(),
        });
    }
}

/// Checks all that a library consists of, and changes nothing. It needs no library that can be opened.
/// `on_step` is called with the number of pictures checked and of all.
///
/// # Errors
/// `cancelled`, and those of a store that cannot be read at all.
pub fn verify(
    parts: &Components,
    options: &EngineOptions,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
) -> Result<Verification, EngineError> {
    let mut checked = Verification::default();
    for detail in parts.catalogue.check_structure()? {
        checked.find(FindingKind::CatalogueDamaged, "catalogue", detail);
    }
    match check_pictures(parts, options, cancel, on_step, &mut checked) {
        // The rest of the catalogue cannot be read; the files can.
        Err(EngineError::Store(error @ StoreError::Damaged { .. })) => {
            checked.find(FindingKind::CatalogueDamaged, "catalogue", error);
        }
        done => done?,
    }
    match check_unrecorded(parts, cancel, &mut checked) {
        Err(EngineError::Store(StoreError::Damaged { .. })) => {}
        done => done?,
    }
    if let Some(folder) = &parts.index {
        let keys = || all_keys(&*parts.catalogue);
        let folder = IndexFolder {
            writable: false,
            ..folder.clone()
        };
        match open_stored(&parts.vocabulary, &folder, keys) {
            Ok((_, opened)) => {
                if let Some(lost) = opened.lost {
                    checked.find(FindingKind::IndexDamaged, folder.path.display(), lost);
                }
            }
            // Reported above.
            Err(EngineError::Store(StoreError::Damaged { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(checked)
}

fn check_pictures(
    parts: &Components,
    options: &EngineOptions,
    cancel: &AtomicBool,
    on_step: &mut dyn FnMut(u64, u64),
    checked: &mut Verification,
) -> Result<(), EngineError> {
    let keys: Vec<u64> = all_keys(&*parts.catalogue)?.iter().map(|k| k.0).collect();
    let total = keys.len() as u64;
    for keys in keys.chunks(TOGETHER) {
        let records = parts.catalogue.pictures(keys)?;
        let features = parts.catalogue.features(keys)?;
        let words = parts.catalogue.words(keys)?;
        for ((record, features), words) in records.iter().zip(features).zip(words) {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            // Removed meanwhile by another process.
            let Some(record) = record else { continue };
            let readable = features.and_then(|bytes| from_bytes(&bytes));
            if readable.is_none_or(|f| f.len() != record.feature_count as usize) {
                let detail = "they cannot be decoded, or their number is not the picture's";
                checked.find(FindingKind::FeaturesDamaged, &record.id, detail);
            }
            check_words(parts, record, words.as_deref(), checked);
            check_files(parts, options, record, checked)?;
            checked.pictures += 1;
            on_step(checked.pictures, total);
        }
    }
    Ok(())
}

fn check_words(
    parts: &Components,
    record: &PictureRecord,
    words: Option<&[u8]>,
    checked: &mut Verification,
) {
    let read = words.map_or(Err(WordsError::Damaged), |bytes| {
        PictureWords::from_bytes(bytes, parts.vocabulary.tag())
    });
    match read {
        // Those of an earlier version are completed when the folder is opened.
        Ok(_) | Err(WordsError::NoPlaces) => {}
        Err(error) => checked.find(FindingKind::WordsDamaged, &record.id, error),
    }
}

fn check_files(
    parts: &Components,
    options: &EngineOptions,
    record: &PictureRecord,
    checked: &mut Verification,
) -> Result<(), EngineError> {
    let id = &record.id;
    if record.uploaded {
        match parts.blobs.get(&original_name(id))? {
            None => checked.find(FindingKind::OriginalMissing, id, "it has no file"),
            Some(bytes) => {
                checked.originals += 1;
                check_original(id, &bytes, checked);
            }
        }
    }
    if let Some(bytes) = parts.blobs.get(&thumbnail_name(id))? {
        checked.thumbnails += 1;
        if let Err(refused) = decode(&bytes, &options.decode) {
            checked.find(FindingKind::ThumbnailDamaged, thumbnail_name(id), refused);
        }
    }
    for path in &record.sources {
        checked.sources += 1;
        checked.sources_away += u64::from(!Path::new(path).is_file());
    }
    Ok(())
}

fn check_original(id: &PictureId, bytes: &[u8], checked: &mut Verification) {
    let found = id_of(bytes);
    if found != *id {
        let detail = format!("its bytes are those of {found}");
        checked.find(FindingKind::OriginalDamaged, original_name(id), detail);
    }
}

/// Files without a record.
fn check_unrecorded(
    parts: &Components,
    cancel: &AtomicBool,
    checked: &mut Verification,
) -> Result<(), EngineError> {
    let removed = parts.catalogue.removed_pictures(usize::MAX)?;
    let removed: HashSet<PictureId> = removed.into_iter().collect();
    for shard in shards() {
        if cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        for name in parts.blobs.names(&format!("originals/{shard}"))? {
            let Some(id) = id_in(&name).filter(|id| !removed.contains(id)) else {
                continue;
            };
            let record = parts.catalogue.picture(&id)?;
            if record.is_some_and(|record| record.uploaded) {
                continue;
            }
            if let Some(bytes) = parts.blobs.get(&name)? {
                checked.originals += 1;
                checked.find(FindingKind::OriginalUnrecorded, &name, "it has no record");
                check_original(&id, &bytes, checked);
            }
        }
        for name in parts.blobs.names(&format!("thumbnails/{shard}"))? {
            let id = id_in(name.strip_suffix(".jpg").unwrap_or(&name));
            let Some(id) = id.filter(|id| !removed.contains(id)) else {
                continue;
            };
            if parts.catalogue.picture(&id)?.is_none() {
                checked.find(FindingKind::ThumbnailUnrecorded, name, "it has no picture");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_a_next_step() {
        let names: HashSet<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), FindingKind::ALL.len());
        assert!(
            FindingKind::ALL
                .iter()
                .all(|kind| kind.next_step().ends_with('.'))
        );
    }
}
