//! Bounds how much is done at once. The engine's calls block, so each runs on a thread of its own,
//! and only as many as the machine has use for.
//!
//! Invariant: a request takes its place once its body is there, so that slow clients keep nobody waiting.
//! Invariant: work whose client has left before it began is never begun. Work of [`Lane::run_until_left`] ends soon
//! after its client has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use resight_app::Code;
use resight_engine::EngineError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::HttpSettings;
use super::intake;
use super::problem::{self, Problem};

/// Lanes of their own, so that thumbnails do not wait behind searches.
#[derive(Clone)]
pub(crate) struct Work {
    /// Decoding, describing and matching: as many at once as there are cores for it.
    pub(crate) heavy: Lane,
    /// Short reads and removals, which mostly wait for the disk.
    pub(crate) light: Lane,
    /// What monitors ask, so that it waits neither for long lists nor for searches.
    pub(crate) health: Lane,
    /// Opening and making collections, which may take seconds.
    pub(crate) opening: Lane,
    /// Removing collections, which waits for those that use them.
    pub(crate) removing: Lane,
}

impl Work {
    pub(crate) fn new(settings: &HttpSettings) -> Self {
        Self {
            heavy: Lane::new(settings.concurrency, settings.queue),
            light: Lane::new(settings.concurrency.max(8), settings.queue.max(64)),
            health: Lane::new(2, 64),
            opening: Lane::new(4, settings.queue.max(64)),
            removing: Lane::new(4, settings.queue.max(64)),
        }
    }
}

/// A number of places, some at work and the rest waiting.
#[derive(Clone)]
pub(crate) struct Lane {
    places: Arc<Semaphore>,
    at_work: Arc<Semaphore>,
    /// How many are at work at most.
    width: usize,
    /// How many are at work and waiting at most.
    size: usize,
}

/// How busy a lane is.
pub(crate) struct Load {
    pub(crate) running: usize,
    pub(crate) waiting: usize,
    pub(crate) places: usize,
}

impl Lane {
    fn new(concurrency: usize, queue: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = concurrency
            .saturating_add(queue)
            .min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            at_work: Arc::new(Semaphore::new(concurrency)),
            width: concurrency,
            size: places,
        }
    }

    /// How many are at work at once at most.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How busy it is now.
    pub(crate) fn load(&self) -> Load {
        let running = self.width.saturating_sub(self.at_work.available_permits());
        let inside = self.size.saturating_sub(self.places.available_permits());
        Load {
            running,
            waiting: inside.saturating_sub(running),
            places: self.size,
        }
    }

    /// Takes a place, or fails with `busy` when all are taken.
    fn enter(&self) -> Result<Place, Problem> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(Place {
                _place: place,
                at_work: Arc::clone(&self.at_work),
            }),
            Err(_) => Err(busy()),
        }
    }

    /// Refuses a request with a body as [`Lane::run`] would, before the body has come: it is read away,
    /// since a client still sending would otherwise see a cut connection and no answer.
    pub(crate) async fn look_in(&self, request: Request) -> Result<Request, Problem> {
        if self.places.available_permits() > 0 {
            return Ok(request);
        }
        intake::discard(request.into_body()).await;
        Err(busy())
    }

    /// Enters and runs `work`.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.enter()?.run(work).await
    }

    /// As [`Lane::run`], for work that can be broken off: the flag is raised when the client has left, which drops the
    /// future.
    pub(crate) async fn run_until_left<T: Send + 'static>(
        &self,
        work: impl FnOnce(Arc<AtomicBool>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        let left = Arc::new(AtomicBool::new(false));
        let _raised_at_the_end = RaisedWhenDropped(left.clone());
        self.run(move || work(left)).await
    }

    /// Runs `work` when there is a place for it, for one of many pieces of a request that was let in.
    pub(crate) async fn run_in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = Place {
            _place: place.map_err(|closed| Problem::internal(&closed))?,
            at_work: Arc::clone(&self.at_work),
        };
        place.run(work).await
    }
}

struct RaisedWhenDropped(Arc<AtomicBool>);

impl Drop for RaisedWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn busy() -> Problem {
    Problem::new(
        Code::Busy,
        "All places for requests at work and in waiting are taken.",
    )
}

/// The right to have one piece of work done; dropped, it frees its place.
struct Place {
    _place: OwnedSemaphorePermit,
    at_work: Arc<Semaphore>,
}

impl Place {
    /// Waits for its turn, then runs `work` on a thread that may block. Dropping the future before
    /// the turn comes drops the work; afterwards the work ends by itself and keeps its place.
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.at_work)
            .acquire_owned()
            .await
            .map_err(|closed| Problem::internal(&closed))?;
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _held = (self, turn);
            span.in_scope(work)
        });
        match done.await {
            Ok(result) => Ok(result?),
            Err(failed) => Err(match failed.try_into_panic() {
                Ok(cause) => Problem::internal(&problem::panic_text(cause.as_ref())),
                Err(cancelled) => Problem::internal(&cancelled),
            }),
        }
    }
}
