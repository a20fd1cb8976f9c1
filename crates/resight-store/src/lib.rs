//! Bytes and records, durably.
//!
//! Useful for: keeping what is known about each picture ([`Catalogue`]), keeping whole files under
//! a name ([`BlobStore`]), and making sure that one process at a time writes to a data folder
//! ([`FolderLock`]). The embedded forms are [`SqliteCatalogue`] and [`FolderBlobs`].
//!
//! Not useful for: anything that must understand a picture. Features and words are opaque bytes
//! here, and a picture is an id, a few numbers, the names of its files and what people say about it.
//!
//! Invariant: when [`Catalogue::commit`] or [`BlobStore::put`] has returned `Ok`, the change
//! survives `kill -9` and a power cut.
//! Invariant: the two traits name no file of the embedded kind, take batches and hand out owned
//! values, so that a database server and an object store can stand behind them.

mod blobs;
mod catalogue;
mod collections;
mod error;
mod folder;
mod labels;
mod lock;
mod pairs;
mod sqlite;
mod vectors;

pub use blobs::BlobStore;
pub use catalogue::{
    Catalogue, Change, Effect, NewPicture, ObjectCount, PictureId, PictureRecord, Refusal,
    SourceFile, StoredBytes,
};
pub use collections::{CollectionName, Collections};
pub use error::StoreError;
pub use folder::FolderBlobs;
pub use labels::{Filter, LabelPatch, Labels, Metadata, ObjectId, Tag, Update};
pub use lock::FolderLock;
pub use pairs::{NotAMatch, PairLink, PairedPicture, Pairs, PicturePair};
pub use sqlite::SqliteCatalogue;
pub use vectors::{VectorCount, Vectors};
