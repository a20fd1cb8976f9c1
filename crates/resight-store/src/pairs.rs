//! Pairs of pictures that show the same thing.

use crate::error::StoreError;

/// Two pictures that show the same thing, with the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct PicturePair {
    /// The lower key.
    pub a: u64,
    /// The higher key.
    pub b: u64,
    /// Kind of the pair; the caller defines the numbers.
    pub kind: u8,
    /// log10 of the number of false alarms.
    pub log10_nfa: f64,
    /// Number of matches that agree on the transform.
    pub inliers: u32,
    /// Share of `a` that the inliers span, 0 to 1.
    pub coverage_a: f64,
    /// Share of `b` that the inliers span, 0 to 1.
    pub coverage_b: f64,
    /// Share of the common area whose pixels agree as well, 0 to 1; `None` if they were not compared.
    pub alike: Option<f64>,
    /// Homography from pixels of `a` to pixels of `b`, row-major 3×3.
    pub transform: [f64; 9],
    /// Whether one is the other's negative.
    pub inverted: bool,
    /// Boxes of `b` in which it differs from `a`: left, top, right and bottom in pixels.
    pub regions: Vec<[f32; 4]>,
}

/// The part of a [`PicturePair`] that groups are formed from.
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

/// The part of a picture's record that groups are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairedPicture {
    /// Its key.
    pub key: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length of its file in bytes.
    pub byte_len: u64,
    /// Media type of its file.
    pub media_type: String,
    /// Pages or frames of its file; `None` where that is not known.
    pub pages: Option<u32>,
    /// Bits a sample of its file; `None` where that is not known.
    pub depth: Option<u8>,
    /// Number of its sources.
    pub sources: u64,
    /// Whether its bytes were uploaded.
    pub uploaded: bool,
}

/// Pairs of stored pictures, and the key up to which all pictures have been checked for duplicates.
///
/// A pair belongs to two keys and is removed with either picture. A picture is never paired with
/// itself.
pub trait Pairs: Send + Sync {
    /// Stores pairs, in place of earlier ones of the same keys, and records that every picture with a
    /// key up to `checked_up_to` has been checked, both or neither. Ignores pairs of which a picture is
    /// gone, and pairs whose `a` is not the lower key. The recorded key never goes back. As durable as
    /// [`crate::Changes::commit`].
    fn put_pairs(&self, pairs: &[PicturePair], checked_up_to: u64) -> Result<(), StoreError>;

    /// The key up to which all pictures have been checked; 0 at first.
    fn checked_up_to(&self) -> Result<u64, StoreError>;

    /// Number of pictures with higher keys than that: not checked yet.
    fn unchecked_count(&self) -> Result<u64, StoreError>;

    /// A page of all pairs above `after` (from the start for `None`), ascending by both keys,
    /// including those that a user decided are no match.
    fn links_after(
        &self,
        after: Option<(u64, u64)>,
        limit: usize,
    ) -> Result<Vec<PairLink>, StoreError>;

    /// The pairs of these keys, lower key first: one entry for each, in the same order, `None` where
    /// there is no such pair.
    fn pairs(&self, keys: &[(u64, u64)]) -> Result<Vec<Option<PicturePair>>, StoreError>;

    /// A page of the pictures with keys above `after` (from the start for `None`) that are part of a
    /// pair or have more than one source, ascending by key.
    fn paired_after(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PairedPicture>, StoreError>;
}
