//! Collections as programs read them.

use serde::Serialize;
use utoipa::ToSchema;

/// A collection of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Collection {
    pub(crate) name: String,
    /// How many pictures it holds; null where its catalogue cannot be read.
    pub(crate) pictures: Option<u64>,
}

/// All collections: the default one, then the others by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionList {
    pub(crate) collections: Vec<Collection>,
}
