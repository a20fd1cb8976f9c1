//! Permits for work that takes much memory.

use parking_lot::{Condvar, Mutex};

/// A number of permits. A thread that takes one waits while there is none.
pub(super) struct Permits {
    left: Mutex<usize>,
    returned: Condvar,
}

/// One permit, returned when it is dropped.
pub(super) struct Permit<'a>(&'a Permits);

impl Permits {
    pub(super) fn new(number: usize) -> Self {
        Self {
            left: Mutex::new(number),
            returned: Condvar::new(),
        }
    }

    pub(super) fn take(&self) -> Permit<'_> {
        let mut left = self.left.lock();
        self.returned.wait_while(&mut left, |left| *left == 0);
        *left -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock() += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_work_at_once_than_there_are_permits() {
        let (permits, at_once, most) = (Permits::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _permit = permits.take();
                        let now = 1 + at_once.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        at_once.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*permits.left.lock(), 2);
    }
}
