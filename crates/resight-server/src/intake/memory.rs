//! One bound of the memory for bodies that were sent, and for stored files that are sent.
//!
//! Invariant: a request that waits for memory has none of it, so requests that have some end and return it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use resight_app::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::problem::Problem;

/// What at most so many bytes long is small. A quarter of the memory is for such, so that large bodies do
/// not keep searches by small pictures waiting.
const SMALL: u64 = 1 << 20;
/// How long a request waits for memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// Memory for bodies; clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    /// In KiB, as the next.
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// What one request takes at most: all of `large`.
    most: u32,
}

impl Memory {
    /// This many bytes, of which one body may have `largest`.
    pub(crate) fn new(bytes: u64, largest: u64) -> Self {
        let small = (bytes / 4).max(SMALL);
        let large = bytes.saturating_sub(small).max(largest);
        let pool = |kib: u32| Arc::new(Semaphore::new(kib as usize));
        Self {
            small: pool(kib_of(small)),
            large: pool(kib_of(large)),
            most: kib_of(large),
        }
    }

    /// Waits for memory for `bytes`; `busy` where none comes free in time.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Share, Problem> {
        let pool = if bytes <= SMALL {
            &self.small
        } else {
            &self.large
        };
        let kib = kib_of(bytes).min(self.most);
        let taken = Arc::clone(pool).acquire_many_owned(kib);
        match timeout(PATIENCE, taken).await {
            Ok(Ok(permit)) => Ok(Share {
                _permit: Arc::new(permit),
            }),
            Ok(Err(closed)) => Err(Problem::internal(&closed)),
            Err(_) => Err(Problem::new(
                Code::Busy,
                "All memory for files that are sent is taken.",
            )),
        }
    }
}

/// So many bytes in whole KiB.
fn kib_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// A part of the memory; it is returned when the last clone and the last bytes are dropped.
#[derive(Clone)]
pub(crate) struct Share {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Share {
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

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_small_ones_for_none_of_them() {
        let memory = Memory::new(8 << 20, 6 << 20);
        let first = memory.take(6 << 20).await.unwrap();
        let bytes = first.of(vec![7; 3]);
        drop(first);
        let busy = memory.take(2 << 20).await.err().unwrap();
        assert_eq!(busy.status().as_u16(), 503);
        assert!(memory.take(SMALL).await.is_ok());
        drop(bytes);
        assert!(memory.take(6 << 20).await.is_ok());
    }

    #[tokio::test]
    async fn one_body_of_the_largest_size_always_fits() {
        let memory = Memory::new(0, 65 << 20);
        assert!(memory.take(65 << 20).await.is_ok());
    }
}
