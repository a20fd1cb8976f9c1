//! Answers calls at their limits of time, replaces their threads, and reloads a changed file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{RunningBatch, Shared, busy, interpreter, thread};
use crate::error::PluginError;
use crate::status::Health;
use crate::supervisor::stamp::FileStamp;

/// How often limits are checked.
const TICK: Duration = Duration::from_millis(20);
/// The file is checked for a change at every so many ticks.
const WATCH: u32 = 25;
/// Threads that may be lost to calls that do not end, for each worker, before no more are started.
const MOST_STUCK: usize = 4;

impl Shared {
    /// Runs until the plug-in is closed. Never enters the interpreter, where it might be kept.
    pub(super) fn watch(self: &Arc<Self>) {
        let mut stamp = FileStamp::of(&self.config.file);
        for tick in 1.. {
            std::thread::sleep(TICK);
            if self.state.lock().closed {
                return;
            }
            self.answer_late();
            if self.config.watch && tick % WATCH == 0 && stamp.changes(&self.config.file) {
                let shared = self.clone();
                let begun = thread::spawn("resight-load", move || {
                    // The status reports the error.
                    let _error = shared.reload();
                });
                if let Err(error) = begun {
                    self.state.lock().reload_error = Some(error);
                }
            }
        }
    }

    fn answer_late(self: &Arc<Self>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let late: Vec<RunningBatch> = state
            .running
            .extract_if(|_, running| running.until <= now)
            .map(|(_, running)| running)
            .collect();
        state.stuck += late.len();
        state.threads -= late.len();
        let is_broken = state.health() == Health::Broken;
        let broken = is_broken.then(|| state.broken());
        let overdue = state.calls.take_overdue(self.config.wait_limit);
        let waiting = state.calls.waiting() + overdue.len();
        let most_new = (MOST_STUCK * self.config.workers).saturating_sub(state.stuck);
        let missing = self.config.workers.saturating_sub(state.threads);
        drop(state);
        for queued in overdue {
            let error = broken.clone().unwrap_or_else(|| busy(waiting));
            self.finish(queued, Err(error));
        }
        for running in late {
            self.give_up(running);
        }
        for _ in 0..missing.min(most_new) {
            if let Err(error) = thread::start(self) {
                self.metrics.remember(&error);
            }
        }
    }

    /// Answers calls that ran past their limit, and asks their thread to stop.
    fn give_up(&self, running: RunningBatch) {
        for queued in running.calls {
            let error = PluginError::Timeout {
                function: queued.call.function.to_string(),
                limit: running.limit,
                output: Vec::new(),
                file: self.config.file.to_string_lossy().into_owned(),
                line: None,
            };
            self.finish(queued, Err(error));
        }
        // On a thread of its own, as it may have to wait for the interpreter's lock for ever.
        let stop = move || interpreter::stop(running.thread);
        if let Err(error) = thread::spawn("resight-stop", stop) {
            self.metrics.remember(&error);
        }
    }
}
