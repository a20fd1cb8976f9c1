//! Functions that lately cost a worker, and what the calls of others keep from them.
//!
//! Somebody who calls such a function over and over would end one worker after the other, and
//! everybody would wait for new ones. As long as other functions are called as well, one worker is
//! therefore kept clear of suspects. Where nothing else is called they may have all.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::state::State;
use crate::worker::Worker;

/// For how long a function is suspect after a death.
const SUSPECT: Duration = Duration::from_secs(10);
/// Others are there as long as they have called within this time.
const OTHERS: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Suspects {
    died: HashMap<String, Instant>,
    /// When another function was last asked for.
    others: Option<Instant>,
    /// Workers that run a suspect function now.
    at_risk: usize,
}

impl Suspects {
    fn are(&self, function: &str) -> bool {
        let died = self.died.get(function);
        died.is_some_and(|at| at.elapsed() < SUSPECT)
    }

    /// A worker ended while it ran `function`.
    pub(crate) fn add(&mut self, function: &str) {
        self.died.retain(|_, at| at.elapsed() < SUSPECT);
        self.died.insert(function.to_owned(), Instant::now());
    }

    /// The code is another now.
    pub(crate) fn forgive(&mut self) {
        self.died.clear();
    }

    /// `function` was asked for.
    pub(crate) fn asked(&mut self, function: &str) {
        if !self.died.is_empty() && !self.are(function) {
            self.others = Some(Instant::now());
        }
    }

    /// `worker` is free again, or gone.
    pub(crate) fn released(&mut self, worker: &mut Worker) {
        self.at_risk -= usize::from(std::mem::take(&mut worker.at_risk));
    }
}

impl State {
    /// Whether `function` may have a worker, if one is free.
    pub(crate) fn may_run(&self, function: &str) -> bool {
        let suspects = &self.suspects;
        if suspects.died.is_empty() || !suspects.are(function) {
            return true;
        }
        let others = suspects.others.is_some_and(|at| at.elapsed() < OTHERS);
        !others || self.live >= suspects.at_risk + 2 || self.wanted == 1
    }

    /// A free worker, now at work on `function`.
    pub(crate) fn take_idle(&mut self, function: &str) -> Option<Worker> {
        let mut worker = self.idle.pop()?;
        self.busy += 1;
        worker.at_risk = self.suspects.are(function);
        self.suspects.at_risk += usize::from(worker.at_risk);
        Some(worker)
    }
}
