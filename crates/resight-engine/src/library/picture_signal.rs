//! Wakes threads that wait for new pictures.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Counts the commits that added pictures, over all libraries that share it.
#[derive(Default)]
pub(crate) struct PictureSignal {
    count: Mutex<u64>,
    changed: Condvar,
}

impl PictureSignal {
    /// Counts one more and wakes all waiting threads.
    pub(crate) fn notify(&self) {
        let mut count = self.count.lock();
        *count = count.wrapping_add(1);
        self.changed.notify_all();
    }

    /// Blocks while the count is `known`, for at most `timeout`. Returns the count.
    pub(crate) fn wait(&self, known: u64, timeout: Duration) -> u64 {
        let mut count = self.count.lock();
        self.changed
            .wait_while_for(&mut count, |count| *count == known, timeout);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_a_notification_or_after_its_time() {
        let signal = PictureSignal::default();
        assert_eq!(signal.wait(0, Duration::from_millis(1)), 0);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| signal.wait(0, Duration::from_secs(60)));
            signal.notify();
            assert_eq!(waiting.join().unwrap(), 1);
        });
        assert_eq!(signal.wait(0, Duration::from_secs(60)), 1, "missed nothing");
    }
}
