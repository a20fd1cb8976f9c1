//! A plug-in inside this process: `--features embed`.
//!
//! Threads of ours keep their place in the interpreter for as long as they live, and leave its lock
//! while they wait. Nothing here can protect the server from the author's code: a crash, an exit
//! from C, a leak or a lock held for ever is the server's own. What can be kept is: limits of the
//! queue, an answer at the time limit, errors with their tracebacks, reloads.

mod interpreter;
mod lent;
mod thread;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use interpreter::Loaded;

use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::flight;
use crate::lock;
use crate::manifest::Manifest;
use crate::slot::Transport;
use crate::spawn::Source;
use crate::status::{Health, Status};
use crate::supervisor::{read_source, stamp};
use crate::tally::Tally;
use crate::ticket::{CallOptions, Callback, Job, Outcome, Shared, Ticket};
use crate::value::Call;

/// How often deadlines, the queue and the file are looked at.
const TICK: Duration = Duration::from_millis(20);
/// The file is looked at at every so many ticks.
const WATCH: u32 = 25;

/// A plug-in inside this process.
pub(crate) struct Embedded(Arc<Inner>);

struct Inner {
    config: PluginConfig,
    state: Mutex<State>,
    /// A job has come, or the end: for the threads.
    work: Condvar,
    /// The file is loaded, or was not.
    ready: Condvar,
    tally: Tally,
    /// One file is loaded at a time.
    loading: Mutex<()>,
}

struct State {
    loaded: Option<Arc<Loaded>>,
    generation: u64,
    start_error: Option<PluginError>,
    reload_error: Option<PluginError>,
    queue: VecDeque<Job>,
    running: HashMap<u64, Running>,
    next: u64,
    /// Threads that can take jobs or are at one within its time.
    threads: usize,
    /// Threads in calls that were given up.
    stuck: usize,
    closed: bool,
}

/// Calls at work on one thread.
struct Running {
    jobs: Vec<Job>,
    until: Instant,
    limit: Duration,
    thread: u64,
}

impl Embedded {
    pub(crate) fn start(config: PluginConfig) -> Result<Self, PluginError> {
        let source = read_source(&config.file, 1)?;
        let inner = Arc::new(Inner {
            state: Mutex::new(State {
                loaded: None,
                generation: 1,
                start_error: None,
                reload_error: None,
                queue: VecDeque::new(),
                running: HashMap::new(),
                next: 0,
                threads: 0,
                stuck: 0,
                closed: false,
            }),
            work: Condvar::new(),
            ready: Condvar::new(),
            tally: Tally::default(),
            loading: Mutex::new(()),
            config,
        });
        let plugin = Self(inner.clone());
        thread::spawn("resight-load", {
            let inner = inner.clone();
            move || {
                // Told by the status.
                let _error = inner.load(&source);
            }
        })?;
        for _ in 0..inner.config.workers {
            thread::start(&inner)?;
        }
        thread::spawn("resight-plugin", move || inner.watch())?;
        Ok(plugin)
    }

    pub(crate) fn config(&self) -> &PluginConfig {
        &self.0.config
    }

    pub(crate) fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        let until = Instant::now() + limit;
        let mut state = lock(&self.0.state);
        loop {
            if let Some(loaded) = &state.loaded {
                return Ok(loaded.manifest.clone());
            }
            if let Some(error) = &state.start_error {
                return Err(error.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(PluginError::StartFailed {
                    reason: format!("the file was not loaded within {limit:?}"),
                    traceback: String::new(),
                });
            }
            state = wait(&self.0.ready, state, left);
        }
    }

    pub(crate) fn manifest(&self) -> Option<Arc<Manifest>> {
        let state = lock(&self.0.state);
        state.loaded.as_ref().map(|l| l.manifest.clone())
    }

    pub(crate) fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        self.submit(call.into_owned(), options, None).wait()
    }

    pub(crate) async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        flight::threaded(|done| Some(self.submit(call, options, Some(done)))).await
    }

    pub(crate) fn submit(
        &self,
        call: Call<'static>,
        options: CallOptions,
        done: Option<Callback>,
    ) -> Ticket {
        let ticket = Ticket::new(None, options, done);
        self.0.enqueue(call, options, &ticket.shared);
        ticket
    }

    pub(crate) fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        self.0.reload()
    }

    pub(crate) fn status(&self) -> Status {
        let inner = &self.0;
        let mut state = lock(&inner.state);
        state.queue.retain(|job| job.shared.is_wanted());
        let health = inner.health(&state);
        let (calls, errors) = inner.tally.calls();
        Status {
            name: inner.config.name.clone(),
            health,
            reason: (health != Health::Ok)
                .then(|| inner.reason(&state))
                .flatten(),
            generation: state.loaded.as_ref().map_or(0, |l| l.manifest.generation),
            workers: state.threads,
            wanted: inner.config.workers,
            starting: usize::from(state.loaded.is_none() && state.start_error.is_none()),
            queued: state.queue.len(),
            running: state.running.len(),
            calls,
            errors,
            restarts: BTreeMap::new(),
            quarantined: 0,
            transport: Transport::Memory,
            latency: inner.tally.latency.summary(),
            last_error: inner.tally.last_error(),
            pids: Vec::new(),
        }
    }
}

impl Drop for Embedded {
    /// Threads that run the author's code cannot be ended, and are left behind.
    fn drop(&mut self) {
        let jobs: Vec<Job> = {
            let mut state = lock(&self.0.state);
            state.closed = true;
            let running: Vec<Running> = state.running.drain().map(|(_, r)| r).collect();
            let queued = std::mem::take(&mut state.queue);
            running
                .into_iter()
                .flat_map(|r| r.jobs)
                .chain(queued)
                .collect()
        };
        self.0.work.notify_all();
        for job in jobs {
            job.shared.finish(Err(PluginError::Closed));
        }
    }
}

impl Inner {
    fn enqueue(&self, call: Call<'static>, options: CallOptions, shared: &Arc<Shared>) {
        let since = Instant::now();
        let refused = {
            let mut state = lock(&self.state);
            if state.queue.len() >= self.config.queue {
                state.queue.retain(|job| job.shared.is_wanted());
            }
            match self.refusal(&state, &call) {
                Some(refused) => refused,
                None => {
                    state.queue.push_back(Job {
                        call,
                        options,
                        shared: shared.clone(),
                        since,
                        alone: false,
                        attempts: 0,
                    });
                    drop(state);
                    self.work.notify_one();
                    return;
                }
            }
        };
        self.finish_one(shared, since, Err(refused));
    }

    fn refusal(&self, state: &State, call: &Call<'_>) -> Option<PluginError> {
        if state.closed {
            return Some(PluginError::Closed);
        }
        if self.health(state) == Health::Broken {
            return Some(self.broken(state));
        }
        if let Some(loaded) = &state.loaded
            && loaded.manifest.function(&call.function).is_none()
        {
            return Some(PluginError::NoFunction {
                function: call.function.to_string(),
                known: loaded.manifest.names(),
            });
        }
        (state.queue.len() >= self.config.queue).then(|| busy(state.queue.len()))
    }

    fn broken(&self, state: &State) -> PluginError {
        PluginError::Broken {
            reason: self.reason(state).unwrap_or_default(),
            retry_after: Duration::from_secs(10),
        }
    }

    /// So many threads may be lost to calls that do not end, before no more are started.
    fn bound(&self) -> usize {
        4 * self.config.workers
    }

    fn health(&self, state: &State) -> Health {
        if state.closed || state.threads == 0 || state.start_error.is_some() {
            Health::Broken
        } else if state.loaded.is_none() {
            Health::Starting
        } else if state.stuck > 0 || state.reload_error.is_some() {
            Health::Degraded
        } else {
            Health::Ok
        }
    }

    fn reason(&self, state: &State) -> Option<String> {
        let new = state.reload_error.as_ref();
        let stuck = (state.stuck > 0).then(|| {
            let stuck = state.stuck;
            format!("{stuck} calls that ran longer than they may have not come to their end")
        });
        (state.start_error.as_ref().map(ToString::to_string))
            .or(stuck)
            .or_else(|| new.map(|e| format!("the new version: {e}")))
    }

    fn finish_one(&self, shared: &Shared, since: Instant, outcome: Outcome) {
        self.tally.count(&outcome, since);
        shared.finish(outcome);
    }

    fn finish(&self, job: &Job, outcome: Outcome) {
        self.finish_one(&job.shared, job.since, outcome);
    }

    fn load(&self, source: &Source) -> Result<Arc<Manifest>, PluginError> {
        let _one = lock(&self.loading);
        let loaded = interpreter::load(&self.config.file, &self.config.python, source);
        let mut state = lock(&self.state);
        let result = match loaded {
            Ok(loaded) => {
                let manifest = loaded.manifest.clone();
                state.loaded = Some(Arc::new(loaded));
                (state.start_error, state.reload_error) = (None, None);
                Ok(manifest)
            }
            Err(error) => {
                tracing::warn!(plugin = self.config.name, "{error}");
                self.tally.remember(&error);
                let kept = state.loaded.is_some();
                let slot = if kept {
                    &mut state.reload_error
                } else {
                    &mut state.start_error
                };
                *slot = Some(error.clone());
                Err(error)
            }
        };
        drop(state);
        self.ready.notify_all();
        self.work.notify_all();
        result
    }

    fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        let generation = {
            let mut state = lock(&self.state);
            if state.closed {
                return Err(PluginError::Closed);
            }
            state.generation += 1;
            state.generation
        };
        match read_source(&self.config.file, generation) {
            Ok(source) => self.load(&source),
            Err(error) => {
                lock(&self.state).reload_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Answers what is late, and loads the file when it changes, until the plug-in is closed. It
    /// never enters the interpreter, where it might be kept.
    fn watch(self: &Arc<Self>) {
        let mut seen = stamp(&self.config.file);
        for tick in 1.. {
            std::thread::sleep(TICK);
            if lock(&self.state).closed {
                return;
            }
            self.answer_late();
            if self.config.watch && tick % WATCH == 0 {
                let now = stamp(&self.config.file);
                if now.is_some() && now != seen {
                    seen = now;
                    let inner = self.clone();
                    let begun = thread::spawn("resight-load", move || {
                        // Told by the status.
                        let _error = inner.reload();
                    });
                    if let Err(error) = begun {
                        lock(&self.state).reload_error = Some(error);
                    }
                }
            }
        }
    }

    fn answer_late(self: &Arc<Self>) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let late: Vec<u64> = state
            .running
            .iter()
            .filter(|(_, running)| running.until <= now)
            .map(|(number, _)| *number)
            .collect();
        let late: Vec<Running> = late
            .iter()
            .filter_map(|number| state.running.remove(number))
            .collect();
        state.stuck += late.len();
        state.threads -= late.len();
        let broken = (self.health(&state) == Health::Broken).then(|| self.broken(&state));
        let limit = self.config.wait_limit;
        let (gone, rest): (VecDeque<Job>, VecDeque<Job>) = std::mem::take(&mut state.queue)
            .into_iter()
            .partition(|job| job.since.elapsed() > limit);
        state.queue = rest;
        let waiting = state.queue.len() + gone.len();
        let more = self.bound().saturating_sub(state.stuck);
        let missing = self.config.workers.saturating_sub(state.threads).min(more);
        drop(state);
        for job in gone {
            let error = broken.clone().unwrap_or_else(|| busy(waiting));
            self.finish(&job, Err(error));
        }
        for running in late {
            for job in &running.jobs {
                let error = PluginError::Timeout {
                    function: job.call.function.to_string(),
                    limit: running.limit,
                    output: Vec::new(),
                    file: self.config.file.to_string_lossy().into_owned(),
                    line: None,
                };
                self.finish(job, Err(error));
            }
            // On a thread of its own, as it may have to wait for ever.
            let stop = move || interpreter::stop(running.thread);
            if let Err(error) = thread::spawn("resight-stop", stop) {
                self.tally.remember(&error);
            }
        }
        for _ in 0..missing {
            if let Err(error) = thread::start(self) {
                self.tally.remember(&error);
            }
        }
    }
}

fn busy(waiting: usize) -> PluginError {
    PluginError::Busy {
        waiting,
        retry_after: Duration::from_secs(1),
    }
}

fn wait<'a>(on: &Condvar, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
    let waited = on.wait_timeout(state, limit);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
