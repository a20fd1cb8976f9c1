//! Which pictures a search may return.

use std::ops::RangeInclusive;
use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::Key;

/// Which pictures a search may return. It is data rather than a function, so that it can be sent to
/// an index on another machine.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateFilter {
    range: RangeInclusive<u64>,
    only: Option<Arc<RoaringTreemap>>,
    /// Ascending. Few: a search of a filter's complement is a bitmap of its own.
    except: Vec<Key>,
}

impl Default for CandidateFilter {
    fn default() -> Self {
        Self {
            range: 0..=u64::MAX,
            only: None,
            except: Vec::new(),
        }
    }
}

impl CandidateFilter {
    /// Accepts every picture.
    pub fn all() -> Self {
        Self::default()
    }

    /// Accepts keys in this range only. Replaces an earlier range.
    pub fn in_range(self, range: RangeInclusive<u64>) -> Self {
        Self { range, ..self }
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

    /// Whether a search may return this picture.
    pub fn accepts(&self, key: Key) -> bool {
        self.range.contains(&key.0)
            && (self.except.is_empty() || self.except.binary_search(&key).is_err())
            && self.only.as_ref().is_none_or(|only| only.contains(key.0))
    }

    /// The accepted range of keys; the other parts refuse some of it.
    pub fn range(&self) -> &RangeInclusive<u64> {
        &self.range
    }

    /// The set of accepted keys, where there is one.
    pub fn only_keys(&self) -> Option<&RoaringTreemap> {
        self.only.as_deref()
    }

    /// The refused keys, ascending.
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
        let range = all.clone().in_range(3..=9);
        assert_eq!(accepted(&range), [3, 4, 5, 6, 7, 8, 9]);
        let even: RoaringTreemap = (0..100).step_by(2).collect();
        let only = range.clone().only(Arc::new(even));
        assert_eq!(accepted(&only), [4, 6, 8]);
        let except = only.except([8, 3, 6, 8].map(Key)).except([Key(100)]);
        assert_eq!(accepted(&except), [4]);
        assert_eq!(except.refused_keys(), [3, 6, 8, 100].map(Key));
        assert_eq!(except.range(), &(3..=9));
        assert_eq!(except.only_keys().map(RoaringTreemap::len), Some(50));
        #[expect(clippy::reversed_empty_ranges)]
        let none = all.in_range(5..=4);
        assert!(accepted(&none).is_empty());
    }
}
