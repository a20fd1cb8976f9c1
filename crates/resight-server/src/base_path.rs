//! The path that all addresses of the server begin with behind a reverse proxy.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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
    pub(crate) fn checked(text: &str) -> Result<Self, String> {
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
    pub(crate) fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
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
}
