//! The server behind a reverse proxy: the prefix of its addresses, and who is at the other end.
//!
//! Invariant: headers that a proxy sets count only on a connection from a proxy that the settings name.
//! Invariant: handlers see addresses without the prefix, whether the proxy strips it or not; addresses in
//! answers have it.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

/// The longest base path, in bytes.
const MAX_PATH: usize = 200;
/// First parts of addresses that the server itself has.
const OWN: [&str; 7] = [
    "v1",
    "api",
    "errors",
    "healthz",
    "metrics",
    "openapi.json",
    "readyz",
];

/// What all addresses of the server begin with, such as `/photos`; empty without a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl BasePath {
    /// The path without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A path of letters, digits and `-._~` between slashes, normalised.
    fn checked(text: &str) -> Result<Self, String> {
        let inner = text.trim_matches('/');
        if inner.is_empty() {
            return match text.len() {
                0 | 1 => Ok(Self::default()),
                _ => Err("it has an empty part".into()),
            };
        }
        if text.len() > MAX_PATH {
            return Err(format!("it is longer than {MAX_PATH} bytes"));
        }
        if text.starts_with("//") || text.ends_with("//") {
            return Err("it has an empty part".into());
        }
        for part in inner.split('/') {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
            match part {
                "" => return Err("it has an empty part".into()),
                "." | ".." => return Err(format!("{part:?} cannot be a part of it")),
                _ => {}
            }
            if let Some(other) = part.chars().find(|c| !known(*c)) {
                return Err(format!(
                    "it has the character {other:?}; letters, digits and -._~ are taken"
                ));
            }
        }
        Ok(Self(format!("/{inner}").into()))
    }

    /// `path` below this one, with its slash; `None` where it lies elsewhere.
    fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&*self.0)?;
        (!self.0.is_empty() && rest.starts_with('/')).then_some(rest)
    }
}

impl FromStr for BasePath {
    type Err = String;

    /// Refuses what begins like the server's own addresses: `/v1/count` could then mean two things.
    fn from_str(text: &str) -> Result<Self, String> {
        let path = Self::checked(text)?;
        let first = path.0.split('/').nth(1).unwrap_or_default();
        if OWN.contains(&first) {
            return Err(format!("the server's own addresses begin with /{first}"));
        }
        Ok(path)
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The proxies whose headers count.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of networks such as `10.0.0.0/8`, and of single addresses.
    ///
    /// # Errors
    /// The first text that is neither.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            let text = text.trim();
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| text.to_owned())
        };
        texts
            .iter()
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// How the server is reached through proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxySettings {
    pub(crate) base: BasePath,
    pub(crate) trusted: TrustedProxies,
}

impl ProxySettings {
    /// An address without the prefix.
    pub(crate) fn local<'a>(&self, path: &'a str) -> &'a str {
        self.base.strip(path).unwrap_or(path)
    }

    /// Whether connections from this address carry the requests of others.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.trusted.contain(address)
    }

    /// The client behind a trusted proxy: the last address in `X-Forwarded-For` that is no trusted proxy's.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let entries: Vec<&str> = values(headers, "x-forwarded-for").collect();
        for entry in entries.into_iter().rev() {
            if !self.trusted.contain(client) {
                break;
            }
            match address_of(entry) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }

    fn forwarded(&self, request: &Request) -> Forwarded {
        let peer = request.extensions().get::<Peer>();
        let mut forwarded = Forwarded {
            prefix: self.base.clone(),
            ..Forwarded::default()
        };
        if !peer.is_some_and(|peer| self.is_proxy(peer.0)) {
            return forwarded;
        }
        let headers = request.headers();
        // A proxy in front of another adds its own part.
        let prefix: String = values(headers, "x-forwarded-prefix")
            .map(|part| part.trim_end_matches('/'))
            .collect();
        match BasePath::checked(&prefix) {
            Ok(path) if !prefix.is_empty() => forwarded.prefix = path,
            Ok(_) => {}
            Err(why) => tracing::debug!("X-Forwarded-Prefix is passed over: {why}"),
        }
        let first = |name| values(headers, name).next();
        forwarded.host = first("x-forwarded-host")
            .and_then(|host| host.parse::<Authority>().ok())
            .filter(|host| !host.as_str().contains('@'));
        forwarded.is_https = first("x-forwarded-proto").and_then(|scheme| match scheme {
            "https" => Some(true),
            "http" => Some(false),
            _ => None,
        });
        forwarded
    }
}

/// The other end of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Where the client sees the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarded {
    /// What its addresses begin with there.
    pub(crate) prefix: BasePath,
    /// The host that it asked for, where a trusted proxy says so.
    pub(crate) host: Option<Authority>,
    /// Whether it speaks HTTPS, where a trusted proxy says so.
    is_https: Option<bool>,
}

impl Forwarded {
    /// A local address as the client needs it: with host and scheme where a trusted proxy told them.
    fn absolute(&self, path: &str) -> String {
        match (&self.host, self.is_https) {
            (Some(host), Some(is_https)) => {
                let scheme = if is_https { "https" } else { "http" };
                format!("{scheme}://{host}{path}")
            }
            _ => path.to_owned(),
        }
    }
}

tokio::task_local! {
    static PREFIX: BasePath;
}

/// The prefix of addresses in the answer to the request that this task serves.
pub(crate) fn prefix() -> BasePath {
    PREFIX.try_with(BasePath::clone).unwrap_or_default()
}

/// Takes the prefix from the request's address, and completes the addresses in headers of its answer.
pub(crate) async fn enter(
    State(settings): State<ProxySettings>,
    mut request: Request,
    next: Next,
) -> Response {
    let forwarded = settings.forwarded(&request);
    let path = request.uri().path();
    if !settings.base.as_str().is_empty() && path == settings.base.as_str() {
        // Addresses on the page are relative to the folder.
        let query = request.uri().query().map(|q| format!("?{q}"));
        let there = format!("{}/{}", forwarded.prefix, query.unwrap_or_default());
        return redirect(&forwarded.absolute(&there));
    }
    if let Some(uri) = settings
        .base
        .strip(path)
        .and_then(|p| with_path(request.uri(), p))
    {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(forwarded.clone());
    let mut response = within(forwarded.prefix.clone(), next.run(request)).await;
    if let Some(location) = response.headers().get(header::LOCATION)
        && let Some(path) = location.to_str().ok().filter(|path| path.starts_with('/'))
        && let Ok(location) = HeaderValue::from_str(&forwarded.absolute(path))
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn within<F: Future>(prefix: BasePath, work: F) -> impl Future<Output = F::Output> {
    PREFIX.scope(prefix, work)
}

fn redirect(there: &str) -> Response {
    let status = StatusCode::PERMANENT_REDIRECT;
    match HeaderValue::from_str(there) {
        Ok(there) => (status, [(header::LOCATION, there)]).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// The values of a header that may have several, separated by commas or lines.
fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

/// An address with or without a port: `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]:5`.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|a| a.ip());
    bare.parse()
        .ok()
        .or_else(with_port)
        .map(|a: IpAddr| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_normalised_and_nonsense_is_refused() {
        for (text, path) in [
            ("", ""),
            ("/", ""),
            ("photos", "/photos"),
            ("/photos/", "/photos"),
            ("/my/photos.2", "/my/photos.2"),
        ] {
            assert_eq!(text.parse::<BasePath>().unwrap().as_str(), path, "{text}");
        }
        for text in [
            "//",
            "//evil.example",
            "/a//b",
            "/a/../b",
            "/.",
            "/a b",
            "/a?b",
            "/a#b",
            "/a%2fb",
            "http://a/b",
            "/ä",
            "\\a",
            "/a\nb",
            "/v1",
            "/v1/photos",
            "metrics",
        ] {
            assert!(text.parse::<BasePath>().is_err(), "{text:?}");
        }
        assert!(
            format!("/{}", "x".repeat(MAX_PATH))
                .parse::<BasePath>()
                .is_err()
        );
    }

    #[test]
    fn only_whole_parts_are_the_prefix() {
        let base: BasePath = "/photos".parse().unwrap();
        assert_eq!(base.strip("/photos/v1/count"), Some("/v1/count"));
        for elsewhere in ["/photosets/v1", "/v1/count", "/photos", "/"] {
            assert_eq!(base.strip(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(BasePath::default().strip("/v1/count"), None);
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        let settings = ProxySettings {
            trusted: TrustedProxies::parse(&["10.0.0.0/8".into(), "::1".into()]).unwrap(),
            ..ProxySettings::default()
        };
        let client = |peer: &str, given: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            settings.client(peer.parse().unwrap(), &headers).to_string()
        };
        for (peer, given, expected) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            (
                "10.0.0.1",
                &["198.51.100.1, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            (
                "10.0.0.1",
                &["198.51.100.1", "203.0.113.9:4711"],
                "203.0.113.9",
            ),
            ("::1", &["[2001:db8::1]:5"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            // Not from a proxy.
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
        ] {
            assert_eq!(client(peer, given), expected, "{peer} {given:?}");
        }
        assert_eq!(
            TrustedProxies::parse(&["10.0.0.0/33".into()]).unwrap_err(),
            "10.0.0.0/33"
        );
    }
}
