//! Registered folders.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use resight_app::AppError;
use resight_app::folders::{Folder, Rules};

use super::super::App;
use super::super::access::{self, Caller};
use super::super::params::Params;
use super::super::problem::Problem;
use super::served::JobsServed;
use super::{MOST_BYTES, allowed_folder, collection_of, number_at};
use crate::wire::{FolderList, FolderShown, FolderWanted, ProblemBody, RulesWanted};

const FORM: &str = r#"{"path": "…"}"#;
const RULES_FORM: &str = r#"{"exclude": ["…"], "include": ["…"], "tags": ["…"], "prune": true}"#;

/// Registered folders of the collections that the key is for, in the order in which they were registered.
#[utoipa::path(
    get, path = "/v1/folders", tag = "jobs", operation_id = "list_folders",
    responses(
        (status = 200, description = "All of them", body = FolderList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<FolderList>, Problem> {
    Params::none(&uri)?;
    let folders = app.served()?.folders.clone();
    let all = app.work.light.run(move || Ok(folders.list())).await??;
    let served = app.served()?;
    let seen = all
        .into_iter()
        .filter(|folder| caller.sees(&folder.record.new.collection));
    let folders = seen.map(|folder| shown(served, folder, &caller)).collect();
    Ok(Json(FolderList { folders }))
}

/// Registers a folder. A job that indexes it begins within a second. One that is registered stays as it is.
#[utoipa::path(
    post, path = "/v1/folders", tag = "jobs", operation_id = "register_folder",
    request_body = FolderWanted,
    responses(
        (status = 201, description = "It is registered", body = FolderShown),
        (status = 200, description = "It was registered before", body = FolderShown),
        (status = 403, description = "The key or the server does not allow it", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such collection", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It is no folder, or its rules cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn register(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<(StatusCode, Json<FolderShown>), Problem> {
    let wanted: FolderWanted = access::body(&app, request, MOST_BYTES, FORM).await?;
    let served = app.served()?.clone();
    let collection = collection_of(wanted.collection.as_deref(), &caller)?;
    let (collections, by) = (app.collections.clone(), caller.clone());
    let make = move || {
        if !collections.names()?.contains(&collection) {
            return Err(AppError::UnknownCollection(collection).into());
        }
        let rules = Rules::from(wanted.rules);
        let path = allowed_folder(&served, wanted.path.as_ref())?;
        let path = resight_engine::path_of_text(&path);
        let by = by.key_id();
        let (folder, is_new) =
            served
                .folders
                .add(&served.config, &path, &collection, &rules, by)?;
        if is_new {
            served.folders.index_changed(&served.jobs, &folder, by)?;
        }
        Ok::<_, Problem>((folder, is_new))
    };
    let (folder, is_new) = app.work.light.run(move || Ok(make())).await??;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok((status, Json(shown(app.served()?, folder, &caller))))
}

/// Changes how a folder is indexed. A job that does so begins within a second. Pictures that are left out now stay, unless the
/// rules prune.
#[utoipa::path(
    patch, path = "/v1/folders/{folder}", tag = "jobs", operation_id = "change_folder",
    params(("folder" = u64, Path, description = "The folder's number")),
    request_body = RulesWanted,
    responses(
        (status = 200, description = "The folder as it is now", body = FolderShown),
        (status = 404, description = "No such folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The rules cannot be used", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    FolderAt(id): FolderAt,
    request: Request,
) -> Result<Json<FolderShown>, Problem> {
    let wanted: RulesWanted = access::body(&app, request, MOST_BYTES, RULES_FORM).await?;
    let (served, by) = (app.served()?.clone(), caller.clone());
    let change = move || {
        let before = seen(&served, &by, id)?;
        let rules = Rules {
            exclude: wanted.exclude.unwrap_or(before.rules.exclude),
            include: wanted.include.unwrap_or(before.rules.include),
            tags: wanted.tags.unwrap_or(before.rules.tags),
            prune: wanted.prune.unwrap_or(before.rules.prune),
        };
        let folder = served.folders.set_rules(id, &rules)?;
        let by = by.key_id();
        served.folders.index_changed(&served.jobs, &folder, by)?;
        Ok::<_, Problem>(folder)
    };
    let folder = app.work.light.run(move || Ok(change())).await??;
    Ok(Json(shown(app.served()?, folder, &caller)))
}

/// Forgets that a folder is registered: changes in it are not followed any more. Its pictures stay.
#[utoipa::path(
    delete, path = "/v1/folders/{folder}", tag = "jobs", operation_id = "forget_folder",
    params(("folder" = u64, Path, description = "The folder's number")),
    responses(
        (status = 204, description = "It is not registered any more"),
        (status = 404, description = "No such folder", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn forget(
    State(app): State<App>,
    caller: Caller,
    FolderAt(id): FolderAt,
) -> Result<StatusCode, Problem> {
    let served = app.served()?.clone();
    let forget = move || {
        seen(&served, &caller, id)?;
        Ok::<_, Problem>(served.folders.remove(id)?)
    };
    app.work.light.run(move || Ok(forget())).await??;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn seen(served: &JobsServed, caller: &Caller, id: u64) -> Result<Folder, Problem> {
    let folder = served.folders.get(id)?;
    match caller.sees(&folder.record.new.collection) {
        true => Ok(folder),
        false => Err(AppError::UnknownFolder(id).into()),
    }
}

fn shown(served: &JobsServed, folder: Folder, caller: &Caller) -> FolderShown {
    let state = served.folders.state(folder.record.id);
    FolderShown::new(folder, state, caller.is_admin())
}

/// The folder's number in an address with `{folder}`.
pub(crate) struct FolderAt(u64);

impl<S: Send + Sync> FromRequestParts<S> for FolderAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        number_at("folder", parts, state).await.map(Self)
    }
}
