//! What a connection is doing: whether it may be closed without harm.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Shared by a connection's task, its stream, its answers, and the table of connections.
#[derive(Clone, Default)]
pub(super) struct Activity(Arc<State>);

#[derive(Default)]
struct State {
    /// Requests that are answered, up to the end of the answer's body.
    requests: AtomicUsize,
    /// Whether bytes of an answer wait for the client.
    unsent: AtomicBool,
}

impl Activity {
    /// Whether no request is being answered: the client has not sent a whole head yet, or has its answer.
    pub(super) fn is_idle(&self) -> bool {
        self.0.requests.load(Ordering::Acquire) == 0 && !self.0.unsent.load(Ordering::Acquire)
    }

    pub(super) fn set_unsent(&self, unsent: bool) {
        self.0.unsent.store(unsent, Ordering::Release);
    }

    /// A request begins; it ends when what this returns is dropped.
    pub(super) fn begin(&self) -> Request {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        Request(self.clone())
    }
}

/// A request that is being answered.
pub(super) struct Request(Activity);

impl Request {
    /// Has the request last until the body of `response` is sent or dropped.
    pub(super) fn until_sent(self, response: Response) -> Response {
        response.map(|body| {
            Body::new(Answer {
                body,
                _request: self,
            })
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of an answer.
struct Answer {
    body: Body,
    _request: Request,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
