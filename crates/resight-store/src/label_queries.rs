//! Reading pictures by their labels.

use crate::error::StoreError;
use crate::labels::{ObjectId, Tag};
use crate::picture::PictureRecord;

/// Conditions on the labels and the number of features of a picture. A picture matches if it meets all of
/// them; the default matches every picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// It has each of these tags.
    pub tags: Vec<Tag>,
    /// It has none of these tags.
    pub not_tags: Vec<Tag>,
    /// It belongs to this object.
    pub object: Option<ObjectId>,
    /// Its metadata has each of these entries.
    pub entries: Vec<(String, String)>,
    /// It has fewer features than this.
    pub features_below: Option<u32>,
}

impl Filter {
    /// The most conditions that callers may put into a filter: each becomes a part of one query.
    pub const MOST: usize = 64;

    /// Number of tags and entries it names.
    pub fn conditions(&self) -> usize {
        self.tags.len() + self.not_tags.len() + self.entries.len()
    }

    /// Whether every picture matches.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An object that pictures belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCount {
    /// Its id.
    pub id: ObjectId,
    /// Number of its pictures, at least 1.
    pub pictures: u64,
}

/// Pictures by their labels. An object exists as long as a picture belongs to it.
pub trait LabelQueries: Send + Sync {
    /// As [`crate::Pictures::list`], of the pictures that match `filter`.
    fn matching_list(
        &self,
        filter: &Filter,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<PictureRecord>, StoreError>;

    /// Number of pictures that match `filter`.
    fn matching_count(&self, filter: &Filter) -> Result<u64, StoreError>;

    /// A page of the keys above `after` (from the start for `None`) of pictures that match `filter`,
    /// ascending.
    fn matching_keys_after(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;

    /// At most `limit` objects after the first `offset`, ascending by the bytes of the id.
    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError>;

    /// Number of objects.
    fn object_count(&self) -> Result<u64, StoreError>;

    /// A page of the pictures that belong to an object, as pairs of object and key above `after`
    /// (from the start for `None`), ascending by object, then by key.
    fn memberships_after(
        &self,
        after: Option<&(ObjectId, u64)>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, u64)>, StoreError>;
}
