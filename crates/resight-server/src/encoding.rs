//! Answers that need not be sent, or not whole: tags of JSON, and compression.
//!
//! Invariant: what is compressed already, what is sent bit by bit, and what nobody may keep is left alone.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

use crate::pages::holds_tag;
use crate::problem::Problem;

/// The largest body that gets a tag, in bytes.
const MOST_TAGGED: u64 = 4 << 20;
/// The smallest body that is compressed, in bytes.
const LEAST_COMPRESSED: u64 = 1024;
/// What is compressed. Lines of JSON and events are not: they are to arrive as they come.
const TEXTS: &[&str] = &[
    "application/json",
    "application/openmetrics-text",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
];

/// Compresses answers by gzip or br, for clients that take it. Both at their quickest: what is sent is short, and one
/// client's answer must not keep the others waiting.
pub(crate) fn compression() -> CompressionLayer<Text> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(Text)
}

/// Holds for an answer of text that is long enough.
#[derive(Clone, Copy)]
pub(crate) struct Text;

impl Predicate for Text {
    fn should_compress<B: HttpBody>(&self, answer: &axum::http::Response<B>) -> bool {
        let length = answer.body().size_hint().exact();
        let is_long = length.is_some_and(|bytes| bytes >= LEAST_COMPRESSED);
        is_long
            && answer.status() != StatusCode::PARTIAL_CONTENT
            && !is_private(answer.headers())
            && TEXTS.contains(&media_type(answer.headers()))
    }
}

/// Whether nobody may keep an answer: it may have a secret, whose length compression would tell.
fn is_private(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .any(|value| value.as_bytes().windows(8).any(|part| part == b"no-store"))
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let name = text.and_then(|text| text.split(';').next());
    name.unwrap_or_default().trim()
}

/// Tags JSON that is read, and answers a client that has it already by 304.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let asked: HeaderMap = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .map(|value| (header::IF_NONE_MATCH, value.clone()))
        .collect();
    let answer = next.run(request).await;
    let headers = answer.headers();
    let length = answer.body().size_hint().exact();
    let is_tagged = answer.status() == StatusCode::OK
        && media_type(headers) == "application/json"
        && !headers.contains_key(header::ETAG)
        && !is_private(headers)
        && length.is_some_and(|bytes| bytes <= MOST_TAGGED);
    if !is_tagged {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let body = match to_bytes(body, usize::try_from(MOST_TAGGED).unwrap_or(usize::MAX)).await {
        Ok(body) => body,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let hash = blake3::hash(&body).to_hex();
    let tag = format!("\"{}\"", &hash[..32]);
    // A weak one: it stays when the answer is compressed on its way.
    if let Ok(value) = HeaderValue::from_str(&format!("W/{tag}")) {
        parts.headers.insert(header::ETAG, value);
    }
    // A cache asks again before it uses it, and keeps it for one client.
    let keeping = HeaderValue::from_static("private, no-cache");
    parts
        .headers
        .entry(header::CACHE_CONTROL)
        .or_insert(keeping);
    if holds_tag(&asked, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

/// Lies around [`compression`].
pub(crate) async fn accept(mut request: Request, next: Next) -> Response {
    keep_identity(request.headers_mut());
    next.run(request).await
}

/// Takes a client's refusal of uncompressed answers away, which most answers here are: there would be nothing to send.
fn keep_identity(headers: &mut HeaderMap) {
    let texts = headers.get_all(header::ACCEPT_ENCODING).iter();
    let parts = texts.filter_map(|value| value.to_str().ok());
    let parts: Vec<&str> = parts
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .collect();
    let is_about_all = |part: &&str| part.starts_with("identity") || part.starts_with('*');
    if !parts.iter().any(is_about_all) {
        return;
    }
    let kept: Vec<&str> = parts
        .into_iter()
        .filter(|part| !is_about_all(part))
        .collect();
    match HeaderValue::from_str(&kept.join(", ")) {
        Ok(value) if !kept.is_empty() => {
            headers.insert(header::ACCEPT_ENCODING, value);
        }
        _ => {
            headers.remove(header::ACCEPT_ENCODING);
        }
    }
}
