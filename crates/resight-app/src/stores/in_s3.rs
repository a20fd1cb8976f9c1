//! Blobs in an object store that speaks S3.

use std::sync::Arc;

use resight_cluster::{S3Blobs, S3Credentials};
use resight_store::{BlobStore, CollectionName, StoreError};

use crate::AppError;

/// Credentials are never part of a setting: who may list the processes of a machine sees its command lines.
const CREDENTIALS: S3Credentials = S3Credentials::Environment;

/// Whether text can be the address of blobs.
pub(super) fn check_blobs(address: &str) -> Result<(), AppError> {
    Ok(S3Blobs::location(address).map(|_| ())?)
}

/// What tells the place of blobs from others, without credentials.
pub(super) fn blobs_location(address: &str) -> Result<String, StoreError> {
    S3Blobs::location(address)
}

pub(super) fn open_blobs(
    address: &str,
    name: &CollectionName,
) -> Result<Arc<dyn BlobStore>, StoreError> {
    Ok(Arc::new(S3Blobs::open(address, name, &CREDENTIALS)?))
}

pub(super) fn read_blobs(
    address: &str,
    name: &CollectionName,
) -> Result<Arc<dyn BlobStore>, StoreError> {
    Ok(Arc::new(S3Blobs::for_reading(address, name, &CREDENTIALS)?))
}

pub(super) fn has_blobs(address: &str, name: &CollectionName) -> Result<bool, StoreError> {
    S3Blobs::for_reading(address, name, &CREDENTIALS)?.has_any()
}

pub(super) fn drop_blobs(address: &str, name: &CollectionName) -> Result<(), StoreError> {
    S3Blobs::for_reading(address, name, &CREDENTIALS)?.delete_all()
}
