//! A catalogue and blobs in memory: the reference that the suite is checked against, and a fast store
//! for tests of other crates.

mod blobs;
mod catalogue;
mod changes;
mod encoded;
mod queries;
mod state;

pub use blobs::MemoryBlobs;
pub use catalogue::MemoryCatalogue;
