//! An address of a picture as a request names it, or as a redirect does.

use axum::http::Uri;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use resight_app::Code;

use crate::problem::Problem;

/// The longest address, in bytes.
const MOST_BYTES: usize = 2048;

/// Where a picture is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    authority: Authority,
    path: PathAndQuery,
}

impl Target {
    /// Reads an absolute address of http or https.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > MOST_BYTES {
            return Err(bad(&format!("it has more than {MOST_BYTES} bytes")));
        }
        let uri: Uri = text.parse().map_err(|error| bad(&error))?;
        let parts = uri.into_parts();
        let is_tls = match &parts.scheme {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(bad(&"it does not begin with https:// or http://")),
        };
        let authority = parts.authority.ok_or_else(|| bad(&"it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad(&"it has a name or a password in it"));
        }
        let host = authority.host();
        let inner = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = match inner {
            Some(address) => address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|error| bad(&error))?
                .to_string(),
            None => {
                let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_');
                if host.is_empty() || !host.bytes().all(is_name) {
                    return Err(bad(
                        &"its host is no name of letters, digits, dots and hyphens",
                    ));
                }
                host.to_ascii_lowercase()
            }
        };
        let stated = authority.as_str().len() > authority.host().len();
        let port = match (authority.port_u16(), is_tls) {
            (Some(port), _) => port,
            (None, _) if stated => return Err(bad(&"its port is no number of a port")),
            (None, true) => 443,
            (None, false) => 80,
        };
        let path = match parts.path_and_query {
            // An empty path is sent as a slash (RFC 9112, 3.2.1).
            Some(path) if path.as_str().starts_with('?') => {
                let path = format!("/{}", path.as_str());
                path.parse().map_err(|error| bad(&error))?
            }
            Some(path) => path,
            None => PathAndQuery::from_static("/"),
        };
        Ok(Self {
            is_tls,
            host,
            port,
            authority,
            path,
        })
    }

    /// Where a redirect from here leads.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, Problem> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = if self.is_tls { "https" } else { "http" };
        let has_scheme = location
            .split(['/', '?'])
            .next()
            .is_some_and(|first| first.contains(':'));
        let whole = if has_scheme {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{}{location}", self.authority)
        } else {
            let path = self.path.path();
            let kept = match location.starts_with('?') {
                // The same path with another query (RFC 3986, 5.2.2).
                true => path,
                false => &path[..path.rfind('/').map_or(0, |at| at + 1)],
            };
            format!("{scheme}://{}{kept}{location}", self.authority)
        };
        Self::parse(&whole)
    }

    /// What stands in the request's first line, and in its header `Host`.
    pub(super) fn request(&self) -> (&str, &str) {
        (self.path.as_str(), self.authority.as_str())
    }

    /// The last name of its path.
    pub(super) fn name(&self) -> &str {
        self.path.path().rsplit('/').next().unwrap_or_default()
    }
}

fn bad(why: &dyn std::fmt::Display) -> Problem {
    let detail = format!("The address cannot be fetched: {why}.");
    Problem::new(Code::FetchBadAddress, detail)
}

/// An address of a picture and one that a redirect names, as the fuzzers call their reader.
#[cfg(any(test, fuzzing))]
pub fn address(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let read = Target::parse(&text);
    let assert_plain = |target: &Target| {
        assert!(!target.host.is_empty() && !target.authority.as_str().contains('@'));
        let (path, host) = target.request();
        assert!(
            path.starts_with('/') && !path.contains([' ', '\r', '\n']),
            "{path:?}"
        );
        assert!(!host.contains([' ', '\r', '\n', '/']), "{host:?}");
    };
    if let Ok(target) = &read {
        assert_plain(target);
    }
    if let Ok(from) = Target::parse("https://a.example/x")
        && let Ok(target) = from.redirected(&text)
    {
        assert_plain(&target);
        return true;
    }
    read.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, String> {
        Target::parse(text).map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn addresses_are_of_http_and_have_no_passwords() {
        let target = parse("https://Pictures.Example/a/b.jpg?size=1#part").unwrap();
        assert!(target.is_tls);
        assert_eq!((&*target.host, target.port), ("pictures.example", 443));
        assert_eq!(target.request(), ("/a/b.jpg?size=1", "Pictures.Example"));
        assert_eq!(target.name(), "b.jpg");
        for (text, path) in [
            ("http://a", "/"),
            ("http://a?b/c", "/?b/c"),
            ("http://a#b", "/"),
        ] {
            assert_eq!(parse(text).unwrap().request().0, path, "{text}");
        }
        assert_eq!(parse("http://[::1]:8080").unwrap().port, 8080);
        for (text, part) in [
            ("ftp://a/b", "https://"),
            ("file:///etc/passwd", ""),
            ("/a/b", "https://"),
            ("http://me:secret@a/", "password"),
            ("http://me@a/", "password"),
            ("http://a:99999/", ""),
            ("http://a:/", "port"),
            ("http://a%2e/", ""),
            ("http://bücher.example/", ""),
            ("http://[::g]/", ""),
            ("http:///a", ""),
            ("", ""),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(part), "{text}: {told}");
        }
        assert!(parse(&format!("http://a/{}", "x".repeat(MOST_BYTES))).is_err());
    }

    #[test]
    fn redirects_lead_where_they_say() {
        let from = parse("https://a.example:8443/x/y?z").unwrap();
        for (location, to) in [
            ("http://b.example/c", "http://b.example/c"),
            ("//b.example/c", "https://b.example/c"),
            ("/c?d#e", "https://a.example:8443/c?d"),
            ("c", "https://a.example:8443/x/c"),
            ("?q=http://c", "https://a.example:8443/x/y?q=http://c"),
        ] {
            assert_eq!(from.redirected(location).ok(), parse(to).ok(), "{location}");
        }
        assert!(from.redirected("file:///etc/passwd").is_err());
        assert!(from.redirected("http://a:b@c/").is_err());
    }
}
