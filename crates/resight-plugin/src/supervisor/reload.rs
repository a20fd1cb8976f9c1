//! Replaces the workers by those of a new version of the file.

use std::sync::Arc;

use super::stamp::FileStamp;
use super::start::{read_source, start};
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::queue::Queue;
use crate::queue::state::{NextGeneration, ReloadWaiter, State};
use crate::worker::Worker;
use crate::worker::spawn::SourceFile;

/// Starts the workers of a new generation, if a reload is wanted. One that is under way is given up when
/// the file has changed again since, and otherwise awaited: the file is read after it.
pub(super) fn begin_reload(queue: &Arc<Queue>, state: &mut State) {
    if !state.reload_wanted {
        return;
    }
    let file = &queue.context.config.file;
    let stamp = FileStamp::of(file);
    let under_way = state.next_generation.as_ref();
    if under_way.is_some_and(|next| next.stamp.agrees(&stamp)) {
        return;
    }
    let source = match read_source(file, state.source.generation + 1) {
        Ok(source) => Arc::new(source),
        Err(error) => {
            state.reload_wanted = false;
            state.reload_error = Some(error.clone());
            finish_reload(state.reload_waiters.drain(..), &Err(error));
            return;
        }
    };
    let under_way = state.next_generation.as_mut();
    if let Some(next) = under_way.filter(|next| next.source.bytes == source.bytes) {
        next.stamp = stamp;
        return;
    }
    state.reload_wanted = false;
    let mut waiters = std::mem::take(&mut state.reload_waiters);
    if let Some(outdated) = state.next_generation.take() {
        waiters.extend(outdated.waiters);
        for worker in outdated.ready {
            state.retire(worker);
        }
    }
    state.next_generation = Some(NextGeneration {
        source: source.clone(),
        stamp,
        pending: state.wanted,
        ready: Vec::new(),
        failed: None,
        waiters,
    });
    state.give_up_outdated();
    for _ in 0..state.wanted {
        start(queue, state, source.clone());
    }
}

/// Takes a worker of another generation than the one that serves.
pub(super) fn next_started(
    queue: &Arc<Queue>,
    state: &mut State,
    source: &Arc<SourceFile>,
    result: Result<Worker, PluginError>,
) {
    let next = state.next_generation.as_mut();
    let Some(next) = next.filter(|next| Arc::ptr_eq(&next.source, source)) else {
        // Its generation is over.
        if let Ok(worker) = result {
            state.retire(worker);
        }
        return;
    };
    next.pending -= 1;
    match result {
        Ok(worker) => next.ready.push(worker),
        Err(error) => next.failed = Some(error),
    }
    if next.pending == 0 {
        switch(queue, state);
    }
}

/// Lets the complete next generation serve, or gives it up when one of its workers failed.
fn switch(queue: &Arc<Queue>, state: &mut State) {
    let Some(next) = state.next_generation.take() else {
        return;
    };
    if let Some(error) = next.failed {
        for worker in next.ready {
            state.retire(worker);
        }
        state.reload_error = Some(error.clone());
        finish_reload(next.waiters, &Err(error));
        return;
    }
    let old: Vec<Worker> = state.idle.drain(..).collect();
    for worker in old {
        state.retire(worker);
    }
    // Old workers that run a call are retired when they come back.
    state.starting = 0;
    state.source = next.source;
    state.give_up_outdated();
    state.live = next.ready.len();
    state.manifest = next.ready.first().map(|worker| worker.manifest.clone());
    state.idle = next.ready;
    state.start_error = None;
    state.reload_error = None;
    state.last_death = None;
    state.breaker.reset();
    state.quarantine.clear();
    state.suspects.clear();
    if let Some(manifest) = state.manifest.clone() {
        tracing::info!(
            plugin = queue.context.config.name,
            "loaded version {}",
            manifest.hash
        );
        finish_reload(next.waiters, &Ok(manifest));
    }
    if let Err(error) = queue.add_runners(state) {
        // Calls wait for the threads that there are.
        tracing::warn!(
            plugin = queue.context.config.name,
            "no thread can be started: {error}"
        );
    }
    queue.dispatch(state);
    queue.ready.notify_all();
}

/// Sends the result to the threads that wait for the reload.
pub(super) fn finish_reload(
    waiters: impl IntoIterator<Item = ReloadWaiter>,
    result: &Result<Arc<Manifest>, PluginError>,
) {
    for waiter in waiters {
        let _gone = waiter.try_send(result.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::config::PluginConfig;
    use crate::worker::WorkerContext;
    use crate::worker::memory::Transports;

    #[test]
    fn while_a_version_starts_the_file_is_read_again_only_where_its_stamp_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        let write = |text: &str, second: u64| {
            fs::write(&path, text).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            file.set_modified(time).unwrap();
        };
        write("x = 1\n", 1);
        let config = PluginConfig::new(&path);
        let mut state = State::new(&config, read_source(&path, 1).ok().unwrap());
        // So that no worker is started.
        state.wanted = 0;
        let context = WorkerContext {
            config,
            transports: Transports::default(),
        };
        let queue = Arc::new(Queue::new(Arc::new(context), state));
        // What starts after a reload is asked for, and whether the reload is still to come.
        let reload = || {
            let mut state = queue.state.lock();
            state.reload_wanted = true;
            begin_reload(&queue, &mut state);
            let starting = state.next_generation.as_ref().unwrap().source.clone();
            (starting, state.reload_wanted)
        };
        let (first, is_awaited) = reload();
        assert!(!is_awaited);
        // Other bytes under the same stamp show whether the file is read.
        write("x = 2\n", 1);
        let (same, is_awaited) = reload();
        assert!(Arc::ptr_eq(&same, &first) && is_awaited);
        // A new stamp of the same bytes is kept.
        write("x = 1\n", 2);
        let (same, is_awaited) = reload();
        assert!(Arc::ptr_eq(&same, &first) && is_awaited);
        write("x = 2\n", 2);
        let (same, is_awaited) = reload();
        assert!(Arc::ptr_eq(&same, &first) && is_awaited);
        write("x = 2\n", 3);
        let (other, is_awaited) = reload();
        assert!(other.bytes == b"x = 2\n" && !is_awaited);
    }
}
