//! Functions that killed workers. Each has a circuit breaker of its own: a function that kills one worker
//! after the other is refused for a while, and the others are served. One worker is kept clear of such
//! functions while others are called.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::breaker::Breaker;
use crate::config::PluginConfig;

/// How long a function is suspect after a worker died in it.
const SUSPECT: Duration = Duration::from_secs(10);
/// How long a call of another function counts.
const OTHERS: Duration = Duration::from_secs(2);

/// What a worker's death counts against.
#[derive(Clone, Copy)]
pub(crate) enum Blame<'a> {
    /// The function that it ran.
    Function(&'a str),
    /// One input of that function, which will not kill another worker.
    Input(&'a str),
    /// It ran none: the function that replied last, if that was a moment ago.
    LastReply,
}

struct Suspect {
    breaker: Breaker,
    /// The last death in it.
    died: Instant,
    /// How the last worker ended.
    reason: String,
    /// Workers that run it now, as far as it was suspect when they began.
    running: usize,
}

impl Suspect {
    fn is_suspect(&self) -> bool {
        !self.breaker.is_closed() || self.died.elapsed() < SUSPECT
    }
}

pub(crate) struct Suspects {
    /// A closed breaker, which each function begins with.
    fresh: Breaker,
    /// How long deaths are remembered.
    window: Duration,
    by_function: HashMap<String, Suspect>,
    /// The last call of a function that is not suspect.
    others: Option<Instant>,
    /// Workers that run a suspect function now.
    at_risk: usize,
}

impl Suspects {
    pub(crate) fn new(config: &PluginConfig) -> Self {
        Self {
            fresh: Breaker::of(config),
            window: config.breaker_window.max(SUSPECT),
            by_function: HashMap::new(),
            others: None,
            at_risk: 0,
        }
    }

    fn contains(&self, function: &str) -> bool {
        let suspect = self.by_function.get(function);
        suspect.is_some_and(Suspect::is_suspect)
    }

    /// A worker died in `function`, or right after a call of it. `blamed` is as in [`Breaker::death`].
    pub(crate) fn add(&mut self, function: &str, reason: String, blamed: bool) {
        let (now, window) = (Instant::now(), self.window);
        self.by_function.retain(|_, other| {
            other.running > 0 || !other.breaker.is_closed() || now - other.died < window
        });
        let suspect = self.by_function.entry(function.to_owned());
        let suspect = suspect.or_insert_with(|| Suspect {
            breaker: self.fresh.clone(),
            died: now,
            reason: String::new(),
            running: 0,
        });
        suspect.died = now;
        suspect.reason = reason;
        suspect.breaker.death(now, blamed);
    }

    /// Forgets all deaths, as the code has changed.
    pub(crate) fn clear(&mut self) {
        self.by_function.clear();
    }

    /// `function` was called.
    pub(crate) fn called(&mut self, function: &str) {
        if !self.by_function.is_empty() && !self.contains(function) {
            self.others = Some(Instant::now());
        }
    }

    /// Why calls of `function` are refused now, and for how long; `None` when they are not. After the
    /// pause, one call at a time is tried.
    pub(crate) fn refusal(&mut self, function: &str, now: Instant) -> Option<(&str, Duration)> {
        let suspect = self.by_function.get_mut(function)?;
        let is_refused = suspect.breaker.is_open() && !suspect.breaker.may_start(now);
        is_refused.then(|| (&*suspect.reason, suspect.breaker.retry_after(now)))
    }

    /// A function whose calls are refused until one has been tried, with the reason.
    pub(crate) fn refused(&self) -> Option<(&str, &str)> {
        let all = self.by_function.iter();
        let refused = all.filter(|(_, suspect)| suspect.breaker.is_open());
        let (function, suspect) = refused.min_by_key(|(function, _)| *function)?;
        Some((function, &suspect.reason))
    }

    /// Whether `function` may have a free worker, with `live` workers of `wanted`.
    pub(crate) fn may_run(&self, function: &str, live: usize, wanted: usize) -> bool {
        let Some(suspect) = self.by_function.get(function) else {
            return true;
        };
        if suspect.breaker.is_open() || (!suspect.breaker.is_closed() && suspect.running > 0) {
            return false;
        }
        let others = self.others.is_some_and(|at| at.elapsed() < OTHERS);
        !suspect.is_suspect() || !others || live >= self.at_risk + 2 || wanted == 1
    }

    /// A worker began a call of `function`. Returns whether that puts it at risk.
    pub(crate) fn began(&mut self, function: &str) -> bool {
        let suspect = self.by_function.get_mut(function);
        let Some(suspect) = suspect.filter(|suspect| suspect.is_suspect()) else {
            return false;
        };
        suspect.running += 1;
        self.at_risk += 1;
        true
    }

    /// A worker that was at risk ended its call of `function`.
    pub(crate) fn ended(&mut self, function: &str) {
        self.at_risk -= 1;
        // A reload has forgotten the calls of the code before.
        if let Some(suspect) = self.by_function.get_mut(function) {
            suspect.running = suspect.running.saturating_sub(1);
        }
    }

    /// A worker lived through a call of `function`.
    pub(crate) fn lived(&mut self, function: &str) {
        if let Some(suspect) = self.by_function.get_mut(function) {
            suspect.breaker.success();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspects() -> Suspects {
        Suspects::new(&PluginConfig::new("a.py"))
    }

    #[test]
    fn the_last_worker_is_kept_for_others_while_they_call() {
        let mut suspects = suspects();
        suspects.called("good");
        suspects.add("bad", String::new(), false);
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
        let mut suspects = suspects();
        suspects.add("bad", String::new(), false);
        assert!(suspects.began("bad") && !suspects.began("good"));
        assert_eq!(suspects.at_risk, 1);
        suspects.clear();
        suspects.ended("bad");
        assert_eq!(suspects.at_risk, 0);
        assert!(!suspects.began("bad"));
    }

    #[test]
    fn a_function_that_kills_one_worker_after_the_other_is_refused_and_then_tried_once_at_a_time() {
        let mut suspects = suspects();
        for death in 0..5 {
            let now = Instant::now();
            assert!(suspects.refusal("bad", now).is_none(), "{death}");
            suspects.add("bad", "SIGSEGV".into(), false);
        }
        suspects.add("other", "SIGABRT".into(), false);
        let now = Instant::now();
        let (reason, pause) = suspects.refusal("bad", now).unwrap();
        assert_eq!(reason, "SIGSEGV");
        assert!(suspects.refusal("other", now).is_none());
        assert!(suspects.refusal("good", now).is_none());
        assert_eq!(suspects.refused(), Some(("bad", "SIGSEGV")));
        assert!(!suspects.may_run("bad", 4, 4));
        let after = now + pause;
        assert!(suspects.refusal("bad", after).is_none());
        assert!(suspects.may_run("bad", 4, 4) && suspects.began("bad"));
        assert!(!suspects.may_run("bad", 4, 4), "one is tried");
        suspects.ended("bad");
        suspects.add("bad", "SIGSEGV".into(), false);
        assert!(suspects.refusal("bad", after).is_some(), "it died again");
        let (_, pause) = suspects.refusal("bad", after).unwrap();
        assert!(suspects.refusal("bad", after + pause).is_none());
        suspects.lived("bad");
        assert!(suspects.may_run("bad", 4, 4) && suspects.refused().is_none());
    }
}
