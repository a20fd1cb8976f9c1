//! A pool of resources that one call uses at a time: sessions, thread pools.

use parking_lot::{Condvar, Mutex};

/// At most `most` resources, created when they are needed.
pub(super) struct Slots<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    most: usize,
}

struct State<T> {
    spare: Vec<T>,
    /// Spare ones and those in use.
    count: usize,
}

impl<T> Slots<T> {
    pub(super) fn new(first: T, most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                spare: vec![first],
                count: 1,
            }),
            returned: Condvar::new(),
            most: most.max(1),
        }
    }

    /// Runs `job` with a resource. Blocks while all are in use, so a job must never wait for
    /// another job. A resource whose job panics is dropped.
    pub(super) fn with<R>(
        &self,
        make: impl FnOnce() -> Result<T, String>,
        job: impl FnOnce(&mut T) -> Result<R, String>,
    ) -> Result<R, String> {
        let spare = self.take_spare();
        let reservation = Reservation(self);
        let mut slot = match spare {
            Some(slot) => slot,
            // Making one takes long; the lock is free meanwhile.
            None => make()?,
        };
        let result = job(&mut slot);
        self.state.lock().spare.push(slot);
        std::mem::forget(reservation);
        self.returned.notify_one();
        result
    }

    /// A spare resource, or `None` with a reservation to make one.
    fn take_spare(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(slot) = state.spare.pop() {
                return Some(slot);
            }
            if state.count < self.most {
                state.count += 1;
                return None;
            }
            self.returned.wait(&mut state);
        }
    }
}

/// Counts one resource. Dropped when the resource was not made, or its job panicked.
struct Reservation<'a, T>(&'a Slots<T>);

impl<T> Drop for Reservation<'_, T> {
    fn drop(&mut self) {
        self.0.state.lock().count -= 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn at_most_three_are_in_use_and_none_is_lost() {
        let made = AtomicUsize::new(1);
        let slots = Slots::new(0usize, 3);
        let make = || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(0)
        };
        let in_use = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        slots
                            .with(make, |uses| {
                                assert!(in_use.fetch_add(1, Ordering::SeqCst) < 3);
                                *uses += 1;
                                std::thread::yield_now();
                                in_use.fetch_sub(1, Ordering::SeqCst);
                                Ok(())
                            })
                            .unwrap();
                    }
                });
            }
        });
        let state = slots.state.lock();
        assert_eq!(state.spare.iter().sum::<usize>(), 8 * 50);
        assert_eq!(state.spare.len(), made.load(Ordering::SeqCst));
    }

    #[test]
    fn failures_and_panics_leave_room_for_others() {
        let slots = Slots::new((), 1);
        let failed = slots.with(|| Ok(()), |()| Err::<(), _>("no".to_owned()));
        assert_eq!(failed, Err("no".to_owned()));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            slots.with(
                || Ok(()),
                |()| -> Result<(), String> { panic!("on purpose") },
            )
        }));
        assert!(panicked.is_err());
        assert_eq!(
            slots.with(|| Err::<(), _>("cannot make".into()), |()| Ok(())),
            Err("cannot make".to_owned())
        );
        assert_eq!(slots.with(|| Ok(()), |()| Ok(7)), Ok(7));
    }
}
