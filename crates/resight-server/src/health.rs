//! What a monitor asks: readiness, and metrics in Prometheus' text form.
//!
//! Invariant: core search is ready or not whatever plug-ins do; each tells its own state.

use std::sync::atomic::AtomicU64;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use resight_app::Code;
use resight_app::scrub::ScrubState;
use resight_engine::{DecoderCounts, GlobalModels, MemoryUse, ModelState};
use resight_plugin::Status;
use resight_store::StoreError;
use serde_json::{Value, json};

use super::App;
use super::access::Caller;
use super::figures;
use super::jobs;
use super::plugins;
use super::problem::Problem;
use super::service::held;
use crate::wire::ProblemBody;

/// Damaged things that are named.
const NAMED: usize = 20;

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

/// Whether searches are answered and pictures can be added, and how each plug-in does.
#[utoipa::path(
    get, path = "/readyz", tag = "service", operation_id = "ready",
    responses(
        (status = 200, description = "Searches are answered and pictures can be added; plug-ins tell their own state: starting, ok, degraded or broken", body = Value),
        (status = 503, description = "No picture can be added; `reasons` says why: disk_full or data_folder_gone", body = Value),
        (status = "default", description = "The catalogue cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn ready(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let pictures = held(&app).await?;
    let collections = app.collections.clone();
    let problems = app
        .work
        .health
        .run(move || Ok(collections.problems()))
        .await?;
    let states: Vec<Value> = app
        .plugins
        .iter()
        .map(|plugin| plugins::state(&plugin.status(), &caller))
        .collect();
    let models = models(&app).await?;
    let models: Vec<Value> = models
        .iter()
        .map(|m| json!({"name": m.name, "vectors": m.vectors, "pending": m.pending}))
        .collect();
    let scrubbed = scrubbed(&app.collections.scrubbed());
    let (status, word) = match problems.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let reasons: Vec<Value> = problems.iter().map(reason).collect();
    if !caller.is_admin() {
        let body = json!({"status": word, "reasons": reasons});
        return Ok((status, Json(body)).into_response());
    }
    let body = json!({"status": word, "reasons": reasons, "pictures": pictures, "memory": memory(&app), "models": models, "plugins": states, "scrub": scrubbed});
    Ok((status, Json(body)).into_response())
}

/// The budget of memory and what is in use of it, in bytes.
fn memory(app: &App) -> Value {
    let memory = app.library.options().decode.memory.in_use();
    json!({
        "budget": memory.total,
        "caches": memory.caches,
        "bodies": memory.bodies,
        "work": memory.work,
        "waiting": memory.waiting,
    })
}

/// What the reading in the background has found. Damage of single pictures leaves the server ready: only
/// requests that need them fail.
fn scrubbed(state: &ScrubState) -> Value {
    let all = state.damaged.iter();
    let named = all.flat_map(|((collection, _), findings)| {
        findings.iter().map(move |finding| {
            let kind = finding.kind.as_str();
            json!({"collection": collection.as_str(), "kind": kind, "thing": finding.thing, "next_step": finding.kind.next_step()})
        })
    });
    let named: Vec<Value> = named.take(NAMED).collect();
    json!({"pictures": state.pictures, "rounds": state.rounds, "damaged": state.damaged.len(), "findings": named})
}

/// Why no picture can be added, without the server's folders.
fn reason(problem: &StoreError) -> Value {
    let code = Code::from(problem);
    let name = match problem {
        StoreError::Full { .. } => "disk_full",
        _ => code.as_str(),
    };
    json!({"reason": name, "code": code.as_str(), "title": code.title(), "next_step": code.next_step()})
}

/// Figures for a monitor, in Prometheus' text form.
#[utoipa::path(
    get, path = "/metrics", tag = "service", operation_id = "metrics",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "application/openmetrics-text"),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let mut registry = Registry::default();
    let pictures = gauge(held(&app).await? as u64);
    registry.register("resight_pictures", "Pictures stored", pictures);
    app.figures.register(&mut registry);
    figures::register_queues(&mut registry, &app.work);
    register_library(&app, &mut registry).await?;
    app.webhooks.register(&mut registry);
    register_memory(&mut registry, app.library.options().decode.memory.in_use());
    if let Some(counts) = app.library.options().decode.place.counts() {
        register_decoders(&mut registry, counts);
    }
    let scrubbed = app.collections.scrubbed();
    registry.register(
        "resight_scrubbed",
        "Pictures read in the background since the start",
        gauge(scrubbed.pictures),
    );
    registry.register(
        "resight_damaged",
        "Pictures that the reading in the background found damaged",
        gauge(scrubbed.damaged.len() as u64),
    );
    register_models(&mut registry, &models(&app).await?);
    register(&mut registry, app.plugins.iter().map(|p| p.status()));
    jobs::metrics::register(&app, &mut registry).await?;
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| Problem::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// The index of the default collection, and the cache that all collections share.
async fn register_library(app: &App, registry: &mut Registry) -> Result<(), Problem> {
    let library = app.library.clone();
    let figures = app.work.health.run(move || library.figures()).await?;
    registry.register(
        "resight_index_pictures",
        "Pictures that the index has",
        gauge(figures.indexed as u64),
    );
    let requests = Family::<Labels, Counter>::default();
    for (result, count) in [("hit", figures.cache_hits), ("miss", figures.cache_misses)] {
        let label = vec![("result", result.to_owned())];
        requests.get_or_create(&label).inc_by(count);
    }
    registry.register(
        "resight_feature_cache_requests",
        "Features of stored pictures that were needed",
        requests,
    );
    Ok(())
}

/// Of the default collection.
async fn models(app: &App) -> Result<Vec<ModelState>, Problem> {
    let library = app.library.clone();
    app.work
        .health
        .run(move || GlobalModels::new(library.shared()).states())
        .await
}

/// As large as a gauge can show.
fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn gauge(n: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(number(n));
    gauge
}

fn register_memory(registry: &mut Registry, memory: MemoryUse) {
    registry.register(
        "resight_memory_budget_bytes",
        "The budget of memory",
        gauge(memory.total),
    );
    let used = Family::<Labels, Gauge>::default();
    for (name, bytes) in [
        ("caches", memory.caches),
        ("bodies", memory.bodies),
        ("work", memory.work),
    ] {
        let label = vec![("use", name.to_owned())];
        used.get_or_create(&label).set(number(bytes));
    }
    registry.register("resight_memory_used_bytes", "What is in use of it", used);
    registry.register(
        "resight_memory_waiting",
        "Requests and decoders that wait for it",
        gauge(memory.waiting as u64),
    );
}

/// Counters of the processes that decode.
fn register_decoders(registry: &mut Registry, counts: DecoderCounts) {
    for (name, what, count) in [
        (
            "started",
            "Processes for decoding that were started",
            counts.started,
        ),
        (
            "lost",
            "Processes for decoding that a picture ended",
            counts.lost,
        ),
        (
            "killed",
            "Processes for decoding that were ended from outside",
            counts.killed,
        ),
    ] {
        let counter = Counter::<u64>::default();
        counter.inc_by(count);
        registry.register(format!("resight_decoders_{name}"), what, counter);
    }
    registry.register(
        "resight_decoders_idle",
        "Processes for decoding that wait for a picture",
        gauge(counts.idle as u64),
    );
}

fn register_models(registry: &mut Registry, models: &[ModelState]) {
    let vectors = Family::<Labels, Gauge>::default();
    let pending = Family::<Labels, Gauge>::default();
    for model in models.iter().filter(|model| model.can_embed) {
        let label = vec![("model", model.name.clone())];
        let made = vectors.get_or_create(&label);
        made.set(number(model.vectors as u64));
        pending.get_or_create(&label).set(number(model.pending));
    }
    registry.register("resight_vectors", "Pictures described by a model", vectors);
    registry.register(
        "resight_vectors_pending",
        "Pictures that wait for a model",
        pending,
    );
}

fn register(registry: &mut Registry, statuses: impl Iterator<Item = Status>) {
    let state = Family::<Labels, Gauge>::default();
    let workers = Family::<Labels, Gauge>::default();
    let queued = Family::<Labels, Gauge>::default();
    let running = Family::<Labels, Gauge>::default();
    let quarantined = Family::<Labels, Gauge>::default();
    let latency = Family::<Labels, Seconds>::default();
    let calls = Family::<Labels, Counter>::default();
    let errors = Family::<Labels, Counter>::default();
    let restarts = Family::<Labels, Counter>::default();
    for status in statuses {
        let label = || vec![("plugin", status.name.clone())];
        let with =
            |name, value: &str| vec![("plugin", status.name.clone()), (name, value.to_owned())];
        for name in ["starting", "ok", "degraded", "broken"] {
            let is = i64::from(status.health.name() == name);
            state.get_or_create(&with("state", name)).set(is);
        }
        let set = |family: &Family<Labels, Gauge>, value: usize| {
            family.get_or_create(&label()).set(number(value as u64));
        };
        set(&workers, status.workers);
        set(&queued, status.queued);
        set(&running, status.running);
        set(&quarantined, status.quarantined);
        for (share, time) in [("0.5", status.latency.p50), ("0.99", status.latency.p99)] {
            let seconds = time.as_secs_f64();
            latency.get_or_create(&with("quantile", share)).set(seconds);
        }
        calls.get_or_create(&label()).inc_by(status.calls);
        errors.get_or_create(&label()).inc_by(status.errors);
        for (cause, count) in &status.restarts {
            restarts
                .get_or_create(&with("cause", cause.name()))
                .inc_by(*count);
        }
    }
    registry.register(
        "resight_plugin_state",
        "1 for the state a plug-in is in",
        state,
    );
    registry.register(
        "resight_plugin_workers",
        "Workers ready or at work",
        workers,
    );
    registry.register("resight_plugin_queued", "Calls that wait", queued);
    registry.register("resight_plugin_running", "Calls that run", running);
    registry.register("resight_plugin_quarantined", "Inputs refused", quarantined);
    registry.register(
        "resight_plugin_seconds",
        "Time of calls, waiting included",
        latency,
    );
    registry.register("resight_plugin_calls", "Calls answered", calls);
    registry.register(
        "resight_plugin_errors",
        "Calls answered with an error",
        errors,
    );
    registry.register("resight_plugin_restarts", "Workers replaced", restarts);
}
