//! Things of which one call uses one at a time: sessions, thread pools.

use std::sync::{Condvar, Mutex, PoisonError};

/// At most so many, made when they are needed.
pub(super) struct Slots<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    most: usize,
}

struct State<T> {
    spare: Vec<T>,
    made: usize,
}

impl<T> Slots<T> {
    pub(super) fn new(first: T, most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                spare: vec![first],
                made: 1,
            }),
            returned: Condvar::new(),
            most: most.max(1),
        }
    }

    /// Gives one to `job` and takes it back. Waits while all are in use, so a job must never wait
    /// for another job.
    ///
    /// One that a panic went through is dropped.
    pub(super) fn with<R>(
        &self,
        make: impl FnOnce() -> Result<T, String>,
        job: impl FnOnce(&mut T) -> Result<R, String>,
    ) -> Result<R, String> {
        let mut lent = Lent {
            slots: self,
            slot: self.take(make)?,
        };
        let result = match &mut lent.slot {
            Some(slot) => job(slot),
            None => Err("there was nothing to run it with".into()),
        };
        if let Some(slot) = lent.slot.take() {
            let mut state = self.lock();
            state.spare.push(slot);
        }
        result
    }

    fn take(&self, make: impl FnOnce() -> Result<T, String>) -> Result<Option<T>, String> {
        let mut state = self.lock();
        loop {
            if let Some(slot) = state.spare.pop() {
                return Ok(Some(slot));
            }
            if state.made < self.most {
                state.made += 1;
                break;
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // Making one takes long; others go on meanwhile.
        make().map(Some).inspect_err(|_| self.lost())
    }

    fn lost(&self) {
        self.lock().made -= 1;
        self.returned.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot in use.
struct Lent<'a, T> {
    slots: &'a Slots<T>,
    slot: Option<T>,
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        match self.slot.take() {
            // A panic is passing: the slot is in no known state.
            Some(_) => self.slots.lost(),
            None => self.slots.returned.notify_one(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_so_many_and_none_is_lost() {
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
        let state = slots.lock();
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
