//! Collections, and the routes of each: those of the default one below another address.
//!
//! Invariant: a handler does not know which collection it works on. The same routes lie below `/v1`
//! and below `/v1/collections/{collection}`, where [`enter`] gives them that collection's [`App`].

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use resight_app::AppError;
use resight_app::Code;
use resight_app::collections::Lease;
use resight_engine::{EngineError, Library};
use resight_store::CollectionName;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Required};

use super::access::{self, Caller, not_for};
use super::params::{Params, SegmentError, path_segment};
use super::problem::Problem;
use super::{App, intake, service};
use crate::wire::{Collection, CollectionList, CollectionRenamed, ProblemBody, address_of};

/// The largest body of a new name, in bytes.
const RENAME_BYTES: u64 = 4 << 10;
/// After what time a key that has too many jobs may try again.
const A_JOB_ENDS: Duration = Duration::from_secs(10);

/// Where the routes of each collection lie.
pub(crate) const EACH: &str = "/v1/collections/{collection}";

/// All collections that the key is good for, with the number of pictures of each: the default one, then the others by name.
#[utoipa::path(
    get, path = "/v1/collections", tag = "collections", operation_id = "list_collections",
    responses(
        (status = 200, description = "All of them", body = CollectionList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Json<CollectionList>, Problem> {
    Params::none(&uri)?;
    let pictures = service::held(&app).await?;
    let (kept, others_seen) = (app.collections.clone(), caller.clone());
    let others = move || {
        let mut found = Vec::new();
        let seen = |name: &CollectionName| !name.is_default() && others_seen.sees(name);
        for name in kept.names()?.into_iter().filter(seen) {
            match kept.count(&name) {
                Ok(Some(pictures)) => found.push(told(&name, Some(pictures))),
                Ok(None) => {}
                // One that is damaged must not hide the others.
                Err(error) => {
                    tracing::warn!("the collection {name} cannot be read: {error}");
                    found.push(told(&name, None));
                }
            }
        }
        Ok::<_, AppError>(found)
    };
    let others = app.work.light.run(move || Ok(others())).await??;
    let own = CollectionName::default();
    let mut collections = Vec::new();
    if caller.sees(&own) {
        collections.push(told(&own, Some(pictures)));
    }
    collections.extend(others);
    Ok(Json(CollectionList { collections }))
}

/// A collection with the number of its pictures.
#[utoipa::path(
    get, path = "/v1/collections/{collection}", tag = "collections", operation_id = "collection",
    params(("collection" = String, Path, description = "The collection's name")),
    responses(
        (status = 200, description = "The collection", body = Collection),
        (status = 404, description = "No such collection", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "This cannot name one", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(
    State(app): State<App>,
    CollectionAt(name): CollectionAt,
) -> Result<Json<Collection>, Problem> {
    match pictures_in(&app, &name).await? {
        Some(pictures) => Ok(Json(told(&name, Some(pictures)))),
        None => Err(AppError::UnknownCollection(name).into()),
    }
}

/// How many pictures a collection holds; `None` where there is none of this name.
async fn pictures_in(app: &App, name: &CollectionName) -> Result<Option<u64>, Problem> {
    if name.is_default() {
        return service::held(app).await.map(Some);
    }
    let (kept, asked) = (app.collections.clone(), name.clone());
    Ok(app.work.light.run(move || Ok(kept.count(&asked))).await??)
}

/// Makes an empty collection; one that is there stays as it is.
#[utoipa::path(
    put, path = "/v1/collections/{collection}", tag = "collections", operation_id = "create_collection",
    params(("collection" = String, Path, description = "Its name: 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit")),
    responses(
        (status = 201, description = "Made", body = Collection),
        (status = 200, description = "It was there before", body = Collection),
        (status = 422, description = "This cannot name one", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    CollectionAt(name): CollectionAt,
) -> Result<(StatusCode, Json<Collection>), Problem> {
    let mut created = false;
    if !name.is_default() {
        let (kept, asked) = (app.collections.clone(), name.clone());
        let make = move || Ok(kept.create(&asked));
        created = app.work.opening.run(make).await??;
    }
    let status = match created {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let pictures = pictures_in(&app, &name).await?;
    // Somebody may have removed it since; it was made all the same.
    Ok((status, Json(told(&name, Some(pictures.unwrap_or(0))))))
}

/// Gives a collection another name. Its jobs, registered folders and keys follow; addresses with the old name, also in
/// answers that were given before, lead nowhere. For keys with the scope admin for all collections.
#[utoipa::path(
    patch, path = "/v1/collections/{collection}", tag = "collections", operation_id = "rename_collection",
    params(("collection" = String, Path, description = "The collection's name")),
    request_body = CollectionRenamed,
    responses(
        (status = 200, description = "It has the name", body = Collection),
        (status = 404, description = "No such collection", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "Another one has the name", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "This cannot name one, or it is the default one, which keeps its name", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "A job works on it, or requests that use it take too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn rename(
    State(app): State<App>,
    caller: Caller,
    CollectionAt(from): CollectionAt,
    request: Request,
) -> Result<Json<Collection>, Problem> {
    if let Err(problem) = Params::none(request.uri()) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    let form = "{\"name\": \"…\"}";
    let CollectionRenamed { name } = access::body(&app, request, RENAME_BYTES, form).await?;
    let to = named(&name)?;
    if !caller.is_admin() {
        let detail = "Collections are renamed by keys for all collections.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    }
    let (kept, jobs) = (app.collections.clone(), app.served()?.jobs.clone());
    let asked = to.clone();
    let rename = move || Ok(jobs.rename_collection(&kept, &from, &asked));
    app.work.removing.run(rename).await??;
    app.access.read_again().await?;
    let pictures = pictures_in(&app, &to).await?;
    Ok(Json(told(&to, pictures)))
}

/// Removes a collection with all its pictures, for good.
#[utoipa::path(
    delete, path = "/v1/collections/{collection}", tag = "collections", operation_id = "remove_collection",
    params(("collection" = String, Path, description = "The collection's name")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such collection", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "This cannot name one, or it is the default one, which stays", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Requests that use it take too long", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(
    State(app): State<App>,
    CollectionAt(name): CollectionAt,
) -> Result<StatusCode, Problem> {
    let (kept, jobs) = (app.collections.clone(), app.jobs.clone());
    let remove = move || {
        kept.remove(&name)?;
        // Another collection may get the name.
        jobs.map_or(Ok(()), |served| served.jobs.forget_collection(&name))
    };
    app.work.removing.run(move || Ok(remove())).await??;
    Ok(StatusCode::NO_CONTENT)
}

fn told(name: &CollectionName, pictures: Option<u64>) -> Collection {
    Collection {
        name: name.to_string(),
        pictures,
    }
}

/// The collection's name in an address with `{collection}`.
pub(crate) struct CollectionAt(CollectionName);

impl<S: Send + Sync> FromRequestParts<S> for CollectionAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = path_segment("collection", parts, state)
            .await
            .map_err(|error| match error {
                SegmentError::NotText { key } if key == "collection" => {
                    let detail = "What stands in place of a collection's name is no UTF-8.";
                    Problem::new(Code::BadCollectionName, detail)
                }
                other => other.into(),
            })?;
        named(&text).map(Self)
    }
}

pub(crate) fn named(text: &str) -> Result<CollectionName, Problem> {
    CollectionName::parse(text).ok_or_else(|| bad_name(text))
}

fn bad_name(text: &str) -> Problem {
    let shown: String = text.chars().take(80).collect();
    let detail = format!("{shown:?} cannot name a collection.");
    Problem::new(Code::BadCollectionName, detail)
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::UnknownCollection(name) => {
                let detail = format!("No collection is named {name}.");
                Self::new(Code::UnknownCollection, detail)
            }
            AppError::DefaultCollection => {
                let detail = "The default collection is always there.";
                Self::new(Code::BadCollectionName, detail)
            }
            AppError::NameTaken(name) => {
                let detail = format!("Another collection is named {name}.");
                Self::new(Code::NameTaken, detail)
            }
            AppError::CollectionInUse(name) => {
                let detail = format!("The collection {name} is in use.");
                Self::new(Code::Busy, detail)
            }
            AppError::FoldersInUse(name) => {
                let detail = format!(
                    "Folders of the collection {name} are looked through, or files of it moved."
                );
                Self::new(Code::Busy, detail)
            }
            AppError::TooManyJobsOfKey { .. } => {
                Self::new(error.code(), error.to_string()).after(A_JOB_ENDS)
            }
            // They say what is wrong with what was sent.
            AppError::BadKey { .. }
            | AppError::UnknownKey(_)
            | AppError::TooManyWebhooks { .. }
            | AppError::UnknownWebhook(_)
            | AppError::UnknownJob(_)
            | AppError::JobEnded(_)
            | AppError::TooManyJobs
            | AppError::UnknownFolder(_)
            | AppError::FolderNotAllowed { .. }
            | AppError::NotAFolder { .. }
            | AppError::DataInsidePictures { .. }
            | AppError::BadRules(_)
            | AppError::QuarantineOff
            | AppError::UnknownResolution(_) => Self::new(error.code(), error.to_string()),
            // Its path is for the log.
            AppError::KeysDamaged { .. } => {
                tracing::error!(%error, "no key is accepted");
                Self::new(error.code(), "The file of API keys cannot be read.")
            }
            // So are these.
            AppError::QuarantineFolder { .. } => {
                tracing::error!(%error, "files of duplicates are not moved");
                Self::new(error.code(), error.code().title())
            }
            AppError::QuarantineGone { .. } => {
                tracing::error!(%error, "files of duplicates are not moved");
                let detail = "The folder for files of duplicates has no file .resightignore any more: its disk is away, perhaps.";
                Self::new(error.code(), detail)
            }
            AppError::QuarantineAmongPictures { .. } => {
                tracing::warn!(%error, "a folder is not indexed");
                let detail =
                    "The folder lies in the server's folder for files of duplicates, or around it.";
                Self::new(error.code(), detail)
            }
            AppError::QuarantineUnwritable { .. } => {
                tracing::error!(%error, "files of duplicates are not moved");
                let detail = "The server cannot write to its folder for files of duplicates";
                Self::new(error.code(), detail)
            }
            AppError::Engine(error) => error.into(),
            AppError::Store(error) => EngineError::from(error).into(),
            other => Self::internal(&other),
        }
    }
}

/// Opens the collection that the address names, for the handlers below it.
pub(crate) async fn enter(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Caller>().cloned();
    let sees = |name: &CollectionName| caller.as_ref().is_some_and(|caller| caller.sees(name));
    let entered = match CollectionAt::from_request_parts(&mut parts, &app).await {
        Ok(CollectionAt(name)) if !sees(&name) => Err(not_for(&name)),
        Ok(CollectionAt(name)) => found(&app, &name).await,
        Err(problem) => Err(problem),
    };
    match entered {
        Ok(entered) => {
            parts.extensions.insert(entered);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => {
            intake::discard(body).await;
            problem.into_response()
        }
    }
}

/// What the handlers work with in a collection.
pub(crate) async fn found(app: &App, name: &CollectionName) -> Result<App, Problem> {
    Ok(App {
        library: library_of(app, name).await?,
        collection: name.clone(),
        base: address_of(name).into(),
        ..app.clone()
    })
}

async fn library_of(app: &App, name: &CollectionName) -> Result<Lease<Library>, Problem> {
    if name.is_default() {
        return Ok(app.library.clone());
    }
    if let Some(library) = app.collections.lease_if_open(name) {
        return Ok(library);
    }
    let (kept, name) = (app.collections.clone(), name.clone());
    let open = move || Ok(kept.lease(&name));
    Ok(app.work.opening.run(open).await??)
}

/// Says of the routes below a collection what they have beyond those below `/v1`: the collection's
/// name, and ids of their own.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let below = path.strip_prefix(EACH).unwrap_or_default();
        if below.is_empty() {
            continue;
        }
        for operation in operations(item) {
            operation.operation_id = operation
                .operation_id
                .take()
                .map(|id| format!("{id}_in_collection"));
            let own = operation.parameters.get_or_insert_default();
            own.insert(0, RefOr::T(name_parameter()));
        }
    }
}

/// The operations of an address.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    all.into_iter().flatten()
}

fn name_parameter() -> Parameter {
    let mut parameter = Parameter::new("collection");
    parameter.parameter_in = ParameterIn::Path;
    parameter.required = Required::True;
    parameter.description = Some("The collection's name".to_owned());
    parameter.schema = Some(ObjectBuilder::new().schema_type(Type::String).into());
    parameter
}
