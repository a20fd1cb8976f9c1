//! Reading pictures by their labels and by what is recorded of them.

use crate::error::StoreError;
use crate::labels::{ObjectId, Tag};
use crate::order::{Order, Position};
use crate::picture::PictureRecord;

/// Whole numbers from one on, below another; the default has all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// The least of them.
    pub least: Option<i64>,
    /// The first that is too large.
    pub below: Option<i64>,
}

impl Between {
    /// Whether it has a number.
    pub fn has(&self, number: i64) -> bool {
        self.least.is_none_or(|least| number >= least)
            && self.below.is_none_or(|below| number < below)
    }

    /// Whether it has every number.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Conditions on the labels and the record of a picture. A picture matches if it meets all of
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
    /// It has fewer features than this, and so has each further page or frame of its file.
    pub features_below: Option<u32>,
    /// It has at least one of these tags, where there are any.
    pub any_tags: Vec<Tag>,
    /// For each of these texts it has a tag that begins with it.
    pub tag_prefixes: Vec<String>,
    /// Its name begins with this.
    pub name_prefix: Option<String>,
    /// One of its files lies in one of these folders, or below, where there are any.
    pub folders: Vec<String>,
    /// Its media type is one of these, where there are any.
    pub media_types: Vec<String>,
    /// It belongs to a pair that no decision refutes, or has more than one source.
    pub paired: bool,
    /// Length of its file.
    pub bytes: Between,
    /// In pixels.
    pub width: Between,
    /// In pixels.
    pub height: Between,
    /// When it was added, in milliseconds since 1970.
    pub added_ms: Between,
    /// When it was taken, in milliseconds since 1970; a picture that does not tell matches no bound.
    pub taken_ms: Between,
}

impl Filter {
    /// The most conditions that callers may put into a filter: each becomes a part of one query.
    pub const MOST: usize = 64;

    /// Number of tags, entries, prefixes, folders and media types it names.
    pub fn conditions(&self) -> usize {
        let tags = self.tags.len() + self.not_tags.len() + self.any_tags.len();
        tags + self.entries.len()
            + self.tag_prefixes.len()
            + self.folders.len()
            + self.media_types.len()
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

/// A media type of stored files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaTypeCount {
    /// For example `image/jpeg`.
    pub media_type: String,
    /// Number of pictures whose file has it, at least 1.
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

    /// At most `limit` of the pictures that match `filter` and come after `after` in this order, from the start for
    /// `None`. Of equals the one with the lower key comes first, in a descending order last.
    fn matching_page(
        &self,
        filter: &Filter,
        order: Order,
        after: Option<&Position>,
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

    /// The media types of all pictures, ascending.
    fn media_types(&self) -> Result<Vec<MediaTypeCount>, StoreError>;

    /// At most `limit` objects after the first `offset`, ascending by the bytes of the id.
    fn objects(&self, offset: u64, limit: u64) -> Result<Vec<ObjectCount>, StoreError>;

    /// At most `limit` objects after one, ascending by the bytes of the id.
    fn objects_after(&self, after: &ObjectId, limit: u64) -> Result<Vec<ObjectCount>, StoreError>;

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
