//! Threads that work at one picture together, kept from picture to picture.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The caller's thread and as many others as it was made with.
#[derive(Clone, Debug, Default)]
pub(super) struct Team(Option<Arc<Others>>);

#[derive(Debug)]
struct Others {
    pool: ThreadPool,
    /// How often work was given out: those who stay awake look at it.
    given: Arc<AtomicUsize>,
}

/// A picture is some ten pieces of work with pauses between them. A thread that sleeps through a
/// pause takes a twentieth of a millisecond to wake, so it waits so long before it does.
const AWAKE: Duration = Duration::from_micros(500);

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
        let given = Arc::default();
        Self(pool.ok().map(|pool| Arc::new(Others { pool, given })))
    }

    pub(super) fn size(&self) -> usize {
        let others = self.0.as_ref();
        1 + others.map_or(0, |o| o.pool.current_num_threads())
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
            Some(team) if others > 0 => {
                let given = &team.given;
                let seen = given.fetch_add(1, Ordering::Relaxed) + 1;
                let done = AtomicUsize::new(0);
                team.pool.in_place_scope(|scope| {
                    for _ in 0..others {
                        scope.spawn(|_| {
                            run();
                            let given = given.clone();
                            // In the same pool, after this.
                            rayon::spawn(move || {
                                awake_while(|| given.load(Ordering::Relaxed) == seen);
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

/// Waits without sleeping, for a while.
fn awake_while(wait: impl Fn() -> bool) {
    let until = Instant::now() + AWAKE;
    while wait() && Instant::now() < until {
        std::thread::yield_now();
    }
}
