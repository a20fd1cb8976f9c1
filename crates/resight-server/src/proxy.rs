//! The server behind a reverse proxy: the prefix of its addresses, and who is at the other end.
//!
//! Invariant: headers that a proxy sets count only on a connection from a proxy that the settings name.
//! Invariant: handlers see addresses without the prefix, whether the proxy strips it or not; addresses in
//! answers have it.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use crate::base_path::BasePath;

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
    /// Whether a trusted proxy says that the client speaks HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https == Some(true)
    }

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
        // Without the host that the proxy names, which is checked further in.
        return redirect(&there);
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
