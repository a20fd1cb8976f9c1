//! Telling addresses of jobs that have ended.
//!
//! Invariant: the server reports to an address each job that ended after the address was registered, in the order of
//! their ends, at least once; or the log says which one it gave up, after the last attempt.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use resight_app::jobs::{Job, Jobs};
use resight_app::webhooks::{Told, Webhook, Webhooks};
use resight_store::{JobFilter, JobState};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::served::{Counters, Served};
use super::signature;
use crate::fetch::Messenger;
use crate::wire::JobShown;

/// How often it is looked whether a job has ended.
const LOOKED_EACH: Duration = Duration::from_millis(500);
/// Jobs that wait to be told at most; older ones are passed over.
const MOST_WAITING: usize = 1000;
/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a message is sent at most.
const ATTEMPTS: u32 = 10;
/// The longest wait before the next attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);
/// A status by which an address says that it wants no message any more.
const GONE: u16 = 410;

/// What messages are sent with.
#[derive(Clone)]
pub(crate) struct Delivery {
    hooks: Arc<Webhooks>,
    jobs: Jobs,
    messenger: Messenger,
    first_wait: Duration,
    counters: Counters,
}

/// A message that was not taken.
#[derive(Clone, Copy)]
struct Failed {
    at: Told,
    attempts: u32,
    until: Instant,
}

/// The turns of addresses: each has its own, so that a slow one keeps no other waiting.
#[derive(Default)]
struct Turns {
    running: JoinSet<Turn>,
    at_work: HashMap<task::Id, AtWork>,
    failed: HashMap<String, Failed>,
    /// The version of the jobs of which an address was told all.
    told: HashMap<String, u64>,
}

/// The turn of an address.
struct AtWork {
    hook: String,
    /// Of the jobs, before they were read.
    version: u64,
}

/// What became of a turn.
enum Turn {
    /// All was told.
    Done,
    Failed(Told),
}

impl Delivery {
    /// What reports the jobs of `jobs`; `None` without webhooks.
    pub(crate) fn of(served: &Served, jobs: &Jobs) -> Option<Self> {
        let settings = served.settings.as_ref()?;
        Some(Self {
            hooks: settings.hooks.clone(),
            jobs: jobs.clone(),
            messenger: Messenger::new(settings.targets.clone()),
            first_wait: settings.first_wait,
            counters: served.counters.clone(),
        })
    }

    /// Tells until the server is to end.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut turns = Turns::default();
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = self.begin(&mut turns) => {}
            }
            tokio::select! {
                () = stopped(&mut stopping) => return,
                Some(ended) = turns.running.join_next_with_id() => self.settle(&mut turns, ended),
                () = sleep(LOOKED_EACH) => {}
            }
        }
    }

    /// Gives every address its turn that has none, has not to wait, and was not told of all.
    async fn begin(&self, turns: &mut Turns) {
        let version = self.jobs.version();
        let mut hooks = self.hooks.list();
        let is_there = |id: &String| hooks.iter().any(|hook| hook.id == *id);
        turns.failed.retain(|id, _| is_there(id));
        turns.told.retain(|id, _| is_there(id));
        let now = Instant::now();
        hooks.retain(|hook| {
            let at_work = turns.at_work.values().any(|one| one.hook == hook.id);
            let waits = turns
                .failed
                .get(&hook.id)
                .is_some_and(|one| one.until > now);
            !at_work && !waits && turns.told.get(&hook.id) != Some(&version)
        });
        if hooks.is_empty() {
            return;
        }
        let Some(ended) = self.ended().await else {
            return;
        };
        let ended: Arc<[Job]> = ended.into();
        for hook in hooks {
            let (own, id, ended) = (self.clone(), hook.id.clone(), ended.clone());
            let turn = turns
                .running
                .spawn(async move { own.turn(hook, &ended).await });
            turns
                .at_work
                .insert(turn.id(), AtWork { hook: id, version });
        }
    }

    fn settle(&self, turns: &mut Turns, ended: Result<(task::Id, Turn), JoinError>) {
        let task = match &ended {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        let Some(AtWork { hook, version }) = turns.at_work.remove(&task) else {
            return;
        };
        match ended {
            Ok((_, Turn::Done)) => {
                turns.failed.remove(&hook);
                turns.told.insert(hook, version);
            }
            Ok((_, Turn::Failed(at))) => self.wait_or_give_up(&mut turns.failed, hook, at),
            Err(error) => tracing::error!(%error, "telling an address of jobs failed"),
        }
    }

    /// Tells an address of those of `ended` that it was not told of.
    async fn turn(&self, mut hook: Webhook, ended: &[Job]) -> Turn {
        for job in ended {
            let Some(at) = end_of(job).filter(|at| *at > hook.told) else {
                continue;
            };
            match self.send(&hook, job.clone(), at).await {
                Ok(status) if (200..300).contains(&status) => {
                    self.counters.delivered.inc();
                    hook.told = at;
                    self.note(&hook.id, at);
                }
                Ok(GONE) => {
                    tracing::warn!(
                        webhook = hook.id,
                        "the address wants no message any more: it is forgotten"
                    );
                    if let Err(error) = self.hooks.remove(&hook.id) {
                        tracing::warn!(%error, webhook = hook.id, "it could not be forgotten");
                    }
                    return Turn::Done;
                }
                refused => {
                    self.counters.failed.inc();
                    let why =
                        refused.map_or_else(|why| why, |status| format!("it answers {status}"));
                    tracing::warn!(
                        webhook = hook.id,
                        job = at.job,
                        why,
                        "an address was not told of a job"
                    );
                    return Turn::Failed(at);
                }
            }
        }
        Turn::Done
    }

    fn wait_or_give_up(&self, failed: &mut HashMap<String, Failed>, id: String, at: Told) {
        let before = failed.get(&id).filter(|one| one.at == at);
        let attempts = before.map_or(0, |one| one.attempts) + 1;
        if attempts >= ATTEMPTS {
            tracing::error!(
                webhook = id,
                job = at.job,
                "an address is not told of a job: all attempts failed"
            );
            self.counters.given_up.inc();
            self.note(&id, at);
            failed.remove(&id);
            return;
        }
        let until = Instant::now() + jittered(wait_after(self.first_wait, attempts));
        failed.insert(
            id,
            Failed {
                at,
                attempts,
                until,
            },
        );
    }

    fn note(&self, id: &str, told: Told) {
        if let Err(error) = self.hooks.note(id, told) {
            tracing::warn!(%error, webhook = id, "what an address was told is not stored; it is told again");
        }
    }

    /// The latest jobs that have ended, in the order of their ends; `None` where they cannot be read now.
    async fn ended(&self) -> Option<Vec<Job>> {
        let jobs = self.jobs.clone();
        let filter = JobFilter {
            states: vec![JobState::Done, JobState::Failed, JobState::Cancelled],
            ..JobFilter::default()
        };
        let read = tokio::task::spawn_blocking(move || jobs.list(&filter, MOST_WAITING)).await;
        let mut ended = match read {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => {
                tracing::warn!(%error, "jobs that have ended could not be listed");
                return None;
            }
            Err(_) => return None,
        };
        ended.sort_by_key(end_of);
        Some(ended)
    }

    /// Sends one message; gives the status of its answer.
    async fn send(&self, hook: &Webhook, job: Job, at: Told) -> Result<u16, String> {
        let shown = JobShown::new(job, true);
        let body = json!({
            "type": format!("job.{}", shown.state),
            "timestamp": shown.ended,
            "data": shown,
        });
        let body = body.to_string().into_bytes();
        // The same in each attempt, by which a receiver knows one that it has.
        let id = format!("job-{}-{}", at.job, at.ended_ms);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.map_or(0, |time| time.as_secs());
        let headers = vec![
            (
                "webhook-signature",
                signature::of(&hook.secret(), &id, seconds, &body),
            ),
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
        ];
        let sending = self.messenger.post(&hook.url, headers, body);
        match timeout(PATIENCE, sending).await {
            Ok(answered) => answered,
            Err(_) => Err(format!(
                "it did not answer within {} seconds",
                PATIENCE.as_secs()
            )),
        }
    }
}

/// Ends when the server is to end, and never where nobody can say so.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn end_of(job: &Job) -> Option<Told> {
    job.record.ended_ms.map(|ended_ms| Told {
        ended_ms,
        job: job.record.id,
    })
}

/// How long to wait after so many attempts: four times as long each time.
fn wait_after(first: Duration, attempts: u32) -> Duration {
    let factor = 4_u32.saturating_pow(attempts.saturating_sub(1));
    first.saturating_mul(factor).min(LONGEST_WAIT)
}

/// Up to a quarter longer, so that addresses on one machine are not asked all at once.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness there is no jitter.
    let share = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    wait.saturating_add(wait / 4 * share / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let first = Duration::from_secs(5);
        for (attempts, seconds) in [(1, 5), (2, 20), (3, 80), (9, 6 * 3600), (40, 6 * 3600)] {
            let wait = wait_after(first, attempts);
            assert_eq!(wait.as_secs(), seconds, "{attempts}");
            let jittered = jittered(wait);
            assert!((wait..=wait * 5 / 4).contains(&jittered), "{jittered:?}");
        }
    }
}
