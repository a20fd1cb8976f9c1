//! Why vectors are refused.

use crate::Key;

/// The largest dimension: inner products of codes stay below 2³¹.
pub(super) const MAX_DIMENSION: usize = resight_vision::LONGEST_CODE;

/// Why a vector is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VectorFault {
    /// It has another dimension than the index: it comes from another model.
    #[error("the vector has {found} numbers, and those of this model have {expected}")]
    Dimension {
        /// Of the vectors in the index.
        expected: usize,
        /// Of the refused vector.
        found: usize,
    },
    /// A number is infinite or NaN.
    #[error("the vector holds a number that is not finite")]
    NotFinite,
    /// All its numbers are 0, or nearly.
    #[error("the vector is zero, which has no direction")]
    NoDirection,
}

/// A refused vector. None of those that came with it is added either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("picture {}: {fault}", key.0)]
pub struct RefusedVector {
    /// The picture of the vector.
    pub key: Key,
    /// Why it is refused.
    pub fault: VectorFault,
}

/// A dimension that no index can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("vectors of {0} numbers cannot be indexed: 1 to {MAX_DIMENSION} can")]
pub struct WrongDimension(pub usize);
