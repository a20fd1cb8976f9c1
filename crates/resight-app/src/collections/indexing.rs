//! Who may index a collection's folders, or move files of its pictures: one at a time.

use std::ops::Deref;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

/// How long who follows a folder may have the lock before jobs of other collections go first.
const FEW: Duration = Duration::from_secs(2);
/// How long a job that was put back finds the lock free: jobs are looked for once a second.
const FREE: Duration = Duration::from_secs(3);

/// The lock of one collection.
#[derive(Default)]
pub(crate) struct Indexing {
    lock: Mutex<()>,
    turns: Mutex<Turns>,
}

/// Who follows a folder may take the lock again at once, all the time while files arrive faster than they are read. So a
/// job that waits at the lock is next, and one that could not wait any longer has it free for a while.
#[derive(Default)]
struct Turns {
    /// Since when it is had by who follows a folder.
    followed_since: Option<Instant>,
    /// Whether a job was put back meanwhile.
    is_wanted: bool,
    /// Until then nobody who follows a folder takes it.
    free_until: Option<Instant>,
}

impl Deref for Indexing {
    type Target = Mutex<()>;

    fn deref(&self) -> &Mutex<()> {
        &self.lock
    }
}

impl Indexing {
    /// Takes it for files that have changed; `None` where somebody has it, or a job has its turn.
    pub(crate) fn follow(&self) -> Option<Following<'_>> {
        let now = Instant::now();
        if self
            .turns
            .lock()
            .free_until
            .is_some_and(|until| now < until)
        {
            return None;
        }
        let guard = self.lock.try_lock()?;
        self.turns.lock().followed_since = Some(now);
        Some(Following {
            indexing: self,
            guard: Some(guard),
        })
    }

    /// Whether somebody has it who may keep it for long.
    pub(crate) fn is_kept(&self) -> bool {
        let since = self.turns.lock().followed_since;
        self.lock.is_locked() && since.is_none_or(|since| since.elapsed() > FEW)
    }

    /// A job was put back that has its turn once this is free.
    pub(crate) fn want(&self) {
        self.turns.lock().is_wanted = true;
    }
}

/// The lock, as long as it lives.
pub(crate) struct Following<'a> {
    indexing: &'a Indexing,
    guard: Option<MutexGuard<'a, ()>>,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        {
            let mut turns = self.indexing.turns.lock();
            turns.followed_since = None;
            if std::mem::take(&mut turns.is_wanted) {
                turns.free_until = Some(Instant::now() + FREE);
            }
        }
        if let Some(guard) = self.guard.take() {
            // The job that waits at the lock has it next.
            MutexGuard::unlock_fair(guard);
        }
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
        assert!(indexing.follow().is_none() && indexing.try_lock().is_none());
        drop(following);
        let alone = indexing.try_lock().unwrap();
        assert!(indexing.is_kept() && indexing.follow().is_none());
        drop(alone);
        assert!(!indexing.is_kept());
    }

    #[test]
    fn a_job_that_was_put_back_has_its_turn() {
        let indexing = Indexing::default();
        let following = indexing.follow().unwrap();
        let long_ago = Instant::now().checked_sub(FEW * 2);
        indexing.turns.lock().followed_since = long_ago;
        assert_eq!(indexing.is_kept(), long_ago.is_some());
        indexing.want();
        drop(following);
        assert!(indexing.follow().is_none());
        drop(indexing.try_lock().unwrap());
        indexing.turns.lock().free_until = Some(Instant::now());
        assert!(indexing.follow().is_some());
    }
}
