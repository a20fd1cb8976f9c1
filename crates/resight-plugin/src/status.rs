//! What a plug-in does, for readiness, metrics and people.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::monitor::Cause;
use crate::slot::Transport;

/// Whether a plug-in serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// No worker has been ready yet, and none has failed.
    Starting,
    /// As many workers as wanted are there.
    Ok,
    /// It serves, or will in a moment: a worker is missing, or the file's last edit does not load.
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
    /// Its stable code.
    pub code: &'static str,
    /// Its sentence.
    pub message: String,
    /// Traceback or last lines.
    pub traceback: Option<String>,
    /// How long ago.
    pub age: Duration,
}

/// A moment's picture of a plug-in.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether it serves.
    pub health: Health,
    /// Why not, in a sentence; none when all is well.
    pub reason: Option<String>,
    /// Counts loads of the file; 0 before the first.
    pub generation: u64,
    /// Workers that are ready or at work.
    pub workers: usize,
    /// Workers wanted.
    pub wanted: usize,
    /// Workers that are being started.
    pub starting: usize,
    /// Calls that wait.
    pub queued: usize,
    /// Calls that run.
    pub running: usize,
    /// Calls answered, well or not.
    pub calls: u64,
    /// Of these, with an error.
    pub errors: u64,
    /// Workers replaced, by cause.
    pub restarts: BTreeMap<Cause, u64>,
    /// Inputs refused.
    pub quarantined: usize,
    /// How pictures reach the workers.
    pub transport: Transport,
    /// How long calls took, queue included.
    pub latency: Latency,
    /// The last error.
    pub last_error: Option<LastError>,
    /// Process numbers of the workers.
    pub pids: Vec<i32>,
}

/// A summary of how long calls took, right to within a fifth.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// Calls counted.
    pub count: u64,
    /// Sum.
    pub total: Duration,
    /// Half of the calls took at most so long.
    pub p50: Duration,
    /// 99 of 100 calls took at most so long.
    pub p99: Duration,
}

/// Four buckets for each doubling, from a microsecond to an hour.
const BUCKETS: usize = 128;

/// Counts times without a lock.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            micros: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(crate) fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn summary(&self) -> Latency {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|b| b.load(Ordering::Relaxed))
            .collect();
        let count: u64 = counts.iter().sum();
        let at = |share: f64| {
            let wanted = (count as f64 * share).ceil() as u64;
            let mut seen = 0;
            let found = counts.iter().position(|n| {
                seen += n;
                seen >= wanted.max(1)
            });
            found.map_or(Duration::ZERO, |i| Duration::from_micros(upper(i)))
        };
        Latency {
            count,
            total: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            p50: at(0.5),
            p99: at(0.99),
        }
    }
}

fn bucket(micros: u64) -> usize {
    if micros < 4 {
        return micros as usize;
    }
    let doubling = 63 - micros.leading_zeros() as usize;
    let quarter = (micros >> (doubling - 2)) as usize & 3;
    ((doubling - 1) * 4 + quarter).min(BUCKETS - 1)
}

/// The largest time in a bucket, in microseconds.
fn upper(bucket: usize) -> u64 {
    if bucket < 4 {
        return bucket as u64;
    }
    let (doubling, quarter) = (bucket / 4 + 1, bucket as u64 % 4);
    ((5 + quarter) << (doubling - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_narrow_and_in_order() {
        for micros in [
            0,
            1,
            3,
            4,
            5,
            7,
            8,
            100,
            1000,
            65_535,
            65_536,
            3_600_000_000,
        ] {
            let upper = upper(bucket(micros));
            assert!(
                upper >= micros && upper as f64 <= micros as f64 * 1.25 + 1.0,
                "{micros}"
            );
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_times() {
        let histogram = Histogram::default();
        for i in 1..=100 {
            histogram.add(Duration::from_micros(i * 100));
        }
        let latency = histogram.summary();
        assert_eq!(latency.count, 100);
        let near = |d: Duration, v: f64| (d.as_micros() as f64 / v - 1.0).abs() < 0.25;
        assert!(
            near(latency.p50, 5000.0) && near(latency.p99, 9900.0),
            "{latency:?}"
        );
    }
}
