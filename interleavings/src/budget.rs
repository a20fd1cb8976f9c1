//! The budget of memory (`crates/resight-decode/src/memory.rs`): nothing exceeds it, who came first is served
//! first, and nobody sleeps while there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::future::{block_on, spawn};
use shuttle::sync::Barrier;
use shuttle::thread;

use crate::check::{finds, holds};
use crate::copies::budget::{MemoryBudget, Purpose};

/// 20 each for the caches, 10 for small bodies, 40 for large ones, and 110 that large ones and work share.
const TOTAL: u64 = 160;
const LARGE: u64 = 40;
const SHARED: u64 = 110;

fn assert_within(budget: &MemoryBudget) {
    let used = budget.in_use();
    // All bodies are large ones here.
    assert!(used.bodies <= LARGE, "{used:?}");
    assert!(used.bodies + used.work <= SHARED, "{used:?}");
}

fn assert_empty(budget: &MemoryBudget) {
    let used = budget.in_use();
    assert_eq!((used.bodies, used.work, used.waiting), (0, 0, 0));
}

/// Requests that have a body and then decode it, as threads and as tasks, beside those that decode only.
fn requests() {
    let budget = MemoryBudget::new(TOTAL);
    let mut threads = Vec::new();
    for (body, work) in [(30, 60), (20, 40)] {
        let budget = budget.clone();
        threads.push(thread::spawn(move || {
            let body = budget.queue(Purpose::LargeBody, body).wait();
            assert_within(&budget);
            let work = budget.take(work).expect("it is below the most");
            assert_within(&budget);
            drop((work, body));
        }));
    }
    for work in [70, 20] {
        let budget = budget.clone();
        threads.push(thread::spawn(move || {
            let mut share = budget.take(work).expect("it is below the most");
            assert_within(&budget);
            share.reduce(work / 2);
            assert_within(&budget);
        }));
    }
    let theirs = budget.clone();
    let task = spawn(async move {
        let body = theirs.queue(Purpose::LargeBody, 10).await;
        let work = theirs.queue(Purpose::Work, 30).await;
        assert_within(&theirs);
        drop((work, body));
    });
    threads.into_iter().for_each(|t| t.join().expect("served"));
    block_on(task).expect("served");
    assert_empty(&budget);
}

#[test]
fn what_is_in_use_stays_within_the_budget_and_everyone_is_served() {
    holds("requests", 5_000, requests);
    finds(
        "requests",
        &["a body's bound is forgotten", "a task's waker is forgotten"],
        requests,
    );
}

/// Of these no two fit at once, so that each writes its number before the next one has its share.
fn one_after_the_other() {
    let budget = MemoryBudget::new(TOTAL);
    let first = budget.take(70).expect("it is below the most");
    let order = Arc::new(shuttle::sync::Mutex::new(Vec::new()));
    let sizes = [70, 60, 56, 58];
    let mut threads = Vec::new();
    for (place, size) in sizes.into_iter().enumerate() {
        let waiting = budget.queue(Purpose::Work, size);
        let order = order.clone();
        threads.push(thread::spawn(move || {
            let _share = match place % 2 {
                0 => waiting.wait(),
                _ => block_on(waiting),
            };
            order.lock().expect("no thread fails").push(place);
        }));
    }
    drop(first);
    threads.into_iter().for_each(|t| t.join().expect("served"));
    assert_eq!(*order.lock().expect("no thread fails"), [0, 1, 2, 3]);
    assert_empty(&budget);
}

#[test]
fn who_came_first_is_served_first() {
    holds("order", 5_000, one_after_the_other);
    finds(
        "order",
        &["who fits overtakes", "one thread is woken"],
        one_after_the_other,
    );
}

/// Both fit at once, and each waits until the other has its share.
fn two_that_fit() {
    let budget = MemoryBudget::new(TOTAL);
    let both = Arc::new(Barrier::new(2));
    let threads = [30, 40].map(|size| {
        let (budget, both) = (budget.clone(), both.clone());
        thread::spawn(move || {
            let _share = budget.take(size).expect("it is below the most");
            both.wait();
        })
    });
    threads.into_iter().for_each(|t| t.join().expect("served"));
    assert_empty(&budget);
}

#[test]
fn a_grant_lets_the_next_one_in_that_fits_as_well() {
    holds("fitting", 5_000, two_that_fit);
    finds("fitting", &["a grant wakes nobody"], two_that_fit);
}

/// The first of those that wait is given up, while the share before it stays in use.
fn one_leaves() {
    let budget = MemoryBudget::new(TOTAL);
    let held = budget.take(70).expect("it is below the most");
    let leaves = budget.queue(Purpose::Work, 60);
    let next = budget.queue(Purpose::Work, 40);
    let waits = thread::spawn(move || drop(next.wait()));
    let last = budget.queue(Purpose::Work, 10);
    let task = spawn(async move { drop(last.await) });
    drop(leaves);
    waits.join().expect("served");
    block_on(task).expect("served");
    drop(held);
    assert_empty(&budget);
}

#[test]
fn who_leaves_lets_the_next_one_in() {
    holds("leaving", 5_000, one_leaves);
    finds("leaving", &["who leaves wakes nobody"], one_leaves);
}

/// Work fills what bodies leave. Then a body comes, and behind it more work.
fn a_body_behind_work() {
    let budget = MemoryBudget::new(TOTAL);
    let first = budget.take(70).expect("it is below the most");
    let second = budget.take(40).expect("it is below the most");
    let body = budget.queue(Purpose::LargeBody, LARGE);
    let work = budget.queue(Purpose::Work, 40);
    let is_served = Arc::new(AtomicBool::new(false));
    let served = is_served.clone();
    let body = thread::spawn(move || {
        let share = body.wait();
        served.store(true, Ordering::SeqCst);
        drop(share);
    });
    let work = thread::spawn(move || {
        let _share = work.wait();
        assert!(
            is_served.load(Ordering::SeqCst),
            "work overtook a body that waited"
        );
    });
    drop(first);
    body.join().expect("served");
    work.join().expect("served");
    drop(second);
    assert_empty(&budget);
}

#[test]
fn work_leaves_room_for_a_body_that_waits() {
    holds("bodies", 5_000, a_body_behind_work);
    finds(
        "bodies",
        &["work does not leave room for a body that waits"],
        a_body_behind_work,
    );
}
