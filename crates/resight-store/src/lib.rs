//! Bytes and records, durably.
//!
//! Useful for: storing what is known about each picture ([`Catalogue`]), storing whole files under
//! a name ([`BlobStore`]), and making sure that one process at a time writes to a data folder
//! ([`FolderLock`]). The embedded implementations are [`SqliteCatalogue`] and [`FolderBlobs`]. The
//! module `conformance` (a feature) has the tests that every implementation must pass, and a reference
//! implementation in memory for tests.
//!
//! Not useful for: anything that must understand a picture. Features and words are opaque bytes
//! here, and a picture is an id, a few numbers, the names of its files and its labels.
//!
//! Invariant: when [`Changes::commit`] or [`BlobStore::put`] has returned `Ok`, the change
//! survives `kill -9` and a power cut.
//! Invariant: the traits name nothing of the embedded kind, take batches and return owned values,
//! so that a database server and an object store can stand behind them.

mod blobs;
mod catalogue;
mod changes;
mod clock;
mod collections;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decisions;
mod encoded;
mod error;
mod folder;
mod guard;
mod id;
mod integrity;
mod label_queries;
mod labels;
pub mod listing;
mod lock;
mod order;
mod pages;
mod pairs;
mod picture;
mod repairs;
mod reserve;
mod service;
mod settings;
mod sources;
mod sqlite;
pub mod sums;
mod vectors;
mod views;

pub use blobs::{BlobStore, check_blob_name};
pub use catalogue::Catalogue;
pub use changes::{Change, Changes, Effect, apply_each};
pub use clock::now_ms;
pub use collections::{CollectionName, Collections};
pub use decisions::{Decisions, NotAMatch};
pub use encoded::{EncodedFeatures, EncodedWords, StagedWords};
pub use error::StoreError;
pub use folder::FolderBlobs;
pub use guard::FolderGuard;
pub use id::PictureId;
pub use integrity::Integrity;
pub use label_queries::{Between, Filter, LabelQueries, MediaTypeCount, ObjectCount};
pub use labels::{LabelPatch, Labels, Metadata, ObjectId, Tag, Update};
pub use lock::{FolderLock, SharedFolderLock, create_private};
pub use order::{Order, OrderBy, Position, Value};
pub use pages::{PAGE, pages, read_all};
pub use pairs::{PairLink, PairedPicture, Pairs, PicturePair};
pub use picture::{NewPicture, PictureRecord, Pictures, StoredBytes};
pub use repairs::Repairs;
pub use service::{
    FolderRecord, JobAdded, JobBounds, JobEnd, JobFilter, JobProgress, JobRecord, JobRefusal,
    JobState, NewFolder, NewJob, ServiceRecords,
};
pub use settings::{RemovedPictures, Settings};
pub use sources::{Refusal, Refusals, SourceFile, Sources};
pub use sqlite::SqliteCatalogue;
pub use vectors::{VectorCount, Vectors};
pub use views::{NewView, ViewRecord, Views};
