//! Webhooks: addresses that are told of jobs that have ended, by messages signed after Standard Webhooks.

pub(crate) mod delivery;
pub(crate) mod served;
mod signature;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use resight_app::Code;
use resight_app::webhooks::Webhooks;

use super::App;
use super::access::{Caller, body, on_disk, unkept};
use super::fetch::check_address;
use super::params::{Params, path_segment};
use super::problem::Problem;
use crate::wire::{ProblemBody, WebhookList, WebhookMade, WebhookShown, WebhookWanted};

/// The largest body read, in bytes.
const MOST_BYTES: u64 = 16 << 10;
const FORM: &str = r#"{"url": "https://…"}"#;

/// All addresses without their secrets, the oldest first.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "jobs", operation_id = "list_webhooks",
    responses(
        (status = 200, description = "All of them", body = WebhookList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::none(&uri)?;
    let all = managed(&app, &caller)?.list();
    let webhooks = all.iter().map(WebhookShown::from).collect();
    Ok(unkept(StatusCode::OK, WebhookList { webhooks }))
}

/// Has an address told of jobs that end from now on. The secret that messages are signed with is in this answer, and
/// nowhere later.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "jobs", operation_id = "create_webhook",
    request_body = WebhookWanted,
    responses(
        (status = 201, description = "The address with its secret", body = WebhookMade),
        (status = 422, description = "The address cannot be told", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let hooks = managed(&app, &caller)?;
    let wanted: WebhookWanted = body(&app, request, MOST_BYTES, FORM).await?;
    check_address(&wanted.url, app.webhooks.targets()?).await?;
    let made_by = caller.key_id().map(str::to_owned);
    let made = on_disk(move || hooks.add(&wanted.url, made_by.as_deref())).await?;
    let answer = WebhookMade {
        secret: signature::shown(&made.secret()),
        webhook: WebhookShown::from(&made),
    };
    Ok(unkept(StatusCode::CREATED, answer))
}

/// Forgets an address: it is told nothing any more.
#[utoipa::path(
    delete, path = "/v1/webhooks/{webhook}", tag = "jobs", operation_id = "remove_webhook",
    params(("webhook" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 404, description = "No webhook has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    WebhookAt(id): WebhookAt,
) -> Result<StatusCode, Problem> {
    let hooks = managed(&app, &caller)?;
    on_disk(move || hooks.remove(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The webhooks, for the holder of a key: everyone who reaches an open server could have it tell of jobs elsewhere.
fn managed(app: &App, caller: &Caller) -> Result<Arc<Webhooks>, Problem> {
    match caller {
        Caller::Holder(_) => app.webhooks.hooks(),
        Caller::Anyone | Caller::Unknown => Err(Problem::new(
            Code::KeyNotAllowed,
            "This server is open, and an open server has no webhooks.",
        )),
    }
}

/// The id in an address with `{webhook}`.
pub(crate) struct WebhookAt(String);

impl<S: Send + Sync> FromRequestParts<S> for WebhookAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(path_segment("webhook", parts, state).await?))
    }
}
