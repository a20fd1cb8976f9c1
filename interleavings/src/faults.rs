//! Which of the planted faults is switched on. Shuttle runs all threads of a model on one thread of the system, so
//! that each test has a switch of its own.

use std::cell::Cell;

thread_local! {
    static ON: Cell<&'static str> = const { Cell::new("") };
}

pub(crate) fn is_on(name: &str) -> bool {
    ON.get() == name
}

/// Runs `model` with the fault.
pub(crate) fn with<R>(name: &'static str, model: impl FnOnce() -> R) -> R {
    struct Off;
    impl Drop for Off {
        fn drop(&mut self) {
            ON.set("");
        }
    }
    ON.set(name);
    let _off = Off;
    model()
}
