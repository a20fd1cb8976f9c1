//! The JSON that commands write. The engine's own values are not serialisable on purpose: what
//! programs read is decided here. Names are those of the HTTP API where both tell the same thing.

use std::time::{Duration, SystemTime};

use resight_engine::{Comparison, Hit, Picture, RefusedFile, SearchAnswer};
use resight_vision::Image;
use serde::Serialize;

/// A stored picture.
#[derive(Serialize)]
pub(crate) struct PictureShape<'a> {
    id: &'a str,
    name: &'a str,
    /// Files with this content, absolute.
    paths: &'a [String],
    uploaded: bool,
    width: u32,
    height: u32,
    bytes: u64,
    media_type: &'a str,
    features: u32,
    /// RFC 3339, UTC.
    added: String,
}

impl<'a> PictureShape<'a> {
    pub(crate) fn new(picture: &'a Picture) -> Self {
        Self {
            id: picture.id.as_str(),
            name: &picture.name,
            paths: &picture.sources,
            uploaded: picture.uploaded,
            width: picture.width,
            height: picture.height,
            bytes: picture.byte_len,
            media_type: &picture.media_type,
            features: picture.features,
            added: rfc3339(picture.added_ms),
        }
    }
}

/// `resight list`.
#[derive(Serialize)]
pub(crate) struct ListShape<'a> {
    pub(crate) total: u64,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    pub(crate) images: Vec<PictureShape<'a>>,
}

/// `resight search`.
#[derive(Serialize)]
pub(crate) struct SearchShape<'a> {
    query: QueryShape<'a>,
    took_ms: f64,
    shortlist: usize,
    total: usize,
    offset: usize,
    limit: usize,
    verified: usize,
    hits: Vec<HitShape<'a>>,
}

#[derive(Serialize)]
struct QueryShape<'a> {
    image_id: Option<&'a str>,
    width: u32,
    height: u32,
    features: usize,
}

#[derive(Serialize)]
struct HitShape<'a> {
    image: PictureShape<'a>,
    stage: &'static str,
    verified: bool,
    inliers: usize,
    nfa_log10: Option<f64>,
    coverage_query: f64,
    coverage_result: f64,
    words: f64,
    cosine: Option<f64>,
    /// Query to result, pixels, row-major.
    transform: Option<[f64; 9]>,
    /// The query's outline in the result's pixels.
    region: Option<[[f64; 2]; 4]>,
}

impl<'a> SearchShape<'a> {
    pub(crate) fn new(answer: &'a SearchAnswer, offset: usize, limit: usize) -> Self {
        Self {
            query: QueryShape {
                image_id: answer.query_id.as_ref().map(|id| id.as_str()),
                width: answer.query_width,
                height: answer.query_height,
                features: answer.query_features,
            },
            took_ms: answer.timings.total_ms,
            shortlist: answer.shortlist,
            total: answer.total,
            offset,
            limit,
            verified: answer.verified,
            hits: answer.hits.iter().map(HitShape::new).collect(),
        }
    }
}

impl<'a> HitShape<'a> {
    fn new(hit: &'a Hit) -> Self {
        Self {
            image: PictureShape::new(&hit.picture),
            stage: hit.stage.as_str(),
            verified: hit.verified,
            inliers: hit.inliers,
            nfa_log10: hit.log10_nfa,
            coverage_query: hit.coverage_query,
            coverage_result: hit.coverage_result,
            words: hit.words,
            cosine: hit.cosine,
            transform: hit.transform,
            region: hit.region,
        }
    }
}

/// `resight compare`.
#[derive(Serialize)]
pub(crate) struct ComparisonShape<'a> {
    verified: bool,
    inliers: usize,
    matches: usize,
    nfa_log10: Option<f64>,
    coverage_a: f64,
    coverage_b: f64,
    a: SideShape,
    b: SideShape,
    /// A to B, pixels, row-major.
    transform: Option<[f64; 9]>,
    /// The outline of A in B's pixels.
    region: Option<[[f64; 2]; 4]>,
    /// `[ax, ay, bx, by]` of each inlier.
    points: &'a [[f64; 4]],
}

#[derive(Serialize)]
struct SideShape {
    width: u32,
    height: u32,
    features: usize,
}

impl<'a> ComparisonShape<'a> {
    pub(crate) fn new(comparison: &'a Comparison) -> Self {
        let side = |image: &Image, features| SideShape {
            width: image.width(),
            height: image.height(),
            features,
        };
        Self {
            verified: comparison.verified,
            inliers: comparison.inliers,
            matches: comparison.matches,
            nfa_log10: comparison.log10_nfa,
            coverage_a: comparison.coverage_a,
            coverage_b: comparison.coverage_b,
            a: side(&comparison.a, comparison.a_features),
            b: side(&comparison.b, comparison.b_features),
            transform: comparison.transform,
            region: comparison.region,
            points: &comparison.points,
        }
    }
}

/// One line of `resight refused`.
#[derive(Serialize)]
pub(crate) struct RefusedShape<'a> {
    path: &'a str,
    code: &'a str,
    detail: &'a str,
    /// RFC 3339, UTC.
    seen: String,
}

impl<'a> RefusedShape<'a> {
    pub(crate) fn new(file: &'a RefusedFile) -> Self {
        Self {
            path: &file.path,
            code: &file.code,
            detail: &file.detail,
            seen: rfc3339(file.seen_ms),
        }
    }
}

/// Milliseconds since 1970 as RFC 3339; a time before 1970 or beyond the year 9999 becomes 1970.
fn rfc3339(ms: i64) -> String {
    const LAST_MS: u64 = 253_402_300_799_999;
    let ms = u64::try_from(ms)
        .ok()
        .filter(|ms| *ms <= LAST_MS)
        .unwrap_or(0);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times_do_not_panic() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(rfc3339(-1), rfc3339(i64::MAX));
    }
}
