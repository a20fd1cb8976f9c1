//! Matches at distinct places, and places that lie close together.

use super::bounds::Bounds;
use super::pairs::Pairs;

/// Half the side of the square that a descriptor describes, in units of its keypoint's scale. Keypoints
/// nearer than this, by the geometric mean of their scales, are described by much the same pixels.
pub const DESCRIPTOR_REACH: f64 = 6.0;

/// Of the matches in `of`, those at distinct places in both pictures.
///
/// One corner, like one letter, has several keypoints, at several scales and angles. When one of
/// them matches by chance, all do. So keypoints within the tolerance of a better one, or within
/// [`DESCRIPTOR_REACH`] of it, where both descriptors cover the same pixels, are no further evidence.
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
fn are_distinct(pairs: &Pairs, i: usize, j: usize, bounds: &Bounds<'_>) -> bool {
    let (a, b) = (pairs.at(i).1, pairs.at(j).1);
    let scales = pairs.scales(i)[1] * pairs.scales(j)[1];
    are_distinct_in_query(pairs, i, j, bounds) && are_apart(a, b, scales, bounds.tolerance)
}

/// Whether two matches lie at distinct places in the query.
pub(super) fn are_distinct_in_query(
    pairs: &Pairs,
    i: usize,
    j: usize,
    bounds: &Bounds<'_>,
) -> bool {
    let (a, b) = (pairs.at(i).0, pairs.at(j).0);
    let scales = pairs.scales(i)[0] * pairs.scales(j)[0];
    are_apart(a, b, scales, bounds.near_in_query)
}

/// Whether two keypoints of one picture, with this product of their scales, lie further apart than `near`
/// pixels and than their descriptors reach.
fn are_apart(a: [f64; 2], b: [f64; 2], scales: f64, near: f64) -> bool {
    let reach = DESCRIPTOR_REACH * DESCRIPTOR_REACH * scales;
    squared(a, b) > reach.max(near * near)
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
