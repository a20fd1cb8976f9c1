use resight_test_support::Random;

use super::*;
use crate::GrayRows;

/// Blobs of known place and size on grey: (x, y, sigma) each.
fn blobs(w: usize, h: usize, list: &[(f32, f32, f32)]) -> GrayImage {
    let mut pixels = vec![0u8; w * h];
    for y in 0..h {
        for x in 0..w {
            let mut v = 90.0f32;
            for &(bx, by, s) in list {
                let (dx, dy) = (x as f32 - bx, y as f32 - by);
                v += 120.0 * (-(dx * dx + dy * dy) / (2.0 * s * s)).exp();
            }
            pixels[y * w + x] = v.round().clamp(0.0, 255.0) as u8;
        }
    }
    GrayImage::new(w, h, pixels).unwrap()
}

/// A texture without symmetry, the same in every run.
fn texture(w: usize, h: usize) -> GrayImage {
    let mut random = Random::new(7);
    let list: Vec<(f32, f32, f32)> = (0..60)
        .map(|_| {
            let (x, y) = (
                random.unit() as f32 * w as f32,
                random.unit() as f32 * h as f32,
            );
            (x, y, random.between(1.5, 5.5) as f32)
        })
        .collect();
    blobs(w, h, &list)
}

/// Asserts that each blob has a keypoint of its scale within `error` px.
fn check_blobs(found: &LocalFeatures, list: &[(f32, f32, f32)], error: f32) {
    for &(x, y, s) in list {
        let best = found
            .keypoints
            .iter()
            .min_by(|a, b| {
                (a.x - x)
                    .hypot(a.y - y)
                    .total_cmp(&(b.x - x).hypot(b.y - y))
            })
            .unwrap();
        assert!(
            (best.x - x).hypot(best.y - y) < error,
            "blob at ({x}, {y}): {best:?}"
        );
        assert!(
            (best.scale / s - 1.0).abs() < 0.25,
            "scale {} for {s}",
            best.scale
        );
    }
}

#[test]
fn a_blob_is_found_where_it_is() {
    let list = [(40.3, 30.7, 3.0), (90.6, 64.2, 5.0)];
    let found = Sift::default().extract_gray(&blobs(130, 100, &list));
    check_blobs(&found, &list, 0.1);
}

#[test]
fn huge_pictures_are_described_to_their_ends() {
    // More columns, rows or pixels than 16 bits, or 24 bits once doubled, can count.
    for (w, h) in [(90_000, 50), (50, 90_000)] {
        let list = [(21.3, 22.8, 3.0), (w as f32 - 21.7, h as f32 - 22.2, 3.0)];
        let mut pixels = vec![90u8; w * h];
        for (x, y, sigma) in list {
            // Only near the blob, as the picture is large.
            let (left, top) = (x as usize - 20, y as usize - 20);
            let near = blobs(40, 40, &[(x - left as f32, y - top as f32, sigma)]);
            for (row, line) in near.pixels().chunks(40).enumerate() {
                pixels[(top + row) * w + left..][..40].copy_from_slice(line);
            }
        }
        let image = GrayImage::new(w, h, pixels).unwrap();
        let found = Sift::default().extract_gray(&image);
        // A place 90,000 px away has 1/128 px in an f32, a quarter as much in the first octave.
        check_blobs(&found, &list, 0.15);
        let other = Sift::default().threads(3).simd(Simd::available()[0]);
        assert_eq!(other.extract_gray(&image), found);
    }
}

#[test]
fn a_quarter_turn_gives_the_same_descriptors() {
    let (w, h) = (121, 97);
    let upright = texture(w, h);
    let mut turned = vec![0u8; w * h];
    for y in 0..h {
        for x in 0..w {
            turned[x * h + (h - 1 - y)] = upright.pixels()[y * w + x];
        }
    }
    let sift = Sift::default();
    let a = sift.extract_gray(&upright);
    let b = sift.extract_gray(&GrayImage::new(h, w, turned).unwrap());
    assert!(a.len() > 20);
    let mut same = 0;
    for (i, k) in a.keypoints.iter().enumerate() {
        let (tx, ty) = ((h - 1) as f32 - k.y, k.x);
        let near =
            (0..b.len()).filter(|&j| (b.keypoints[j].x - tx).hypot(b.keypoints[j].y - ty) < 0.5);
        let best = near
            .map(|j| {
                a.descriptors
                    .get(i)
                    .iter()
                    .zip(b.descriptors.get(j))
                    .map(|(&p, &q)| (i32::from(p) - i32::from(q)).pow(2))
                    .sum::<i32>()
            })
            .min();
        if best.is_some_and(|d| d < 5_000) {
            same += 1;
        }
    }
    assert!(same * 10 >= a.len() * 8, "{same} of {}", a.len());
}

#[test]
fn odd_pictures_are_survived() {
    let sift = Sift::default();
    for (w, h) in [(1, 1), (1, 200), (200, 1), (5, 5), (16, 16), (17, 300)] {
        for pixels in [
            vec![0; w * h],
            vec![255; w * h],
            (0..w * h).map(|i| (i * 97 % 251) as u8).collect(),
        ] {
            let found = sift.extract_gray(&GrayImage::new(w, h, pixels).unwrap());
            assert_eq!(found.len(), found.descriptors.len());
            for k in &found.keypoints {
                assert!(k.x >= 0.0 && k.x < w as f32 && k.y >= 0.0 && k.y < h as f32);
                assert!(k.scale > 0.0 && (0.0..std::f32::consts::TAU).contains(&k.angle));
            }
        }
    }
    let flat = sift.extract_gray(&GrayImage::new(64, 64, vec![128; 64 * 64]).unwrap());
    assert!(flat.is_empty());
}

#[test]
fn the_strongest_are_kept_in_order() {
    let image = texture(160, 120);
    let all = Sift::default().extract_gray(&image);
    let few = Sift::new(SiftOptions {
        max_features: 10,
        ..SiftOptions::default()
    })
    .extract_gray(&image);
    assert_eq!(few.keypoints[..], all.keypoints[..10]);
    assert!(
        all.keypoints
            .windows(2)
            .all(|p| p[0].response >= p[1].response)
    );
}

#[test]
fn threads_instructions_and_strides_change_nothing() {
    let image = texture(331, 420);
    let one = Sift::default();
    let want = one.extract_gray(&image);
    assert!(want.len() > 100);
    for threads in [2, 3, 8] {
        assert_eq!(Sift::default().threads(threads).extract_gray(&image), want);
    }
    for &simd in Simd::available() {
        assert_eq!(
            Sift::default().simd(simd).extract_gray(&image),
            want,
            "{}",
            simd.name()
        );
    }
    // A larger stride, and the pixels between the rows, must not matter.
    let mut apart = vec![77u8; 350 * 420];
    for (to, from) in apart.chunks_mut(350).zip(image.pixels().chunks(331)) {
        to[..331].copy_from_slice(from);
    }
    let rows = GrayRows::new(331, 420, 350, &apart).unwrap();
    assert_eq!(one.extract_view(GrayView::U8(rows)).0, want);
    // Buffers of other sizes have been used before.
    one.extract_gray(&texture(60, 500));
    assert_eq!(one.extract_gray(&image), want);
}

#[test]
fn sixteen_bits_give_what_eight_give() {
    let image = texture(200, 150);
    let wide: Vec<u16> = image.pixels().iter().map(|&p| u16::from(p) << 8).collect();
    let rows = GrayRows::new(200, 150, 200, &wide).unwrap();
    let sift = Sift::default();
    assert_eq!(
        sift.extract_view(GrayView::U16(rows)).0,
        sift.extract_gray(&image)
    );
}

#[test]
fn settings_out_of_range_still_give_sound_features() {
    let image = texture(120, 90);
    let usual = SiftOptions::default();
    let mut tried = vec![
        SiftOptions {
            layers: 0,
            ..usual.clone()
        },
        SiftOptions {
            layers: usize::MAX,
            ..usual.clone()
        },
        SiftOptions {
            max_features: 0,
            ..usual.clone()
        },
    ];
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -1e3, 1e9] {
        tried.push(SiftOptions {
            sigma: value,
            ..usual.clone()
        });
        tried.push(SiftOptions {
            contrast_threshold: value,
            ..usual.clone()
        });
        tried.push(SiftOptions {
            edge_threshold: value,
            ..usual.clone()
        });
        tried.push(SiftOptions {
            scale_preference: value,
            ..usual.clone()
        });
    }
    for options in tried {
        let sift = Sift::new(options.clone()).threads(usize::MAX);
        for k in &sift.extract_gray(&image).keypoints {
            assert!(
                k.scale > 0.0 && k.response.is_finite(),
                "{options:?}: {k:?}"
            );
        }
    }
    let off = SiftOptions {
        edge_threshold: f32::INFINITY,
        ..usual
    };
    assert!(!Sift::new(off).extract_gray(&image).is_empty());
}

#[test]
fn upright_keypoints_have_no_angle() {
    let sift = Sift::new(SiftOptions {
        upright: true,
        ..SiftOptions::default()
    });
    let found = sift.extract_gray(&texture(160, 160));
    assert!(found.len() > 20);
    assert!(found.keypoints.iter().all(|k| k.angle == 0.0));
    assert_ne!(sift.model(), Sift::default().model());
}
