//! A name for each request, which its lines in the log and its answer carry.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Span;

/// The header that has it.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The longest one that is taken from a client, in bytes.
const LONGEST: usize = 128;

/// The name of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// The one that the client gives, where nothing in it can mislead a reader of the log, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(HEADER).iter();
        let first = given.next().and_then(|value| value.to_str().ok());
        match first.filter(|text| is_sane(text) && given.next().is_none()) {
            Some(text) => Self(text.into()),
            None => Self::new(),
        }
    }

    fn new() -> Self {
        /// Where there is no randomness.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut bytes = [0; 16];
        let text = match getrandom::fill(&mut bytes) {
            Ok(()) => hex::encode(bytes),
            Err(_) => format!("request-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        };
        Self(text.into())
    }

    /// Has an answer carry it.
    pub(crate) fn put_on(&self, answer: &mut Response) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            answer.headers_mut().insert(HEADER, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

fn is_sane(text: &str) -> bool {
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_sane)
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// Names a request and its answer.
pub(crate) async fn enter(id: RequestId, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(id.clone());
    let mut answer = next.run(request).await;
    id.put_on(&mut answer);
    answer
}

/// What the log says of a request in each of its lines. The query stays out: it may have what is private.
pub(crate) fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>();
    // An error's level, so that lines of every level carry it.
    let span = tracing::error_span!(
        "request",
        id = id.map(tracing::field::display),
        method = %request.method(),
        path = request.uri().path(),
    );
    #[cfg(feature = "otel")]
    crate::joined_trace::begin(&span, request);
    span
}

/// Logs that a request was answered.
#[cfg_attr(not(feature = "otel"), allow(unused_variables))]
pub(crate) fn answered(answer: &Response, took: Duration, span: &Span) {
    #[cfg(feature = "otel")]
    crate::joined_trace::end(span, answer);
    tracing::info!(
        status = answer.status().as_u16(),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_name_is_taken_where_it_is_sane() {
        let long = "a".repeat(LONGEST + 1);
        for (given, taken) in [
            (&["a-b_c.d:9"][..], true),
            (&["a b"], false),
            (&["a\tb"], false),
            (&["\"><script>"], false),
            (&[""], false),
            (&["a", "b"], false),
            (&[&long], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(HEADER, HeaderValue::from_str(value).unwrap());
            }
            let id = RequestId::of(&headers).to_string();
            assert_eq!(given.first() == Some(&id.as_str()), taken, "{given:?}");
            assert!(is_sane(&id));
        }
        let none = HeaderMap::new();
        assert_ne!(RequestId::of(&none), RequestId::of(&none));
    }
}
