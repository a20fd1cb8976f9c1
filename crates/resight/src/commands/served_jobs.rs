//! The jobs and registered folders of `resight serve`: its options, what it begins with, and what it tells of them.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use resight_app::background::Background;
use resight_app::collections::Collections;
use resight_app::config::Config;
use resight_app::data_folder::WritableFolder;
use resight_app::export::ExportRoom;
use resight_app::folders::{Folder, Folders, FollowSettings, Following, Roots, Rules};
use resight_app::jobs::{Job, JobRunner, JobSettings, Jobs, Task};
use resight_app::local::LocalServer;
use resight_app::quarantine::Quarantine;
use resight_app::{AppError, Code};
use resight_server::wire::JobShown;
use resight_server::{JobsPerKey, JobsServed};
use resight_store::{JobFilter, JobState};
use serde::Serialize;

use crate::error::CliError;
use crate::output::{Output, printable};
use crate::progress;

/// Jobs that are looked at when progress is shown.
const SHOWN: usize = 20;
/// Where there is no terminal, progress is told this often.
const TOLD_EACH: Duration = Duration::from_secs(60);

/// Options of jobs and registered folders
#[derive(Debug, clap::Args)]
pub(crate) struct JobArgs {
    /// Let folders below this one be named over HTTP, to be indexed; may be given several times. Without it none may
    #[arg(long, value_name = "ROOT", help_heading = "Jobs and folders")]
    allow_folder: Vec<PathBuf>,
    /// Let backups be written below this folder when asked for over HTTP; may be given several times
    #[arg(
        long,
        hide_short_help = true,
        value_name = "ROOT",
        help_heading = "Jobs and folders"
    )]
    allow_backup: Vec<PathBuf>,
    /// Let admins have the files of duplicates moved to this folder, out of registered folders
    #[arg(
        long,
        hide_short_help = true,
        value_name = "DIR",
        help_heading = "Jobs and folders"
    )]
    pub(crate) quarantine: Option<PathBuf>,
    /// How long jobs are kept that have ended, as in 12h, 30d or 1y
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration, help_heading = "Jobs and folders")]
    keep_jobs: Duration,
    /// Jobs that run at once; the others wait
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16), help_heading = "Jobs and folders")]
    jobs_at_once: u8,
    /// Jobs of one API key that may wait or run at once
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = JobsPerKey::default().others, value_parser = clap::value_parser!(u64).range(1..=1000), help_heading = "Jobs and folders")]
    jobs_per_key: u64,
    /// The same of a key with the scope admin
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = JobsPerKey::default().admins, value_parser = clap::value_parser!(u64).range(1..=1000), help_heading = "Jobs and folders")]
    jobs_per_admin: u64,
    /// MiB that files of exports may take together; the oldest give way
    #[arg(long, hide_short_help = true, value_name = "MIB", default_value_t = 10_240, value_parser = clap::value_parser!(u32).range(1..=16_777_216), help_heading = "Jobs and folders")]
    exports_size: u32,
    /// How changes in registered folders are noticed: auto as the system tells, and by looking through folders of
    /// network file systems; poll by looking through all; off not at all
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t = Follow::Auto,
        help_heading = "Jobs and folders"
    )]
    follow: Follow,
    /// How often folders are looked through of which the system does not tell
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration, help_heading = "Jobs and folders")]
    poll_each: Duration,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Follow {
    Auto,
    Poll,
    Off,
}

impl JobArgs {
    fn settings(&self) -> JobSettings {
        JobSettings {
            at_once: usize::from(self.jobs_at_once),
            keep: self.keep_jobs,
            exports: ExportRoom {
                bytes: u64::from(self.exports_size) << 20,
                ..ExportRoom::default()
            },
            ..JobSettings::default()
        }
    }

    fn follow_settings(&self) -> FollowSettings {
        FollowSettings {
            following: match self.follow {
                Follow::Auto => Following::Auto,
                Follow::Poll => Following::Poll,
                Follow::Off => Following::Off,
            },
            poll_each: self.poll_each.max(Duration::from_secs(1)),
            ..FollowSettings::default()
        }
    }
}

/// What serves jobs. Drop it before the collections.
pub(crate) struct ServedJobs {
    pub(crate) served: JobsServed,
    /// Carries out what commands of this machine ask for.
    _local: Option<LocalServer>,
    _follower: Option<Background>,
    _runner: JobRunner,
}

impl ServedJobs {
    /// Registers the folders `dirs`, makes a job of each registered folder, and runs jobs from now on. `rules` are
    /// those of the command line, where it has some. Returns the folder for files of duplicates, too: nothing is
    /// registered or indexed where that has files which would come back.
    pub(crate) fn begin(
        args: &JobArgs,
        dirs: &[PathBuf],
        rules: Option<&Rules>,
        (config, folder): (&Config, &WritableFolder),
        collections: &Collections,
    ) -> Result<(Self, Option<Quarantine>), CliError> {
        let jobs = Jobs::of_folder(config, folder)?;
        let folders = Folders::beside(&jobs);
        let quarantine = args.quarantine.as_deref();
        let quarantine = quarantine
            .map(|dir| Quarantine::new(dir, config))
            .transpose()?;
        if let Some(quarantine) = &quarantine {
            let registered = folders.list()?;
            let registered: Vec<PathBuf> = registered.iter().map(Folder::path).collect();
            quarantine.check_apart(&registered)?;
        }
        match register(&folders, dirs, rules, config) {
            // What is stored is searched all the same.
            Err(error) if error.code() == Code::StoreFull => {
                tracing::warn!("folders are not registered for now: {error}");
            }
            registered => registered?,
        }
        // Before those that are made now, so that nothing runs twice.
        let runner = jobs.run_in_background(config, collections, &args.settings())?;
        let follower = folders.follow(&jobs, config, collections, args.follow_settings())?;
        // Who follows folders looks at all of each first.
        let unfollowed = match follower {
            Some(_) => Vec::new(),
            None => folders.list()?,
        };
        for folder in unfollowed {
            if folder.path().is_dir() && !is_waiting(&jobs, &folder)? {
                folders.index(&jobs, &folder, None)?;
            }
        }
        let local = LocalServer::begin(&config.root, collections, &jobs);
        let served = Self {
            served: JobsServed {
                jobs,
                folders,
                config: config.clone(),
                roots: Roots::new(&args.allow_folder),
                backups: Roots::new(&args.allow_backup),
                per_key: JobsPerKey {
                    others: args.jobs_per_key,
                    admins: args.jobs_per_admin,
                },
            },
            _local: local,
            _follower: follower,
            _runner: runner,
        };
        Ok((served, quarantine))
    }
}

fn register(
    folders: &Folders,
    dirs: &[PathBuf],
    rules: Option<&Rules>,
    config: &Config,
) -> Result<(), AppError> {
    for dir in dirs {
        let given = rules.cloned().unwrap_or_default();
        let (folder, is_new) = folders.add(config, dir, &config.collection, &given, None)?;
        if let Some(rules) = rules.filter(|_| !is_new) {
            let rules = Rules {
                tags: folder.rules.tags,
                ..rules.clone()
            };
            folders.set_rules(folder.record.id, &rules)?;
        }
    }
    Ok(())
}

/// Whether a job of the folder has not ended yet.
fn is_waiting(jobs: &Jobs, folder: &Folder) -> Result<bool, CliError> {
    let unfinished = JobFilter {
        states: vec![JobState::Queued, JobState::Running],
        ..JobFilter::default()
    };
    let all = jobs.list(&unfinished, usize::MAX)?;
    let id = Some(folder.record.id);
    Ok(all.iter().any(|job| job.record.new.folder == id))
}

/// Tells of jobs as they go on: a bar on a terminal, lines elsewhere, objects with `--json`.
pub(crate) struct JobTeller {
    jobs: Jobs,
    /// What was told of each job that had not ended.
    told: HashMap<u64, (JobState, Instant)>,
    bar: Option<(u64, ProgressBar)>,
    version: Option<u64>,
}

/// A job as an event of a command that goes on.
#[derive(Serialize)]
pub(super) struct JobEvent {
    pub(super) event: &'static str,
    pub(super) job: JobShown,
}

impl JobTeller {
    pub(crate) fn new(jobs: Jobs) -> Self {
        Self {
            jobs,
            told: HashMap::new(),
            bar: None,
            version: None,
        }
    }

    /// Tells what has changed.
    pub(crate) fn tell(&mut self, output: &mut Output) -> Result<(), CliError> {
        let version = self.jobs.version();
        if self.version.replace(version) == Some(version) {
            return Ok(());
        }
        let unfinished = JobFilter {
            states: vec![JobState::Running],
            ..JobFilter::default()
        };
        let mut seen = self.jobs.list(&unfinished, SHOWN)?;
        let running: Vec<u64> = seen.iter().map(|job| job.record.id).collect();
        let others = self.told.keys().filter(|id| !running.contains(id));
        for id in others.copied().collect::<Vec<_>>() {
            // One that was forgotten is left out.
            match self.jobs.get(id) {
                Ok(job) => seen.push(job),
                Err(_) => drop(self.told.remove(&id)),
            }
        }
        for job in seen {
            self.tell_of(job, output)?;
        }
        Ok(())
    }

    fn tell_of(&mut self, job: Job, output: &mut Output) -> Result<(), CliError> {
        let (id, state) = (job.record.id, job.record.state);
        let before = self.told.get(&id).copied();
        self.show_bar(&job, output);
        let is_due = before.is_none_or(|(told, at)| told != state || at.elapsed() >= TOLD_EACH);
        if is_due && output.is_json() {
            let job = JobShown::new(job, true);
            output.json(&JobEvent { event: "job", job })?;
        } else if is_due && (state.is_end() || self.bar.is_none()) {
            output.remark(line_of(&job));
        }
        match (state.is_end(), is_due) {
            (true, _) => drop(self.told.remove(&id)),
            (false, true) => drop(self.told.insert(id, (state, Instant::now()))),
            (false, false) => {}
        }
        Ok(())
    }

    fn show_bar(&mut self, job: &Job, output: &Output) {
        let (id, is_end) = (job.record.id, job.record.state.is_end());
        if let Some((shown, bar)) = &self.bar
            && *shown == id
        {
            bar.set_length(job.record.total);
            bar.set_position(job.record.done);
            if is_end {
                bar.finish_and_clear();
                self.bar = None;
            }
        } else if self.bar.is_none()
            && !is_end
            && output.shows_progress()
            && std::io::stderr().is_terminal()
        {
            let what = match job.task {
                Some(Task::Index(_)) => "Indexing",
                _ => "Working",
            };
            let bar = progress::bar(true, job.record.total, what);
            bar.set_position(job.record.done);
            bar.reset_eta();
            self.bar = Some((id, bar));
        }
    }
}

impl Drop for JobTeller {
    fn drop(&mut self) {
        if let Some((_, bar)) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What a job has done, in a line.
pub(crate) fn line_of(job: &Job) -> String {
    let record = &job.record;
    let folder = job.task.as_ref().and_then(Task::folder);
    let folder = folder.map_or_else(String::new, |folder| format!(" of {}", printable(folder)));
    let what = format!("Job {} ({}{folder})", record.id, record.new.kind);
    let counts: Vec<String> = job
        .counts
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    let counts = match counts.is_empty() {
        true => String::new(),
        false => format!(": {}", counts.join(", ")),
    };
    match record.state {
        JobState::Queued => format!("{what} waits."),
        JobState::Running if record.total == 0 => format!("{what} runs."),
        JobState::Running => format!("{what}: {} of {}.", record.done, record.total),
        JobState::Done => format!("{what} is done{counts}."),
        JobState::Cancelled => format!("{what} was cancelled{counts}."),
        JobState::Failed => {
            let detail = record.detail.as_deref().unwrap_or("the log has the cause");
            format!("{what} failed: {}", printable(detail))
        }
    }
}
