//! The web page's files, which are part of the program.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the page may load: its own files, and the pictures that it makes itself.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// Address, media type and content of each file. `web/README.md` names them too.
const FILES: [(&str, &str, &str); 10] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../../web/index.html"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        include_str!("../../../web/style.css"),
    ),
    ("/app.js", SCRIPT, include_str!("../../../web/app.js")),
    (
        "/duplicates.js",
        SCRIPT,
        include_str!("../../../web/duplicates.js"),
    ),
    (
        "/library.js",
        SCRIPT,
        include_str!("../../../web/library.js"),
    ),
    ("/match.js", SCRIPT, include_str!("../../../web/match.js")),
    (
        "/sign-in.js",
        SCRIPT,
        include_str!("../../../web/sign-in.js"),
    ),
    ("/region.js", SCRIPT, include_str!("../../../web/region.js")),
    // Where the `type` of every problem points to.
    (
        "/errors",
        "text/plain; charset=utf-8",
        include_str!("../../../docs/errors.md"),
    ),
    ("/page.js", SCRIPT, include_str!("../../../web/page.js")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Whether a file of the page lies at an address.
pub(crate) fn has(address: &str) -> bool {
    FILES.iter().any(|(at, ..)| *at == address)
}

/// A route for each file.
pub(crate) fn routes() -> Router {
    FILES
        .iter()
        .fold(Router::new(), |router, &(address, media_type, content)| {
            let mut hasher = DefaultHasher::new();
            content.hash(&mut hasher);
            let tag = format!("\"{:016x}\"", hasher.finish());
            let answer =
                move |headers: HeaderMap| async move { file(&headers, media_type, content, &tag) };
            router.route(address, get(answer))
        })
}

fn file(asked: &HeaderMap, media_type: &'static str, content: &'static str, tag: &str) -> Response {
    // A new version of the program brings new files, so browsers ask each time; the tag keeps that
    // cheap.
    let mut response = match holds_tag(asked, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, media_type)], content).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether the client says that it holds what `tag` (with its quotes) names.
pub(crate) fn holds_tag(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim())
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
