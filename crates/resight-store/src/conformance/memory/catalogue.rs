//! The catalogue in memory: pictures, their bytes, sources, settings and vectors.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::RwLock;

use super::state::{Encoded, State, Stored};
use crate::error::StoreError;
use crate::id::PictureId;
use crate::picture::{PictureRecord, Pictures, StoredBytes};
use crate::settings::{RemovedPictures, Settings};
use crate::sources::{Refusal, Refusals, SourceFile, Sources};
use crate::vectors::{VectorCount, Vectors};

/// A [`crate::Catalogue`] in the memory of this value. It is durable for as long as the value lives,
/// and its methods never fail.
///
/// A read waits for a commit in progress, which takes microseconds.
#[derive(Debug, Default)]
pub struct MemoryCatalogue {
    pub(super) state: RwLock<State>,
}

/// What a page may return.
pub(super) type Page<T> = Result<Vec<T>, StoreError>;

/// The entries of a map above a key.
pub(super) fn above<K: Ord + Copy, V>(
    map: &BTreeMap<K, V>,
    after: Option<K>,
) -> impl Iterator<Item = (K, &V)> {
    let bound = after.map_or(Bound::Unbounded, Bound::Excluded);
    let entries = map.range((bound, Bound::Unbounded));
    entries.map(|(key, value)| (*key, value))
}

impl MemoryCatalogue {
    fn each<T>(&self, keys: &[u64], read: impl Fn(&Stored) -> T) -> Page<Option<T>> {
        let state = self.state.read();
        let each = keys.iter().map(|key| state.pictures.get(key).map(&read));
        Ok(each.collect())
    }

    fn page<T>(
        &self,
        after: Option<u64>,
        limit: usize,
        read: impl Fn(u64, &Stored) -> Option<T>,
    ) -> Page<T> {
        let state = self.state.read();
        let all = above(&state.pictures, after);
        let read = all.filter_map(|(key, stored)| read(key, stored));
        Ok(read.take(limit).collect())
    }
}

impl Pictures for MemoryCatalogue {
    fn picture(&self, id: &PictureId) -> Result<Option<PictureRecord>, StoreError> {
        let state = self.state.read();
        Ok(state.by_id(id).map(|stored| stored.record.clone()))
    }

    fn pictures(&self, keys: &[u64]) -> Page<Option<PictureRecord>> {
        self.each(keys, |stored| stored.record.clone())
    }

    fn list(&self, offset: u64, limit: u64) -> Page<PictureRecord> {
        Ok(self.newest_first(|_, _| true, offset, limit))
    }

    fn count(&self) -> Result<u64, StoreError> {
        Ok(self.state.read().pictures.len() as u64)
    }

    fn keys_after(&self, after: Option<u64>, limit: usize) -> Page<(u64, u32)> {
        self.page(after, limit, |key, stored| {
            Some((key, stored.record.feature_count))
        })
    }

    fn unasked_taken(&self, _: Option<u64>, _: usize) -> Result<Vec<(u64, PictureId)>, StoreError> {
        // It has no pictures of an earlier version.
        Ok(Vec::new())
    }

    fn put_taken(&self, taken: &[(u64, Option<i64>)]) -> Result<(), StoreError> {
        let mut state = self.state.write();
        for (key, taken_ms) in taken {
            if let Some(stored) = state.pictures.get_mut(key) {
                stored.record.taken_ms = *taken_ms;
            }
        }
        Ok(())
    }

    fn stored_bytes(&self) -> Result<StoredBytes, StoreError> {
        let state = self.state.read();
        let all = state.all_encoded();
        let sum =
            |length: fn(&Encoded) -> usize| all.values().map(|one| length(one)).sum::<usize>();
        Ok(StoredBytes {
            features: sum(|one| one.features.len()) as u64,
            words: sum(|one| one.words.len()) as u64,
            vectors: state
                .vectors
                .values()
                .flat_map(|all| all.values())
                .map(|bytes| bytes.len() as u64)
                .sum(),
            originals: state
                .pictures
                .values()
                .filter(|stored| stored.record.uploaded)
                .map(|stored| stored.record.byte_len)
                // Lengths of tests may be any.
                .fold(0, u64::wrapping_add),
        })
    }
}

impl Sources for MemoryCatalogue {
    fn source(&self, path: &str) -> Result<Option<(SourceFile, PictureId)>, StoreError> {
        let state = self.state.read();
        let source = state.sources.get(path);
        Ok(source.and_then(|source| with_id(&state, source)))
    }

    fn sources_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Page<(SourceFile, PictureId)> {
        let state = self.state.read();
        let sources = under(&state.sources, prefix, after);
        let sources = sources.filter_map(|source| with_id(&state, source));
        Ok(sources.take(limit).collect())
    }

    fn source_paths(&self, keys: &[u64]) -> Result<Vec<Vec<String>>, StoreError> {
        let state = self.state.read();
        let stored = keys.iter().map(|key| state.pictures.get(key));
        let paths = stored.map(|stored| stored.map(|stored| stored.record.sources.clone()));
        Ok(paths.map(Option::unwrap_or_default).collect())
    }
}

impl Refusals for MemoryCatalogue {
    fn refusals_under(&self, prefix: &str, after: Option<&str>, limit: usize) -> Page<Refusal> {
        let state = self.state.read();
        let refusals = under(&state.refusals, prefix, after);
        Ok(refusals.take(limit).cloned().collect())
    }

    fn refusal_count(&self) -> Result<u64, StoreError> {
        Ok(self.state.read().refusals.len() as u64)
    }
}

/// Values whose path starts with `prefix`, ascending, those above `after`.
fn under<'a, V>(
    map: &'a BTreeMap<String, V>,
    prefix: &'a str,
    after: Option<&'a str>,
) -> impl Iterator<Item = &'a V> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let from = match from {
        Bound::Excluded(after) if after >= prefix => from,
        _ => Bound::Included(prefix),
    };
    let entries = map.range::<str, _>((from, Bound::Unbounded));
    let matching = entries.take_while(move |(path, _)| path.starts_with(prefix));
    matching.map(|(_, value)| value)
}

fn with_id(state: &State, (file, key): &(SourceFile, u64)) -> Option<(SourceFile, PictureId)> {
    let stored = state.pictures.get(key)?;
    Some((file.clone(), stored.record.id.clone()))
}

impl Settings for MemoryCatalogue {
    fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.state.read().settings.get(name).cloned())
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut state = self.state.write();
        state.settings.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

impl RemovedPictures for MemoryCatalogue {
    fn removed_pictures(&self, limit: usize) -> Page<PictureId> {
        let state = self.state.read();
        Ok(state.removed.iter().take(limit).cloned().collect())
    }

    fn forget_removed(&self, ids: &[PictureId]) -> Result<(), StoreError> {
        let mut state = self.state.write();
        for id in ids {
            state.removed.remove(id);
        }
        Ok(())
    }
}

impl Vectors for MemoryCatalogue {
    fn put_vectors(&self, model: &str, vectors: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        let state = &mut *self.state.write();
        let of_model = state.vectors.entry(model.to_owned()).or_default();
        let known = vectors.iter();
        let known = known.filter(|(key, _)| state.pictures.contains_key(key));
        of_model.extend(known.cloned());
        Ok(())
    }

    fn vectors(&self, model: &str, keys: &[u64]) -> Page<Option<Vec<u8>>> {
        let state = self.state.read();
        let of_model = state.vectors.get(model);
        let each = keys.iter().map(|key| {
            let bytes = of_model?.get(key)?;
            (!bytes.is_empty()).then(|| bytes.clone())
        });
        Ok(each.collect())
    }

    fn vector_keys_after(&self, model: &str, after: Option<u64>, limit: usize) -> Page<u64> {
        let state = self.state.read();
        let of_model = state.vectors.get(model);
        let entries = of_model
            .into_iter()
            .flat_map(|vectors| above(vectors, after));
        let keys = entries.filter_map(|(key, bytes)| (!bytes.is_empty()).then_some(key));
        Ok(keys.take(limit).collect())
    }

    fn without_vector_after(&self, model: &str, after: Option<u64>, limit: usize) -> Page<u64> {
        let state = self.state.read();
        let of_model = state.vectors.get(model);
        let keys = above(&state.pictures, after).map(|(key, _)| key);
        let lacking = keys.filter(|key| !of_model.is_some_and(|all| all.contains_key(key)));
        Ok(lacking.take(limit).collect())
    }

    fn vector_counts(&self) -> Page<VectorCount> {
        let state = self.state.read();
        let counts = state.vectors.iter().map(|(model, vectors)| {
            let without = vectors.values().filter(|bytes| bytes.is_empty()).count() as u64;
            VectorCount {
                model: model.clone(),
                vectors: vectors.len() as u64 - without,
                without,
            }
        });
        Ok(counts.collect())
    }

    fn drop_vectors(&self, model: &str, setting: &str, value: &str) -> Result<(), StoreError> {
        let mut state = self.state.write();
        state.vectors.remove(model);
        state.settings.insert(setting.to_owned(), value.to_owned());
        Ok(())
    }
}
