//! Webhooks: addresses that are told of jobs that have ended, by messages signed after Standard Webhooks.

pub(crate) mod delivery;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use ipnet::IpNet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use resight_app::Code;
use resight_app::webhooks::Webhooks;

use super::App;
use super::access::{Caller, body, on_disk, unkept};
use super::fetch::{FetchSettings, Messenger, check_address};
use super::jobs::served::JobsServed;
use super::params::{Params, path_segment};
use super::problem::Problem;
use crate::wire::{ProblemBody, WebhookList, WebhookMade, WebhookShown, WebhookWanted};
use delivery::Delivery;

/// The largest body read, in bytes.
const MOST_BYTES: u64 = 16 << 10;
const FORM: &str = r#"{"url": "https://…"}"#;

/// Webhooks of a data folder, and where they may be.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The addresses.
    pub hooks: Arc<Webhooks>,
    /// How names are resolved, and which networks beside the public internet may be told.
    pub targets: FetchSettings,
    /// How long after a failure a message is sent again; then four times as long each time.
    pub first_wait: Duration,
}

impl WebhookSettings {
    /// To public addresses, and to any port of `networks`.
    pub fn new(hooks: Webhooks, networks: &[IpNet]) -> Self {
        Self {
            hooks: Arc::new(hooks),
            targets: FetchSettings::public(&[]).with_networks(networks),
            first_wait: Duration::from_secs(5),
        }
    }
}

/// What became of messages.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    delivered: Counter,
    failed: Counter,
    given_up: Counter,
}

/// What handlers and the delivery share; without settings there are no webhooks.
#[derive(Clone, Default)]
pub(crate) struct Served {
    settings: Option<WebhookSettings>,
    counters: Counters,
}

impl Served {
    pub(crate) fn new(settings: Option<WebhookSettings>) -> Self {
        Self {
            settings,
            counters: Counters::default(),
        }
    }

    /// What tells of the jobs of `served`.
    pub(crate) fn delivery(&self, served: &JobsServed) -> Option<Delivery> {
        let settings = self.settings.as_ref()?;
        Some(Delivery {
            hooks: settings.hooks.clone(),
            jobs: served.jobs.clone(),
            messenger: Messenger::new(settings.targets.clone()),
            first_wait: settings.first_wait,
            counters: self.counters.clone(),
        })
    }

    fn hooks(&self) -> Result<Arc<Webhooks>, Problem> {
        let hooks = self.settings.as_ref().map(|settings| settings.hooks.clone());
        hooks.ok_or_else(|| Problem::new(Code::UnknownRoute, "This server has no webhooks."))
    }

    /// Adds what a monitor reads of them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Some(settings) = &self.settings else {
            return;
        };
        let number = i64::try_from(settings.hooks.list().len()).unwrap_or(i64::MAX);
        let registered: prometheus_client::metrics::gauge::Gauge = Default::default();
        registered.set(number);
        registry.register("resight_webhooks", "Addresses that are told of jobs", registered);
        for (name, what, counter) in [
            ("delivered", "Messages that an address took", &self.counters.delivered),
            ("failed", "Attempts that failed", &self.counters.failed),
            ("given_up", "Messages that no attempt delivered", &self.counters.given_up),
        ] {
            registry.register(format!("resight_webhook_messages_{name}"), what, counter.clone());
        }
    }
}

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
    check_address(&wanted.url)?;
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
