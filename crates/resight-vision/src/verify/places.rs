//! Matches at distinct places, and places that lie close together.

use super::bounds::Bounds;
use super::pairs::Pairs;

/// Half the side of a descriptor in units of its keypoint's scale. Keypoints nearer than this, by the
/// geometric mean of their scales, are described by much the same pixels.
const SUPPORT: f64 = 6.0;

/// Of the matches in `of`, those at distinct places in both pictures.
///
/// One corner, like one letter, has several keypoints, at several scales and angles. When one of
/// them matches by chance, all do. So keypoints within the tolerance of a better one, or within
/// [`SUPPORT`] of it, where both descriptors cover the same pixels, are no further evidence.
pub(super) fn distinct_places(pairs: &Pairs, of: &[usize], bounds: &Bounds<'_>) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for &i in of {
        if kept
            .iter()
            .all(|&other| are_distinct(pairs, i, other, bounds))
        {
            kept.push(i);
        }
    }
    kept
}

/// Whether two matches lie at distinct places in both pictures.
pub(super) fn are_distinct(pairs: &Pairs, i: usize, j: usize, bounds: &Bounds<'_>) -> bool {
    let (a, b) = (pairs.at(i), pairs.at(j));
    let (s, t) = (pairs.scales(i), pairs.scales(j));
    let least = [bounds.near_in_query, bounds.tolerance];
    let reach = |k: usize| (SUPPORT * SUPPORT * s[k] * t[k]).max(least[k] * least[k]);
    squared(a.0, b.0) > reach(0) && squared(a.1, b.1) > reach(1)
}

/// Whether two matches lie at distinct places in the query.
pub(super) fn are_distinct_in_query(
    pairs: &Pairs,
    i: usize,
    j: usize,
    bounds: &Bounds<'_>,
) -> bool {
    let near = bounds.near_in_query;
    let reach = (SUPPORT * SUPPORT * pairs.scales(i)[0] * pairs.scales(j)[0]).max(near * near);
    squared(pairs.at(i).0, pairs.at(j).0) > reach
}

/// The number of groups of the query's places of `of`, where places within `reach` pixels of each other,
/// directly or by others, are one group.
pub(super) fn groups(pairs: &Pairs, of: &[usize], reach: f64) -> usize {
    let mut unvisited: Vec<[f64; 2]> = of.iter().map(|&i| pairs.at(i).0).collect();
    let mut found = 0;
    while let Some(first) = unvisited.pop() {
        found += 1;
        let mut reached = vec![first];
        while let Some(place) = reached.pop() {
            unvisited.retain(|&other| {
                let is_near = squared(place, other) <= reach * reach;
                if is_near {
                    reached.push(other);
                }
                !is_near
            });
        }
    }
    found
}

/// Squared distance.
pub(super) fn squared(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
    dx * dx + dy * dy
}
