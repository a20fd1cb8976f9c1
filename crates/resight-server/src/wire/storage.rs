//! How much room a data folder takes.

use resight_app::{Code, storage as app};
use serde::Serialize;
use utoipa::ToSchema;

use super::timestamp;

/// How much room the data folder takes, in bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct StorageShown {
    /// When it was measured (RFC 3339, UTC): at most a minute ago.
    #[schema(format = DateTime)]
    computed: String,
    /// All that is listed here.
    total: u64,
    /// The collections that the key is good for.
    collections: Vec<CollectionStorage>,
    /// What belongs to no collection, as jobs, keys, kept answers and exports; null for a key of some collections.
    #[schema(required)]
    service: Option<u64>,
    /// What is free on the disk of the data folder; null where the system does not tell, and for a key of some collections.
    #[schema(required)]
    free: Option<u64>,
}

/// How much room a collection takes, in bytes.
#[derive(Debug, Serialize, ToSchema)]
struct CollectionStorage {
    /// Its name.
    name: String,
    /// Why its catalogue cannot be read, as a code of `docs/errors.md`; null where it can.
    #[schema(required)]
    code: Option<&'static str>,
    /// Its number of pictures; null where its catalogue cannot be read.
    #[schema(required)]
    pictures: Option<u64>,
    /// `originals`, `thumbnails`, `catalogue` and `index`.
    total: u64,
    /// Files of uploads.
    originals: u64,
    /// Thumbnails.
    thumbnails: u64,
    /// The catalogue's files. Features, words and vectors are parts of it.
    catalogue: u64,
    /// Features, by which pictures are verified; null where the catalogue cannot be read.
    #[schema(required)]
    features: Option<u64>,
    /// Visual words, by which candidates are found; null as above.
    #[schema(required)]
    words: Option<u64>,
    /// Vectors of models; null as above.
    #[schema(required)]
    vectors: Option<u64>,
    /// The files of the indexes, which are made from words and vectors.
    index: u64,
}

impl StorageShown {
    /// `sees`: which collections are told. `all`: whether the rest is.
    pub fn new(
        measured: app::StorageUse,
        sees: impl Fn(&resight_store::CollectionName) -> bool,
        all: bool,
    ) -> Self {
        let seen = measured.collections.into_iter();
        let collections: Vec<CollectionStorage> = seen
            .filter(|one| sees(&one.name))
            .map(CollectionStorage::from)
            .collect();
        let service = all.then_some(measured.service);
        Self {
            computed: timestamp(measured.measured_ms),
            total: collections.iter().map(|one| one.total).sum::<u64>() + service.unwrap_or(0),
            collections,
            service,
            free: measured.free.filter(|_| all),
        }
    }
}

impl From<app::CollectionUse> for CollectionStorage {
    fn from(one: app::CollectionUse) -> Self {
        let told = one.told.ok();
        let parts = told.map(|told| told.parts);
        Self {
            code: one.told.err().map(Code::as_str),
            name: one.name.to_string(),
            pictures: told.map(|told| told.pictures),
            total: one.originals + one.thumbnails + one.catalogue + one.index,
            originals: one.originals,
            thumbnails: one.thumbnails,
            catalogue: one.catalogue,
            features: parts.map(|parts| parts.features),
            words: parts.map(|parts| parts.words),
            vectors: parts.map(|parts| parts.vectors),
            index: one.index,
        }
    }
}
