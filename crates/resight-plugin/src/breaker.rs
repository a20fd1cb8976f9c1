//! When the next worker may be started, and when calls are refused at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const HEALTHY: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether deaths followed each other too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Calls are taken.
    Closed,
    /// Calls are refused until then.
    Open(Instant),
    /// One worker is tried.
    HalfOpen,
}

/// Back-off and circuit breaker. Time is given, so that tests need none.
#[derive(Debug)]
pub(crate) struct Breaker {
    deaths: usize,
    window: Duration,
    first_pause: Duration,
    longest: Duration,
    recent: VecDeque<Instant>,
    /// Deaths that an input is to blame for, since the last good answer.
    blamed: usize,
    delay: Duration,
    pause: Duration,
    not_before: Option<Instant>,
    last_death: Option<Instant>,
    state: State,
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
            state: State::Closed,
        }
    }

    /// A worker died. `blamed`: one input did it and is refused from now on, so others may well be
    /// served; only a row of such deaths without a good answer between them counts.
    pub(crate) fn death(&mut self, now: Instant, blamed: bool) {
        if self.last_death.is_some_and(|t| now - t >= HEALTHY) {
            self.delay = FIRST;
            self.pause = self.first_pause;
        }
        self.last_death = Some(now);
        if blamed && self.state == State::Closed {
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
        if full || self.state == State::HalfOpen {
            self.state = State::Open(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.recent.clear();
            self.blamed = 0;
        }
    }

    /// A call was answered.
    pub(crate) fn success(&mut self) {
        self.blamed = 0;
        if self.state == State::HalfOpen {
            self.state = State::Closed;
            self.pause = self.first_pause;
        }
    }

    /// Whether a worker may be started now.
    pub(crate) fn may_start(&mut self, now: Instant) -> bool {
        if let State::Open(until) = self.state {
            if now < until {
                return false;
            }
            self.state = State::HalfOpen;
            self.not_before = None;
        }
        self.not_before.is_none_or(|t| now >= t)
    }

    /// How many workers are wanted, of `all`.
    pub(crate) fn wanted(&self, all: usize) -> usize {
        match self.state {
            State::Closed => all,
            State::HalfOpen => 1,
            State::Open(_) => 0,
        }
    }

    /// Whether calls are refused.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// When the next worker is tried.
    pub(crate) fn retry_after(&self, now: Instant) -> Duration {
        let at = match self.state {
            State::Open(until) => Some(until),
            _ => self.not_before,
        };
        at.map_or(FIRST, |t| t.saturating_duration_since(now))
            .max(FIRST)
    }

    /// New code gets a new chance.
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
    fn the_delay_doubles_and_starts_anew_after_a_healthy_minute() {
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
    fn poison_alone_does_not_open_it_while_others_are_served() {
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
