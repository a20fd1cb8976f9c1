//! What the threads of a plug-in share under one lock.

use std::io;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;

use super::breaker::Breaker;
use super::calls::{CallQueue, QueuedCall};
use super::quarantine::Quarantine;
use super::suspects::Suspects;
use crate::config::PluginConfig;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::status::Health;
use crate::supervisor::stamp::FileStamp;
use crate::worker::Worker;
use crate::worker::process::WorkerProcess;
use crate::worker::spawn::SourceFile;

/// Gets the result of a reload.
pub(crate) type ReloadWaiter = SyncSender<Result<Arc<Manifest>, PluginError>>;

/// A generation of workers that is being started and does not serve yet.
pub(crate) struct NextGeneration {
    pub(crate) source: Arc<SourceFile>,
    /// Of the file, taken before `source` was read or found to be the same still.
    pub(crate) stamp: FileStamp,
    pub(crate) pending: usize,
    pub(crate) ready: Vec<Worker>,
    pub(crate) failed: Option<PluginError>,
    pub(crate) waiters: Vec<ReloadWaiter>,
}

pub(crate) struct State {
    /// Of the generation that serves; none before the first worker is ready.
    pub(crate) manifest: Option<Arc<Manifest>>,
    pub(crate) source: Arc<SourceFile>,
    pub(crate) calls: CallQueue,
    /// Free workers, all of the generation that serves.
    pub(crate) idle: Vec<Worker>,
    /// Workers of the generation that serves, free or not.
    pub(crate) live: usize,
    /// Threads that serve the queue and run no call.
    pub(crate) free_runners: usize,
    /// Workers of any generation that run a call or a ping.
    pub(crate) busy: usize,
    pub(crate) starting: usize,
    /// The configured number of workers.
    pub(crate) wanted: usize,
    /// Every worker process there is.
    pub(crate) processes: Vec<Weak<WorkerProcess>>,
    /// Those that are being started, with the version of the file that they load.
    pub(crate) loading: Vec<(Arc<SourceFile>, Weak<WorkerProcess>)>,
    /// Processes of a version that is out of date before they are ready. The supervisor kills them after
    /// it has released the lock.
    pub(crate) outdated: Vec<Arc<WorkerProcess>>,
    /// Counts deaths that no function is to blame for.
    pub(crate) breaker: Breaker,
    pub(crate) suspects: Suspects,
    pub(crate) quarantine: Quarantine,
    pub(crate) start_error: Option<PluginError>,
    pub(crate) reload_error: Option<PluginError>,
    pub(crate) last_death: Option<String>,
    pub(crate) next_generation: Option<NextGeneration>,
    pub(crate) reload_waiters: Vec<ReloadWaiter>,
    pub(crate) reload_wanted: bool,
    /// Workers that no thread could be started to retire. The supervisor drops them after it has released
    /// the lock, as that kills them and waits for their end.
    pub(crate) unretired: Vec<Worker>,
    /// Threads that the supervisor joins.
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) closed: bool,
}

impl State {
    pub(crate) fn new(config: &PluginConfig, source: SourceFile) -> Self {
        Self {
            manifest: None,
            source: Arc::new(source),
            calls: CallQueue::new(config.queue),
            idle: Vec::new(),
            live: 0,
            free_runners: 0,
            busy: 0,
            starting: 0,
            wanted: config.workers,
            processes: Vec::new(),
            loading: Vec::new(),
            outdated: Vec::new(),
            breaker: Breaker::of(config),
            suspects: Suspects::new(config),
            quarantine: Quarantine::new(config.quarantine),
            start_error: None,
            reload_error: None,
            last_death: None,
            next_generation: None,
            reload_waiters: Vec::new(),
            reload_wanted: false,
            unretired: Vec::new(),
            threads: Vec::new(),
            closed: false,
        }
    }

    /// Whether no call can be served, now or in a moment.
    pub(crate) fn is_broken(&self) -> bool {
        self.live == 0 && (self.breaker.is_open() || self.start_error.is_some())
    }

    /// The error for calls while the plug-in is broken.
    pub(crate) fn broken(&self) -> PluginError {
        PluginError::Broken {
            reason: self.reason().unwrap_or_else(|| "no worker is left".into()),
            retry_after: self.breaker.retry_after(Instant::now()),
        }
    }

    /// The error for calls of `function` while it ends one worker after the other.
    pub(crate) fn refusal(&mut self, function: &str) -> Option<PluginError> {
        let refusal = self.suspects.refusal(function, Instant::now());
        let (reason, retry_after) = refusal?;
        Some(PluginError::CrashLoop {
            function: function.to_owned(),
            reason: reason.to_owned(),
            retry_after,
        })
    }

    /// Takes the calls that wait for functions which are refused now, each with its error.
    pub(crate) fn take_refused(&mut self) -> Vec<(QueuedCall, PluginError)> {
        let mut refused = Vec::new();
        if self.suspects.refused().is_none() {
            return refused;
        }
        for queued in self.calls.take_all() {
            match self.refusal(&queued.call.function) {
                Some(error) => refused.push((queued, error)),
                None => self.calls.push(queued),
            }
        }
        refused
    }

    /// What is wrong, in a sentence.
    pub(crate) fn reason(&self) -> Option<String> {
        let start = self.start_error.as_ref().map(PluginError::to_string);
        let reload = self.reload_error.as_ref();
        start
            .or_else(|| reload.map(|error| format!("the new version: {error}")))
            .or_else(|| {
                let (function, reason) = self.suspects.refused()?;
                Some(format!(
                    "{function} is refused for a while, as it ends its workers: {reason}"
                ))
            })
            .or_else(|| self.last_death.clone())
    }

    pub(crate) fn health(&self) -> Health {
        if self.closed || self.is_broken() {
            Health::Broken
        } else if self.manifest.is_none() {
            Health::Starting
        } else if self.live >= self.wanted
            && self.breaker.is_closed()
            && self.reload_error.is_none()
            && self.suspects.refused().is_none()
        {
            Health::Ok
        } else {
            Health::Degraded
        }
    }

    /// Position of the oldest call that may have a worker; `None` when no worker is free either.
    pub(crate) fn next_call(&self) -> Option<(usize, &QueuedCall)> {
        if self.idle.is_empty() {
            return None;
        }
        self.calls.find(|function| self.may_run(function))
    }

    /// Whether `function` may have a free worker.
    pub(crate) fn may_run(&self, function: &str) -> bool {
        self.suspects.may_run(function, self.live, self.wanted)
    }

    /// Takes a free worker for a call of `function`.
    pub(crate) fn take_idle(&mut self, function: &str) -> Option<Worker> {
        let mut worker = self.idle.pop()?;
        self.busy += 1;
        let at_risk = self.suspects.began(function);
        worker.at_risk = at_risk.then(|| function.to_owned());
        Some(worker)
    }

    /// Takes a call that waits, with the function it names looked up again after a reload.
    pub(crate) fn take_call(
        &mut self,
        position: usize,
    ) -> Option<(QueuedCall, Result<(), PluginError>)> {
        let mut queued = self.calls.take(position)?;
        let resolved = match &self.manifest {
            Some(manifest) => queued.call.resolve(manifest),
            None => Ok(()),
        };
        Some((queued, resolved))
    }

    /// Counts a worker as free or gone.
    pub(crate) fn released(&mut self, worker: &mut Worker) {
        self.busy -= 1;
        if let Some(function) = worker.at_risk.take() {
            self.suspects.ended(&function);
        }
    }

    /// Whether `source` is neither what serves nor what is to serve next.
    pub(crate) fn is_outdated(&self, source: &Arc<SourceFile>) -> bool {
        let next = self.next_generation.as_ref().map(|next| &next.source);
        !Arc::ptr_eq(source, &self.source) && !next.is_some_and(|next| Arc::ptr_eq(source, next))
    }

    /// Has the processes killed that load a version of the file which is out of date.
    pub(crate) fn give_up_outdated(&mut self) {
        for (source, process) in std::mem::take(&mut self.loading) {
            if !self.is_outdated(&source) {
                self.loading.push((source, process));
            } else if let Some(process) = process.upgrade() {
                self.outdated.push(process);
            }
        }
    }

    /// Starts a thread that the supervisor joins.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Starts a thread that runs `run` with `value` and that the supervisor joins. Without a thread it
    /// returns `value`, which is not dropped under the lock.
    pub(crate) fn spawn_with<T: Send + 'static>(
        &mut self,
        name: &str,
        value: T,
        run: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), (T, io::Error)> {
        lend(value, run, |work| self.spawn(name, work))
    }

    /// Ends a worker without making anybody wait for it.
    pub(crate) fn retire(&mut self, worker: Worker) {
        self.retire_by(worker, |state, work| state.spawn("resight-retire", work));
    }

    /// As [`State::retire`], on a thread that `spawn` starts.
    pub(crate) fn retire_by(
        &mut self,
        worker: Worker,
        spawn: impl FnOnce(&mut Self, Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) {
        let lent = lend(worker, Worker::retire, |work| spawn(self, work));
        if let Err((worker, _no_thread)) = lent {
            self.unretired.push(worker);
        }
    }
}

/// Has `spawn` run `run` with `value`. Returns `value` when `spawn` drops its work and fails.
fn lend<T: Send + 'static>(
    value: T,
    run: impl FnOnce(T) + Send + 'static,
    spawn: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
) -> Result<(), (T, io::Error)> {
    let lent = Arc::new(Mutex::new(Some(value)));
    let taken = lent.clone();
    let work = Box::new(move || {
        let value = taken.lock().take();
        if let Some(value) = value {
            run(value);
        }
    });
    match spawn(work) {
        Ok(()) => Ok(()),
        Err(error) => match lent.lock().take() {
            Some(value) => Err((value, error)),
            // The work began all the same.
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_thread_what_was_lent_comes_back_undropped() {
        let value = Arc::new(7);
        let refuse = |work| {
            drop(work);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let run = |_: Arc<i32>| panic!("nothing runs it");
        let Err((back, error)) = lend(value.clone(), run, refuse) else {
            panic!("there is no thread");
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(Arc::ptr_eq(&back, &value));
        let (sender, receiver) = std::sync::mpsc::channel();
        let spawn = |work: Box<dyn FnOnce() + Send>| {
            std::thread::spawn(work);
            Ok(())
        };
        let run = move |value: Arc<i32>| sender.send(*value).unwrap();
        assert!(lend(value, run, spawn).is_ok());
        assert_eq!(receiver.recv(), Ok(7));
    }
}
