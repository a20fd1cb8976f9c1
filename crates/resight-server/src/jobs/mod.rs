//! Jobs, their events, and registered folders.
//!
//! Invariant: a caller sees jobs and folders of the collections that its key is for, and paths of the server only as
//! an admin. Invariant: a path that a caller names lies below a folder that the server was started to allow.

pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod folders;
pub(crate) mod metrics;
pub(crate) mod served;

use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use resight_app::export::ExportFormat;
use resight_app::folders::{Rules, folder_text};
use resight_app::jobs::{BackupTask, ExportTask, IndexTask, Job, JobKind, JobMaker, Task};
use resight_app::keys::Scope;
use resight_app::{AppError, Code};
use resight_engine::{path_of_text, path_text};
use resight_store::{CollectionName, JobFilter, JobState};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::IntoParams;

use super::App;
use super::access::{self, Caller, not_for};
use super::collections::named;
use super::params::{MAX_LIMIT, MAX_OFFSET, Params, Whole, bad, path_segment};
use super::problem::Problem;
use crate::wire::{JobList, JobRefusedList, JobShown, JobWanted, ProblemBody};
use served::JobsServed;

/// Jobs of a list when no limit is given.
const PAGE: u64 = 50;
/// Refused files of a list when no limit is given.
const REFUSED_PAGE: u64 = 100;
/// The largest body read, in bytes.
const MOST_BYTES: u64 = 256 << 10;
const FORM: &str = r#"{"kind": "…"}"#;

impl App {
    pub(crate) fn served(&self) -> Result<&Arc<JobsServed>, Problem> {
        self.jobs.as_ref().ok_or_else(|| {
            Problem::new(
                Code::UnknownRoute,
                "This server has no data folder to run jobs on.",
            )
        })
    }
}

/// Which jobs a list holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobFilters {
    /// Only jobs in this state: queued, running, done, failed or cancelled; may be given several times
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    state: Vec<StateOfJob>,
    /// Only jobs of this kind: index, duplicates, verify, backup, embed or export
    kind: Option<String>,
    /// Only jobs of this collection
    of: Option<String>,
    /// Only jobs with a smaller number
    #[param(value_type = Option<u64>)]
    before: Option<Whole<0, MAX_OFFSET>>,
    /// At most how many jobs to return, 1 to 1000; 50 by default
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    limit: Option<Whole<1, MAX_LIMIT>>,
}

struct StateOfJob(JobState);

impl<'de> Deserialize<'de> for StateOfJob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        JobState::parse(&text).map(Self).ok_or_else(|| {
            let all = JobState::ALL.map(JobState::as_str).join(", ");
            D::Error::custom(format!("must be one of {all}; it is {text:?}"))
        })
    }
}

/// Jobs of the collections that the key is for, the newest first.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", operation_id = "list_jobs",
    params(JobFilters),
    responses(
        (status = 200, description = "One page", body = JobList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<JobList>, Problem> {
    let given: JobFilters = Params::only(&uri)?;
    if let Some(kind) = &given.kind {
        kind_named(kind)?;
    }
    let asked = given.of.as_deref().map(named).transpose()?;
    let seen = caller.collections().map(<[_]>::to_vec);
    let collections = match (asked, seen) {
        (Some(name), _) if !caller.sees(&name) => return Err(not_for(&name)),
        (Some(name), _) => Some(vec![name]),
        (None, seen) => seen,
    };
    let filter = JobFilter {
        states: given.state.into_iter().map(|state| state.0).collect(),
        kind: given.kind,
        collections,
        before: given.before.map(Whole::value),
    };
    let limit = usize::try_from(given.limit.map_or(PAGE, Whole::value)).unwrap_or(usize::MAX);
    let jobs = app.served()?.jobs.clone();
    let read = move || {
        let all = JobFilter {
            before: None,
            ..filter.clone()
        };
        // One more than is shown tells whether there is a next page.
        Ok((jobs.count(&all)?, jobs.list(&filter, limit + 1)?))
    };
    let (total, mut found) = app.work.light.run(move || Ok(in_app(read))).await??;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|job| job.record.id);
    let sees_paths = caller.is_admin();
    let jobs = found.into_iter().map(|job| JobShown::new(job, sees_paths));
    Ok(Json(JobList {
        total,
        jobs: jobs.collect(),
        next,
    }))
}

/// Makes a job. It runs when those before it are done.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", operation_id = "create_job",
    request_body = JobWanted,
    responses(
        (status = 202, description = "It waits for its turn", body = JobShown),
        (status = 403, description = "The key or the server does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such collection or registered folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There can be no such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "The key has as many jobs as it may, or has reached another limit", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many jobs wait", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<JobShown>), Problem> {
    let wanted: JobWanted = access::body(&app, request, MOST_BYTES, FORM).await?;
    let served = app.served()?.clone();
    let kind = kind_named(&wanted.kind)?;
    let collection = collection_of(wanted.collection.as_deref(), &caller)?;
    may(&caller, kind)?;
    let (by, collections) = (caller.clone(), app.collections.clone());
    let make = move || {
        if !collections.names()?.contains(&collection) {
            return Err(AppError::UnknownCollection(collection).into());
        }
        made(&served, &wanted, kind, &collection, &by)
    };
    let job = app.work.light.run(move || Ok(make())).await??;
    Ok((
        StatusCode::ACCEPTED,
        Json(JobShown::new(job, caller.is_admin())),
    ))
}

fn made(
    served: &JobsServed,
    wanted: &JobWanted,
    kind: JobKind,
    collection: &CollectionName,
    caller: &Caller,
) -> Result<Job, Problem> {
    let per_key = served.per_key;
    let most = match caller.allows(Scope::Admin) {
        true => per_key.admins,
        false => per_key.others,
    };
    let maker = caller.key_id().map(|key| JobMaker {
        key,
        most: Some(most),
    });
    let task = match kind {
        JobKind::Index => match (&wanted.folder, wanted.folder_id) {
            (Some(folder), None) => Task::Index(index_task(served, wanted, folder, caller)?),
            (None, Some(id)) => {
                let folder = folders::seen(served, caller, id)?;
                may_prune(caller, &folder.rules)?;
                return Ok(served.folders.index(&served.jobs, &folder, maker)?);
            }
            _ => return Err(bad_job("of index, one of folder and folder_id is given")),
        },
        JobKind::Backup => {
            let Some(folder) = &wanted.folder else {
                return Err(bad_job("of backup, folder is given"));
            };
            let real = served.backups.allow(&path_of_text(folder))?;
            Task::Backup(BackupTask {
                folder: path_text(&real).unwrap_or_else(|| folder.clone()),
                check: wanted.check,
            })
        }
        JobKind::Duplicates => Task::Duplicates,
        JobKind::Verify => Task::Verify,
        JobKind::Embed => Task::Embed,
        JobKind::Export => Task::Export(ExportTask {
            format: format_named(wanted.format.as_deref())?,
            paths: caller.is_admin(),
        }),
    };
    Ok(served.jobs.add(collection, &task, maker, None)?)
}

fn index_task(
    served: &JobsServed,
    wanted: &JobWanted,
    folder: &str,
    caller: &Caller,
) -> Result<IndexTask, Problem> {
    let rules = Rules::from(wanted.rules.clone());
    may_prune(caller, &rules)?;
    rules.check()?;
    Ok(IndexTask {
        folder: allowed_folder(served, Path::new(folder))?,
        rules,
        retry: wanted.retry,
        reread: wanted.reread,
    })
}

/// A folder of pictures that a caller names.
fn allowed_folder(served: &JobsServed, path: &Path) -> Result<String, Problem> {
    let path = path_of_text(&path.to_string_lossy());
    let real = served.roots.allow(&path)?;
    Ok(folder_text(&served.config, &real)?)
}

/// One job.
#[utoipa::path(
    get, path = "/v1/jobs/{job}", tag = "jobs", operation_id = "job",
    params(("job" = u64, Path, description = "The job's number")),
    responses(
        (status = 200, description = "The job", body = JobShown),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    JobAt(id): JobAt,
    uri: Uri,
) -> Result<Json<JobShown>, Problem> {
    Params::none(&uri)?;
    let job = seen(&app, &caller, id).await?;
    Ok(Json(JobShown::new(job, caller.is_admin())))
}

/// Asks a job to end. What it has done stays.
#[utoipa::path(
    delete, path = "/v1/jobs/{job}", tag = "jobs", operation_id = "cancel_job",
    params(("job" = u64, Path, description = "The job's number")),
    responses(
        (status = 202, description = "It ends soon, or has ended", body = JobShown),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It had ended already", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    JobAt(id): JobAt,
) -> Result<(StatusCode, Json<JobShown>), Problem> {
    let job = seen(&app, &caller, id).await?;
    // A key that may make such a job may end it; one that only reads ends its own.
    if let Some(kind) = JobKind::parse(&job.record.new.kind) {
        may(&caller, kind)?;
    }
    if !caller.allows(Scope::Add) && job.record.new.made_by.as_deref() != caller.key_id() {
        let detail = "A key without the scope add ends the jobs alone that it has made.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    let jobs = app.served()?.jobs.clone();
    let job = app.work.light.run(move || Ok(jobs.cancel(id))).await??;
    Ok((
        StatusCode::ACCEPTED,
        Json(JobShown::new(job, caller.is_admin())),
    ))
}

/// Which part of the list of a job's refused files an answer holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefusedOfJob {
    /// Return files whose path comes after this one
    after: Option<String>,
    /// At most how many files to return, 1 to 1000; 100 by default
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    limit: Option<Whole<1, MAX_LIMIT>>,
}

/// Files that a job could not take in, by path; of a job of kind verify, what it found damaged.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/refused", tag = "jobs", operation_id = "refused_of_job",
    params(("job" = u64, Path, description = "The job's number"), RefusedOfJob),
    responses(
        (status = 200, description = "One page", body = JobRefusedList),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn refused(
    State(app): State<App>,
    caller: Caller,
    JobAt(id): JobAt,
    uri: Uri,
) -> Result<Json<JobRefusedList>, Problem> {
    let RefusedOfJob { after, limit } = Params::only(&uri)?;
    let limit = usize::try_from(limit.map_or(REFUSED_PAGE, Whole::value)).unwrap_or(usize::MAX);
    seen(&app, &caller, id).await?;
    if !caller.is_admin() {
        let detail = "The files of a job are for keys with the scope admin for all collections.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    let jobs = app.served()?.jobs.clone();
    let read = move || jobs.refused(id, after.as_deref(), limit + 1);
    let mut found = app.work.light.run(move || Ok(read())).await??;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|file| file.path.clone());
    Ok(Json(JobRefusedList {
        refused: found.into_iter().map(Into::into).collect(),
        next,
    }))
}

/// The job, if it is of a collection that the caller may know of.
async fn seen(app: &App, caller: &Caller, id: u64) -> Result<Job, Problem> {
    let jobs = app.served()?.jobs.clone();
    let job = app.work.light.run(move || Ok(jobs.get(id))).await??;
    match caller.sees(&job.record.new.collection) {
        true => Ok(job),
        // As if it were not there.
        false => Err(AppError::UnknownJob(id).into()),
    }
}

/// Whether the caller may make jobs of this kind, and end them.
fn may(caller: &Caller, kind: JobKind) -> Result<(), Problem> {
    let is_allowed = match kind {
        JobKind::Index | JobKind::Duplicates | JobKind::Embed => caller.allows(Scope::Add),
        JobKind::Export => caller.allows(Scope::Read),
        // It names files of the server.
        JobKind::Verify => caller.allows(Scope::Admin),
        // It is of all collections.
        JobKind::Backup => caller.is_admin(),
    };
    match is_allowed {
        true => Ok(()),
        false => {
            let scope = match kind {
                JobKind::Index | JobKind::Duplicates | JobKind::Embed => Scope::Add,
                JobKind::Export => Scope::Read,
                JobKind::Verify | JobKind::Backup => Scope::Admin,
            };
            let (kind, scope) = (kind.as_str(), scope.as_str());
            let detail = format!("Jobs of the kind {kind} are for the scope {scope}.");
            Err(Problem::new(Code::KeyNotAllowed, detail))
        }
    }
}

/// Whether the caller may have pictures removed whose files are gone.
fn may_prune(caller: &Caller, rules: &Rules) -> Result<(), Problem> {
    match !rules.prune || caller.allows(Scope::Delete) {
        true => Ok(()),
        false => Err(Problem::new(
            Code::KeyNotAllowed,
            "Rules that prune remove pictures, which is for the scope delete.",
        )),
    }
}

/// The collection that a body names, if the caller may know of it.
fn collection_of(text: Option<&str>, caller: &Caller) -> Result<CollectionName, Problem> {
    let name = text.map(named).transpose()?.unwrap_or_default();
    match caller.sees(&name) {
        true => Ok(name),
        false => Err(not_for(&name)),
    }
}

fn kind_named(text: &str) -> Result<JobKind, Problem> {
    JobKind::parse(text).ok_or_else(|| {
        let all = JobKind::ALL.map(JobKind::as_str).join(", ");
        bad(
            "kind",
            &format_args!("must be one of {all}; it is {text:?}"),
        )
    })
}

fn format_named(text: Option<&str>) -> Result<ExportFormat, Problem> {
    let Some(text) = text else {
        return Ok(ExportFormat::default());
    };
    ExportFormat::parse(text).ok_or_else(|| {
        let all = ExportFormat::ALL.map(ExportFormat::as_str).join(", ");
        bad_job(&format!("format is one of {all}; it is {text:?}"))
    })
}

fn bad_job(what: &str) -> Problem {
    Problem::new(Code::BadBody, format!("The body cannot be used: {what}."))
}

/// Names the error of a closure.
fn in_app<T>(work: impl FnOnce() -> Result<T, AppError>) -> Result<T, AppError> {
    work()
}

/// The job's number in an address with `{job}`.
pub(crate) struct JobAt(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for JobAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        number_at("job", parts, state).await.map(Self)
    }
}

async fn number_at<S: Send + Sync>(
    name: &str,
    parts: &mut Parts,
    state: &S,
) -> Result<u64, Problem> {
    let text = path_segment(name, parts, state).await?;
    let number = text
        .parse::<u64>()
        .ok()
        .filter(|number| *number <= MAX_OFFSET);
    number.ok_or_else(|| {
        bad(
            name,
            &format_args!("must be a whole number; it is {text:?}"),
        )
    })
}
