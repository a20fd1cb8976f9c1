//! Features of the mirrored picture, without its pixels.
//!
//! Mirrored left to right, a gradient at angle θ points to π - θ. Seen from a keypoint that turns
//! with it, what lay to its left lies to its right: the descriptor's rows of cells change places, and
//! direction o of a cell becomes direction -o. That moves bytes and changes none (compare MI-SIFT, Ma,
//! Chen & Su, CIVR 2010, and F-SIFT, Zhao & Ngo, IEEE TIP 2013, which make one descriptor of both).

use super::descriptor::{CELLS, DIRECTIONS, LENGTH};
use crate::features::{Descriptors, Keypoint, LocalFeatures};

/// For each byte of a mirrored descriptor, which byte of the original it is.
type Order = [usize; LENGTH];

/// Keypoints turn with their picture.
const TURNING: Order = order(false);
/// All keypoints have the angle 0, in the mirrored picture too: columns change places, and
/// direction o becomes that half a turn from -o.
const UPRIGHT: Order = order(true);

const fn order(upright: bool) -> Order {
    let mut order = [0; LENGTH];
    let mut i = 0;
    while i < LENGTH {
        let (cell, direction) = (i / DIRECTIONS, i % DIRECTIONS);
        let (row, column) = (cell / CELLS, cell % CELLS);
        let (cell, turned) = match upright {
            false => ((CELLS - 1 - row) * CELLS + column, DIRECTIONS),
            true => (
                row * CELLS + CELLS - 1 - column,
                DIRECTIONS + DIRECTIONS / 2,
            ),
        };
        order[i] = cell * DIRECTIONS + (turned - direction) % DIRECTIONS;
        i += 1;
    }
    order
}

/// The features that the same picture, mirrored left to right, would give, in the same order; `None`
/// unless the descriptors are SIFT's. `width` is in pixels.
pub(super) fn mirrored(
    features: &LocalFeatures,
    width: u32,
    upright: bool,
) -> Option<LocalFeatures> {
    if features.is_empty() {
        return Some(features.clone());
    }
    if features.descriptors.dimension() != LENGTH {
        return None;
    }
    let order = if upright { &UPRIGHT } else { &TURNING };
    let mut bytes = Vec::with_capacity(features.descriptors.as_bytes().len());
    for descriptor in features.descriptors.iter() {
        bytes.extend(order.iter().map(|&from| descriptor[from]));
    }
    let right = width as f32 - 1.0;
    let keypoint = |k: &Keypoint| Keypoint {
        x: right - k.x,
        angle: match upright {
            true => k.angle,
            false => (std::f32::consts::PI - k.angle).rem_euclid(std::f32::consts::TAU),
        },
        ..*k
    };
    Some(LocalFeatures {
        keypoints: features.keypoints.iter().map(keypoint).collect(),
        descriptors: Descriptors::from_bytes(LENGTH, bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Sift, SiftOptions};
    use super::*;
    use crate::image::GrayImage;

    /// Blobs of many sizes at places of no order.
    fn picture(width: usize, height: usize) -> GrayImage {
        let mut pixels = vec![0.0f32; width * height];
        let mut state = 9u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for _ in 0..400 {
            let (w, h) = (3 + random(30), 3 + random(30));
            let (x, y) = (random(width - w), random(height - h));
            let value = random(200) as f32;
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

    /// Share of `a`'s features that `b` has at the same place, scale and angle with a descriptor
    /// that is close.
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
    fn twice_mirrored_is_as_before() {
        let sift = Sift::default();
        let own = sift.extract_gray(&picture(200, 150));
        for upright in [false, true] {
            let once = mirrored(&own, 200, upright).unwrap();
            let twice = mirrored(&once, 200, upright).unwrap();
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
            keypoints: sift_keypoint(),
            descriptors: Descriptors::from_bytes(32, vec![0; 32]).unwrap(),
        };
        assert!(mirrored(&features, 100, false).is_none());
        assert!(mirrored(&LocalFeatures::default(), 100, false).is_some());
    }

    fn sift_keypoint() -> Vec<Keypoint> {
        vec![Keypoint {
            x: 5.0,
            y: 5.0,
            scale: 2.0,
            angle: 0.0,
            response: 1.0,
        }]
    }
}
