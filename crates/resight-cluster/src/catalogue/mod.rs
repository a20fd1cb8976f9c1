//! The catalogue in a PostgreSQL database, one schema for each collection.
//!
//! Writers of one collection, on any machine, follow each other: each locks the one row of `counter`, which has the
//! last key, until its commit is visible. So keys ascend in the order of commits. Reads take no lock. A read is one
//! statement wherever that is possible, else a transaction that sees one state.
//!
//! `address.rs`, `session.rs` and `errors.rs` are the connection, `schema.rs` the tables and their format, `open.rs` the
//! collections, `writer.rs` the lock of the one process that may change them; `batch.rs` and `changes.rs` change pictures. Each other file implements the traits of one concern.

mod address;
mod batch;
mod changes;
mod conditions;
mod decisions;
mod encoded;
mod errors;
mod insertion;
mod integrity;
mod known;
mod labels;
mod open;
mod orphans;
mod pairs;
mod pictures;
mod repairs;
mod rows;
mod schema;
mod session;
mod settings;
mod sources;
mod staged;
mod text;
mod vectors;
mod views;
mod writer;

pub use open::PostgresCatalogue;
pub use writer::WriterLock;
