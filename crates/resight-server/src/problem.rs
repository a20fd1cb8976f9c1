//! Errors as the client sees them: `application/problem+json` (RFC 9457).
//!
//! Invariant: what went wrong inside the server is logged and never sent.

use std::any::Any;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use resight_app::Code;
use resight_engine::EngineError;
use resight_plugin::{HttpAnswer, PluginError, Side};
use resight_store::StoreError;

use crate::proxy;
use crate::wire::{PluginProblem, ProblemBody};

/// A failed request: a code and what happened this time.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    traceback: Option<String>,
    retry_after: Option<Duration>,
    /// What a plug-in's function itself answered.
    answer: Option<Box<HttpAnswer>>,
}

/// Headers of an author's answer that are sent: those that say how to ask again. Others could change what browsers
/// and proxies do with the server's own addresses.
const FROM_AUTHORS: [HeaderName; 5] = [
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    header::ALLOW,
    header::CONTENT_LANGUAGE,
    HeaderName::from_static("x-error"),
];

impl Problem {
    /// `detail` says what happened this time, with or without a capital and a full stop.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: sentence(detail.into()),
            traceback: None,
            retry_after: None,
            answer: None,
        }
    }

    /// A failure of ours: `cause` goes to the log only.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::ours(Code::Internal)
    }

    fn ours(code: Code) -> Self {
        Self {
            code,
            detail: format!("{}; the reason is in its log.", code.title()),
            traceback: None,
            retry_after: None,
            answer: None,
        }
    }

    /// With the time after which the same request may succeed.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What happened this time, as a sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn status(&self) -> StatusCode {
        let answered = self.answer.as_ref();
        let named = answered.and_then(|answer| StatusCode::from_u16(answer.status).ok());
        named.unwrap_or_else(|| status_of(self.code))
    }

    /// The body, as JSON.
    fn body(self) -> Response {
        let (code, status) = (self.code, self.status().as_u16());
        let kind = format!("{}/errors#{}", proxy::prefix(), code.as_str());
        let title = code.title().to_owned();
        let next_step = code.next_step().to_owned();
        if let Some(answer) = self.answer {
            return Json(PluginProblem {
                kind,
                title,
                status,
                detail: answer.detail.value(),
                code: code.as_str().to_owned(),
                next_step,
                traceback: None,
            })
            .into_response();
        }
        Json(ProblemBody {
            kind,
            title,
            status,
            detail: self.detail,
            code: code.as_str().to_owned(),
            next_step,
            traceback: self.traceback,
        })
        .into_response()
    }

    /// The title and the detail in one line, for the original project's error form.
    pub(crate) fn message(&self) -> String {
        format!("{}: {}", self.code.title(), self.detail)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let code = Code::from(&error);
        // The engine's own texts may name the server's folders: only those about what the client
        // sent are passed on.
        match &error {
            EngineError::Refused(refused) => Self::new(code, refused.detail.clone()),
            EngineError::UnknownPicture(id) => {
                Self::new(code, format!("No picture has the id {id}"))
            }
            EngineError::UnknownObject(id) => Self::new(
                code,
                format!("No picture belongs to the object {id:?}", id = id.as_str()),
            ),
            EngineError::BadQuery(_) | EngineError::BadFeatures(_) => {
                let text = error.to_string();
                let mut letters = text.chars();
                let first = letters.next().map(char::to_uppercase);
                let first = first.into_iter().flatten();
                Self::new(code, first.chain(letters).collect::<String>())
            }
            // Not the folder, but the picture.
            EngineError::Store(StoreError::PictureDamaged { picture, what, .. }) => {
                tracing::error!(code = error.code(), %error, "a request failed");
                Self::new(
                    code,
                    format!("The stored {what} of picture {picture} cannot be used"),
                )
            }
            EngineError::Extract(error) => {
                tracing::warn!(code = error.code, %error, "a picture was not described");
                Self {
                    traceback: error.traceback.clone(),
                    retry_after: error.retry_after,
                    detail: format!("{error}."),
                    ..Self::new(code, "")
                }
            }
            _ if status_of(code).is_client_error() => Self::new(code, code.title()),
            _ => {
                tracing::error!(code = error.code(), %error, "a request failed");
                Self::ours(code)
            }
        }
    }
}

impl From<PluginError> for Problem {
    /// An author's failure is told whole, with the traceback: it is for the author to mend.
    fn from(error: PluginError) -> Self {
        if error.side() == Side::Server {
            tracing::warn!(code = error.code(), %error, "a plug-in's call failed");
        }
        let problem = Self {
            traceback: error.traceback(),
            retry_after: error.retry_after(),
            // It begins with the function's name, which has no capital.
            detail: format!("{error}."),
            ..Self::new(Code::from(&error), "")
        };
        match error {
            PluginError::Answered { answer, .. } => Self {
                answer: Some(answer),
                ..problem
            },
            _ => problem,
        }
    }
}

/// Marks a response whose body is a problem with a traceback, and has lines and paths of the server.
#[derive(Clone, Copy)]
pub(crate) struct HasTraceback(Code);

impl HasTraceback {
    /// The same problem for callers whom the server's paths do not concern.
    pub(crate) fn without(self) -> Problem {
        Problem::new(self.0, self.0.title())
    }
}

/// The table keeps to statuses of failures.
fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, status) = (self.code, self.status());
        let has_traceback = self.traceback.is_some();
        let wait = self.retry_after;
        let authors = self.answer.as_ref().map(|answer| from_author(answer));
        let mut response = self.body();
        *response.status_mut() = status;
        if has_traceback {
            response.extensions_mut().insert(HasTraceback(code));
        }
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let comes_again = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        let wait = wait.or(comes_again
            .contains(&status)
            .then_some(Duration::from_secs(1)));
        if status == StatusCode::UNAUTHORIZED && authors.is_none() {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = wait {
            // Whole seconds, at least one.
            let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        headers.extend(authors.unwrap_or_default());
        response
    }
}

/// The headers of an author's answer that are sent.
fn from_author(answer: &HttpAnswer) -> HeaderMap {
    let named = answer.headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        let value = HeaderValue::try_from(value.as_str()).ok()?;
        FROM_AUTHORS.contains(&name).then_some((name, value))
    });
    named.collect()
}

/// `text` with a capital at its start and a full stop at its end.
fn sentence(text: String) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .chain(end.chars())
        .collect()
}

/// The answer when a handler panics.
pub(crate) fn of_panic(cause: Box<dyn Any + Send>) -> Response {
    Problem::internal(&panic_text(cause.as_ref())).into_response()
}

/// What a panic said, as far as it is text.
pub(crate) fn panic_text(cause: &(dyn Any + Send)) -> String {
    let text = cause
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a text"))
}
