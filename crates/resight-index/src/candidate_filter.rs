//! Which pictures a search may return.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::Key;

/// Which pictures a search may return. It is data rather than a function, so that it can be sent to
/// an index on another machine.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateFilter {
    range: (Bound<u64>, Bound<u64>),
    only: Option<Arc<RoaringTreemap>>,
    /// Ascending. Few: a search of a filter's complement is a bitmap of its own.
    except: Vec<Key>,
    /// Many.
    without: Option<Arc<RoaringTreemap>>,
}

const EVERY_KEY: (Bound<u64>, Bound<u64>) = (Bound::Unbounded, Bound::Unbounded);

impl Default for CandidateFilter {
    fn default() -> Self {
        Self {
            range: EVERY_KEY,
            only: None,
            except: Vec::new(),
            without: None,
        }
    }
}

impl CandidateFilter {
    /// Accepts every picture.
    pub fn all() -> Self {
        Self::default()
    }

    /// Accepts keys in this range only. Replaces an earlier range.
    pub fn in_range(self, range: impl RangeBounds<u64>) -> Self {
        Self {
            range: (range.start_bound().cloned(), range.end_bound().cloned()),
            ..self
        }
    }

    /// Accepts these keys only. Replaces an earlier set.
    pub fn only(self, keys: Arc<RoaringTreemap>) -> Self {
        Self {
            only: Some(keys),
            ..self
        }
    }

    /// Refuses these keys, beside those refused already.
    pub fn except(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.except.extend(keys);
        self.except.sort_unstable();
        self.except.dedup();
        self
    }

    /// Refuses all of these keys. Replaces an earlier set.
    pub fn without(self, keys: Arc<RoaringTreemap>) -> Self {
        Self {
            without: Some(keys).filter(|keys| !keys.is_empty()),
            ..self
        }
    }

    /// Whether a search may return this picture.
    pub fn accepts(&self, key: Key) -> bool {
        self.range.contains(&key.0)
            && (self.except.is_empty() || self.except.binary_search(&key).is_err())
            && self.only.as_ref().is_none_or(|only| only.contains(key.0))
            && self.without.as_ref().is_none_or(|not| !not.contains(key.0))
    }

    /// Whether it accepts all keys but [`CandidateFilter::refused_keys`].
    pub fn refuses_listed_only(&self) -> bool {
        self.range == EVERY_KEY && self.only.is_none() && self.without.is_none()
    }

    /// The accepted range of keys; the other parts refuse some of it.
    pub fn range(&self) -> (Bound<u64>, Bound<u64>) {
        self.range
    }

    /// The set of accepted keys, where there is one.
    pub fn only_keys(&self) -> Option<&RoaringTreemap> {
        self.only.as_deref()
    }

    /// The set of refused keys, where there is one.
    pub fn without_keys(&self) -> Option<&RoaringTreemap> {
        self.without.as_deref()
    }

    /// The keys that are refused beside such a set, ascending.
    pub fn refused_keys(&self) -> &[Key] {
        &self.except
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(filter: &CandidateFilter) -> Vec<u64> {
        let keys = (0..12).chain([u64::MAX]);
        keys.filter(|&key| filter.accepts(Key(key))).collect()
    }

    #[test]
    fn each_part_refuses_on_its_own() {
        let all = CandidateFilter::all();
        assert_eq!(accepted(&all).len(), 13);
        assert!(all.clone().except([Key(1)]).refuses_listed_only());
        let range = all.clone().in_range(3..=9);
        assert_eq!(accepted(&range), [3, 4, 5, 6, 7, 8, 9]);
        let even: RoaringTreemap = (0..100).step_by(2).collect();
        let only = range.clone().only(Arc::new(even));
        assert_eq!(accepted(&only), [4, 6, 8]);
        assert!(!only.refuses_listed_only());
        let except = only.except([8, 3, 6, 8].map(Key)).except([Key(100)]);
        assert_eq!(accepted(&except), [4]);
        assert_eq!(except.refused_keys(), [3, 6, 8, 100].map(Key));
        assert_eq!(except.range(), (Bound::Included(3), Bound::Included(9)));
        assert_eq!(except.only_keys().map(RoaringTreemap::len), Some(50));
        let odd: Arc<RoaringTreemap> = Arc::new((1..100).step_by(2).collect());
        let without = all.clone().without(odd).in_range(..6);
        assert_eq!(accepted(&without), [0, 2, 4]);
        assert!(!without.refuses_listed_only());
        assert_eq!(without.without_keys().map(RoaringTreemap::len), Some(50));
        let none = all.clone().without(Arc::default());
        assert!(none.refuses_listed_only() && none == all);
        assert_eq!(accepted(&all.clone().in_range(10..)), [10, 11, u64::MAX]);
        assert!(accepted(&all.in_range(5..5)).is_empty());
    }
}
