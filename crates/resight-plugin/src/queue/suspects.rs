//! Functions that recently killed a worker. One worker is kept clear of them while other functions
//! are called, so that a client which kills one worker after the other does not stop everybody.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a function is suspect after a worker died in it.
const SUSPECT: Duration = Duration::from_secs(10);
/// How long a call of another function counts.
const OTHERS: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Suspects {
    /// The last death in each function.
    died: HashMap<String, Instant>,
    /// The last call of a function that is not suspect.
    others: Option<Instant>,
    /// Workers that run a suspect function now.
    at_risk: usize,
}

impl Suspects {
    fn contains(&self, function: &str) -> bool {
        let died = self.died.get(function);
        died.is_some_and(|at| at.elapsed() < SUSPECT)
    }

    /// A worker died in `function`.
    pub(crate) fn add(&mut self, function: &str) {
        self.died.retain(|_, at| at.elapsed() < SUSPECT);
        self.died.insert(function.to_owned(), Instant::now());
    }

    /// Forgets all deaths, as the code has changed.
    pub(crate) fn clear(&mut self) {
        self.died.clear();
    }

    /// `function` was called.
    pub(crate) fn called(&mut self, function: &str) {
        if !self.died.is_empty() && !self.contains(function) {
            self.others = Some(Instant::now());
        }
    }

    /// Whether `function` may have a free worker, with `live` workers of `wanted`.
    pub(crate) fn may_run(&self, function: &str, live: usize, wanted: usize) -> bool {
        if self.died.is_empty() || !self.contains(function) {
            return true;
        }
        let others = self.others.is_some_and(|at| at.elapsed() < OTHERS);
        !others || live >= self.at_risk + 2 || wanted == 1
    }

    /// A worker began a call of `function`. Returns whether that puts it at risk.
    pub(crate) fn began(&mut self, function: &str) -> bool {
        let at_risk = self.contains(function);
        self.at_risk += usize::from(at_risk);
        at_risk
    }

    /// A worker ended a call that put it `at_risk`, or not.
    pub(crate) fn ended(&mut self, at_risk: bool) {
        self.at_risk -= usize::from(at_risk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_worker_is_kept_for_others_while_they_call() {
        let mut suspects = Suspects::default();
        suspects.called("good");
        suspects.add("bad");
        assert!(suspects.may_run("bad", 2, 2), "nobody else calls");
        suspects.called("good");
        for (live, at_risk, wanted, may) in [
            (2, 0, 2, true),
            (2, 1, 2, false),
            (3, 1, 3, true),
            (1, 0, 2, false),
            (1, 0, 1, true),
        ] {
            suspects.at_risk = at_risk;
            assert_eq!(
                suspects.may_run("bad", live, wanted),
                may,
                "{live} {at_risk} {wanted}"
            );
            assert!(suspects.may_run("good", live, wanted));
        }
    }

    #[test]
    fn workers_at_risk_are_counted_until_their_call_ends() {
        let mut suspects = Suspects::default();
        suspects.add("bad");
        assert!(suspects.began("bad") && !suspects.began("good"));
        assert_eq!(suspects.at_risk, 1);
        suspects.ended(true);
        suspects.ended(false);
        assert_eq!(suspects.at_risk, 0);
        suspects.clear();
        assert!(!suspects.began("bad"));
    }
}
