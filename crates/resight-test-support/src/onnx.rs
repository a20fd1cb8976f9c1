//! Small ONNX files, written byte by byte, and their manifests.

use std::path::{Path, PathBuf};

pub use resight_onnx::{BYTE, FLOAT, Message, floats, int, ints, longs, model, node, value};

/// A 1 × 1 convolution from RGB to four channels, ReLU, and the mean over places: the means of red,
/// green, blue, and of the positive part of red minus blue.
pub fn colour_net() -> Vec<u8> {
    #[rustfmt::skip]
    let weights = [
        1.0, 0.0, 0.0,
        0.0, 1.0, 0.0,
        0.0, 0.0, 1.0,
        1.0, 0.0, -1.0,
    ];
    model(
        &[
            node(
                "Conv",
                &["image", "w"],
                "c",
                &[ints("kernel_shape", &[1, 1])],
            ),
            node("Relu", &["c"], "map", &[]),
            node("GlobalAveragePool", &["map"], "pooled", &[]),
            node("Flatten", &["pooled"], "vector", &[int("axis", 1)]),
        ],
        &[floats("w", &[4, 3, 1, 1], &weights)],
        &[value("image", FLOAT, &[1, 3, 0, 0])],
        &[
            value("vector", FLOAT, &[1, 4]),
            value("map", FLOAT, &[1, 4, 0, 0]),
        ],
    )
}

/// The manifest of [`colour_net`], with `more` in its last table, `[output]`.
pub fn colour_manifest(name: &str, more: &str) -> String {
    format!(
        r#"
name = "{name}"
version = "1"
kind = "global"
file = "net.onnx"
licence = "CC0-1.0"
source = "made by a test"

[input]
name = "image"
fit = "stretch"
size = [32, 24]

[output]
{more}
"#
    )
}

/// Corners of grey pictures: the 300 strongest local maxima of the smaller derivative, each described
/// by the 8 × 8 pixels around it.
pub fn corner_net() -> Vec<u8> {
    let mut derivatives = [0.0; 2 * 25];
    for (at, weight) in [(14, 1.0), (10, -1.0), (25 + 22, 1.0), (25 + 2, -1.0)] {
        derivatives[at] = weight;
    }
    let mut patch = vec![0.0; 64 * 64];
    for i in 0..64 {
        patch[i * 64 + i] = 1.0;
    }
    let around =
        |kernel: u64, pads: &[u64]| [ints("kernel_shape", &[kernel; 2]), ints("pads", pads)];
    // `rten` requires the strides of pools.
    let near = [&around(7, &[3; 4])[..], &[ints("strides", &[1, 1])]].concat();
    let axis = |value| [int("axis", value)];
    let corners = [
        node("Conv", &["image", "d"], "slopes", &around(5, &[2; 4])),
        node("Abs", &["slopes"], "steep", &[]),
        node(
            "ReduceMin",
            &["steep"],
            "both",
            &[ints("axes", &[1]), int("keepdims", 1)],
        ),
        node("MaxPool", &["both"], "near", &near),
        node("Equal", &["both", "near"], "is_top", &[]),
        node("Cast", &["is_top"], "top", &[int("to", 1)]),
        node("Mul", &["both", "top"], "strength", &[]),
        node("Reshape", &["strength", "flat"], "all", &[]),
    ];
    // The only operator here with two outputs.
    let best = Message::default()
        .text(1, "all")
        .text(1, "k")
        .text(2, "scores")
        .text(2, "at")
        .text(3, "best")
        .text(4, "TopK");
    let places = [
        node("Shape", &["image"], "sides", &[]),
        node("Gather", &["sides", "three"], "width", &axis(0)),
        node("Div", &["at", "width"], "row", &[]),
        node("Mul", &["row", "width"], "before", &[]),
        node("Sub", &["at", "before"], "column", &[]),
        node("Cast", &["column"], "fx", &[int("to", 1)]),
        node("Cast", &["row"], "fy", &[int("to", 1)]),
        node("Unsqueeze", &["fx", "one"], "x", &[]),
        node("Unsqueeze", &["fy", "one"], "y", &[]),
        node("Concat", &["x", "y"], "keypoints", &axis(1)),
        node(
            "Conv",
            &["image", "p"],
            "patches",
            &around(8, &[4, 4, 3, 3]),
        ),
        node("Reshape", &["patches", "rows"], "planes", &[]),
        node("Transpose", &["planes"], "pixels", &[ints("perm", &[1, 0])]),
        node("Gather", &["pixels", "at"], "descriptors", &axis(0)),
    ];
    let nodes: Vec<Message> = corners.into_iter().chain([best]).chain(places).collect();
    model(
        &nodes,
        &[
            floats("d", &[2, 1, 5, 5], &derivatives),
            floats("p", &[64, 1, 8, 8], &patch),
            longs("flat", &[-1]),
            longs("rows", &[64, -1]),
            longs("k", &[300]),
            longs("three", &[3]),
            longs("one", &[1]),
        ],
        &[value("image", FLOAT, &[1, 1, 0, 0])],
        &[
            value("keypoints", FLOAT, &[0, 2]),
            value("scores", FLOAT, &[0]),
            value("descriptors", FLOAT, &[0, 64]),
        ],
    )
}

/// The manifest of [`corner_net`].
pub fn corner_manifest(name: &str) -> String {
    format!(
        r#"
name = "{name}"
version = "1"
kind = "local"
file = "net.onnx"
licence = "CC0-1.0"
source = "made by a test"

[input]
fit = "within"
long = 512
colour = "gray"

[output]
keypoints = "keypoints"
scores = "scores"
descriptors = "descriptors"
dimension = 64
range = 1.0
scale = 2.0
min_score = 0.1
"#
    )
}

/// A model with an operator that does not exist.
pub fn unknown_operator() -> Vec<u8> {
    model(
        &[node("Frobnicate", &["image"], "vector", &[])],
        &[],
        &[value("image", FLOAT, &[1, 3, 0, 0])],
        &[value("vector", FLOAT, &[1, 4])],
    )
}

/// Writes a model's folder, and returns its path. Panics where that fails.
pub fn folder(root: &Path, manifest: &str, bytes: &[u8]) -> PathBuf {
    let written = std::fs::create_dir_all(root)
        .and_then(|()| std::fs::write(root.join("model.toml"), manifest))
        .and_then(|()| std::fs::write(root.join("net.onnx"), bytes));
    assert!(written.is_ok(), "{}: {written:?}", root.display());
    root.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_manifest_and_a_file() {
        let root = std::env::temp_dir().join(format!("resight-onnx-{}", std::process::id()));
        let written = folder(&root, &colour_manifest("colours", ""), &colour_net());
        let manifest = std::fs::read_to_string(written.join("model.toml")).unwrap();
        let bytes = std::fs::read(written.join("net.onnx")).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        assert!(manifest.contains("name = \"colours\""));
        assert_eq!(bytes, colour_net());
    }
}
