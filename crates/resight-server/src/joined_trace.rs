//! Requests as parts of a trace of OpenTelemetry: the client's own where it sends `traceparent` (W3C Trace Context).

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value, global};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Bytes of a path that are sent: as many spans wait as a client makes while a collector is away.
const PATH_BYTES: usize = 1024;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Others are all one, as the conventions say.
fn method(request: &Request) -> &str {
    match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "_OTHER",
    }
}

/// Makes a request's span a part of its client's trace. Attributes are named after the conventions for HTTP; the query
/// stays out: it may have what is private.
pub(crate) fn begin(span: &Span, request: &Request) {
    let above = global::get_text_map_propagator(|of| of.extract(&Headers(request.headers())));
    // It fails where nothing is traced.
    let _ = span.set_parent(above);
    let method = KeyValue::new("http.request.method", method(request).to_owned());
    let path = request.uri().path();
    let path = path.get(..PATH_BYTES).unwrap_or(path).to_owned();
    let path = KeyValue::new("url.path", path);
    for attribute in [method, path] {
        span.set_attribute(attribute.key, attribute.value);
    }
}

/// Notes how a request was answered.
pub(crate) fn end(span: &Span, answer: &Response) {
    let status = answer.status();
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(status.to_string()));
    }
}

/// Notes on the present request how long a stage of its search took.
pub(crate) fn stage(name: &str, milliseconds: f64) {
    let key = format!("resight.search.{name}_ms");
    Span::current().set_attribute(key, Value::F64(milliseconds));
}
