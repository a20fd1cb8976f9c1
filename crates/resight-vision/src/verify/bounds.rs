//! The thresholds of verification for two pictures.

use super::evidence::{Evidence, VerifyOptions};

/// The thresholds in pixels.
pub(super) struct Bounds {
    /// Largest residual of an inlier in the result, and least distance of distinct places there.
    pub(super) tolerance: f64,
    /// Least distance of distinct places in the query.
    pub(super) near_in_query: f64,
    /// Area of the result, in square pixels.
    pub(super) area: f64,
}

impl Bounds {
    pub(super) fn of(evidence: &Evidence<'_>, options: &VerifyOptions) -> Self {
        let [w, h] = evidence.result_size.map(f64::from);
        let [query_width, query_height] = evidence.query_size.map(f64::from);
        Self {
            tolerance: options.tolerance * w.hypot(h),
            near_in_query: options.tolerance * query_width.hypot(query_height),
            area: w * h,
        }
    }
}
