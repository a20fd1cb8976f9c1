//! What the threads of a plug-in share under one lock.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::breaker::Breaker;
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::flight::Flight;
use crate::manifest::Manifest;
use crate::monitor::Monitor;
use crate::quarantine::Quarantine;
use crate::spawn::Source;
use crate::status::Health;
use crate::suspects::Suspects;
use crate::ticket::Job;
use crate::turn::Turn;
use crate::value::Call;
use crate::worker::Worker;

/// Told how a reload ended.
pub(crate) type Answer = SyncSender<Result<Arc<Manifest>, PluginError>>;

/// A generation that is not serving yet.
pub(crate) struct Incubation {
    pub(crate) source: Arc<Source>,
    pub(crate) pending: usize,
    pub(crate) ready: Vec<Worker>,
    pub(crate) failed: Option<PluginError>,
}

pub(crate) struct State {
    /// Of the generation that serves; none before the first worker is ready.
    pub(crate) manifest: Option<Arc<Manifest>>,
    pub(crate) source: Arc<Source>,
    /// Calls that the plug-in's own threads make.
    pub(crate) queue: VecDeque<Job>,
    /// Tasks that want a worker for a call of theirs, the oldest first.
    pub(crate) turns: VecDeque<Turn>,
    /// Calls that were sent while their tasks left.
    pub(crate) unwanted: Vec<Flight>,
    pub(crate) idle: Vec<Worker>,
    /// Workers of the serving generation that are ready or at work.
    pub(crate) live: usize,
    pub(crate) busy: usize,
    pub(crate) starting: usize,
    /// Every worker process there is.
    pub(crate) monitors: Vec<Weak<Monitor>>,
    pub(crate) breaker: Breaker,
    pub(crate) suspects: Suspects,
    /// Workers that there should be.
    pub(crate) wanted: usize,
    pub(crate) quarantine: Quarantine,
    pub(crate) start_error: Option<PluginError>,
    pub(crate) reload_error: Option<PluginError>,
    pub(crate) last_death: Option<String>,
    pub(crate) incubation: Option<Incubation>,
    pub(crate) reloads: Vec<Answer>,
    pub(crate) reload_wanted: bool,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) closed: bool,
}

impl State {
    pub(crate) fn new(config: &PluginConfig, source: Source) -> Self {
        Self {
            manifest: None,
            source: Arc::new(source),
            queue: VecDeque::new(),
            turns: VecDeque::new(),
            unwanted: Vec::new(),
            idle: Vec::new(),
            live: 0,
            busy: 0,
            starting: 0,
            monitors: Vec::new(),
            suspects: Suspects::default(),
            wanted: config.workers,
            breaker: Breaker::new(
                config.breaker_deaths,
                config.breaker_window,
                config.breaker_pause,
                config.restart_delay,
            ),
            quarantine: Quarantine::new(config.quarantine),
            start_error: None,
            reload_error: None,
            last_death: None,
            incubation: None,
            reloads: Vec::new(),
            reload_wanted: false,
            threads: Vec::new(),
            closed: false,
        }
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.turns.len()
    }

    /// Whether no call can be served, now or in a moment.
    pub(crate) fn is_broken(&self) -> bool {
        self.live == 0 && (self.breaker.is_open() || self.start_error.is_some())
    }

    /// Why calls are refused.
    pub(crate) fn broken(&self) -> PluginError {
        PluginError::Broken {
            reason: self.reason().unwrap_or_else(|| "no worker is left".into()),
            retry_after: self.breaker.retry_after(Instant::now()),
        }
    }

    pub(crate) fn reason(&self) -> Option<String> {
        let of = |e: &Option<PluginError>| e.as_ref().map(ToString::to_string);
        of(&self.start_error)
            .or_else(|| {
                self.reload_error
                    .as_ref()
                    .map(|e| format!("the new version: {e}"))
            })
            .or_else(|| self.last_death.clone())
    }

    pub(crate) fn health(&self, wanted: usize) -> Health {
        if self.closed || self.is_broken() {
            Health::Broken
        } else if self.manifest.is_none() {
            Health::Starting
        } else if self.live >= wanted && self.breaker.is_closed() && self.reload_error.is_none() {
            Health::Ok
        } else {
            Health::Degraded
        }
    }

    /// The gathering that the author wants for this call.
    pub(crate) fn batch(&self, call: &Call<'_>) -> Option<crate::manifest::Batch> {
        self.manifest.as_ref()?.function(&call.function)?.batch
    }
}

/// Moves those to `jobs` that can be gathered with its first, until there are `most`.
pub(crate) fn gather(queue: &mut VecDeque<Job>, jobs: &mut Vec<Job>, most: usize) {
    let mut i = 0;
    while i < queue.len() && jobs.len() < most {
        let fits = !queue[i].alone && queue[i].call.function == jobs[0].call.function;
        match fits.then(|| queue.remove(i)).flatten() {
            Some(job) => jobs.push(job),
            None => i += 1,
        }
    }
}
