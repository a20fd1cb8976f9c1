//! Decoded features of stored pictures, kept up to a number of bytes.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use resight_store::Catalogue;

use crate::error::EngineError;
use crate::stored_features::StoredFeatures;

#[derive(Clone)]
struct Bytes;

impl Weighter<u64, Arc<StoredFeatures>> for Bytes {
    fn weight(&self, _: &u64, value: &Arc<StoredFeatures>) -> u64 {
        let features = &value.features;
        (64 + 24 * features.len() + features.descriptors.as_bytes().len()) as u64
    }
}

/// Keys are never used twice, so an entry cannot go stale; removed pictures only take room.
pub(crate) struct FeatureCache {
    cache: Cache<u64, Arc<StoredFeatures>, Bytes>,
}

/// A picture's features weigh about this much; only a hint for the cache's first allocation.
const TYPICAL: u64 = 150_000;

impl FeatureCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let items = (bytes / TYPICAL).clamp(16, 100_000) as usize;
        Self {
            cache: Cache::with_weighter(items, bytes, Bytes),
        }
    }

    /// Features of `keys`, in their order; `None` for pictures that are no longer there.
    pub(crate) fn fetch(
        &self,
        keys: &[u64],
        catalogue: &dyn Catalogue,
    ) -> Result<Vec<Option<Arc<StoredFeatures>>>, EngineError> {
        let mut found: Vec<Option<Arc<StoredFeatures>>> =
            keys.iter().map(|k| self.cache.get(k)).collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|&i| found[i].is_none()).collect();
        let missing_keys: Vec<u64> = missing.iter().map(|&i| keys[i]).collect();
        for (i, bytes) in missing.into_iter().zip(catalogue.features(&missing_keys)?) {
            let Some(bytes) = bytes else {
                continue;
            };
            let read = StoredFeatures::from_bytes(&bytes).ok_or_else(|| {
                EngineError::Internal(format!("the features of picture {} are damaged", keys[i]))
            })?;
            let read = Arc::new(read);
            self.cache.insert(keys[i], read.clone());
            found[i] = Some(read);
        }
        Ok(found)
    }

    pub(crate) fn remove(&self, key: u64) {
        self.cache.remove(&key);
    }
}
