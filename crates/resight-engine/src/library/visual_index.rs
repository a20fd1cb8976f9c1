//! Everything that depends on the vocabulary: the inverted index of its words, and features sorted by
//! them. A conversion exchanges it as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use resight_index::{Index, Key, Opened, PictureWords, Place, Vocabulary, WordsError};
use resight_store::{Catalogue, StoreError, read_all};

use super::components::{Components, IndexFolder};
use super::damage::{sizes_of, undecodable, without_damaged};
use super::feature_cache::FeatureCache;
use super::stored_features::{StoredFeatures, from_bytes};
use crate::error::EngineError;

/// A vocabulary with the index of its words.
pub(crate) struct VisualIndex {
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) index: Index,
    pub(crate) cache: FeatureCache,
}

/// Pictures whose words are read at a time when the index is rebuilt.
const REBUILD_BATCH: usize = 2000;

impl VisualIndex {
    /// Opens the index folder, and adds what it lacks from the catalogue's stored words.
    pub(crate) fn open(components: &Components, cache: FeatureCache) -> Result<Self, EngineError> {
        let catalogue = &*components.catalogue;
        let vocabulary = components.vocabulary.clone();
        let keys = || all_keys(catalogue);
        let (index, after) = open_index(&vocabulary, components.index.as_ref(), keys)?;
        let rest = |after, limit| catalogue.words_after(after, limit);
        fill(&index, after, catalogue, &vocabulary, rest)?;
        Ok(Self {
            vocabulary,
            index,
            cache,
        })
    }

    /// Features of pictures, in the order of `keys`; `None` for those no longer stored. Fails with
    /// `picture_damaged` where those of one are damaged: an answer without it would be wrong.
    pub(crate) fn features(
        &self,
        catalogue: &dyn Catalogue,
        keys: &[u64],
    ) -> Result<Vec<Option<Arc<StoredFeatures>>>, EngineError> {
        let fetched = self.cache.fetch(keys, catalogue, &self.vocabulary)?;
        Ok(fetched.into_iter().collect::<Result<_, _>>()?)
    }

    /// As [`VisualIndex::features`], and `None`, with a warning, for those that are damaged: for work in the
    /// background, which would never get past them.
    pub(crate) fn whole_features(
        &self,
        catalogue: &dyn Catalogue,
        keys: &[u64],
    ) -> Result<Vec<Option<Arc<StoredFeatures>>>, EngineError> {
        let fetched = self.cache.fetch(keys, catalogue, &self.vocabulary)?;
        Ok(without_damaged(fetched))
    }
}

/// Keys of all stored pictures and their views, ascending, each with its number of features.
pub(crate) fn all_keys(catalogue: &dyn Catalogue) -> Result<Vec<(u64, u32)>, StoreError> {
    read_all(
        |(key, _)| *key,
        |after, limit| catalogue.described_after(after, limit),
    )
}

/// Keys of all stored pictures, ascending.
pub(crate) fn picture_keys(catalogue: &dyn Catalogue) -> Result<Vec<u64>, StoreError> {
    let page = |after, limit| catalogue.keys_after(after, limit);
    let keys = read_all(|(key, _): &(u64, u32)| *key, page)?;
    Ok(keys.into_iter().map(|(key, _)| key).collect())
}

/// Adds the pictures with keys above `after`. `next` returns the stored words of at most so many
/// pictures above a key, ascending. Words that are damaged are assigned again; a picture whose features are
/// damaged as well is left out, with an error in the log.
pub(crate) fn fill(
    index: &Index,
    mut after: Option<u64>,
    catalogue: &dyn Catalogue,
    vocabulary: &Vocabulary,
    next: impl Fn(Option<u64>, usize) -> Result<Vec<(u64, Vec<u8>)>, StoreError>,
) -> Result<(), EngineError> {
    loop {
        let batch = match next(after, REBUILD_BATCH) {
            Err(StoreError::PictureDamaged { .. }) => one_by_one(after, catalogue, &next)?,
            read => read?,
        };
        let Some(last) = batch.last() else {
            return Ok(());
        };
        after = Some(last.0);
        let read = batch.into_par_iter().map(|(key, bytes)| {
            let words = words_of(catalogue, vocabulary, key, &bytes)?;
            Ok(words.map(|words| (Key(key), words)))
        });
        let read = read.filter_map(Result::transpose);
        index.add(read.collect::<Result<Vec<_>, EngineError>>()?);
    }
}

/// A batch of which some words are damaged; no bytes in their place.
fn one_by_one(
    after: Option<u64>,
    catalogue: &dyn Catalogue,
    next: impl Fn(Option<u64>, usize) -> Result<Vec<(u64, Vec<u8>)>, StoreError>,
) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut batch = Vec::new();
    for (key, _) in catalogue.described_after(after, REBUILD_BATCH)? {
        match next(Some(key - 1), 1) {
            // No words of this picture may be there, and then those of the next one.
            Ok(rows) => batch.extend(rows.into_iter().filter(|row| row.0 == key)),
            Err(error @ StoreError::PictureDamaged { .. }) => {
                tracing::warn!("words are assigned again: {error}");
                batch.push((key, Vec::new()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(batch)
}

/// A picture's stored words. An earlier version stored them without places; those are taken from the
/// picture's features, as words are that cannot be read. `None` where those are damaged as well.
fn words_of(
    catalogue: &dyn Catalogue,
    vocabulary: &Vocabulary,
    key: u64,
    bytes: &[u8],
) -> Result<Option<PictureWords>, EngineError> {
    let is_without_places = match PictureWords::from_bytes(bytes, vocabulary.tag()) {
        Ok(words) => return Ok(Some(words)),
        Err(error) => error == WordsError::NoPlaces,
    };
    let features = match catalogue.features(&[key]) {
        Ok(mut one) => one.pop().flatten().and_then(|bytes| from_bytes(&bytes)),
        Err(StoreError::PictureDamaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let size = sizes_of(catalogue, &[key])?.pop();
    let size = size.and_then(Result::ok).flatten();
    let Some((features, size)) = features.zip(size) else {
        let error = undecodable(catalogue, key, "words");
        tracing::error!("a picture is in no search: {error}");
        return Ok(None);
    };
    if is_without_places {
        let places = Place::all(&features.keypoints, size);
        if let Ok(words) = PictureWords::from_bytes_and_places(bytes, &places) {
            return Ok(Some(words));
        }
    }
    Ok(Some(PictureWords::new(
        vocabulary.postings(&features, size),
    )))
}

/// The stored index of a vocabulary, and the last key that is in it. `catalogue_keys` returns all keys
/// with their numbers of features, against which the stored index is checked.
pub(crate) fn open_index<E: Into<EngineError>>(
    vocabulary: &Vocabulary,
    folder: Option<&IndexFolder>,
    catalogue_keys: impl FnOnce() -> Result<Vec<(u64, u32)>, E>,
) -> Result<(Index, Option<u64>), EngineError> {
    let Some(folder) = folder else {
        return Ok((Index::new(vocabulary.len()), None));
    };
    if folder.writable {
        remove_first_format(&folder.path);
    }
    let (index, opened) = open_stored(vocabulary, folder, catalogue_keys)?;
    if let Some(lost) = opened.lost {
        let path = path_of(folder, vocabulary);
        let path = path.display();
        tracing::warn!("the index in {path} is not whole ({lost}); the rest is rebuilt");
    }
    Ok((index, opened.last.map(|key| key.0)))
}

/// The stored index of a vocabulary as it is, and what was found in its folder.
pub(crate) fn open_stored<E: Into<EngineError>>(
    vocabulary: &Vocabulary,
    folder: &IndexFolder,
    catalogue_keys: impl FnOnce() -> Result<Vec<(u64, u32)>, E>,
) -> Result<(Index, Opened), EngineError> {
    let path = path_of(folder, vocabulary);
    let keys =
        || catalogue_keys().map(|all| all.into_iter().map(|(key, n)| (Key(key), n)).collect());
    Index::open(vocabulary, &path, folder.writable, keys).map_err(Into::into)
}

/// Each vocabulary's index has a folder of its own.
fn path_of(folder: &IndexFolder, vocabulary: &Vocabulary) -> PathBuf {
    folder.path.join(hex::encode(vocabulary.tag()))
}

/// The first format lay in the folder itself.
fn remove_first_format(folder: &Path) {
    let manifest = folder.join("manifest.json");
    if !manifest.exists() {
        return;
    }
    tracing::warn!(
        "the index in {} is of an earlier version; it is rebuilt from the catalogue",
        folder.display()
    );
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path == manifest || path.extension().is_some_and(|e| e == "segment") {
            remove(&path, std::fs::remove_file(&path));
        }
    }
}

/// Removes the stored index of a vocabulary durably, so that the next opening rebuilds it.
pub(crate) fn remove_index(
    folder: &IndexFolder,
    vocabulary: &Vocabulary,
) -> Result<(), StoreError> {
    let path = path_of(folder, vocabulary);
    if !path.exists() {
        return Ok(());
    }
    let removed = std::fs::remove_dir_all(&path).and_then(|()| sync_folder(&folder.path));
    removed.map_err(|error| StoreError::from_io(&path, error))
}

/// Removes the indexes of all other vocabularies.
pub(crate) fn remove_others(folder: Option<&IndexFolder>, kept: &[&Vocabulary]) {
    let Some(folder) = folder else {
        return;
    };
    let kept: Vec<PathBuf> = kept.iter().map(|v| path_of(folder, v)).collect();
    let entries = std::fs::read_dir(&folder.path).into_iter().flatten();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !kept.contains(&path) {
            remove(&path, std::fs::remove_dir_all(&path));
        }
    }
}

fn remove(path: &Path, removed: std::io::Result<()>) {
    if let Err(error) = removed {
        tracing::warn!("{} is left over: {error}", path.display());
    }
}

#[cfg(unix)]
fn sync_folder(dir: &Path) -> std::io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Other systems cannot flush a folder.
#[cfg(not(unix))]
fn sync_folder(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}
