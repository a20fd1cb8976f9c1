//! Keeps pages of other sites out: a browser on the same machine, or one that is signed in, must not lend its
//! place to a stranger's page.
//!
//! Invariant: a request that may change something and comes from a page comes from our own page.
//! Invariant: with `allowed_hosts` set, no other name leads here, so that a site cannot point its
//! own name at this machine (DNS rebinding).

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use tower_http::cors::{AllowOrigin, CorsLayer};

use super::live::Live;
use super::problem::Problem;
use super::proxy::Forwarded;
use super::request_id;
use resight_app::Code;

/// Whom the server answers.
#[derive(Clone)]
pub(crate) struct Guard {
    /// Host names by which it may be called, and origins of other pages that may use the API.
    live: Live,
}

impl Guard {
    pub(crate) fn new(live: Live) -> Self {
        Self { live }
    }

    /// Lets pages of the listed origins read answers. They send a key with each request: cookies are not sent.
    pub(crate) fn cors(&self) -> CorsLayer {
        let live = self.live.clone();
        let is_listed = move |origin: &HeaderValue, _: &Parts| live.lists(origin.as_bytes());
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(is_listed))
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("idempotency-key"),
                request_id::HEADER,
            ])
            .expose_headers([
                header::CONTENT_DISPOSITION,
                header::CONTENT_RANGE,
                header::ETAG,
                header::LINK,
                header::LOCATION,
                header::RETRY_AFTER,
                HeaderName::from_static("idempotency-replayed"),
                HeaderName::from_static("x-resight-bytes"),
                HeaderName::from_static("x-resight-files"),
                request_id::HEADER,
            ])
            .max_age(Duration::from_secs(600))
    }
}

/// Refuses a request with a foreign `Host`, or a changing one with a foreign `Origin`.
pub(crate) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let forwarded = request.extensions().get::<Forwarded>();
    let forwarded = forwarded
        .and_then(|f| f.host.as_ref())
        .map(|host| host.as_str());
    let verdict = host(
        request.uri(),
        request.headers(),
        forwarded,
        guard.live.now().allowed_hosts.as_deref(),
    );
    let verdict = verdict.and_then(|host| match request.method().is_safe() {
        true => Ok(()),
        false => origin(request.headers(), host, &guard.live),
    });
    match verdict {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The request's host with its port, checked; `None` when it names none, as browsers never do. The one that
/// a trusted proxy says was asked for counts before the one that the proxy asks for.
fn host<'a>(
    uri: &'a Uri,
    headers: &'a HeaderMap,
    forwarded: Option<&'a str>,
    allowed: Option<&[String]>,
) -> Result<Option<&'a str>, Problem> {
    let refused = |text: &str| {
        let detail = format!("The request asks for the host {text:?}.");
        Problem::new(Code::UnknownHost, detail)
    };
    let mut named = None;
    for value in headers.get_all(header::HOST) {
        let text = value.to_str().map_err(|_| refused("?"))?;
        if named.replace(text).is_some() {
            return Err(refused(text));
        }
    }
    // HTTP/2 and proxies name the host in the address; it then counts before the header.
    let in_address = uri.authority().map(|authority| authority.as_str());
    if let Some(allowed) = allowed {
        for text in [named, in_address, forwarded].into_iter().flatten() {
            if !is_allowed(name_of(text), allowed) {
                return Err(refused(text));
            }
        }
    }
    Ok(forwarded.or(in_address).or(named))
}

fn origin(headers: &HeaderMap, host: Option<&str>, live: &Live) -> Result<(), Problem> {
    // Browsers compare the page's origin with the address that they ask, which a proxy may change on the
    // way. No page can write this header, and browsers send it only over HTTPS and to this machine, where
    // nobody else's name leads.
    if let Some(site) = headers.get("sec-fetch-site")
        && site == "same-origin"
    {
        return Ok(());
    }
    for value in headers.get_all(header::ORIGIN) {
        let text = value.to_str().unwrap_or("?");
        if !live.lists(value.as_bytes()) && !same_place(text, host) {
            let detail = format!("The request comes from a page of {text:?}.");
            return Err(Problem::new(Code::CrossOrigin, detail));
        }
    }
    Ok(())
}

/// Whether an origin such as `http://localhost:7777` names `host`. The port counts: another server
/// on this machine is another site. The scheme does not, since a proxy may speak HTTPS for us.
fn same_place(origin: &str, host: Option<&str>) -> bool {
    let (Some((scheme, there)), Some(here)) = (origin.split_once("://"), host) else {
        return false;
    };
    let usual_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix(usual_port)
            .map_or(text.clone(), str::to_owned)
    };
    !there.is_empty() && bare(there) == bare(here)
}

/// A host without its port: `[::1]:7777` gives `[::1]`.
fn name_of(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host.ends_with(']') => &host[..at],
        _ => host,
    }
}

/// Whether `name` is this machine seen from itself, or one of `allowed`.
fn is_allowed(name: &str, allowed: &[String]) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || allowed
            .iter()
            .any(|one| name.eq_ignore_ascii_case(one) || address.eq_ignore_ascii_case(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_ours_only_with_the_same_name_and_port() {
        for (origin, host, ours) in [
            ("http://localhost:7777", "localhost:7777", true),
            ("http://LOCALHOST:7777", "localhost:7777", true),
            ("http://localhost:3000", "localhost:7777", false),
            ("http://127.0.0.1:7777", "localhost:7777", false),
            ("https://pics.example", "pics.example", true),
            ("https://pics.example", "pics.example:443", true),
            ("http://pics.example:80", "pics.example", true),
            ("http://pics.example", "pics.example:443", false),
            ("http://evil.example", "localhost:7777", false),
            (
                "http://localhost:7777.evil.example",
                "localhost:7777",
                false,
            ),
            ("null", "null", false),
            ("file://", "", false),
            ("", "", false),
        ] {
            assert_eq!(same_place(origin, Some(host)), ours, "{origin} {host}");
        }
        assert!(!same_place("http://localhost", None));
    }

    #[test]
    fn loopback_and_listed_names_are_allowed() {
        let listed = ["pics.example".to_owned(), "192.168.1.5".to_owned()];
        for (host, fine) in [
            ("localhost", true),
            ("localhost:7777", true),
            ("127.0.0.1:7777", true),
            ("[::1]:7777", true),
            ("[::1]", true),
            ("Pics.Example:80", true),
            ("192.168.1.5:7777", true),
            ("192.168.1.6:7777", false),
            ("evil.example", false),
            ("localhost.evil.example:7777", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(name_of(host), &listed), fine, "{host}");
        }
    }
}
