//! Merging segments of the inverted index.

use std::ops::Range;

use crate::live::LiveSegment;
use crate::merge_policy::SegmentMeta;
use crate::segment::builder::MergeInput;
use crate::segment::{MAX_PICTURES, Segment};
use crate::segment_file::Keyed;

/// A segment of the inverted index with its tombstones.
pub(crate) type LivePostings = LiveSegment<Segment>;

/// What the merge policy knows of a segment.
pub(crate) fn meta(live: &LivePostings) -> SegmentMeta {
    SegmentMeta {
        pictures: live.segment.keys().len(),
        live: live.len(),
    }
}

/// The live pictures of these segments in as few segments as possible: all but the last have
/// [`MAX_PICTURES`].
pub(crate) fn merge(segments: &[&LivePostings]) -> Vec<LivePostings> {
    let total: usize = segments.iter().map(|s| s.len()).sum();
    let cuts = (0..total).step_by(MAX_PICTURES);
    cuts.map(|cut| {
        let mut before = 0;
        let ranges = segments.iter().map(|s| {
            let own = s.len();
            let position = |n: usize| s.nth_live(n.saturating_sub(before).min(own));
            let range = position(cut)..position(cut + MAX_PICTURES);
            before += own;
            range
        });
        let ranges: Vec<Range<u32>> = ranges.collect();
        let takes = segments.iter().zip(ranges);
        let takes: Vec<_> = takes
            .map(|(s, range)| move |picture| range.contains(&picture) && s.is_live(picture))
            .collect();
        let inputs = segments.iter().zip(&takes).map(|(s, takes)| MergeInput {
            segment: &s.segment,
            takes,
        });
        LiveSegment::of(Segment::merge(&inputs.collect::<Vec<_>>()))
    })
    .collect()
}
