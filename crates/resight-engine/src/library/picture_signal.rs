//! Tells whoever looks for pairs that pictures have come.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts how often pictures came, to any of the engines that share it.
#[derive(Default)]
pub(crate) struct News {
    told: Mutex<u64>,
    more: Condvar,
}

impl News {
    /// Pictures have come, or there is another reason to wake up.
    pub(crate) fn tell(&self) {
        // A number holds no half-made change.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = told.wrapping_add(1);
        self.more.notify_all();
    }

    /// Waits until somebody has told more often than `known`, at most so long; gives how often.
    pub(crate) fn wait(&self, known: u64, at_most: Duration) -> u64 {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .more
            .wait_timeout_while(told, at_most, |told| *told == known);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
