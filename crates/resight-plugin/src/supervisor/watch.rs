//! Finds idle workers that died, and kills workers that exceed their limits.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::queue::state::State;
use crate::queue::{Blame, Queue};
use crate::worker::Worker;
use crate::worker::death::Cause;
use crate::worker::process::WorkerProcess;
use crate::worker::procfs;

/// How long a worker may be idle before it is pinged.
const PING: Duration = Duration::from_secs(10);

/// Takes the idle workers that have ended. Pings those that were idle for long, on a thread each; where
/// no thread can be started, the worker stays idle.
pub(super) fn take_dead(queue: &Arc<Queue>, state: &mut State) -> Vec<Worker> {
    let mut dead = Vec::new();
    let mut i = 0;
    while i < state.idle.len() {
        let has_ended = state.idle[i].process.exited();
        if !has_ended && state.idle[i].idle_since.elapsed() < PING {
            i += 1;
            continue;
        }
        let worker = state.idle.swap_remove(i);
        state.busy += 1;
        if has_ended {
            dead.push(worker);
            continue;
        }
        let pinging = queue.clone();
        let ping = move |worker| ping(&pinging, worker);
        if let Err((worker, error)) = state.spawn_with("resight-ping", worker, ping) {
            let plugin = &queue.context.config.name;
            tracing::warn!(plugin, "an idle worker is not pinged: {error}");
            state.busy -= 1;
            state.idle.insert(i, worker);
            i += 1;
        }
    }
    dead
}

pub(super) fn bury(queue: &Queue, dead: Vec<Worker>) {
    for mut worker in dead {
        let death = worker.bury(Cause::Crash, "it ended while idle".into());
        queue.bury(&mut worker, &death, Blame::LastReply);
    }
}

fn ping(queue: &Queue, mut worker: Worker) {
    if worker.ping(PING / 2) {
        queue.put_back(worker);
    } else {
        let death = worker.bury(Cause::Unresponsive, "it did not answer a ping".into());
        queue.bury(&mut worker, &death, Blame::LastReply);
    }
}

pub(super) fn check_limits(queue: &Queue) {
    let config = &queue.context.config;
    let processes: Vec<Arc<WorkerProcess>> = {
        let mut state = queue.state.lock();
        state.processes.retain(|process| process.strong_count() > 0);
        state.processes.iter().filter_map(Weak::upgrade).collect()
    };
    for process in processes {
        let usage = procfs::usage(process.pid());
        let (count, most) = (usage.processes, config.process_limit);
        if count > most {
            let detail = format!("consisted of {count} processes and may have {most}");
            process.kill(Cause::Memory, detail);
            continue;
        }
        let Some(limit) = config.memory_limit.filter(|l| usage.resident > *l) else {
            continue;
        };
        // Forked processes share most of their pages, which count once here.
        let shared = if count > 1 {
            procfs::proportional(process.pid())
        } else {
            None
        };
        let resident = shared.unwrap_or(usage.resident);
        if resident > limit {
            let (used, most) = (resident >> 20, limit >> 20);
            let detail = format!("took {used} MiB of memory and may take {most}");
            process.kill(Cause::Memory, detail);
        }
    }
}
