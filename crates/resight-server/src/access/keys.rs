//! Making, listing and revoking keys over HTTP, by a key with the scope `admin`.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use resight_app::Code;
use resight_app::keys::{NewKey, Scope};
use resight_store::CollectionName;

use super::super::App;
use super::super::params::{Params, path_segment};
use super::super::problem::Problem;
use super::{Caller, body, managed, on_disk, unkept};
use crate::wire::{KeyList, KeyMade, KeyPresented, KeyWanted, ProblemBody};

/// The largest body read, in bytes.
const MOST_BYTES: u64 = 64 << 10;
const FORM: &str = r#"{"name": "…", "scopes": ["…"]}"#;

/// All keys without their secrets, the oldest first.
#[utoipa::path(
    get, path = "/v1/keys", tag = "service", operation_id = "list_keys",
    responses(
        (status = 200, description = "All keys", body = KeyList),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Params::none(&uri)?;
    let keys = managed(&app.access, &caller)?;
    let all = on_disk(move || keys.list()).await?;
    let keys = all.iter().map(KeyPresented::from).collect();
    Ok(unkept(StatusCode::OK, KeyList { keys }))
}

/// Makes a key. Its secret is in this answer, and nowhere later.
#[utoipa::path(
    post, path = "/v1/keys", tag = "service", operation_id = "create_key",
    request_body = KeyWanted,
    responses(
        (status = 201, description = "The key with its secret", body = KeyMade),
        (status = 422, description = "There can be no such key", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let keys = managed(&app.access, &caller)?;
    let wanted: KeyWanted = body(&app, request, MOST_BYTES, FORM).await?;
    let new = new_key(wanted)?;
    let (key, secret) = on_disk(move || keys.create(new)).await?;
    let made = KeyMade {
        secret,
        key: KeyPresented::from(&key),
    };
    Ok(unkept(StatusCode::CREATED, made))
}

/// Revokes a key: requests that carry it are refused from now on.
#[utoipa::path(
    delete, path = "/v1/keys/{key}", tag = "service", operation_id = "revoke_key",
    params(("key" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 404, description = "No key has this id", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    KeyAt(id): KeyAt,
) -> Result<StatusCode, Problem> {
    let keys = managed(&app.access, &caller)?;
    on_disk(move || keys.revoke(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The key's id in an address with `{key}`.
pub(crate) struct KeyAt(String);

impl<S: Send + Sync> FromRequestParts<S> for KeyAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(path_segment("key", parts, state).await?))
    }
}

fn new_key(wanted: KeyWanted) -> Result<NewKey, Problem> {
    let bad = |detail: String| Problem::new(Code::BadKey, detail);
    let scope = |text: &String| {
        let all = Scope::ALL.map(Scope::as_str).join(", ");
        Scope::parse(text).ok_or_else(|| bad(format!("{text:?} is no scope; there are {all}.")))
    };
    let collection = |text: &String| {
        let name = CollectionName::parse(text);
        name.ok_or_else(|| bad(format!("{text:?} cannot name a collection.")))
    };
    let collections = wanted.collections.as_ref();
    let collections = collections.map(|all| all.iter().map(collection).collect());
    Ok(NewKey {
        scopes: wanted.scopes.iter().map(scope).collect::<Result<_, _>>()?,
        collections: collections.transpose()?,
        name: wanted.name,
        lasts: wanted
            .lasts_days
            .map(|days| Duration::from_secs(u64::from(days) * 24 * 3600)),
        per_minute: wanted.per_minute,
        at_once: wanted.at_once,
    })
}
