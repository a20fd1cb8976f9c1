use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Wake;
use std::thread;

use super::*;

const MIB: u64 = 1 << 20;

/// Of 1,600 MiB: 200 for each cache, 64 for small bodies, 200 for large ones, 936 for work.
fn budget() -> MemoryBudget {
    MemoryBudget::new(1600 * MIB)
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(waiting: &mut Waiting, woken: &Arc<Woken>) -> Option<Share> {
    let waker = Waker::from(woken.clone());
    match Pin::new(waiting).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(share) => Some(share),
        Poll::Pending => None,
    }
}

#[test]
fn who_needs_more_than_is_free_waits_and_nobody_overtakes() {
    let budget = budget();
    let first = budget.take(900 * MIB).ok().unwrap();
    let (done, order) = mpsc::channel();
    let waiting = |mib: u64, queue: usize| {
        let (theirs, done) = (budget.clone(), done.clone());
        let thread = thread::spawn(move || {
            let share = theirs.take(mib * MIB).ok().unwrap();
            done.send(mib).unwrap();
            drop(share);
        });
        while budget.in_use().waiting < queue {
            thread::yield_now();
        }
        thread
    };
    // Both do not fit at once either, so that the first one has told before the second one begins.
    let threads = [waiting(930, 1), waiting(220, 2)];
    assert!(order.try_recv().is_err(), "the 220 MiB came first");
    drop(first);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [930, 220]);
    assert_eq!(budget.in_use().work, 0);
}

#[test]
fn more_than_one_can_ever_have_is_refused() {
    let budget = budget();
    assert!(budget.take(936 * MIB).is_ok());
    let refused = budget.take(936 * MIB + 1).err().unwrap();
    assert_eq!(refused.code, RefusedCode::TooManyPixels);
    let detail = "decoding the picture needs about 937 MiB of memory, the limit is 936";
    assert_eq!(refused.detail, detail);
}

#[test]
fn every_use_draws_on_one_budget() {
    for mib in [256, 512, 1024, 4096, 65536] {
        let budget = MemoryBudget::new(mib * MIB);
        let most = [Purpose::SmallBody, Purpose::LargeBody, Purpose::Work]
            .map(|purpose| budget.most(purpose));
        let caches = budget.for_features() + budget.for_pairing();
        assert_eq!(most.iter().sum::<u64>() + caches, mib * MIB, "{mib} MiB");
        // All of it at once, so that a request with a body finds memory to work with.
        let bodies = [Purpose::SmallBody, Purpose::LargeBody];
        let _bodies = bodies.map(|body| budget.queue(body, u64::MAX).wait());
        let _work = budget.take(most[2]).ok().unwrap();
        let in_use = budget.in_use();
        let used = in_use.caches + in_use.bodies + in_use.work;
        assert_eq!(used, in_use.total, "{mib} MiB");
    }
}

#[test]
fn work_uses_what_large_bodies_leave_until_one_of_them_waits() {
    let (budget, woken) = (budget(), Arc::default());
    let first = budget.take(900 * MIB).ok().unwrap();
    // 236 MiB are left, of which bodies have a right to 200.
    let second = budget.take(136 * MIB).ok().unwrap();
    let mut body = budget.queue(Purpose::LargeBody, 150 * MIB);
    assert!(poll(&mut body, &woken).is_none());
    let mut third = budget.queue(Purpose::Work, 50 * MIB);
    assert!(poll(&mut third, &woken).is_none(), "it overtakes the body");
    drop(second);
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    let body = poll(&mut body, &woken).unwrap();
    assert!(poll(&mut third, &woken).is_some(), "no body waits any more");
    let mut small = budget.queue(Purpose::SmallBody, MIB);
    assert!(
        poll(&mut small, &woken).is_some(),
        "it has memory of its own"
    );
    drop((first, body));
    assert_eq!(budget.in_use().bodies, 0);
}

#[test]
fn who_leaves_the_queue_lets_the_next_one_in() {
    let (budget, woken) = (budget(), Arc::default());
    let _first = budget.queue(Purpose::LargeBody, 150 * MIB).wait();
    let mut large = budget.queue(Purpose::LargeBody, 100 * MIB);
    let mut next = budget.queue(Purpose::LargeBody, 50 * MIB);
    assert!(poll(&mut large, &woken).is_none() && poll(&mut next, &woken).is_none());
    drop(large);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(poll(&mut next, &woken).is_some());
    assert_eq!(budget.in_use().waiting, 0);
}
