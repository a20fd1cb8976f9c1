//! The catalogue in one SQLite file.
//!
//! One connection writes, behind a mutex; reads take connections from a pool, so that with the
//! write-ahead log they run beside a commit. Invariant: only the writing connection may change the
//! file; every other one is opened for reading.
//!
//! Each file beside `catalogue.rs` implements the traits of one concern. Only `connection.rs`,
//! `schema.rs`, `encoded.rs` (staged words), `settings.rs` (removed pictures) and `views.rs` (the sequence of keys) use
//! SQL that PostgreSQL
//! does not understand.

mod catalogue;
mod changes;
mod connection;
mod decisions;
mod encoded;
mod errors;
mod integrity;
mod labels;
mod ordered;
mod orphans;
mod pairs;
mod pictures;
mod repairs;
mod rows;
mod schema;
mod settings;
mod snapshot;
mod sources;
mod sums;
mod taken;
#[cfg(test)]
mod tests;
mod vectors;
mod views;

pub use catalogue::SqliteCatalogue;
pub(crate) use connection::{immutable, is_beyond_writing, open_durable};
pub(crate) use errors::from_sql;
pub(crate) use snapshot::open_copy;
