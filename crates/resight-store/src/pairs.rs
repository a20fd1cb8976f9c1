//! Pairs of pictures that show the same thing, how far they have been looked for, and what somebody
//! said is no match.

use crate::{PictureId, StoreError};

/// Two pictures that agree, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct PicturePair {
    /// The lower key.
    pub a: u64,
    /// The higher key.
    pub b: u64,
    /// What kind of pair it is: a number whose meaning is the caller's.
    pub kind: u8,
    /// log10 of the number of false alarms.
    pub log10_nfa: f64,
    /// Matches that agree on the transform.
    pub inliers: u32,
    /// Share of `a` that they span, 0..1.
    pub coverage_a: f64,
    /// Share of `b` that they span, 0..1.
    pub coverage_b: f64,
    /// Share of what both show whose pixels agree as well, 0..1; `None` where that is not known.
    pub alike: Option<f64>,
    /// From `a` to `b` in pixels, row-major 3×3.
    pub transform: [f64; 9],
}

/// The part of a [`PicturePair`] that groups are made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLink {
    /// The lower key.
    pub a: u64,
    /// The higher key.
    pub b: u64,
    /// As in [`PicturePair`].
    pub kind: u8,
    /// log10 of the number of false alarms.
    pub log10_nfa: f64,
}

/// What groups are sorted by of a picture, without the rest of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairedPicture {
    /// Its key.
    pub key: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length of its file in bytes.
    pub byte_len: u64,
    /// Number of its sources; 0 where it was uploaded only.
    pub sources: u64,
}

/// Two pictures of which somebody said that they are no match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAMatch {
    /// The lower id.
    pub a: PictureId,
    /// The higher id.
    pub b: PictureId,
    /// When it was said, in milliseconds since 1970 (UTC).
    pub decided_ms: i64,
}

/// Durable records of pairs. Threads, states and errors are as with [`crate::Catalogue`], and what a
/// method here has kept is as durable as a commit there.
///
/// Pairs hang on the pictures' keys and go away with either picture. Decisions hang on the ids, so
/// they outlast a removal and count again when the same file comes back. The order of two ids does
/// not matter; a picture is never paired with itself.
pub trait Pairs: Send + Sync {
    /// Keeps pairs, in place of those that were there, and notes that every picture with a key up to
    /// `looked_up_to` has been looked for, both or neither. Pairs of which one picture is gone
    /// are passed over. The note never goes back.
    fn keep_pairs(&self, pairs: &[PicturePair], looked_up_to: u64) -> Result<(), StoreError>;

    /// The note of [`Pairs::keep_pairs`]; 0 where there is none.
    fn looked_up_to(&self) -> Result<u64, StoreError>;

    /// Number of pictures with keys above the note.
    fn not_looked_for(&self) -> Result<u64, StoreError>;

    /// At most `limit` keys of pictures above `key`, ascending.
    fn keys_above(&self, key: u64, limit: usize) -> Result<Vec<u64>, StoreError>;

    /// At most `limit` pairs above the pair `after` (from the start for `None`), ascending by both
    /// keys, those that are no match among them.
    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError>;

    /// The pairs of these keys, lower key first: as many, in the same order, `None` where unknown.
    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError>;

    /// Every picture that is of a pair or has more than one source, ascending by key.
    fn paired(&self) -> Result<Vec<PairedPicture>, StoreError>;

    /// Records that these two are no match, whether or not they are held. Says whether that is
    /// new.
    fn add_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError>;

    /// Takes the decision back. Says whether it was there.
    fn drop_not_a_match(&self, a: &PictureId, b: &PictureId) -> Result<bool, StoreError>;

    /// At most `limit` decisions after `offset` of them, the newest first (of equal time by ids).
    fn not_matches(&self, offset: u64, limit: u64) -> Result<Vec<NotAMatch>, StoreError>;

    /// Number of decisions.
    fn not_match_count(&self) -> Result<u64, StoreError>;

    /// Keys of the pictures held that are no match of this one, ascending.
    fn not_matches_of(&self, id: &PictureId) -> Result<Vec<u64>, StoreError>;

    /// Every pair that is no match and of which both are held, by their keys, the lower first; in no
    /// order.
    fn not_match_keys(&self) -> Result<Vec<(u64, u64)>, StoreError>;
}
