//! Who may do what: API keys, their scopes and limits, and sessions of the page.
//!
//! Invariant: a request for an address without a row in [`needs`] needs a key.
//! Invariant: a key that is good for some collections reaches no other one, by no address.

pub(crate) mod keys;
mod limits;
mod needs;
pub(crate) mod policy;
pub(crate) mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use resight_app::keys::{Key, Keys, Scope, SecretError};
use resight_app::{AppError, Code};
use resight_store::CollectionName;
use serde::de::DeserializeOwned;

use super::intake;
use super::kept_body::until_sent;
use super::live::Live;
use super::params::path_segment;
use super::problem::{HasTraceback, Problem};
use super::{App, wanted};
use limits::Limits;
use needs::Need;
use policy::{AccessSettings, Policy};

/// What decides on each request.
#[derive(Clone)]
pub(crate) struct Access {
    settings: Arc<AccessSettings>,
    live: Live,
    limits: Arc<Limits>,
    /// Whether there was a key since the start: removing the file opens nothing.
    has_asked: Arc<AtomicBool>,
}

/// The sender of a request.
#[derive(Clone)]
pub(crate) enum Caller {
    /// Somebody whom the server does not ask for a key.
    Anyone,
    /// The holder of a key.
    Holder(Arc<Key>),
    /// Somebody without a key, at an address that needs none.
    Unknown,
}

impl Caller {
    /// Whether paths of the server and tracebacks are for this caller.
    pub(crate) fn is_admin(&self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Holder(key) => key.allows(Scope::Admin) && key.collections.is_none(),
            Self::Unknown => false,
        }
    }

    /// Whether this caller may call functions of plug-ins, which belong to no collection.
    pub(crate) fn may_call(&self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Holder(key) => key.allows(Scope::Search) && key.collections.is_none(),
            Self::Unknown => false,
        }
    }

    /// Whether this caller has a scope.
    pub(crate) fn allows(&self, scope: Scope) -> bool {
        match self {
            Self::Anyone => true,
            Self::Holder(key) => key.allows(scope),
            Self::Unknown => false,
        }
    }

    /// The id of the key.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Holder(key) => Some(&key.id),
            Self::Anyone | Self::Unknown => None,
        }
    }

    /// The only collections that this caller may know of; `None` for all.
    pub(crate) fn collections(&self) -> Option<&[CollectionName]> {
        match self {
            Self::Anyone => None,
            Self::Holder(key) => key.collections.as_deref(),
            Self::Unknown => Some(&[]),
        }
    }

    /// Whether this caller may know of a collection.
    pub(crate) fn sees(&self, collection: &CollectionName) -> bool {
        match self {
            Self::Anyone => true,
            Self::Holder(key) => key.is_for(collection),
            Self::Unknown => false,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Self>().cloned();
        // Set for every request; without it nothing is allowed.
        Ok(caller.unwrap_or(Self::Unknown))
    }
}

impl Access {
    pub(crate) fn new(settings: AccessSettings, live: Live) -> Self {
        // Where it cannot be read, each request says so.
        let keys = settings.keys.as_ref();
        let has_asked = keys.is_some_and(|keys| keys.were_used().unwrap_or(true));
        Self {
            settings: Arc::new(settings),
            live,
            limits: Arc::default(),
            has_asked: Arc::new(AtomicBool::new(has_asked)),
        }
    }

    /// Whether a page of this origin may use the API.
    pub(crate) fn lists(&self, origin: &[u8]) -> bool {
        self.live.lists(origin)
    }

    /// Has the keys read again now, which something else than a request about them has changed.
    pub(crate) async fn read_again(&self) -> Result<(), Problem> {
        match self.settings.keys.clone() {
            Some(keys) => on_disk(move || keys.refresh()).await,
            None => Ok(()),
        }
    }

    /// The keys, where this server asks for them now.
    async fn asked(&self) -> Result<Option<&Arc<Keys>>, Problem> {
        let Some(keys) = &self.settings.keys else {
            return Ok(None);
        };
        if self.settings.policy == Policy::Open {
            return Ok(None);
        }
        refresh(keys).await?;
        if self.settings.policy == Policy::Always || self.has_asked.load(Ordering::Relaxed) {
            return Ok(Some(keys));
        }
        if !keys.were_used()? {
            return Ok(None);
        }
        self.has_asked.store(true, Ordering::Relaxed);
        Ok(Some(keys))
    }
}

/// Reads the keys again when it is time, on a thread that may wait for a disk.
async fn refresh(keys: &Arc<Keys>) -> Result<(), Problem> {
    if keys.is_fresh() {
        return Ok(());
    }
    let keys = keys.clone();
    on_disk(move || keys.refresh()).await
}

/// Lets a request through whose key allows it.
pub(crate) async fn check(State(access): State<Access>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match admitted(&access, &mut parts).await {
        Ok((caller, place)) => {
            let is_admin = caller.is_admin();
            parts.extensions.insert(caller);
            let response = next.run(Request::from_parts(parts, body)).await;
            let response = match place {
                Some(place) => until_sent(response, place),
                None => response,
            };
            match response.extensions().get::<HasTraceback>() {
                Some(traceback) if !is_admin => traceback.without().into_response(),
                _ => response,
            }
        }
        Err(problem) => {
            intake::discard(body).await;
            problem.into_response()
        }
    }
}

async fn admitted(
    access: &Access,
    parts: &mut Parts,
) -> Result<(Caller, Option<limits::Place>), Problem> {
    let matched = parts.extensions.get::<MatchedPath>();
    let path = matched.map(|path| path.as_str().to_owned());
    let need = needs::of(&parts.method, path.as_deref());
    match need {
        // Health and the page do not wait for the disk that has the keys.
        Need::Nothing => return Ok((Caller::Unknown, None)),
        Need::NothingInPart => {
            let caller = match access.asked().await {
                Ok(None) => Caller::Anyone,
                Ok(Some(keys)) => {
                    key_of(keys, &parts.headers).map_or(Caller::Unknown, Caller::Holder)
                }
                Err(_) => Caller::Unknown,
            };
            return Ok((caller, None));
        }
        Need::AnyKey | Need::Of(_) | Need::OfSome(_) | Need::OneOf(_) => {}
    }
    let Some(keys) = access.asked().await? else {
        return Ok((Caller::Anyone, None));
    };
    let key = key_of(keys, &parts.headers)?;
    let collection = collection_of(path.as_deref(), parts).await?;
    allow(&key, need, collection.as_ref())?;
    let place = access.limits.enter(&key)?;
    Ok((Caller::Holder(key), place))
}

/// The key that a request carries: `Authorization: Bearer KEY`, or the session of the page.
fn key_of(keys: &Keys, headers: &HeaderMap) -> Result<Arc<Key>, Problem> {
    let found = match bearer(headers)? {
        Some(secret) => keys.check(secret)?,
        None => match session::text(keys, headers) {
            Some(text) => keys.of_session(text)?,
            None => {
                let detail = "The request carries no key.";
                return Err(Problem::new(Code::KeyMissing, detail));
            }
        },
    };
    found.map_err(refused)
}

fn refused(error: SecretError) -> Problem {
    match error {
        SecretError::Unknown => Problem::new(Code::KeyUnknown, "The server has no such key."),
        SecretError::Ended => Problem::new(Code::KeyEnded, "The key or the session is over."),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    match (text, values.next()) {
        (Some((scheme, secret)), None) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(secret.trim()))
        }
        // That of a proxy which asks for passwords.
        (Some((scheme, _)), None) if scheme.eq_ignore_ascii_case("basic") => Ok(None),
        _ => {
            let detail = "The Authorization header is not one of the form Bearer KEY.";
            Err(Problem::new(Code::KeyUnknown, detail))
        }
    }
}

/// The collection whose pictures an address is about; `None` where it is about none.
async fn collection_of(
    path: Option<&str>,
    parts: &mut Parts,
) -> Result<Option<CollectionName>, Problem> {
    let Some(path) = path else {
        return Ok(None);
    };
    if path.contains("{collection}") {
        let text = path_segment("collection", parts, &()).await.ok();
        // Another text names no collection, which the handler says.
        return Ok(text.and_then(|text| CollectionName::parse(&text)));
    }
    Ok(needs::is_of_a_collection(path).then(CollectionName::default))
}

/// The answer to a key of other collections.
pub(crate) fn not_for(name: &CollectionName) -> Problem {
    let detail = format!("The key is not for the collection {name}.");
    Problem::new(Code::KeyNotAllowed, detail)
}

fn allow(key: &Key, need: Need, collection: Option<&CollectionName>) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::new(Code::KeyNotAllowed, detail));
    if let Need::Of(scope) | Need::OfSome(scope) = need
        && !key.allows(scope)
    {
        return refuse(format!("The key lacks the scope {}.", scope.as_str()));
    }
    if let Need::OneOf(scopes) = need
        && !scopes.iter().any(|scope| key.allows(*scope))
    {
        let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        return refuse(format!(
            "The key has none of the scopes {}.",
            names.join(", ")
        ));
    }
    match collection {
        Some(name) if !key.is_for(name) => Err(not_for(name)),
        // What is about all collections, or about none, is not for a key of some of them.
        None if matches!(need, Need::Of(_)) && key.collections.is_some() => {
            refuse("The key is for some collections only.".into())
        }
        _ => Ok(()),
    }
}

/// The keys, for a request about keys: only an admin's key may manage them, also where none is asked for
/// elsewhere. Otherwise everyone who reaches an open server could make a key that stays.
fn managed(access: &Access, caller: &Caller) -> Result<Arc<Keys>, Problem> {
    match (&access.settings.keys, caller) {
        (Some(keys), Caller::Holder(_)) => Ok(keys.clone()),
        _ => Err(Problem::new(
            Code::KeyNotAllowed,
            "This server is open, and an open server does not manage keys; `resight keys` does.",
        )),
    }
}

/// Runs what reads or writes the files of keys.
pub(crate) async fn on_disk<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, AppError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(act).await;
    Ok(done.map_err(|error| Problem::internal(&error))??)
}

/// A JSON body of at most so many bytes, of the form `form`.
pub(crate) async fn body<T: DeserializeOwned>(
    app: &App,
    request: Request,
    most_bytes: u64,
    form: &str,
) -> Result<T, Problem> {
    let bounds = app.bodies.of(most_bytes);
    wanted::json(&intake::json(request, &bounds).await?, form)
}

/// An answer that nobody may keep.
pub(crate) fn unkept<T: serde::Serialize>(status: axum::http::StatusCode, body: T) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
