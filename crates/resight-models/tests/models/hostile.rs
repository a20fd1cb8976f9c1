//! Files that nobody should have made: each is an error with a next step, or runs; none ends the
//! program.

use std::path::Path;

use crate::support::{
    FLOAT, Message, colour_manifest, colour_net, floats, int, ints, longs, model, node, runtimes,
    value,
};
use resight_models::{GlobalModel, Manifest, ModelError, Runtime};
use resight_vision::GlobalExtractor;
use resight_vision::sample::blocks;

fn load(bytes: Vec<u8>, runtime: &Runtime) -> Result<GlobalModel, ModelError> {
    let text = colour_manifest("colours", "name = \"vector\"");
    let manifest = Manifest::parse(&text, Path::new("model.toml")).unwrap();
    GlobalModel::load(&manifest, bytes, runtime, 1)
}

/// Loads and runs it; what goes wrong is told as a model's error.
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
fn files_that_end_early() {
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
    let mut state = 9u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let files: Vec<Vec<u8>> = (0..400)
        .map(|_| {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                bytes[at] = next(256) as u8;
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
fn constants_of_other_lengths_than_they_say() {
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

// How much a network takes is not bounded (docs/security.md), so none of these asks for all memory.
#[test]
fn settings_that_make_no_sense() {
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
            "an axis there is not",
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
        ("an input there is not", one("Add", &[], &["nowhere"], &[])),
    ];
    for runtime in runtimes() {
        for (what, bytes) in &files {
            survives(what, bytes.clone(), &runtime);
        }
    }
}

#[test]
fn operators_in_a_row() {
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
        // It is loaded and run, and gives no vector.
        let error = survives("a long row", chain(20_000), &runtime).unwrap();
        assert_eq!(error.code(), "model_failed", "{error}");
        let error = survives("a longer row", chain(60_000), &runtime).unwrap();
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
