//! The traits of `resight-store` on systems that several machines share: a catalogue in PostgreSQL, and
//! blobs in S3.

mod catalogue;
mod runtime;

pub use catalogue::PostgresCatalogue;
