//! The plug-in's own threads: runners serve the queue, and others wait for replies that a task
//! cannot wait for.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::calls::QueuedCall;
use super::reply_slot::Cancel;
use super::state::State;
use super::{Attempt, Queue};
use crate::call::Call;
use crate::error::PluginError;
use crate::worker::Worker;
use crate::worker::death::Cause;

impl Queue {
    /// Starts threads that serve the queue, until as many are free as there are to be workers. A thread that
    /// waits for a worker of an earlier generation is not free, so after a reload the new workers get others.
    pub(crate) fn add_runners(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        while state.free_runners < state.wanted {
            let queue = self.clone();
            state.spawn("resight-runner", move || queue.serve())?;
            state.free_runners += 1;
        }
        Ok(())
    }

    /// Serves the queue on this thread, which counts as free, until the plug-in is closed or enough other
    /// threads are free.
    fn serve(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            let Some(position) = self.send_short(&mut state) else {
                self.work.wait(&mut state);
                continue;
            };
            let Some((first, resolved)) = state.take_call(position) else {
                continue;
            };
            if let Err(error) = resolved {
                MutexGuard::unlocked(&mut state, || self.finish(first, Err(error)));
                continue;
            }
            let Some(worker) = state.take_idle(&first.call.function) else {
                state.calls.push_front(vec![first]);
                continue;
            };
            state.free_runners -= 1;
            let calls = self.gather(&mut state, first);
            MutexGuard::unlocked(&mut state, || self.run(worker, calls));
            if state.free_runners >= state.wanted {
                return;
            }
            state.free_runners += 1;
        }
    }

    /// Adds the calls that `first` is gathered with, and waits for them as its author wants.
    fn gather(&self, state: &mut MutexGuard<'_, State>, first: QueuedCall) -> Vec<QueuedCall> {
        let gathering = first.gathering();
        let mut calls = vec![first];
        if let Some((most, until)) = gathering {
            loop {
                state.calls.gather(&mut calls, most);
                let is_over = calls.len() >= most || state.closed || Instant::now() >= until;
                if is_over {
                    break;
                }
                self.work.wait_until(state, until);
            }
        }
        calls
    }

    fn run(&self, mut worker: Worker, mut calls: Vec<QueuedCall>) {
        let cancel: Cancel = Arc::new(worker.canceller());
        calls.retain(|queued| queued.reply.set_running(cancel.clone()));
        let limits = calls.iter().map(|queued| self.time_limit(queued.options));
        let Some(limit) = limits.max() else {
            self.put_back(worker);
            return;
        };
        let attempts = calls[0].attempts;
        let borrowed: Vec<&Call<'_>> = calls.iter().map(|queued| &queued.call).collect();
        worker.send(&borrowed, limit);
        let attempt = self.wait_reply(worker, &borrowed, attempts);
        self.settle(calls, attempt);
    }

    /// Waits for the reply to a call that was sent to `worker`, on a thread of its own.
    pub(crate) fn wait_elsewhere(self: &Arc<Self>, worker: Worker, queued: QueuedCall) {
        let wait = |queue: &Self, worker: Worker, queued: QueuedCall| {
            let attempt = queue.wait_reply(worker, &[&queued.call], queued.attempts);
            queue.settle(vec![queued], attempt);
        };
        let queue = self.clone();
        let run = move |(worker, queued)| wait(&queue, worker, queued);
        let spawned = self
            .state
            .lock()
            .spawn_with("resight-wait", (worker, queued), run);
        if let Err(((worker, queued), error)) = spawned {
            // Killed, the worker does not keep this thread waiting.
            let detail = format!("no thread can be started: {error}");
            worker.process.kill(Cause::Crash, detail);
            wait(self, worker, queued);
        }
    }

    /// Finishes calls after an attempt, or puts them back into the queue.
    fn settle(&self, mut calls: Vec<QueuedCall>, attempt: Attempt) {
        match attempt {
            Attempt::Replied(replies) => {
                for (queued, reply) in calls.into_iter().zip(replies) {
                    self.finish(queued, Ok(reply));
                }
            }
            Attempt::Failed(error) => self.finish_all(calls, &error),
            Attempt::Again => {
                let is_single = calls.len() == 1;
                for queued in &mut calls {
                    queued.reply.set_waiting();
                    // That a gathered call failed is no attempt of each of its calls.
                    queued.attempts += u8::from(is_single);
                    queued.alone = true;
                }
                let mut state = self.state.lock();
                if state.closed {
                    drop(state);
                    self.finish_all(calls, &PluginError::Closed);
                    return;
                }
                state.calls.push_front(calls);
                drop(state);
                self.work.notify_all();
            }
        }
    }

    /// Finishes all of `calls` with the same error.
    pub(crate) fn finish_all(&self, calls: Vec<QueuedCall>, error: &PluginError) {
        for queued in calls {
            self.finish(queued, Err(error.clone()));
        }
    }
}
