//! One budget of memory for what a request or a picture makes grow: bodies, decoders, comparisons of pixels
//! and caches.
//!
//! Invariant: who waits for a share has none of the same purpose or of a later one, in the order of
//! [`Purpose`]: a request that has a body waits for work, and who works waits for nothing. Bodies have
//! bounds of their own, and beside them there is always room for the largest piece of work. So each that
//! waits is served in the end.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::refused::{Refused, RefusedCode};

/// Most that small and large bodies get of a large budget.
const MOST_SMALL: u64 = 64 << 20;
const MOST_LARGE: u64 = 256 << 20;
/// A large body that fits into a quarter of a small budget: a picture of the largest size in a form.
const ONE_LARGE: u64 = 66 << 20;
/// Most that the caches get of a large budget.
const MOST_FEATURES: u64 = 256 << 20;
const MOST_PAIRING: u64 = 384 << 20;

/// What memory is for, in the order in which one may be waited for while another is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A small body that was sent, or a small file that is sent.
    SmallBody,
    /// A larger one.
    LargeBody,
    /// Decoding, or comparing pixels.
    Work,
}

impl Purpose {
    /// A body of at most so many bytes is small. Small ones have memory of their own, so that large ones do
    /// not keep searches by small pictures waiting.
    pub const SMALL: u64 = 1 << 20;

    /// That of a body of this many bytes.
    pub fn of_body(bytes: u64) -> Self {
        match bytes <= Self::SMALL {
            true => Self::SmallBody,
            false => Self::LargeBody,
        }
    }
}

/// A number of bytes that may be in use at once. Clones share it.
///
/// What a picture needs is estimated from its header. A decoder waits for its share; a picture that needs
/// more than it can ever get is refused. Pixels that are returned to the caller do not count any more.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Shared>);

/// Asks for bytes to decode with, or says why there are none.
type Ask = Box<dyn Fn(u64) -> Result<(), Refused> + Send + Sync>;

struct Shared {
    /// Who decides on work in place of this budget, and the most that one may have.
    asked: Option<(Ask, u64)>,
    total: u64,
    /// Set apart for caches: of features, and of pixels that are paired.
    features: u64,
    pairing: u64,
    /// Bounds of bodies. Large ones and work share what the rest leaves.
    small: u64,
    large: u64,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    used: [u64; 3],
    /// The most that work has used at once.
    most_work: u64,
    /// Who waits, in the order in which they came: a large picture is not overtaken for ever.
    waiting: [VecDeque<Ticket>; 3],
    next: u64,
}

struct Ticket {
    number: u64,
    /// Of a task; a thread is woken with all others.
    waker: Option<Waker>,
}

/// What is in use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// The whole budget.
    pub total: u64,
    /// Set apart for caches.
    pub caches: u64,
    /// By bodies.
    pub bodies: u64,
    /// By decoders and comparisons of pixels.
    pub work: u64,
    /// The most that these have had at once.
    pub most_work: u64,
    /// How many wait for a share.
    pub waiting: usize,
}

impl Default for MemoryBudget {
    /// Without a bound, apart from those of bodies and caches.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryBudget").field(&self.0.total).finish()
    }
}

/// Equal are those of the same number of bytes.
impl PartialEq for MemoryBudget {
    fn eq(&self, other: &Self) -> bool {
        self.0.total == other.0.total
    }
}

impl Eq for MemoryBudget {}

impl MemoryBudget {
    /// This many bytes.
    pub fn new(total: u64) -> Self {
        Self::made(total, None)
    }

    /// That of another process: `ask` has each share of work granted there, of which one may have `most`. It is
    /// given back when the picture is decoded.
    pub fn of_another(most: u64, ask: Ask) -> Self {
        Self::made(u64::MAX, Some((ask, most)))
    }

    fn made(total: u64, asked: Option<(Ask, u64)>) -> Self {
        Self(Arc::new(Shared {
            asked,
            total,
            features: (total / 8).min(MOST_FEATURES),
            pairing: (total / 8).min(MOST_PAIRING),
            small: (total / 16).min(MOST_SMALL),
            large: (total / 8).max(ONE_LARGE.min(total / 4)).min(MOST_LARGE),
            state: Mutex::default(),
            returned: Condvar::new(),
        }))
    }

    /// Set apart for the cache of features.
    pub fn for_features(&self) -> u64 {
        self.0.features
    }

    /// Set apart for pixels of pictures that are paired.
    pub fn for_pairing(&self) -> u64 {
        self.0.pairing
    }

    /// The most that one may have for `purpose`.
    pub fn most(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::SmallBody => self.0.small,
            Purpose::LargeBody => self.0.large,
            Purpose::Work => match &self.0.asked {
                Some((_, most)) => *most,
                None => self.0.shared() - self.0.large,
            },
        }
    }

    /// What is in use now.
    pub fn in_use(&self) -> MemoryUse {
        let state = self.0.state.lock();
        let [small, large, work] = state.used;
        MemoryUse {
            total: self.0.total,
            caches: self.0.features + self.0.pairing,
            bodies: small + large,
            work,
            most_work: state.most_work,
            waiting: state.waiting.iter().map(VecDeque::len).sum(),
        }
    }

    /// Queues for `bytes`, or for as much as one may have.
    pub fn queue(&self, purpose: Purpose, bytes: u64) -> Waiting {
        let mut state = self.0.state.lock();
        let number = state.next;
        state.next += 1;
        let ticket = Ticket {
            number,
            waker: None,
        };
        state.waiting[purpose as usize].push_back(ticket);
        Waiting {
            budget: self.clone(),
            purpose,
            bytes: bytes.min(self.most(purpose)),
            number: Some(number),
        }
    }

    /// Waits on this thread for `bytes` to decode with. Call it with no share of [`Purpose::Work`].
    ///
    /// # Errors
    /// [`RefusedCode::TooManyPixels`] where it is more than one can ever have.
    pub fn take(&self, bytes: u64) -> Result<Share, Refused> {
        if let Some((ask, _)) = &self.0.asked {
            ask(bytes)?;
            return Ok(self.queue(Purpose::Work, 0).wait());
        }
        let most = self.most(Purpose::Work);
        if bytes > most {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            let detail = format!(
                "decoding the picture needs about {} MiB of memory, the limit is {}",
                mib(bytes),
                mib(most)
            );
            return Err(Refused::new(RefusedCode::TooManyPixels, detail));
        }
        Ok(self.queue(Purpose::Work, bytes).wait())
    }
}

impl Shared {
    /// What large bodies and work share.
    fn shared(&self) -> u64 {
        self.total - self.features - self.pairing - self.small
    }

    fn fits(&self, state: &State, purpose: Purpose, bytes: u64) -> bool {
        let [small, large, work] = state.used;
        match purpose {
            Purpose::SmallBody => small + bytes <= self.small,
            Purpose::LargeBody => {
                large + bytes <= self.large && large + work + bytes <= self.shared()
            }
            Purpose::Work => {
                // Work uses what bodies leave, unless one of them waits.
                let is_free = state.waiting[Purpose::LargeBody as usize].is_empty();
                let bodies = if is_free { large } else { self.large };
                work.saturating_add(bytes) <= self.shared() - bodies
            }
        }
    }

    /// Wakes all that may be next.
    fn wake(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let fronts = state.waiting.iter_mut().filter_map(VecDeque::front_mut);
        let wakers: Vec<Waker> = fronts.filter_map(|ticket| ticket.waker.take()).collect();
        drop(state);
        self.returned.notify_all();
        for waker in wakers {
            waker.wake();
        }
    }
}

/// A place in the queue for memory. Dropping it leaves the queue.
pub struct Waiting {
    budget: MemoryBudget,
    purpose: Purpose,
    bytes: u64,
    /// `None` once it has its share.
    number: Option<u64>,
}

impl Waiting {
    /// Waits on this thread.
    pub fn wait(mut self) -> Share {
        let shared = self.budget.0.clone();
        let mut state = shared.state.lock();
        loop {
            if let Some(share) = self.granted(&mut state) {
                shared.wake(state);
                return share;
            }
            shared.returned.wait(&mut state);
        }
    }

    fn granted(&mut self, state: &mut State) -> Option<Share> {
        let queue = &state.waiting[self.purpose as usize];
        let is_next = queue.front().map(|ticket| ticket.number) == self.number;
        if !is_next || !self.budget.0.fits(state, self.purpose, self.bytes) {
            return None;
        }
        state.waiting[self.purpose as usize].pop_front();
        state.used[self.purpose as usize] += self.bytes;
        state.most_work = state.most_work.max(state.used[Purpose::Work as usize]);
        self.number = None;
        Some(Share {
            budget: self.budget.clone(),
            purpose: self.purpose,
            bytes: self.bytes,
        })
    }
}

/// Waits in a task.
impl Future for Waiting {
    type Output = Share;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Share> {
        let waiting = self.get_mut();
        let shared = waiting.budget.0.clone();
        let mut state = shared.state.lock();
        if let Some(share) = waiting.granted(&mut state) {
            shared.wake(state);
            return Poll::Ready(share);
        }
        let mut tickets = state.waiting[waiting.purpose as usize].iter_mut();
        if let Some(ticket) = tickets.find(|ticket| Some(ticket.number) == waiting.number) {
            ticket.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(number) = mem::take(&mut self.number) {
            let mut state = self.budget.0.state.lock();
            state.waiting[self.purpose as usize].retain(|ticket| ticket.number != number);
            self.budget.0.wake(state);
        }
    }
}

/// A part of the memory, until it is dropped.
pub struct Share {
    budget: MemoryBudget,
    purpose: Purpose,
    bytes: u64,
}

impl Share {
    /// Returns what is more than `bytes`, and what is left of `bytes` beside this share.
    pub fn reduce(&mut self, bytes: u64) -> u64 {
        let returned = self.bytes.saturating_sub(bytes);
        self.bytes -= returned;
        let mut state = self.budget.0.state.lock();
        state.used[self.purpose as usize] -= returned;
        self.budget.0.wake(state);
        bytes - self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.budget.0.state.lock();
        state.used[self.purpose as usize] -= self.bytes;
        self.budget.0.wake(state);
    }
}

#[cfg(test)]
mod tests;
