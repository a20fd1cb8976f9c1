//! The thread that merges large segments and saves them, while others search, add and remove.
//!
//! It works on segments that never change, and only takes the writer's lock to put its result in
//! their place. Pictures removed meanwhile are removed from the result as well.

use std::io;

use crate::current::Current;
use crate::folder::{Folder, Saved};
use crate::index::{SMALL, belong_together, is_full, is_sparse, merge};
use crate::live::{Keyed, LiveSegment, replaced};
use crate::segment::{MOST, Segment};
use crate::snapshot::Snapshot;

/// What is to be done next.
enum Task {
    /// As few segments as can be in place of these neighbours, or of one with too many removed.
    Merge(Vec<LiveSegment>),
    Save(LiveSegment),
}

/// One thing that is to be done, if any is.
pub(crate) fn step(
    current: &Current<Snapshot>,
    snapshot: &Snapshot,
    folder: Option<&mut Folder<Segment>>,
) -> Option<io::Result<()>> {
    Some(match next(snapshot, folder.is_some())? {
        Task::Merge(parts) => {
            let merged = merge(&parts.iter().collect::<Vec<_>>());
            replace(current, &parts, merged);
            Ok(())
        }
        Task::Save(live) => save(current, folder?, &live),
    })
}

fn next(snapshot: &Snapshot, saves: bool) -> Option<Task> {
    let segments = &snapshot.segments;
    let unsaved = |s: &&LiveSegment| saves && s.file.is_none();
    let save = |segments: &[LiveSegment]| segments.iter().find(unsaved).cloned().map(Task::Save);
    let until =
        |is: &dyn Fn(&LiveSegment) -> bool| segments.iter().rposition(is).map_or(0, |i| i + 1);
    // First what lies before the last full one, which stays as it is while more is added: else those who add
    // without a pause would fill memory, as there would always be something to merge. The oldest first, as
    // only what has all before it saved counts at a start.
    let front = &segments[..until(&is_full)];
    let is_large = |s: &LiveSegment| s.segment.keys().len() >= SMALL;
    merging(front)
        .or_else(|| save(front))
        .or_else(|| merging(&segments[..settled(segments)]))
        // Small ones as well that have others behind them.
        .or_else(|| save(&segments[..until(&is_large)]))
}

/// What is to be merged among these.
fn merging(segments: &[LiveSegment]) -> Option<Task> {
    let is_sparse = |s: &&LiveSegment| is_sparse(s) && s.segment.keys().len() > SMALL;
    let sparse = segments.iter().find(is_sparse);
    // Removals may have left neighbours anywhere that would fit into one.
    let run = || {
        let mut runs = (2..=segments.len())
            .rev()
            .map(|end| together(&segments[..end]));
        runs.find(|run| run.len() > 1)
    };
    let parts = sparse.map(std::slice::from_ref).or_else(run)?;
    Some(Task::Merge(parts.to_vec()))
}

/// How many segments there are before those that the one who adds may still merge: what the keeper makes of
/// them would be in vain.
fn settled(segments: &[LiveSegment]) -> usize {
    let mut behind = 0;
    let moving = segments.iter().rev().take_while(|s| {
        behind += s.len();
        behind <= SMALL
    });
    segments.len() - moving.count()
}

/// The last of these segments, with as many before it as belong together: what merging them pair by pair
/// would come to, in one go. Of more than fill one segment, the oldest that do.
fn together(segments: &[LiveSegment]) -> &[LiveSegment] {
    let mut from = segments.len() - 1;
    while from > 0 && belong_together(&segments[from - 1], &segments[from..]) {
        from -= 1;
    }
    let mut all = 0;
    let within = segments[from..].iter().take_while(|s| {
        let before = all;
        all += s.len();
        before < MOST
    });
    let until = from + within.count();
    &segments[from..until]
}

fn save(
    current: &Current<Snapshot>,
    folder: &mut Folder<Segment>,
    live: &LiveSegment,
) -> io::Result<()> {
    let Saved { name, segment } = folder.save(&live.segment)?;
    let saved = LiveSegment {
        segment,
        removed: live.removed.clone(),
        file: Some(name),
    };
    replace(current, std::slice::from_ref(live), vec![saved]);
    // Saved ones up to the first that is not: a start takes those behind it from the catalogue. Their
    // files stay, until what is before them is saved as well.
    let snapshot = current.snapshot();
    let files = || snapshot.segments.iter().map(|s| s.file.clone());
    let names: Vec<_> = files().map_while(|file| file).collect();
    let kept: Vec<_> = files().flatten().collect();
    folder.publish(&names, &kept)
}

/// Puts `new` where `old` stand, unless they are no longer there.
fn replace(current: &Current<Snapshot>, old: &[LiveSegment], new: Vec<LiveSegment>) {
    let _writer = current.lock();
    let before = current.snapshot();
    if let Some(segments) = replaced(&before.segments, old, new) {
        current.publish(Snapshot {
            segments,
            frequencies: before.frequencies.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::index::Index;
    use crate::picture_words::{PictureWords, Posting};
    use crate::place::Place;
    use crate::vocabulary::Vocabulary;

    /// Small pictures, so that as many as a full segment has are quickly made.
    fn pictures(keys: std::ops::Range<usize>) -> Vec<(Key, PictureWords)> {
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

    fn segment(keys: std::ops::Range<usize>) -> LiveSegment {
        LiveSegment::of(Segment::build(&pictures(keys)))
    }

    /// Segments of so many pictures, one after the other.
    fn segments(lengths: &[usize]) -> Vec<LiveSegment> {
        let mut from = 0;
        let of = lengths.iter().map(|&length| {
            from += length;
            segment(from - length..from)
        });
        of.collect()
    }

    /// Lengths when nothing is left to be merged, of these and after each of the changes.
    fn tidied(snapshot: &mut Snapshot) -> Vec<usize> {
        while let Some(task) = next(snapshot, false) {
            let Task::Merge(parts) = task else {
                unreachable!("nothing is to be saved");
            };
            let merged = merge(&parts.iter().collect::<Vec<_>>());
            snapshot.segments = replaced(&snapshot.segments, &parts, merged).unwrap();
        }
        snapshot.segments.iter().map(LiveSegment::len).collect()
    }

    fn lengths_of(lengths: &[usize]) -> Vec<usize> {
        let mut snapshot = Snapshot {
            segments: segments(lengths),
            ..Snapshot::default()
        };
        let tidied = tidied(&mut snapshot);
        let keys = snapshot.keys();
        assert!(
            keys.iter()
                .map(|key| key.0 as usize)
                .eq(0..lengths.iter().sum())
        );
        tidied
    }

    #[test]
    fn segments_are_merged_until_they_are_full() {
        let full = MOST * 3 / 4;
        // What fits into one becomes one, and in one go.
        assert_eq!(lengths_of(&[2000, 1100, 1200]), [4300]);
        assert_eq!(lengths_of(&[1100; 50]), [55_000]);
        // What whoever adds may still merge is left to him.
        assert_eq!(lengths_of(&[2000, 1100, 600, 300]), [3100, 600, 300]);
        // Many at once fill one after the other, and what is left stands behind.
        assert_eq!(lengths_of(&[4000; 22]), [MOST, 88_000 - MOST]);
        assert_eq!(lengths_of(&[4000; 33]), [MOST, MOST, 132_000 - 2 * MOST]);
        // Those well below the one before wait for more.
        assert_eq!(lengths_of(&[40_000, 10_000]), [40_000, 10_000]);
        // What does not fit fills up the one before; a full one stays.
        assert_eq!(lengths_of(&[40_000, 35_000]), [MOST, 75_000 - MOST]);
        assert_eq!(lengths_of(&[full, 40_000]), [full, 40_000]);
        assert_eq!(lengths_of(&[30_000, full]), [30_000, full]);
        // So whatever comes in, all but those that still grow are full.
        let mut snapshot = Snapshot::default();
        let mut from = 0;
        for i in 0..80 {
            let length = 1100 + i * 7919 % 5000;
            snapshot.segments.push(segment(from..from + length));
            from += length;
            // Not after each, as when more comes than is merged.
            if i % 20 < 10 {
                tidied(&mut snapshot);
            }
        }
        let lengths = tidied(&mut snapshot);
        let growing = lengths.iter().rposition(|n| *n >= full).unwrap() + 1;
        assert!(lengths[..growing].iter().all(|n| *n >= full), "{lengths:?}");
        assert_eq!(lengths.iter().sum::<usize>(), from);
    }

    #[test]
    fn what_was_removed_of_a_run_is_gone_from_all_that_it_becomes() {
        let mut segments = segments(&[40_000, 20_000, 15_000]);
        let gone = [Key(3), Key(39_999), Key(59_000), Key(70_000)];
        crate::live::remove_all(&mut segments, &gone[..2]);
        let merged = merge(&segments.iter().collect::<Vec<_>>());
        let lengths: Vec<usize> = merged.iter().map(LiveSegment::len).collect();
        assert_eq!(lengths, [MOST, 74_998 - MOST]);
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

    /// Lets the keeper do all there is; after each step that its files are there, and how many the manifest
    /// names.
    fn named_after_each(current: &Current<Snapshot>, folder: &mut Folder<Segment>) -> Vec<usize> {
        let mut named = Vec::new();
        while let Some(done) = step(current, &current.snapshot(), Some(folder)) {
            done.unwrap();
            let snapshot = current.snapshot();
            for file in snapshot.segments.iter().filter_map(|s| s.file.clone()) {
                assert!(folder.path().join(&*file).exists(), "{file}");
            }
            let (read, lost) = Folder::<Segment>::new(folder.path(), [7; 16]).read();
            assert_eq!(lost, None);
            named.push(read.len());
        }
        named
    }

    fn lengths_in(current: &Current<Snapshot>) -> Vec<usize> {
        let snapshot = current.snapshot();
        snapshot.segments.iter().map(LiveSegment::len).collect()
    }

    #[test]
    fn what_is_full_is_saved_before_what_is_behind_it_is_merged() {
        let folder = tempfile::tempdir().unwrap();
        let current = Current::new(Snapshot {
            segments: segments(&[3000, 2000, MOST, 3000, 2000, 600]),
            ..Snapshot::default()
        });
        // Those before it are merged and saved, it is, and then what is behind.
        let mut kept = Folder::new(folder.path(), [7; 16]);
        assert_eq!(named_after_each(&current, &mut kept), [0, 1, 2, 2, 3]);
        // The small one at the end is still growing.
        assert_eq!(lengths_in(&current), [5000, MOST, 5000, 600]);
        // One that becomes sparse is made anew and saved before all else: the others count on.
        let mut snapshot = Snapshot::clone(&current.snapshot());
        let gone: Vec<Key> = (0..4000).map(Key).collect();
        crate::live::remove_all(&mut snapshot.segments, &gone);
        snapshot.segments.push(segment(80_000..85_000));
        current.change(current.lock(), snapshot);
        assert_eq!(named_after_each(&current, &mut kept), [3, 3, 3, 3]);
        assert_eq!(lengths_in(&current), [1000, MOST, 10_600]);
    }

    #[test]
    fn who_adds_more_than_is_saved_waits() {
        let folder = tempfile::tempdir().unwrap();
        let vocabulary = Vocabulary::generic();
        let held = || Ok::<_, ()>(Vec::new());
        let (index, _) = Index::open(&vocabulary, folder.path(), true, held).unwrap();
        let index = index.with_most_unsaved(1 << 20);
        for from in (0..400_000).step_by(4000) {
            index.add(pictures(from..from + 4000));
            let unsaved = crate::index::unsaved(&index.snapshot());
            // One more add is let in, and what is merged meanwhile is not saved yet: two segments' worth.
            assert!(unsaved < 5 << 20, "{unsaved}");
        }
        assert_eq!(index.snapshot().len(), 400_000);
    }

    #[test]
    fn where_nothing_can_be_saved_segments_are_merged_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        // A file stands where the folder should be.
        let path = folder.path().join("index");
        std::fs::write(&path, "no folder").unwrap();
        let vocabulary = Vocabulary::generic();
        let held = || Ok::<_, ()>(Vec::new());
        let (index, _) = Index::open(&vocabulary, &path, true, held).unwrap();
        let index = index.with_most_unsaved(1 << 20);
        for from in (0..100_000).step_by(4000) {
            index.add(pictures(from..from + 4000));
        }
        index.settle();
        let snapshot = index.snapshot();
        assert_eq!(snapshot.len(), 100_000);
        // How many are left depends on how fast they came.
        let settled = settled(&snapshot.segments);
        assert!(merging(&snapshot.segments[..settled]).is_none());
        assert!(snapshot.segments.len() < 12, "{}", snapshot.segments.len());
        assert!(snapshot.segments.iter().all(|s| s.file.is_none()));
    }
}
