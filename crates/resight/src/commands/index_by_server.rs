//! `resight index` beside a server: it makes jobs of the folders, and waits for them.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;
use resight_app::Code;
use resight_app::config::Config;
use resight_app::folders::{Rules, folder_text};
use resight_app::jobs::{IndexTask, Job, Jobs, Task};
use resight_app::stores::CollectionPlaces;
use resight_server::wire::JobShown;
use resight_store::JobState;

use super::served_jobs::{JobEvent, line_of};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress;

/// How often it is looked whether a job has come further.
const LOOKED_EACH: Duration = Duration::from_millis(300);

/// How the folders are indexed.
pub(super) struct Wanted {
    pub(super) rules: Rules,
    pub(super) retry: bool,
    pub(super) reread: bool,
}

/// Whether a server has the data folder, and can do what a command that met this error cannot.
pub(super) fn is_there(error: &CliError, config: &Config) -> bool {
    let is_locked = error.code() == Code::StoreLocked;
    let has = || CollectionPlaces::of(config).has(&config.collection);
    is_locked && Jobs::are_run(config) && has().unwrap_or(false)
}

/// Makes a job of each folder and waits for all.
pub(super) fn index(
    dirs: &[PathBuf],
    wanted: &Wanted,
    config: &Config,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<(), CliError> {
    let jobs = Jobs::open(config)?;
    let mut made = Vec::new();
    for dir in dirs {
        let task = Task::Index(IndexTask {
            folder: folder_text(config, dir)?,
            rules: wanted.rules.clone(),
            retry: wanted.retry,
            reread: wanted.reread,
        });
        made.push(jobs.add(&config.collection, &task, None, None)?);
    }
    if !output.is_json() {
        output.remark("A server has the data folder open, and indexes as its job.");
    }
    for job in made {
        let job = wait(&jobs, job.record.id, config, interrupt, output)?;
        if job.record.state != JobState::Done {
            return Err(not_done(&job));
        }
        if output.is_json() {
            let job = JobShown::new(job, true);
            output.json(&JobEvent { event: "job", job })?;
        } else {
            output.line(line_of(&job))?;
        }
    }
    Ok(())
}

/// Waits until a job has ended, with its progress in view. An interrupt cancels it.
pub(super) fn wait(
    jobs: &Jobs,
    id: u64,
    config: &Config,
    interrupt: &Interrupt,
    output: &Output,
) -> Result<Job, CliError> {
    let bar = progress::bar(output.shows_progress(), 0, "Indexing");
    let ended = watch(jobs, id, config, interrupt, &bar);
    bar.finish_and_clear();
    ended
}

fn watch(
    jobs: &Jobs,
    id: u64,
    config: &Config,
    interrupt: &Interrupt,
    bar: &ProgressBar,
) -> Result<Job, CliError> {
    loop {
        let job = jobs.get(id)?;
        bar.set_length(job.record.total);
        bar.set_position(job.record.done);
        if job.record.state.is_end() {
            return Ok(job);
        }
        if interrupt.requested() {
            // It may just have ended.
            let _ = jobs.cancel(id);
            return Err(CliError::Interrupted);
        }
        if !Jobs::are_run(config) {
            return Err(CliError::Failure {
                code: Code::Cancelled,
                detail: format!("the server ended before job {id}"),
                next_step:
                    "What is indexed is kept. The next `resight serve` goes on with the rest."
                        .into(),
            });
        }
        std::thread::sleep(LOOKED_EACH);
    }
}

/// The error of a job that did not come to its end.
pub(super) fn not_done(job: &Job) -> CliError {
    let code = job.record.code.as_deref().and_then(Code::parse);
    let code = code.unwrap_or(Code::Cancelled);
    CliError::Failure {
        code,
        detail: line_of(job),
        next_step: code.next_step().into(),
    }
}
