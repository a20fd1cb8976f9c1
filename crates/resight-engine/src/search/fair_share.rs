//! The threads of a search. A search alone has all of them; searches at the same time share them evenly, so that
//! none waits for the others at each of its stages and no core is left without work.
//!
//! A search keeps the threads it began with: they are few enough that one that ends soon leaves little
//! idle. What a search answers does not depend on their number.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The searches of this process.
static SEARCHES: Mutex<Searches> = Mutex::new(Searches {
    at_work: 0,
    idle: BTreeMap::new(),
});

struct Searches {
    at_work: usize,
    /// Pools that no search uses, by their number of threads. There is never more than one for each
    /// search that was at work at once.
    idle: BTreeMap<usize, Vec<ThreadPool>>,
}

/// Does `work` on this search's share of the threads. Work that is already on threads of a pool stays there.
pub(crate) fn on_fair_share<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if rayon::current_thread_index().is_some() {
        return work();
    }
    let lent = Lent::new(rayon::current_num_threads());
    match &lent.pool {
        Some(pool) => pool.install(work),
        // The system refused to start threads: those of everyone are left.
        None => work(),
    }
}

/// The threads of one of `searches` that are at work at once, of `all` threads. A power of two where it is
/// not alone, so that there are few kinds of pools.
fn share(all: usize, searches: usize) -> usize {
    match all / searches.max(1) {
        0 => 1,
        _ if searches == 1 => all,
        fair => 1 << fair.ilog2(),
    }
}

/// Threads lent to one search.
struct Lent {
    threads: usize,
    pool: Option<ThreadPool>,
}

impl Lent {
    fn new(all: usize) -> Self {
        let (threads, idle) = {
            let mut searches = SEARCHES.lock();
            searches.at_work += 1;
            let threads = share(all, searches.at_work);
            (threads, searches.idle.get_mut(&threads).and_then(Vec::pop))
        };
        let start = || {
            let named = |i| format!("search-{}", i + 1);
            let pool = ThreadPoolBuilder::new().num_threads(threads);
            pool.thread_name(named).build().ok()
        };
        Self {
            threads,
            pool: idle.or_else(start),
        }
    }
}

/// After a panic too.
impl Drop for Lent {
    fn drop(&mut self) {
        let mut searches = SEARCHES.lock();
        searches.at_work -= 1;
        if let Some(pool) = self.pool.take() {
            searches.idle.entry(self.threads).or_default().push(pool);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn searches_share_the_threads_evenly() {
        for (all, searches, threads) in [
            (1, 1, 1),
            (2, 1, 2),
            (2, 2, 1),
            (2, 9, 1),
            (12, 1, 12),
            (12, 2, 4),
            (12, 3, 4),
            (12, 4, 2),
            (12, 12, 1),
            (12, 100, 1),
        ] {
            assert_eq!(share(all, searches), threads, "{all} {searches}");
        }
    }

    #[test]
    fn each_of_many_has_threads_of_its_own_and_a_panic_gives_them_back() {
        let barrier = Barrier::new(3);
        let inside = || {
            on_fair_share(|| {
                // All three are inside at once.
                barrier.wait();
                let nested = on_fair_share(rayon::current_num_threads);
                (
                    nested,
                    rayon::current_num_threads(),
                    std::thread::current().id(),
                )
            })
        };
        let found = std::thread::scope(|scope| {
            let three = [(); 3].map(|()| scope.spawn(inside));
            three.map(|thread| thread.join().unwrap())
        });
        let mut threads: Vec<_> = found.map(|(_, _, id)| format!("{id:?}")).to_vec();
        threads.sort_unstable();
        threads.dedup();
        assert_eq!(threads.len(), 3);
        assert!(found.iter().all(|(nested, own, _)| nested == own));
        let panicked = std::panic::catch_unwind(|| on_fair_share(|| panic!("in a search")));
        assert!(panicked.is_err());
        assert_eq!(on_fair_share(|| 5), 5);
    }
}
