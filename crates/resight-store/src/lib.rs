//! Bytes and records, durably.
//!
//! Useful for: keeping what is known about each picture ([`Catalogue`]), keeping whole files under
//! a name ([`BlobStore`]), and making sure that one process at a time writes to a data folder
//! ([`FolderLock`]). The embedded forms are [`SqliteCatalogue`] and [`FolderBlobs`].
//!
//! Not useful for: anything that must understand a picture. Features and words are opaque bytes
//! here, and a picture is an id, a few numbers and the names of its files.
//!
//! Invariant: when [`Catalogue::commit`] or [`BlobStore::put`] has returned `Ok`, the change
//! survives `kill -9` and a power cut.
//! Invariant: the two traits name no file of the embedded kind, take batches and hand out owned
//! values, so that a database server and an object store can stand behind them.

mod blobs;
mod catalogue;
mod error;
mod folder;
mod lock;
mod sqlite;
mod vectors;

pub use blobs::BlobStore;
pub use catalogue::{
    Catalogue, Change, Effect, NewPicture, PictureId, PictureRecord, Refusal, SourceFile,
    StoredBytes,
};
pub use error::StoreError;
pub use folder::FolderBlobs;
pub use lock::FolderLock;
pub use sqlite::SqliteCatalogue;
pub use vectors::{VectorCount, Vectors};
