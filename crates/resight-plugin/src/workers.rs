//! A plug-in that runs in worker processes.

use std::sync::{Arc, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::call::{Call, CallOptions};
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::queue::calls::QueuedCall;
use crate::queue::reply_slot::PendingReply;
use crate::queue::state::State;
use crate::queue::{Queue, task};
use crate::reply::Outcome;
use crate::status::{Health, Status};
use crate::supervisor::start::read_source;
use crate::supervisor::supervise;
use crate::worker::WorkerContext;
use crate::worker::memory::Transports;

/// Dropping it ends its workers and whatever they started.
pub(crate) struct WorkerPlugin {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl WorkerPlugin {
    pub(crate) fn start(config: PluginConfig) -> Result<Self, PluginError> {
        let source = read_source(&config.file, 1)?;
        let state = State::new(&config, source);
        let context = Arc::new(WorkerContext {
            transports: Transports::from(config.transport),
            config,
        });
        let mut plugin = Self {
            queue: Arc::new(Queue::new(context, state)),
            threads: Vec::new(),
        };
        plugin.spawn("resight-plugin", |queue| supervise(&queue))?;
        let queue = &plugin.queue;
        let started = queue.add_runners(&mut queue.state.lock());
        started.map_err(PluginError::no_thread)?;
        Ok(plugin)
    }

    fn spawn(
        &mut self,
        name: &str,
        run: impl FnOnce(Arc<Queue>) + Send + 'static,
    ) -> Result<(), PluginError> {
        let queue = self.queue.clone();
        let thread = std::thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || run(queue));
        self.threads.push(thread.map_err(PluginError::no_thread)?);
        Ok(())
    }

    pub(crate) fn config(&self) -> &PluginConfig {
        &self.queue.context.config
    }

    pub(crate) fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        let until = Instant::now() + limit;
        let mut state = self.queue.state.lock();
        loop {
            if state.closed {
                return Err(PluginError::Closed);
            }
            if let Some(manifest) = &state.manifest {
                return Ok(manifest.clone());
            }
            if let Some(error) = &state.start_error {
                return Err(error.clone());
            }
            if self.queue.ready.wait_until(&mut state, until).timed_out() {
                return Err(PluginError::StartFailed {
                    reason: format!("no worker was ready within {limit:?}"),
                    traceback: String::new(),
                });
            }
        }
    }

    pub(crate) fn manifest(&self) -> Option<Arc<Manifest>> {
        self.queue.state.lock().manifest.clone()
    }

    pub(crate) fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        self.queue.call(call, options)
    }

    pub(crate) async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        task::call(&self.queue, call, options).await
    }

    pub(crate) fn submit(&self, call: Call<'static>, options: CallOptions) -> PendingReply {
        let (queued, pending) = QueuedCall::new(call, options);
        self.queue.enqueue(queued);
        pending
    }

    pub(crate) fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        let (waiter, result) = mpsc::sync_channel(1);
        let mut state = self.queue.state.lock();
        if state.closed {
            return Err(PluginError::Closed);
        }
        state.reload_wanted = true;
        state.reload_waiters.push(waiter);
        drop(state);
        self.queue.control.notify_all();
        result.recv().unwrap_or(Err(PluginError::Closed))
    }

    pub(crate) fn status(&self) -> Status {
        let (context, metrics) = (&self.queue.context, &self.queue.metrics);
        let mut state = self.queue.state.lock();
        let health = state.health();
        let next = state.next_generation.as_ref();
        let starting = state.starting + next.map_or(0, |next| next.pending);
        let processes = state.processes.iter().filter_map(Weak::upgrade);
        let running = processes.filter(|process| !process.exited());
        Status {
            name: context.config.name.clone(),
            health,
            reason: state.reason().filter(|_| health != Health::Ok),
            generation: state.manifest.as_ref().map_or(0, |m| m.generation),
            workers: state.live,
            wanted: state.wanted,
            starting,
            pids: running.map(|process| process.pid()).collect(),
            queued: state.calls.waiting(),
            running: state.busy,
            calls: metrics.calls(),
            errors: metrics.errors(),
            restarts: metrics.restarts(),
            quarantined: state.quarantine.len(),
            transport: context.transports.best(),
            latency: metrics.latency(),
            last_error: metrics.last_error(),
        }
    }
}

impl Drop for WorkerPlugin {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.control.notify_all();
        self.queue.work.notify_all();
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}
