//! Features of the mirrored and of the inverted picture, computed without pixels.
//!
//! Mirroring left to right maps a gradient at angle θ to π - θ, and exchanges the left and the
//! right of a keypoint. In the descriptor, rows of cells are exchanged and direction o of a cell
//! becomes direction -o: bytes move and none changes (compare MI-SIFT, Ma, Chen & Su, CIVR 2010,
//! and F-SIFT, Zhao & Ngo, IEEE TIP 2013, which merge both into one descriptor).
//!
//! Inversion, as in a negative, keeps the places of extrema and rotates every gradient by π, and a
//! keypoint's angle with them. Relative to that angle each cell keeps its directions and moves to
//! the opposite place.

use super::descriptor::{CELLS, DIRECTIONS, LENGTH};
use crate::features::{Descriptors, Keypoint, LocalFeatures};

/// For each byte of a variant's descriptor, its index in the original.
type Order = [usize; LENGTH];

/// The order that results from an expression for the original row, column and direction.
macro_rules! order {
    (|$row:ident, $column:ident, $direction:ident| $from:expr) => {{
        let mut order = [0; LENGTH];
        let mut i = 0;
        while i < LENGTH {
            let (cell, $direction) = (i / DIRECTIONS, i % DIRECTIONS);
            let ($row, $column) = (cell / CELLS, cell % CELLS);
            let (row, column, direction): (usize, usize, usize) = $from;
            order[i] = (row * CELLS + column) * DIRECTIONS + direction % DIRECTIONS;
            i += 1;
        }
        order
    }};
}

/// For keypoints that rotate with their picture.
const MIRRORED: Order =
    order!(|row, column, direction| (CELLS - 1 - row, column, DIRECTIONS - direction));
/// For keypoints of angle 0, in the mirrored picture too: columns are exchanged, and direction o
/// becomes half a turn minus o.
const MIRRORED_UPRIGHT: Order = order!(|row, column, direction| (
    row,
    CELLS - 1 - column,
    DIRECTIONS + DIRECTIONS / 2 - direction
));
/// For keypoints that rotate with their picture.
const INVERTED: Order =
    order!(|row, column, direction| (CELLS - 1 - row, CELLS - 1 - column, direction));
/// For keypoints of angle 0: cells stay, and directions rotate by half a turn.
const INVERTED_UPRIGHT: Order =
    order!(|row, column, direction| (row, column, direction + DIRECTIONS / 2));

/// The features of the picture mirrored left to right, in the same order; `None` unless the
/// descriptors are SIFT's. `width` is in pixels.
pub(super) fn mirrored(
    features: &LocalFeatures,
    width: u32,
    upright: bool,
) -> Option<LocalFeatures> {
    let right = width as f32 - 1.0;
    let angle = |angle: f32| std::f32::consts::PI - angle;
    let order = if upright {
        &MIRRORED_UPRIGHT
    } else {
        &MIRRORED
    };
    varied(features, order, |k| Keypoint {
        x: right - k.x,
        angle: turned(k.angle, upright, angle),
        ..*k
    })
}

/// The features of the picture with inverted tones, in the same order; `None` unless the
/// descriptors are SIFT's.
pub(super) fn inverted(features: &LocalFeatures, upright: bool) -> Option<LocalFeatures> {
    let angle = |angle: f32| angle + std::f32::consts::PI;
    let order = if upright {
        &INVERTED_UPRIGHT
    } else {
        &INVERTED
    };
    varied(features, order, |k| Keypoint {
        angle: turned(k.angle, upright, angle),
        ..*k
    })
}

fn turned(angle: f32, upright: bool, turn: impl Fn(f32) -> f32) -> f32 {
    if upright {
        angle
    } else {
        turn(angle).rem_euclid(std::f32::consts::TAU)
    }
}

fn varied(
    features: &LocalFeatures,
    order: &Order,
    keypoint: impl Fn(&Keypoint) -> Keypoint,
) -> Option<LocalFeatures> {
    if features.is_empty() {
        return Some(features.clone());
    }
    if features.descriptors.dimension() != LENGTH {
        return None;
    }
    let mut bytes = Vec::with_capacity(features.descriptors.as_bytes().len());
    for descriptor in features.descriptors.iter() {
        bytes.extend(order.iter().map(|&from| descriptor[from]));
    }
    Some(LocalFeatures {
        keypoints: features.keypoints.iter().map(keypoint).collect(),
        descriptors: Descriptors::from_bytes(LENGTH, bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use resight_test_support::Random;

    use super::super::{Sift, SiftOptions};
    use super::*;
    use crate::image::GrayImage;

    /// Translucent boxes of many sizes.
    fn picture(width: usize, height: usize) -> GrayImage {
        let mut pixels = vec![0.0f32; width * height];
        let mut random = Random::new(9);
        for _ in 0..400 {
            let (w, h) = (3 + random.below(30), 3 + random.below(30));
            let (x, y) = (random.below(width - w), random.below(height - h));
            let value = random.below(200) as f32;
            for row in y..y + h {
                for pixel in &mut pixels[row * width + x..row * width + x + w] {
                    *pixel = 0.5 * *pixel + 0.5 * value;
                }
            }
        }
        let bytes = pixels.iter().map(|&p| p as u8).collect();
        GrayImage::new(width, height, bytes).unwrap()
    }

    fn flipped(image: &GrayImage) -> GrayImage {
        let (width, height) = (image.width(), image.height());
        let rows = image.pixels().chunks_exact(width);
        let bytes = rows.flat_map(|row| row.iter().rev().copied()).collect();
        GrayImage::new(width, height, bytes).unwrap()
    }

    /// Share of `a`'s features that `b` has too, at the same place, scale and angle and with a near
    /// descriptor.
    fn shared(a: &LocalFeatures, b: &LocalFeatures) -> f64 {
        let same = |i: usize, j: usize| {
            let (p, q) = (&a.keypoints[i], &b.keypoints[j]);
            let turned = (p.angle - q.angle).abs();
            (p.x - q.x).hypot(p.y - q.y) < 0.5
                && (p.scale / q.scale).log2().abs() < 0.1
                && turned.min(std::f32::consts::TAU - turned) < 0.1
        };
        let close = |i: usize, j: usize| {
            let (p, q) = (a.descriptors.get(i), b.descriptors.get(j));
            let square = |(&p, &q): (&u8, &u8)| (i32::from(p) - i32::from(q)).pow(2);
            p.iter().zip(q).map(square).sum::<i32>() < 80 * 80
        };
        let found = |&i: &usize| (0..b.len()).any(|j| same(i, j) && close(i, j));
        (0..a.len()).filter(found).count() as f64 / a.len() as f64
    }

    #[test]
    fn a_flipped_picture_gives_the_mirrored_features() {
        for (width, upright) in [(320, false), (321, false), (320, true)] {
            let options = SiftOptions {
                upright,
                ..SiftOptions::default()
            };
            let sift = Sift::new(options);
            let image = picture(width, 240);
            let own = sift.extract_gray(&image);
            let other = sift.extract_gray(&flipped(&image));
            assert!(own.len() > 200);
            let mirrored = mirrored(&own, width as u32, upright).unwrap();
            let (as_is, turned) = (shared(&own, &other), shared(&mirrored, &other));
            assert!(turned > 0.85, "{turned} of {} at {width}", own.len());
            assert!(as_is < 0.05, "{as_is}");
        }
    }

    #[test]
    fn a_negative_gives_the_inverted_features() {
        for upright in [false, true] {
            let options = SiftOptions {
                upright,
                ..SiftOptions::default()
            };
            let sift = Sift::new(options);
            let image = picture(320, 240);
            let bytes = image.pixels().iter().map(|&p| 255 - p).collect();
            let negative = GrayImage::new(320, 240, bytes).unwrap();
            let (own, other) = (sift.extract_gray(&image), sift.extract_gray(&negative));
            assert!(own.len() > 200);
            let inverted = inverted(&own, upright).unwrap();
            let (as_is, turned) = (shared(&own, &other), shared(&inverted, &other));
            assert!(turned > 0.95, "{turned} of {}", own.len());
            assert!(as_is < 0.05, "{as_is}");
        }
    }

    #[test]
    fn twice_changed_is_as_before() {
        let sift = Sift::default();
        let own = sift.extract_gray(&picture(200, 150));
        type Change<'a> = &'a dyn Fn(&LocalFeatures, bool) -> Option<LocalFeatures>;
        let changes: [Change<'_>; 2] = [&|f, upright| mirrored(f, 200, upright), &inverted];
        for (change, upright) in changes.iter().flat_map(|c| [(c, false), (c, true)]) {
            let once = change(&own, upright).unwrap();
            let twice = change(&once, upright).unwrap();
            assert_eq!(twice.descriptors, own.descriptors);
            assert_ne!(once.descriptors, own.descriptors);
            for (a, b) in own.keypoints.iter().zip(&twice.keypoints) {
                assert!((a.x - b.x).abs() < 1e-4 && (a.angle - b.angle).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn other_descriptors_are_refused() {
        let features = LocalFeatures {
            keypoints: vec![Keypoint {
                x: 5.0,
                y: 5.0,
                scale: 2.0,
                angle: 0.0,
                response: 1.0,
            }],
            descriptors: Descriptors::from_bytes(32, vec![0; 32]).unwrap(),
        };
        assert!(mirrored(&features, 100, false).is_none());
        assert!(inverted(&features, false).is_none());
        assert!(mirrored(&LocalFeatures::default(), 100, false).is_some());
        assert!(inverted(&LocalFeatures::default(), false).is_some());
    }
}
