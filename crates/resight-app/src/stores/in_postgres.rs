//! Catalogues in PostgreSQL.

use std::sync::Arc;

use resight_cluster::{PostgresCatalogue, WriterLock};
use resight_store::{Catalogue, CollectionName, StoreError};

use crate::AppError;

/// What keeps other processes from changing the catalogue.
pub(super) type Writer = WriterLock;

/// Whether text can be the address of a catalogue.
pub(super) fn check_catalogue(address: &str) -> Result<(), AppError> {
    Ok(PostgresCatalogue::location(address).map(|_| ())?)
}

/// What tells the database from others, without credentials.
pub(super) fn catalogue_location(address: &str) -> Result<String, StoreError> {
    PostgresCatalogue::location(address)
}

pub(super) fn open_catalogue(
    address: &str,
    name: &CollectionName,
    writer: Option<Arc<Writer>>,
) -> Result<Arc<dyn Catalogue>, StoreError> {
    let opened = match writer {
        Some(writer) => PostgresCatalogue::open_as(address, name, writer)?,
        None => PostgresCatalogue::open(address, name)?,
    };
    Ok(Arc::new(opened))
}

pub(super) fn read_catalogue(
    address: &str,
    name: &CollectionName,
) -> Result<Arc<dyn Catalogue>, StoreError> {
    Ok(Arc::new(PostgresCatalogue::open_read_only(address, name)?))
}

pub(super) fn has_catalogue(address: &str, name: &CollectionName) -> Result<bool, StoreError> {
    PostgresCatalogue::exists(address, name)
}

pub(super) fn collections(address: &str) -> Result<Vec<CollectionName>, StoreError> {
    PostgresCatalogue::collections(address)
}

pub(super) fn drop_catalogue(address: &str, name: &CollectionName) -> Result<bool, StoreError> {
    PostgresCatalogue::drop_collection(address, name)
}
