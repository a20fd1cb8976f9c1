//! A call that somebody waits for.

use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::error::PluginError;
use crate::lock;
use crate::monitor::{Cause, Monitor};
use crate::pool::Pool;
use crate::value::{Call, Reply};
use crate::worker::Lifeline;

/// What comes of a call.
pub type Outcome = Result<Reply, PluginError>;
pub(crate) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// How one call is served.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    /// How long it may run; the plug-in's limit where not set.
    pub time_limit: Option<Duration>,
    /// Kill the worker when the call is cancelled while it runs. Otherwise the function is told
    /// (`resight.cancelled()`) and runs on up to its limit.
    pub kill_on_cancel: bool,
}

/// A call at work, for the one who takes it back.
pub(crate) trait Interrupt: Send + Sync {
    /// Tells the function, or ends it where that is wanted and can be done.
    fn interrupt(&self, kill: bool);
}

/// A call at work in a worker.
pub(crate) struct AtWork {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) lifeline: Arc<Lifeline>,
    pub(crate) id: u32,
}

impl Interrupt for AtWork {
    fn interrupt(&self, kill: bool) {
        if kill {
            let detail = "the call was cancelled".to_owned();
            self.monitor.kill(Cause::Cancelled, detail);
        } else {
            self.lifeline.cancel(self.id);
        }
    }
}

enum Phase {
    Queued,
    Running(Arc<dyn Interrupt>),
    Done(Option<Outcome>),
}

pub(crate) struct Shared {
    phase: Mutex<Phase>,
    done: Condvar,
    callback: Mutex<Option<Callback>>,
}

impl Shared {
    pub(crate) fn new(callback: Option<Callback>) -> Arc<Self> {
        Arc::new(Self {
            phase: Mutex::new(Phase::Queued),
            done: Condvar::new(),
            callback: Mutex::new(callback),
        })
    }

    /// The first outcome counts.
    pub(crate) fn finish(&self, outcome: Outcome) {
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Done(_)) {
            return;
        }
        let callback = lock(&self.callback).take();
        match callback {
            Some(callback) => {
                *phase = Phase::Done(None);
                drop(phase);
                // A callback is foreign code: its panic must not end the thread that serves.
                let run = std::panic::AssertUnwindSafe(|| callback(outcome));
                if std::panic::catch_unwind(run).is_err() {
                    tracing::error!("a plug-in call's callback panicked");
                }
            }
            None => {
                *phase = Phase::Done(Some(outcome));
                self.done.notify_all();
            }
        }
    }

    /// Whether it still wants to be run.
    pub(crate) fn running(&self, on: Arc<dyn Interrupt>) -> bool {
        let mut phase = lock(&self.phase);
        let wanted = !matches!(*phase, Phase::Done(_));
        if wanted {
            *phase = Phase::Running(on);
        }
        wanted
    }

    /// Whether somebody still waits.
    #[cfg(feature = "embed")]
    pub(crate) fn is_wanted(&self) -> bool {
        !matches!(*lock(&self.phase), Phase::Done(_))
    }

    pub(crate) fn queued_again(&self) {
        let mut phase = lock(&self.phase);
        if !matches!(*phase, Phase::Done(_)) {
            *phase = Phase::Queued;
        }
    }
}

/// A call in the queue.
pub(crate) struct Job {
    pub(crate) call: Call<'static>,
    pub(crate) options: CallOptions,
    pub(crate) shared: Arc<Shared>,
    pub(crate) since: Instant,
    /// Not to be gathered with others.
    pub(crate) alone: bool,
    pub(crate) attempts: u8,
}

/// A submitted call. Dropping it cancels the call.
pub struct Ticket {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Weak<Pool>,
    pub(crate) options: CallOptions,
    pub(crate) detached: bool,
}

impl Ticket {
    /// Without a pool it is for the queue to notice that nobody waits.
    pub(crate) fn new(
        pool: Option<&Arc<Pool>>,
        options: CallOptions,
        done: Option<Callback>,
    ) -> Self {
        Self {
            shared: Shared::new(done),
            pool: pool.map(Arc::downgrade).unwrap_or_default(),
            options,
            detached: false,
        }
    }

    /// Waits for the outcome. A call submitted with a callback has none here.
    pub fn wait(self) -> Outcome {
        let mut phase = lock(&self.shared.phase);
        loop {
            if let Phase::Done(outcome) = &mut *phase {
                return outcome.take().unwrap_or(Err(PluginError::Cancelled));
            }
            phase = self
                .shared
                .done
                .wait(phase)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Waits up to `limit`; gives itself back when the time is over.
    pub fn wait_for(self, limit: Duration) -> Result<Outcome, Self> {
        let until = Instant::now() + limit;
        let mut phase = lock(&self.shared.phase);
        loop {
            if let Phase::Done(outcome) = &mut *phase {
                return Ok(outcome.take().unwrap_or(Err(PluginError::Cancelled)));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(phase);
                return Err(self);
            }
            phase = match self.shared.done.wait_timeout(phase, left) {
                Ok((phase, _)) => phase,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Lets the call go on without anybody waiting for it.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Takes the call back: from the queue, or by telling the function.
    pub fn cancel(self) {}
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.detached {
            return;
        }
        let running = match &*lock(&self.shared.phase) {
            Phase::Done(_) => return,
            Phase::Queued => None,
            Phase::Running(on) => Some(on.clone()),
        };
        // Finished first: an answer that comes now is nobody's, and the worker's end not a fault.
        self.shared.finish(Err(PluginError::Cancelled));
        match running {
            None => {
                if let Some(pool) = self.pool.upgrade() {
                    pool.forget(&self.shared);
                }
            }
            Some(on) => on.interrupt(self.options.kill_on_cancel),
        }
    }
}
