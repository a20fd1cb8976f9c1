//! A call's reply slot (`crates/resight-plugin/src/queue/reply_slot.rs`): of a reply, a death, a limit of time and a
//! caller that leaves exactly one counts, nobody waits for ever, and no worker is lost.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use shuttle::future::{block_on, spawn};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::check::{finds, holds};
use crate::copies::reply_slot::{PendingReply, ReplySlot, RunningCall};
use crate::stand_ins::call::Call;
use crate::stand_ins::error::PluginError;
use crate::stand_ins::reply::Outcome;
use crate::stand_ins::worker::{Pool, Worker};

const LIMIT: Duration = Duration::from_millis(50);

/// Outcomes in the order in which they were put in.
type Log = Arc<Mutex<Vec<Outcome>>>;

fn finish(slot: &ReplySlot, outcome: Outcome, log: &Log) {
    let mut log = log.lock().expect("no thread fails");
    slot.finish(outcome);
    log.push(outcome);
}

/// A thread waits with a limit of time, then without one or not at all, while a runner has a reply and the
/// supervisor sees the worker's end.
fn a_thread_waits() {
    let pending = PendingReply::new(true);
    let log = Log::default();
    let told = Arc::new(AtomicUsize::new(0));
    let runs = {
        let (slot, log, told) = (pending.slot(), log.clone(), told.clone());
        thread::spawn(move || {
            let cancel = Arc::new(move |_| {
                told.fetch_add(1, Ordering::SeqCst);
            });
            if slot.set_running(cancel) {
                finish(&slot, Ok(7), &log);
            }
        })
    };
    let sees_death = {
        let (slot, log) = (pending.slot(), log.clone());
        thread::spawn(move || finish(&slot, Err(PluginError::Died), &log))
    };
    let slot = pending.slot();
    let outcome = match pending.wait_for(LIMIT) {
        Ok(outcome) => Some(outcome),
        Err(pending) if thread_rng().gen_bool(0.5) => Some(pending.wait()),
        Err(pending) => {
            pending.cancel();
            assert!(!slot.is_wanted());
            assert!(!slot.set_running(Arc::new(|_| {})), "nobody waits");
            None
        }
    };
    runs.join().expect("it ends");
    sees_death.join().expect("it ends");
    let told = told.load(Ordering::SeqCst);
    match outcome {
        Some(outcome) => {
            let first = log.lock().expect("no thread fails").first().copied();
            assert_eq!((Some(outcome), told), (first, 0));
        }
        None => assert!(told <= 1, "told {told} times"),
    }
}

#[test]
fn one_of_a_reply_a_death_and_a_limit_of_time_counts() {
    holds("a thread", 4_000, a_thread_waits);
    finds(
        "a thread",
        &[
            "a later outcome counts",
            "the lock is left between looking and waiting",
        ],
        a_thread_waits,
    );
}

/// What of `Queue` a call of a task meets: the call waits there, or somebody has taken it.
struct QueueModel {
    is_queued: Mutex<bool>,
    pool: Arc<Pool>,
    sent: AtomicUsize,
    log: Log,
}

impl QueueModel {
    /// `Queue::send_short`: the thread that sees the call and a free worker sends it.
    fn send(&self, slot: &ReplySlot) {
        let mut is_queued = self.is_queued.lock().expect("no thread fails");
        if std::mem::take(&mut *is_queued) {
            slot.send(|| {
                self.sent.fetch_add(1, Ordering::SeqCst);
                let worker = Worker::of(&self.pool);
                let call = Call::default();
                Some(Box::new(RunningCall { worker, call }))
            });
        }
    }

    /// `Queue::close`, and calls that waited too long: a call in the queue is refused.
    fn refuse(&self, slot: &ReplySlot) {
        let mut is_queued = self.is_queued.lock().expect("no thread fails");
        if std::mem::take(&mut *is_queued) {
            finish(slot, Err(PluginError::Cancelled), &self.log);
        }
    }
}

/// A faithful copy of `TaskCall` in `crates/resight-plugin/src/queue/task.rs`, whose sockets and clock shuttle has not.
/// Invariant: a worker that it has goes back by `take_back`, or on to a thread by `hand_over`.
struct TaskModel {
    queue: Arc<QueueModel>,
    pending: PendingReply,
    running: Option<Box<RunningCall>>,
}

impl TaskModel {
    async fn call(mut self) -> Outcome {
        self.running = poll_fn(|context| self.pending.poll_sent(context)).await;
        // The reply comes within the time that the task looks itself, or does not.
        if self.running.is_some() && thread_rng().gen_bool(0.3) {
            shuttle::future::yield_now().await;
            let running = self.running.take().expect("it was not taken");
            running.worker.put_back();
            return Ok(7);
        }
        if let Some(running) = self.running.take() {
            self.hand_over(*running);
        }
        poll_fn(|context| self.pending.poll(context)).await
    }

    fn hand_over(&self, running: RunningCall) {
        let slot = self.pending.slot();
        slot.set_running(Arc::new(|_| {}));
        let queue = self.queue.clone();
        // The thread gets the reply, or sees the worker's end.
        thread::spawn(move || {
            let outcome = match thread_rng().gen_bool(0.5) {
                true => Ok(8),
                false => Err(PluginError::Died),
            };
            running.worker.put_back();
            finish(&slot, outcome, &queue.log);
        });
    }
}

impl Drop for TaskModel {
    fn drop(&mut self) {
        let sent = self.pending.abandon();
        if let Some(running) = self.running.take().or(sent) {
            self.hand_over(*running);
        }
    }
}

/// A task calls, and may be dropped at any moment, while its call is sent or refused.
fn a_task_waits() {
    let queue = Arc::new(QueueModel {
        is_queued: Mutex::new(true),
        pool: Arc::default(),
        sent: AtomicUsize::new(0),
        log: Log::default(),
    });
    let task = TaskModel {
        queue: queue.clone(),
        pending: PendingReply::new(false),
        running: None,
    };
    let slot = task.pending.slot();
    let call = spawn(task.call());
    let sends = {
        let (queue, slot) = (queue.clone(), slot.clone());
        thread::spawn(move || queue.send(&slot))
    };
    let refuses = {
        let (queue, slot) = (queue.clone(), slot.clone());
        thread::spawn(move || queue.refuse(&slot))
    };
    if thread_rng().gen_bool(0.5) {
        call.abort();
    }
    let outcome = block_on(call);
    sends.join().expect("it ends");
    refuses.join().expect("it ends");
    let sent = queue.sent.load(Ordering::SeqCst);
    match outcome {
        Ok(Err(PluginError::Cancelled)) => assert_eq!(sent, 0),
        Ok(_) => assert_eq!(sent, 1),
        Err(_) => assert!(!slot.is_wanted(), "its task is gone"),
    }
    // Threads that a call was handed to end soon.
    while queue.pool.returned.load(Ordering::SeqCst) + queue.pool.lost.load(Ordering::SeqCst) < sent
    {
        thread::yield_now();
    }
    assert_eq!(queue.pool.lost.load(Ordering::SeqCst), 0);
}

#[test]
fn a_task_that_is_dropped_at_any_moment_loses_no_worker() {
    holds("a task", 4_000, a_task_waits);
    finds(
        "a task",
        &[
            "a call that is sent wakes nobody",
            "a call that was sent is dropped when it is abandoned",
        ],
        a_task_waits,
    );
}
