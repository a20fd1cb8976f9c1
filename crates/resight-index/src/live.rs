//! Immutable segments, and which of their pictures still count.

use std::io;
use std::sync::Arc;

use crate::Key;
use crate::segment::Segment;

/// What a segment of any kind can say of its pictures.
pub(crate) trait Keyed {
    /// Ascending; a picture is named by its number in it.
    fn keys(&self) -> &[u64];

    /// The picture with this key.
    fn find(&self, key: Key) -> Option<u32> {
        self.keys().binary_search(&key.0).ok().map(|i| i as u32)
    }
}

/// Pictures of a segment that no longer count, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    bits: Vec<u64>,
    count: usize,
}

impl Removed {
    pub(crate) fn has(&self, picture: u32) -> bool {
        let word = self.bits.get(picture as usize / 64);
        word.is_some_and(|bits| bits >> (picture % 64) & 1 == 1)
    }

    /// One that was not removed before.
    pub(crate) fn insert(&mut self, picture: u32) {
        let at = picture as usize / 64;
        self.bits.resize(self.bits.len().max(at + 1), 0);
        self.bits[at] |= 1 << (picture % 64);
        self.count += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Those removed, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let all = 0..64 * self.bits.len() as u32;
        all.filter(|&picture| self.has(picture))
    }
}

/// A segment with the pictures removed from it since it was built.
#[derive(Debug)]
pub(crate) struct LiveSegment<S = Segment> {
    pub(crate) segment: Arc<S>,
    pub(crate) removed: Arc<Removed>,
    /// The name of its file, if it is saved.
    pub(crate) file: Option<Arc<str>>,
}

impl<S> Clone for LiveSegment<S> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment.clone(),
            removed: self.removed.clone(),
            file: self.file.clone(),
        }
    }
}

impl<S: Keyed> LiveSegment<S> {
    pub(crate) fn of(segment: S) -> Self {
        Self {
            segment: Arc::new(segment),
            removed: Arc::default(),
            file: None,
        }
    }

    pub(crate) fn is_live(&self, picture: u32) -> bool {
        !self.removed.has(picture)
    }

    /// The picture with this key, if it counts.
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        self.segment.find(key).filter(|&p| self.is_live(p))
    }

    /// Pictures that count.
    pub(crate) fn len(&self) -> usize {
        self.segment.keys().len() - self.removed.len()
    }

    /// Where the picture stands that has so many before it that count; behind all where none has.
    pub(crate) fn place(&self, number: usize) -> u32 {
        let all = 0..self.segment.keys().len() as u32;
        let end = all.end;
        let mut live = all.filter(|&picture| self.is_live(picture));
        live.nth(number).unwrap_or(end)
    }

    /// Pictures of these keys that count, ascending, each once.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Vec<u32> {
        let mut found: Vec<u32> = keys.iter().filter_map(|&key| self.find(key)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Removes pictures of these keys from segments; gives those of each that counted before, ascending.
pub(crate) fn remove_all<S: Keyed>(segments: &mut [LiveSegment<S>], keys: &[Key]) -> Vec<Vec<u32>> {
    let all = segments.iter_mut().map(|live| {
        let found = live.find_all(keys);
        if !found.is_empty() {
            let removed = Arc::make_mut(&mut live.removed);
            found.iter().for_each(|&p| removed.insert(p));
        }
        found
    });
    all.collect()
}

/// Keys of all that counts, segment by segment.
pub(crate) fn live_keys<S: Keyed>(segments: &[LiveSegment<S>]) -> Vec<Key> {
    let live = segments.iter().flat_map(|s| {
        let keys = s.segment.keys().iter().zip(0u32..);
        keys.filter(|k| s.is_live(k.1)).map(|k| Key(*k.0))
    });
    live.collect()
}

/// `now` with `new` in place of the neighbours `old`, from which they were made, and without what has
/// been removed of them meanwhile. `None` when they are no longer there.
pub(crate) fn replaced<S: Keyed>(
    now: &[LiveSegment<S>],
    old: &[LiveSegment<S>],
    mut new: Vec<LiveSegment<S>>,
) -> Option<Vec<LiveSegment<S>>> {
    let same = |(a, b): (&LiveSegment<S>, &LiveSegment<S>)| Arc::ptr_eq(&a.segment, &b.segment);
    let mut windows = now.windows(old.len());
    let place = windows.position(|now| now.iter().zip(old).all(same))?;
    let range = place..place + old.len();
    for new in &mut new {
        new.removed = Arc::new(removed_since(old, &now[range.clone()], new));
    }
    let mut segments = now.to_vec();
    segments.splice(range, new.into_iter().filter(|s| s.len() > 0));
    Some(segments)
}

/// Pictures of `new` that are removed now, given that it was made of `old`.
fn removed_since<S: Keyed>(
    old: &[LiveSegment<S>],
    now: &[LiveSegment<S>],
    new: &LiveSegment<S>,
) -> Removed {
    let mut removed = Removed::clone(&new.removed);
    for (old, now) in old.iter().zip(now) {
        for picture in now.removed.iter().filter(|p| old.is_live(*p)) {
            let key = Key(old.segment.keys()[picture as usize]);
            if let Some(picture) = new.find(key) {
                removed.insert(picture);
            }
        }
    }
    removed
}

/// What is kept as a file of its own, with a header that says whether it is whole.
pub(crate) trait Filed: Keyed + Sized {
    /// The end of its files' names, with the dot.
    const ENDING: &'static str;

    /// Reads what [`Filed::write`] wrote for the same owner.
    fn open(bytes: crate::mapped::Bytes, owner: &[u8; 16]) -> Result<Self, String>;

    /// All bytes of the file. `owner` stands for what made the contents: a vocabulary, a model.
    fn write(&self, owner: &[u8; 16], out: &mut dyn io::Write) -> io::Result<()>;

    /// Whether it may stand behind this one.
    fn may_follow(&self, before: &Self) -> bool;
}
