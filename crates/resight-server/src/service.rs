//! Small facts about the server: whether it answers, how much it holds, what it refused.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use resight_engine::{GlobalModels, RefusedCode, RefusedFilter};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::IntoParams;

use super::App;
use super::access::Caller;
use super::filters::Filters;
use super::params::{MAX_LIMIT, Params, Whole};
use super::plugins;
use super::problem::Problem;
use crate::wire::{
    Count, Health, LegacyAnswer, MediaTypeList, ModelList, ProblemBody, RefusedFile, RefusedList,
};

/// Entries of the list of refused files when no limit is given.
const PAGE: u64 = 100;

/// Whether the process is alive. It is answered whatever else the server does, and tells nothing else.
#[utoipa::path(
    get, path = "/livez", tag = "service", operation_id = "live",
    responses((status = 200, description = "It is", body = Health)),
)]
pub(crate) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The same as `/livez`, by an older name.
#[utoipa::path(
    get, path = "/healthz", tag = "service", operation_id = "health",
    responses((status = 200, description = "It does", body = Health)),
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// How many pictures are stored, or are those that a filter means.
#[utoipa::path(
    get, path = "/count", tag = "pictures", operation_id = "count_pictures",
    params(Filters),
    responses(
        (status = 200, description = "Their number", body = Count),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn count(app: App, caller: Caller, uri: Uri) -> Result<Json<Count>, Problem> {
    let filter = Params::only::<Filters>(&uri)?.filter(&caller)?;
    let library = app.library.clone();
    let read = move || library.count_matching(&filter);
    let count = app.work.light.run(read).await?;
    Ok(Json(Count { count }))
}

/// The media types of the stored files, ascending, with the number of pictures of each.
#[utoipa::path(
    get, path = "/media-types", tag = "pictures", operation_id = "list_media_types",
    responses(
        (status = 200, description = "All of them", body = MediaTypeList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn media_types(app: App, uri: Uri) -> Result<Json<MediaTypeList>, Problem> {
    Params::none(&uri)?;
    let library = app.library.clone();
    let types = app.work.light.run(move || library.media_types()).await?;
    Ok(Json(MediaTypeList::new(types)))
}

/// The models that tell what looks alike, and how many pictures each has described.
#[utoipa::path(
    get, path = "/models", tag = "service", operation_id = "list_models",
    responses(
        (status = 200, description = "Those in use", body = ModelList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn models(app: App, uri: Uri) -> Result<Json<ModelList>, Problem> {
    Params::none(&uri)?;
    let library = app.library.clone();
    let states = app
        .work
        .light
        .run(move || GlobalModels::new(library.shared()).states())
        .await?;
    let models = states.into_iter().map(Into::into).collect();
    Ok(Json(ModelList { models }))
}

/// How many pictures are stored, in the form of the project that this one grew from.
#[utoipa::path(
    get, path = "/api/tot_num", tag = "service", operation_id = "legacy_count",
    responses(
        (status = 200, description = "Their number", body = LegacyAnswer),
        (status = "default", description = "Any other failure", content((LegacyAnswer = "application/json"), (ProblemBody = "application/problem+json"))),
    ),
)]
pub(crate) async fn legacy_count(State(app): State<App>, request: Request) -> Response {
    // A plug-in that brings its own gallery counts that one.
    if let Ok(response) = plugins::by_route(&app, request).await {
        return response;
    }
    let (status, msg, data) = match held(&app).await {
        Ok(count) => (StatusCode::OK, "success".to_owned(), Some(count)),
        Err(problem) => (problem.status(), problem.message(), None),
    };
    let code = status.as_u16();
    (status, Json(LegacyAnswer { code, msg, data })).into_response()
}

/// Which part of the list of refused files an answer holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefusedPage {
    /// Return files whose path comes after this one
    after: Option<String>,
    /// Only files that were refused with this code; may be given several times
    #[serde(default)]
    #[param(value_type = Option<Vec<String>>)]
    code: Vec<CodeOfRefusal>,
    /// At most how many files to return, 1 to 1000; 100 by default
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000)]
    limit: Option<Whole<1, MAX_LIMIT>>,
}

/// A code that files are refused with.
struct CodeOfRefusal(RefusedCode);

impl<'de> Deserialize<'de> for CodeOfRefusal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        RefusedCode::from_str(&text).map(Self).ok_or_else(|| {
            let all = RefusedCode::ALL.map(RefusedCode::as_str).join(", ");
            D::Error::custom(format!("must be one of {all}; it is {text:?}"))
        })
    }
}

/// Files of indexed folders that could not be taken in, by path.
#[utoipa::path(
    get, path = "/refused", tag = "service", operation_id = "list_refused",
    params(RefusedPage),
    responses(
        (status = 200, description = "One page", body = RefusedList),
        (status = 422, description = "A parameter is not valid", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn refused(app: App, uri: Uri) -> Result<Json<RefusedList>, Problem> {
    let RefusedPage { after, code, limit } = Params::only(&uri)?;
    let filter = RefusedFilter {
        codes: code.into_iter().map(|code| code.0).collect(),
        ..RefusedFilter::default()
    };
    let limit = usize::try_from(limit.map_or(PAGE, Whole::value)).unwrap_or(usize::MAX);
    let library = app.library.clone();
    // One more than is shown tells whether there is a next page.
    let mut found = app
        .work
        .light
        .run(move || library.refusals_matching(&filter, after.as_deref(), limit + 1))
        .await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|file| file.path.clone());
    Ok(Json(RefusedList {
        refused: found.into_iter().map(RefusedFile::from).collect(),
        next,
    }))
}

/// Pictures held.
pub(crate) async fn held(app: &App) -> Result<u64, Problem> {
    let library = app.library.clone();
    app.work.health.run(move || library.count()).await
}
