//! A thread that calls the author's functions. It keeps its Python thread state, so that what
//! libraries store for each thread stays, and releases the interpreter's lock while it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use pyo3::Python;

use super::interpreter::{self, Loaded};
use super::{RunningBatch, Shared, State};
use crate::call::Call;
use crate::error::PluginError;
use crate::queue::calls::QueuedCall;
use crate::queue::reply_slot::Cancel;
use crate::worker::Served;

/// How long a thread looks for the next call before it sleeps: waking it takes longer than a short
/// function.
const AWAKE: Duration = Duration::from_micros(150);

/// Calls that a thread has to make.
struct Assignment {
    /// Its key in [`State::running`].
    number: u64,
    loaded: Arc<Loaded>,
    calls: Vec<Call<'static>>,
    /// Set when nobody waits for the reply any longer.
    unwanted: Arc<AtomicBool>,
}

pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), PluginError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(PluginError::no_thread)
}

/// Starts a thread that serves the queue.
pub(super) fn start(shared: &Arc<Shared>) -> Result<(), PluginError> {
    shared.state.lock().threads += 1;
    let own = shared.clone();
    let started = spawn("resight-python", move || {
        Python::attach(|py| {
            let thread = interpreter::thread_number(py);
            while let Some(assignment) = py.detach(|| own.next(thread)) {
                let calls: Vec<&Call<'_>> = assignment.calls.iter().collect();
                let limit = own.config.max_result;
                let result = interpreter::answer(
                    py,
                    &assignment.loaded,
                    &calls,
                    &assignment.unwanted,
                    limit,
                );
                drop(calls);
                if !py.detach(|| own.done(assignment, result)) {
                    return;
                }
            }
        });
    });
    if started.is_err() {
        shared.state.lock().threads -= 1;
    }
    started
}

impl Shared {
    /// Waits for the next calls, which then count as running on `thread`; `None` when the plug-in is
    /// closed.
    fn next(&self, thread: u64) -> Option<Assignment> {
        let asked = Instant::now();
        let mut state = self.state.lock();
        while !state.closed {
            let now = Instant::now();
            let loaded = state.loaded.clone();
            let ready = match &loaded {
                Some(loaded) => state.calls.first_ready(&loaded.manifest, now),
                None => Err(None),
            };
            match (ready, loaded) {
                (Ok(position), Some(loaded)) => {
                    let assignment = match state.take_call(position, &loaded) {
                        Some((queued, Ok(()))) => self.gather(&mut state, queued, loaded, thread),
                        Some((queued, Err(error))) => {
                            MutexGuard::unlocked(&mut state, || self.finish(queued, Err(error)));
                            None
                        }
                        None => None,
                    };
                    if assignment.is_some() {
                        return assignment;
                    }
                }
                _ if asked.elapsed() < AWAKE => {
                    MutexGuard::unlocked(&mut state, std::thread::yield_now);
                }
                (ready, _) => {
                    let until = ready.err().flatten();
                    let until = until.unwrap_or(now + Duration::from_secs(1));
                    self.work.wait_until(&mut state, until);
                }
            }
        }
        None
    }

    /// Takes the calls that `first` is gathered with. `None` when nobody waits for any of them.
    fn gather(
        &self,
        state: &mut State,
        first: QueuedCall,
        loaded: Arc<Loaded>,
        thread: u64,
    ) -> Option<Assignment> {
        let gathering = first.gathering();
        let mut calls = vec![first];
        if let Some((most, _)) = gathering {
            state.calls.gather(&mut calls, most);
        }
        let unwanted = Arc::new(AtomicBool::new(false));
        let flag = unwanted.clone();
        // A call in this process cannot be killed.
        let cancel: Cancel = Arc::new(move |_kill| flag.store(true, Ordering::Relaxed));
        calls.retain(|queued| queued.reply.set_running(cancel.clone()));
        let limits = calls.iter().map(|queued| queued.options.time_limit);
        let limit = limits.map(|l| l.unwrap_or(self.config.time_limit)).max()?;
        let number = state.next;
        state.next += 1;
        let assignment = Assignment {
            number,
            loaded,
            calls: calls.iter().map(|queued| queued.call.clone()).collect(),
            unwanted,
        };
        let running = RunningBatch {
            until: Instant::now() + limit,
            limit,
            calls,
            thread,
        };
        state.running.insert(number, running);
        Some(assignment)
    }

    /// Finishes the calls. Returns whether this thread still serves the queue.
    fn done(&self, assignment: Assignment, result: Result<Served, PluginError>) -> bool {
        let mut state = self.state.lock();
        let Some(running) = state.running.remove(&assignment.number) else {
            // The calls ran past their limit: they were answered, and this thread was replaced.
            state.stuck = state.stuck.saturating_sub(1);
            return false;
        };
        let mut calls = running.calls;
        if result.is_err() && calls.len() > 1 {
            // Any of the gathered calls may be to blame: try each again.
            for queued in &mut calls {
                queued.reply.set_waiting();
                queued.alone = true;
            }
            state.calls.push_front(calls);
            drop(state);
            self.work.notify_all();
            return true;
        }
        drop(state);
        match result {
            Ok((replies, _run_time)) => {
                for (queued, reply) in calls.into_iter().zip(replies) {
                    self.finish(queued, Ok(reply));
                }
            }
            Err(error) => {
                for queued in calls {
                    self.finish(queued, Err(error.clone()));
                }
            }
        }
        true
    }
}

impl State {
    /// Takes a call that waits, with the function it names looked up again after a reload.
    fn take_call(
        &mut self,
        position: usize,
        loaded: &Loaded,
    ) -> Option<(QueuedCall, Result<(), PluginError>)> {
        let mut queued = self.calls.take(position)?;
        let resolved = queued.call.resolve(&loaded.manifest);
        Some((queued, resolved))
    }
}
