//! The files that jobs of the kind `export` make.

use std::fs::File;

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_app::export::file_of;
use resight_app::jobs::Task;
use resight_app::keys::Scope;
use resight_store::JobState;

use super::super::App;
use super::super::access::Caller;
use super::super::files::in_parts;
use super::super::params::Params;
use super::super::problem::Problem;
use super::{JobAt, seen};
use crate::wire::ProblemBody;

/// The file that a job of the kind export has made, for at most 7 days. One with paths of the server, which an admin
/// had made, is for admins.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/file", tag = "jobs", operation_id = "file_of_job",
    params(("job" = u64, Path, description = "The job's number")),
    responses(
        (status = 200, description = "The file", content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 403, description = "The key does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such job, or it has no file", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn file(
    State(app): State<App>,
    caller: Caller,
    JobAt(id): JobAt,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::none(&uri)?;
    let job = seen(&app, &caller, id).await?;
    let none = || Problem::new(Code::NoExport, format!("The job {id} has no file."));
    let Some(Task::Export(task)) = job.task.filter(|_| job.record.state == JobState::Done) else {
        return Err(none());
    };
    if !caller.allows(Scope::Read) || task.paths && !caller.is_admin() {
        let detail = "The export has paths of the server; make one with this key.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    let path = file_of(&app.served()?.config.root, id, task.format);
    let open = move || {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        Ok(opened.ok())
    };
    let (length, file) = app.work.light.run(open).await?.ok_or_else(none)?;
    let collection = job.record.new.collection;
    let name = format!("{collection}-{id}.{}", task.format.as_str());
    let headers = [
        (header::CONTENT_TYPE, task.format.media_type().to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, in_parts(file, &(0..length))?).into_response())
}
