//! Where blobs lie in an object store.

use std::time::Duration;

use resight_store::StoreError;

/// An address as in `s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-west-1&path_style=true&timeout=60`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct S3Address {
    pub(super) bucket: String,
    /// Without `/` at its ends; may be empty.
    pub(super) prefix: String,
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    /// Whether the bucket is the first part of the path, and not of the host's name.
    pub(super) path_style: bool,
    /// How long one operation may take, with all that is tried again.
    pub(super) timeout: Duration,
}

/// How long an operation may take where the address does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

impl S3Address {
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let Some(rest) = text.strip_prefix("s3://") else {
            return Err(bad("it does not begin with s3://"));
        };
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if place.contains('@') {
            return Err(bad(
                "it has an @; credentials are taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ));
        }
        check(
            bucket,
            "bucket",
            |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'),
        )?;
        let prefix = prefix.trim_matches('/');
        for part in prefix.split('/').filter(|_| !prefix.is_empty()) {
            if part == "." || part == ".." {
                return Err(bad("its prefix has a part . or .."));
            }
            let allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            check(part, "prefix", allowed)?;
        }
        let mut address = Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: None,
            path_style: true,
            timeout: TIMEOUT,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            address.set(key, value)?;
        }
        Ok(address)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        match key {
            "endpoint" => self.endpoint = Some(endpoint(value)?),
            "region" => {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                check(value, "region", allowed)?;
                self.region = Some(value.to_owned());
            }
            "path_style" => {
                self.path_style = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(bad("path_style is neither true nor false")),
                }
            }
            "timeout" => {
                let seconds = value.parse().ok().filter(|n| (1..=3600).contains(n));
                let seconds = seconds.ok_or_else(|| bad("timeout is no number from 1 to 3600"))?;
                self.timeout = Duration::from_secs(seconds);
            }
            _ => {
                return Err(bad(
                    "it has an option that is none of endpoint, region, path_style and timeout",
                ));
            }
        }
        Ok(())
    }
}

/// Checks an address of a server, which has no credentials, path or query.
pub(super) fn endpoint(value: &str) -> Result<String, StoreError> {
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    let host = host.ok_or_else(|| bad("endpoint does not begin with http:// or https://"))?;
    if host.contains('@') {
        return Err(bad("endpoint has an @"));
    }
    let host = host.trim_end_matches('/');
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    check(host, "endpoint", allowed)?;
    Ok(value.trim_end_matches('/').to_owned())
}

fn check(part: &str, what: &str, allowed: impl Fn(u8) -> bool) -> Result<(), StoreError> {
    if part.is_empty() || part.len() > 200 {
        return Err(bad(&format!("its {what} is empty or too long")));
    }
    if part.bytes().all(allowed) {
        Ok(())
    } else {
        Err(bad(&format!(
            "its {what} has a character that is not taken there"
        )))
    }
}

fn bad(detail: &str) -> StoreError {
    StoreError::Address {
        what: "blobs",
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts() {
        let full = "s3://pictures/a/b/?endpoint=http://127.0.0.1:9000/&region=eu-west-1&path_style=false&timeout=5";
        let full = S3Address::parse(full).unwrap();
        assert_eq!(
            full,
            S3Address {
                bucket: "pictures".into(),
                prefix: "a/b".into(),
                endpoint: Some("http://127.0.0.1:9000".into()),
                region: Some("eu-west-1".into()),
                path_style: false,
                timeout: Duration::from_secs(5),
            }
        );
        let short = S3Address::parse("s3://pictures").unwrap();
        assert_eq!((short.prefix.as_str(), short.endpoint), ("", None));
        assert!(short.path_style);
    }

    #[test]
    fn what_cannot_be_an_address_is_refused_and_not_repeated() {
        for wrong in [
            "",
            "secret",
            "http://secret",
            "s3://",
            "s3:///secret",
            "s3://secret:secret@pictures",
            "s3://pictures/../secret",
            "s3://pictures/a//secret",
            "s3://pictures/se cret",
            "s3://Secret",
            "s3://pictures?endpoint=secret",
            "s3://pictures?endpoint=http://me:secret@there",
            "s3://pictures?endpoint=http://there/secret",
            "s3://pictures?region=se/cret",
            "s3://pictures?path_style=secret",
            "s3://pictures?timeout=0",
            "s3://pictures?timeout=secret",
            "s3://pictures?secret=1",
        ] {
            let error = S3Address::parse(wrong).unwrap_err();
            assert_eq!(error.code(), "store_address", "{wrong}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
