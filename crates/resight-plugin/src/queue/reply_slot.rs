//! The slot that a call's reply is put into, whether a thread or a task waits for it.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::call::Call;
use crate::error::PluginError;
use crate::reply::Outcome;
use crate::worker::Worker;

/// Tells a running function that nobody waits for it; `true` kills its worker where there is one.
pub(crate) type Cancel = Arc<dyn Fn(bool) + Send + Sync>;

/// A call that a worker runs for a task, which looks for the reply itself.
pub(crate) struct RunningCall {
    pub(crate) worker: Worker,
    pub(crate) call: Call<'static>,
}

enum Phase {
    /// In the queue, or with its task.
    Waiting,
    /// Sent, and not yet with its task.
    Sent(Box<RunningCall>),
    /// Run by a thread of the plug-in.
    Running(Cancel),
    /// Finished or cancelled. The reply is taken at most once.
    Done(Option<Outcome>),
}

struct Inner {
    phase: Phase,
    /// Wakes the task that waits, if it is one.
    waker: Option<Waker>,
}

pub(crate) struct ReplySlot {
    inner: Mutex<Inner>,
    /// Wakes the thread that waits, if it is one.
    done: Condvar,
}

impl ReplySlot {
    fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                phase: Phase::Waiting,
                waker: None,
            }),
            done: Condvar::new(),
        }
    }

    /// Whether somebody still waits for the reply.
    pub(crate) fn is_wanted(&self) -> bool {
        !matches!(self.inner.lock().phase, Phase::Done(_))
    }

    /// Puts the outcome in; only the first one counts.
    pub(crate) fn finish(&self, outcome: Outcome) {
        self.advance(|| Some(Phase::Done(Some(outcome))));
    }

    /// Records that a thread of the plug-in runs the call. Returns `false` when nobody waits.
    pub(crate) fn set_running(&self, cancel: Cancel) -> bool {
        self.advance(|| Some(Phase::Running(cancel)))
    }

    /// Records that the call is in the queue again.
    pub(crate) fn set_waiting(&self) {
        self.advance(|| Some(Phase::Waiting));
    }

    /// Hands the call that `send` sends to the waiting task. Sends nothing when nobody waits.
    pub(crate) fn send(&self, send: impl FnOnce() -> Option<Box<RunningCall>>) {
        self.advance(|| send().map(Phase::Sent));
    }

    /// Goes on to the phase `next`. Returns `false` and makes none when nobody waits.
    fn advance(&self, next: impl FnOnce() -> Option<Phase>) -> bool {
        let mut inner = self.inner.lock();
        if matches!(inner.phase, Phase::Done(_)) {
            return false;
        }
        if let Some(phase) = next() {
            inner.phase = phase;
        }
        let waker = match inner.phase {
            Phase::Sent(_) | Phase::Done(_) => inner.waker.take(),
            Phase::Waiting | Phase::Running(_) => None,
        };
        drop(inner);
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// A submitted call. Dropping it cancels the call.
pub struct PendingReply {
    slot: Arc<ReplySlot>,
    kill_on_cancel: bool,
}

impl PendingReply {
    pub(crate) fn new(kill_on_cancel: bool) -> Self {
        Self {
            slot: Arc::new(ReplySlot::new()),
            kill_on_cancel,
        }
    }

    pub(crate) fn slot(&self) -> Arc<ReplySlot> {
        self.slot.clone()
    }

    /// Waits for the outcome.
    pub fn wait(self) -> Outcome {
        let mut inner = self.slot.inner.lock();
        loop {
            if let Some(outcome) = taken(&mut inner) {
                return outcome;
            }
            self.slot.done.wait(&mut inner);
        }
    }

    /// Waits for the outcome, at most `limit`. Returns itself when the time is over.
    pub fn wait_for(self, limit: Duration) -> Result<Outcome, Self> {
        let until = Instant::now() + limit;
        let mut inner = self.slot.inner.lock();
        loop {
            if let Some(outcome) = taken(&mut inner) {
                return Ok(outcome);
            }
            if self.slot.done.wait_until(&mut inner, until).timed_out() {
                drop(inner);
                return Err(self);
            }
        }
    }

    /// Cancels the call: removes it from the queue, or tells the function.
    pub fn cancel(self) {}

    /// Waits in a task until its call was sent; ready without one when there is an outcome instead.
    pub(crate) fn poll_sent(&self, context: &Context<'_>) -> Poll<Option<Box<RunningCall>>> {
        let mut inner = self.slot.inner.lock();
        match mem::replace(&mut inner.phase, Phase::Waiting) {
            Phase::Sent(running) => Poll::Ready(Some(running)),
            Phase::Done(outcome) => {
                inner.phase = Phase::Done(outcome);
                Poll::Ready(None)
            }
            phase => {
                inner.phase = phase;
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits in a task for the outcome.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Outcome> {
        let mut inner = self.slot.inner.lock();
        match taken(&mut inner) {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Cancels the call. Returns it when it was sent and its task has not taken it: its worker then
    /// still has to be waited for.
    pub(crate) fn abandon(&self) -> Option<Box<RunningCall>> {
        // Done before the function is told: a reply that comes now is dropped.
        let mut inner = self.slot.inner.lock();
        let before = mem::replace(&mut inner.phase, Phase::Done(None));
        drop(inner);
        match before {
            Phase::Waiting | Phase::Done(_) => None,
            Phase::Sent(running) => Some(running),
            Phase::Running(cancel) => {
                cancel(self.kill_on_cancel);
                None
            }
        }
    }
}

fn taken(inner: &mut MutexGuard<'_, Inner>) -> Option<Outcome> {
    match &mut inner.phase {
        Phase::Done(outcome) => Some(outcome.take().unwrap_or(Err(PluginError::Cancelled))),
        _ => None,
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        // A task's call is taken by its own guard before this.
        drop(self.abandon());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;

    use super::*;
    use crate::reply::Reply;

    fn reply(n: u32) -> Outcome {
        Ok(Reply::Json(json!(n).into()))
    }

    #[test]
    fn the_first_outcome_counts_for_a_thread_and_for_a_task() {
        let pending = PendingReply::new(false);
        let slot = pending.slot();
        let context = Context::from_waker(Waker::noop());
        assert!(pending.poll(&context).is_pending());
        slot.finish(reply(1));
        slot.finish(reply(2));
        assert!(matches!(pending.poll_sent(&context), Poll::Ready(None)));
        let Poll::Ready(outcome) = pending.poll(&context) else {
            panic!("there is an outcome");
        };
        assert_eq!(outcome.unwrap(), reply(1).unwrap());
        let pending = PendingReply::new(false);
        pending.slot().finish(reply(3));
        assert_eq!(pending.wait().unwrap(), reply(3).unwrap());
    }

    #[test]
    fn waiting_with_a_limit_returns_the_pending_reply() {
        let pending = PendingReply::new(false);
        let slot = pending.slot();
        let Err(pending) = pending.wait_for(Duration::from_millis(1)) else {
            panic!("there is no outcome yet");
        };
        assert!(slot.is_wanted());
        let finisher = std::thread::spawn(move || slot.finish(reply(4)));
        assert!(pending.wait_for(Duration::from_secs(60)).is_ok());
        finisher.join().unwrap();
    }

    #[test]
    fn dropping_a_pending_reply_tells_the_function_once() {
        for kill in [false, true] {
            let told = Arc::new(AtomicU32::new(0));
            let pending = PendingReply::new(kill);
            let slot = pending.slot();
            let seen = told.clone();
            let cancel: Cancel = Arc::new(move |kills| {
                assert_eq!(kills, kill);
                seen.fetch_add(1, Ordering::Relaxed);
            });
            assert!(slot.set_running(cancel.clone()));
            pending.cancel();
            assert_eq!(told.load(Ordering::Relaxed), 1);
            assert!(!slot.is_wanted() && !slot.set_running(cancel));
            slot.finish(reply(5));
            slot.send(|| panic!("nothing is sent when nobody waits"));
        }
    }
}
