//! Starts workers, of the generation that serves and of the next one.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::reload::next_started;
use crate::error::PluginError;
use crate::queue::Queue;
use crate::queue::state::State;
use crate::worker::Worker;
use crate::worker::death::Cause;
use crate::worker::spawn::{SourceFile, spawn};

/// Most bytes of the author's file.
const MAX_SOURCE: u64 = 16 << 20;

/// Reads the author's file.
pub(crate) fn read_source(file: &Path, generation: u64) -> Result<SourceFile, PluginError> {
    let failed = |e: &dyn Display| PluginError::StartFailed {
        reason: format!("{} cannot be read: {e}", file.display()),
        traceback: String::new(),
    };
    let length = fs::metadata(file).map_err(|e| failed(&e))?.len();
    if length > MAX_SOURCE {
        return Err(failed(&format_args!("it has {length} bytes")));
    }
    let bytes = fs::read(file).map_err(|e| failed(&e))?;
    let hash = blake3::hash(&bytes).to_hex()[..16].to_owned();
    Ok(SourceFile {
        bytes,
        hash,
        generation,
    })
}

/// Starts the missing workers of the generation that serves.
pub(super) fn start_missing(queue: &Arc<Queue>, state: &mut State) {
    let now = Instant::now();
    // One worker at a time is replaced before it is retired.
    let is_any_expired = state.idle.iter().any(|worker| queue.is_expired(worker));
    loop {
        let is_allowed = state.breaker.may_start(now);
        let wanted = state.breaker.wanted(state.wanted) + usize::from(is_any_expired);
        if !is_allowed || state.live + state.starting >= wanted {
            return;
        }
        state.starting += 1;
        start(queue, state, state.source.clone());
    }
}

/// Starts one worker. A thread waits for its handshake.
pub(super) fn start(queue: &Arc<Queue>, state: &mut State, source: Arc<SourceFile>) {
    let loaded = source.clone();
    let begun = spawn(&queue.context).and_then(|starting| {
        state.processes.push(Arc::downgrade(&starting.process));
        let loading = (source.clone(), Arc::downgrade(&starting.process));
        state.loading.push(loading);
        let queue = queue.clone();
        state.spawn("resight-start", move || {
            let result = starting.handshake(&source);
            started(&queue, &mut queue.state.lock(), &source, result);
            queue.control.notify_all();
        })
    });
    if let Err(error) = begun {
        let python = queue.context.config.python.display();
        let error = PluginError::StartFailed {
            reason: format!("{python} cannot be run: {error}"),
            traceback: String::new(),
        };
        started(queue, state, &loaded, Err(error));
    }
}

/// Takes a worker that was started, or the reason why it was not.
fn started(
    queue: &Arc<Queue>,
    state: &mut State,
    source: &Arc<SourceFile>,
    result: Result<Worker, PluginError>,
) {
    let ready = result.as_ref().ok();
    let ready = ready.map_or_else(Weak::new, |worker| Arc::downgrade(&worker.process));
    let is_loading = |process: &Weak<_>| process.strong_count() > 0 && !process.ptr_eq(&ready);
    state.loading.retain(|(_, process)| is_loading(process));
    if let Err(error) = &result
        && !state.is_outdated(source)
    {
        tracing::warn!(plugin = queue.context.config.name, "{error}");
        queue.metrics.remember(error);
    }
    if !Arc::ptr_eq(source, &state.source) {
        next_started(queue, state, source, result);
        return;
    }
    state.starting -= 1;
    match result {
        Ok(worker) if state.closed => state.retire(worker),
        Ok(worker) => {
            state.manifest = Some(worker.manifest.clone());
            state.start_error = None;
            state.live += 1;
            state.idle.push(worker);
            let is_spare = state.live > state.wanted;
            let expired = state.idle.iter().position(|w| queue.is_expired(w));
            if let (true, Some(position)) = (is_spare, expired) {
                let old = state.idle.swap_remove(position);
                state.live -= 1;
                queue.metrics.restarted(Cause::Lifetime);
                state.retire(old);
            }
            queue.dispatch(state);
        }
        Err(error) => {
            queue.metrics.restarted(Cause::StartFailure);
            state.breaker.death(Instant::now(), false);
            state.start_error = Some(error);
        }
    }
    queue.ready.notify_all();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_with_its_hash_and_a_large_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.py");
        let missing = read_source(&file, 1).err().unwrap();
        assert!(missing.to_string().contains("cannot be read"), "{missing}");
        fs::write(&file, "x = 1\n").unwrap();
        let source = read_source(&file, 7).ok().unwrap();
        assert_eq!(
            (source.bytes.len(), source.hash.len(), source.generation),
            (6, 16, 7)
        );
        let large = fs::File::create(&file).unwrap();
        large.set_len(MAX_SOURCE + 1).unwrap();
        let refused = read_source(&file, 1).err().unwrap();
        assert!(refused.to_string().contains("16777217 bytes"), "{refused}");
    }
}
