//! The HTTP side: the API under `/v1`, its description at `/openapi.json`, and the web page.
//!
//! Useful for: searching a [`Library`] over HTTP. Not useful for: deciding anything about pictures;
//! each handler checks its input, calls the engine once, and puts the result into JSON.
//!
//! Invariant: every failure of a request that reaches [`app`] is answered as a problem whose code
//! is in the table of [`resight_app::Code`] (the interfaces of other services aside, which have their own
//! forms). What is no HTTP request, or has a head beyond the HTTP library's bounds, never gets that
//! far: the library answers it with a bare status (400, 414 or 431) and closes the connection.

mod access;
mod base_path;
mod bulk;
mod collections;
mod compat;
mod connections;
mod cursor;
mod description;
mod downloads;
mod duplicates;
mod encoding;
mod failures;
mod fetch;
mod figures;
mod files;
mod filters;
mod forms;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guard;
mod health;
mod iiif;
mod intake;
mod jobs;
#[cfg(feature = "otel")]
mod joined_trace;
mod kept_body;
mod labels;
mod listing;
mod live;
mod matching;
mod moment;
mod pages;
mod params;
mod pictures;
mod plugins;
mod problem;
mod proxy;
mod ranges;
mod request_id;
mod resolving;
mod search;
mod service;
mod settings;
mod storage;
mod wanted;
mod webhooks;
pub mod wire;
mod work;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use resight_app::Code;
use resight_app::answers::Answers;
use resight_engine::Library;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use access::policy::{AccessSettings, Policy};
pub use base_path::BasePath;
pub use compat::interface::Interface;
#[cfg(feature = "acme")]
pub use connections::AcmeSettings;
pub use connections::{ConnectionLimits, Tls, TlsError};
pub use downloads::limits::DownloadLimits;
pub use fetch::{FetchSettings, Resolve};
pub use jobs::served::{JobsPerKey, JobsServed};
pub use live::{Changeable, Live};
pub use proxy::TrustedProxies;
pub use settings::HttpSettings;
pub use webhooks::served::WebhookSettings;

use crate::wire::Reader;
use problem::Problem;
use proxy::{Forwarded, ProxySettings};
use resight_app::collections::{Collections, Lease};
use resight_app::plugins::Plugins;
use resight_app::quarantine::Quarantine;
use resight_store::CollectionName;

/// What a form needs beside the picture in it.
const FORM_BYTES: u64 = 1 << 20;

/// What every handler has at hand.
#[derive(Clone)]
struct App {
    library: Lease<Library>,
    /// The collection that it is of.
    collection: CollectionName,
    /// What the addresses of its pictures begin with.
    base: Arc<str>,
    work: work::Work,
    bodies: intake::Bounds,
    files: Arc<files::Files>,
    plugins: Plugins,
    collections: Collections,
    access: access::Access,
    answers: Answers,
    spools: intake::Spools,
    downloads: downloads::Downloads,
    fetcher: fetch::Fetcher,
    cursors: cursor::Cursors,
    figures: figures::Figures,
    webhooks: webhooks::served::Served,
    jobs: Option<Arc<JobsServed>>,
    quarantine: Option<Quarantine>,
    meter: storage::Meter,
    /// Places for clients that follow jobs.
    followers: Arc<Semaphore>,
    /// Whether the server is to end.
    stopping: watch::Receiver<bool>,
}

/// Of the collection that the address names, and of the default one elsewhere.
impl FromRequestParts<App> for App {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, default: &App) -> Result<Self, Infallible> {
        let entered = parts.extensions.get::<Self>();
        let mut app = entered.unwrap_or(default).clone();
        if let Some(forwarded) = parts.extensions.get::<Forwarded>() {
            app.base = format!("{}{}", forwarded.prefix, app.base).into();
        }
        Ok(app)
    }
}

impl App {
    /// Who reads the answers.
    fn reader(&self) -> Reader<'_> {
        Reader::Remote(&self.base)
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Resight",
        description = "The same thing found again in your own pictures. Failures are `application/problem+json` (RFC 9457) with a stable `code`."
    ),
    tags(
        (name = "pictures", description = "The stored pictures"),
        (name = "objects", description = "Things that several of the stored pictures show"),
        (name = "search", description = "Finding a picture, or a part of one, again"),
        (name = "collections", description = "Collections of pictures. Everything about pictures, objects and search below `/v1` is about the default one, and lies below `/v1/collections/{collection}` for each"),
        (name = "duplicates", description = "Which of the stored pictures are the same or show the same"),
        (name = "jobs", description = "Work that outlives a request and a restart, and folders that are indexed by themselves"),
        (name = "plugins", description = "Functions that Python files offer"),
        (name = "service", description = "Facts about the server")
    )
)]
struct Description;

/// What there is in each collection.
fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(
            pictures::list,
            pictures::add,
            matching::remove,
            matching::change
        ))
        .routes(routes!(downloads::by_address, downloads::by_body))
        .routes(routes!(pictures::one, pictures::remove, labels::change))
        .routes(routes!(files::thumbnail))
        .routes(routes!(files::file))
        .routes(routes!(files::exif))
        .routes(routes!(labels::objects))
        .routes(routes!(labels::object, labels::remove_object))
        .routes(routes!(search::search, search::search_stored))
        .routes(routes!(search::features))
        .routes(routes!(search::compare))
        .routes(routes!(duplicates::list))
        .routes(routes!(resolving::by_groups))
        .routes(routes!(resolving::list))
        .routes(routes!(resolving::undo))
        .routes(routes!(
            duplicates::decisions,
            duplicates::add,
            duplicates::drop
        ))
        .routes(routes!(service::count))
        .routes(routes!(service::media_types))
        .routes(routes!(service::models))
        .routes(routes!(service::refused))
}

/// All routes of the API; `enter` wraps those of a collection.
fn api(enter: impl FnOnce(Router<App>) -> Router<App>) -> OpenApiRouter<App> {
    let (routes, description) = resources().split_for_parts();
    let mut in_collection = OpenApiRouter::from(enter(routes));
    *in_collection.get_openapi_mut() = description;
    let mut api = OpenApiRouter::with_openapi(Description::openapi())
        .nest("/v1", resources())
        .nest(collections::EACH, in_collection)
        .routes(routes!(collections::list))
        .routes(routes!(
            collections::one,
            collections::create,
            collections::rename,
            collections::remove
        ))
        .routes(routes!(service::live))
        .routes(routes!(service::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(access::keys::list, access::keys::create))
        .routes(routes!(access::keys::revoke))
        .routes(routes!(
            access::session::present,
            access::session::begin,
            access::session::end
        ))
        .routes(routes!(jobs::list, jobs::create))
        .routes(routes!(jobs::one, jobs::cancel))
        .routes(routes!(jobs::refused))
        .routes(routes!(jobs::export::file))
        .routes(routes!(jobs::events::follow))
        .routes(routes!(jobs::folders::list, jobs::folders::register))
        .routes(routes!(jobs::folders::change, jobs::folders::forget))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::remove))
        .routes(routes!(storage::used))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::one))
        .routes(routes!(plugins::ask, plugins::send))
        .routes(routes!(service::legacy_count));
    collections::describe(api.get_openapi_mut());
    forms::describe(api.get_openapi_mut());
    failures::describe(api.get_openapi_mut());
    api
}

/// The description of the API as JSON, the same that `/openapi.json` gives.
pub fn openapi_json() -> serde_json::Result<String> {
    api(|routes| routes).into_openapi().to_pretty_json()
}

/// All routes, ready to be served or, in a test, to be called directly.
pub fn app(library: Arc<Library>, settings: HttpSettings) -> Router {
    // Never to end: nobody has the sender.
    app_until(library, settings, watch::channel(false).1)
}

fn app_until(
    library: Arc<Library>,
    settings: HttpSettings,
    stopping: watch::Receiver<bool>,
) -> Router {
    // Bodies draw on the budget that decoders draw on. Requests wait for it for 30 seconds, and are then
    // answered `busy`.
    let memory = library.options().decode.memory.clone();
    let body_limit = settings.max_picture_bytes.saturating_add(FORM_BYTES);
    let state = App {
        library: Lease::unlimited(library),
        collection: CollectionName::default(),
        base: "/v1".into(),
        work: work::Work::new(&settings),
        bodies: intake::Bounds {
            bytes: body_limit,
            idle: settings.upload_idle,
            rate: settings.upload_rate,
            memory: intake::Memory::of(memory),
        },
        files: Arc::default(),
        plugins: settings.plugins,
        collections: settings.collections,
        access: access::Access::new(settings.access, settings.live.clone()),
        answers: settings.answers,
        spools: intake::Spools::new(settings.spool),
        downloads: downloads::Downloads::new(settings.downloads),
        fetcher: fetch::Fetcher::new(settings.fetch),
        cursors: cursor::Cursors::of(settings.cursor_key),
        figures: figures::Figures::default(),
        webhooks: webhooks::served::Served::new(settings.webhooks),
        jobs: settings.jobs,
        quarantine: settings.quarantine,
        meter: storage::Meter::default(),
        followers: Arc::new(Semaphore::new(jobs::events::MOST_FOLLOWERS)),
        stopping,
    };
    report_jobs(&state);
    let (access, counted) = (state.access.clone(), state.figures.clone());
    let enter = middleware::from_fn_with_state(state.clone(), collections::enter);
    // The fallbacks lie below `enter` as well: a collection that is not there is told before a wrong method.
    let enter = |routes: Router<App>| {
        routes
            .fallback(no_route)
            .method_not_allowed_fallback(wrong_method)
            .layer(enter)
    };
    let (routes, description) = api(enter).split_for_parts();
    let openapi = description::route(description, state.plugins.clone());
    let others = state.clone();
    let guarded = guard::Guard::new(settings.live);
    let proxies = ProxySettings {
        base: settings.base_path,
        trusted: settings.trusted_proxies,
    };
    let routes = routes
        .merge(switched_on(&settings.interfaces, settings.iiif))
        .with_state(state)
        .route("/openapi.json", openapi)
        .merge(pages::routes())
        .fallback(move |request| other_route(others, request))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(
            usize::try_from(body_limit).unwrap_or(usize::MAX),
        ))
        .layer(middleware::from_fn_with_state(access, access::check))
        .layer(guarded.cors())
        .layer(middleware::from_fn_with_state(
            settings.iiif,
            iiif::open_to_all,
        ))
        .layer(middleware::from_fn_with_state(guarded, guard::check))
        .layer(middleware::from_fn_with_state(counted, figures::count));
    framed(routes, proxies)
}

/// Routes beside the API.
fn switched_on(interfaces: &[Interface], iiif: bool) -> Router<App> {
    let routes = compat::routes(interfaces);
    match iiif {
        true => routes.merge(iiif::routes()),
        false => routes,
    }
}

/// Reports jobs that end to the addresses that want to know, until the server ends.
fn report_jobs(app: &App) {
    let Some(jobs) = &app.jobs else {
        return;
    };
    let delivery = webhooks::delivery::Delivery::of(&app.webhooks, &jobs.jobs);
    // Without a runtime nothing is served.
    if let (Some(delivery), Ok(runtime)) = (delivery, Handle::try_current()) {
        runtime.spawn(delivery.run(app.stopping.clone()));
    }
}

/// What is around the routes, which are chosen by the address without its prefix.
fn framed(routes: Router, proxies: ProxySettings) -> Router {
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(proxies, proxy::enter))
        .layer(middleware::from_fn(encoding::tag))
        .layer(encoding::compression())
        .layer(middleware::from_fn(encoding::accept))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(always("x-content-type-options", "nosniff"))
        .layer(always("referrer-policy", "no-referrer"))
        .layer(always("cross-origin-resource-policy", "same-origin"))
        .layer(always("x-frame-options", "DENY"))
        // Failures of ours are logged where they happen, with their cause.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(request_id::span)
                .on_request(())
                .on_response(request_id::answered)
                .on_failure(()),
        )
        .layer(middleware::from_fn(request_id::enter))
}

/// Serves on `listener` until `shutdown` completes; then takes no more connections, and returns
/// when the requests in progress are answered or the settings' grace is over.
pub async fn serve(
    listener: TcpListener,
    library: Arc<Library>,
    settings: HttpSettings,
    shutdown: impl Future<Output = ()>,
) {
    let (live, tls) = (settings.live.clone(), settings.tls.clone());
    let grace = settings.grace;
    let proxies = ProxySettings {
        base: settings.base_path.clone(),
        trusted: settings.trusted_proxies.clone(),
    };
    let (stop, stopping) = watch::channel(false);
    let app = app_until(library, settings, stopping);
    let service = connections::Service::new(app, live, proxies).over(tls);
    let shutdown = async {
        shutdown.await;
        // Answers that have no end of their own end now. Nobody may be sending one.
        let _ = stop.send(true);
    };
    connections::serve(listener, service, shutdown, grace).await;
}

/// An address that a plug-in's author asked for, or nothing.
async fn other_route(app: App, request: Request) -> Response {
    match plugins::by_route(&app, request).await {
        Ok(response) => response,
        Err(request) => no_route(OriginalUri(request.uri().clone()), request)
            .await
            .into_response(),
    }
}

async fn no_route(OriginalUri(uri): OriginalUri, request: Request) -> Problem {
    intake::discard(request.into_body()).await;
    let detail = format!("Nothing lies at {}.", uri.path());
    Problem::new(Code::UnknownRoute, detail)
}

async fn wrong_method(method: Method, OriginalUri(uri): OriginalUri, request: Request) -> Problem {
    intake::discard(request.into_body()).await;
    Problem::new(
        Code::MethodNotAllowed,
        format!("{} does not take {method}.", uri.path()),
    )
}

fn always(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}
