//! Who uses an open collection, so that closing it can wait until nobody does.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The right to use `T` until this is dropped. A clone is a lease of its own.
pub struct Lease<T> {
    // Fields drop in this order: the lease counts as returned once its share of the value is released, so
    // that nobody removes a folder while a catalogue in it is being closed.
    value: Arc<T>,
    counted: CountedUse,
}

/// Counts as one use until it is dropped.
struct CountedUse(Arc<Uses>);

#[derive(Default)]
struct Uses {
    count: Mutex<usize>,
    returned: Condvar,
}

impl<T> Lease<T> {
    /// A lease of something that is never closed, such as the default collection.
    pub fn unlimited(value: Arc<T>) -> Self {
        Leases::default().lease(&value)
    }

    /// The value, for what is dropped before this lease.
    pub fn shared(&self) -> Arc<T> {
        self.value.clone()
    }
}

impl<T> Clone for Lease<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            counted: CountedUse::of(&self.counted.0),
        }
    }
}

impl CountedUse {
    fn of(uses: &Arc<Uses>) -> Self {
        *uses.count.lock() += 1;
        Self(uses.clone())
    }
}

impl Drop for CountedUse {
    fn drop(&mut self) {
        let mut count = self.0.count.lock();
        *count -= 1;
        if *count == 0 {
            self.0.returned.notify_all();
        }
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Grants leases of one value, and knows whether all have been returned.
#[derive(Default)]
pub(super) struct Leases(Arc<Uses>);

impl Leases {
    pub(super) fn lease<T>(&self, value: &Arc<T>) -> Lease<T> {
        Lease {
            value: value.clone(),
            counted: CountedUse::of(&self.0),
        }
    }

    /// Whether all leases have been returned. Without a lock around it, a lease granted meanwhile may
    /// make it wrong.
    pub(super) fn all_returned(&self) -> bool {
        *self.0.count.lock() == 0
    }

    /// Waits until all leases have been returned, for at most `patience`; returns whether they have.
    pub(super) fn wait_for_return(&self, patience: Duration) -> bool {
        let mut count = self.0.count.lock();
        let is_used = |count: &mut usize| *count > 0;
        let waited = self
            .0
            .returned
            .wait_while_for(&mut count, is_used, patience);
        !waited.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn each_clone_has_to_be_returned() {
        let leases = Leases::default();
        let first = leases.lease(&Arc::new(7));
        let second = first.clone();
        assert_eq!((*first, *second), (7, 7));
        drop(first);
        assert!(!leases.all_returned());
        drop(second);
        assert!(leases.all_returned());
    }

    #[test]
    fn waiting_ends_when_the_last_lease_is_returned() {
        let leases = Leases::default();
        let lease = leases.lease(&Arc::new("pictures"));
        let returning = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            drop(lease);
        });
        assert!(leases.wait_for_return(LONG));
        returning.join().unwrap();
    }

    #[test]
    fn waiting_gives_up_while_a_lease_is_out() {
        let leases = Leases::default();
        let lease = leases.lease(&Arc::new("pictures"));
        assert!(!leases.wait_for_return(SHORT));
        drop(lease);
        assert!(leases.wait_for_return(SHORT));
    }

    #[test]
    fn a_lease_is_returned_after_its_share_of_the_value() {
        /// Records while it is dropped whether its lease counts as returned.
        struct Closing(Leases, Arc<Mutex<Option<bool>>>);

        impl Drop for Closing {
            fn drop(&mut self) {
                *self.1.lock() = Some(self.0.all_returned());
            }
        }

        let (leases, was_returned) = (Leases::default(), Arc::default());
        let watched = Leases(leases.0.clone());
        let lease = leases.lease(&Arc::new(Closing(watched, Arc::clone(&was_returned))));
        drop(lease);
        assert_eq!(*was_returned.lock(), Some(false));
        assert!(leases.all_returned());
    }

    #[test]
    fn the_value_may_outlive_its_lease() {
        let leases = Leases::default();
        let shared = leases.lease(&Arc::new(7)).shared();
        assert!(leases.all_returned());
        assert_eq!(*shared, 7);
    }
}
