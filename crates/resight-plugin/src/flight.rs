//! A call that is sent and followed without a thread of its own.
//!
//! Waking a sleeping thread costs as much as a short function takes. So a short call goes to the
//! worker from whatever thread has just seen that worker free, and the task that made the call
//! looks for the answer by itself. What takes longer than [`QUICK`], or needs waiting in any other
//! way (a worker that died, an answer in shared memory, an attempt on another worker), goes on in a
//! thread, as the calls of the plug-in's own queue do.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::PluginError;
use crate::pool::Pool;
use crate::ticket::{CallOptions, Callback, Job, Outcome, Ticket};
use crate::value::Call;
use crate::wire::Order;
use crate::worker::{Progress, Sent, Worker};

/// How long a task looks for an answer by itself. A worker's end that its own children hide is
/// only noticed by the thread that takes over.
const QUICK: Duration = Duration::from_millis(50);

/// A worker at work for one call.
pub(crate) struct Flight {
    pool: Arc<Pool>,
    options: CallOptions,
    since: Instant,
    /// Until it is answered or given to a thread.
    on: Option<(Worker, Call<'static>, Sent)>,
}

enum Landing {
    Answered(Outcome),
    /// The rest is a thread's.
    TakesTime,
}

impl Flight {
    /// Sends the call, without waiting.
    pub(crate) fn begin(
        pool: &Arc<Pool>,
        mut worker: Worker,
        order: Order,
        options: CallOptions,
        since: Instant,
    ) -> Self {
        let sent = worker.begin_short(&order, pool.limit(options));
        Self {
            pool: pool.clone(),
            options,
            since,
            on: Some((worker, order.call, sent)),
        }
    }

    /// The worker's socket as the task's runtime sees it.
    fn socket(&mut self) -> Option<Arc<UnixStream>> {
        let (worker, ..) = self.on.as_mut()?;
        worker.channel.watched()
    }

    /// Looks for the answer; `None` when there is none yet.
    fn advance(&mut self) -> Option<Landing> {
        let Some((worker, call, sent)) = &mut self.on else {
            return Some(Landing::TakesTime);
        };
        let answer = match worker.advance(call, sent) {
            Progress::Waiting => return None,
            Progress::TakesTime => return Some(Landing::TakesTime),
            Progress::Done(answer) => answer,
        };
        let (worker, ..) = self.on.take()?;
        let outcome = match answer {
            Ok((mut replies, spent)) => {
                self.pool.served(worker, spent);
                replies.pop().ok_or(PluginError::Cancelled)
            }
            Err(error) => {
                self.pool.put_back(worker);
                Err(error)
            }
        };
        self.pool.tally.count(&outcome, self.since);
        Some(Landing::Answered(outcome))
    }

    /// Gives the rest to a thread.
    fn hand_over(&mut self, done: Option<Callback>) -> Option<Ticket> {
        let (worker, call, sent) = self.on.take()?;
        let ticket = Ticket::new(Some(&self.pool), self.options, done);
        let shared = ticket.shared.clone();
        shared.running(Arc::new(worker.at_work(sent.id)));
        let job = Job {
            call,
            options: self.options,
            shared,
            since: self.since,
            alone: false,
            attempts: 0,
        };
        self.pool.conclude_elsewhere(worker, job, sent);
        Some(ticket)
    }
}

impl Drop for Flight {
    /// Nobody waits any longer: the function is told, and the worker comes back when it is done.
    /// The pool's state must not be locked.
    fn drop(&mut self) {
        drop(self.hand_over(None));
    }
}

/// A call from a task. Dropping the future takes the call back.
pub(crate) async fn call(pool: &Arc<Pool>, call: Call<'static>, options: CallOptions) -> Outcome {
    let since = Instant::now();
    let order = match Order::short(call) {
        Ok(order) if !pool.gathers(&order.call) => order,
        Ok(Order { call, .. }) | Err(call) => {
            return threaded(|done| {
                let ticket = Ticket::new(Some(pool), options, Some(done));
                pool.enqueue(call, options, &ticket.shared, 0);
                Some(ticket)
            })
            .await;
        }
    };
    let flight = match pool.turn(order, options) {
        Ok(turn) => turn.await.unwrap_or(Err(PluginError::Closed)),
        Err(refused) => Err(refused),
    };
    let mut flight = match flight {
        Ok(flight) => flight,
        Err(error) => {
            let outcome = Err(error);
            pool.tally.count(&outcome, since);
            return outcome;
        }
    };
    if let Some(socket) = flight.socket()
        && let Ok(Some(outcome)) = timeout(QUICK, answered(&mut flight, &socket)).await
    {
        return outcome;
    }
    threaded(|done| flight.hand_over(Some(done))).await
}

/// The answer when it comes; `None` when it is a thread's to wait for it.
async fn answered(flight: &mut Flight, socket: &UnixStream) -> Option<Outcome> {
    loop {
        let landing = socket.try_io(Interest::READABLE, || {
            flight.advance().ok_or_else(|| ErrorKind::WouldBlock.into())
        });
        match landing {
            Ok(Landing::Answered(outcome)) => return Some(outcome),
            Ok(Landing::TakesTime) => return None,
            Err(_) => socket.readable().await.ok()?,
        }
    }
}

/// Waits for what a thread of the plug-in does.
pub(crate) async fn threaded(begin: impl FnOnce(Callback) -> Option<Ticket>) -> Outcome {
    let (done, outcome) = oneshot::channel();
    let _ticket = begin(Box::new(|outcome| {
        // Nobody listens when the caller has left.
        let _ = done.send(outcome);
    }));
    outcome.await.unwrap_or(Err(PluginError::Closed))
}
