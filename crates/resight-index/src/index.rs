//! The inverted index that grows and shrinks, one change at a time; readers take snapshots.

use std::path::Path;
use std::sync::Arc;

use crate::Key;
use crate::folder::SegmentFolder;
use crate::frequencies;
use crate::live::{LiveSegment, remove_all, set_tombstones};
use crate::maintenance;
use crate::merge::{LivePostings, merge, meta};
use crate::merge_policy::{TAIL_PICTURES, merges_in_tail};
use crate::picture_words::PictureWords;
use crate::segment::{MAX_PICTURES, Segment};
use crate::segment_file::Keyed;
use crate::snapshot::Snapshot;
use crate::snapshot_cell::Maintained;
use crate::vocabulary::Vocabulary;

/// Takes additions and removals; both are in every snapshot taken afterwards.
///
/// Invariant: a key is live in at most one segment.
#[derive(Debug)]
pub struct Index {
    maintained: Maintained<Snapshot>,
    /// `add` blocks while segments without a file have more bytes than this.
    max_unsaved: usize,
}

/// The bound where segments are saved: two large segments. What one `add` brings and what a merge is
/// making come on top.
const MAX_UNSAVED: usize = 2 << 30;

/// What happens to large segments in the background.
enum Maintenance {
    /// They are merged, and saved here.
    SaveTo(SegmentFolder<Segment>),
    /// They are merged.
    InMemory,
    /// Read-only: nothing.
    Off,
}

/// What [`Index::open`] found in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// All stored pictures up to this key are in the index. The caller adds those above it, or all
    /// where it is `None`; `add` leaves out what the index has already.
    pub last: Option<Key>,
    /// Why not all segments were taken over.
    pub lost: Option<String>,
}

impl Index {
    /// An empty index in memory, for a vocabulary of `words` words.
    pub fn new(words: usize) -> Self {
        Self::start(words, Vec::new(), Maintenance::InMemory)
    }

    /// The index in `folder`. Large segments are mapped from there and, where it is `writable`, saved
    /// there. `stored` returns the pictures in the catalogue, ascending by key, each with its number
    /// of features; segments that disagree with it are given up. [`Opened`] says which pictures the
    /// caller must add.
    ///
    /// Errors: that of `stored`.
    pub fn open<E>(
        vocabulary: &Vocabulary,
        folder: &Path,
        writable: bool,
        stored: impl FnOnce() -> Result<Vec<(Key, u32)>, E>,
    ) -> Result<(Self, Opened), E> {
        let mut owner = [0; 16];
        owner.copy_from_slice(&blake3::hash(vocabulary.id().as_bytes()).as_bytes()[..16]);
        let mut folder = SegmentFolder::new(folder, owner);
        if writable {
            folder.remove_temporary_files();
        }
        // Segments before the catalogue: what another process adds in between is missing below, and
        // added by the caller.
        let (saved, mut lost) = folder.read();
        let stored = stored()?;
        let mut segments = Vec::with_capacity(saved.len());
        for saved in saved {
            if !agrees(&saved.segment, &stored) {
                lost = Some(format!("{} and the catalogue disagree", saved.name));
                break;
            }
            segments.push(LivePostings {
                segment: saved.segment,
                tombstones: Arc::default(),
                file: Some(saved.name),
            });
        }
        let keys: Vec<Key> = stored.iter().map(|s| s.0).collect();
        let found = set_tombstones(&mut segments, &keys);
        let first_missing = found.iter().position(|found| !found).map(|at| keys[at]);
        let opened = Opened {
            last: last_before(&segments, first_missing),
            lost,
        };
        segments.retain(|s| s.len() > 0);
        let maintenance = if writable {
            Maintenance::SaveTo(folder)
        } else {
            Maintenance::Off
        };
        Ok((Self::start(vocabulary.len(), segments, maintenance), opened))
    }

    fn start(words: usize, segments: Vec<LivePostings>, maintenance: Maintenance) -> Self {
        let mut frequencies = vec![0u32; words];
        for live in &segments {
            frequencies::add(&live.segment, &mut frequencies);
            let removed: Vec<u32> = live.tombstones.iter().collect();
            frequencies::subtract(&live.segment, &mut frequencies, &removed);
        }
        let snapshot = Snapshot {
            segments,
            frequencies: Arc::new(frequencies),
        };
        let (mut folder, max_unsaved) = match maintenance {
            Maintenance::SaveTo(folder) => (Some(folder), MAX_UNSAVED),
            Maintenance::InMemory => (None, usize::MAX),
            Maintenance::Off => {
                return Self {
                    maintained: Maintained::without_thread(snapshot),
                    max_unsaved: usize::MAX,
                };
            }
        };
        let maintained = Maintained::new(snapshot, move |cell, snapshot, may_save| {
            maintenance::step(cell, snapshot, folder.as_mut().filter(|_| may_save))
        });
        Self {
            maintained,
            max_unsaved,
        }
    }

    /// The same, with a lower bound on unsaved bytes.
    #[cfg(test)]
    pub(crate) fn with_max_unsaved(mut self, bytes: usize) -> Self {
        self.max_unsaved = bytes;
        self
    }

    /// The latest snapshot. Cheap: it shares all data.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.maintained.cell.snapshot()
    }

    /// Blocks until everything is merged and saved that should be.
    pub fn settle(&self) {
        self.maintained.settle();
    }

    /// Adds pictures, in any order of keys. Leaves out a key that is in the index already, and one
    /// that stands earlier in the same call.
    ///
    /// Back-pressure: blocks while more than 2 GiB are unsaved, so that memory is bounded. Where
    /// nothing can be saved, it does not block.
    pub fn add(&self, mut pictures: Vec<(Key, PictureWords)>) {
        // Stable: of one key, the first picture stays.
        pictures.sort_by_key(|p| p.0);
        pictures.dedup_by_key(|p| p.0);
        let writer = self.maintained.cell.lock();
        let before = self.snapshot();
        let last_keys = before.segments.iter().map(|s| s.segment.keys().last());
        let highest = last_keys.max().flatten().copied();
        // Most keys are above all others and are not searched for.
        pictures.retain(|p| Some(p.0.0) > highest || !before.contains(p.0));
        if pictures.is_empty() {
            return;
        }
        let mut frequencies = before.frequencies.to_vec();
        let mut segments = before.segments.clone();
        for part in pictures.chunks(MAX_PICTURES) {
            let segment = Segment::build(part);
            frequencies::add(&segment, &mut frequencies);
            segments.push(LiveSegment::of(segment));
            merge_tail(&mut segments);
        }
        self.maintained.cell.change(
            writer,
            Snapshot {
                segments,
                frequencies: Arc::new(frequencies),
            },
        );
        self.maintained
            .wait_while(|snapshot| unsaved_bytes(snapshot) > self.max_unsaved);
    }

    /// Removes pictures; returns how many of them were in the index.
    pub fn remove(&self, keys: &[Key]) -> usize {
        let writer = self.maintained.cell.lock();
        let before = self.snapshot();
        let mut segments = before.segments.clone();
        let removed = remove_all(&mut segments, keys);
        let total = removed.iter().map(Vec::len).sum();
        if total == 0 {
            return 0;
        }
        let mut frequencies = before.frequencies.to_vec();
        for (live, removed) in segments.iter().zip(&removed) {
            frequencies::subtract(&live.segment, &mut frequencies, removed);
        }
        segments.retain(|s| s.len() > 0);
        for live in &mut segments {
            if live.segment.keys().len() <= TAIL_PICTURES && meta(live).is_sparse() {
                // It is small, so it becomes one segment.
                *live = merge(&[live]).pop().unwrap_or_else(|| live.clone());
            }
        }
        self.maintained.cell.change(
            writer,
            Snapshot {
                segments,
                frequencies: Arc::new(frequencies),
            },
        );
        total
    }
}

/// Whether pictures that are both in `segment` and in `stored` have the same number of features in
/// both. Where they do not, the two have different histories.
fn agrees(segment: &Segment, stored: &[(Key, u32)]) -> bool {
    let first = segment.keys().first().copied().unwrap_or_default();
    let mut at = stored.partition_point(|s| s.0.0 < first);
    let mut pictures = segment.keys().iter().zip(segment.features());
    pictures.all(|(&key, &features)| {
        while stored.get(at).is_some_and(|s| s.0.0 < key) {
            at += 1;
        }
        let same = stored.get(at).filter(|s| s.0.0 == key);
        same.is_none_or(|s| s.1 == features)
    })
}

/// The highest key in the segments, of those below `end` where there is one.
fn last_before(segments: &[LivePostings], end: Option<Key>) -> Option<Key> {
    let of_each = segments.iter().filter_map(|s| {
        let keys = s.segment.keys();
        let below = keys.partition_point(|key| end.is_none_or(|end| *key < end.0));
        keys[..below].last()
    });
    of_each.max().copied().map(Key)
}

/// Bytes of segments without a file.
fn unsaved_bytes(snapshot: &Snapshot) -> usize {
    let segments = snapshot.segments.iter();
    let unsaved = segments.filter(|s| s.file.is_none());
    unsaved.map(|s| s.segment.length()).sum()
}

/// Merges the newest segments while they are small.
fn merge_tail(segments: &mut Vec<LivePostings>) {
    while let [.., older, newer] = &segments[..]
        && merges_in_tail(meta(older), meta(newer))
    {
        let merged = merge(&[older, newer]);
        segments.truncate(segments.len() - 2);
        segments.extend(merged);
    }
}

#[cfg(test)]
mod tests;
