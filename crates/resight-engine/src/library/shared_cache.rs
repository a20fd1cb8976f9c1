//! A memory of computed values, bounded in bytes, that several owners share: many libraries take no more of it than one.

use std::hash::Hash;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// A value that knows about how many bytes it takes.
pub(crate) trait Weight {
    fn bytes(&self) -> u64;
}

/// An owner and the key of one of its values.
pub(crate) type Owned<K> = (u64, K);

/// One owner's values. They stay until others need their room.
pub(crate) struct SharedCache<K, V> {
    memory: Arc<Memory<K, V>>,
    /// Separates the keys of this owner from those of others.
    owner: u64,
}

struct Memory<K, V> {
    entries: Cache<Owned<K>, Arc<V>, ByBytes>,
    owners: AtomicU64,
}

#[derive(Clone)]
struct ByBytes;

impl<K, V: Weight> Weighter<Owned<K>, Arc<V>> for ByBytes {
    fn weight(&self, _: &Owned<K>, value: &Arc<V>) -> u64 {
        value.bytes()
    }
}

impl<K: Hash + Eq, V: Weight> SharedCache<K, V> {
    /// At most `bytes`. That a value takes about `typical` of them, and the bounds of the number of values, are
    /// only hints for the first allocation.
    pub(crate) fn new(bytes: u64, typical: u64, items: RangeInclusive<u64>) -> Self {
        let items = (bytes / typical).clamp(*items.start(), *items.end()) as usize;
        let memory = Memory {
            entries: Cache::with_weighter(items, bytes, ByBytes),
            owners: AtomicU64::new(1),
        };
        Self {
            memory: Arc::new(memory),
            owner: 0,
        }
    }

    /// Another owner in the same memory, without any values yet.
    pub(crate) fn beside(&self) -> Self {
        Self {
            memory: self.memory.clone(),
            owner: self.memory.owners.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// A key among those of this owner.
    pub(crate) fn key(&self, key: K) -> Owned<K> {
        (self.owner, key)
    }

    pub(crate) fn get(&self, key: &Owned<K>) -> Option<Arc<V>> {
        self.memory.entries.get(key)
    }

    pub(crate) fn insert(&self, key: Owned<K>, value: Arc<V>) {
        self.memory.entries.insert(key, value);
    }

    pub(crate) fn remove(&self, key: &Owned<K>) {
        self.memory.entries.remove(key);
    }
}
