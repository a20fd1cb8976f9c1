//! A catalogue and blobs in memory: for tests, and as the shortest reading of the contracts.

mod blobs;
mod catalogue;
mod changes;
mod queries;
mod state;

pub use blobs::MemoryBlobs;
pub use catalogue::MemoryCatalogue;
