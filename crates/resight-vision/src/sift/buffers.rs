//! Buffers that outlive a picture, so that the next one of its size allocates nothing large.

use std::sync::{Arc, Mutex, PoisonError};

use super::pyramid::Pyramid;

/// All that one extraction needs.
#[derive(Default)]
pub(super) struct Buffers {
    pub(super) pyramid: Pyramid,
}

/// Buffers that wait for the next picture: as many as extractions ran at once.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Buffers>>>);

/// Larger ones are not kept: one huge picture must not hold its memory for ever.
const MOST_BYTES: usize = 128 << 20;

impl Pool {
    pub(super) fn take(&self) -> Buffers {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&self, buffers: Buffers) {
        if buffers.pyramid.capacity() <= MOST_BYTES {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(buffers);
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
