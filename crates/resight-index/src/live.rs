//! Segments with tombstones: which of an immutable segment's pictures still count.

use std::sync::Arc;

use crate::Key;
use crate::segment_file::Keyed;

/// Removed pictures of a segment, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tombstones {
    bits: Vec<u64>,
    count: usize,
}

impl Tombstones {
    pub(crate) fn contains(&self, picture: u32) -> bool {
        let word = self.bits.get(picture as usize / 64);
        word.is_some_and(|bits| bits >> (picture % 64) & 1 == 1)
    }

    /// Adds a picture that is not contained yet.
    pub(crate) fn insert(&mut self, picture: u32) {
        let at = picture as usize / 64;
        self.bits.resize(self.bits.len().max(at + 1), 0);
        self.bits[at] |= 1 << (picture % 64);
        self.count += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Removed pictures, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let all = 0..64 * self.bits.len() as u32;
        all.filter(|&picture| self.contains(picture))
    }
}

/// A segment with the pictures removed from it since it was built.
#[derive(Debug)]
pub(crate) struct LiveSegment<S> {
    pub(crate) segment: Arc<S>,
    pub(crate) tombstones: Arc<Tombstones>,
    /// Name of its file; `None` while it is in memory only.
    pub(crate) file: Option<Arc<str>>,
}

impl<S> Clone for LiveSegment<S> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            tombstones: self.tombstones.clone(),
            file: self.file.clone(),
        }
    }
}

impl<S: Keyed> LiveSegment<S> {
    /// A segment in memory, without tombstones.
    pub(crate) fn of(segment: S) -> Self {
        Self {
            segment: Arc::new(segment),
            tombstones: Arc::default(),
            file: None,
        }
    }

    pub(crate) fn is_live(&self, picture: u32) -> bool {
        !self.tombstones.contains(picture)
    }

    /// The live picture with this key.
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        self.segment.find(key).filter(|&p| self.is_live(p))
    }

    /// Number of live pictures.
    pub(crate) fn len(&self) -> usize {
        self.segment.keys().len() - self.tombstones.len()
    }

    /// Position of the `n`-th live picture, counted from 0; the number of pictures when there are
    /// not that many.
    pub(crate) fn nth_live(&self, n: usize) -> u32 {
        let all = 0..self.segment.keys().len() as u32;
        let end = all.end;
        let mut live = all.filter(|&picture| self.is_live(picture));
        live.nth(n).unwrap_or(end)
    }

    /// Live pictures with these keys, ascending, each once.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Vec<u32> {
        let mut found: Vec<u32> = keys.iter().filter_map(|&key| self.find(key)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Removes pictures from segments. Returns, for each segment, those that were live before, ascending.
pub(crate) fn remove_all<S: Keyed>(segments: &mut [LiveSegment<S>], keys: &[Key]) -> Vec<Vec<u32>> {
    let all = segments.iter_mut().map(|live| {
        let found = live.find_all(keys);
        if !found.is_empty() {
            let tombstones = Arc::make_mut(&mut live.tombstones);
            found.iter().for_each(|&p| tombstones.insert(p));
        }
        found
    });
    all.collect()
}

/// Keys of all live pictures, segment by segment.
pub(crate) fn live_keys<S: Keyed>(segments: &[LiveSegment<S>]) -> Vec<Key> {
    let live = segments.iter().flat_map(|s| {
        let keys = s.segment.keys().iter().zip(0u32..);
        keys.filter(|k| s.is_live(k.1)).map(|k| Key(*k.0))
    });
    live.collect()
}

/// Sets the tombstones of segments that were just read: a picture is live when `stored` (ascending)
/// has its key and no later segment does. Returns which of `stored` are live in a segment.
///
/// Removals are not written to segments' files, so that a key that was removed and added again can
/// stand in two files.
pub(crate) fn set_tombstones<S: Keyed>(
    segments: &mut [LiveSegment<S>],
    stored: &[Key],
) -> Vec<bool> {
    let mut found = vec![false; stored.len()];
    for live in segments.iter_mut().rev() {
        let keys = live.segment.keys();
        let mut tombstones = Tombstones::default();
        let mut at = stored.partition_point(|s| Some(&s.0) < keys.first());
        for (&key, picture) in keys.iter().zip(0u32..) {
            while stored.get(at).is_some_and(|s| s.0 < key) {
                at += 1;
            }
            match stored.get(at) {
                Some(same) if same.0 == key && !found[at] => found[at] = true,
                _ => tombstones.insert(picture),
            }
        }
        live.tombstones = Arc::new(tombstones);
    }
    found
}

/// `now` with `new` in place of the neighbours `old`, from which `new` was made, and without the
/// pictures removed from `old` meanwhile. `None` when `old` is no longer there.
pub(crate) fn replaced<S: Keyed>(
    now: &[LiveSegment<S>],
    old: &[LiveSegment<S>],
    mut new: Vec<LiveSegment<S>>,
) -> Option<Vec<LiveSegment<S>>> {
    let same = |(a, b): (&LiveSegment<S>, &LiveSegment<S>)| Arc::ptr_eq(&a.segment, &b.segment);
    let mut windows = now.windows(old.len());
    let start = windows.position(|now| now.iter().zip(old).all(same))?;
    let range = start..start + old.len();
    for new in &mut new {
        new.tombstones = Arc::new(tombstones_since(old, &now[range.clone()], new));
    }
    let mut segments = now.to_vec();
    segments.splice(range, new.into_iter().filter(|s| s.len() > 0));
    Some(segments)
}

/// Tombstones of `new`, which was made of `old`, with the pictures removed between `old` and `now`.
fn tombstones_since<S: Keyed>(
    old: &[LiveSegment<S>],
    now: &[LiveSegment<S>],
    new: &LiveSegment<S>,
) -> Tombstones {
    let mut tombstones = Tombstones::clone(&new.tombstones);
    for (old, now) in old.iter().zip(now) {
        for picture in now.tombstones.iter().filter(|p| old.is_live(*p)) {
            let key = Key(old.segment.keys()[picture as usize]);
            if let Some(picture) = new.find(key) {
                tombstones.insert(picture);
            }
        }
    }
    tombstones
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Keys(Vec<u64>);

    impl Keyed for Keys {
        fn keys(&self) -> &[u64] {
            &self.0
        }
    }

    fn segments(keys: &[&[u64]]) -> Vec<LiveSegment<Keys>> {
        let all = keys.iter().map(|keys| LiveSegment::of(Keys(keys.to_vec())));
        all.collect()
    }

    fn keys(all: &[u64]) -> Vec<Key> {
        all.iter().copied().map(Key).collect()
    }

    #[test]
    fn the_nth_live_picture_skips_tombstones() {
        let mut all = segments(&[&[2, 4, 6, 8, 10]]);
        remove_all(&mut all, &keys(&[2, 6]));
        let positions = [0, 1, 2, 3, 9].map(|n| all[0].nth_live(n));
        assert_eq!(positions, [1, 3, 4, 5, 5]);
        assert_eq!(all[0].tombstones.iter().collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn removing_returns_what_was_live_once_each() {
        let mut all = segments(&[&[1, 5, 9], &[3, 4]]);
        let removed = remove_all(&mut all, &keys(&[9, 1, 9, 4, 77]));
        assert_eq!(removed, [vec![0, 2], vec![1]]);
        let again = remove_all(&mut all, &keys(&[9, 4]));
        assert!(again.iter().all(Vec::is_empty));
        assert_eq!(live_keys(&all), keys(&[5, 3]));
    }

    #[test]
    fn a_key_in_two_files_is_live_in_the_later_one() {
        let mut all = segments(&[&[1, 2, 7], &[], &[2, 3], &[0, 7]]);
        let found = set_tombstones(&mut all, &keys(&[0, 2, 5, 7]));
        assert_eq!(found, [true, true, false, true]);
        let live: Vec<Vec<Key>> = all.chunks(1).map(live_keys).collect();
        assert_eq!(live, [vec![], vec![], keys(&[2]), keys(&[0, 7])]);
    }

    #[test]
    fn what_is_removed_during_a_merge_is_removed_from_its_result() {
        let mut now = segments(&[&[8], &[1, 3, 5], &[2, 4]]);
        remove_all(&mut now, &keys(&[3]));
        let old = now[1..].to_vec();
        remove_all(&mut now, &keys(&[4, 5]));
        let merged = segments(&[&[1, 2, 4], &[5]]);
        let new = replaced(&now, &old, merged).unwrap();
        assert_eq!(live_keys(&new), keys(&[8, 1, 2]));
        assert_eq!(new.len(), 2, "an empty segment is left out");
        assert!(replaced(&new, &old, Vec::new()).is_none());
    }
}
