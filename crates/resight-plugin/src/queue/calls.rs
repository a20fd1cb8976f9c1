//! The queue of calls that wait for a worker, the oldest first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reply_slot::{PendingReply, ReplySlot};
use crate::call::{Call, CallOptions};

/// A call that waits for a worker, or that a thread of the plug-in runs.
pub(crate) struct QueuedCall {
    pub(crate) call: Call<'static>,
    pub(crate) options: CallOptions,
    pub(crate) since: Instant,
    pub(crate) reply: Arc<ReplySlot>,
    /// The frame's description, where a task waits that can look for the reply itself.
    pub(crate) short_meta: Option<Vec<u8>>,
    /// Not to be gathered with others, as it was tried before.
    pub(crate) alone: bool,
    /// Attempts that ended without a reply.
    pub(crate) attempts: u8,
}

impl QueuedCall {
    pub(crate) fn new(call: Call<'static>, options: CallOptions) -> (Self, PendingReply) {
        let pending = PendingReply::new(options.kill_on_cancel);
        let queued = Self {
            call,
            options,
            since: Instant::now(),
            reply: pending.slot(),
            short_meta: None,
            alone: false,
            attempts: 0,
        };
        (queued, pending)
    }

    /// The longest wait for others to be gathered with; `None` when it is not gathered.
    pub(crate) fn gathering(&self) -> Option<(usize, Instant)> {
        let batch = self.call.resolved()?.batch.filter(|_| !self.alone)?;
        let until = self.since + Duration::from_secs_f64(batch.wait_ms / 1e3);
        Some((batch.max, until))
    }
}

/// Calls that wait, with a bound on how many. Cancelled calls leave it when it is looked through.
pub(crate) struct CallQueue {
    calls: VecDeque<QueuedCall>,
    capacity: usize,
}

impl CallQueue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            calls: VecDeque::new(),
            capacity,
        }
    }

    /// The calls that somebody waits for.
    pub(crate) fn waiting(&mut self) -> usize {
        self.calls.retain(|queued| queued.reply.is_wanted());
        self.calls.len()
    }

    /// Whether it takes no more calls.
    pub(crate) fn is_full(&mut self) -> bool {
        self.calls.len() >= self.capacity && self.waiting() >= self.capacity
    }

    pub(crate) fn push(&mut self, queued: QueuedCall) {
        self.calls.push_back(queued);
    }

    /// Puts calls that were taken before back to the front, in their order.
    pub(crate) fn push_front(&mut self, calls: Vec<QueuedCall>) {
        for queued in calls.into_iter().rev() {
            self.calls.push_front(queued);
        }
    }

    /// The position and the oldest of the calls whose function `may_run`.
    pub(crate) fn find(&self, may_run: impl Fn(&str) -> bool) -> Option<(usize, &QueuedCall)> {
        let mut calls = self.calls.iter().enumerate();
        calls.find(|(_, queued)| may_run(&queued.call.function))
    }

    pub(crate) fn take(&mut self, position: usize) -> Option<QueuedCall> {
        self.calls.remove(position)
    }

    /// Moves calls that can be gathered with the first of `gathered` there, up to `most` in all.
    pub(crate) fn gather(&mut self, gathered: &mut Vec<QueuedCall>, most: usize) {
        let mut i = 0;
        while i < self.calls.len() && gathered.len() < most {
            let queued = &self.calls[i];
            let fits = !queued.alone
                && queued.short_meta.is_none()
                && queued.call.function == gathered[0].call.function;
            match fits.then(|| self.calls.remove(i)).flatten() {
                Some(queued) => gathered.push(queued),
                None => i += 1,
            }
        }
    }

    /// Removes the calls that have waited longer than `limit`. A call that was tried before stays.
    pub(crate) fn take_overdue(&mut self, limit: Duration) -> Vec<QueuedCall> {
        self.waiting();
        let is_overdue = |queued: &QueuedCall| queued.since.elapsed() > limit && !queued.alone;
        let (overdue, rest): (Vec<_>, _) = self.calls.drain(..).partition(is_overdue);
        self.calls = VecDeque::from(rest);
        overdue
    }

    pub(crate) fn take_all(&mut self) -> Vec<QueuedCall> {
        self.calls.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(functions: &[&'static str]) -> (CallQueue, Vec<PendingReply>) {
        let mut queue = CallQueue::new(3);
        let mut pending = Vec::new();
        for function in functions {
            let (queued, reply) = QueuedCall::new(Call::new(*function), CallOptions::default());
            queue.push(queued);
            pending.push(reply);
        }
        (queue, pending)
    }

    fn names(calls: &[QueuedCall]) -> Vec<&str> {
        calls.iter().map(|queued| &*queued.call.function).collect()
    }

    #[test]
    fn cancelled_calls_make_room() {
        let (mut queue, mut pending) = queue(&["a", "b", "c"]);
        assert!(queue.is_full());
        drop(pending.remove(1));
        assert!(!queue.is_full());
        assert_eq!(queue.waiting(), 2);
        assert_eq!(names(&queue.take_all()), ["a", "c"]);
    }

    #[test]
    fn the_oldest_call_that_may_run_comes_first() {
        let (mut queue, _pending) = queue(&["a", "b", "a"]);
        let (position, _) = queue.find(|function| function == "b").unwrap();
        assert_eq!(position, 1);
        let taken = queue.take(position).unwrap();
        assert!(queue.find(|function| function == "b").is_none());
        queue.push_front(vec![taken]);
        assert_eq!(names(&queue.take_all()), ["b", "a", "a"]);
    }

    #[test]
    fn calls_of_one_function_are_gathered_and_others_stay() {
        let (mut queue, _pending) = queue(&["a", "b", "a", "a", "a", "a"]);
        let mut gathered = vec![queue.take(0).unwrap()];
        queue.calls[1].alone = true;
        queue.calls[2].short_meta = Some(Vec::new());
        queue.gather(&mut gathered, 2);
        assert_eq!(names(&gathered), ["a", "a"]);
        assert_eq!(names(&queue.take_all()), ["b", "a", "a", "a"]);
    }

    #[test]
    fn a_call_that_was_tried_before_is_never_overdue() {
        let (mut queue, mut pending) = queue(&["a", "b", "c"]);
        queue.calls[0].alone = true;
        drop(pending.pop());
        std::thread::sleep(Duration::from_millis(2));
        assert!(queue.take_overdue(Duration::from_secs(60)).is_empty());
        assert_eq!(names(&queue.take_overdue(Duration::from_millis(1))), ["b"]);
        assert_eq!(queue.waiting(), 1);
    }
}
