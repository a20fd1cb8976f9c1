//! Matching a query with a stored picture, and the evidence that verification is given.

use resight_index::Vocabulary;
use resight_vision::{
    Evidence, LocalFeatures, Match, MatchOptions, Nearest, PackedQueries, Verification,
};

use crate::library::stored_features::StoredFeatures;

/// Matches each stored feature with the query features that look into its cell only. With 12 of 256
/// cells that is a twentieth of the comparisons, and few true matches lie elsewhere.
pub(crate) fn match_within_cells(
    query: &LocalFeatures,
    packed: &[PackedQueries],
    stored: &StoredFeatures,
    vocabulary: &Vocabulary,
) -> Vec<Match> {
    let descriptors = &stored.features.descriptors;
    let dimension = descriptors.dimension();
    let mut nearest = Nearest::new(query.len(), stored.features.len());
    for (features, packed) in cells(packed, stored, vocabulary) {
        if !features.is_empty() && dimension == query.descriptors.dimension() {
            let (first, until) = (features.start, features.end);
            let rows = &descriptors.as_bytes()[first * dimension..until * dimension];
            nearest.compare_run(first as u32, rows, packed);
        }
    }
    nearest.matches(&MatchOptions::default())
}

/// The cells in which query features look for matches: the stored features of each, as a range, and the
/// query's.
pub(crate) fn cells<'a>(
    packed: &'a [PackedQueries],
    stored: &'a StoredFeatures,
    vocabulary: &'a Vocabulary,
) -> impl Iterator<Item = (std::ops::Range<usize>, &'a PackedQueries)> {
    let mut first = 0;
    packed.iter().zip(0u32..).filter_map(move |(packed, cell)| {
        let words = vocabulary.cell_words(cell);
        let until = first + stored.words[first..].partition_point(|&word| word < words.end);
        let features = first..until;
        first = until;
        (!packed.is_empty()).then_some((features, packed))
    })
}

/// Evidence of a picture that is not mirrored.
pub(crate) fn evidence<'a>(
    query: &'a LocalFeatures,
    result: &'a LocalFeatures,
    matches: &'a [Match],
    query_size: [u32; 2],
    result_size: [u32; 2],
) -> Evidence<'a> {
    Evidence {
        query: &query.keypoints,
        result: &result.keypoints,
        matches,
        query_size: query_size.map(|v| v as f32),
        result_size: result_size.map(|v| v as f32),
        mirrored: false,
    }
}

/// Of each inlier x and y in the query, then x and y in the result.
pub(crate) fn inlier_points(
    verification: &Verification,
    matches: &[Match],
    query: &LocalFeatures,
    result: &LocalFeatures,
) -> Vec<[f64; 4]> {
    let inliers = verification.inliers.iter().map(|&i| {
        let q = &query.keypoints[matches[i].query as usize];
        let r = &result.keypoints[matches[i].result as usize];
        [q.x.into(), q.y.into(), r.x.into(), r.y.into()]
    });
    inliers.collect()
}
