//! Threads that work at one picture together, kept from picture to picture.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The caller's thread and as many others as it was made with.
#[derive(Clone, Debug, Default)]
pub(super) struct Team(Option<Arc<ThreadPool>>);

/// More threads than this have nothing to do at one picture.
pub(super) const MOST: usize = 64;

impl Team {
    /// A team of `size` threads with the caller's, [`MOST`] at most; the caller alone where the
    /// system does not give them.
    pub(super) fn new(size: usize) -> Self {
        let others = size.min(MOST).saturating_sub(1);
        if others == 0 {
            return Self(None);
        }
        let named = |i| format!("sift-{}", i + 1);
        let pool = ThreadPoolBuilder::new()
            .num_threads(others)
            .thread_name(named)
            .build();
        Self(pool.ok().map(Arc::new))
    }

    pub(super) fn size(&self) -> usize {
        1 + self.0.as_ref().map_or(0, |pool| pool.current_num_threads())
    }

    /// `work` on each part, in all threads; a thread that is done takes the next part. Returns when
    /// all are done.
    pub(super) fn each<T: Send>(&self, parts: &mut [T], work: impl Fn(&mut T) + Sync) {
        let others = (self.size() - 1).min(parts.len().saturating_sub(1));
        let waiting = Mutex::new(parts.iter_mut());
        let next = || {
            waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next()
        };
        let run = || {
            while let Some(part) = next() {
                work(part);
            }
        };
        match &self.0 {
            Some(pool) if others > 0 => pool.in_place_scope(|scope| {
                for _ in 0..others {
                    scope.spawn(|_| run());
                }
                run();
            }),
            _ => run(),
        }
    }
}
