//! The store through its public interface.

// The lint spares test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod batches;
mod blobs;
mod changes;
mod collections;
mod crash;
mod files;
mod fixtures;
mod format;
mod labels;
mod pairs;
mod paths;
mod reading;
mod removed;
mod staged;
mod vectors;
