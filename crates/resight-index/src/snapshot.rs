//! The inverted index at one moment, which is searched while others add and remove.

use std::sync::Arc;

use crate::Key;
use crate::live::live_keys;
use crate::merge::LivePostings;

/// The index at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) segments: Vec<LivePostings>,
    /// Number of pictures that have each word.
    pub(crate) frequencies: Arc<Vec<u32>>,
}

impl Snapshot {
    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.segments.iter().map(LivePostings::len).sum()
    }

    /// Whether it has no pictures.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all segments, in memory or on disk.
    pub fn bytes(&self) -> usize {
        self.segments
            .iter()
            .map(|s| s.segment.length())
            .sum::<usize>()
            + 4 * self.frequencies.len()
    }

    /// Keys of all pictures, ascending.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = live_keys(&self.segments);
        keys.sort_unstable();
        keys
    }

    /// Whether it has the picture.
    pub fn contains(&self, key: Key) -> bool {
        self.segments.iter().any(|s| s.find(key).is_some())
    }
}
