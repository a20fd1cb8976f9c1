//! Small networks in both runtimes, compared with results worked out by hand.

use std::path::Path;

use resight_models::{
    GlobalModel, LocalModel, Manifest, ModelError, Runtime, numerics, same_model,
};
use resight_test_support::onnx::{colour_manifest, colour_net, unknown_operator};
use resight_vision::sample::blocks;
use resight_vision::{GlobalExtractor, Image};

use crate::support::runtimes;

fn manifest(text: &str) -> Manifest {
    Manifest::parse(text, Path::new("model.toml")).unwrap()
}

fn load(more: &str, bytes: Vec<u8>, runtime: &Runtime) -> Result<GlobalModel, ModelError> {
    GlobalModel::load(
        &manifest(&colour_manifest("colours", more)),
        bytes,
        runtime,
        2,
    )
}

fn plain(rgb: [u8; 3]) -> Image {
    Image::from_rgb(40, 30, rgb.repeat(40 * 30)).unwrap()
}

fn near(vector: &[f32], expected: [f32; 4]) -> bool {
    let length = expected.iter().map(|v| v * v).sum::<f32>().sqrt();
    let close = |(a, b): (&f32, f32)| (a - b / length).abs() < 1e-5;
    vector.len() == 4 && vector.iter().zip(expected).all(close)
}

#[test]
fn vectors_are_those_worked_out_by_hand() {
    for runtime in runtimes() {
        let model = load("name = \"vector\"\ndimension = 4", colour_net(), &runtime).unwrap();
        assert_eq!(model.dimension(), 4);
        let pictures = [plain([255, 0, 0]), plain([51, 102, 204])];
        let vectors = model.embed(&pictures).unwrap();
        assert!(near(&vectors[0], [1.0, 0.0, 0.0, 1.0]), "{vectors:?}");
        assert!(near(&vectors[1], [0.2, 0.4, 0.8, 0.0]), "{vectors:?}");
    }
}

#[test]
fn pooling_of_a_map_is_the_networks_own_mean() {
    let picture = blocks(100, 80, 7).unwrap();
    for runtime in runtimes() {
        let by_net = load("name = \"vector\"", colour_net(), &runtime).unwrap();
        let by_us = load("name = \"map\"\npooling = \"mean\"", colour_net(), &runtime).unwrap();
        let gem = load("name = \"map\"\npooling = \"gem\"", colour_net(), &runtime).unwrap();
        let of = |model: &GlobalModel| {
            model
                .embed(std::slice::from_ref(&picture))
                .unwrap()
                .remove(0)
        };
        let (a, b, c) = (of(&by_net), of(&by_us), of(&gem));
        assert!(
            a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5),
            "{a:?} {b:?}"
        );
        assert!(
            a.iter().zip(&c).any(|(a, c)| (a - c).abs() > 1e-3),
            "{a:?} {c:?}"
        );
        let unpooled = load("name = \"map\"", colour_net(), &runtime)
            .err()
            .unwrap();
        assert!(unpooled.to_string().contains("pooling"), "{unpooled}");
    }
}

#[test]
fn a_pictures_vector_does_not_depend_on_the_others() {
    let pictures: Vec<Image> = (1..=9).map(|seed| blocks(64, 48, seed).unwrap()).collect();
    for runtime in runtimes() {
        let model = load("name = \"vector\"", colour_net(), &runtime).unwrap();
        let together = model.embed(&pictures).unwrap();
        for (picture, vector) in pictures.iter().zip(&together) {
            assert_eq!(
                &model.embed(std::slice::from_ref(picture)).unwrap()[0],
                vector
            );
        }
    }
}

#[test]
fn both_runtimes_agree_and_have_different_ids() {
    let [built_in, other] = &runtimes()[..] else {
        return;
    };
    let [a, b] = [built_in, other].map(|r| load("name = \"vector\"", colour_net(), r).unwrap());
    let picture = [blocks(200, 100, 3).unwrap()];
    let (x, y) = (a.embed(&picture).unwrap(), b.embed(&picture).unwrap());
    assert!(
        x[0].iter().zip(&y[0]).all(|(x, y)| (x - y).abs() < 1e-5),
        "{x:?} {y:?}"
    );
    let (a, b) = (a.model().as_str(), b.model().as_str());
    assert_ne!(a, b);
    assert!(same_model(a, b));
    assert_eq!(
        (numerics(a), numerics(b)),
        (Some("rten"), Some("onnxruntime"))
    );
}

#[test]
fn a_model_that_cannot_be_loaded_says_what_to_do() {
    for runtime in runtimes() {
        let error = load("", unknown_operator(), &runtime).err().unwrap();
        assert_eq!(error.code(), "model_load");
        assert!(error.to_string().contains("Frobnicate"), "{error}");
        assert!(
            error.next_step().contains("onnxruntime"),
            "{}",
            error.next_step()
        );
        let cut = colour_net()[..60].to_vec();
        let error = load("", cut, &runtime).err().unwrap();
        assert_eq!(error.code(), "model_load", "{error}");
        let error = load("name = \"nothing\"", colour_net(), &runtime)
            .err()
            .unwrap();
        assert!(error.to_string().contains("vector, map"), "{error}");
        let error = load("dimension = 5", colour_net(), &runtime).err().unwrap();
        assert_eq!(error.code(), "model_failed");
        assert!(error.to_string().contains("dimension is 5"), "{error}");
    }
}

#[test]
fn a_vector_without_direction_is_a_failure_of_its_picture_only() {
    for runtime in runtimes() {
        let model = load("name = \"vector\"", colour_net(), &runtime).unwrap();
        let error = model.embed(&[plain([0; 3])]).unwrap_err();
        assert_eq!(error.fault, resight_vision::Fault::Picture, "{error}");
        assert_eq!(error.code, "model_failed");
    }
}

#[test]
fn kinds_are_not_mixed() {
    let global = manifest(&colour_manifest("colours", ""));
    let runtime = crate::support::built_in();
    let error = LocalModel::load(&global, colour_net(), &runtime, 1, 100)
        .err()
        .unwrap();
    assert_eq!(error.code(), "model_kind");
}
