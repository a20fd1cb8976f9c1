//! Decisions of users that two pictures are no match.

use crate::error::StoreError;
use crate::id::PictureId;

/// A user's decision that two pictures are no match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAMatch {
    /// The lower id.
    pub a: PictureId,
    /// The higher id.
    pub b: PictureId,
    /// When it was decided, in milliseconds since 1970 (UTC).
    pub decided_ms: i64,
}

/// Decisions that two pictures are no match. They belong to ids, not to keys, so they outlast a
/// removal and apply again when the same file comes back. The order of the two ids does not matter.
pub trait Decisions: Send + Sync {
    /// Records that these two are no match, whether or not they are stored. Returns whether the
    /// decision is new; always `false` for twice the same id. As durable as
    /// [`crate::Changes::commit`].
    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError>;

    /// Takes the decision back. Returns whether it existed.
    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError>;

    /// At most `limit` decisions after the first `offset`, newest first; of decisions of the same
    /// millisecond, the lower ids first.
    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError>;

    /// At most `limit` decisions that come after `after` in the order of [`Decisions::not_matches`], whether or not it
    /// still exists.
    fn not_matches_after(
        &self,
        after: &NotAMatch,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError>;

    /// At most `limit` decisions by their ids, ascending, above `after` (from the start for `None`): the order in which
    /// reading all of them costs least.
    fn not_matches_by_id(
        &self,
        after: Option<(&PictureId, &PictureId)>,
        limit: u64,
    ) -> Result<Vec<NotAMatch>, StoreError>;

    /// Number of decisions.
    fn not_match_count(&self) -> Result<u64, StoreError>;

    /// A page of the keys above `after` (from the start for `None`) of stored pictures that are no
    /// match of this one, ascending.
    fn not_matches_of_after(
        &self,
        id: &PictureId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError>;

    /// A page of the decisions whose pictures are both stored, as pairs of keys above `after` (from
    /// the start for `None`), lower key first, ascending.
    fn not_match_keys_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<(u64, u64)>, StoreError>;
}
