//! Jobs: work that outlives the request that asks for it, and a restart.
//!
//! A job is a row of the data folder's records. The process that serves the data folder runs the rows in the order
//! in which they were made, few at once ([`Jobs::run_in_background`]); any process may add one or ask one to end.
//!
//! Invariant: a job that was running when the process ended goes on in the next one, and ends as it would have:
//! all kinds can be run again over what they did before, and what a job reports of it counts once.
//! Invariant: jobs work on few threads of low priority and draw on the one budget of memory, so searches come first.

mod export;
mod index;
mod recorder;
mod runner;
mod serving;
mod task;
mod upkeep;
mod workshop;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use resight_store::{
    CollectionName, JobAdded, JobBounds, JobFilter, JobRecord, JobRefusal, JobState, NewJob,
    StoreError, now_ms,
};

use crate::AppError;
use crate::collections::Collections;
use crate::components::{self, Records};
use crate::config::Config;
use crate::data_folder::WritableFolder;
use crate::export::ExportRoom;
use crate::private;

pub use recorder::Report;
pub use runner::JobRunner;
pub use task::{BackupTask, ExportTask, IndexTask, JobKind, Task};
pub(crate) use workshop::FewThreads;

/// Jobs that may wait at once.
const MOST_WAITING: u64 = 1000;

/// How jobs are run and kept.
#[derive(Clone, Debug)]
pub struct JobSettings {
    /// How many run at once.
    pub at_once: usize,
    /// How long one that ended is kept.
    pub keep: Duration,
    /// How many that ended are kept at most.
    pub most: usize,
    /// The room that files of exports may take.
    pub exports: ExportRoom,
}

impl Default for JobSettings {
    /// One at a time; those of 30 days, at most 10,000.
    fn default() -> Self {
        Self {
            at_once: 1,
            keep: Duration::from_secs(30 * 24 * 3600),
            most: 10_000,
            exports: ExportRoom::default(),
        }
    }
}

/// The key by which a job is asked for.
#[derive(Clone, Copy, Debug)]
pub struct JobMaker<'a> {
    /// Its id.
    pub key: &'a str,
    /// Jobs of it that may wait or run at once; `None` for any number.
    pub most: Option<u64>,
}

/// A job as it is now.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is stored of it.
    pub record: JobRecord,
    /// What it does; `None` where another version made it.
    pub task: Option<Task>,
    /// What it has done, by name.
    pub counts: BTreeMap<String, u64>,
    /// Things a second, while it runs.
    pub rate: Option<f64>,
    /// How long it will take yet, at this rate.
    pub left: Option<Duration>,
}

/// The jobs of a data folder. A clone shares them.
#[derive(Clone)]
pub struct Jobs(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) records: Arc<Records>,
    /// Counts changes by this process, for readers that wait for one.
    version: AtomicU64,
    /// Jobs that this process runs.
    running: Mutex<HashMap<u64, Running>>,
    /// Held while a job is begun, and while a collection is renamed.
    starting: Mutex<()>,
    /// Wakes the threads that run jobs.
    waiting: Mutex<()>,
    added: Condvar,
}

/// A job that this process runs.
struct Running {
    cancel: Arc<AtomicBool>,
    since: Instant,
    /// Things done when this process began with it.
    from: u64,
    done: u64,
    total: u64,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

impl Jobs {
    /// Those of the data folder, which must exist.
    pub fn open(config: &Config) -> Result<Self, AppError> {
        Ok(Self::of(components::open_records(config)?))
    }

    /// Those of a data folder that this process has open for changes, also on a full disk. Where what is stored of
    /// them is damaged, there are none.
    pub fn of_folder(config: &Config, folder: &WritableFolder) -> Result<Self, AppError> {
        let records = components::open_own_records(config, folder.guard())?;
        Ok(Self::of(records))
    }

    fn of(records: Records) -> Self {
        Self(Arc::new(Shared {
            records: Arc::new(records),
            version: AtomicU64::new(0),
            running: Mutex::default(),
            starting: Mutex::default(),
            waiting: Mutex::default(),
            added: Condvar::new(),
        }))
    }

    /// As [`Jobs::open`], and creates the data folder where it does not exist.
    pub fn create(config: &Config) -> Result<Self, AppError> {
        let created = private::create_folder(&config.root);
        created.map_err(|error| AppError::unwritable(&config.root, error))?;
        Self::open(config)
    }

    /// As [`Jobs::open`]; `None` where the data folder never had a job or a registered folder.
    pub fn open_existing(config: &Config) -> Result<Option<Self>, AppError> {
        match Records::is_in(&config.root) {
            true => Self::open(config).map(Some),
            false => Ok(None),
        }
    }

    /// Whether a process runs the jobs of the data folder now.
    pub fn are_run(config: &Config) -> bool {
        serving::is_announced(&config.root)
    }

    /// Makes a job, which waits for its turn. `maker` is `None` where no key was asked for. `folder`: the number of the
    /// registered folder that it reads.
    ///
    /// # Errors
    /// `busy` where too many jobs wait, `too_many_jobs` where the key has as many as it may.
    pub fn add(
        &self,
        collection: &CollectionName,
        task: &Task,
        maker: Option<JobMaker<'_>>,
        folder: Option<u64>,
    ) -> Result<Job, AppError> {
        let parameters = task.parameters().map_err(|error| StoreError::Failed {
            location: "a job".into(),
            detail: error.to_string(),
        })?;
        let new = NewJob {
            collection: collection.clone(),
            kind: task.kind().as_str().to_owned(),
            parameters,
            made_by: maker.map(|maker| maker.key.to_owned()),
            folder,
        };
        let of_key = maker.and_then(|maker| maker.most);
        let bounds = JobBounds {
            waiting: Some(MOST_WAITING),
            of_key,
        };
        let id = match self.0.records.add_job(&new, &bounds)? {
            JobAdded::Made(id) => id,
            JobAdded::TooManyWait => return Err(AppError::TooManyJobs),
            JobAdded::TooManyOfKey => {
                let most = of_key.unwrap_or_default();
                return Err(AppError::TooManyJobsOfKey { most });
            }
        };
        self.0.note_change();
        self.0.wake();
        self.get(id)
    }

    /// The job with this number.
    pub fn get(&self, id: u64) -> Result<Job, AppError> {
        let record = self.0.records.job(id)?.ok_or(AppError::UnknownJob(id))?;
        Ok(self.0.shown(record))
    }

    /// At most `limit` jobs that the filter means, the newest first.
    pub fn list(&self, filter: &JobFilter, limit: usize) -> Result<Vec<Job>, AppError> {
        let records = self.0.records.jobs(filter, limit)?;
        Ok(records.into_iter().map(|one| self.0.shown(one)).collect())
    }

    /// How many jobs the filter means.
    pub fn count(&self, filter: &JobFilter) -> Result<u64, AppError> {
        Ok(self.0.records.count_jobs(filter)?)
    }

    /// At most `limit` files that a job refused, or things that it found damaged, by path.
    pub fn refused(
        &self,
        id: u64,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<JobRefusal>, AppError> {
        self.get(id)?;
        Ok(self.0.records.job_refusals(id, after, limit)?)
    }

    /// Asks a job to end. Fails with `job_ended` where it has ended.
    pub fn cancel(&self, id: u64) -> Result<Job, AppError> {
        match self.0.records.ask_to_end(id)? {
            None => return Err(AppError::UnknownJob(id)),
            Some(false) => return Err(AppError::JobEnded(id)),
            Some(true) => {}
        }
        if let Some(running) = self.0.running.lock().get(&id) {
            running.cancel.store(true, Ordering::Relaxed);
        }
        self.0.note_change();
        self.get(id)
    }

    /// Forgets the jobs and the registered folders of a collection that was removed.
    pub fn forget_collection(&self, name: &CollectionName) -> Result<(), AppError> {
        self.0.records.forget_collection(name)?;
        self.0.note_change();
        Ok(())
    }

    /// Gives a collection another name, which its jobs, registered folders and keys follow. Waits for requests that use
    /// it.
    ///
    /// # Errors
    /// As those of [`renaming::rename`](crate::renaming::rename), and `busy` where a job works on it or requests take too
    /// long.
    pub fn rename_collection(
        &self,
        collections: &Collections,
        from: &CollectionName,
        to: &CollectionName,
    ) -> Result<(), AppError> {
        // Else a job would begin, and find no collection of its name.
        let _held = self.0.starting.lock();
        let filter = JobFilter {
            states: vec![JobState::Running],
            collections: Some(vec![from.clone()]),
            ..JobFilter::default()
        };
        if !self.list(&filter, 1)?.is_empty() {
            return Err(AppError::CollectionInUse(from.clone()));
        }
        collections.rename(from, to)?;
        self.0.note_change();
        Ok(())
    }

    /// Another number whenever this process has changed a job.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }
}

impl Shared {
    fn note_change(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    fn wake(&self) {
        let _waiting = self.waiting.lock();
        self.added.notify_all();
    }

    /// Waits until a job may have been added, for at most `longest`.
    fn wait(&self, longest: Duration) {
        let mut waiting = self.waiting.lock();
        self.added.wait_for(&mut waiting, longest);
    }

    /// The job with what only this process knows of it.
    fn shown(&self, mut record: JobRecord) -> Job {
        let report: Report = serde_json::from_str(&record.report).unwrap_or_default();
        let (mut rate, mut left) = (None, None);
        if record.state == JobState::Running
            && let Some(running) = self.running.lock().get(&record.id)
        {
            (record.done, record.total) = (running.done, running.total);
            let seconds = running.since.elapsed().as_secs_f64();
            let made = running.done.saturating_sub(running.from) as f64;
            if made > 0.0 && seconds > 0.0 {
                let rest = running.total.saturating_sub(running.done) as f64;
                rate = Some(made / seconds);
                left = Duration::try_from_secs_f64(rest * seconds / made).ok();
            }
        }
        Job {
            task: Task::stored(&record.new.kind, &record.new.parameters),
            counts: report.counts,
            record,
            rate,
            left,
        }
    }

    /// Forgets jobs that ended long ago.
    fn forget_old(&self, settings: &JobSettings) -> Result<usize, StoreError> {
        let keep = i64::try_from(settings.keep.as_millis()).unwrap_or(i64::MAX);
        let before = now_ms().saturating_sub(keep);
        self.records.forget_ended(before, settings.most)
    }
}
