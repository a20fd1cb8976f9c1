//! The web page's files, which are part of the program.
//!
//! `build.rs` compresses what lies in `web/dist` and writes the table. A file is sent as it lies here to clients that
//! take brotli, and opened for the others.

use std::io::Read as _;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::problem::Problem;

/// What the page may load: its own files, and the pictures that it makes itself.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// Names of these files have a hash of their content, so what lies at an address never changes.
const HASHED: &str = "/assets/";
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";

struct PageFile {
    address: &'static str,
    media_type: &'static str,
    /// With its quotes.
    tag: &'static str,
    /// Uncompressed, in bytes.
    size: usize,
    compressed: &'static [u8],
}

const FILES: &[PageFile] = &include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Whether a file of the page lies at an address.
pub(crate) fn has(address: &str) -> bool {
    FILES.iter().any(|file| file.address == address)
}

/// A route for each file.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        let answer = move |headers: HeaderMap| async move { answer(&headers, file) };
        router.route(file.address, get(answer))
    })
}

fn answer(asked: &HeaderMap, file: &'static PageFile) -> Response {
    let mut response = match (holds_tag(asked, file.tag), takes_brotli(asked)) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => (
            [(header::CONTENT_ENCODING, "br")],
            Bytes::from_static(file.compressed),
        )
            .into_response(),
        (false, false) => match opened(file) {
            Ok(content) => content.into_response(),
            Err(error) => return Problem::internal(&error).into_response(),
        },
    };
    // A new version of the program brings a new index, so browsers ask for that each time; the tag keeps it cheap.
    let keeping = match file.address.starts_with(HASHED) {
        true => FOR_A_YEAR,
        false => "no-cache",
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, keeping),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::ETAG, file.tag),
        (header::VARY, "accept-encoding"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if response.status() == StatusCode::OK {
        let kind = HeaderValue::from_static(file.media_type);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn opened(file: &PageFile) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(file.size);
    brotli::Decompressor::new(file.compressed, 1 << 14).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether the client names brotli among what it takes, and does not refuse it by `q=0`.
fn takes_brotli(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().strip_prefix("q=").map(str::trim);
            let refused = weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0);
            name.trim().eq_ignore_ascii_case("br") && !refused
        })
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
