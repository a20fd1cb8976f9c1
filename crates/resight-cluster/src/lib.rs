//! The store's traits on servers, which several machines reach: a catalogue in PostgreSQL, and blobs in an object store
//! that speaks S3.
//!
//! Useful for: keeping what is known of pictures ([`PostgresCatalogue`]), uploaded files and thumbnails ([`S3Blobs`]) outside
//! the data folder, so that the machine that serves them may be lost.
//!
//! Not useful for: choosing between stores. The application does that.
//!
//! Invariant: when [`resight_store::BlobStore::put`] has returned `Ok`, the server has acknowledged the bytes as a whole.
//! Invariant: no error and no line of the log has a secret of an address, of the environment, or of a server's answer.
//! Invariant: every wait has an end.

mod blobs;
mod catalogue;
mod runtime;

pub use blobs::{S3Blobs, S3Credentials};
pub use catalogue::{PostgresCatalogue, WriterLock};
