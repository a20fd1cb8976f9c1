//! Bounds and trade-offs of describing and searching.

use resight_decode::DecodeLimits;
use resight_vision::VerifyOptions;

/// Views of a picture, at most, whatever [`EngineOptions::most_views`] is.
pub(crate) const MOST_VIEWS: u32 = 32;

/// Bounds and trade-offs.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// Limits on the files that are accepted as pictures.
    pub decode: DecodeLimits,
    /// Longer side in pixels to which a picture is scaled down before it is described.
    pub max_side: u32,
    /// Number of features kept of each picture, the strongest first.
    pub max_features: usize,
    /// Views described of one file, at most: its pages or frames, the first included. With 1, the first alone.
    pub most_views: u32,
    /// Number of candidates that a search matches and verifies, at most, before one behind them was verified. It is
    /// fewer where the index gives no reason to look at more.
    pub shortlist: usize,
    /// Number of pictures nearest to the query by a model's vectors that a search matches and verifies
    /// beside the shortlist.
    pub alike_shortlist: usize,
    /// Number of vocabulary cells in which a query feature is matched. More cells find more matches and
    /// take longer.
    pub matching_cells: usize,
    /// Thresholds from which on a match counts as verified.
    pub verify: VerifyOptions,
    /// Memory for features of stored pictures and of pictures that were searched for, in bytes.
    pub feature_cache_bytes: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            decode: DecodeLimits::default(),
            max_side: 1024,
            max_features: 20_000,
            most_views: MOST_VIEWS,
            shortlist: 200,
            alike_shortlist: 100,
            matching_cells: 12,
            verify: VerifyOptions::default(),
            feature_cache_bytes: 256 << 20,
        }
    }
}
