//! A small keypoint network in both runtimes.

use std::path::Path;

use resight_models::{LocalModel, Manifest, Runtime};
use resight_test_support::onnx::{corner_manifest, corner_net};
use resight_vision::sample::blocks;
use resight_vision::{Image, Keypoint, LocalExtractor};

use crate::support::runtimes;

fn load(runtime: &Runtime, change: impl Fn(String) -> String, most: usize) -> LocalModel {
    let text = change(corner_manifest("corners"));
    let manifest = Manifest::parse(&text, Path::new("model.toml")).unwrap();
    LocalModel::load(&manifest, corner_net(), runtime, 2, most).unwrap()
}

/// The corners of [`rectangle`].
const CORNERS: [[f32; 2]; 4] = [[40.0, 30.0], [99.0, 30.0], [40.0, 79.0], [99.0, 79.0]];

/// A white rectangle on black, whose corners are known.
fn rectangle() -> Image {
    let inside = |x: usize, y: usize| (40..100).contains(&x) && (30..80).contains(&y);
    let pixel = |i: usize| [if inside(i % 160, i / 160) { 255 } else { 0 }; 3];
    Image::from_rgb(160, 120, (0..160 * 120).flat_map(pixel).collect()).unwrap()
}

#[test]
fn corners_are_found_where_they_are() {
    for runtime in runtimes() {
        let model = load(&runtime, |text| text, 1000);
        let found = model.extract(&rectangle()).unwrap();
        assert!(!found.is_empty());
        assert_eq!(model.dimension(), found.descriptors.dimension());
        assert_eq!(found.descriptors.len(), found.len());
        for corner in CORNERS {
            let near =
                |k: &Keypoint| (k.x - corner[0]).abs() <= 3.0 && (k.y - corner[1]).abs() <= 3.0;
            assert!(found.keypoints.iter().any(near), "{corner:?} {found:?}");
        }
        for k in &found.keypoints {
            assert!(
                (k.x - 40.0).abs() <= 3.0 || (k.x - 99.0).abs() <= 3.0,
                "{k:?}"
            );
            assert_eq!((k.scale, k.angle), (2.0, 0.0));
            assert!(k.response >= 0.1);
        }
    }
}

#[test]
fn places_are_in_the_picture_whatever_the_size_of_the_input() {
    for runtime in runtimes() {
        let half = |text: String| text.replace("long = 512", "long = 80");
        let found = load(&runtime, half, 1000).extract(&rectangle()).unwrap();
        assert!(found.keypoints.iter().all(|k| k.scale == 4.0));
        for corner in CORNERS {
            // Two pixels of the input.
            let near =
                |k: &Keypoint| (k.x - corner[0]).abs() <= 4.0 && (k.y - corner[1]).abs() <= 4.0;
            assert!(found.keypoints.iter().any(near), "{corner:?} {found:?}");
        }
        let strayed = found.keypoints.iter().find(|k| {
            let near = |c: &[f32; 2]| (k.x - c[0]).abs() <= 6.0 && (k.y - c[1]).abs() <= 6.0;
            !CORNERS.iter().any(near)
        });
        assert_eq!(strayed, None);
    }
}

#[test]
fn the_strongest_come_first_up_to_the_limit() {
    let picture = blocks(400, 300, 2).unwrap();
    for runtime in runtimes() {
        let all = load(&runtime, |text| text, 1000).extract(&picture).unwrap();
        let some = load(&runtime, |text| text, 20).extract(&picture).unwrap();
        assert!(all.len() > 20 && some.len() == 20);
        assert!(all.keypoints.is_sorted_by(|a, b| a.response >= b.response));
        assert_eq!(all.keypoints[..20], some.keypoints[..]);
        assert_eq!(
            all.descriptors.as_bytes()[..20 * 64],
            *some.descriptors.as_bytes()
        );
    }
}

#[test]
fn descriptors_are_the_pixels_around_as_bytes() {
    let picture = blocks(200, 150, 9).unwrap();
    let grey = picture.to_gray();
    for runtime in runtimes() {
        let found = load(&runtime, |text| text, 50).extract(&picture).unwrap();
        let mut compared = 0;
        for (k, descriptor) in found.keypoints.iter().zip(found.descriptors.iter()) {
            let (x, y) = (k.x as usize, k.y as usize);
            if !(4..190).contains(&x) || !(4..140).contains(&y) {
                continue;
            }
            compared += 1;
            for (i, byte) in descriptor.iter().enumerate() {
                let pixel = grey.pixels()[(y + i / 8 - 4) * 200 + x + i % 8 - 4];
                let expected = (f32::from(pixel) / 255.0 + 1.0) / 2.0 * 255.0;
                assert!((f32::from(*byte) - expected).abs() <= 1.0, "{i} of {k:?}");
            }
        }
        assert!(compared > 10);
    }
}

#[test]
fn the_id_of_another_runtime_is_adopted_and_that_of_another_model_is_not() {
    let mut model = load(&crate::support::built_in(), |text| text, 100);
    let id = model.model().as_str().to_owned();
    let elsewhere = id.replace("run=rten", "run=onnxruntime");
    assert_ne!(id, elsewhere);
    assert!(model.adopt_id(&elsewhere));
    assert_eq!(model.model().as_str(), elsewhere);
    assert!(!model.adopt_id("onnx:corners/2;file=0;set=0;run=rten"));
    assert_eq!(model.model().as_str(), elsewhere);
}
