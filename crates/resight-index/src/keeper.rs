//! The thread that merges large segments and saves them, while others search, add and remove.
//!
//! It works on segments that never change, and only takes the writer's lock to put its result in
//! their place. Pictures removed meanwhile are removed from the result as well.

use std::sync::{Arc, PoisonError};

use crate::Key;
use crate::folder::{Folder, Saved};
use crate::index::{SMALL, Shared, belong_together, is_sparse, merge};
use crate::snapshot::{LiveSegment, Removed, Snapshot};

/// What is to be done next.
enum Task {
    /// One segment in place of these neighbours, or of one with too many removed.
    Merge(Vec<LiveSegment>),
    Save(LiveSegment),
}

/// Runs until the index is dropped.
pub(crate) fn keep(shared: &Shared, mut folder: Option<Folder>) {
    loop {
        let mut work = shared.lock();
        if work.closed {
            return;
        }
        let changes = work.changes;
        let snapshot = shared.snapshot();
        drop(work);
        let task = next(&snapshot, folder.is_some());
        if let Some(task) = task {
            let done = match task {
                Task::Merge(parts) => {
                    let merged = merge(&parts.iter().collect::<Vec<_>>());
                    replace(shared, &parts, merged)
                }
                Task::Save(live) => save(shared, folder.as_mut(), &live),
            };
            // What cannot be saved now is tried again after the next change, or at the next start:
            // until then it is in memory.
            match done {
                Ok(()) => continue,
                Err(e) => tracing::warn!("a part of the index is not saved: {e}"),
            }
        }
        work = shared.lock();
        if work.changes == changes {
            work.idle = true;
            shared.rest.notify_all();
        }
        while work.changes == changes && !work.closed {
            work = shared
                .work
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
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

fn save(shared: &Shared, folder: Option<&mut Folder>, live: &LiveSegment) -> std::io::Result<()> {
    let Some(folder) = folder else {
        return Ok(());
    };
    let Saved { name, segment } = folder.save(&live.segment)?;
    let saved = LiveSegment {
        segment,
        removed: live.removed.clone(),
        file: Some(name),
    };
    replace(shared, std::slice::from_ref(live), saved)?;
    // Saved ones up to the first that is not: those behind it would be lost at a start anyway.
    let snapshot = shared.snapshot();
    let names = snapshot.segments.iter().map_while(|s| s.file.clone());
    folder.publish(&names.collect::<Vec<_>>())
}

/// Puts `new` where `old` stand, unless they are no longer there.
fn replace(shared: &Shared, old: &[LiveSegment], mut new: LiveSegment) -> std::io::Result<()> {
    let _writer = shared.lock();
    let before = shared.snapshot();
    let same = |(a, b): (&LiveSegment, &LiveSegment)| Arc::ptr_eq(&a.segment, &b.segment);
    let place = before
        .segments
        .windows(old.len())
        .position(|now| now.iter().zip(old).all(same));
    let Some(place) = place else {
        return Ok(());
    };
    let now = &before.segments[place..place + old.len()];
    new.removed = Arc::new(removed_since(old, now, &new));
    let mut segments = before.segments.clone();
    let new = Some(new).filter(|s| s.len() > 0);
    segments.splice(place..place + old.len(), new);
    shared.publish(segments, before.frequencies.clone());
    Ok(())
}

/// Pictures of `new` that are removed now, given that it was made of `old`.
fn removed_since(old: &[LiveSegment], now: &[LiveSegment], new: &LiveSegment) -> Removed {
    let mut removed = Removed::clone(&new.removed);
    for (old, now) in old.iter().zip(now) {
        for picture in now.removed.iter().filter(|p| old.is_live(*p)) {
            let key = Key(old.segment.keys()[picture as usize]);
            if let Some(picture) = new.segment.find(key) {
                removed.insert(picture);
            }
        }
    }
    removed
}
