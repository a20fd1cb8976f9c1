//! Errors of the object store as those of [`StoreError`].

use std::error::Error as _;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};
use resight_store::StoreError;

/// What went wrong with a request, as far as the caller has to know it.
pub(super) enum Failure {
    /// There is no object of this key.
    NoObject,
    /// The part that was asked for begins at the object's end, or after it.
    BeyondEnd,
    Other(StoreError),
}

impl Failure {
    /// The error where neither a missing object nor its end is an answer.
    pub(super) fn into_error(self, location: &str) -> StoreError {
        match self {
            Self::Other(error) => error,
            Self::NoObject | Self::BeyondEnd => StoreError::Failed {
                location: location.to_owned(),
                detail: "the object store had no answer to a question about the bucket".to_owned(),
            },
        }
    }

    pub(super) fn of(error: &Error, location: &str) -> Self {
        let answer = Answer::of(error);
        match (answer.status, answer.code) {
            (_, Some("NoSuchBucket")) => Self::Other(StoreError::Absent {
                location: location.to_owned(),
                what: "bucket",
            }),
            (Some(416), _) | (_, Some("InvalidRange")) => Self::BeyondEnd,
            _ if matches!(error, Error::NotFound { .. }) => Self::NoObject,
            _ => Self::Other(answer.into_error(error, location)),
        }
    }
}

/// A server's answer, of which an error has no more than text.
struct Answer<'a> {
    status: Option<u16>,
    /// The code of S3's own, as `SignatureDoesNotMatch`.
    code: Option<&'a str>,
}

impl Answer<'static> {
    fn of(error: &Error) -> Self {
        // The type with status and body is private to the crate, so its text has to do.
        let text = error.to_string();
        let status = between(&text, "status code: ", " ").and_then(|status| status.parse().ok());
        let code = between(&text, "<Code>", "</Code>");
        let code = code.and_then(|code| KNOWN.iter().find(|known| **known == code));
        Self {
            status,
            code: code.copied(),
        }
    }

    fn into_error(self, error: &Error, location: &str) -> StoreError {
        let location = location.to_owned();
        let is_refusal = matches!(
            error,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
        );
        let is_credential = matches!(
            self.code,
            Some("ExpiredToken" | "InvalidToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch")
        );
        if is_refusal || is_credential {
            let detail = match (self.code, self.status) {
                (Some(code), _) => code.to_owned(),
                (None, Some(status)) => format!("status {status}"),
                (None, None) => "access denied".to_owned(),
            };
            return StoreError::Denied { location, detail };
        }
        match (self.code, self.status) {
            (Some("QuotaExceeded" | "XMinioStorageFull"), _) | (_, Some(507)) => {
                StoreError::Full { location }
            }
            (Some("SlowDown" | "ServiceUnavailable"), _) | (_, Some(429)) => {
                StoreError::Busy { location }
            }
            (code, Some(status @ 500..)) => StoreError::Unreachable {
                location,
                detail: format!("status {status} {}", code.unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            },
            (code, Some(status)) => StoreError::Io {
                location,
                source: format!("status {status} {}", code.unwrap_or("without a code")).into(),
            },
            (_, None) => of_connection(error, location),
        }
    }
}

/// Codes that are told apart, or named in a message. Of others the status is named: an answer's text may have parts of a
/// request's signature.
const KNOWN: &[&str] = &[
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "EntityTooLarge",
    "ExpiredToken",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidRange",
    "InvalidToken",
    "NoSuchBucket",
    "NoSuchKey",
    "PermanentRedirect",
    "QuotaExceeded",
    "RequestTimeTooSkewed",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "XMinioStorageFull",
];

fn of_connection(error: &Error, location: String) -> StoreError {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            let detail = match http.kind() {
                HttpErrorKind::Connect => "no connection to it could be made",
                HttpErrorKind::Timeout => "it did not answer in time",
                HttpErrorKind::Interrupted => "the connection broke",
                HttpErrorKind::Request => "a request could not be sent",
                HttpErrorKind::Decode | HttpErrorKind::Unknown | _ => {
                    "it does not answer as S3 does"
                }
            };
            return unreachable(location, detail);
        }
        source = error.source();
    }
    StoreError::Io {
        location,
        source: kind_of(error).into(),
    }
}

pub(super) fn unreachable(location: String, detail: &str) -> StoreError {
    StoreError::Unreachable {
        location,
        detail: detail.to_owned(),
    }
}

fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            "another request changed the same object"
        }
        Error::NotSupported { .. } | Error::NotImplemented { .. } => {
            "it lacks an operation that is needed"
        }
        _ if error.to_string().contains("redirect without LOCATION") => {
            "it lies in another region than the address says"
        }
        _ => "it does not answer as S3 does",
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(body: &str) -> Error {
        Error::PermissionDenied {
            path: "p".into(),
            source: format!("Server returned non-2xx status code: 403 Forbidden: {body}").into(),
        }
    }

    #[test]
    fn an_answer_is_named_by_its_code_and_its_text_is_not_told() {
        let body =
            "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>secret</StringToSign></Error>";
        let Failure::Other(error) = Failure::of(&denied(body), "s3://b") else {
            panic!("no failure");
        };
        assert_eq!(error.code(), "store_denied");
        let text = error.to_string();
        assert!(text.contains("SignatureDoesNotMatch") && !text.contains("secret"));
        let Failure::Other(error) = Failure::of(&denied("<Code>secret</Code>"), "s3://b") else {
            panic!("no failure");
        };
        let text = error.to_string();
        assert!(text.contains("status 403") && !text.contains("secret"));
    }

    #[test]
    fn a_missing_bucket_is_no_missing_object() {
        let missing = |code: &str| Error::NotFound {
            path: "p".into(),
            source: format!(
                "Server returned non-2xx status code: 404 Not Found: <Code>{code}</Code>"
            )
            .into(),
        };
        assert!(matches!(
            Failure::of(&missing("NoSuchKey"), "s3://b"),
            Failure::NoObject
        ));
        let Failure::Other(error) = Failure::of(&missing("NoSuchBucket"), "s3://b") else {
            panic!("no failure");
        };
        assert_eq!(error.code(), "store_absent");
    }
}
