//! Signing in on the page: a key is exchanged for a cookie that scripts cannot read.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::App;
use super::super::problem::Problem;
use super::super::proxy::prefix;
use super::{Access, Caller, body, on_disk, refused};
use crate::wire::{KeyPresented, ProblemBody, SessionState, SessionWanted};
use resight_app::Code;
use resight_app::keys::Keys;

/// What the cookie's name begins with; the rest tells data folders on one host apart.
const COOKIE: &str = "resight_session_";
/// How long a session lasts.
const LASTS: Duration = Duration::from_secs(30 * 24 * 3600);
/// The largest body read, in bytes.
const MOST_BYTES: u64 = 4096;
const FORM: &str = r#"{"key": "…"}"#;

/// The text of the session that a request carries.
pub(super) fn text<'a>(keys: &Keys, headers: &'a HeaderMap) -> Option<&'a str> {
    let own = keys.label().ok()?;
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name.strip_prefix(COOKIE)? == own).then_some(value)
    })
}

/// What the key of this request allows; without a key being asked for, everything.
#[utoipa::path(
    get, path = "/v1/session", tag = "service", operation_id = "session",
    responses(
        (status = 200, description = "The key", body = SessionState),
        (status = 401, description = "A key is asked for", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn present(caller: Caller) -> Json<SessionState> {
    let key = match caller {
        Caller::Holder(key) => Some(KeyPresented::from(&*key)),
        Caller::Anyone | Caller::Unknown => None,
    };
    Json(SessionState { key })
}

/// Exchanges a key for a cookie, which stands for the key in a browser for 30 days, or until the key ends.
#[utoipa::path(
    post, path = "/v1/session", tag = "service", operation_id = "begin_session",
    request_body = SessionWanted,
    responses(
        (status = 200, description = "The cookie is set", body = SessionState),
        (status = 401, description = "The key is not accepted", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The server asks for no key", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn begin(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let is_secure = comes_over_https(request.headers());
    let wanted: SessionWanted = body(&app, request, MOST_BYTES, FORM).await?;
    let Some(keys) = app.access.asked().await? else {
        let detail = "This server asks for no key, so that there is nothing to sign in to.";
        return Err(Problem::new(Code::KeyNotAllowed, detail));
    };
    let keys = keys.clone();
    let (key, session) = on_disk(move || {
        let found = keys.check(wanted.key.trim())?;
        let session = match &found {
            Ok(key) => keys.session(key, LASTS)?,
            Err(_) => String::new(),
        };
        Ok((found, session))
    })
    .await?;
    let key = key.map_err(refused)?;
    let state = SessionState {
        key: Some(KeyPresented::from(&*key)),
    };
    let name = cookie(&app.access)?;
    Ok(set(&name, &session, LASTS, is_secure, Json(state)))
}

/// Removes the cookie.
#[utoipa::path(
    delete, path = "/v1/session", tag = "service", operation_id = "end_session",
    responses(
        (status = 204, description = "The browser forgets the cookie"),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn end(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let (name, is_secure) = (cookie(&app.access)?, comes_over_https(&headers));
    let none = StatusCode::NO_CONTENT;
    Ok(set(&name, "", Duration::ZERO, is_secure, none))
}

/// The cookie's name.
fn cookie(access: &Access) -> Result<String, Problem> {
    let label = match &access.settings.keys {
        Some(keys) => keys.label()?,
        None => String::new(),
    };
    Ok(format!("{COOKIE}{label}"))
}

/// A cookie for the addresses of this server alone, where they have a prefix.
fn set(
    name: &str,
    text: &str,
    lasts: Duration,
    is_secure: bool,
    answer: impl IntoResponse,
) -> Response {
    let prefix = prefix();
    let seconds = lasts.as_secs();
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!(
        "{name}={text}; Path={prefix}/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    );
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, answer).into_response()
}

/// As a browser says that signs in.
fn comes_over_https(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN);
    origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}
