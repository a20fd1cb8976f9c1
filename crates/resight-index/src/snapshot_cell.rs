//! The latest snapshot of an index, which one thread at a time replaces and any number read, and
//! the maintenance thread that merges and saves in the background.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex, MutexGuard};

/// The latest snapshot and the lock that orders its changes.
#[derive(Debug)]
pub(crate) struct SnapshotCell<S> {
    latest: ArcSwap<S>,
    /// Locked while the snapshot is replaced. Readers never wait for it.
    writer: Mutex<WriterState>,
    /// Signalled when there may be something to merge or save, and when the index closes.
    work: Condvar,
    /// Signalled when the maintenance thread has done something or has nothing left to do.
    rest: Condvar,
}

/// What writers and the maintenance thread tell each other.
#[derive(Debug, Default)]
pub(crate) struct WriterState {
    closed: bool,
    /// The maintenance thread has nothing to do.
    idle: bool,
    /// The maintenance thread has ended, possibly by a panic: nobody may wait for it.
    ended: bool,
    /// Counts changes, so that the maintenance thread sees those made while it worked.
    changes: u64,
}

impl<S> SnapshotCell<S> {
    pub(crate) fn new(snapshot: S) -> Self {
        Self {
            latest: ArcSwap::from_pointee(snapshot),
            writer: Mutex::default(),
            work: Condvar::new(),
            rest: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.writer.lock()
    }

    pub(crate) fn snapshot(&self) -> Arc<S> {
        self.latest.load_full()
    }

    /// Publishes an addition or removal and wakes the maintenance thread.
    pub(crate) fn change(&self, mut writer: MutexGuard<'_, WriterState>, next: S) {
        self.publish(next);
        writer.idle = false;
        writer.changes += 1;
        drop(writer);
        self.work.notify_all();
    }

    /// Replaces the snapshot. The caller has locked the writer.
    pub(crate) fn publish(&self, next: S) {
        self.latest.store(Arc::new(next));
    }

    /// Whether the index is closing: long work ends early.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The maintenance thread's loop: calls `step` until it returns `None`, and again after each
    /// change, until the index closes.
    ///
    /// `step` gets the latest snapshot and whether it may save; it returns `None` when there is
    /// nothing to do. After an error it is called without saving, so that merging goes on in memory
    /// and searches stay fast; saving is tried again after the next change.
    fn maintain(&self, mut step: impl FnMut(&S, bool) -> Option<io::Result<()>>) {
        let _ended = EndedOnDrop(self);
        let mut may_save = true;
        loop {
            let changes = {
                let writer = self.lock();
                if writer.closed {
                    return;
                }
                writer.changes
            };
            match step(&self.snapshot(), may_save) {
                Some(Ok(())) => {
                    self.rest.notify_all();
                    continue;
                }
                Some(Err(error)) => {
                    tracing::warn!("a part of the index is not saved: {error}");
                    // A step that fails although it does not save waits for the next change too.
                    if may_save {
                        may_save = false;
                        continue;
                    }
                }
                None => {}
            }
            may_save = true;
            let mut writer = self.lock();
            if writer.changes == changes {
                writer.idle = true;
                self.rest.notify_all();
            }
            while writer.changes == changes && !writer.closed {
                self.work.wait(&mut writer);
            }
        }
    }
}

/// Marks the maintenance thread as ended, also when it panics.
struct EndedOnDrop<'a, S>(&'a SnapshotCell<S>);

impl<S> Drop for EndedOnDrop<'_, S> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.rest.notify_all();
    }
}

/// A snapshot cell with its maintenance thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Maintained<S> {
    pub(crate) cell: Arc<SnapshotCell<S>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + Sync + 'static> Maintained<S> {
    /// Without a thread: nothing is merged or saved in the background.
    pub(crate) fn without_thread(snapshot: S) -> Self {
        Self {
            cell: Arc::new(SnapshotCell::new(snapshot)),
            thread: None,
        }
    }

    /// With a thread that runs `step`, which gets the cell, its latest snapshot and whether it may
    /// save: see [`SnapshotCell::maintain`].
    pub(crate) fn new(
        snapshot: S,
        mut step: impl FnMut(&SnapshotCell<S>, &S, bool) -> Option<io::Result<()>> + Send + 'static,
    ) -> Self {
        let mut maintained = Self::without_thread(snapshot);
        let cell = maintained.cell.clone();
        let thread = std::thread::Builder::new().name("resight-index".into());
        let spawned = thread
            .spawn(move || cell.maintain(|snapshot, may_save| step(&cell, snapshot, may_save)));
        if let Err(error) = &spawned {
            tracing::warn!("the index is not merged in the background: {error}");
        }
        maintained.thread = spawned.ok();
        maintained
    }

    /// Blocks until everything is merged and saved that should be.
    pub(crate) fn settle(&self) {
        self.wait_while(|_| true);
    }

    /// Blocks while the maintenance thread has something to do and `condition` holds.
    pub(crate) fn wait_while(&self, condition: impl Fn(&S) -> bool) {
        let mut writer = self.cell.lock();
        let works = |w: &WriterState| !w.idle && !w.ended && self.thread.is_some();
        while works(&writer) && condition(&self.cell.snapshot()) {
            self.cell.rest.wait(&mut writer);
        }
    }
}

impl<S> Drop for Maintained<S> {
    fn drop(&mut self) {
        self.cell.lock().closed = true;
        self.cell.work.notify_all();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn nobody_waits_for_a_thread_that_has_ended() {
        let maintained = Maintained::new((), |_, (), _| panic!("a defect"));
        maintained.settle();
        maintained.cell.change(maintained.cell.lock(), ());
        maintained.wait_while(|()| true);
    }

    #[test]
    fn after_an_error_steps_go_on_without_saving_until_the_next_change() {
        let (calls, log) = mpsc::channel();
        // Work is left while the number is above 0. Saving always fails; merging lowers the number.
        let maintained = Maintained::new(0u32, move |cell, &left, may_save| {
            calls.send((left, may_save)).unwrap();
            match (left, may_save) {
                (0, _) => None,
                (_, true) => Some(Err(io::Error::other("the disk is full"))),
                (_, false) => {
                    let _writer = cell.lock();
                    cell.publish(left - 1);
                    Some(Ok(()))
                }
            }
        });
        maintained.settle();
        for _ in 0..2 {
            maintained.cell.change(maintained.cell.lock(), 2);
            maintained.settle();
        }
        drop(maintained);
        let failed_once = [(2, true), (2, false), (1, false), (0, false)];
        let expected = [&[(0, true)][..], &failed_once, &failed_once].concat();
        assert_eq!(log.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_error_of_merging_waits_for_the_next_change() {
        let (calls, log) = mpsc::channel();
        let maintained = Maintained::new((), move |_, (), may_save| {
            calls.send(may_save).unwrap();
            Some(Err(io::Error::other("no thread")))
        });
        maintained.settle();
        maintained.cell.change(maintained.cell.lock(), ());
        maintained.settle();
        drop(maintained);
        assert_eq!(log.iter().collect::<Vec<_>>(), [true, false, true, false]);
    }
}
