//! The one thread that starts workers, watches them, and puts new code in their place.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::death::Death;
use crate::error::PluginError;
use crate::lock;
use crate::monitor::Cause;
use crate::pool::Pool;
use crate::processes;
use crate::spawn::{Source, spawn};
use crate::state::{Incubation, State};
use crate::ticket::Job;
use crate::turn::Turn;
use crate::worker::Worker;

const TICK: Duration = Duration::from_millis(200);
const WATCH: Duration = Duration::from_millis(500);
/// An idle worker is asked for a sign of life so often, and given so long.
const PING: Duration = Duration::from_secs(10);
/// The author's file may have so many bytes.
const MAX_SOURCE: u64 = 16 << 20;

/// The file's bytes now.
pub(crate) fn read_source(file: &std::path::Path, generation: u64) -> Result<Source, PluginError> {
    let failed = |e: String| PluginError::StartFailed {
        reason: format!("{} cannot be read: {e}", file.display()),
        traceback: String::new(),
    };
    let length = std::fs::metadata(file)
        .map_err(|e| failed(e.to_string()))?
        .len();
    if length > MAX_SOURCE {
        return Err(failed(format!("it has {length} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|e| failed(e.to_string()))?;
    let hash = blake3::hash(&bytes).to_hex()[..16].to_owned();
    Ok(Source {
        bytes,
        hash,
        generation,
    })
}

/// Runs until the plug-in is closed. Workers die with this thread.
pub(crate) fn supervise(pool: &Arc<Pool>) {
    let file = &pool.setting.config.file;
    let mut seen = stamp(file);
    let mut looked = Instant::now();
    loop {
        let mut state = lock(&pool.state);
        if state.closed {
            break;
        }
        begin_reload(pool, &mut state);
        fill(pool, &mut state);
        let overdue = overdue(pool, &mut state);
        let turns = state.overdue_turns(pool.setting.config.wait_limit);
        let dead = dead_and_silent(pool, &mut state);
        // Suspects that were held back may run once nobody else calls.
        pool.spread(&mut state);
        state.threads.retain(|t| !t.is_finished());
        let unwanted = std::mem::take(&mut state.unwanted);
        drop(state);
        drop(unwanted);
        let waiting = lock(&pool.state).waiting() + overdue.len() + turns.len();
        for job in overdue {
            pool.finish(job, Err(pool.busy(waiting)));
        }
        for turn in turns {
            turn.refuse(pool.busy(waiting));
        }
        for mut worker in dead {
            let mark = worker.captured.mark();
            let death = worker.bury(Cause::Crash, "it ended while idle".into(), mark);
            pool.bury(&mut worker, &death, false);
        }
        refuse_when_broken(pool);
        watch_usage(pool);
        if pool.setting.config.watch && looked.elapsed() >= WATCH {
            looked = Instant::now();
            let now = stamp(file);
            if now != seen && now.is_some() {
                seen = now;
                lock(&pool.state).reload_wanted = true;
                continue;
            }
        }
        let state = lock(&pool.state);
        if !state.closed {
            // Sooner while a start is only held back by its delay.
            let short = state.live < pool.setting.config.workers;
            let tick = if short { TICK / 8 } else { TICK };
            drop(pool.control.wait_timeout(state, tick));
        }
    }
    shut_down(pool);
}

pub(crate) fn stamp(file: &std::path::Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

/// Starts what is missing of the serving generation.
fn fill(pool: &Arc<Pool>, state: &mut State) {
    let all = pool.setting.config.workers;
    let now = Instant::now();
    // One at a time is replaced in advance.
    let expired = state.idle.iter().any(|w| pool.expired(w));
    loop {
        let allowed = state.breaker.may_start(now);
        let wanted = state.breaker.wanted(all) + usize::from(expired);
        if !allowed || state.live + state.starting >= wanted {
            return;
        }
        state.starting += 1;
        start(pool, state, state.source.clone());
    }
}

fn start(pool: &Arc<Pool>, state: &mut State, source: Arc<Source>) {
    match spawn(&pool.setting) {
        Ok(starting) => {
            state.monitors.push(Arc::downgrade(&starting.monitor));
            let (shared, code) = (pool.clone(), source.clone());
            let thread = std::thread::Builder::new()
                .name("resight-start".into())
                .spawn(move || {
                    let result = starting.handshake(&code);
                    let mut state = lock(&shared.state);
                    started(&shared, &mut state, code.generation, result);
                    drop(state);
                    shared.control.notify_all();
                });
            match thread {
                Ok(thread) => state.threads.push(thread),
                Err(e) => not_spawned(pool, state, &source, &e),
            }
        }
        Err(e) => not_spawned(pool, state, &source, &e),
    }
}

fn not_spawned(pool: &Pool, state: &mut State, source: &Source, e: &std::io::Error) {
    let error = PluginError::StartFailed {
        reason: format!(
            "{} cannot be run: {e}",
            pool.setting.config.python.display()
        ),
        traceback: String::new(),
    };
    started(pool, state, source.generation, Err(error));
}

fn started(pool: &Pool, state: &mut State, generation: u64, result: Result<Worker, PluginError>) {
    if let Err(error) = &result {
        tracing::warn!(plugin = pool.setting.config.name, "{error}");
        pool.tally.remember(error);
    }
    if generation == state.source.generation {
        state.starting -= 1;
        match result {
            Ok(worker) if state.closed => pool.retire(state, worker),
            Ok(worker) => {
                state.manifest = Some(worker.manifest.clone());
                state.start_error = None;
                state.live += 1;
                state.idle.push(worker);
                let spare = state.live > pool.setting.config.workers;
                let old = state.idle.iter().position(|w| pool.expired(w));
                if let (true, Some(i)) = (spare, old) {
                    let worker = state.idle.swap_remove(i);
                    state.live -= 1;
                    pool.restarted(Cause::Lifetime);
                    pool.retire(state, worker);
                }
                pool.spread(state);
            }
            Err(error) => {
                pool.restarted(Cause::StartFailure);
                state.breaker.death(Instant::now(), false);
                state.start_error = Some(error);
            }
        }
        pool.ready.notify_all();
    } else if let Some(incubation) = &mut state.incubation
        && incubation.source.generation == generation
    {
        incubation.pending -= 1;
        match result {
            Ok(worker) => incubation.ready.push(worker),
            Err(error) => incubation.failed = Some(error),
        }
        if incubation.pending == 0 {
            switch(pool, state);
        }
    } else if let Ok(worker) = result {
        // Its generation is over. Ending it takes time, during which others need the state.
        pool.retire(state, worker);
    }
}

fn begin_reload(pool: &Arc<Pool>, state: &mut State) {
    if !state.reload_wanted || state.incubation.is_some() {
        return;
    }
    state.reload_wanted = false;
    let source = match read_source(&pool.setting.config.file, state.source.generation + 1) {
        Ok(source) => Arc::new(source),
        Err(error) => {
            state.reload_error = Some(error.clone());
            answer(state, &Err(error));
            return;
        }
    };
    let workers = pool.setting.config.workers;
    state.incubation = Some(Incubation {
        source: source.clone(),
        pending: workers,
        ready: Vec::new(),
        failed: None,
    });
    for _ in 0..workers {
        start(pool, state, source.clone());
    }
}

/// The new generation is complete: it serves from here on, or is given up.
fn switch(pool: &Pool, state: &mut State) {
    let Some(incubation) = state.incubation.take() else {
        return;
    };
    if let Some(error) = incubation.failed {
        for worker in incubation.ready {
            pool.retire(state, worker);
        }
        state.reload_error = Some(error.clone());
        answer(state, &Err(error));
        return;
    }
    let old: Vec<Worker> = state.idle.drain(..).collect();
    for worker in old {
        pool.retire(state, worker);
    }
    // Those at work are retired when they come back, those being started when they are ready.
    state.starting = 0;
    state.source = incubation.source;
    state.live = incubation.ready.len();
    state.manifest = incubation.ready.first().map(|w| w.manifest.clone());
    state.idle = incubation.ready;
    state.start_error = None;
    state.reload_error = None;
    state.last_death = None;
    state.breaker.reset();
    state.quarantine.clear();
    state.suspects.forgive();
    if let Some(manifest) = state.manifest.clone() {
        tracing::info!(
            plugin = pool.setting.config.name,
            "loaded version {}",
            manifest.hash
        );
        answer(state, &Ok(manifest));
    }
    pool.spread(state);
    pool.ready.notify_all();
}

fn answer(state: &mut State, result: &Result<Arc<crate::Manifest>, PluginError>) {
    for waiting in state.reloads.drain(..) {
        let _nobody = waiting.try_send(result.clone());
    }
}

/// Jobs that waited too long.
fn overdue(pool: &Pool, state: &mut State) -> Vec<Job> {
    let limit = pool.setting.config.wait_limit;
    let (late, rest) = std::mem::take(&mut state.queue)
        .into_iter()
        .partition(|job| job.since.elapsed() > limit && !job.alone);
    state.queue = rest;
    Vec::from_iter::<std::collections::VecDeque<Job>>(late)
}

/// Idle workers that have ended; those long idle are asked for a sign of life elsewhere.
fn dead_and_silent(pool: &Arc<Pool>, state: &mut State) -> Vec<Worker> {
    let mut dead = Vec::new();
    let mut i = 0;
    while i < state.idle.len() {
        let ended = state.idle[i].monitor.exited();
        if !ended && state.idle[i].idle_since.elapsed() < PING {
            i += 1;
            continue;
        }
        let worker = state.idle.swap_remove(i);
        state.busy += 1;
        if ended {
            dead.push(worker);
            continue;
        }
        let shared = pool.clone();
        let thread = std::thread::Builder::new()
            .name("resight-ping".into())
            .spawn(move || ping(&shared, worker));
        match thread {
            Ok(thread) => state.threads.push(thread),
            Err(_) => state.busy -= 1,
        }
    }
    dead
}

fn ping(pool: &Pool, mut worker: Worker) {
    let mark = worker.captured.mark();
    if worker.ping(PING / 2) {
        pool.put_back(worker);
    } else {
        let detail = "it gave no sign of life".to_owned();
        let death: Death = worker.bury(Cause::Unresponsive, detail, mark);
        pool.bury(&mut worker, &death, false);
    }
}

/// Nobody waits for what will not come.
fn refuse_when_broken(pool: &Pool) {
    let mut state = lock(&pool.state);
    if !state.is_broken() {
        return;
    }
    let error = state.broken();
    let jobs: Vec<Job> = state.queue.drain(..).collect();
    let turns: Vec<Turn> = state.turns.drain(..).collect();
    drop(state);
    for job in jobs {
        pool.finish(job, Err(error.clone()));
    }
    for turn in turns {
        turn.refuse(error.clone());
    }
}

fn watch_usage(pool: &Pool) {
    let config = &pool.setting.config;
    let monitors: Vec<_> = {
        let mut state = lock(&pool.state);
        state.monitors.retain(|m| m.strong_count() > 0);
        state
            .monitors
            .iter()
            .filter_map(std::sync::Weak::upgrade)
            .collect()
    };
    for monitor in monitors {
        let usage = processes::usage(monitor.pid());
        if usage.processes > config.process_limit {
            let (took, may) = (usage.processes, config.process_limit);
            let detail = format!("consisted of {took} processes and may have {may}");
            monitor.kill(Cause::Memory, detail);
            continue;
        }
        let Some(limit) = config.memory_limit.filter(|l| usage.resident > *l) else {
            continue;
        };
        // Forked processes share most of their pages: these are counted once before it counts.
        let alone = usage.processes < 2;
        let shared = (!alone)
            .then(|| processes::proportional(monitor.pid()))
            .flatten();
        let resident = shared.unwrap_or(usage.resident);
        if resident > limit {
            let (took, may) = (resident >> 20, limit >> 20);
            let detail = format!("took {took} MiB of memory and may take {may}");
            monitor.kill(Cause::Memory, detail);
        }
    }
}

fn shut_down(pool: &Pool) {
    let mut state = lock(&pool.state);
    let jobs: Vec<Job> = state.queue.drain(..).collect();
    let turns: Vec<Turn> = state.turns.drain(..).collect();
    let idle: Vec<Worker> = state.idle.drain(..).collect();
    let incubation = state.incubation.take();
    answer(&mut state, &Err(PluginError::Closed));
    let monitors: Vec<_> = state
        .monitors
        .iter()
        .filter_map(std::sync::Weak::upgrade)
        .collect();
    state.live = 0;
    drop(state);
    pool.work.notify_all();
    pool.ready.notify_all();
    for monitor in &monitors {
        monitor.kill(Cause::Cancelled, "the plug-in was shut down".into());
    }
    for job in jobs {
        pool.finish(job, Err(PluginError::Closed));
    }
    for turn in turns {
        turn.refuse(PluginError::Closed);
    }
    let unwanted = std::mem::take(&mut lock(&pool.state).unwanted);
    drop((idle, incubation, unwanted));
    loop {
        let threads = std::mem::take(&mut lock(&pool.state).threads);
        if threads.is_empty() {
            break;
        }
        for thread in threads {
            let _panicked = thread.join();
        }
    }
}
