//! Calls meet workers: at once on the caller's own thread, or through the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{self, Receiver};

use crate::death::Death;
use crate::error::PluginError;
use crate::lock;
use crate::manifest::Role;
use crate::monitor::Cause;
use crate::quarantine;
use crate::state::State;
use crate::tally::Tally;
use crate::ticket::{CallOptions, Job, Outcome, Shared, Ticket};
use crate::turn::{Granted, Next, Turn};
use crate::value::{Call, Reply};
use crate::wire::Order;
use crate::worker::{Failure, Sent, Setting, Worker};

/// How often one call is tried on another worker when it is not to blame.
const ATTEMPTS: u8 = 3;

pub(crate) struct Pool {
    this: Weak<Self>,
    pub(crate) setting: Arc<Setting>,
    pub(crate) state: Mutex<State>,
    /// A job or a worker has come: for the runners.
    pub(crate) work: Condvar,
    /// For the supervisor.
    pub(crate) control: Condvar,
    /// The first worker is ready, or the start failed: for those who wait for it.
    pub(crate) ready: Condvar,
    pub(crate) tally: Tally,
    pub(crate) restarts: [AtomicU64; Cause::ALL.len()],
    /// A moving mean of how long a call runs, in microseconds.
    pub(crate) mean: AtomicU64,
}

/// What follows from a failed attempt.
pub(crate) enum Verdict {
    Answer(PluginError),
    /// Not to blame, or not known which of several was.
    Again,
}

impl Pool {
    pub(crate) fn new(setting: Arc<Setting>, state: State) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            setting,
            state: Mutex::new(state),
            work: Condvar::new(),
            control: Condvar::new(),
            ready: Condvar::new(),
            tally: Tally::default(),
            restarts: [const { AtomicU64::new(0) }; Cause::ALL.len()],
            mean: AtomicU64::new(0),
        })
    }

    /// Serves a call on this thread when a worker is free, else waits for its turn.
    pub(crate) fn call(self: &Arc<Self>, call: Call<'_>, options: CallOptions) -> Outcome {
        let begun = Instant::now();
        let (outcome, tried) = match self.free_worker(&call) {
            Err(error) => (Some(Err(error)), 0),
            Ok(None) => (None, 0),
            Ok(Some(worker)) => match self.attempt(worker, &[&call], self.limit(options), 0) {
                Ok(mut replies) => (Some(replies.pop().ok_or(PluginError::Cancelled)), 1),
                Err(Verdict::Answer(error)) => (Some(Err(error)), 1),
                Err(Verdict::Again) => (None, 1),
            },
        };
        if let Some(outcome) = outcome {
            self.tally.count(&outcome, begun);
            return outcome;
        }
        let ticket = Ticket::new(Some(self), options, None);
        self.enqueue(call.into_owned(), options, &ticket.shared, tried);
        ticket.wait()
    }

    /// A worker for a call that need not wait for others; `None` when it has to queue.
    pub(crate) fn free_worker(&self, call: &Call<'_>) -> Result<Option<Worker>, PluginError> {
        let mut state = self.admit(call)?;
        let waits = state.batch(call).is_some_and(|b| b.wait_ms > 0.0);
        if waits || state.next().is_some() || !state.may_run(&call.function) {
            return Ok(None);
        }
        Ok(state.take_idle(&call.function))
    }

    /// Whether calls of this function are gathered, which is the queue's work.
    pub(crate) fn gathers(&self, call: &Call<'_>) -> bool {
        let batch = lock(&self.state).batch(call);
        batch.is_some_and(|b| b.wait_ms > 0.0)
    }

    /// A task's call, sent as soon as a worker is free.
    pub(crate) fn turn(
        &self,
        order: Order,
        options: CallOptions,
    ) -> Result<Receiver<Granted>, PluginError> {
        let mut state = self.admit(&order.call)?;
        let most = self.setting.config.queue;
        if state.waiting() >= most {
            state.turns.retain(Turn::is_wanted);
        }
        if state.waiting() >= most {
            return Err(self.busy(state.waiting()));
        }
        let (to, granted) = oneshot::channel();
        state.turns.push_back(Turn {
            order,
            options,
            since: Instant::now(),
            to,
        });
        self.spread(&mut state);
        Ok(granted)
    }

    /// Brings free workers to those who wait.
    pub(crate) fn spread(&self, state: &mut State) {
        if let Some(pool) = self.this.upgrade() {
            state.send_turns(&pool);
        }
        if !state.idle.is_empty() && matches!(state.next(), Some(Next::Job(_))) {
            self.work.notify_all();
        }
    }

    /// Puts a call into the queue; its outcome, a refusal too, comes through `shared`.
    pub(crate) fn enqueue(
        &self,
        call: Call<'static>,
        options: CallOptions,
        shared: &Arc<Shared>,
        attempts: u8,
    ) {
        let since = Instant::now();
        let refused = match self.admit(&call) {
            Err(error) => error,
            Ok(mut state) => {
                if state.waiting() < self.setting.config.queue {
                    state.queue.push_back(Job {
                        call,
                        options,
                        shared: shared.clone(),
                        since,
                        alone: attempts > 0,
                        attempts,
                    });
                    drop(state);
                    self.work.notify_all();
                    return;
                }
                self.busy(state.waiting())
            }
        };
        let outcome = Err(refused);
        self.tally.count(&outcome, since);
        shared.finish(outcome);
    }

    /// Refuses what cannot be served; otherwise gives the state, locked.
    fn admit(&self, call: &Call<'_>) -> Result<std::sync::MutexGuard<'_, State>, PluginError> {
        let mut state = lock(&self.state);
        if state.quarantine.suspects(call) {
            drop(state);
            let key = quarantine::key(call);
            state = lock(&self.state);
            if let Some(reason) = state.quarantine.reason(&key) {
                return Err(PluginError::Quarantined {
                    reason: reason.into(),
                });
            }
        }
        if state.closed {
            return Err(PluginError::Closed);
        }
        if state.is_broken() {
            return Err(state.broken());
        }
        if let Some(manifest) = &state.manifest
            && manifest.function(&call.function).is_none()
        {
            return Err(PluginError::NoFunction {
                function: call.function.to_string(),
                known: manifest.names(),
            });
        }
        state.suspects.asked(&call.function);
        Ok(state)
    }

    pub(crate) fn limit(&self, options: CallOptions) -> Duration {
        options.time_limit.unwrap_or(self.setting.config.time_limit)
    }

    pub(crate) fn busy(&self, waiting: usize) -> PluginError {
        let workers = self.setting.config.workers as u64;
        let mean = self.mean.load(Ordering::Relaxed).max(1000);
        let micros = mean * waiting as u64 / workers;
        PluginError::Busy {
            waiting,
            retry_after: Duration::from_micros(micros)
                .clamp(Duration::from_secs(1), Duration::from_secs(60)),
        }
    }

    /// Removes a cancelled call from the queue.
    pub(crate) fn forget(&self, shared: &Arc<Shared>) {
        lock(&self.state)
            .queue
            .retain(|job| !Arc::ptr_eq(&job.shared, shared));
    }

    /// One try on `worker`, which goes back or is gone afterwards.
    pub(crate) fn attempt(
        &self,
        mut worker: Worker,
        calls: &[&Call<'_>],
        limit: Duration,
        attempts: u8,
    ) -> Result<Vec<Reply>, Verdict> {
        let name = calls.first().map_or("", |c| &*c.function);
        if worker.manifest.function(name).is_none() {
            let known = worker.manifest.names();
            self.put_back(worker);
            let function = name.to_owned();
            return Err(Verdict::Answer(PluginError::NoFunction { function, known }));
        }
        let sent = worker.begin(calls, limit);
        self.conclude(worker, calls, sent, attempts)
    }

    /// Waits for what was sent to `worker`, which goes back or is gone afterwards.
    pub(crate) fn conclude(
        &self,
        mut worker: Worker,
        calls: &[&Call<'_>],
        sent: Sent,
        attempts: u8,
    ) -> Result<Vec<Reply>, Verdict> {
        let name = calls.first().map_or("", |c| &*c.function);
        let function = worker.manifest.function(name);
        let pure = function.is_some_and(|f| f.role != Role::Function);
        let limit = sent.limit();
        let (death, sent) = match worker.conclude(calls, sent) {
            Ok((replies, spent)) => {
                self.served(worker, spent);
                return Ok(replies);
            }
            Err(Failure::Answered(error)) => {
                self.put_back(worker);
                // Of several gathered calls one may be to blame for all.
                return Err(if calls.len() > 1 {
                    Verdict::Again
                } else {
                    Verdict::Answer(error)
                });
            }
            Err(Failure::NotSent(death)) => (death, false),
            Err(Failure::Died(death)) => (death, true),
        };
        let innocent = !sent || death.outside || death.cause == Cause::Cancelled;
        let again = calls.len() > 1
            || (!sent && attempts < ATTEMPTS)
            || (innocent && pure && attempts == 0);
        let error = death.error(name, limit);
        // What dies twice from outside may well bring that about.
        let blamed = sent && (!innocent || attempts > 0);
        let mut struck = false;
        if let ([call], true, false) = (calls, blamed, again) {
            let strikes = if death.cause == Cause::Timeout {
                1
            } else {
                quarantine::OUT
            };
            struck = !call.attachments.is_empty();
            lock(&self.state)
                .quarantine
                .strike(call, strikes, error.to_string());
        }
        if sent {
            lock(&self.state).suspects.add(name);
        }
        self.bury(&mut worker, &death, struck || (blamed && again));
        Err(if again {
            Verdict::Again
        } else {
            Verdict::Answer(error)
        })
    }

    /// A worker is gone. `blamed`: an input did it that will not do it again.
    pub(crate) fn bury(&self, worker: &mut Worker, death: &Death, blamed: bool) {
        tracing::warn!(
            plugin = self.setting.config.name,
            pid = worker.monitor.pid(),
            cause = death.cause.name(),
            "a worker ended: {}",
            death.detail
        );
        self.restarted(death.cause);
        let mut state = lock(&self.state);
        state.busy -= 1;
        state.suspects.released(worker);
        // A plug-in that is closed counts its workers no longer.
        if !state.closed && worker.manifest.generation == state.source.generation {
            state.live -= 1;
            state.breaker.death(Instant::now(), blamed);
            state.last_death = Some(format!("its last worker ended: {}", death.detail));
        }
        drop(state);
        self.control.notify_all();
    }

    pub(crate) fn restarted(&self, cause: Cause) {
        if let Some(i) = Cause::ALL.iter().position(|c| *c == cause) {
            self.restarts[i].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes back a worker that answered after `spent`.
    pub(crate) fn served(&self, worker: Worker, spent: Duration) {
        let old = self.mean.load(Ordering::Relaxed);
        let new = spent.as_micros() as u64;
        self.mean.store((old * 7 + new) / 8, Ordering::Relaxed);
        let mut state = lock(&self.state);
        state.breaker.success();
        self.put(&mut state, worker);
    }

    pub(crate) fn put_back(&self, worker: Worker) {
        self.put(&mut lock(&self.state), worker);
    }

    fn put(&self, state: &mut State, mut worker: Worker) {
        state.busy -= 1;
        state.suspects.released(&mut worker);
        let current = worker.manifest.generation == state.source.generation;
        let spare = state.live > self.setting.config.workers && self.expired(&worker);
        if state.closed || !current || spare {
            if current && !state.closed {
                state.live -= 1;
                self.restarted(Cause::Lifetime);
            }
            self.retire(state, worker);
            return;
        }
        state.idle.push(worker);
        self.spread(state);
    }

    /// Whether it has served as long as it should.
    pub(crate) fn expired(&self, worker: &Worker) -> bool {
        let config = &self.setting.config;
        config.max_calls.is_some_and(|most| worker.calls >= most)
            || config
                .max_age
                .is_some_and(|most| worker.born.elapsed() >= most)
    }

    /// Ends a worker without making anybody wait for it.
    pub(crate) fn retire(&self, state: &mut State, worker: Worker) {
        let thread = std::thread::Builder::new()
            .name("resight-retire".into())
            .spawn(move || worker.retire());
        state.threads.extend(thread.ok());
    }
}
