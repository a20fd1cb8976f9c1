//! The store's conformance suites on real systems.

// The lint spares test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod postgres;
