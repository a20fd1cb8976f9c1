//! Locks and hand-overs of Resight, tried in thousands of orders of their threads.
//!
//! `build.rs` copies the real files here, with the primitives of [shuttle](https://docs.rs/shuttle) in place of those
//! of `parking_lot`, `arc-swap` and `std`. A test runs them under a scheduler that switches threads where they meet
//! a lock, a condition or a waker, at random and by few preemptions (PCT, Burckhardt et al., ASPLOS 2010). A thread that
//! waits for ever is found as a deadlock. In each file faults are planted that a test switches on: the model
//! must find every one of them, else it proves nothing of the file without them.
//!
//! Not modelled: the memory order of atomics, which shuttle runs sequentially consistent.

#![cfg(test)]

mod check;
mod faults;
mod primitives;
mod stand_ins;

/// The files of Resight.
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::all,
    reason = "checked where they belong; a model uses parts of them"
)]
mod copies {
    include!(concat!(env!("OUT_DIR"), "/copies/mod.rs"));
}

mod budget;
mod index;
mod reply_slot;
