//! Threads that share the work on one picture.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The caller's thread and a pool of others.
#[derive(Clone, Debug, Default)]
pub(super) struct Team(Option<Arc<Others>>);

#[derive(Debug)]
struct Others {
    pool: ThreadPool,
    /// Number of calls of [`Team::each`] so far. Idle threads stay awake until it changes.
    calls: Arc<AtomicUsize>,
}

/// A picture is about ten calls with pauses between them. A sleeping thread takes 50 µs to wake,
/// so threads stay awake for this long after each call.
const AWAKE: Duration = Duration::from_micros(500);

/// One picture does not keep more threads busy.
pub(super) const MOST: usize = 64;

impl Team {
    /// A team of `size` threads, the caller's included, at most [`MOST`]. Only the caller's where
    /// the system refuses to start others.
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
        let calls = Arc::default();
        Self(pool.ok().map(|pool| Arc::new(Others { pool, calls })))
    }

    pub(super) fn size(&self) -> usize {
        let others = self.0.as_ref();
        1 + others.map_or(0, |o| o.pool.current_num_threads())
    }

    /// Applies `work` to each part, in all threads. A thread that is done takes the next part.
    /// Returns when all parts are done.
    pub(super) fn each<T: Send>(&self, parts: &mut [T], work: impl Fn(&mut T) + Sync) {
        let others = (self.size() - 1).min(parts.len().saturating_sub(1));
        let waiting = Mutex::new(parts.iter_mut());
        // The lock is released before the work begins.
        let next = || waiting.lock().next();
        let run = || {
            while let Some(part) = next() {
                work(part);
            }
        };
        match &self.0 {
            Some(team) if others > 0 => {
                let calls = &team.calls;
                let this_call = calls.fetch_add(1, Ordering::Relaxed) + 1;
                let done = AtomicUsize::new(0);
                team.pool.in_place_scope(|scope| {
                    for _ in 0..others {
                        scope.spawn(|_| {
                            run();
                            let calls = calls.clone();
                            // Runs in the same pool, after this job.
                            rayon::spawn(move || {
                                awake_while(|| calls.load(Ordering::Relaxed) == this_call);
                            });
                            done.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                    run();
                    awake_while(|| done.load(Ordering::Relaxed) < others);
                });
            }
            _ => run(),
        }
    }
}

/// Waits without sleeping while `condition` holds, at most for [`AWAKE`].
fn awake_while(condition: impl Fn() -> bool) {
    let until = Instant::now() + AWAKE;
    while condition() && Instant::now() < until {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bounded() {
        for (asked, size) in [(0, 1), (1, 1), (3, 3), (usize::MAX, MOST)] {
            assert_eq!(Team::new(asked).size(), size, "{asked}");
        }
    }

    #[test]
    fn every_part_is_worked_on_once() {
        for threads in [1, 2, 5] {
            let team = Team::new(threads);
            for count in [0, 1, 2, 30] {
                let mut parts = vec![0; count];
                team.each(&mut parts, |part| *part += 1);
                assert_eq!(parts, vec![1; count], "{threads} threads");
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let team = Team::new(3);
        let mut parts = [0, 1, 2, 3];
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            team.each(&mut parts, |part| assert_ne!(*part, 2));
        }));
        assert!(panicked.is_err());
        team.each(&mut parts, |part| *part = 9);
        assert_eq!(parts, [9; 4]);
    }
}
