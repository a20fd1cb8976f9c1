//! Which segments of vectors are merged: neighbours of about one size, in pairs. Segments are larger
//! than those of postings, as one large graph finds more than several small ones.

use super::vectors::MAX_VECTORS;
use crate::merge_policy::{MergeJob, SegmentMeta, TAIL_PICTURES};

/// The merges to do, the most urgent first: sparse segments are rewritten, then pairs merged, the
/// newest first. Jobs may overlap: the caller does one and asks again.
pub(super) fn candidates(segments: &[SegmentMeta]) -> impl Iterator<Item = MergeJob> {
    let needs_rewrite = |s: &SegmentMeta| is_sparse(*s) && s.pictures > TAIL_PICTURES;
    let positions = 0..segments.len();
    let sparse = positions.filter(move |&at| needs_rewrite(&segments[at]));
    // Removals may have left neighbours anywhere that would fit into one segment.
    let newer = (1..segments.len()).rev();
    let pairs = newer.filter(|&at| {
        let (older, newer) = (segments[at - 1], segments[at]);
        belong_together(older, newer) && older.live + newer.live > TAIL_PICTURES
    });
    sparse
        .map(|at| at..at + 1)
        .chain(pairs.map(|at| at - 1..at + 1))
}

/// More than a fifth of its vectors are removed: it is rewritten.
pub(super) fn is_sparse(segment: SegmentMeta) -> bool {
    5 * (segment.pictures - segment.live) > segment.pictures
}

/// Whether `DenseIndex::add` merges the last two segments itself.
pub(super) fn merges_in_tail(older: SegmentMeta, newer: SegmentMeta) -> bool {
    belong_together(older, newer) && older.live + newer.live <= TAIL_PICTURES
}

/// Whether two neighbours are merged: the newer has at least half the size of the older, and both fit
/// into one segment.
fn belong_together(older: SegmentMeta, newer: SegmentMeta) -> bool {
    2 * newer.live >= older.live && older.live + newer.live <= MAX_VECTORS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Start and end of each job.
    fn jobs(segments: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let metas = segments.iter().map(|&(pictures, removed)| SegmentMeta {
            pictures,
            live: pictures - removed,
        });
        let metas: Vec<SegmentMeta> = metas.collect();
        let jobs = candidates(&metas);
        jobs.map(|job| (job.start, job.end)).collect()
    }

    #[test]
    fn sparse_segments_come_first_and_then_the_newest_pairs() {
        const HALF: usize = MAX_VECTORS / 2;
        // Pictures in each segment and how many of them are removed.
        for (segments, expected) in [
            (&[][..], &[][..]),
            (&[(3000, 0)], &[]),
            (&[(3000, 601)], &[(0, 1)]),
            (&[(3000, 600), (1100, 0)], &[]),
            (
                &[(2000, 0), (1500, 0), (1100, 1000), (900, 0)],
                &[(2, 3), (0, 2)],
            ),
            (&[(HALF, 0), (HALF, 0)], &[(0, 2)]),
            (&[(HALF, 0), (HALF + 1, 0)], &[]),
        ] {
            assert_eq!(jobs(segments), expected, "{segments:?}");
        }
    }
}
