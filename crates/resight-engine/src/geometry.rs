//! Measures of where a match lies.

use resight_vision::{DESCRIPTOR_REACH, Transform};

/// Cells along each side of a picture, by which points without company are found.
const CELLS: f64 = 10.0;
/// With fewer points than this, none is without company.
const FEWEST_POINTS: usize = 8;

/// The convex hull, counter-clockwise in a frame whose y grows upwards; fewer than three corners where
/// the points lie on one line (Andrew's monotone chain).
pub(crate) fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    // Lower hull, then upper.
    let mut hull: Vec<[f64; 2]> = Vec::new();
    for upper in [false, true] {
        let start = hull.len();
        for i in 0..points.len() {
            let p = points[if upper { points.len() - 1 - i } else { i }];
            while let [.., a, b] = hull[start..]
                && (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) <= 0.0
            {
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
    }
    hull
}

/// The part of a picture of this size that matched keypoints cover: the convex hull of the squares that
/// their descriptors describe, clipped to the picture. Each point has x, y and scale. A point without
/// another nearby is left out, since chance gives such. `None` for no points.
pub(crate) fn matched_part(points: &[[f64; 3]], size: [u32; 2]) -> Option<Vec<[f64; 2]>> {
    let [w, h] = size.map(f64::from);
    let cell = |p: &[f64; 3]| {
        [p[0] * CELLS / w.max(1.0), p[1] * CELLS / h.max(1.0)].map(|v| v.floor() as i32)
    };
    let mut occupied: Vec<[i32; 2]> = points.iter().map(cell).collect();
    occupied.sort_unstable();
    let inside = |x: i32, y: i32| {
        let from = occupied.partition_point(|c| *c < [x, y]);
        occupied[from..].partition_point(|c| *c == [x, y])
    };
    let has_company = |p: &&[f64; 3]| {
        let [x, y] = cell(p);
        let near = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
        let near: usize = near.map(|(dx, dy)| inside(x + dx, y + dy)).sum();
        points.len() < FEWEST_POINTS || near > 1
    };
    let corners = points
        .iter()
        .filter(has_company)
        .flat_map(|&[x, y, scale]| {
            let reach = DESCRIPTOR_REACH * scale;
            [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[dx, dy]| {
                [
                    (x + dx * reach).clamp(-0.5, w - 0.5),
                    (y + dy * reach).clamp(-0.5, h - 0.5),
                ]
            })
        });
    let hull = hull(corners.collect());
    (hull.len() >= 3).then_some(hull)
}

/// Maps the frame of a picture of one size to that of another.
pub(crate) fn same_frame(from: [u32; 2], to: [u32; 2]) -> Transform {
    let scale = |i: usize| f64::from(to[i]) / f64::from(from[i].max(1));
    let (x, y) = (scale(0), scale(1));
    // Pixel centres are whole numbers, so the edges lie at -1/2.
    Transform([x, 0.0, 0.5 * x - 0.5, 0.0, y, 0.5 * y - 0.5, 0.0, 0.0, 1.0])
}

/// The factor by which lengths grow there; `None` where they vanish.
pub(crate) fn scale_at(transform: &Transform, at: [f64; 2]) -> Option<f64> {
    let [a, b, c, d] = transform.jacobian(at)?;
    let scale = (a * d - b * c).abs().sqrt();
    (scale.is_finite() && scale > 1e-6).then_some(scale)
}

/// Area of a polygon as a share of a picture's area, 0..1; 0 without one.
pub(crate) fn coverage(polygon: Option<&[[f64; 2]]>, [width, height]: [u32; 2]) -> f64 {
    let whole = (f64::from(width) * f64::from(height)).max(1.0);
    (polygon.map_or(0.0, area) / whole).min(1.0)
}

/// Area that two convex polygons share, as a share of the smaller one.
pub(crate) fn overlap(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let least = area(a).min(area(b));
    if least <= 0.0 {
        return 0.0;
    }
    (area(&common(a, b)) / least).min(1.0)
}

/// What two convex polygons share; fewer than three corners where that is nothing.
pub(crate) fn common(a: &[[f64; 2]], b: &[[f64; 2]]) -> Vec<[f64; 2]> {
    // The side of an edge on which a polygon lies depends on its order of corners.
    let sign = signed_area(b).signum();
    let mut common = a.to_vec();
    for (i, from) in b.iter().enumerate() {
        let to = b[(i + 1) % b.len()];
        let side = |p: &[f64; 2]| {
            sign * ((to[0] - from[0]) * (p[1] - from[1]) - (to[1] - from[1]) * (p[0] - from[0]))
        };
        common = clipped(&common, side, |_| {});
    }
    common
}

/// The part of a convex polygon that lies on one side of a line (Sutherland & Hodgman, CACM 1974).
/// `inside` is a distance to the line, negative outside; `settle` may move a crossing onto the line,
/// beside which rounding leaves it.
fn clipped(
    polygon: &[[f64; 2]],
    inside: impl Fn(&[f64; 2]) -> f64,
    settle: impl Fn(&mut [f64; 2]),
) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for (i, from) in polygon.iter().enumerate() {
        let to = &polygon[(i + 1) % polygon.len()];
        let (a, b) = (inside(from), inside(to));
        // Before the crossing behind it, so that the first corner stays the first.
        if a >= 0.0 {
            kept.push(*from);
        }
        if (a < 0.0) != (b < 0.0) {
            let share = a / (a - b);
            let mut crossing = [0, 1].map(|k| from[k] + share * (to[k] - from[k]));
            settle(&mut crossing);
            kept.push(crossing);
        }
    }
    kept
}

/// Whether a point lies within a convex polygon.
pub(crate) fn contains(polygon: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let mut sides = [false; 2];
    for (a, b) in polygon.iter().zip(polygon.iter().cycle().skip(1)) {
        let turn = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]);
        sides[usize::from(turn > 0.0)] |= turn != 0.0;
    }
    !(sides[0] && sides[1])
}

/// Area of a polygon by its corners in order; 0 for fewer than three.
pub(crate) fn area(corners: &[[f64; 2]]) -> f64 {
    signed_area(corners).abs()
}

fn signed_area(corners: &[[f64; 2]]) -> f64 {
    let twice: f64 = (0..corners.len())
        .map(|i| {
            let (a, b) = (corners[i], corners[(i + 1) % corners.len()]);
            a[0] * b[1] - a[1] * b[0]
        })
        .sum();
    0.5 * twice
}

/// Where the outline of a picture of this size goes: corners clockwise from the top left; `None`
/// when a corner lies behind the horizon.
pub(crate) fn outline(transform: &Transform, width: u32, height: u32) -> Option<[[f64; 2]; 4]> {
    let (w, h) = (f64::from(width), f64::from(height));
    // Pixel centres are whole numbers, so the edges lie half a pixel outside.
    let (left, top, right, bottom) = (-0.5, -0.5, w - 0.5, h - 0.5);
    let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
    let mut out = [[0.0; 2]; 4];
    for (o, corner) in out.iter_mut().zip(corners) {
        *o = transform.apply(corner)?;
    }
    Some(out)
}

/// [`outline`] clipped to the result: a convex polygon of 3 to 8 corners, in the outline's order from
/// the corner nearest to its first on; `None` when nothing of it is inside.
pub(crate) fn region(
    transform: &Transform,
    query: [u32; 2],
    result: [u32; 2],
) -> Option<Vec<[f64; 2]>> {
    let mut corners = outline(transform, query[0], query[1])?.to_vec();
    let begin = corners[0];
    let [w, h] = result.map(|side| f64::from(side) - 0.5);
    // Axis, which side of the limit is inside, and the limit.
    for (axis, sign, limit) in [(0, 1.0, -0.5), (0, -1.0, w), (1, 1.0, -0.5), (1, -1.0, h)] {
        corners = clipped(
            &corners,
            |p| sign * (p[axis] - limit),
            |crossing| crossing[axis] = limit,
        );
    }
    // Clipping turns the polygon round by a corner wherever its last edge crosses a side.
    let squared = |p: &[f64; 2]| {
        let (dx, dy) = (p[0] - begin[0], p[1] - begin[1]);
        dx * dx + dy * dy
    };
    let nearest = (0..corners.len())
        .min_by(|&a, &b| squared(&corners[a]).total_cmp(&squared(&corners[b])))?;
    corners.rotate_left(nearest);
    (corners.len() >= 3).then_some(corners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hull_of_a_square_with_points_inside() {
        let points = vec![
            [0.0, 0.0],
            [10.0, 0.0],
            [10.0, 10.0],
            [0.0, 10.0],
            [5.0, 5.0],
            [5.0, 0.0],
            [0.0, 0.0],
        ];
        assert_eq!(area(&hull(points.clone())), 100.0);
        assert!(hull(points[..2].to_vec()).len() < 3);
        let line = (0..9).map(|i| [f64::from(i), f64::from(i)]);
        assert_eq!(area(&hull(line.collect())), 0.0);
    }

    #[test]
    fn the_matched_part_is_what_the_descriptors_describe() {
        let one = matched_part(&[[20.0, 20.0, 2.0]], [100, 100]).unwrap();
        assert_eq!(area(&one), 24.0 * 24.0);
        assert_eq!(coverage(Some(&one), [100, 100]), 0.0576);
        // At the rim the picture ends.
        let rim = matched_part(&[[-0.5, -0.5, 1.0]], [100, 100]).unwrap();
        assert_eq!(area(&rim), 36.0);
        assert_eq!(matched_part(&[], [100, 100]), None);
        // A point far from all others is left out once there are others enough.
        let mut points: Vec<[f64; 3]> = (0..9).map(|i| [10.0 + f64::from(i), 10.0, 0.5]).collect();
        points.push([90.0, 90.0, 0.5]);
        let part = matched_part(&points, [100, 100]).unwrap();
        assert!(
            part.iter().all(|p| p[0] <= 21.0 && p[1] <= 13.0),
            "{part:?}"
        );
    }

    #[test]
    fn overlap_is_a_share_of_the_smaller() {
        let square =
            |x: f64, side: f64| vec![[x, 0.0], [x + side, 0.0], [x + side, side], [x, side]];
        let mut turned = square(5.0, 10.0);
        turned.reverse();
        for (a, b, expected) in [
            (square(0.0, 10.0), square(5.0, 10.0), 0.5),
            (square(0.0, 10.0), turned, 0.5),
            (square(0.0, 10.0), square(2.0, 4.0), 1.0),
            (square(0.0, 10.0), square(10.0, 4.0), 0.0),
            (square(0.0, 10.0), Vec::new(), 0.0),
        ] {
            assert!((overlap(&a, &b) - expected).abs() < 1e-12, "{a:?} {b:?}");
            assert!((overlap(&b, &a) - expected).abs() < 1e-12, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_outline_follows_the_transform() {
        let moved = Transform([0.5, 0.0, 7.0, 0.0, 0.5, 9.0, 0.0, 0.0, 1.0]);
        let corners = outline(&moved, 100, 40);
        assert_eq!(
            corners,
            Some([[6.75, 8.75], [56.75, 8.75], [56.75, 28.75], [6.75, 28.75]])
        );
        let behind = Transform([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.02, 0.0, 1.0]);
        assert_eq!(outline(&behind, 100, 40), None);
    }

    #[test]
    fn a_region_ends_where_the_result_does() {
        let inside = Transform([0.5, 0.0, 7.0, 0.0, 0.5, 9.0, 0.0, 0.0, 1.0]);
        let corners = region(&inside, [100, 40], [200, 100]).unwrap();
        assert_eq!(corners, outline(&inside, 100, 40).unwrap());
        let over = Transform([1.0, 0.0, 150.0, 0.0, 1.0, 80.0, 0.0, 0.0, 1.0]);
        let corners = region(&over, [100, 40], [200, 100]).unwrap();
        let want = [[149.5, 79.5], [199.5, 79.5], [199.5, 99.5], [149.5, 99.5]];
        assert_eq!(corners, want);
        // A square on its corner sticks out on all four sides.
        let turned = Transform([0.7, -0.7, 49.5, 0.7, 0.7, -19.8, 0.0, 0.0, 1.0]);
        let corners = region(&turned, [100, 100], [100, 100]).unwrap();
        assert_eq!(corners.len(), 8);
        let within = |v: f64| (-0.5..=99.5).contains(&v);
        assert!(corners.iter().flatten().all(|&v| within(v)), "{corners:?}");
        let away = Transform([1.0, 0.0, 500.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(region(&away, [100, 40], [200, 100]), None);
    }

    #[test]
    fn a_point_on_an_edge_is_within() {
        let square = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];
        assert!(contains(&square, [2.0, 2.0]) && contains(&square, [4.0, 1.0]));
        assert!(!contains(&square, [4.1, 1.0]) && !contains(&square, [-0.1, 2.0]));
    }
}
