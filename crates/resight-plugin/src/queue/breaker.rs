//! Back-off and circuit breaker: when the next worker may be started, and when calls are refused. The
//! plug-in has one for workers that die by themselves, and each function that kills workers one of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::PluginConfig;

const FIRST: Duration = Duration::from_millis(100);
const HEALTHY: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The state of the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Circuit {
    /// Calls are accepted.
    Closed,
    /// Calls are refused until this time.
    Open(Instant),
    /// One worker is tried, to find out whether it lives.
    HalfOpen,
}

/// Counts the deaths of workers. Callers pass the time, so that tests need not wait.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    deaths: usize,
    window: Duration,
    first_pause: Duration,
    longest: Duration,
    recent: VecDeque<Instant>,
    /// Deaths that an input is to blame for since the last reply.
    blamed: usize,
    delay: Duration,
    pause: Duration,
    not_before: Option<Instant>,
    last_death: Option<Instant>,
    circuit: Circuit,
}

impl Breaker {
    pub(crate) fn new(deaths: usize, window: Duration, pause: Duration, longest: Duration) -> Self {
        Self {
            deaths: deaths.max(1),
            window,
            first_pause: pause,
            longest,
            recent: VecDeque::new(),
            blamed: 0,
            delay: FIRST,
            pause,
            not_before: None,
            last_death: None,
            circuit: Circuit::Closed,
        }
    }

    pub(crate) fn of(config: &PluginConfig) -> Self {
        Self::new(
            config.breaker_deaths,
            config.breaker_window,
            config.breaker_pause,
            config.restart_delay,
        )
    }

    /// Counts the death of a worker. `blamed`: one input killed it and is refused from now on, so others
    /// may well be served; only a row of such deaths without a reply between them counts.
    pub(crate) fn death(&mut self, now: Instant, blamed: bool) {
        if self.last_death.is_some_and(|t| now - t >= HEALTHY) {
            self.delay = FIRST;
            self.pause = self.first_pause;
        }
        self.last_death = Some(now);
        if blamed && self.circuit == Circuit::Closed {
            self.blamed += 1;
            if self.blamed < self.deaths {
                return;
            }
        }
        self.not_before = Some(now + self.delay);
        self.delay = (self.delay * 2).min(self.longest);
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|t| now - *t > self.window) {
            self.recent.pop_front();
        }
        let full = self.recent.len() >= self.deaths || self.blamed >= self.deaths;
        if full || self.circuit == Circuit::HalfOpen {
            self.circuit = Circuit::Open(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.recent.clear();
            self.blamed = 0;
        }
    }

    /// Notes that a call was replied to.
    pub(crate) fn success(&mut self) {
        self.blamed = 0;
        if self.circuit == Circuit::HalfOpen {
            self.circuit = Circuit::Closed;
            self.pause = self.first_pause;
        }
    }

    /// Whether a worker may be started now. Begins the trial of one worker after the pause.
    pub(crate) fn may_start(&mut self, now: Instant) -> bool {
        if let Circuit::Open(until) = self.circuit {
            if now < until {
                return false;
            }
            self.circuit = Circuit::HalfOpen;
            self.not_before = None;
        }
        self.not_before.is_none_or(|t| now >= t)
    }

    /// The number of workers to run, of `all`.
    pub(crate) fn wanted(&self, all: usize) -> usize {
        match self.circuit {
            Circuit::Closed => all,
            Circuit::HalfOpen => 1,
            Circuit::Open(_) => 0,
        }
    }

    /// Whether calls are refused.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.circuit, Circuit::Open(_))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.circuit == Circuit::Closed
    }

    /// The time until the next worker may be started.
    pub(crate) fn retry_after(&self, now: Instant) -> Duration {
        let at = match self.circuit {
            Circuit::Open(until) => Some(until),
            _ => self.not_before,
        };
        at.map_or(FIRST, |t| t.saturating_duration_since(now))
            .max(FIRST)
    }

    /// Forgets all deaths, as the code has changed.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.deaths, self.window, self.first_pause, self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(5, 60 * SECOND, PAUSE, PAUSE), Instant::now())
    }

    #[test]
    fn the_delay_doubles_and_is_short_again_after_a_healthy_minute() {
        let (mut b, t) = breaker();
        b.death(t, false);
        assert!(!b.may_start(t + Duration::from_millis(99)));
        assert!(b.may_start(t + Duration::from_millis(100)));
        b.death(t + SECOND, false);
        assert!(!b.may_start(t + SECOND + Duration::from_millis(199)));
        let later = t + 100 * SECOND;
        b.death(later, false);
        assert!(b.may_start(later + Duration::from_millis(100)));
    }

    #[test]
    fn five_deaths_open_it_and_a_probe_closes_it() {
        let (mut b, t) = breaker();
        for i in 0..5 {
            assert!(!b.is_open());
            b.death(t + i * SECOND, false);
        }
        let opened = t + 4 * SECOND;
        assert!(b.is_open() && b.wanted(4) == 0);
        assert!(!b.may_start(opened + PAUSE - SECOND));
        assert!(b.may_start(opened + PAUSE));
        assert_eq!(b.wanted(4), 1);
        // The probe dies: longer this time.
        b.death(opened + PAUSE, true);
        assert!(!b.may_start(opened + PAUSE * 2));
        assert!(b.may_start(opened + PAUSE * 3));
        b.success();
        assert!(b.is_closed() && b.wanted(4) == 4);
    }

    #[test]
    fn deaths_by_single_inputs_do_not_open_it_while_others_are_served() {
        let (mut b, t) = breaker();
        for _ in 0..100 {
            b.death(t, true);
            assert!(b.may_start(t));
            b.success();
        }
        assert!(b.is_closed());
        for _ in 0..5 {
            b.death(t, true);
        }
        assert!(b.is_open());
    }
}
