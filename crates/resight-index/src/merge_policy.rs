//! Which segments of the inverted index are merged.
//!
//! Segments stand in the order in which they were added, and neighbours are merged. Each picture is
//! copied a logarithmic number of times, and a search meets few segments.

use std::ops::Range;

use crate::segment::MAX_PICTURES;

/// Merges of at most this many pictures are made by `Index::add` itself; larger ones by the
/// maintenance thread.
pub(crate) const TAIL_PICTURES: usize = 1024;

/// What a merge policy knows of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentMeta {
    /// Pictures in it, removed ones included.
    pub(crate) pictures: usize,
    /// Pictures in it that are not removed.
    pub(crate) live: usize,
}

impl SegmentMeta {
    /// At least three quarters full: it is not filled up from the next.
    pub(crate) fn is_full(self) -> bool {
        4 * self.live >= 3 * MAX_PICTURES
    }

    /// More than a quarter of its pictures are removed: it is rewritten.
    pub(crate) fn is_sparse(self) -> bool {
        4 * (self.pictures - self.live) > self.pictures
    }
}

/// Neighbours to merge into as few segments as possible, by position; a single one is rewritten
/// without its removed pictures.
pub(crate) type MergeJob = Range<usize>;

/// The merges to do, the most urgent first: sparse segments are rewritten, then runs of neighbours
/// merged, the newest first. Jobs may overlap: the caller does one and asks again.
pub(crate) fn candidates(segments: &[SegmentMeta]) -> impl Iterator<Item = MergeJob> {
    let is_sparse = |s: &SegmentMeta| s.is_sparse() && s.pictures > TAIL_PICTURES;
    let positions = 0..segments.len();
    let sparse = positions.filter(move |&at| is_sparse(&segments[at]));
    // Removals may have left neighbours anywhere that would fit into one segment.
    let ends = (2..=segments.len()).rev();
    let runs = ends.map(|end| run_before(segments, end));
    sparse
        .map(|at| at..at + 1)
        .chain(runs.filter(|run| run.len() > 1))
}

/// How many segments stand before the tail, which `Index::add` may still merge: what maintenance
/// made of the tail would soon be copied again.
pub(crate) fn before_tail(segments: &[SegmentMeta]) -> usize {
    let mut behind = 0;
    let tail = segments.iter().rev().take_while(|s| {
        behind += s.live;
        behind <= TAIL_PICTURES
    });
    segments.len() - tail.count()
}

/// Whether `Index::add` merges the last two segments itself.
pub(crate) fn merges_in_tail(older: SegmentMeta, newer: SegmentMeta) -> bool {
    belong_together(older, &[newer]) && older.live + newer.live <= TAIL_PICTURES
}

/// The last of `segments[..end]` with as many before it as belong together: what merging them pair
/// by pair would come to, in one go. Of more than fill one segment, the oldest that do.
fn run_before(segments: &[SegmentMeta], end: usize) -> MergeJob {
    let mut start = end - 1;
    while start > 0 && belong_together(segments[start - 1], &segments[start..end]) {
        start -= 1;
    }
    let mut pictures = 0;
    let within = segments[start..end].iter().take_while(|s| {
        let before = pictures;
        pictures += s.live;
        before < MAX_PICTURES
    });
    start..start + within.count()
}

/// Whether a segment is merged with all those behind it: together they are at least half its size,
/// and either all fit into one segment, or none is full and the first is filled up.
fn belong_together(older: SegmentMeta, newer: &[SegmentMeta]) -> bool {
    let behind: usize = newer.iter().map(|s| s.live).sum();
    let fits = older.live + behind <= MAX_PICTURES;
    let fills = !older.is_full() && !newer.iter().any(|s| s.is_full());
    2 * behind >= older.live && (fits || fills)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pictures: usize) -> SegmentMeta {
        SegmentMeta {
            pictures,
            live: pictures,
        }
    }

    fn first_job(lengths: &[usize]) -> Option<MergeJob> {
        let all: Vec<SegmentMeta> = lengths.iter().copied().map(whole).collect();
        candidates(&all).next()
    }

    #[test]
    fn neighbours_of_about_one_size_are_merged_in_one_go() {
        let full = MAX_PICTURES * 3 / 4;
        for (lengths, expected) in [
            (&[][..], None),
            (&[5000], None),
            (&[2000, 1100, 1200], Some(0..3)),
            (&[1100; 50], Some(0..50)),
            // The newer are less than half as large: they wait for more.
            (&[40_000, 10_000], None),
            (&[40_000, 10_000, 6000], Some(1..3)),
            // The second fills up the first; a full segment is left as it is.
            (&[40_000, 35_000], Some(0..2)),
            (&[full, 40_000], None),
            (&[30_000, full], None),
            // The newest run first.
            (&[3000, 2000, full, 3000, 2000], Some(3..5)),
            // 17 of 4,000 fill one segment; those behind are merged later.
            (&[4000; 33], Some(0..17)),
            (&[40_000, 30_000, 20_000], Some(0..2)),
        ] {
            assert_eq!(first_job(lengths), expected, "{lengths:?}");
        }
    }

    #[test]
    fn sparse_segments_come_first() {
        let removed = |removed: usize| SegmentMeta {
            pictures: 4000,
            live: 4000 - removed,
        };
        assert!(removed(1001).is_sparse() && !removed(1000).is_sparse());
        let segments = [whole(3000), whole(2000), removed(1001), removed(1000)];
        let jobs: Vec<MergeJob> = candidates(&segments).collect();
        assert_eq!(jobs, [2..3, 0..4, 0..3, 0..2]);
        // `Index::remove` rewrites small segments itself.
        let small = SegmentMeta {
            pictures: TAIL_PICTURES,
            live: 1,
        };
        assert!(small.is_sparse());
        assert_eq!(candidates(&[small]).next(), None);
    }

    #[test]
    fn the_tail_is_what_add_may_still_merge() {
        for (lengths, before) in [
            (&[][..], 0),
            (&[2000], 1),
            (&[2000, 600, 300], 1),
            (&[2000, 600, 500], 2),
            (&[1024], 0),
            (&[1025], 1),
        ] {
            let all: Vec<SegmentMeta> = lengths.iter().copied().map(whole).collect();
            assert_eq!(before_tail(&all), before, "{lengths:?}");
        }
        assert!(merges_in_tail(whole(600), whole(300)));
        assert!(!merges_in_tail(whole(600), whole(299)));
        assert!(!merges_in_tail(whole(600), whole(425)));
    }
}
