//! The one thread that starts workers, watches them and replaces them.

pub(crate) mod reload;
pub(crate) mod stamp;
pub(crate) mod start;
pub(crate) mod watch;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::error::PluginError;
use crate::queue::Queue;
use crate::worker::death::Cause;
use reload::{begin_reload, finish_reload};
use stamp::FileStamp;
use start::start_missing;
use watch::{bury, check_limits, take_dead};

const TICK: Duration = Duration::from_millis(200);
/// How often the author's file is checked for a change.
const WATCH: Duration = Duration::from_millis(500);

/// Runs until the plug-in is closed. On Linux, workers die with this thread.
pub(crate) fn supervise(queue: &Arc<Queue>) {
    let config = &queue.context.config;
    let mut stamp = FileStamp::of(&config.file);
    let mut stamped = Instant::now();
    loop {
        let mut state = queue.state.lock();
        if state.closed {
            break;
        }
        begin_reload(queue, &mut state);
        start_missing(queue, &mut state);
        let overdue = state.calls.take_overdue(config.wait_limit);
        let waiting = state.calls.waiting() + overdue.len();
        let dead = take_dead(queue, &mut state);
        // A function that was held back as suspect may run once nobody calls others.
        queue.dispatch(&mut state);
        state.threads.retain(|thread| !thread.is_finished());
        let unretired = std::mem::take(&mut state.unretired);
        let outdated = std::mem::take(&mut state.outdated);
        drop(state);
        for process in outdated {
            process.kill(Cause::Cancelled, "the file has changed again".into());
        }
        queue.finish_all(overdue, &queue.busy(waiting));
        drop(unretired);
        bury(queue, dead);
        refuse_when_broken(queue);
        check_limits(queue);
        if config.watch && stamped.elapsed() >= WATCH {
            stamped = Instant::now();
            if stamp.changes(&config.file) {
                queue.state.lock().reload_wanted = true;
                continue;
            }
        }
        let mut state = queue.state.lock();
        if !state.closed {
            // Sooner while only the back-off delays a start.
            let is_short = state.live < state.wanted;
            let tick = if is_short { TICK / 8 } else { TICK };
            queue.control.wait_for(&mut state, tick);
        }
    }
    shut_down(queue);
}

/// Refuses the calls that wait while no worker will come soon, or while their function ends its workers.
fn refuse_when_broken(queue: &Queue) {
    let mut state = queue.state.lock();
    let refused = state.take_refused();
    if !refused.is_empty() {
        drop(state);
        for (queued, error) in refused {
            queue.finish(queued, Err(error));
        }
        state = queue.state.lock();
    }
    if state.is_broken() {
        let (error, calls) = (state.broken(), state.calls.take_all());
        drop(state);
        queue.finish_all(calls, &error);
    }
}

fn shut_down(queue: &Queue) {
    let mut state = queue.state.lock();
    let calls = state.calls.take_all();
    let idle: Vec<_> = state.idle.drain(..).collect();
    let mut next_generation = state.next_generation.take();
    let under_way = next_generation.iter_mut();
    let mut waiters: Vec<_> = under_way.flat_map(|next| next.waiters.drain(..)).collect();
    waiters.append(&mut state.reload_waiters);
    finish_reload(waiters, &Err(PluginError::Closed));
    let processes: Vec<_> = state.processes.iter().filter_map(Weak::upgrade).collect();
    state.live = 0;
    drop(state);
    queue.work.notify_all();
    queue.ready.notify_all();
    for process in &processes {
        process.kill(Cause::Cancelled, "the plug-in was shut down".into());
    }
    queue.finish_all(calls, &PluginError::Closed);
    drop((idle, next_generation));
    // A thread that ends may have started another one, or have left a worker that none could retire.
    loop {
        let mut state = queue.state.lock();
        let threads = std::mem::take(&mut state.threads);
        let unretired = std::mem::take(&mut state.unretired);
        drop(state);
        drop(unretired);
        if threads.is_empty() {
            return;
        }
        for thread in threads {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::config::PluginConfig;
    use crate::queue::state::State;
    use crate::worker::memory::Transports;
    use crate::worker::spawn::{SourceFile, spawn};
    use crate::worker::{Worker, WorkerContext};

    fn source() -> SourceFile {
        SourceFile {
            bytes: b"def f():\n    return 1\n".to_vec(),
            hash: "h".into(),
            generation: 1,
        }
    }

    /// Retires a worker while no thread can be started.
    fn retire(state: &mut State, worker: Worker) {
        let refuse = |_: &mut State, _| Err(io::ErrorKind::WouldBlock.into());
        state.retire_by(worker, refuse);
    }

    #[test]
    fn without_a_thread_a_retired_worker_lives_until_the_lock_is_released() {
        let config = PluginConfig::new("a.py");
        let mut state = State::new(&config, source());
        // So that the supervisor starts none.
        state.live = config.workers;
        let context = Arc::new(WorkerContext {
            transports: Transports::from(config.transport),
            config,
        });
        let worker = || {
            let starting = spawn(&context).unwrap();
            starting.handshake(&source()).ok().unwrap()
        };
        let queue = Arc::new(Queue::new(context.clone(), state));
        let (first, last) = (worker(), worker());
        let processes = [&first, &last].map(|worker| worker.process.clone());
        retire(&mut queue.state.lock(), first);
        assert!(!processes[0].exited());
        std::thread::scope(|scope| {
            scope.spawn(|| supervise(&queue));
            assert!(processes[0].wait(Duration::from_secs(30)));
            let mut state = queue.state.lock();
            state.closed = true;
            retire(&mut state, last);
            drop(state);
            queue.control.notify_all();
        });
        assert!(processes[1].exited());
        assert!(queue.state.lock().unretired.is_empty());
    }
}
