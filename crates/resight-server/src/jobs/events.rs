//! A job's progress as server-sent events.
//!
//! Each event has the job as it is then, and is made when the connection can take it: a client that reads slowly
//! misses states in between and keeps no memory.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::unfold;
use resight_app::Code;
use resight_app::jobs::Jobs;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep};

use super::super::App;
use super::super::access::Caller;
use super::super::params::Params;
use super::super::problem::Problem;
use super::{JobAt, seen};
use crate::wire::{JobShown, ProblemBody};

/// Followers at once, of all jobs.
pub(crate) const MOST_FOLLOWERS: usize = 64;
/// How often it is looked whether something has changed.
const LOOKED_EACH: Duration = Duration::from_millis(250);
/// A line without meaning is sent this often, so that nothing between takes the connection for dead.
const KEPT_ALIVE_EACH: Duration = Duration::from_secs(10);
/// A follower asks again after this, with a key that is checked again; browsers do so by themselves.
const LONGEST: Duration = Duration::from_secs(600);

/// Follows a job: an event `progress` whenever it has come further, and `end` when it has ended, each with the job
/// as JSON. The answer ends with the job, with the server, and after ten minutes.
#[utoipa::path(
    get, path = "/v1/jobs/{job}/events", tag = "jobs", operation_id = "job_events",
    params(("job" = u64, Path, description = "The job's number")),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream"),
        (status = 404, description = "No such job", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Too many clients follow jobs", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Any other failure", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn follow(
    State(app): State<App>,
    caller: Caller,
    JobAt(id): JobAt,
    uri: Uri,
) -> Result<impl IntoResponse, Problem> {
    Params::none(&uri)?;
    seen(&app, &caller, id).await?;
    let place = app
        .followers
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::new(Code::Busy, "As many clients follow jobs as may."))?;
    let follower = Follower {
        jobs: app.served()?.jobs.clone(),
        id,
        sees_paths: caller.is_admin(),
        told: None,
        version: None,
        until: Instant::now() + LONGEST,
        stopping: app.stopping.clone(),
        _place: place,
    };
    let events = unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        let (event, is_last) = follower.next().await?;
        Some((Ok::<_, Infallible>(event), (!is_last).then_some(follower)))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEPT_ALIVE_EACH));
    // A proxy passes each event on as it comes.
    Ok(([("x-accel-buffering", "no")], events))
}

struct Follower {
    jobs: Jobs,
    id: u64,
    sees_paths: bool,
    /// What was told last.
    told: Option<JobShown>,
    version: Option<u64>,
    until: Instant,
    stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next event, and whether it is the last one.
    async fn next(&mut self) -> Option<(Event, bool)> {
        loop {
            if *self.stopping.borrow() || Instant::now() >= self.until {
                return None;
            }
            let version = self.jobs.version();
            if self.version != Some(version) {
                let (jobs, id) = (self.jobs.clone(), self.id);
                let read = tokio::task::spawn_blocking(move || jobs.get(id)).await;
                // One that was forgotten is followed no more.
                let job = read.ok()?.ok()?;
                self.version = Some(version);
                let is_end = job.record.state.is_end();
                let shown = JobShown::new(job, self.sees_paths);
                if self.told.as_ref() != Some(&shown) {
                    let name = if is_end { "end" } else { "progress" };
                    let event = Event::default().event(name).json_data(&shown).ok()?;
                    self.told = Some(shown);
                    return Some((event, is_end));
                }
            }
            sleep(LOOKED_EACH).await;
        }
    }
}
