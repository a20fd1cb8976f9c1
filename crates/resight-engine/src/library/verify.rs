//! Checking that everything stored can be used, without changing it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use resight_store::{BlobStore, PictureId, PictureRecord, StoreError, pages, read_all};

use super::attached_model::vector_from_bytes;
use super::check_described::{
    Described, check_features, check_views, check_words, is_of_another_vocabulary,
};
use super::components::{Components, IndexFolder, VOCABULARY_SETTING};
use super::damage::{has_record, if_readable, name_of, read_each, records_of, undecodable};
use super::files::{original_name, thumbnail_name, thumbnail_pixels};
use super::findings::{FindingKind, Verification};
use super::leftovers::{id_in, shards};
use super::visual_index::{all_keys, open_stored, picture_keys};
use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::picture::id_of;
use crate::stored_path::path_of_text;

/// Pictures whose records are read at a time.
const TOGETHER: usize = 64;

/// Vectors that are read at a time.
const VECTORS_TOGETHER: usize = 2000;

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
    let catalogue = &*parts.catalogue;
    let keys = picture_keys(catalogue)?;
    let has_views = catalogue.view_count()? > 0;
    let total = keys.len() as u64;
    for keys in keys.chunks(TOGETHER) {
        let records = records_of(catalogue, keys)?;
        let features = read_each(keys, |keys| catalogue.features(keys))?;
        let words = read_each(keys, |keys| catalogue.words(keys))?;
        for (((key, record), features), words) in keys.iter().zip(records).zip(features).zip(words)
        {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            match record {
                Ok(Some(record)) => {
                    let picture = Described::picture(&record);
                    check_features(&picture, features, checked);
                    let tag = parts.vocabulary.tag();
                    if !(is_of_another_vocabulary(&words, tag) && was_exchanged(parts)?) {
                        check_words(tag, &picture, words, checked);
                    }
                    if has_views {
                        let is_exchanged = || was_exchanged(parts);
                        check_views(catalogue, tag, &record, &is_exchanged, checked)?;
                    }
                    check_blobs(&*parts.blobs, options, &record, checked)?;
                    for path in &record.sources {
                        checked.sources += 1;
                        checked.sources_away += u64::from(!path_of_text(path).is_file());
                    }
                }
                // Removed meanwhile by another process.
                Ok(None) => continue,
                Err(error) => find_record(*key, &error, checked),
            }
            checked.pictures += 1;
            on_step(checked.pictures, total);
        }
    }
    check_vectors(parts, cancel, checked)?;
    let page = |after, limit| catalogue.unsealed_after(after, limit);
    checked.without_checksums = read_all(|key| *key, page)?.len() as u64;
    Ok(())
}

/// Whether the pictures were converted to another vocabulary since the library was opened.
fn was_exchanged(parts: &Components) -> Result<bool, StoreError> {
    let present = parts.catalogue.setting(VOCABULARY_SETTING)?;
    Ok(present.is_some_and(|id| id != parts.vocabulary.id()))
}

/// Notes that the record of a picture is damaged.
pub(super) fn find_record(key: u64, error: &StoreError, checked: &mut Verification) {
    checked.find_of(key, FindingKind::RecordDamaged, name_of(key, error), error);
}

fn check_vectors(
    parts: &Components,
    cancel: &AtomicBool,
    checked: &mut Verification,
) -> Result<(), EngineError> {
    let catalogue = &*parts.catalogue;
    for model in catalogue.vector_counts()?.iter().map(|count| &count.model) {
        let page = |after, limit| catalogue.vector_keys_after(model, after, limit);
        for keys in pages(VECTORS_TOGETHER, |key: &u64| *key, page) {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            let keys = keys?;
            let vectors = read_each(&keys, |keys| catalogue.vectors(model, keys))?;
            for (key, vector) in keys.iter().zip(vectors) {
                let error = match vector {
                    Err(error) => error,
                    Ok(Some(bytes)) if vector_from_bytes(&bytes).is_none() => {
                        undecodable(catalogue, *key, "vector")
                    }
                    Ok(_) => continue,
                };
                let thing = name_of(*key, &error);
                let detail = format!("{model}: {error}");
                checked.find_of(*key, FindingKind::VectorDamaged, thing, detail);
                if let Some(finding) = checked.findings.last_mut() {
                    finding.model = Some(model.clone());
                }
            }
        }
    }
    Ok(())
}

/// The stored files of a picture. Returns their length.
pub(super) fn check_blobs(
    blobs: &dyn BlobStore,
    options: &EngineOptions,
    record: &PictureRecord,
    checked: &mut Verification,
) -> Result<u64, EngineError> {
    let id = &record.id;
    let mut length = 0;
    if record.uploaded {
        match if_readable(blobs.get(&original_name(id)))? {
            Err(error) => {
                let kind = FindingKind::OriginalDamaged;
                checked.find(kind, original_name(id), error);
            }
            Ok(None) => {
                let kind = FindingKind::OriginalMissing;
                checked.find_of(record.key, kind, id, "it has no file");
            }
            Ok(Some(bytes)) => {
                checked.originals += 1;
                length += bytes.len() as u64;
                check_original(id, &bytes, checked);
            }
        }
    }
    let kind = FindingKind::ThumbnailDamaged;
    match if_readable(blobs.get(&thumbnail_name(id)))? {
        Err(error) => checked.find(kind, thumbnail_name(id), error),
        Ok(None) => {}
        Ok(Some(bytes)) => {
            checked.thumbnails += 1;
            length += bytes.len() as u64;
            if let Err(refused) = thumbnail_pixels(&bytes, options) {
                checked.find(kind, thumbnail_name(id), refused);
            }
        }
    }
    Ok(length)
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
            if has_record(&*parts.catalogue, &id, |record| record.uploaded)? {
                continue;
            }
            match if_readable(parts.blobs.get(&name))? {
                Err(error) => checked.find(FindingKind::OriginalDamaged, &name, error),
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    checked.originals += 1;
                    checked.find(FindingKind::OriginalUnrecorded, &name, "it has no record");
                    check_original(&id, &bytes, checked);
                }
            }
        }
        for name in parts.blobs.names(&format!("thumbnails/{shard}"))? {
            let id = id_in(name.strip_suffix(".jpg").unwrap_or(&name));
            let Some(id) = id.filter(|id| !removed.contains(id)) else {
                continue;
            };
            if !has_record(&*parts.catalogue, &id, |_| true)? {
                checked.find(FindingKind::ThumbnailUnrecorded, name, "it has no picture");
            }
        }
    }
    Ok(())
}
