//! The models that can be pulled, if RESIGHT_TEST_MODELS names a folder with them.

use resight_models::{ModelFolder, Runtime};
use resight_vision::sample::blocks;
use resight_vision::{GlobalExtractor, Image};

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
