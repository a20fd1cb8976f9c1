//! The budget of memory as requests draw on it: for bodies that were sent, and for stored files that are sent.
//!
//! Invariant: a request that waits for memory has none of it, so requests that have some end and return it.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use parking_lot::Mutex;
use resight_app::Code;
use resight_engine::{MemoryBudget, Purpose};
use tokio::time::timeout;

use crate::problem::Problem;

/// How long a request waits for memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// Memory for bodies; clones share it.
#[derive(Clone)]
pub(crate) struct Memory(MemoryBudget);

impl Memory {
    pub(crate) fn of(budget: MemoryBudget) -> Self {
        Self(budget)
    }

    /// Waits for memory for `bytes`; `busy` where none comes free in time.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Share, Problem> {
        let waiting = self.0.queue(Purpose::of_body(bytes), bytes);
        match timeout(PATIENCE, waiting).await {
            Ok(share) => Ok(Share(Arc::new(Mutex::new(vec![share])))),
            Err(_) => Err(Problem::new(
                Code::Busy,
                "All memory for files that are sent is taken.",
            )),
        }
    }
}

/// A part of the memory; it is returned when the last clone and the last bytes are dropped.
#[derive(Clone)]
pub(crate) struct Share(Arc<Mutex<Vec<resight_engine::Share>>>);

impl Share {
    /// A share of nothing, until others join it.
    pub(super) fn none() -> Self {
        Self(Arc::default())
    }

    /// Returns what is more than `bytes`.
    pub(super) fn reduce(&self, bytes: u64) {
        let mut left = bytes;
        for part in self.0.lock().iter_mut() {
            left = part.reduce(left);
        }
    }

    /// Has this one last as long as `share` does.
    pub(super) fn join(self, share: &Self) {
        let mut parts = mem::take(&mut *self.0.lock());
        share.0.lock().append(&mut parts);
    }

    /// `bytes`, which have the share as long as they are used.
    pub(crate) fn of(&self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Shared {
            bytes,
            _share: self.clone(),
        })
    }
}

struct Shared<B> {
    bytes: B,
    _share: Share,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Shared<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_small_ones_for_none_of_them() {
        let budget = MemoryBudget::new(64 * MIB);
        let most = budget.most(Purpose::LargeBody);
        let memory = Memory::of(budget.clone());
        let first = memory.take(most).await.unwrap();
        let bytes = first.of(vec![7; 3]);
        drop(first);
        let busy = memory.take(2 * MIB).await.err().unwrap();
        assert_eq!(busy.status().as_u16(), 503);
        assert_eq!(budget.in_use().waiting, 0, "who gave up waits still");
        assert!(memory.take(MIB).await.is_ok());
        drop(bytes);
        assert!(memory.take(most).await.is_ok());
        assert_eq!(budget.in_use().bodies, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_gets_what_is_returned() {
        let budget = MemoryBudget::new(64 * MIB);
        let memory = Memory::of(budget.clone());
        let first = memory.take(16 * MIB).await.unwrap();
        let waiting = tokio::spawn({
            let memory = memory.clone();
            async move { memory.take(16 * MIB).await.is_ok() }
        });
        while budget.in_use().waiting == 0 {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn one_body_of_the_largest_size_always_fits() {
        for mib in [256, 1024] {
            let memory = Memory::of(MemoryBudget::new(mib * MIB));
            assert!(memory.take(65 * MIB).await.is_ok());
        }
    }
}
