//! A snapshot of a plug-in, for readiness, metrics and people.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::worker::death::Cause;
use crate::worker::memory::Transport;

/// Whether a plug-in serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// No worker has been ready or has failed yet.
    Starting,
    /// All workers are there.
    Ok,
    /// It serves, or will in a moment: a worker is missing, or the file's last edit did not load.
    Degraded,
    /// It does not serve.
    Broken,
}

impl Health {
    /// The name in `/readyz` and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Broken => "broken",
        }
    }
}

/// The last error, of a call or of a start.
#[derive(Clone, Debug)]
pub struct LastError {
    /// The stable code.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// The traceback, or the worker's last lines.
    pub traceback: Option<String>,
    /// How long ago.
    pub age: Duration,
}

/// The state of a plug-in at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// The plug-in's name.
    pub name: String,
    /// Whether it serves.
    pub health: Health,
    /// Why it does not, in a sentence; none when all is well.
    pub reason: Option<String>,
    /// Number of the load of the file that serves; 0 before the first.
    pub generation: u64,
    /// Workers that are ready or run a call.
    pub workers: usize,
    /// Workers wanted.
    pub wanted: usize,
    /// Workers that are being started.
    pub starting: usize,
    /// Calls that wait.
    pub queued: usize,
    /// Calls that run.
    pub running: usize,
    /// Calls finished, with a reply or an error.
    pub calls: u64,
    /// Calls finished with an error.
    pub errors: u64,
    /// Workers replaced, by cause.
    pub restarts: BTreeMap<Cause, u64>,
    /// Inputs refused.
    pub quarantined: usize,
    /// How pictures reach the workers.
    pub transport: Transport,
    /// Times of calls, with their wait in the queue.
    pub latency: Latency,
    /// The last error.
    pub last_error: Option<LastError>,
    /// Process numbers of the workers.
    pub pids: Vec<i32>,
}

/// A summary of the times of calls, exact to a fifth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// The number of calls.
    pub count: u64,
    /// Their sum.
    pub total: Duration,
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
}
