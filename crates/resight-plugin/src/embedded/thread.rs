//! A thread that calls the author's functions. It keeps its place in the interpreter, so that what
//! libraries store for each thread stays, and leaves the interpreter's lock while it waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyo3::Python;

use super::interpreter::{self, Loaded};
use super::{Inner, Running, State, wait};
use crate::error::PluginError;
use crate::lock;
use crate::state::gather;
use crate::ticket::{Interrupt, Job};
use crate::value::Call;

/// A thread whose calls follow each other within this time looks for the next one before it
/// sleeps: to be woken takes longer than a short function.
const AWAKE: Duration = Duration::from_micros(150);

/// Tells `resight.cancelled()`. A call here cannot be killed.
struct Unwanted(Arc<AtomicBool>);

impl Interrupt for Unwanted {
    fn interrupt(&self, _kill: bool) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a thread has to do.
struct Task {
    number: u64,
    loaded: Arc<Loaded>,
    calls: Vec<Call<'static>>,
    unwanted: Arc<AtomicBool>,
}

enum Taken {
    Task(Task),
    /// Nobody waited for it.
    Nothing,
    /// More calls may come to be gathered.
    Wait(Duration),
}

pub(super) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), PluginError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(|e| PluginError::Io {
        detail: format!("no thread can be started: {e}"),
    })
}

/// Starts a thread that serves the queue.
pub(super) fn start(inner: &Arc<Inner>) -> Result<(), PluginError> {
    lock(&inner.state).threads += 1;
    let own = inner.clone();
    let started = spawn("resight-python", move || {
        Python::attach(|py| {
            let thread = interpreter::thread_number(py);
            while let Some(task) = py.detach(|| own.next(thread)) {
                let calls: Vec<&Call<'_>> = task.calls.iter().collect();
                let limit = own.config.max_result;
                let result = interpreter::answer(py, &task.loaded, &calls, &task.unwanted, limit);
                drop(calls);
                if !py.detach(|| own.done(task, result)) {
                    return;
                }
            }
        });
    });
    if started.is_err() {
        lock(&inner.state).threads -= 1;
    }
    started
}

impl Inner {
    /// The next calls, put down as running on `thread`; none when the plug-in is closed.
    fn next(&self, thread: u64) -> Option<Task> {
        let asked = Instant::now();
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return None;
            }
            if state.loaded.is_some() && !state.queue.is_empty() {
                match self.take(&mut state, thread) {
                    Taken::Task(task) => return Some(task),
                    Taken::Nothing => {}
                    Taken::Wait(left) => state = wait(&self.work, state, left),
                }
                continue;
            }
            if asked.elapsed() < AWAKE {
                drop(state);
                std::thread::yield_now();
                state = lock(&self.state);
            } else {
                state = wait(&self.work, state, Duration::from_secs(1));
            }
        }
    }

    /// Takes a job and those that can be gathered with it, unless nobody waits for them.
    fn take(&self, state: &mut State, thread: u64) -> Taken {
        let (Some(loaded), Some(first)) = (state.loaded.clone(), state.queue.pop_front()) else {
            return Taken::Nothing;
        };
        let mut jobs = vec![first];
        let function = loaded.manifest.function(&jobs[0].call.function);
        // It may have been one of the version before.
        let Some(function) = function else {
            for job in jobs {
                let error = PluginError::NoFunction {
                    function: job.call.function.to_string(),
                    known: loaded.manifest.names(),
                };
                self.finish(&job, Err(error));
            }
            return Taken::Nothing;
        };
        if let Some(batch) = function.batch.filter(|_| !jobs[0].alone) {
            let until = jobs[0].since + Duration::from_secs_f64(batch.wait_ms / 1e3);
            let left = until.saturating_duration_since(Instant::now());
            gather(&mut state.queue, &mut jobs, batch.max);
            if jobs.len() < batch.max && !left.is_zero() {
                for job in jobs.into_iter().rev() {
                    state.queue.push_front(job);
                }
                return Taken::Wait(left);
            }
        }
        let unwanted = Arc::new(AtomicBool::new(false));
        let on: Arc<dyn Interrupt> = Arc::new(Unwanted(unwanted.clone()));
        jobs.retain(|job| job.shared.running(on.clone()));
        let limits = jobs.iter().map(|job| job.options.time_limit);
        let limits = limits.map(|limit| limit.unwrap_or(self.config.time_limit));
        let Some(limit) = limits.max() else {
            return Taken::Nothing;
        };
        let calls = jobs.iter().map(|job| job.call.clone()).collect();
        let number = state.next;
        state.next += 1;
        let running = Running {
            until: Instant::now() + limit,
            limit,
            jobs,
            thread,
        };
        state.running.insert(number, running);
        Taken::Task(Task {
            number,
            loaded,
            calls,
            unwanted,
        })
    }

    /// Answers the calls; whether this thread is still one of those that serve.
    fn done(&self, task: Task, result: interpreter::Answer) -> bool {
        let mut state = lock(&self.state);
        let Some(running) = state.running.remove(&task.number) else {
            // It was answered when its time was over, and this thread was replaced.
            state.stuck = state.stuck.saturating_sub(1);
            return false;
        };
        if result.is_err() && running.jobs.len() > 1 {
            // Of several gathered calls one may be to blame for all.
            for mut job in running.jobs.into_iter().rev() {
                job.shared.queued_again();
                job.alone = true;
                state.queue.push_front(job);
            }
            drop(state);
            self.work.notify_all();
            return true;
        }
        drop(state);
        let jobs: Vec<Job> = running.jobs;
        match result {
            Ok((replies, _spent)) => {
                for (job, reply) in jobs.iter().zip(replies) {
                    self.finish(job, Ok(reply));
                }
            }
            Err(error) => {
                for job in &jobs {
                    self.finish(job, Err(error.clone()));
                }
            }
        }
        true
    }
}
