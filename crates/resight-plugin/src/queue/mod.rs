//! Calls meet workers: on the caller's own thread when a worker is free, through one queue
//! otherwise.

pub(crate) mod breaker;
pub(crate) mod calls;
pub(crate) mod quarantine;
pub(crate) mod reply_slot;
pub(crate) mod runner;
pub(crate) mod state;
pub(crate) mod suspects;
pub(crate) mod task;

use std::sync::Arc;
use std::time::{Duration, Instant};

use calls::QueuedCall;
use parking_lot::{Condvar, Mutex, MutexGuard};
use reply_slot::RunningCall;
use state::State;
pub(crate) use suspects::Blame;

use crate::call::{Call, CallOptions};
use crate::error::PluginError;
use crate::manifest::Role;
use crate::metrics::Metrics;
use crate::reply::{Outcome, Reply};
use crate::worker::death::{Cause, Death};
use crate::worker::{Failure, Served, Worker, WorkerContext};

/// How many workers may be lost before one of them was sent the call.
const ATTEMPTS: u8 = 3;
/// A worker that dies this soon after a reply died of the function that it ran.
const AFTERMATH: Duration = Duration::from_secs(2);

pub(crate) struct Queue {
    pub(crate) context: Arc<WorkerContext>,
    pub(crate) state: Mutex<State>,
    /// Wakes the runners: a call was queued or a worker is free.
    pub(crate) work: Condvar,
    /// Wakes the supervisor.
    pub(crate) control: Condvar,
    /// Wakes threads that wait for the first worker or for the end of a reload.
    pub(crate) ready: Condvar,
    pub(crate) metrics: Metrics,
}

/// What came of one attempt at a call, or at several gathered.
pub(crate) enum Attempt {
    Replied(Vec<Reply>),
    Failed(PluginError),
    /// The call is not to blame, or it is not known which of several is: try each again.
    Again,
}

impl Queue {
    pub(crate) fn new(context: Arc<WorkerContext>, state: State) -> Self {
        Self {
            context,
            state: Mutex::new(state),
            work: Condvar::new(),
            control: Condvar::new(),
            ready: Condvar::new(),
            metrics: Metrics::default(),
        }
    }

    /// Serves a call: on this thread when a worker is free, through the queue otherwise.
    pub(crate) fn call(&self, mut call: Call<'_>, options: CallOptions) -> Outcome {
        let since = Instant::now();
        let (attempt, attempts) = match self.free_worker(&mut call) {
            Err(error) => (Attempt::Failed(error), 0),
            Ok(None) => (Attempt::Again, 0),
            Ok(Some(mut worker)) => {
                worker.send(&[&call], self.time_limit(options));
                (self.wait_reply(worker, &[&call], 0), 1)
            }
        };
        let outcome = match attempt {
            Attempt::Replied(mut replies) => replies.pop().ok_or(PluginError::Cancelled),
            Attempt::Failed(error) => Err(error),
            Attempt::Again => {
                let (mut queued, pending) = QueuedCall::new(call.into_owned(), options);
                queued.attempts = attempts;
                queued.alone = attempts > 0;
                self.enqueue(queued);
                return pending.wait();
            }
        };
        self.metrics.count(&outcome, since);
        outcome
    }

    /// A worker for a call that need not wait for others; `None` when the call has to queue.
    fn free_worker(&self, call: &mut Call<'_>) -> Result<Option<Worker>, PluginError> {
        let mut state = self.admit(call)?;
        if is_gathered(call) || state.next_call().is_some() || !state.may_run(&call.function) {
            return Ok(None);
        }
        Ok(state.take_idle(&call.function))
    }

    /// Puts a call into the queue and sends it if it can be sent now. Its reply slot gets the
    /// outcome, also when the call is refused.
    pub(crate) fn enqueue(&self, mut queued: QueuedCall) {
        let refused = match self.admit(&mut queued.call) {
            Err(error) => error,
            Ok(mut state) => {
                if state.calls.is_full() {
                    self.busy(state.calls.waiting())
                } else {
                    if is_gathered(&queued.call) {
                        queued.short_meta = None;
                    }
                    // A runner that gathers calls waits for this one, too.
                    if queued.short_meta.is_none() {
                        self.work.notify_all();
                    }
                    state.calls.push(queued);
                    self.dispatch(&mut state);
                    return;
                }
            }
        };
        self.finish(queued, Err(refused));
    }

    /// Looks the function up and refuses a call that cannot be served. Returns the state, locked.
    fn admit(&self, call: &mut Call<'_>) -> Result<MutexGuard<'_, State>, PluginError> {
        let mut state = self.state.lock();
        if state.quarantine.suspects(call) {
            let key = MutexGuard::unlocked(&mut state, || quarantine::key(call));
            if let Some(reason) = state.quarantine.reason(&key) {
                let reason = reason.to_owned();
                return Err(PluginError::Quarantined { reason });
            }
        }
        if state.closed {
            return Err(PluginError::Closed);
        }
        if state.is_broken() {
            return Err(state.broken());
        }
        if let Some(manifest) = &state.manifest {
            call.resolve(manifest)?;
        }
        if let Some(error) = state.refusal(&call.function) {
            return Err(error);
        }
        state.suspects.called(&call.function);
        Ok(state)
    }

    /// Sends short calls of tasks to free workers, and wakes the runners for others.
    pub(crate) fn dispatch(&self, state: &mut State) {
        if self.send_short(state).is_some() {
            self.work.notify_all();
        }
    }

    /// Sends short calls of tasks to free workers. Returns the position of the first other call
    /// that may have a free worker.
    fn send_short(&self, state: &mut State) -> Option<usize> {
        loop {
            let (position, next) = state.next_call()?;
            if next.short_meta.is_none() {
                return Some(position);
            }
            let (queued, resolved) = state.take_call(position)?;
            if let Err(error) = resolved {
                self.finish(queued, Err(error));
                continue;
            }
            let reply = queued.reply.clone();
            reply.send(|| self.send(state, queued));
        }
    }

    fn send(&self, state: &mut State, queued: QueuedCall) -> Option<Box<RunningCall>> {
        let mut worker = state.take_idle(&queued.call.function)?;
        let meta = queued.short_meta.unwrap_or_default();
        worker.send_short(&queued.call, &meta, self.time_limit(queued.options));
        let call = queued.call;
        Some(Box::new(RunningCall { worker, call }))
    }

    pub(crate) fn time_limit(&self, options: CallOptions) -> Duration {
        options.time_limit.unwrap_or(self.context.config.time_limit)
    }

    /// The error for a call when `waiting` others wait.
    pub(crate) fn busy(&self, waiting: usize) -> PluginError {
        let rounds = waiting as f64 / self.context.config.workers as f64;
        let wait = self.metrics.mean_run().mul_f64(rounds);
        PluginError::Busy {
            waiting,
            retry_after: wait.clamp(Duration::from_secs(1), Duration::from_secs(60)),
        }
    }

    /// Waits for the reply to what was sent to `worker`, which is free or gone afterwards.
    /// `attempts` counts earlier ones.
    pub(crate) fn wait_reply(
        &self,
        mut worker: Worker,
        calls: &[&Call<'_>],
        attempts: u8,
    ) -> Attempt {
        match worker.wait_reply(calls) {
            Ok((replies, run_time)) => {
                self.served(worker, run_time);
                Attempt::Replied(replies)
            }
            Err(Failure::Call(error)) => {
                self.failed(worker);
                // Of several gathered calls one may be to blame for all.
                if calls.len() > 1 {
                    Attempt::Again
                } else {
                    Attempt::Failed(error)
                }
            }
            Err(Failure::Died { death, sent }) => self.lost(worker, calls, attempts, &death, sent),
        }
    }

    /// Decides what follows from a worker's death: who is to blame, and whether to try again.
    fn lost(
        &self,
        mut worker: Worker,
        calls: &[&Call<'_>],
        attempts: u8,
        death: &Death,
        sent: bool,
    ) -> Attempt {
        let name = calls.first().map_or("", |call| &*call.function);
        let function = calls.first().and_then(|call| call.resolved());
        // `extract` and `embed` have no effects, so they can be repeated.
        let is_pure = function.is_some_and(|f| f.role != Role::Function);
        let is_innocent = !sent || death.outside || death.cause == Cause::Cancelled;
        let again = calls.len() > 1
            || (!sent && attempts < ATTEMPTS)
            || (is_innocent && is_pure && attempts == 0);
        // A second death from outside may well be the input's doing.
        let is_blamed = sent && (!is_innocent || attempts > 0);
        let error = death.error(name, worker.limit());
        let mut is_struck = false;
        let mut state = self.state.lock();
        if let ([call], true, false) = (calls, is_blamed, again) {
            let strikes = if death.cause == Cause::Timeout {
                1
            } else {
                quarantine::OUT
            };
            is_struck = !call.attachments.is_empty();
            state.quarantine.strike(call, strikes, error.to_string());
        }
        drop(state);
        let blame = match (sent, is_struck || (is_blamed && again)) {
            (false, _) => Blame::LastReply,
            (true, false) => Blame::Function(name),
            (true, true) => Blame::Input(name),
        };
        self.bury(&mut worker, death, blame);
        if again {
            Attempt::Again
        } else {
            Attempt::Failed(error)
        }
    }

    /// Counts a worker as gone.
    pub(crate) fn bury(&self, worker: &mut Worker, death: &Death, blame: Blame<'_>) {
        tracing::warn!(
            plugin = self.context.config.name,
            pid = worker.process.pid(),
            cause = death.cause.name(),
            "a worker ended: {}",
            death.detail
        );
        self.metrics.restarted(death.cause);
        let mut state = self.state.lock();
        state.released(worker);
        // A closed plug-in counts no workers.
        if !state.closed && worker.manifest.generation == state.source.generation {
            state.live -= 1;
            let is_soon = worker.idle_since.elapsed() < AFTERMATH;
            let function = match blame {
                Blame::Function(name) | Blame::Input(name) => Some(name),
                Blame::LastReply if is_soon => Some(&*worker.function),
                Blame::LastReply => None,
            };
            if death.cause == Cause::Cancelled {
                // Its caller wanted that.
            } else if let Some(name) = function.filter(|name| !name.is_empty()) {
                let is_inputs = matches!(blame, Blame::Input(_));
                state.suspects.add(name, death.detail.clone(), is_inputs);
            } else {
                state.breaker.death(Instant::now(), false);
            }
            state.last_death = Some(format!("its last worker ended: {}", death.detail));
        }
        drop(state);
        self.control.notify_all();
    }

    /// Takes back the worker of a task's call. Returns the call's outcome.
    fn take_back(&self, worker: Worker, reply: Result<Served, PluginError>) -> Outcome {
        match reply {
            Ok((mut replies, run_time)) => {
                self.served(worker, run_time);
                replies.pop().ok_or(PluginError::Cancelled)
            }
            Err(error) => {
                self.failed(worker);
                Err(error)
            }
        }
    }

    /// Takes back a worker that lived through a call which failed.
    fn failed(&self, worker: Worker) {
        let mut state = self.state.lock();
        state.suspects.lived(&worker.function);
        self.put(&mut state, worker);
    }

    /// Takes back a worker that replied after `run_time`.
    fn served(&self, worker: Worker, run_time: Duration) {
        self.metrics.ran(run_time);
        let mut state = self.state.lock();
        state.breaker.success();
        state.suspects.lived(&worker.function);
        self.put(&mut state, worker);
    }

    pub(crate) fn put_back(&self, worker: Worker) {
        self.put(&mut self.state.lock(), worker);
    }

    fn put(&self, state: &mut State, mut worker: Worker) {
        state.released(&mut worker);
        let is_current = worker.manifest.generation == state.source.generation;
        let is_spare = state.live > state.wanted && self.is_expired(&worker);
        if state.closed || !is_current || is_spare {
            if is_current && !state.closed {
                state.live -= 1;
                self.metrics.restarted(Cause::Lifetime);
            }
            state.retire(worker);
            return;
        }
        state.idle.push(worker);
        self.dispatch(state);
    }

    /// Whether a worker reached the configured number of calls, or age.
    pub(crate) fn is_expired(&self, worker: &Worker) -> bool {
        let config = &self.context.config;
        config.max_calls.is_some_and(|most| worker.calls >= most)
            || config
                .max_age
                .is_some_and(|most| worker.born.elapsed() >= most)
    }

    pub(crate) fn finish(&self, queued: QueuedCall, outcome: Outcome) {
        self.metrics.count(&outcome, queued.since);
        queued.reply.finish(outcome);
    }
}

/// Whether a call waits for others to be gathered with.
fn is_gathered(call: &Call<'_>) -> bool {
    let batch = call.resolved().and_then(|function| function.batch);
    batch.is_some_and(|batch| batch.wait_ms > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PluginConfig;
    use crate::manifest::Manifest;
    use crate::worker::memory::Transports;
    use crate::worker::spawn::SourceFile;

    /// A queue of two calls without workers. Its file has the functions `f` and `gathered`.
    fn queue() -> Queue {
        let mut config = PluginConfig::new("a.py");
        config.queue = 2;
        let source = SourceFile {
            bytes: Vec::new(),
            hash: "h".into(),
            generation: 1,
        };
        let mut state = State::new(&config, source);
        let handshake = r#"{"protocol": 1, "python": "3.13.0", "implementation": "CPython",
            "gil": true, "functions": [{"name": "f", "role": "function", "signature": "()"},
            {"name": "gathered", "role": "function", "signature": "(xs)",
             "batch": {"max": 4, "wait_ms": 5}}]}"#;
        let manifest = Manifest::read(handshake.as_bytes(), "h", 1).unwrap();
        state.manifest = Some(Arc::new(manifest));
        let context = WorkerContext {
            config,
            transports: Transports::default(),
        };
        Queue::new(Arc::new(context), state)
    }

    fn submitted(queue: &Queue, function: &'static str) -> reply_slot::PendingReply {
        let (mut queued, pending) = QueuedCall::new(Call::new(function), CallOptions::default());
        queued.short_meta = Some(Vec::new());
        queue.enqueue(queued);
        pending
    }

    #[test]
    fn a_call_that_cannot_be_served_is_refused_at_once() {
        let failed = || PluginError::StartFailed {
            reason: "no module".into(),
            traceback: String::new(),
        };
        type Change = fn(&mut State, PluginError);
        let cases: [(&str, Change, &str); 4] = [
            ("g", |_, _| {}, "plugin_no_function"),
            ("f", |state, _| state.closed = true, "plugin_closed"),
            (
                "f",
                |state, error| state.start_error = Some(error),
                "plugin_broken",
            ),
            (
                "f",
                |state, _| {
                    let now = Instant::now();
                    (0..5).for_each(|_| state.breaker.death(now, false));
                },
                "plugin_broken",
            ),
        ];
        for (function, change, code) in cases {
            let queue = queue();
            change(&mut queue.state.lock(), failed());
            let error = submitted(&queue, function).wait().unwrap_err();
            assert_eq!(error.code(), code);
            let error = queue.call(Call::new(function), CallOptions::default());
            assert_eq!(error.unwrap_err().code(), code);
            assert_eq!((queue.metrics.calls(), queue.metrics.errors()), (2, 2));
        }
    }

    #[test]
    fn an_input_that_killed_workers_is_refused_and_others_wait() {
        let queue = queue();
        let poison = Call::new("f").bytes(b"poison");
        let strikes = quarantine::OUT;
        let reason = "it died".to_owned();
        queue
            .state
            .lock()
            .quarantine
            .strike(&poison, strikes, reason);
        let refused = queue.call(poison.clone(), CallOptions::default());
        assert_eq!(refused.unwrap_err().code(), "plugin_quarantined");
        let (queued, _pending) = QueuedCall::new(Call::new("f"), CallOptions::default());
        queue.enqueue(queued);
        assert_eq!(queue.state.lock().calls.waiting(), 1);
    }

    #[test]
    fn calls_wait_until_the_queue_is_full_and_cancelled_ones_make_room() {
        let queue = queue();
        let first = submitted(&queue, "f");
        let _second = submitted(&queue, "f");
        let refused = submitted(&queue, "f").wait().unwrap_err();
        assert_eq!(refused.code(), "plugin_busy");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
        first.cancel();
        let _third = submitted(&queue, "f");
        assert_eq!(queue.state.lock().calls.waiting(), 2);
    }

    #[test]
    fn a_gathered_call_of_a_task_waits_for_a_runner() {
        let queue = queue();
        let _pending = [submitted(&queue, "f"), submitted(&queue, "gathered")];
        let calls = queue.state.lock().calls.take_all();
        let is_short: Vec<bool> = calls.iter().map(|c| c.short_meta.is_some()).collect();
        assert_eq!(is_short, [true, false]);
        let gathering: Vec<Option<usize>> = calls.iter().map(|c| Some(c.gathering()?.0)).collect();
        assert_eq!(gathering, [None, Some(4)]);
    }
}
