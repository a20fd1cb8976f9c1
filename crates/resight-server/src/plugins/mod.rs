//! The functions of plug-ins under `/v1/plugins`, or where their authors want them.
//!
//! Invariant: waiting for a plug-in takes no place that a search needs; each plug-in has a bounded
//! queue of its own.
//! Invariant: a client that leaves takes its call back.

mod answer;
mod arguments;
mod description;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_plugin::{CallOptions, Function, FunctionRef, Plugin, Status};
use serde_json::{Value, json};

pub(super) use description::describe;

use super::App;
use super::access::Caller;
use super::intake;
use super::params::{path_segment, path_segments};
use super::problem::Problem;
use crate::wire::{FileBytes, PluginProblem, ProblemBody};

/// The plug-ins, what each offers and how it does.
#[utoipa::path(
    get, path = "/v1/plugins", tag = "plugins", operation_id = "list_plugins",
    responses(
        (status = 200, description = "All plug-ins", body = Value),
        (status = "default", description = "Any failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Json<Value> {
    let all = app.plugins.iter().map(|p| summary(p, &caller));
    let all: Vec<Value> = all.collect();
    Json(json!({"plugins": all}))
}

/// One plug-in, what it offers and how it does.
#[utoipa::path(
    get, path = "/v1/plugins/{name}", tag = "plugins", operation_id = "one_plugin",
    params(("name" = String, Path, description = "The plug-in: its file's name without .py")),
    responses(
        (status = 200, description = "The plug-in", body = Value),
        (status = 404, description = "There is none of this name", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    PluginAt(name): PluginAt,
) -> Result<Json<Value>, Problem> {
    let plugin = app.plugins.get(&name).ok_or_else(|| unknown(&app, &name))?;
    Ok(Json(summary(plugin, &caller)))
}

/// Calls a function with query parameters as its arguments.
#[utoipa::path(
    get, path = "/v1/plugins/{name}/{function}", tag = "plugins", operation_id = "get_plugin_function",
    params(
        ("name" = String, Path, description = "The plug-in"),
        ("function" = String, Path, description = "One of its functions; the query's parameters are its arguments"),
    ),
    responses(
        (status = 200, description = "What the function returned: JSON, a picture or other bytes", body = Value),
        (status = 404, description = "No such plug-in or function, or the function answered so", body = PluginProblem, content_type = "application/problem+json"),
        (status = 502, description = "The function failed; the body holds the traceback", body = PluginProblem, content_type = "application/problem+json"),
        (status = "4XX", description = "The function answered with this status", body = PluginProblem, content_type = "application/problem+json"),
        (status = "5XX", description = "The function answered with this status", body = PluginProblem, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn ask(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    call_named(&app, request).await
}

/// Calls a function with a JSON object, a form or a picture as its arguments.
#[utoipa::path(
    post, path = "/v1/plugins/{name}/{function}", tag = "plugins", operation_id = "post_plugin_function",
    params(
        ("name" = String, Path, description = "The plug-in"),
        ("function" = String, Path, description = "One of its functions"),
    ),
    request_body(
        description = "Named arguments as a JSON object or a form, or a picture as it is",
        content((Value = "application/json"), (Value = "multipart/form-data"), (Value = "application/x-www-form-urlencoded"), (inline(FileBytes) = "image/*"), (inline(FileBytes) = "application/octet-stream")),
    ),
    responses(
        (status = 200, description = "What the function returned: JSON, a picture or other bytes", body = Value),
        (status = 404, description = "No such plug-in or function, or the function answered so", body = PluginProblem, content_type = "application/problem+json"),
        (status = 502, description = "The function failed; the body holds the traceback", body = PluginProblem, content_type = "application/problem+json"),
        (status = "4XX", description = "The function answered with this status", body = PluginProblem, content_type = "application/problem+json"),
        (status = "5XX", description = "The function answered with this status", body = PluginProblem, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn send(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    call_named(&app, request).await
}

/// Answers a request for an address that an author gave to a function; `None` if nobody did. The
/// first plug-in that wants it has it.
pub(super) async fn by_route(app: &App, request: Request) -> Result<Response, Request> {
    let caller = request.extensions().get::<Caller>();
    if !caller.is_some_and(Caller::may_call) {
        return Err(request);
    }
    let path = request.uri().path().to_owned();
    let found = app.plugins.iter().find_map(|plugin| {
        let manifest = plugin.manifest()?;
        let function = manifest.find(|f| f.route.as_deref() == Some(&*path))?;
        Some((plugin.clone(), function))
    });
    let Some((plugin, function)) = found else {
        return Err(request);
    };
    Ok(match call(app, &plugin, &function, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    })
}

/// The plug-in's name in an address with `{name}`.
pub(crate) struct PluginAt(String);

impl<S: Send + Sync> FromRequestParts<S> for PluginAt {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(path_segment("name", parts, state).await?))
    }
}

async fn call_named(app: &App, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    match named_function(app, &mut parts).await {
        Ok((plugin, function)) => {
            let request = Request::from_parts(parts, body);
            call(app, plugin, &function, request).await
        }
        Err(problem) => {
            intake::discard(body).await;
            Err(problem)
        }
    }
}

/// The function that an address with `{name}` and `{function}` names, with its plug-in.
async fn named_function<'a>(
    app: &'a App,
    parts: &mut Parts,
) -> Result<(&'a Plugin, FunctionRef), Problem> {
    let [name, function] = path_segments(["name", "function"], parts, app).await?;
    let plugin = app.plugins.get(&name).ok_or_else(|| unknown(app, &name))?;
    Ok((plugin, plugin.function(&function)?))
}

async fn call(
    app: &App,
    plugin: &Plugin,
    function: &FunctionRef,
    request: Request,
) -> Result<Response, Problem> {
    let is_listed = |origin: &HeaderValue| app.access.lists(origin.as_bytes());
    if let Err(problem) = may_call(function, request.method(), request.headers(), is_listed) {
        intake::discard(request.into_body()).await;
        return Err(problem);
    }
    let call = arguments::of(app, function, request).await?;
    let outcome = plugin.call_async(call, CallOptions::default()).await?;
    answer::of(outcome).await
}

/// What the author allows, and what a page of another site may not do: a function may change
/// something, even when it is asked by GET.
fn may_call(
    function: &Function,
    method: &Method,
    headers: &HeaderMap,
    is_listed: impl Fn(&HeaderValue) -> bool + Copy,
) -> Result<(), Problem> {
    let listed = |methods: &[String]| {
        methods
            .iter()
            .any(|m| m.eq_ignore_ascii_case(method.as_str()))
    };
    if function.methods.as_deref().is_some_and(|m| !listed(m)) || *method == Method::HEAD {
        let detail = format!("{} does not take {method}.", function.name);
        return Err(Problem::new(Code::MethodNotAllowed, detail));
    }
    match headers.get("sec-fetch-site").map(|value| value.as_bytes()) {
        Some(b"cross-site" | b"same-site")
            if !headers.get(header::ORIGIN).is_some_and(is_listed) =>
        {
            Err(Problem::new(
                Code::CrossOrigin,
                "A page of another site asked for a plug-in's function.",
            ))
        }
        _ => Ok(()),
    }
}

fn unknown(app: &App, name: &str) -> Problem {
    let names: Vec<&str> = app.plugins.iter().map(|p| &*p.config().name).collect();
    let known = if names.is_empty() {
        "there are none".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    Problem::new(
        Code::UnknownPlugin,
        format!("No plug-in is named {name:?}; {known}."),
    )
}

fn summary(plugin: &Plugin, caller: &Caller) -> Value {
    let manifest = plugin.manifest();
    let functions = manifest.iter().flat_map(|m| &m.functions).map(|f| {
        json!({
            "name": f.name,
            "signature": f.signature,
            "doc": f.doc,
            "route": f.route,
            "methods": f.methods,
        })
    });
    let mut told = state(&plugin.status(), caller);
    told["functions"] = functions.collect();
    told["python"] = manifest.map(|m| m.python.clone()).into();
    told
}

/// How a plug-in does, as `/readyz` and `/v1/plugins` tell it. Its last error has lines and paths of the server.
pub(super) fn state(status: &Status, caller: &Caller) -> Value {
    let restarts: serde_json::Map<String, Value> = status
        .restarts
        .iter()
        .map(|(cause, count)| (cause.name().to_owned(), (*count).into()))
        .collect();
    let last_error = status.last_error.as_ref().filter(|_| caller.is_admin());
    let last_error = last_error.map(|error| {
        json!({
            "code": error.code,
            "detail": error.message,
            "traceback": error.traceback,
            "seconds_ago": error.age.as_secs(),
        })
    });
    json!({
        "name": status.name,
        "state": status.health.name(),
        "reason": status.reason.as_ref().filter(|_| caller.is_admin()),
        "generation": status.generation,
        "workers": status.workers,
        "workers_wanted": status.wanted,
        "queued": status.queued,
        "running": status.running,
        "calls": status.calls,
        "errors": status.errors,
        "restarts": restarts,
        "quarantined": status.quarantined,
        "p50_ms": status.latency.p50.as_secs_f64() * 1e3,
        "p99_ms": status.latency.p99.as_secs_f64() * 1e3,
        "last_error": last_error,
    })
}
