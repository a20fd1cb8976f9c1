//! One slot for each collection that is open or being visited, so that no two threads open or remove the
//! same collection at once.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use resight_store::CollectionName;

use super::OpenCollection;

#[derive(Default)]
pub(super) struct Slots {
    all: Mutex<HashMap<CollectionName, Entry>>,
    /// Counts uses, to tell which was the last.
    uses: AtomicU64,
}

#[derive(Default)]
struct Entry {
    slot: Arc<Slot>,
    /// Visits in progress. With none, the slot of a closed collection is dropped.
    visits: usize,
}

#[derive(Default)]
pub(super) struct Slot {
    pub(super) state: Mutex<State>,
    last_use: AtomicU64,
}

#[derive(Default)]
pub(super) enum State {
    #[default]
    Closed,
    Open(OpenCollection),
    /// Nobody may open it now.
    Removing,
}

impl Slots {
    /// The slot of a collection, made where there is none.
    pub(super) fn visit(&self, name: &CollectionName) -> Visit<'_> {
        let mut all = self.all.lock();
        let entry = all.entry(name.clone()).or_default();
        entry.visits += 1;
        Visit {
            slots: self,
            name: name.clone(),
            slot: entry.slot.clone(),
        }
    }

    /// The slot of a collection that is open or visited by another thread.
    pub(super) fn visit_existing(&self, name: &CollectionName) -> Option<Visit<'_>> {
        let mut all = self.all.lock();
        let entry = all.get_mut(name)?;
        entry.visits += 1;
        Some(Visit {
            slots: self,
            name: name.clone(),
            slot: entry.slot.clone(),
        })
    }

    /// The collections that have a slot, by name.
    pub(super) fn names(&self) -> Vec<CollectionName> {
        let mut names: Vec<_> = self.all.lock().keys().cloned().collect();
        names.sort_unstable();
        names
    }
}

/// Access to a slot, which stays at least as long as this.
pub(super) struct Visit<'a> {
    slots: &'a Slots,
    name: CollectionName,
    slot: Arc<Slot>,
}

impl Visit<'_> {
    /// Makes this the last use of all.
    pub(super) fn mark_used(&self) {
        let use_number = self.slots.uses.fetch_add(1, Ordering::Relaxed);
        self.slot.last_use.store(use_number, Ordering::Relaxed);
    }

    /// Number of the last use: greater is later.
    pub(super) fn last_use(&self) -> u64 {
        self.slot.last_use.load(Ordering::Relaxed)
    }
}

impl Deref for Visit<'_> {
    type Target = Slot;

    fn deref(&self) -> &Slot {
        &self.slot
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let mut all = self.slots.all.lock();
        let Some(entry) = all.get_mut(&self.name) else {
            return;
        };
        entry.visits -= 1;
        // Only a visit locks the state, so the lock is free where this was the last visit.
        let is_closed = || matches!(entry.slot.state.try_lock().as_deref(), Some(State::Closed));
        if entry.visits == 0 && is_closed() {
            all.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CollectionName {
        CollectionName::parse(text).unwrap()
    }

    #[test]
    fn two_visits_share_one_slot_and_the_last_one_drops_it() {
        let slots = Slots::default();
        assert!(slots.visit_existing(&name("a")).is_none());
        let first = slots.visit(&name("a"));
        let second = slots.visit_existing(&name("a")).unwrap();
        *first.state.lock() = State::Removing;
        assert!(matches!(*second.state.lock(), State::Removing));
        *first.state.lock() = State::Closed;
        drop(first);
        assert_eq!(slots.names(), [name("a")]);
        drop(second);
        assert!(slots.names().is_empty());
    }

    #[test]
    fn a_slot_that_is_not_closed_stays() {
        let slots = Slots::default();
        *slots.visit(&name("a")).state.lock() = State::Removing;
        assert_eq!(slots.names(), [name("a")]);
    }

    #[test]
    fn the_later_use_has_the_greater_number() {
        let slots = Slots::default();
        let (first, second) = (slots.visit(&name("a")), slots.visit(&name("b")));
        first.mark_used();
        second.mark_used();
        assert!(first.last_use() < second.last_use());
        first.mark_used();
        assert!(first.last_use() > second.last_use());
    }
}
