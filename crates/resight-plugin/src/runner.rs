//! The plug-in's own threads: they serve the queue, and wait where a task cannot.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::PluginError;
use crate::lock;
use crate::monitor::Cause;
use crate::pool::{Pool, Verdict};
use crate::state::gather;
use crate::ticket::{Interrupt, Job, Outcome};
use crate::turn::Next;
use crate::value::{Call, Reply};
use crate::worker::{Sent, Worker};

impl Pool {
    /// A runner: serves the queue until the plug-in is closed.
    pub(crate) fn serve(&self) {
        let mut state = lock(&self.state);
        while !state.closed {
            self.spread(&mut state);
            let next = state.next().filter(|_| !state.idle.is_empty());
            let Some(Next::Job(i)) = next else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(first) = state.queue.remove(i) else {
                continue;
            };
            let Some(worker) = state.take_idle(&first.call.function) else {
                continue;
            };
            let mut jobs = vec![first];
            if let Some(batch) = state.batch(&jobs[0].call).filter(|_| !jobs[0].alone) {
                let until = jobs[0].since + Duration::from_secs_f64(batch.wait_ms / 1e3);
                loop {
                    gather(&mut state.queue, &mut jobs, batch.max);
                    let left = until.saturating_duration_since(Instant::now());
                    if jobs.len() >= batch.max || left.is_zero() || state.closed {
                        break;
                    }
                    state = match self.work.wait_timeout(state, left) {
                        Ok((state, _)) => state,
                        Err(poisoned) => poisoned.into_inner().0,
                    };
                }
            }
            drop(state);
            self.run(worker, jobs);
            state = lock(&self.state);
        }
    }

    fn run(&self, worker: Worker, mut jobs: Vec<Job>) {
        let on: Arc<dyn Interrupt> = Arc::new(worker.at_work(worker.upcoming()));
        jobs.retain(|job| job.shared.running(on.clone()));
        let Some(first) = jobs.first() else {
            self.put_back(worker);
            return;
        };
        let attempts = first.attempts;
        let limit = jobs
            .iter()
            .map(|j| self.limit(j.options))
            .max()
            .unwrap_or_default();
        let calls: Vec<&Call<'_>> = jobs.iter().map(|job| &job.call).collect();
        let result = self.attempt(worker, &calls, limit, attempts);
        self.settle(jobs, result);
    }

    /// Waits for what was sent to `worker`, on a thread of its own.
    pub(crate) fn conclude_elsewhere(self: &Arc<Self>, worker: Worker, job: Job, sent: Sent) {
        let killable = worker.monitor.clone();
        let all = Arc::new(Mutex::new(Some((worker, job, sent))));
        let (pool, theirs) = (self.clone(), all.clone());
        let wait = move || {
            let taken = lock(&theirs).take();
            if let Some((worker, job, sent)) = taken {
                let result = pool.conclude(worker, &[&job.call], sent, job.attempts);
                pool.settle(vec![job], result);
            }
        };
        let thread = std::thread::Builder::new().name("resight-wait".into());
        match thread.spawn(wait.clone()) {
            Ok(thread) => lock(&self.state).threads.push(thread),
            Err(e) => {
                // Without a thread it cannot be waited for: ended, it is seen to here.
                killable.kill(Cause::Crash, format!("no thread can be started: {e}"));
                wait();
            }
        }
    }

    fn settle(&self, mut jobs: Vec<Job>, result: Result<Vec<Reply>, Verdict>) {
        match result {
            Ok(replies) => {
                for (job, reply) in jobs.into_iter().zip(replies) {
                    self.finish(job, Ok(reply));
                }
            }
            Err(Verdict::Answer(error)) => {
                for job in jobs {
                    self.finish(job, Err(error.clone()));
                }
            }
            Err(Verdict::Again) => {
                let gathered = jobs.len() > 1;
                for job in jobs.iter_mut() {
                    job.shared.queued_again();
                    // Being in bad company is no attempt of one's own.
                    job.attempts += u8::from(!gathered);
                    job.alone = true;
                }
                let mut state = lock(&self.state);
                if state.closed {
                    drop(state);
                    for job in jobs {
                        self.finish(job, Err(PluginError::Closed));
                    }
                    return;
                }
                for job in jobs.into_iter().rev() {
                    state.queue.push_front(job);
                }
                drop(state);
                self.work.notify_all();
            }
        }
    }

    pub(crate) fn finish(&self, job: Job, outcome: Outcome) {
        self.tally.count(&outcome, job.since);
        job.shared.finish(outcome);
    }
}
