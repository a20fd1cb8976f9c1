//! The input of verification.

use crate::features::Keypoint;
use crate::matching::Match;

/// The features of two pictures and the matches between them.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Keypoints of the query.
    pub query: &'a [Keypoint],
    /// Keypoints of the result.
    pub result: &'a [Keypoint],
    /// Matches of the two, best first.
    pub matches: &'a [Match],
    /// Width and height of the query in pixels.
    pub query_size: [f32; 2],
    /// Width and height of the result in pixels.
    pub result_size: [f32; 2],
    /// Whether `query` holds the keypoints of the query mirrored left to right. Transforms are
    /// then estimated for the mirrored query and returned for the query as it is.
    pub mirrored: bool,
}

/// Thresholds of verification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerifyOptions {
    /// Largest residual of an inlier, as a share of the result's diagonal.
    pub tolerance: f64,
    /// Largest log10 number of false alarms of a verified transform.
    pub max_log10_nfa: f64,
    /// Fewest inliers at distinct places of a verified transform, however unlikely fewer are.
    pub min_inliers: usize,
}

/// `docs/calibration.md` has the false-match rate of these values.
impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            tolerance: 0.008,
            max_log10_nfa: -6.0,
            min_inliers: 5,
        }
    }
}
