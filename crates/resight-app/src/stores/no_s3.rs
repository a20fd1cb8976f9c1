//! What stands for blobs in S3 in a program that was built without them.

use std::sync::Arc;

use resight_store::{BlobStore, CollectionName, StoreError};

use crate::AppError;

pub(super) fn check_blobs(_: &str) -> Result<(), AppError> {
    let what = "blobs in S3";
    Err(AppError::NotBuiltIn { what })
}

/// Settings with an address were refused, so that none of the following is called.
fn unavailable() -> StoreError {
    StoreError::Failed {
        location: "a store outside the data folder".to_owned(),
        detail: "this program was built without it".to_owned(),
    }
}

pub(super) fn blobs_location(_: &str) -> Result<String, StoreError> {
    Err(unavailable())
}

pub(super) fn open_blobs(_: &str, _: &CollectionName) -> Result<Arc<dyn BlobStore>, StoreError> {
    Err(unavailable())
}

pub(super) fn read_blobs(_: &str, _: &CollectionName) -> Result<Arc<dyn BlobStore>, StoreError> {
    Err(unavailable())
}

pub(super) fn has_blobs(_: &str, _: &CollectionName) -> Result<bool, StoreError> {
    Err(unavailable())
}

pub(super) fn drop_blobs(_: &str, _: &CollectionName) -> Result<(), StoreError> {
    Err(unavailable())
}
