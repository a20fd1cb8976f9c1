//! The thresholds of verification for two pictures.

use super::evidence::{Evidence, VerifyOptions};
use crate::features::Keypoint;

/// The thresholds in pixels, and what the chance model knows of the two pictures.
pub(super) struct Bounds<'a> {
    /// Largest residual of an inlier in the result, and least distance of distinct places there.
    pub(super) tolerance: f64,
    /// Least distance of distinct places in the query.
    pub(super) near_in_query: f64,
    /// Area of the result, in square pixels.
    pub(super) area: f64,
    /// Diagonals of the query and of the result, in pixels.
    pub(super) diagonals: [f64; 2],
    /// All keypoints of the result.
    pub(super) result: &'a [Keypoint],
}

impl<'a> Bounds<'a> {
    pub(super) fn of(evidence: &Evidence<'a>, options: &VerifyOptions) -> Self {
        let [w, h] = evidence.result_size.map(f64::from);
        let [query_width, query_height] = evidence.query_size.map(f64::from);
        let diagonals = [query_width.hypot(query_height), w.hypot(h)];
        Self {
            tolerance: options.tolerance * diagonals[1],
            near_in_query: options.tolerance * diagonals[0],
            area: w * h,
            diagonals,
            result: evidence.result,
        }
    }
}
