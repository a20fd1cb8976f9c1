//! The queue of calls that wait for a worker, the oldest first.

#[cfg(any(test, feature = "embed"))]
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reply_slot::{PendingReply, ReplySlot};
use crate::call::{Call, CallOptions};
#[cfg(any(test, feature = "embed"))]
use crate::manifest::Manifest;

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

    /// Whether it can be one of several gathered calls of `function`.
    fn can_be_gathered(&self, function: &str) -> bool {
        !self.alone && self.short_meta.is_none() && self.call.function == function
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

    /// The position of the oldest call that waits for no others to be gathered with, by what `manifest`
    /// says of its function; else the end of the earliest such wait, and `None` without any call.
    #[cfg(any(test, feature = "embed"))]
    pub(crate) fn first_ready(
        &mut self,
        manifest: &Arc<Manifest>,
        now: Instant,
    ) -> Result<usize, Option<Instant>> {
        // The functions whose calls are still gathered. An earlier call's wait ends earlier.
        let mut gathering: Vec<Cow<'static, str>> = Vec::new();
        let mut first_end: Option<Instant> = None;
        for position in 0..self.calls.len() {
            let queued = &mut self.calls[position];
            let resolved = queued.call.resolve(manifest);
            let Some((most, until)) = resolved.ok().and_then(|()| queued.gathering()) else {
                return Ok(position);
            };
            let function = queued.call.function.clone();
            if gathering.contains(&function) {
                continue;
            }
            let others = self.calls.iter();
            let together = others.filter(|other| other.can_be_gathered(&function));
            if now >= until || together.count() >= most {
                return Ok(position);
            }
            gathering.push(function);
            first_end = Some(first_end.map_or(until, |end| end.min(until)));
        }
        Err(first_end)
    }

    pub(crate) fn take(&mut self, position: usize) -> Option<QueuedCall> {
        self.calls.remove(position)
    }

    /// Moves calls that can be gathered with the first of `gathered` there, up to `most` in all.
    pub(crate) fn gather(&mut self, gathered: &mut Vec<QueuedCall>, most: usize) {
        let mut i = 0;
        while i < self.calls.len() && gathered.len() < most {
            let fits = self.calls[i].can_be_gathered(&gathered[0].call.function);
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
    fn calls_that_are_still_gathered_hold_up_no_others() {
        let handshake = r#"{"protocol": 1, "python": "3.13.0", "implementation": "CPython",
            "gil": true, "functions": [{"name": "b", "role": "function", "signature": "()"},
            {"name": "g", "role": "function", "signature": "(xs)",
             "batch": {"max": 2, "wait_ms": 5000}}]}"#;
        let manifest = Arc::new(Manifest::read(handshake.as_bytes(), "h", 1).unwrap());
        let later = Duration::from_secs(6);
        // (functions, which of them is ready now, and which is after the wait)
        let cases: [(&[&'static str], Option<usize>, Option<usize>); 6] = [
            (&[], None, None),
            (&["b", "g"], Some(0), Some(0)),
            (&["g"], None, Some(0)),
            (&["g", "b"], Some(1), Some(0)),
            (&["g", "g"], Some(0), Some(0)),
            (&["g", "gone"], Some(1), Some(0)),
        ];
        for (functions, at_once, after) in cases {
            let (mut queue, _pending) = queue(functions);
            let now = Instant::now();
            let first = queue.calls.front().map(|queued| queued.since);
            let end = first.map(|since| since + Duration::from_secs(5));
            let ready = queue.first_ready(&manifest, now);
            assert_eq!(ready, at_once.ok_or(end), "{functions:?}");
            let ready = queue.first_ready(&manifest, now + later);
            assert_eq!(ready, after.ok_or(None), "{functions:?}");
        }
        let (mut queue, _pending) = queue(&["g", "g"]);
        queue.calls[1].alone = true;
        assert_eq!(queue.first_ready(&manifest, Instant::now()), Ok(1));
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
