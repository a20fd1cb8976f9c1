//! What a connection is doing: whether it may be closed without harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::response::Response;

use crate::kept_body::until_sent;

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
        until_sent(response, self)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}
