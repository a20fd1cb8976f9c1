//! What became of a plug-in's calls, for its status.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::error::PluginError;
use crate::lock;
use crate::status::{Histogram, LastError};
use crate::ticket::Outcome;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) latency: Histogram,
    calls: AtomicU64,
    errors: AtomicU64,
    last: Mutex<Option<(PluginError, Instant)>>,
}

impl Tally {
    pub(crate) fn count(&self, outcome: &Outcome, since: Instant) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.latency.add(since.elapsed());
        if let Err(error) = outcome {
            self.errors.fetch_add(1, Ordering::Relaxed);
            self.remember(error);
        }
    }

    pub(crate) fn remember(&self, error: &PluginError) {
        *lock(&self.last) = Some((error.clone(), Instant::now()));
    }

    /// Calls answered, and those of them with an error.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.calls), of(&self.errors))
    }

    pub(crate) fn last_error(&self) -> Option<LastError> {
        let last = lock(&self.last);
        last.as_ref().map(|(error, at)| LastError {
            code: error.code(),
            message: error.to_string(),
            traceback: error.traceback(),
            age: at.elapsed(),
        })
    }
}
