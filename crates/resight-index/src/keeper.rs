//! The thread that merges large segments and saves them, while others search, add and remove.
//!
//! It works on segments that never change, and only takes the writer's lock to put its result in
//! their place. Pictures removed meanwhile are removed from the result as well.

use std::io;

use crate::current::Current;
use crate::folder::{Folder, Saved};
use crate::index::{SMALL, belong_together, is_sparse, merge};
use crate::live::{Keyed, LiveSegment, replaced};
use crate::segment::Segment;
use crate::snapshot::Snapshot;

/// What is to be done next.
enum Task {
    /// One segment in place of these neighbours, or of one with too many removed.
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
    let sparse = segments
        .iter()
        .find(|s| is_sparse(s) && s.segment.keys().len() > SMALL);
    if let Some(sparse) = sparse {
        return Some(Task::Merge(vec![sparse.clone()]));
    }
    // Removals may have left neighbours anywhere that would fit into one.
    let pair = segments
        .windows(2)
        .rev()
        .find(|pair| belong_together(&pair[0], &pair[1]) && pair[0].len() + pair[1].len() > SMALL);
    if let Some(pair) = pair {
        return Some(Task::Merge(pair.to_vec()));
    }
    let unsaved = |s: &&LiveSegment| saves && s.file.is_none() && s.segment.keys().len() >= SMALL;
    segments.iter().find(unsaved).cloned().map(Task::Save)
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
    replace(current, std::slice::from_ref(live), saved);
    // Saved ones up to the first that is not: those behind it would be lost at a start anyway.
    let snapshot = current.snapshot();
    let names = snapshot.segments.iter().map_while(|s| s.file.clone());
    folder.publish(&names.collect::<Vec<_>>())
}

/// Puts `new` where `old` stand, unless they are no longer there.
fn replace(current: &Current<Snapshot>, old: &[LiveSegment], new: LiveSegment) {
    let _writer = current.lock();
    let before = current.snapshot();
    if let Some(segments) = replaced(&before.segments, old, new) {
        current.publish(Snapshot {
            segments,
            frequencies: before.frequencies.clone(),
        });
    }
}
