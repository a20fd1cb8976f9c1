//! Counts what became of a plug-in's calls and workers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::PluginError;
use crate::reply::Outcome;
use crate::status::{LastError, Latency};
use crate::worker::death::Cause;

#[derive(Default)]
pub(crate) struct Metrics {
    latency: Histogram,
    errors: AtomicU64,
    restarts: [AtomicU64; Cause::ALL.len()],
    /// A moving mean of the run time of calls, in microseconds.
    mean_run: AtomicU64,
    last_error: Mutex<Option<(PluginError, Instant)>>,
}

impl Metrics {
    /// Counts a call that was made at `since`.
    pub(crate) fn count(&self, outcome: &Outcome, since: Instant) {
        self.latency.add(since.elapsed());
        if let Err(error) = outcome
            && !error.is_callers()
        {
            self.errors.fetch_add(1, Ordering::Relaxed);
            self.remember(error);
        }
    }

    /// Keeps an error as the last one.
    pub(crate) fn remember(&self, error: &PluginError) {
        *self.last_error.lock() = Some((error.clone(), Instant::now()));
    }

    /// Counts a worker that was replaced.
    pub(crate) fn restarted(&self, cause: Cause) {
        self.restarts[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the run time of a call.
    pub(crate) fn ran(&self, time: Duration) {
        let old = self.mean_run.load(Ordering::Relaxed);
        let new = (old * 7 + time.as_micros() as u64) / 8;
        self.mean_run.store(new, Ordering::Relaxed);
    }

    /// The mean run time of recent calls, at least a millisecond.
    pub(crate) fn mean_run(&self) -> Duration {
        Duration::from_micros(self.mean_run.load(Ordering::Relaxed).max(1000))
    }

    /// Calls finished.
    pub(crate) fn calls(&self) -> u64 {
        self.latency().count
    }

    /// Calls finished with an error.
    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) fn latency(&self) -> Latency {
        self.latency.summary()
    }

    /// Workers replaced, by cause.
    pub(crate) fn restarts(&self) -> BTreeMap<Cause, u64> {
        let counts = self.restarts.iter().map(|n| n.load(Ordering::Relaxed));
        let by_cause = Cause::ALL.into_iter().zip(counts);
        by_cause.filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) fn last_error(&self) -> Option<LastError> {
        let last = self.last_error.lock();
        last.as_ref().map(|(error, at)| LastError {
            code: error.code(),
            message: error.to_string(),
            traceback: error.traceback(),
            age: at.elapsed(),
        })
    }
}

/// Four buckets for each doubling, from a microsecond to an hour.
const BUCKETS: usize = 128;

/// Counts times without a lock.
#[derive(Debug)]
struct Histogram {
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
    fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn summary(&self) -> Latency {
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
    use crate::reply::Reply;

    #[test]
    fn the_upper_bound_of_a_bucket_is_at_most_a_quarter_too_large() {
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

    #[test]
    fn outcomes_and_restarts_are_counted() {
        let metrics = Metrics::default();
        let since = Instant::now();
        metrics.count(&Ok(Reply::Vector(vec![])), since);
        metrics.count(&Err(PluginError::Closed), since);
        metrics.restarted(Cause::Memory);
        assert_eq!((metrics.calls(), metrics.errors()), (2, 1));
        assert_eq!(metrics.restarts(), BTreeMap::from([(Cause::Memory, 1)]));
        assert_eq!(metrics.last_error().unwrap().code, "plugin_closed");
        assert_eq!(metrics.mean_run(), Duration::from_millis(1), "at least");
        (0..50).for_each(|_| metrics.ran(Duration::from_millis(80)));
        assert!(metrics.mean_run() > Duration::from_millis(60));
    }
}
