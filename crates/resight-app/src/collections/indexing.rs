//! Who may index a collection's folders, or move files of its pictures: one at a time.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

/// The lock of one collection.
#[derive(Default)]
pub(crate) struct Indexing {
    lock: Mutex<()>,
    /// Whether who has it follows a folder: it lets go of it after a few files, and may take it again at once. A job
    /// that waits at the lock is next; one that only looks at it now and then would hardly ever find it free.
    is_followed: AtomicBool,
}

impl Deref for Indexing {
    type Target = Mutex<()>;

    fn deref(&self) -> &Mutex<()> {
        &self.lock
    }
}

impl Indexing {
    /// Takes it for a few files that have changed; `None` where somebody has it.
    pub(crate) fn follow(&self) -> Option<Following<'_>> {
        let guard = self.lock.try_lock()?;
        self.is_followed.store(true, Ordering::Relaxed);
        Some(Following {
            indexing: self,
            _guard: guard,
        })
    }

    /// Whether somebody has it who may keep it for long.
    pub(crate) fn is_kept(&self) -> bool {
        self.lock.is_locked() && !self.is_followed.load(Ordering::Relaxed)
    }
}

/// The lock, as long as it lives.
pub(crate) struct Following<'a> {
    indexing: &'a Indexing,
    _guard: MutexGuard<'a, ()>,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        // Before the lock is free, so that it is never said of the next one.
        self.indexing.is_followed.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_kept_for_long_is_called_kept() {
        let indexing = Indexing::default();
        assert!(!indexing.is_kept());
        let following = indexing.follow().unwrap();
        assert!(!indexing.is_kept());
        assert!(indexing.follow().is_none() && indexing.try_lock().is_none());
        drop(following);
        let _alone = indexing.try_lock().unwrap();
        assert!(indexing.is_kept() && indexing.follow().is_none());
    }
}
