//! The store through its public interface: the conformance suite for each implementation, and what
//! only the embedded ones promise.

// The lint spares test functions, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checksums;
mod collections;
mod crash;
mod cut_short;
mod earlier_formats;
mod files;
mod folder_blobs;
mod format_1;
mod implementations;
mod random_changes;
mod read_only;
