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

/// Who waits, by the place in the queue.
pub(crate) enum Next {
    Turn(usize),
    Job(usize),
}

impl State {
    /// Sends tasks' calls to free workers, as long as the oldest that may have one is a task's.
    /// What comes of it is theirs; those who have left meanwhile get nothing sent.
    pub(crate) fn send_turns(&mut self, pool: &Arc<Pool>) {
        while !self.idle.is_empty()
            && let Some(Next::Turn(i)) = self.next()
        {
            let Some(turn) = self.turns.remove(i).filter(Turn::is_wanted) else {
                continue;
            };
            let name = turn.order.call.function.clone();
            let known = self.manifest.as_ref();
            if let Some(manifest) = known.filter(|m| m.function(&name).is_none()) {
                // It was a function of the version before.
                let (function, known) = (name.into(), manifest.names());
                turn.refuse(PluginError::NoFunction { function, known });
                continue;
            }
            let Some(worker) = self.take_idle(&name) else {
                return;
            };
            let flight = Flight::begin(pool, worker, turn.order, turn.options, turn.since);
            if let Err(Ok(unwanted)) = turn.to.send(Ok(flight)) {
                // It ends elsewhere: here the state is locked.
                self.unwanted.push(unwanted);
            }
        }
    }

    /// The oldest of those who wait and may have a worker.
    pub(crate) fn next(&self) -> Option<Next> {
        let turn = self.turns.iter();
        let turn = turn
            .enumerate()
            .find(|(_, t)| self.may_run(&t.order.call.function));
        let mut jobs = self.queue.iter().enumerate();
        let job = jobs.find(|(_, j)| self.may_run(&j.call.function));
        match (turn, job) {
            (Some((i, turn)), Some((_, job))) if turn.since <= job.since => Some(Next::Turn(i)),
            (_, Some((i, _))) => Some(Next::Job(i)),
            (Some((i, _)), None) => Some(Next::Turn(i)),
            (None, None) => None,
        }
    }

    /// Takes the tasks that have waited longer than `limit`.
    pub(crate) fn overdue_turns(&mut self, limit: Duration) -> Vec<Turn> {
        let late = self.turns.partition_point(|t| t.since.elapsed() > limit);
        self.turns.drain(..late).collect()
    }
}
