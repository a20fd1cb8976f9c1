//! How much of what two pictures show in one place agrees: whether they share one thing, or a mark that is
//! printed on two.
//!
//! Verification counts what agrees. A form, a letterhead or a finder mark agrees truly, and most of what
//! stands around it does not. Here the keypoints of the query that the result should show are counted, in
//! the matched part and beside it: a keypoint agrees where the result has one of its size and direction
//! there whose descriptor is as near as those of the inliers, and contradicts where the result has one with
//! another descriptor.

use std::collections::HashMap;

use resight_vision::{Keypoint, LocalFeatures, Match, Verification};

use super::answer::EvidenceKind;
use crate::geometry;

/// Distance of two keypoints at one place, as a share of the result's diagonal.
const PLACE: f64 = 0.01;
/// Ratio of their scales, and difference of their directions in radians, at most.
const SCALE: f64 = 1.67;
const TURN: f64 = 0.5;
/// Descriptors agree up to this multiple of the inliers' distance, of which this share is nearer.
const AS_NEAR: f64 = 1.3;
const MOST_INLIERS: f64 = 0.9;

/// Keypoints of the query that the result should show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Support {
    /// In the matched part.
    pub within: Counts,
    /// Beside it.
    pub beside: Counts,
    /// Median distance of the inliers' descriptors, in the descriptors' own unit.
    pub inlier_distance: f64,
    /// Median distance of the descriptors that contradict; 0 where none does.
    pub other_distance: f64,
}

impl Support {
    /// Whether the descriptors of the inliers are as near as print repeats them, or nothing contradicts.
    pub(crate) fn is_exact(&self) -> bool {
        self.other_distance == 0.0 || self.inlier_distance <= EXACT * self.other_distance
    }

    /// The same by the bound for what keypoints alone say; where nothing contradicts, there is no measure.
    pub(crate) fn is_nearly_exact(&self) -> bool {
        self.inlier_distance <= NEARLY_EXACT * self.other_distance
    }
}

/// Keypoints, by what the result has at their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// A keypoint with a descriptor that is as near as those of inliers.
    pub agreeing: usize,
    /// A keypoint with another descriptor.
    pub contradicting: usize,
    /// None.
    pub missing: usize,
}

// The bounds were chosen on the first 8 subjects of 21 classes of `bench/run classes.py`, on smvs_dvd and on
// oxford_landmarks; docs/calibration.md has what they do on others.
/// Print repeats exactly: its descriptors lie this much nearer than those of other things at one place do.
const NEARLY_EXACT: f64 = 0.36;
/// Where pixels decide, it is less: of photographs of one DVD or building up to a tenth is as exact as the above.
const EXACT: f64 = 0.3;
/// A matched part is small where it covers at most this share of each of the two pictures. It is a mark
/// where it is exact, and of what both pictures show at most this share agrees.
const SMALL: f64 = 0.6;
const AGREEING_IN_ALL: f64 = 0.4;
/// A larger part is a mark where at most this share of its keypoints agrees, and of those that the result has
/// at their place this share.
const SEEN: f64 = 0.2;
const AGREEING_WITHIN: f64 = 0.5;

/// What a verified hit rests on. `coverage` are the shares of the two pictures that the matched part covers.
pub(crate) fn kind_of_evidence(support: &Support, coverage: [f64; 2]) -> EvidenceKind {
    let Support { within, beside, .. } = support;
    let share = |agreeing: usize, of: usize| agreeing as f64 / of.max(1) as f64;
    let compared = within.agreeing + within.contradicting;
    let in_all = share(
        within.agreeing + beside.agreeing,
        compared + beside.agreeing + beside.contradicting,
    );
    let is_exact = support.is_nearly_exact();
    let is_mark = if coverage[0].max(coverage[1]) <= SMALL {
        is_exact && in_all <= AGREEING_IN_ALL
    } else {
        share(within.agreeing, compared + within.missing) <= SEEN
            && share(within.agreeing, compared) <= AGREEING_WITHIN
    };
    if is_mark {
        EvidenceKind::Mark
    } else {
        EvidenceKind::Object
    }
}

/// Counts the keypoints of a query that is neither mirrored nor inverted. `part` is the matched part in the
/// query.
pub(crate) fn support(
    found: &Verification,
    matches: &[Match],
    [query, result]: [&LocalFeatures; 2],
    part: Option<&[[f64; 2]]>,
    result_size: [u32; 2],
) -> Support {
    let diagonal = f64::from(result_size[0]).hypot(f64::from(result_size[1]));
    let grid = Grid::new(&result.keypoints, PLACE * diagonal);
    let (near, median) = as_near(found, matches, query, result);
    let mut support = Support::default();
    let mut others = Vec::new();
    for (i, keypoint) in query.keypoints.iter().enumerate() {
        let at = [f64::from(keypoint.x), f64::from(keypoint.y)];
        let Some(seen) = Seen::of(keypoint, found, result_size) else {
            continue;
        };
        let distances = grid.near(seen.at).filter_map(|j| {
            let other = &result.keypoints[j];
            let is_it = seen.is(other, grid.side);
            is_it.then(|| distance(query, i, result, j))
        });
        let counts = if part.is_some_and(|part| geometry::contains(part, at)) {
            &mut support.within
        } else {
            &mut support.beside
        };
        match distances.min() {
            Some(distance) if f64::from(distance) <= near => counts.agreeing += 1,
            Some(distance) => {
                counts.contradicting += 1;
                others.push(distance);
            }
            None => counts.missing += 1,
        }
    }
    others.sort_unstable();
    support.inlier_distance = median;
    support.other_distance = others
        .get(others.len() / 2)
        .map_or(0.0, |&d| f64::from(d).sqrt());
    support
}

/// The squared distance up to which descriptors count as near, and the median of the inliers' distances.
fn as_near(
    found: &Verification,
    matches: &[Match],
    query: &LocalFeatures,
    result: &LocalFeatures,
) -> (f64, f64) {
    let distances = found.inliers.iter().map(|&i| {
        let of = &matches[i];
        distance(query, of.query as usize, result, of.result as usize)
    });
    let mut distances: Vec<u32> = distances.collect();
    distances.sort_unstable();
    let at = (MOST_INLIERS * distances.len().saturating_sub(1) as f64) as usize;
    let most = distances.get(at).copied().unwrap_or(0);
    let median = distances.get(distances.len() / 2).copied().unwrap_or(0);
    (
        AS_NEAR * AS_NEAR * f64::from(most),
        f64::from(median).sqrt(),
    )
}

fn distance(query: &LocalFeatures, i: usize, result: &LocalFeatures, j: usize) -> u32 {
    let values = query
        .descriptors
        .get(i)
        .iter()
        .zip(result.descriptors.get(j));
    values.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
}

/// A keypoint of the query as the result should show it.
struct Seen {
    at: [f64; 2],
    scale: f64,
    angle: f64,
}

impl Seen {
    /// `None` where it lies outside the result.
    fn of(keypoint: &Keypoint, found: &Verification, [width, height]: [u32; 2]) -> Option<Self> {
        let from = [f64::from(keypoint.x), f64::from(keypoint.y)];
        let at = found.transform.apply(from)?;
        let within =
            (0.0..f64::from(width)).contains(&at[0]) && (0.0..f64::from(height)).contains(&at[1]);
        let [a, b, c, d] = found.transform.jacobian(from).filter(|_| within)?;
        let angle = f64::from(keypoint.angle);
        let (x, y) = (libm::cos(angle), libm::sin(angle));
        Some(Self {
            at,
            scale: (a * d - b * c).abs().sqrt() * f64::from(keypoint.scale),
            angle: libm::atan2(c * x + d * y, a * x + b * y),
        })
    }

    /// Whether a keypoint of the result has this place, size and direction.
    fn is(&self, other: &Keypoint, reach: f64) -> bool {
        let [dx, dy] = [
            f64::from(other.x) - self.at[0],
            f64::from(other.y) - self.at[1],
        ];
        let ratio = f64::from(other.scale) / self.scale;
        let turn = libm::remainder(f64::from(other.angle) - self.angle, std::f64::consts::TAU);
        dx * dx + dy * dy <= reach * reach
            && (1.0 / SCALE..=SCALE).contains(&ratio)
            && turn.abs() <= TURN
    }
}

/// Keypoints by squares of the picture.
struct Grid {
    side: f64,
    squares: HashMap<(i64, i64), Vec<usize>>,
}

impl Grid {
    fn new(keypoints: &[Keypoint], side: f64) -> Self {
        let side = side.max(1.0);
        let mut squares: HashMap<(i64, i64), Vec<usize>> = HashMap::new();
        for (j, keypoint) in keypoints.iter().enumerate() {
            let square = Self::square(side, [f64::from(keypoint.x), f64::from(keypoint.y)]);
            squares.entry(square).or_default().push(j);
        }
        Self { side, squares }
    }

    fn square(side: f64, [x, y]: [f64; 2]) -> (i64, i64) {
        ((x / side).floor() as i64, (y / side).floor() as i64)
    }

    /// Those within one side of a place, and some others.
    fn near(&self, at: [f64; 2]) -> impl Iterator<Item = usize> {
        let (x, y) = Self::square(self.side, at);
        let around = (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
        around
            .filter_map(|square| self.squares.get(&square))
            .flatten()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(agreeing: usize, contradicting: usize, missing: usize) -> Counts {
        Counts {
            agreeing,
            contradicting,
            missing,
        }
    }

    fn kind(within: Counts, beside: Counts, distance: f64, coverage: [f64; 2]) -> EvidenceKind {
        let support = Support {
            within,
            beside,
            inlier_distance: distance,
            other_distance: 300.0,
        };
        kind_of_evidence(&support, coverage)
    }

    #[test]
    fn a_small_exact_part_amid_what_differs_is_a_mark() {
        use EvidenceKind::{Mark, Object};
        let letterhead = counts(60, 40, 100);
        let text = counts(10, 120, 300);
        assert_eq!(kind(letterhead, text, 70.0, [0.3, 0.2]), Mark);
        // Another view of a building: its descriptors changed.
        assert_eq!(kind(letterhead, text, 140.0, [0.3, 0.2]), Object);
        // A cover that fills the query, on a desk.
        assert_eq!(kind(letterhead, text, 70.0, [0.9, 0.2]), Object);
        // Nothing else to see.
        assert_eq!(kind(letterhead, counts(0, 0, 9), 70.0, [0.3, 0.2]), Object);
        // The finder marks of a code span all of it.
        assert_eq!(kind(counts(40, 60, 200), text, 70.0, [0.8, 0.8]), Mark);
    }
}
