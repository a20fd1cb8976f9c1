//! Measures of where a match lies.

use resight_vision::Transform;

/// Area of the convex hull of `points` as a share of a picture's area, 0..1.
pub(crate) fn coverage(points: impl Iterator<Item = [f64; 2]>, width: u32, height: u32) -> f64 {
    let mut points: Vec<[f64; 2]> = points.collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    if points.len() < 3 {
        return 0.0;
    }
    // Andrew's monotone chain, lower hull then upper.
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
    (area(&hull) / (f64::from(width) * f64::from(height))).min(1.0)
}

/// Area of a polygon by its corners in order; 0 for fewer than three.
pub(crate) fn area(corners: &[[f64; 2]]) -> f64 {
    let twice: f64 = (0..corners.len())
        .map(|i| {
            let (a, b) = (corners[i], corners[(i + 1) % corners.len()]);
            a[0] * b[1] - a[1] * b[0]
        })
        .sum();
    0.5 * twice.abs()
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
/// the corner nearest to its first on; `None` when nothing of it is inside (Sutherland & Hodgman, CACM
/// 1974).
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
        let inside = |p: &[f64; 2]| sign * (p[axis] - limit);
        let mut kept = Vec::with_capacity(corners.len() + 1);
        for (i, from) in corners.iter().enumerate() {
            let to = &corners[(i + 1) % corners.len()];
            let (a, b) = (inside(from), inside(to));
            // Before the crossing behind it, so that the first corner stays the first.
            if a >= 0.0 {
                kept.push(*from);
            }
            if (a < 0.0) != (b < 0.0) {
                let share = a / (a - b);
                let mut crossing = [0, 1].map(|k| from[k] + share * (to[k] - from[k]));
                crossing[axis] = limit;
                kept.push(crossing);
            }
        }
        corners = kept;
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
        let points = [
            [0.0, 0.0],
            [10.0, 0.0],
            [10.0, 10.0],
            [0.0, 10.0],
            [5.0, 5.0],
            [5.0, 0.0],
        ];
        assert!((coverage(points.into_iter(), 20, 20) - 0.25).abs() < 1e-12);
        assert_eq!(coverage(points.into_iter().take(2), 20, 20), 0.0);
        let line = (0..9).map(|i| [f64::from(i), f64::from(i)]);
        assert_eq!(coverage(line, 20, 20), 0.0);
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
}
