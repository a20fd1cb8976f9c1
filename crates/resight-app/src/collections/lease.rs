//! Who uses an open collection, so that closing it can wait until nobody does.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The right to use `T` until this is dropped. A clone is a lease of its own.
pub struct Lease<T> {
    value: Arc<T>,
    uses: Arc<Uses>,
}

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
        *self.uses.count.lock() += 1;
        Self {
            value: self.value.clone(),
            uses: self.uses.clone(),
        }
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        let mut count = self.uses.count.lock();
        *count -= 1;
        if *count == 0 {
            self.uses.returned.notify_all();
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
        *self.0.count.lock() += 1;
        Lease {
            value: value.clone(),
            uses: self.0.clone(),
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
    fn the_value_may_outlive_its_lease() {
        let leases = Leases::default();
        let shared = leases.lease(&Arc::new(7)).shared();
        assert!(leases.all_returned());
        assert_eq!(*shared, 7);
    }
}
