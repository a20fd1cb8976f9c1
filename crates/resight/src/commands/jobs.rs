//! `resight jobs`.

use std::time::Duration;

use clap::Subcommand;
use resight_app::config::Config;
use resight_app::jobs::{JobKind, Jobs};
use resight_app::{AppError, Code};
use resight_server::wire::{JobList, JobRefused, JobRefusedList, JobShown};
use resight_store::{JobFilter, JobState};

use super::index_by_server::not_done;
use super::served_jobs::line_of;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::output::{Output, counted, printable};
use crate::progress;

const EXAMPLES: &str = "\
Examples:
  resight jobs
  resight jobs list --state running --state queued
  resight jobs refused 7
  resight jobs cancel 7
  resight jobs wait 7

A server runs jobs: `resight serve` makes one of each registered folder, and POST /v1/jobs any. `wait` ends with 0 where
the job is done, else with 1.";

/// How often it is looked whether a job has come further.
const LOOKED_EACH: Duration = Duration::from_millis(300);

/// List the jobs of a server, wait for one, and cancel one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, the newest first
    List {
        /// Only jobs in this state: queued, running, done, failed or cancelled; may be given several times
        #[arg(long, value_parser = state, value_name = "STATE")]
        state: Vec<JobState>,
        /// Only jobs of this kind: index, duplicates, verify, backup, embed or export
        #[arg(long, value_parser = kind, value_name = "KIND")]
        kind: Option<JobKind>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show one
    Show {
        /// Its number
        id: u64,
    },
    /// List the files that one could not take in; of a job of kind verify, what is damaged
    Refused {
        /// Its number
        id: u64,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: usize,
    },
    /// Ask one to end; what it has done stays
    Cancel {
        /// Its number
        id: u64,
    },
    /// Wait until one has ended
    Wait {
        /// Its number
        id: u64,
    },
}

fn state(text: &str) -> Result<JobState, String> {
    let all = JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(text).ok_or(format!("there are {all}"))
}

fn kind(text: &str) -> Result<JobKind, String> {
    let all = JobKind::ALL.map(JobKind::as_str).join(", ");
    JobKind::parse(text).ok_or(format!("there are {all}"))
}

pub(crate) fn run(args: &JobsArgs, config: &Config, output: &mut Output) -> Result<(), CliError> {
    let all = Action::List {
        state: Vec::new(),
        kind: None,
        limit: 50,
    };
    let action = args.action.as_ref().unwrap_or(&all);
    let jobs = Jobs::open_existing(config)?;
    match (action, jobs) {
        (Action::List { state, kind, limit }, jobs) => {
            let filter = JobFilter {
                states: state.clone(),
                kind: kind.map(|kind| kind.as_str().to_owned()),
                ..JobFilter::default()
            };
            list(jobs.as_ref(), &filter, *limit, output)
        }
        (
            Action::Show { id }
            | Action::Refused { id, .. }
            | Action::Cancel { id }
            | Action::Wait { id },
            None,
        ) => Err(unknown(AppError::UnknownJob(*id))),
        (Action::Show { id }, Some(jobs)) => {
            let job = jobs.get(*id).map_err(unknown)?;
            match output.is_json() {
                true => output.json(&JobShown::new(job, true)),
                false => output.line(line_of(&job)),
            }
        }
        (Action::Refused { id, limit }, Some(jobs)) => refused(&jobs, *id, *limit, output),
        (Action::Cancel { id }, Some(jobs)) => {
            let job = jobs.cancel(*id).map_err(unknown)?;
            match (output.is_json(), job.record.state) {
                (true, _) => output.json(&JobShown::new(job, true)),
                (false, JobState::Running) => {
                    output.line(format_args!("Job {id} ends as soon as the server notices."))
                }
                (false, _) => output.line(line_of(&job)),
            }
        }
        (Action::Wait { id }, Some(jobs)) => wait(&jobs, *id, output),
    }
}

fn unknown(error: AppError) -> CliError {
    match error.code() {
        code @ (Code::UnknownJob | Code::JobEnded) => CliError::Usage {
            code,
            detail: error.to_string(),
            next_step: "See `resight jobs list`.".into(),
        },
        _ => error.into(),
    }
}

fn list(
    jobs: Option<&Jobs>,
    filter: &JobFilter,
    limit: usize,
    output: &mut Output,
) -> Result<(), CliError> {
    let (mut total, mut found) = (0, Vec::new());
    if let Some(jobs) = jobs {
        (total, found) = (jobs.count(filter)?, jobs.list(filter, limit)?);
    }
    let shown: Vec<_> = found
        .into_iter()
        .map(|job| JobShown::new(job, true))
        .collect();
    if output.is_json() {
        return output.json(&JobList {
            total,
            jobs: shown,
            next: None,
        });
    }
    if shown.is_empty() {
        return output.line("There are no such jobs.");
    }
    let rows: Vec<_> = shown.iter().map(JobShown::row).collect();
    output.table(&JobShown::HEADINGS, &[0], &rows)?;
    let all = counted(total, "job", "jobs");
    output.remark(format_args!("{} of {all}", rows.len()));
    Ok(())
}

fn refused(jobs: &Jobs, id: u64, limit: usize, output: &mut Output) -> Result<(), CliError> {
    let found = jobs.refused(id, None, limit).map_err(unknown)?;
    if output.is_json() {
        return output.json(&JobRefusedList {
            refused: found.into_iter().map(JobRefused::from).collect(),
            next: None,
        });
    }
    for file in found {
        let (path, reason) = (printable(&file.path), printable(&file.reason));
        output.line(format_args!("{path}: {reason} ({})", file.code))?;
    }
    Ok(())
}

/// Waits for a job; fails unless it is done.
fn wait(jobs: &Jobs, id: u64, output: &mut Output) -> Result<(), CliError> {
    let interrupt = Interrupt::listen()?;
    let bar = progress::bar(output.shows_progress(), 0, "Waiting");
    let job = loop {
        let job = jobs.get(id).map_err(unknown)?;
        bar.set_length(job.record.total);
        bar.set_position(job.record.done);
        if job.record.state.is_end() {
            break job;
        }
        if interrupt.requested() {
            bar.finish_and_clear();
            return Err(CliError::Interrupted);
        }
        std::thread::sleep(LOOKED_EACH);
    };
    bar.finish_and_clear();
    match (job.record.state, output.is_json()) {
        (JobState::Done, true) => output.json(&JobShown::new(job, true)),
        (JobState::Done, false) => output.line(line_of(&job)),
        _ => Err(not_done(&job)),
    }
}
