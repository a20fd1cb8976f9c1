//! The store's conformance suites on real systems. Without them the tests print a line beginning `SKIPPED`.

// The lint spares test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod postgres;
mod s3;
mod seaweed;
