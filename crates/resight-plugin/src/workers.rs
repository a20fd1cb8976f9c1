//! A plug-in in worker processes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::flight;
use crate::lock;
use crate::manifest::Manifest;
use crate::monitor::Cause;
use crate::pool::Pool;
use crate::slot::Transports;
use crate::state::State;
use crate::status::Status;
use crate::supervisor::{read_source, supervise};
use crate::ticket::{CallOptions, Callback, Outcome, Ticket};
use crate::turn::Turn;
use crate::value::Call;
use crate::worker::Setting;

/// Dropping it ends its workers and whatever they started.
pub(crate) struct Workers {
    pool: Arc<Pool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(crate) fn start(config: PluginConfig) -> Result<Self, PluginError> {
        let source = read_source(&config.file, 1)?;
        let state = State::new(&config, source);
        let workers = config.workers;
        let setting = Arc::new(Setting {
            transports: Transports::from(config.transport),
            config,
        });
        let pool = Pool::new(setting, state);
        let mut plugin = Self {
            pool,
            threads: Vec::new(),
        };
        plugin.thread("resight-plugin", |pool| supervise(&pool))?;
        for _ in 0..workers {
            plugin.thread("resight-runner", |pool| pool.serve())?;
        }
        Ok(plugin)
    }

    fn thread(
        &mut self,
        name: &str,
        run: impl FnOnce(Arc<Pool>) + Send + 'static,
    ) -> Result<(), PluginError> {
        let pool = self.pool.clone();
        let thread = std::thread::Builder::new().name(name.into());
        let thread = thread
            .spawn(move || run(pool))
            .map_err(|e| PluginError::Io {
                detail: format!("no thread can be started: {e}"),
            })?;
        self.threads.push(thread);
        Ok(())
    }

    pub(crate) fn config(&self) -> &PluginConfig {
        &self.pool.setting.config
    }

    pub(crate) fn wait_ready(&self, limit: Duration) -> Result<Arc<Manifest>, PluginError> {
        let until = Instant::now() + limit;
        let mut state = lock(&self.pool.state);
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
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(PluginError::StartFailed {
                    reason: format!("no worker was ready within {limit:?}"),
                    traceback: String::new(),
                });
            }
            state = match self.pool.ready.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    pub(crate) fn manifest(&self) -> Option<Arc<Manifest>> {
        lock(&self.pool.state).manifest.clone()
    }

    pub(crate) fn call_with(&self, call: Call<'_>, options: CallOptions) -> Outcome {
        self.pool.call(call, options)
    }

    pub(crate) async fn call_async(&self, call: Call<'static>, options: CallOptions) -> Outcome {
        flight::call(&self.pool, call, options).await
    }

    pub(crate) fn submit(
        &self,
        call: Call<'static>,
        options: CallOptions,
        done: Option<Callback>,
    ) -> Ticket {
        let ticket = Ticket::new(Some(&self.pool), options, done);
        self.pool.enqueue(call, options, &ticket.shared, 0);
        ticket
    }

    pub(crate) fn reload(&self) -> Result<Arc<Manifest>, PluginError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        {
            let mut state = lock(&self.pool.state);
            if state.closed {
                return Err(PluginError::Closed);
            }
            // A reload that runs already may have read an older file: its end is not this one's.
            while state.incubation.is_some() && !state.closed {
                state = match self
                    .pool
                    .ready
                    .wait_timeout(state, Duration::from_millis(50))
                {
                    Ok((state, _)) => state,
                    Err(poisoned) => PoisonError::into_inner(poisoned).0,
                };
            }
            state.reload_wanted = true;
            state.reloads.push(sender);
        }
        self.pool.control.notify_all();
        receiver.recv().unwrap_or(Err(PluginError::Closed))
    }

    pub(crate) fn status(&self) -> Status {
        let pool = &self.pool;
        let wanted = pool.setting.config.workers;
        let mut state = lock(&pool.state);
        state.turns.retain(Turn::is_wanted);
        let health = state.health(wanted);
        let (calls, errors) = pool.tally.calls();
        let alive = state.monitors.iter().filter_map(std::sync::Weak::upgrade);
        Status {
            name: pool.setting.config.name.clone(),
            health,
            reason: (health != crate::Health::Ok)
                .then(|| state.reason())
                .flatten(),
            generation: state.manifest.as_ref().map_or(0, |m| m.generation),
            workers: state.live,
            wanted,
            starting: state.starting + state.incubation.as_ref().map_or(0, |i| i.pending),
            queued: state.waiting(),
            running: state.busy,
            calls,
            errors,
            restarts: Cause::ALL
                .iter()
                .zip(&pool.restarts)
                .map(|(cause, n)| (*cause, n.load(Ordering::Relaxed)))
                .filter(|(_, n)| *n > 0)
                .collect::<BTreeMap<_, _>>(),
            quarantined: state.quarantine.len(),
            transport: pool.setting.transports.best(),
            latency: pool.tally.latency.summary(),
            last_error: pool.tally.last_error(),
            pids: alive.filter(|m| !m.exited()).map(|m| m.pid()).collect(),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.pool.state).closed = true;
        self.pool.control.notify_all();
        self.pool.work.notify_all();
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}
