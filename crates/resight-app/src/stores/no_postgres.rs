//! What stands for catalogues in PostgreSQL in a program that was built without them.

use std::convert::Infallible;
use std::sync::Arc;

use resight_store::{Catalogue, CollectionName, StoreError};

use crate::AppError;

/// There is none.
pub(super) struct Writer(Infallible);

impl Writer {
    pub(super) fn acquire(_: &str) -> Result<Self, StoreError> {
        Err(unavailable())
    }
}

pub(super) fn check_catalogue(_: &str) -> Result<(), AppError> {
    let what = "catalogues in PostgreSQL";
    Err(AppError::NotBuiltIn { what })
}

/// Settings with an address were refused, so that none of the following is called.
fn unavailable() -> StoreError {
    StoreError::Failed {
        location: "a store outside the data folder".to_owned(),
        detail: "this program was built without it".to_owned(),
    }
}

pub(super) fn catalogue_location(_: &str) -> Result<String, StoreError> {
    Err(unavailable())
}

pub(super) fn open_catalogue(
    _: &str,
    _: &CollectionName,
    writer: Option<Arc<Writer>>,
) -> Result<Arc<dyn Catalogue>, StoreError> {
    match writer.as_deref() {
        Some(Writer(never)) => match *never {},
        None => Err(unavailable()),
    }
}

pub(super) fn read_catalogue(
    _: &str,
    _: &CollectionName,
) -> Result<Arc<dyn Catalogue>, StoreError> {
    Err(unavailable())
}

pub(super) fn has_catalogue(_: &str, _: &CollectionName) -> Result<bool, StoreError> {
    Err(unavailable())
}

pub(super) fn collections(_: &str) -> Result<Vec<CollectionName>, StoreError> {
    Err(unavailable())
}

pub(super) fn drop_catalogue(_: &str, _: &CollectionName) -> Result<bool, StoreError> {
    Err(unavailable())
}
