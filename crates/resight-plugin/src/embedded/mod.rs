//! A plug-in that runs inside this process: `--features embed`.
//!
//! Its threads keep their Python thread state as long as they live, and release the interpreter's
//! lock while they wait. Nothing here can protect the server from the author's code: a crash, an exit
//! from C, a leak or a lock that is never released is the server's own. What holds: the bounds of the
//! queue, an answer at the time limit, errors with their tracebacks, reloads.

mod interpreter;
mod late;
mod lent;
mod thread;

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interpreter::Loaded;
use parking_lot::{Condvar, Mutex};

use crate::call::{Call, CallOptions};
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::metrics::Metrics;
use crate::queue::calls::{CallQueue, QueuedCall};
use crate::queue::reply_slot::PendingReply;
use crate::reply::Outcome;
use crate::status::{Health, Status};
use crate::supervisor::start::read_source;
use crate::worker::memory::Transport;
use crate::worker::spawn::SourceFile;

/// A plug-in inside this process.
pub(crate) struct EmbeddedPlugin(Arc<Shared>);

/// What the threads of the plug-in share.
struct Shared {
    config: PluginConfig,
    state: Mutex<State>,
    /// Wakes the threads: a call was queued, or the plug-in was closed.
    work: Condvar,
    /// Wakes those that wait for the file to be loaded.
    ready: Condvar,
    metrics: Metrics,
    /// Held while a file is loaded, so that it is one at a time.
    loading: Mutex<()>,
}

struct State {
    loaded: Option<Arc<Loaded>>,
    generation: u64,
    start_error: Option<PluginError>,
    reload_error: Option<PluginError>,
    calls: CallQueue,
    running: HashMap<u64, RunningBatch>,
    /// Key of the next entry of `running`.
    next: u64,
    /// Threads that are free or run a call within its time limit.
    threads: usize,
    /// Threads whose call ran past its time limit and was given up.
    stuck: usize,
    closed: bool,
}

/// Calls that one thread runs.
struct RunningBatch {
    calls: Vec<QueuedCall>,
    until: Instant,
    limit: Duration,
    /// Python's number of the thread.
    thread: u64,
}

impl EmbeddedPlugin {
    pub(crate) fn start(config: PluginConfig) -> Result<Self, PluginError> {
        let source = read_source(&config.file, 1)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                loaded: None,
                generation: 1,
                start_error: None,
                reload_error: None,
                calls: CallQueue::new(config.queue),
                running: HashMap::new(),
                next: 0,
                threads: 0,
                stuck: 0,
                closed: false,
            }),
            work: Condvar::new(),
            ready: Condvar::new(),
            metrics: Metrics::default(),
            loading: Mutex::new(()),
            config,
        });
        let plugin = Self(shared.clone());
        let loading = shared.clone();
        thread::spawn("resight-load", move || {
            // The status reports the error.
            let _error = loading.load(&source);
        })?;
        for _ in 0..shared.config.workers {
            thread::start(&shared)?;
        }
        thread::spawn("resight-plugin", move || shared.watch())?;
        Ok(plugin)
    }

    pub(crate) fn config(&self) -> &PluginConfig {
        &self.0.config
    }

    pub(crate) fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        let until = Instant::now() + limit;
        let mut state = self.0.state.lock();
        loop {
            if let Some(loaded) = &state.loaded {
                return Ok(loaded.manifest.clone());
            }
            if let Some(error) = &state.start_error {
                return Err(error.clone());
            }
            if self.0.ready.wait_until(&mut state, until).timed_out() {
                return Err(PluginError::StartFailed {
                    reason: format!("the file was not loaded within {limit:?}"),
                    traceback: String::new(),
                });
            }
        }
    }

    pub(crate) fn manifest(&self) -> Option<Arc<Manifest>> {
        let state = self.0.state.lock();
        state.loaded.as_ref().map(|loaded| loaded.manifest.clone())
    }

    pub(crate) fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        self.submit(call.into_owned(), options).wait()
    }

    pub(crate) async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        let pending = self.submit(call, options);
        poll_fn(|context| pending.poll(context)).await
    }

    pub(crate) fn submit(&self, call: Call<'static>, options: CallOptions) -> PendingReply {
        let (queued, pending) = QueuedCall::new(call, options);
        self.0.enqueue(queued);
        pending
    }

    pub(crate) fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        self.0.reload()
    }

    pub(crate) fn status(&self) -> Status {
        let (config, metrics) = (&self.0.config, &self.0.metrics);
        let mut state = self.0.state.lock();
        let health = state.health();
        Status {
            name: config.name.clone(),
            health,
            reason: state.reason().filter(|_| health != Health::Ok),
            generation: state.loaded.as_ref().map_or(0, |l| l.manifest.generation),
            workers: state.threads,
            wanted: config.workers,
            starting: usize::from(state.loaded.is_none() && state.start_error.is_none()),
            queued: state.calls.waiting(),
            running: state.running.len(),
            calls: metrics.calls(),
            errors: metrics.errors(),
            restarts: BTreeMap::new(),
            quarantined: 0,
            transport: Transport::Memory,
            latency: metrics.latency(),
            last_error: metrics.last_error(),
            pids: Vec::new(),
        }
    }
}

impl Drop for EmbeddedPlugin {
    /// Leaves the threads that run the author's code, as they cannot be ended.
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let mut calls = state.calls.take_all();
        calls.extend(state.running.drain().flat_map(|(_, running)| running.calls));
        drop(state);
        self.0.work.notify_all();
        for queued in calls {
            queued.reply.finish(Err(PluginError::Closed));
        }
    }
}

impl State {
    fn health(&self) -> Health {
        if self.closed || self.threads == 0 || self.start_error.is_some() {
            Health::Broken
        } else if self.loaded.is_none() {
            Health::Starting
        } else if self.stuck > 0 || self.reload_error.is_some() {
            Health::Degraded
        } else {
            Health::Ok
        }
    }

    /// What is wrong, in a sentence.
    fn reason(&self) -> Option<String> {
        let start = self.start_error.as_ref().map(PluginError::to_string);
        let reload = self.reload_error.as_ref();
        let stuck = self.stuck;
        start
            .or_else(|| {
                (stuck > 0).then(|| format!("{stuck} calls past their time limit still run"))
            })
            .or_else(|| reload.map(|error| format!("the new version: {error}")))
    }

    /// The error for calls while the plug-in is broken.
    fn broken(&self) -> PluginError {
        PluginError::Broken {
            reason: self.reason().unwrap_or_default(),
            retry_after: Duration::from_secs(10),
        }
    }

    /// Looks the function up and refuses a call that cannot be served.
    fn admit(&mut self, call: &mut Call<'_>) -> Result<(), PluginError> {
        if self.closed {
            return Err(PluginError::Closed);
        }
        if self.health() == Health::Broken {
            return Err(self.broken());
        }
        if let Some(loaded) = &self.loaded {
            call.resolve(&loaded.manifest)?;
        }
        if self.calls.is_full() {
            return Err(busy(self.calls.waiting()));
        }
        Ok(())
    }
}

impl Shared {
    fn enqueue(&self, mut queued: QueuedCall) {
        let mut state = self.state.lock();
        match state.admit(&mut queued.call) {
            Ok(()) => {
                state.calls.push(queued);
                drop(state);
                self.work.notify_one();
            }
            Err(error) => {
                drop(state);
                self.finish(queued, Err(error));
            }
        }
    }

    fn finish(&self, queued: QueuedCall, outcome: Outcome) {
        self.metrics.count(&outcome, queued.since);
        queued.reply.finish(outcome);
    }

    fn load(&self, source: &SourceFile) -> Result<Arc<Manifest>, PluginError> {
        let _one = self.loading.lock();
        let loaded = interpreter::load(&self.config.file, &self.config.python, source);
        let mut state = self.state.lock();
        let result = match loaded {
            Ok(loaded) => {
                let manifest = loaded.manifest.clone();
                state.loaded = Some(Arc::new(loaded));
                (state.start_error, state.reload_error) = (None, None);
                Ok(manifest)
            }
            Err(error) => {
                tracing::warn!(plugin = self.config.name, "{error}");
                self.metrics.remember(&error);
                if state.loaded.is_some() {
                    state.reload_error = Some(error.clone());
                } else {
                    state.start_error = Some(error.clone());
                }
                Err(error)
            }
        };
        drop(state);
        self.ready.notify_all();
        self.work.notify_all();
        result
    }

    fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(PluginError::Closed);
        }
        state.generation += 1;
        let generation = state.generation;
        drop(state);
        match read_source(&self.config.file, generation) {
            Ok(source) => self.load(&source),
            Err(error) => {
                self.state.lock().reload_error = Some(error.clone());
                Err(error)
            }
        }
    }
}

/// The error for a call when `waiting` others wait.
fn busy(waiting: usize) -> PluginError {
    PluginError::Busy {
        waiting,
        retry_after: Duration::from_secs(1),
    }
}
