//! Calls from tasks. A short call is sent, and its reply received, without a thread.
//!
//! Waking a sleeping thread takes as long as a short function. So a short call is sent to the worker
//! by the thread that sees the worker free, and the task that made the call looks for the reply
//! itself. A thread takes over after [`QUICK`], and for whatever has to be waited for in another way:
//! a worker that died, a result in shared memory, another attempt.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::Queue;
use super::calls::QueuedCall;
use super::reply_slot::{PendingReply, RunningCall};
use crate::call::{Call, CallOptions};
use crate::reply::Outcome;
use crate::worker::wire;

/// How long a task looks for a reply itself. The thread that takes over also notices a worker's end
/// that the worker's children hide.
const QUICK: Duration = Duration::from_millis(50);

/// Serves a call from a task. Dropping the future cancels the call.
pub(crate) async fn call(queue: &Arc<Queue>, call: Call<'static>, options: CallOptions) -> Outcome {
    let (mut queued, pending) = QueuedCall::new(call, options);
    queued.short_meta = wire::short_meta(&queued.call);
    let mut task = TaskCall {
        queue: queue.clone(),
        options,
        since: queued.since,
        pending,
        running: None,
    };
    queue.enqueue(queued);
    task.running = poll_fn(|context| task.pending.poll_sent(context)).await;
    if let Some(socket) = task.socket()
        && let Ok(Some(outcome)) = timeout(QUICK, task.reply(&socket)).await
    {
        return outcome;
    }
    if let Some(running) = task.running.take() {
        task.hand_over(*running);
    }
    poll_fn(|context| task.pending.poll(context)).await
}

/// A call of a task. Whatever its task leaves unfinished, it hands over to a thread.
struct TaskCall {
    queue: Arc<Queue>,
    options: CallOptions,
    since: Instant,
    pending: PendingReply,
    /// From the time the call was sent until it has a reply or is handed over.
    running: Option<Box<RunningCall>>,
}

impl TaskCall {
    /// The worker's socket, registered with the task's runtime.
    fn socket(&mut self) -> Option<Arc<UnixStream>> {
        self.running.as_mut()?.worker.socket()
    }

    /// Waits for the reply; `None` when a thread has to wait for it.
    async fn reply(&mut self, socket: &UnixStream) -> Option<Outcome> {
        loop {
            let polled = socket.try_io(Interest::READABLE, || match self.poll_reply() {
                Poll::Ready(outcome) => Ok(outcome),
                Poll::Pending => Err(ErrorKind::WouldBlock.into()),
            });
            match polled {
                Ok(outcome) => return outcome,
                Err(_) => socket.readable().await.ok()?,
            }
        }
    }

    fn poll_reply(&mut self) -> Poll<Option<Outcome>> {
        let Some(running) = &mut self.running else {
            return Poll::Ready(None);
        };
        let Some(reply) = ready!(running.worker.poll_reply(&running.call)) else {
            return Poll::Ready(None);
        };
        let outcome = self.running.take().map(|running| {
            let outcome = self.queue.take_back(running.worker, reply);
            self.queue.metrics.count(&outcome, self.since);
            outcome
        });
        Poll::Ready(outcome)
    }

    /// Lets a thread wait for the reply.
    fn hand_over(&self, running: RunningCall) {
        let reply = self.pending.slot();
        reply.set_running(Arc::new(running.worker.canceller()));
        let queued = QueuedCall {
            call: running.call,
            options: self.options,
            since: self.since,
            reply,
            short_meta: None,
            alone: false,
            attempts: 0,
        };
        self.queue.wait_elsewhere(running.worker, queued);
    }
}

impl Drop for TaskCall {
    /// Cancels the call. The worker comes back when the function ends.
    fn drop(&mut self) {
        let sent = self.pending.abandon();
        if let Some(running) = self.running.take().or(sent) {
            running.worker.canceller()(self.options.kill_on_cancel);
            self.hand_over(*running);
        }
    }
}
