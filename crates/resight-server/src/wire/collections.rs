//! Collections as programs read them.

use resight_store::CollectionName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Address below which a server serves a collection, as `/v1`.
pub fn address_of(collection: &CollectionName) -> String {
    if collection.is_default() {
        "/v1".to_owned()
    } else {
        format!("/v1/collections/{collection}")
    }
}

/// A collection of pictures.
#[derive(Debug, Serialize, ToSchema)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many pictures it holds; null where its catalogue cannot be read.
    pub pictures: Option<u64>,
}

/// All collections: the default one, then the others by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollectionList {
    /// The collections.
    pub collections: Vec<Collection>,
}

/// The new name of a collection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with name")]
pub(crate) struct CollectionRenamed {
    /// 1 to 63 of a-z, 0-9, _ and -, the first a letter or a digit.
    pub(crate) name: String,
}
