//! A state that one changes at a time and many read, and the thread that tidies it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

/// The present snapshot of an index.
#[derive(Debug)]
pub(crate) struct Current<S> {
    /// Held by the one who changes; readers never wait for it.
    writer: Mutex<Work>,
    /// There is something to merge or to save, or the end.
    work: Condvar,
    /// The keeper has done something, or has nothing left to do.
    rest: Condvar,
    now: RwLock<Arc<S>>,
}

/// What the keeper is told.
#[derive(Debug, Default)]
pub(crate) struct Work {
    closed: bool,
    idle: bool,
    /// The keeper has ended, whatever for: nobody may wait for it.
    ended: bool,
    /// Counts changes, so that the keeper sees those made while it worked.
    changes: u64,
}

impl<S> Current<S> {
    pub(crate) fn new(snapshot: S) -> Self {
        Self {
            writer: Mutex::default(),
            work: Condvar::new(),
            rest: Condvar::new(),
            now: RwLock::new(Arc::new(snapshot)),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Work> {
        // Guards no data that a panic could leave half changed.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshot(&self) -> Arc<S> {
        // A panic elsewhere cannot leave a half-made snapshot behind: it is swapped as a whole.
        self.now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A change by one who adds or removes: the keeper looks at it.
    pub(crate) fn change(&self, mut writer: MutexGuard<'_, Work>, next: S) {
        self.publish(next);
        writer.idle = false;
        writer.changes += 1;
        drop(writer);
        self.work.notify_all();
    }

    /// The writer's lock must be held.
    pub(crate) fn publish(&self, next: S) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// Whether the keeper is to end.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Does what `step` finds to do, until it finds nothing, and again after each change; ends when
    /// closed.
    fn keep(&self, mut step: impl FnMut(&S) -> Option<io::Result<()>>) {
        let _ended = Ended(self);
        loop {
            let mut work = self.lock();
            if work.closed {
                return;
            }
            let changes = work.changes;
            drop(work);
            match step(&self.snapshot()) {
                Some(Ok(())) => {
                    self.rest.notify_all();
                    continue;
                }
                // What cannot be saved now is tried again after the next change, or at the next
                // start: until then it is in memory.
                Some(Err(e)) => tracing::warn!("a part of the index is not saved: {e}"),
                None => {}
            }
            work = self.lock();
            if work.changes == changes {
                work.idle = true;
                self.rest.notify_all();
            }
            while work.changes == changes && !work.closed {
                work = self.work.wait(work).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Says so when the keeper ends, also by a panic.
struct Ended<'a, S>(&'a Current<S>);

impl<S> Drop for Ended<'_, S> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.rest.notify_all();
    }
}

/// A state with its keeper, which ends with it.
#[derive(Debug)]
pub(crate) struct Kept<S> {
    pub(crate) current: Arc<Current<S>>,
    keeper: Option<JoinHandle<()>>,
}

impl<S: Send + Sync + 'static> Kept<S> {
    /// One that nobody tidies.
    pub(crate) fn untidied(snapshot: S) -> Self {
        Self {
            current: Arc::new(Current::new(snapshot)),
            keeper: None,
        }
    }

    /// One whose keeper does what `step` finds to do in a snapshot.
    pub(crate) fn new(
        snapshot: S,
        mut step: impl FnMut(&Current<S>, &S) -> Option<io::Result<()>> + Send + 'static,
    ) -> Self {
        let mut kept = Self::untidied(snapshot);
        let theirs = kept.current.clone();
        let thread = std::thread::Builder::new().name("resight-index".into());
        let keeper = thread.spawn(move || theirs.keep(|snapshot| step(&theirs, snapshot)));
        if let Err(e) = &keeper {
            tracing::warn!("the index cannot be tidied in the background: {e}");
        }
        kept.keeper = keeper.ok();
        kept
    }

    /// Waits until everything is merged and saved that should be.
    pub(crate) fn settle(&self) {
        self.wait_while(|_| true);
    }

    /// Waits as long as the keeper has something to do and the state is so.
    pub(crate) fn wait_while(&self, is_so: impl Fn(&S) -> bool) {
        let mut work = self.current.lock();
        let works = |work: &Work| !work.idle && !work.ended && self.keeper.is_some();
        while works(&work) && is_so(&self.current.snapshot()) {
            work = self
                .current
                .rest
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<S> Drop for Kept<S> {
    fn drop(&mut self) {
        self.current.lock().closed = true;
        self.current.work.notify_all();
        if let Some(keeper) = self.keeper.take() {
            let _panicked = keeper.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_keeper_that_has_ended() {
        let kept = Kept::new((), |_, ()| panic!("a defect"));
        kept.settle();
        kept.current.change(kept.current.lock(), ());
        kept.wait_while(|()| true);
    }
}
