//! Models through the crate's public functions: one test binary, a file an area.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly too")]

mod global;
mod hostile;
mod local;
mod real;
mod store;
mod support;
