//! Hostile and broken files: each gives an error with a next step, or runs. None ends the program.

use std::path::Path;

use resight_models::{GlobalModel, Manifest, ModelError, Runtime};
use resight_test_support::Random;
use resight_test_support::onnx::{
    FLOAT, Message, colour_manifest, colour_net, floats, int, ints, longs, model, node, value,
};
use resight_vision::GlobalExtractor;
use resight_vision::sample::blocks;

use crate::support::runtimes;

fn load(bytes: Vec<u8>, runtime: &Runtime) -> Result<GlobalModel, ModelError> {
    let text = colour_manifest("colours", "name = \"vector\"");
    let manifest = Manifest::parse(&text, Path::new("model.toml")).unwrap();
    GlobalModel::load(&manifest, bytes, runtime, 1)
}

/// Loads and runs a file, and asserts that any failure is a model's error.
fn survives(what: &str, bytes: Vec<u8>, runtime: &Runtime) -> Option<ModelError> {
    match load(bytes, runtime) {
        Ok(model) => {
            let picture = [blocks(50, 40, 3).unwrap()];
            if let Err(error) = model.embed(&picture) {
                assert_eq!(error.code, "model_failed", "{what}: {error}");
            }
            None
        }
        Err(error) => {
            let known = ["model_load", "model_failed"].contains(&error.code());
            assert!(known, "{what}: {} {error}", error.code());
            assert!(!error.next_step().is_empty(), "{what}: {error}");
            Some(error)
        }
    }
}

/// One operator on the picture and `constants`.
fn one(operator: &str, constants: &[Message], names: &[&str], attributes: &[Message]) -> Vec<u8> {
    let inputs: Vec<&str> = std::iter::once("image")
        .chain(names.iter().copied())
        .collect();
    model(
        &[node(operator, &inputs, "vector", attributes)],
        constants,
        &[value("image", FLOAT, &[1, 3, 0, 0])],
        &[value("vector", FLOAT, &[])],
    )
}

#[test]
fn files_cut_short() {
    let whole = colour_net();
    for runtime in runtimes() {
        for length in (0..whole.len()).step_by(5) {
            survives(
                &format!("{length} bytes"),
                whole[..length].to_vec(),
                &runtime,
            );
        }
        for page in [&b""[..], b"<html>404 Not Found</html>", &[0xFF; 4096]] {
            assert!(survives("no model", page.to_vec(), &runtime).is_some());
        }
    }
}

#[test]
fn files_with_wrong_bytes() {
    let whole = colour_net();
    let mut random = Random::new(9);
    let files: Vec<Vec<u8>> = (0..400)
        .map(|_| {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            bytes
        })
        .collect();
    for runtime in runtimes() {
        for (i, bytes) in files.iter().enumerate() {
            survives(&format!("file {i}"), bytes.clone(), &runtime);
        }
    }
}

#[test]
fn constants_whose_length_disagrees_with_their_shape() {
    let four = [1.0; 4];
    for runtime in runtimes() {
        for shape in [
            &[1 << 20, 1 << 20, 1 << 20][..],
            &[1 << 31, 1 << 31, 4],
            &[1 << 62, 4],
            &[u64::MAX],
            &[5],
        ] {
            let bytes = one("Add", &[floats("w", shape, &four)], &["w"], &[]);
            assert!(survives(&format!("{shape:?}"), bytes, &runtime).is_some());
        }
    }
}

// The memory of a network is not bounded (docs/security.md), so none of these requests much of it.
#[test]
fn attributes_without_a_meaning() {
    let kernel = || floats("w", &[1, 3, 3, 3], &[1.0; 27]);
    let square = |name: &str, side: u64| ints(name, &[side, side]);
    // (what, the file)
    let files = [
        (
            "stride 0",
            one("Conv", &[kernel()], &["w"], &[square("strides", 0)]),
        ),
        (
            "group 0",
            one("Conv", &[kernel()], &["w"], &[int("group", 0)]),
        ),
        (
            "negative padding",
            one(
                "Conv",
                &[kernel()],
                &["w"],
                &[ints("pads", &[-50i64 as u64; 4])],
            ),
        ),
        (
            "other channels",
            one(
                "Conv",
                &[floats("w", &[1, 5, 1, 1], &[1.0; 5])],
                &["w"],
                &[],
            ),
        ),
        (
            "kernel 0",
            one("MaxPool", &[], &[], &[square("kernel_shape", 0)]),
        ),
        (
            "kernel too large",
            one("MaxPool", &[], &[], &[square("kernel_shape", 1 << 40)]),
        ),
        (
            "an axis that does not exist",
            one("Softmax", &[], &[], &[int("axis", 99)]),
        ),
        (
            "axes twice",
            one("Transpose", &[], &[], &[ints("perm", &[0, 0, 7, 1])]),
        ),
        (
            "no such shape",
            one("Reshape", &[longs("s", &[7, -1])], &["s"], &[]),
        ),
        (
            "overflow",
            one("Reshape", &[longs("s", &[1 << 40, 1 << 40])], &["s"], &[]),
        ),
        (
            "no such place",
            one("Gather", &[longs("i", &[1000])], &["i"], &[int("axis", 1)]),
        ),
        (
            "an input that does not exist",
            one("Add", &[], &["nowhere"], &[]),
        ),
    ];
    for runtime in runtimes() {
        for (what, bytes) in &files {
            survives(what, bytes.clone(), &runtime);
        }
    }
}

#[test]
fn long_chains_of_operators() {
    let chain = |count: usize| {
        let name = |i: usize| format!("r{i}");
        let nodes: Vec<Message> = (0..count)
            .map(|i| {
                let last = if i == 0 { "image".into() } else { name(i - 1) };
                let this = if i + 1 == count {
                    "vector".into()
                } else {
                    name(i)
                };
                node("Relu", &[&last], &this, &[])
            })
            .collect();
        let (input, output) = (
            value("image", FLOAT, &[1, 3, 0, 0]),
            value("vector", FLOAT, &[]),
        );
        model(&nodes, &[], &[input], &[output])
    };
    for runtime in runtimes() {
        // It loads and runs, and its output is no vector.
        let error = survives("a long chain", chain(20_000), &runtime).unwrap();
        assert_eq!(error.code(), "model_failed", "{error}");
        let error = survives("a longer chain", chain(60_000), &runtime).unwrap();
        assert!(error.to_string().contains("50000 operators"), "{error}");
    }
}

#[test]
fn weights_in_another_file_are_refused() {
    let elsewhere = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    let weight = Message::default()
        .int(1, 3)
        .int(2, 1)
        .text(8, "w")
        .message(13, &elsewhere("location", "net.onnx"))
        .message(13, &elsewhere("length", "12"))
        .int(14, 1);
    let bytes = one("Mul", &[weight], &["w"], &[]);
    for runtime in runtimes() {
        let error = survives("external", bytes.clone(), &runtime).unwrap();
        assert_eq!(error.code(), "model_load", "{error}");
        assert!(
            error.next_step().contains("save_as_external_data"),
            "{}: {}",
            error,
            error.next_step()
        );
    }
}
