//! Tasks that wait for a worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::PluginError;
use crate::flight::Flight;
use crate::pool::Pool;
use crate::state::State;
use crate::ticket::CallOptions;
use crate::wire::Order;
use crate::worker::Worker;

/// What a waiting task gets: its call, which has been sent.
pub(crate) type Granted = Result<Flight, PluginError>;

/// A task's call in the queue.
pub(crate) struct Turn {
    pub(crate) order: Order,
    pub(crate) options: CallOptions,
    pub(crate) since: Instant,
    pub(crate) to: oneshot::Sender<Granted>,
}

impl Turn {
    /// Whether the task is still there.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.to.is_closed()
    }

    pub(crate) fn refuse(self, error: PluginError) {
        // The task may have left.
        let _ = self.to.send(Err(error));
    }
}

impl State {
    /// Sends tasks' calls to free workers, as long as the oldest that waits is one. What comes of
    /// it is theirs; those who have left meanwhile get nothing sent.
    pub(crate) fn send_turns(&mut self, pool: &Arc<Pool>) {
        while !self.idle.is_empty() && self.is_turn() {
            let Some(turn) = self.turns.pop_front().filter(Turn::is_wanted) else {
                continue;
            };
            let name = turn.order.call.function.clone();
            let fits = |w: &mut Worker| w.manifest.function(&name).is_some();
            let Some(worker) = self.idle.pop_if(fits) else {
                // It was a function of the version before.
                let known = self.manifest.as_ref().map(|m| m.names());
                turn.refuse(PluginError::NoFunction {
                    function: name.into(),
                    known: known.unwrap_or_default(),
                });
                continue;
            };
            self.busy += 1;
            let flight = Flight::begin(pool, worker, turn.order, turn.options, turn.since);
            if let Err(Ok(unwanted)) = turn.to.send(Ok(flight)) {
                // It ends elsewhere: here the state is locked.
                self.unwanted.push(unwanted);
            }
        }
    }

    /// Whether a task has waited longer than any job.
    pub(crate) fn is_turn(&self) -> bool {
        match (self.turns.front(), self.queue.front()) {
            (Some(turn), Some(job)) => turn.since <= job.since,
            (turn, _) => turn.is_some(),
        }
    }

    /// Takes the tasks that have waited longer than `limit`.
    pub(crate) fn overdue_turns(&mut self, limit: Duration) -> Vec<Turn> {
        let late = self.turns.partition_point(|t| t.since.elapsed() > limit);
        self.turns.drain(..late).collect()
    }
}
