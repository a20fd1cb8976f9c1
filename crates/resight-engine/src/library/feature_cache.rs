//! A cache of decoded features of stored pictures, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use resight_index::{PictureWords, Place, Vocabulary, WordsError};
use resight_store::{Catalogue, StoreError};
use resight_vision::LocalFeatures;

use super::damage::{read_each, undecodable};
use super::shared_cache::{Owned, SharedCache, Weight};
use super::stored_features::{StoredFeatures, from_bytes};
use crate::error::EngineError;

/// A picture's features; `None` where it is not stored any more, an error where they are damaged.
pub(crate) type Fetched = Result<Option<Arc<StoredFeatures>>, StoreError>;

impl Weight for StoredFeatures {
    fn bytes(&self) -> u64 {
        let features = &self.features;
        (64 + 24 * features.len() + features.descriptors.as_bytes().len()) as u64
    }
}

/// One owner's entries in a memory that several owners share. Keys are never used twice, so no entry
/// goes stale; entries of removed pictures and of former owners only take room until others need it.
pub(crate) struct FeatureCache {
    entries: SharedCache<u64, StoredFeatures>,
    /// Of all owners.
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A picture's features weigh about this much.
const TYPICAL: u64 = 150_000;

impl FeatureCache {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            entries: SharedCache::new(bytes, TYPICAL, 16..=100_000),
            counts: Arc::default(),
        }
    }

    /// Another owner in the same memory, without any entries yet.
    pub(crate) fn beside(&self) -> Self {
        Self {
            entries: self.entries.beside(),
            counts: self.counts.clone(),
        }
    }

    /// How many features of all owners were found here, and how many had to be read.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.counts.hits), load(&self.counts.misses))
    }

    fn entry(&self, key: u64) -> Owned<u64> {
        self.entries.key(key)
    }

    /// Features of the pictures `keys`, sorted by the words of `vocabulary`, in the order of `keys`.
    /// `None` for pictures no longer stored. Of a picture whose features are damaged, the error; words that
    /// are damaged are assigned again.
    pub(crate) fn fetch(
        &self,
        keys: &[u64],
        catalogue: &dyn Catalogue,
        vocabulary: &Vocabulary,
    ) -> Result<Vec<Fetched>, EngineError> {
        let entries = &self.entries;
        let cached = keys.iter().map(|&key| entries.get(&self.entry(key)));
        let mut found: Vec<Fetched> = cached.map(Ok).collect();
        let missing: Vec<usize> = (0..keys.len())
            .filter(|&i| matches!(found[i], Ok(None)))
            .collect();
        let (misses, all) = (missing.len() as u64, keys.len() as u64);
        self.counts.misses.fetch_add(misses, Ordering::Relaxed);
        self.counts.hits.fetch_add(all - misses, Ordering::Relaxed);
        if missing.is_empty() {
            return Ok(found);
        }
        let missing_keys: Vec<u64> = missing.iter().map(|&i| keys[i]).collect();
        let features = read_each(&missing_keys, |keys| catalogue.features(keys))?;
        let words = read_each(&missing_keys, |keys| catalogue.words(keys))?;
        let read = missing.into_par_iter().zip(features).zip(words);
        let read = read.map(|((i, features), words)| {
            // Damaged words are assigned again.
            let words = words.unwrap_or_else(|_| Some(Vec::new()));
            let decoded = features.and_then(|features| {
                let (Some(features), Some(words)) = (features, words) else {
                    return Ok(None);
                };
                let features = from_bytes(&features)
                    .ok_or_else(|| undecodable(catalogue, keys[i], "features"))?;
                let words = words_of(&features, &words, vocabulary);
                Ok(Some(Arc::new(StoredFeatures::new(features, words))))
            });
            (i, decoded)
        });
        for (i, decoded) in read.collect::<Vec<_>>() {
            if let Ok(Some(stored)) = &decoded {
                entries.insert(self.entry(keys[i]), stored.clone());
            }
            found[i] = decoded;
        }
        Ok(found)
    }

    pub(crate) fn remove(&self, key: u64) {
        self.entries.remove(&self.entry(key));
    }
}

/// The words of stored features. Assigned again where the stored ones are of another vocabulary, as they
/// may be for a moment while a conversion ends.
fn words_of(features: &LocalFeatures, stored: &[u8], vocabulary: &Vocabulary) -> Vec<u32> {
    let stored = match PictureWords::from_bytes(stored, vocabulary.tag()) {
        Err(WordsError::NoPlaces) => {
            let nowhere = vec![Place::default(); features.len()];
            PictureWords::from_bytes_and_places(stored, &nowhere)
        }
        read => read,
    };
    match stored {
        Ok(words) if words.postings().len() == features.len() => {
            words.postings().iter().map(|p| p.word).collect()
        }
        _ => {
            let assigned = vocabulary.assign(&features.descriptors);
            assigned.iter().map(|a| a.word).collect()
        }
    }
}
