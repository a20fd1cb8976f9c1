//! Storing how far a job has come, in steps that a disk can bear.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_store::{JobEnd, JobProgress, JobRecord, JobRefusal, StoreError};
use serde::{Deserialize, Serialize};

use super::Shared;

/// Progress is stored this often at most.
const STORED_EACH: Duration = Duration::from_millis(500);
/// So many refused files are stored before that.
const MOST_REFUSED: usize = 256;

/// What a job has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Numbers by name.
    pub counts: BTreeMap<String, u64>,
    /// Files that were unchanged when a job of kind `index` first listed its folder. Those that are unchanged
    /// beyond these when it goes on after a kill are its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unchanged_at_first: Option<u64>,
}

/// What a running job tells, and whether it is to end.
pub(super) struct Recorder<'a> {
    pub(super) shared: &'a Shared,
    pub(super) job: &'a JobRecord,
    pub(super) cancel: &'a AtomicBool,
    /// Set when the job's collection is to be closed.
    pub(super) closing: std::sync::Arc<AtomicBool>,
    /// Set where the job has done nothing, as others hold what it needs: it waits again.
    pub(super) is_put_back: bool,
    pub(super) report: Report,
    /// What an earlier process has stored.
    pub(super) before: Report,
    done: u64,
    total: u64,
    refused: Vec<JobRefusal>,
    stored: Instant,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(shared: &'a Shared, job: &'a JobRecord, cancel: &'a AtomicBool) -> Self {
        let before: Report = serde_json::from_str(&job.report).unwrap_or_default();
        Self {
            shared,
            job,
            cancel,
            closing: Default::default(),
            is_put_back: false,
            report: before.clone(),
            before,
            done: job.done,
            total: job.total,
            refused: Vec::new(),
            stored: Instant::now(),
        }
    }

    /// So many things are done, of so many.
    pub(super) fn reach(&mut self, done: u64, total: u64) {
        (self.done, self.total) = (done, total);
        if let Some(running) = self.shared.running.lock().get_mut(&self.job.id) {
            (running.done, running.total) = (done, total);
        }
        self.pass();
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.reach((self.done + 1).min(self.total), self.total);
    }

    /// The rate is counted from here on: what was done before took no time.
    pub(super) fn begin_rate(&mut self) {
        if let Some(running) = self.shared.running.lock().get_mut(&self.job.id) {
            running.from = self.done;
            running.since = Instant::now();
        }
    }

    pub(super) fn set(&mut self, name: &str, number: u64) {
        self.report.counts.insert(name.to_owned(), number);
    }

    pub(super) fn add(&mut self, name: &str, number: u64) {
        *self.report.counts.entry(name.to_owned()).or_default() += number;
    }

    /// What an earlier process has stored under this name.
    pub(super) fn count_before(&self, name: &str) -> u64 {
        self.before.counts.get(name).copied().unwrap_or(0)
    }

    pub(super) fn refuse(&mut self, path: String, code: &str, reason: String) {
        self.refused.push(JobRefusal {
            path,
            code: code.to_owned(),
            reason,
        });
        self.pass();
    }

    /// Stores what there is, where it is time; lets the job end where its collection is to be closed.
    fn pass(&mut self) {
        if self.closing.load(Ordering::Relaxed) {
            self.cancel.store(true, Ordering::Relaxed);
        }
        if self.stored.elapsed() >= STORED_EACH || self.refused.len() >= MOST_REFUSED {
            self.store_or_wait();
        }
        self.shared.note_change();
    }

    /// Stores what there is. A disk that is full for the moment keeps no job from going on.
    pub(super) fn store_or_wait(&mut self) {
        if let Err(error) = self.store() {
            tracing::warn!(
                "how far job {} has come is not stored: {error}",
                self.job.id
            );
        }
    }

    pub(super) fn store(&mut self) -> Result<(), StoreError> {
        self.stored = Instant::now();
        let progress = self.progress();
        self.shared
            .records
            .record_progress(self.job.id, &progress)?;
        self.refused.clear();
        Ok(())
    }

    pub(super) fn end(&mut self, end: &JobEnd) -> Result<(), StoreError> {
        let progress = self.progress();
        self.shared.records.end_job(self.job.id, &progress, end)?;
        self.shared.note_change();
        Ok(())
    }

    fn progress(&self) -> JobProgress {
        JobProgress {
            done: self.done,
            total: self.total,
            report: serde_json::to_string(&self.report).unwrap_or_default(),
            refused: self.refused.clone(),
        }
    }
}
