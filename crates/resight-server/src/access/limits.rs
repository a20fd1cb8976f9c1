//! How often, and how many times at once, a key may ask.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use resight_app::Code;
use resight_app::keys::Key;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::problem::Problem;

/// A request's place among those that its key may make at once.
pub(super) type Place = OwnedSemaphorePermit;

/// What each key has used of its limits.
#[derive(Default)]
pub(super) struct Limits(Mutex<HashMap<String, Arc<Limit>>>);

struct Limit {
    per_minute: Option<u32>,
    at_once: Option<u32>,
    rate: Option<DefaultDirectRateLimiter>,
    places: Option<Arc<Semaphore>>,
}

impl Limits {
    /// Takes a place for a request by `key`, if it has a limit of them; refuses one beyond a limit.
    pub(super) fn enter(&self, key: &Key) -> Result<Option<Place>, Problem> {
        if key.per_minute.is_none() && key.at_once.is_none() {
            return Ok(None);
        }
        let limit = self.of(key);
        if let Some(rate) = &limit.rate
            && let Err(not_until) = rate.check()
        {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let most = key.per_minute.unwrap_or_default();
            let detail = format!("The key may make {most} requests a minute.");
            return Err(Problem::new(Code::RateLimited, detail).after(wait));
        }
        let Some(places) = &limit.places else {
            return Ok(None);
        };
        match places.clone().try_acquire_owned() {
            Ok(place) => Ok(Some(place)),
            Err(_) => {
                let most = key.at_once.unwrap_or_default();
                let detail = format!("The key may make {most} requests at once.");
                Err(Problem::new(Code::RateLimited, detail))
            }
        }
    }

    fn of(&self, key: &Key) -> Arc<Limit> {
        let mut all = self.0.lock();
        if let Some(limit) = all.get(&key.id)
            && (limit.per_minute, limit.at_once) == (key.per_minute, key.at_once)
        {
            return limit.clone();
        }
        let quota = key
            .per_minute
            .and_then(NonZeroU32::new)
            .map(Quota::per_minute);
        let limit = Arc::new(Limit {
            per_minute: key.per_minute,
            at_once: key.at_once,
            rate: quota.map(RateLimiter::direct),
            places: key
                .at_once
                .map(|most| Arc::new(Semaphore::new(most as usize))),
        });
        all.insert(key.id.clone(), limit.clone());
        limit
    }
}
