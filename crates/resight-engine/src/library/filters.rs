//! Filters as sets of keys, so that a search asks the catalogue for a filter's pictures once and not
//! each time.
//!
//! Invariant: a search never uses a set that is older than a change acknowledged before the search
//! began. Every set carries the generation that was current before the catalogue was read, every
//! change advances the generation after its commit and before it is acknowledged, and a set of an
//! earlier generation is never returned.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use resight_store::Filter;
use roaring::RoaringTreemap;

use crate::error::EngineError;

/// Filters remembered. A set of a million keys takes at most two megabytes.
const CAPACITY: usize = 32;

/// Sets of keys by filter, the most recently used first.
#[derive(Default)]
pub(crate) struct FilterCache {
    generation: AtomicU64,
    recent: Mutex<VecDeque<CachedFilter>>,
}

struct CachedFilter {
    filter: Filter,
    generation: u64,
    keys: Arc<RoaringTreemap>,
}

impl FilterCache {
    /// The keys of the pictures that match `filter`: remembered, or as `read` returns them from the
    /// catalogue.
    pub(crate) fn keys(
        &self,
        filter: &Filter,
        read: impl FnOnce() -> Result<RoaringTreemap, EngineError>,
    ) -> Result<Arc<RoaringTreemap>, EngineError> {
        // Before the catalogue is read: a commit in between makes the set old.
        let generation = self.generation.load(Ordering::SeqCst);
        if let Some(keys) = self.recent(filter, generation) {
            return Ok(keys);
        }
        let keys = Arc::new(read()?);
        self.remember(filter, generation, &keys);
        Ok(keys)
    }

    /// Makes all sets old. A change calls this after its commit and before it is acknowledged.
    pub(crate) fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn recent(&self, filter: &Filter, generation: u64) -> Option<Arc<RoaringTreemap>> {
        let mut recent = self.recent.lock();
        recent.retain(|cached| cached.generation >= generation);
        let at = recent.iter().position(|cached| cached.filter == *filter)?;
        let found = recent.remove(at)?;
        let keys = found.keys.clone();
        recent.push_front(found);
        Some(keys)
    }

    fn remember(&self, filter: &Filter, generation: u64, keys: &Arc<RoaringTreemap>) {
        let mut recent = self.recent.lock();
        if let Some(at) = recent.iter().position(|cached| cached.filter == *filter) {
            // Another search has read the catalogue meanwhile.
            if recent[at].generation > generation {
                return;
            }
            recent.remove(at);
        }
        recent.push_front(CachedFilter {
            filter: filter.clone(),
            generation,
            keys: keys.clone(),
        });
        recent.truncate(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use resight_store::Tag;

    use super::*;

    fn tagged(tag: &str) -> Filter {
        Filter {
            tags: vec![Tag::parse(tag).unwrap()],
            ..Filter::default()
        }
    }

    fn set(keys: impl IntoIterator<Item = u64>) -> Result<RoaringTreemap, EngineError> {
        Ok(keys.into_iter().collect())
    }

    #[test]
    fn a_filter_is_read_once_until_something_changes() {
        let cache = FilterCache::default();
        let first = cache.keys(&tagged("a"), || set([3, 1 << 40])).unwrap();
        assert!(first.contains(1 << 40) && !first.contains(4));
        let again = cache.keys(&tagged("a"), || panic!("read again")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(cache.keys(&tagged("b"), || set([])).unwrap().len(), 0);
        cache.invalidate();
        let changed = cache.keys(&tagged("a"), || set([4])).unwrap();
        assert!(changed.contains(4) && !changed.contains(3));
    }

    #[test]
    fn a_set_read_before_a_change_is_not_used_after_it() {
        let cache = FilterCache::default();
        let old = cache.keys(&tagged("a"), || {
            // Commits while the catalogue is being read.
            cache.invalidate();
            set([1])
        });
        assert!(old.unwrap().contains(1));
        assert!(cache.keys(&tagged("a"), || set([2])).unwrap().contains(2));
    }

    #[test]
    fn a_slow_reader_does_not_replace_a_newer_set() {
        let cache = FilterCache::default();
        let slow = cache.keys(&tagged("a"), || {
            cache.invalidate();
            cache.keys(&tagged("a"), || set([2]))?;
            set([1])
        });
        assert!(slow.unwrap().contains(1));
        let newer = cache.keys(&tagged("a"), || panic!("is remembered"));
        assert!(newer.unwrap().contains(2));
    }

    #[test]
    fn only_the_most_recently_used_are_remembered() {
        let cache = FilterCache::default();
        let filters: Vec<Filter> = (0..=CAPACITY).map(|i| tagged(&i.to_string())).collect();
        for filter in &filters[..CAPACITY] {
            cache.keys(filter, || set([])).unwrap();
        }
        cache.keys(&filters[0], || panic!("is remembered")).unwrap();
        cache.keys(&filters[CAPACITY], || set([])).unwrap();
        cache.keys(&filters[0], || panic!("was used")).unwrap();
        let read = AtomicBool::new(false);
        let count = || {
            read.store(true, Ordering::SeqCst);
            set([])
        };
        cache.keys(&filters[1], count).unwrap();
        assert!(read.into_inner(), "the least recently used went");
    }

    #[test]
    fn searches_beside_changes_never_see_less_than_was_acknowledged() {
        let cache = FilterCache::default();
        let committed = AtomicU64::new(0);
        let acknowledged = AtomicU64::new(0);
        let filter = tagged("a");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for key in 1..=2000 {
                    committed.store(key, Ordering::SeqCst);
                    cache.invalidate();
                    acknowledged.store(key, Ordering::SeqCst);
                }
            });
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let least = acknowledged.load(Ordering::SeqCst);
                        let read = || set([committed.load(Ordering::SeqCst)]);
                        let keys = cache.keys(&filter, read).unwrap();
                        assert!(keys.max() >= Some(least));
                        if least == 2000 {
                            return;
                        }
                    }
                });
            }
        });
    }
}
