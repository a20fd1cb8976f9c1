//! The threads that run jobs.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use resight_store::{JobEnd, JobRecord, JobState, StoreError};

use super::recorder::Recorder;
use super::task::{JobKind, Task};
use super::workshop::{FewThreads, Workshop};
use super::{JobSettings, Jobs, Running, Shared, export, index, serving, upkeep};
use crate::background::{Background, rest};
use crate::collections::Collections;
use crate::config::Config;
use crate::{AppError, Code, export as exports};

/// How often rows of other processes are looked for.
const LOOKED_EACH: Duration = Duration::from_secs(1);
/// How often old jobs are forgotten.
const TIDIED_EACH: Duration = Duration::from_secs(3600);

/// Runs jobs until it is dropped. Those that run then go on in the next process.
pub struct JobRunner {
    jobs: Jobs,
    stopping: Arc<AtomicBool>,
    threads: Vec<Background>,
    /// Tells other processes that there is one which runs jobs.
    _serving: Option<File>,
}

impl Drop for JobRunner {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        for running in self.jobs.0.running.lock().values() {
            running.cancel.store(true, Ordering::Relaxed);
        }
        for thread in &self.threads {
            thread.cancel();
        }
        self.jobs.0.wake();
    }
}

impl Jobs {
    /// Runs jobs in the background, and those again that were running when the process before ended. For the one
    /// process that has the data folder open for changes. Fails where no thread can be had.
    pub fn run_in_background(
        &self,
        config: &Config,
        collections: &Collections,
        settings: &JobSettings,
    ) -> Result<JobRunner, AppError> {
        match self.0.records.requeue_running() {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!("{count} jobs go on that were not done when the server ended");
            }
            // A full disk, perhaps, which keeps nobody from searching.
            Err(error) => {
                tracing::warn!("jobs that were not done wait for the next start: {error}")
            }
        }
        exports::delete_unfinished(&config.root);
        let workshop = Arc::new(Workshop {
            config: config.clone(),
            collections: collections.clone(),
            threads: FewThreads::of(config),
            exports: settings.exports,
        });
        let stopping = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for _ in 0..settings.at_once.max(1) {
            let (shared, workshop) = (self.0.clone(), workshop.clone());
            let stopping = stopping.clone();
            threads.extend(Background::begin(
                "resight-jobs",
                "jobs wait",
                move |cancel| work(&shared, &workshop, &stopping, cancel),
            ));
        }
        let (shared, settings) = (self.0.clone(), settings.clone());
        let root = config.root.clone();
        threads.extend(Background::begin(
            "resight-jobs-end",
            "jobs are not forgotten",
            move |cancel| look_after(&shared, &settings, &root, cancel),
        ));
        Ok(JobRunner {
            jobs: self.clone(),
            stopping,
            threads,
            _serving: serving::announce(&config.root)
                .inspect_err(|error| {
                    tracing::warn!("other commands do not use this server: {error}")
                })
                .ok(),
        })
    }
}

fn work(shared: &Shared, workshop: &Workshop, stopping: &AtomicBool, cancel: &AtomicBool) {
    while !cancel.load(Ordering::Relaxed) {
        let begun = {
            let _starting = shared.starting.lock();
            let held = workshop.collections.being_indexed();
            let index = JobKind::Index.as_str();
            shared.records.begin_job_but(index, &held)
        };
        match begun {
            Ok(Some(job)) => run(shared, workshop, &job, stopping),
            Ok(None) => shared.wait(LOOKED_EACH),
            Err(error) => {
                tracing::warn!("jobs wait: {error}");
                rest(LOOKED_EACH * 5, cancel);
            }
        }
    }
}

/// Runs one job to its end, or until the process is to end.
fn run(shared: &Shared, workshop: &Workshop, job: &JobRecord, stopping: &AtomicBool) {
    let cancel = Arc::new(AtomicBool::new(false));
    shared.running.lock().insert(
        job.id,
        Running {
            cancel: cancel.clone(),
            since: Instant::now(),
            from: job.done,
            done: job.done,
            total: job.total,
        },
    );
    // The stop may have come before the job was listed.
    cancel.fetch_or(stopping.load(Ordering::Relaxed), Ordering::Relaxed);
    shared.note_change();
    let name = format!("job {} ({}, {})", job.id, job.new.kind, job.new.collection);
    tracing::info!("{name} begins");
    let mut recorder = Recorder::new(shared, job, &cancel);
    let done = catch_unwind(AssertUnwindSafe(|| perform(workshop, job, &mut recorder)));
    let end = match done {
        Ok(Ok(true)) => ended(JobState::Done, None),
        Ok(Ok(false)) => ended(JobState::Cancelled, None),
        Ok(Err(error)) if error.code() == Code::Cancelled => ended(JobState::Cancelled, None),
        Ok(Err(error)) => {
            tracing::warn!("{name} failed: {error}");
            ended(JobState::Failed, Some(error))
        }
        Err(_panic) => JobEnd {
            state: JobState::Failed,
            error: Some((
                Code::Internal.as_str().to_owned(),
                "The work ended by itself; the log has the cause.".to_owned(),
            )),
        },
    };
    let goes_on = end.state == JobState::Cancelled && stopping.load(Ordering::Relaxed);
    let is_put_back = recorder.is_put_back && !goes_on;
    let stored = match goes_on {
        _ if is_put_back => shared.records.requeue_job(job.id),
        true => recorder.store(),
        false => recorder.end(&end),
    };
    match stored {
        Ok(()) if is_put_back => tracing::info!("{name} waits until the collection is free"),
        Ok(()) if goes_on => tracing::info!("{name} goes on when the server is started again"),
        Ok(()) => tracing::info!("{name} is {}", end.state.as_str()),
        // It counts as running, and is run again by the next process.
        Err(error) => tracing::error!("the end of {name} is not stored: {error}"),
    }
    shared.running.lock().remove(&job.id);
    shared.note_change();
}

fn ended(state: JobState, error: Option<AppError>) -> JobEnd {
    let error = error.map(|error| (error.code().as_str().to_owned(), error.to_string()));
    JobEnd { state, error }
}

/// Does what the job is for. Returns whether it came to its end.
fn perform(
    workshop: &Workshop,
    job: &JobRecord,
    recorder: &mut Recorder<'_>,
) -> Result<bool, AppError> {
    match Task::stored(&job.new.kind, &job.new.parameters) {
        Some(Task::Index(task)) => index::run(workshop, &task, recorder),
        Some(Task::Duplicates) => upkeep::duplicates(workshop, recorder),
        Some(Task::Verify) => upkeep::verify(workshop, recorder),
        Some(Task::Backup(task)) => upkeep::copy(workshop, &task, recorder),
        Some(Task::Embed) => upkeep::embed(workshop, recorder),
        Some(Task::Export(task)) => export::run(workshop, task, recorder),
        None => Err(StoreError::Failed {
            location: format!("job {}", job.id),
            detail: format!("this version knows no job {:?} like that", job.new.kind),
        }
        .into()),
    }
}

/// Tells jobs to end whose end another process asked for, and forgets old ones.
fn look_after(shared: &Shared, settings: &JobSettings, root: &Path, cancel: &AtomicBool) {
    let mut tidied: Option<Instant> = None;
    while !cancel.load(Ordering::Relaxed) {
        match shared.records.jobs_to_end() {
            Ok(ids) => {
                let running = shared.running.lock();
                for running in ids.iter().filter_map(|id| running.get(id)) {
                    running.cancel.store(true, Ordering::Relaxed);
                }
            }
            Err(error) => tracing::warn!("jobs cannot be read: {error}"),
        }
        if tidied.is_none_or(|tidied| tidied.elapsed() >= TIDIED_EACH) {
            tidied = Some(Instant::now());
            match shared.forget_old(settings) {
                Ok(0) => {}
                Ok(count) => tracing::debug!("{count} old jobs are forgotten"),
                Err(error) => tracing::warn!("old jobs stay for now: {error}"),
            }
            // Where jobs cannot be read, all files stay.
            let mut is_kept = |id| !matches!(shared.records.job(id), Ok(None));
            exports::sweep(root, &mut is_kept);
        }
        rest(LOOKED_EACH, cancel);
    }
}
