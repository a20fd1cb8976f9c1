//! What the maintenance thread does: it merges large segments and saves them, while others search, add
//! and remove.
//!
//! It works on segments that never change, and locks the writer only to put its result in their
//! place. Pictures removed meanwhile are removed from the result as well.

use std::io;

use crate::folder::{SavedSegment, SegmentFolder};
use crate::live::{LiveSegment, replaced};
use crate::merge::{LivePostings, merge, meta};
use crate::merge_policy::{MergeJob, SegmentMeta, TAIL_PICTURES, before_tail, candidates};
use crate::segment::Segment;
use crate::snapshot::Snapshot;
use crate::snapshot_cell::SnapshotCell;

/// What to do next, by positions of segments.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Merge(MergeJob),
    Save(usize),
}

/// Does the next task. Returns `None` when there is none. Saves only where there is a folder.
pub(crate) fn step(
    cell: &SnapshotCell<Snapshot>,
    snapshot: &Snapshot,
    folder: Option<&mut SegmentFolder<Segment>>,
) -> Option<io::Result<()>> {
    let segments = &snapshot.segments;
    match next_task(segments, folder.is_some())? {
        Task::Merge(job) => {
            let inputs = &segments[job];
            let merged = merge(&inputs.iter().collect::<Vec<_>>());
            replace(cell, inputs, merged);
            Some(Ok(()))
        }
        Task::Save(at) => Some(save(cell, folder?, &segments[at])),
    }
}

/// Merges and saves everything older than the newest full segment first. That part no longer
/// changes, so memory stays bounded under constant adds, when there is always something to merge in
/// the rest. The oldest segments are saved first, as the manifest names only those that have all
/// older ones saved.
fn next_task(segments: &[LivePostings], saves: bool) -> Option<Task> {
    let metas: Vec<SegmentMeta> = segments.iter().map(meta).collect();
    let merge_before = |end: usize| candidates(&metas[..end]).next().map(Task::Merge);
    let save_before = |end: usize| {
        let unsaved = segments[..end].iter().position(|s| s.file.is_none());
        unsaved.filter(|_| saves).map(Task::Save)
    };
    let end_of_last = |is: &dyn Fn(&SegmentMeta) -> bool| {
        let last = metas.iter().rposition(is);
        last.map_or(0, |at| at + 1)
    };
    let full = end_of_last(&|s| s.is_full());
    // Small segments are saved as well when larger ones stand behind them.
    let large = end_of_last(&|s| s.pictures >= TAIL_PICTURES);
    merge_before(full)
        .or_else(|| save_before(full))
        .or_else(|| merge_before(before_tail(&metas)))
        .or_else(|| save_before(large))
}

fn save(
    cell: &SnapshotCell<Snapshot>,
    folder: &mut SegmentFolder<Segment>,
    live: &LivePostings,
) -> io::Result<()> {
    let SavedSegment { name, segment } = folder.save(&live.segment)?;
    let saved = LiveSegment {
        segment,
        tombstones: live.tombstones.clone(),
        file: Some(name),
    };
    replace(cell, std::slice::from_ref(live), vec![saved]);
    // The manifest names the saved segments up to the first that is not: what stands behind that one
    // is read from the catalogue at a start. Its files are kept until the manifest can name them.
    let snapshot = cell.snapshot();
    let files = || snapshot.segments.iter().map(|s| s.file.clone());
    let names: Vec<_> = files().map_while(|file| file).collect();
    let kept: Vec<_> = files().flatten().collect();
    folder.publish(&names, &kept)
}

/// Puts `new` in the place of `old`, unless `old` is no longer there.
fn replace(cell: &SnapshotCell<Snapshot>, old: &[LivePostings], new: Vec<LivePostings>) {
    let _writer = cell.lock();
    let before = cell.snapshot();
    if let Some(segments) = replaced(&before.segments, old, new) {
        cell.publish(Snapshot {
            segments,
            frequencies: before.frequencies.clone(),
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Key;
    use crate::picture_words::{PictureWords, Posting};
    use crate::place::Place;
    use crate::segment::MAX_PICTURES;

    /// Pictures with one feature: a full segment of them is quickly made.
    pub(crate) fn pictures(keys: std::ops::Range<usize>) -> Vec<(Key, PictureWords)> {
        let picture = |key: usize| {
            let posting = Posting {
                word: (key % 7) as u32,
                signature: key as u64,
                place: Place::default(),
            };
            (Key(key as u64), PictureWords::new(vec![posting]))
        };
        keys.map(picture).collect()
    }

    fn segment(keys: std::ops::Range<usize>) -> LivePostings {
        LivePostings::of(Segment::build(&pictures(keys)))
    }

    /// Segments with these numbers of pictures and ascending keys.
    fn segments(lengths: &[usize]) -> Vec<LivePostings> {
        let mut from = 0;
        let of = lengths.iter().map(|&length| {
            from += length;
            segment(from - length..from)
        });
        of.collect()
    }

    /// Merges until nothing is left to merge; returns the live pictures of each segment.
    fn merged(snapshot: &mut Snapshot) -> Vec<usize> {
        while let Some(Task::Merge(job)) = next_task(&snapshot.segments, false) {
            let inputs = &snapshot.segments[job];
            let merged = merge(&inputs.iter().collect::<Vec<_>>());
            snapshot.segments = replaced(&snapshot.segments, inputs, merged).unwrap();
        }
        assert_eq!(next_task(&snapshot.segments, false), None);
        snapshot.segments.iter().map(LivePostings::len).collect()
    }

    fn lengths_of(lengths: &[usize]) -> Vec<usize> {
        let mut snapshot = Snapshot {
            segments: segments(lengths),
            ..Snapshot::default()
        };
        let lengths_after = merged(&mut snapshot);
        let keys = snapshot.keys();
        assert!(
            keys.iter()
                .map(|key| key.0 as usize)
                .eq(0..lengths.iter().sum())
        );
        lengths_after
    }

    #[test]
    fn segments_are_merged_until_they_are_full() {
        let full = MAX_PICTURES * 3 / 4;
        // What fits into one becomes one, and in one go.
        assert_eq!(lengths_of(&[2000, 1100, 1200]), [4300]);
        assert_eq!(lengths_of(&[1100; 50]), [55_000]);
        // Small tail segments are left to `add`.
        assert_eq!(lengths_of(&[2000, 1100, 600, 300]), [3100, 600, 300]);
        // Many at once fill one segment after the other; the last has the rest.
        assert_eq!(
            lengths_of(&[4000; 22]),
            [MAX_PICTURES, 88_000 - MAX_PICTURES]
        );
        assert_eq!(
            lengths_of(&[4000; 33]),
            [MAX_PICTURES, MAX_PICTURES, 132_000 - 2 * MAX_PICTURES]
        );
        // A much smaller segment waits for more.
        assert_eq!(lengths_of(&[40_000, 10_000]), [40_000, 10_000]);
        // What does not fit fills up the older one; a full one stays as it is.
        assert_eq!(
            lengths_of(&[40_000, 35_000]),
            [MAX_PICTURES, 75_000 - MAX_PICTURES]
        );
        assert_eq!(lengths_of(&[full, 40_000]), [full, 40_000]);
        assert_eq!(lengths_of(&[30_000, full]), [30_000, full]);
        // Whatever is added, all but the newest are full.
        let mut snapshot = Snapshot::default();
        let mut from = 0;
        for i in 0..80 {
            let length = 1100 + i * 7919 % 5000;
            snapshot.segments.push(segment(from..from + length));
            from += length;
            // Not after each: adding can be faster than merging.
            if i % 20 < 10 {
                merged(&mut snapshot);
            }
        }
        let lengths = merged(&mut snapshot);
        let growing = lengths.iter().rposition(|n| *n >= full).unwrap() + 1;
        assert!(lengths[..growing].iter().all(|n| *n >= full), "{lengths:?}");
        assert_eq!(lengths.iter().sum::<usize>(), from);
    }

    #[test]
    fn pictures_removed_before_or_during_a_merge_are_in_none_of_its_results() {
        let mut segments = segments(&[40_000, 20_000, 15_000]);
        let gone = [Key(3), Key(39_999), Key(59_000), Key(70_000)];
        crate::live::remove_all(&mut segments, &gone[..2]);
        let merged = merge(&segments.iter().collect::<Vec<_>>());
        let lengths: Vec<usize> = merged.iter().map(LivePostings::len).collect();
        assert_eq!(lengths, [MAX_PICTURES, 74_998 - MAX_PICTURES]);
        // Removed while they were merged.
        let mut now = segments.clone();
        crate::live::remove_all(&mut now, &gone[2..]);
        let new = replaced(&now, &segments, merged).unwrap();
        let snapshot = Snapshot {
            segments: new,
            ..Snapshot::default()
        };
        let kept = (0..75_000).map(Key).filter(|key| !gone.contains(key));
        assert!(snapshot.keys().into_iter().eq(kept));
    }

    /// Does all tasks. After each, checks that all files exist; returns how many the manifest named.
    fn named_after_each(
        cell: &SnapshotCell<Snapshot>,
        folder: &mut SegmentFolder<Segment>,
    ) -> Vec<usize> {
        let mut named = Vec::new();
        while let Some(done) = step(cell, &cell.snapshot(), Some(folder)) {
            done.unwrap();
            let snapshot = cell.snapshot();
            for file in snapshot.segments.iter().filter_map(|s| s.file.clone()) {
                assert!(folder.path().join(&*file).exists(), "{file}");
            }
            let (read, lost) = SegmentFolder::<Segment>::new(folder.path(), [7; 16]).read();
            assert_eq!(lost, None);
            named.push(read.len());
        }
        named
    }

    fn lengths_in(cell: &SnapshotCell<Snapshot>) -> Vec<usize> {
        let snapshot = cell.snapshot();
        snapshot.segments.iter().map(LivePostings::len).collect()
    }

    #[test]
    fn a_full_segment_is_saved_before_newer_ones_are_merged() {
        let folder = tempfile::tempdir().unwrap();
        let cell = SnapshotCell::new(Snapshot {
            segments: segments(&[3000, 2000, MAX_PICTURES, 3000, 2000, 600]),
            ..Snapshot::default()
        });
        // First the older ones are merged and saved, then the full one, then the newer.
        let mut kept = SegmentFolder::new(folder.path(), [7; 16]);
        assert_eq!(named_after_each(&cell, &mut kept), [0, 1, 2, 2, 3]);
        // The small one at the end is left to `add`.
        assert_eq!(lengths_in(&cell), [5000, MAX_PICTURES, 5000, 600]);
        // A sparse segment is rewritten and saved first; the files of the others are kept.
        let mut snapshot = Snapshot::clone(&cell.snapshot());
        let gone: Vec<Key> = (0..4000).map(Key).collect();
        crate::live::remove_all(&mut snapshot.segments, &gone);
        snapshot.segments.push(segment(80_000..85_000));
        cell.change(cell.lock(), snapshot);
        assert_eq!(named_after_each(&cell, &mut kept), [3, 3, 3, 3]);
        assert_eq!(lengths_in(&cell), [1000, MAX_PICTURES, 10_600]);
    }
}
