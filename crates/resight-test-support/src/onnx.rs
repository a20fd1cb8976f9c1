//! Small ONNX files, written byte by byte, and their manifests.

use std::path::{Path, PathBuf};

/// A builder of Protocol Buffers messages.
#[derive(Clone, Default)]
pub struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Appends a field that is a number.
    pub fn int(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Appends a field of 32 bits.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends a length-delimited field.
    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// Appends a string.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Appends a message.
    pub fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

/// `AttributeProto` of integers.
pub fn ints(name: &str, values: &[u64]) -> Message {
    let start = Message::default().text(1, name);
    let filled = values.iter().fold(start, |m, v| m.int(8, *v));
    filled.int(20, 7)
}

/// `AttributeProto` of one integer.
pub fn int(name: &str, value: u64) -> Message {
    Message::default().text(1, name).int(3, value).int(20, 2)
}

/// `NodeProto`.
pub fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Message {
    let start = inputs.iter().fold(Message::default(), |m, i| m.text(1, i));
    let named = start.text(2, output).text(3, output).text(4, operator);
    attributes.iter().fold(named, |m, a| m.message(5, a))
}

/// `TensorProto` of 32-bit floats.
pub fn floats(name: &str, shape: &[u64], values: &[f32]) -> Message {
    let start = shape
        .iter()
        .fold(Message::default(), |m, side| m.int(1, *side));
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    start.int(2, 1).text(8, name).bytes(9, &raw)
}

/// `TensorProto` of 64-bit integers.
pub fn longs(name: &str, values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Message::default()
        .int(1, values.len() as u64)
        .int(2, 7)
        .text(8, name)
        .bytes(9, &raw)
}

/// `TensorProto.DataType` of 32-bit floats.
pub const FLOAT: u64 = 1;
/// `TensorProto.DataType` of bytes.
pub const BYTE: u64 = 2;

/// `ValueInfoProto`; a side of 0 stands for any length.
pub fn value(name: &str, element: u64, shape: &[u64]) -> Message {
    let sides = shape
        .iter()
        .enumerate()
        .fold(Message::default(), |m, (i, side)| {
            m.message(
                1,
                &match side {
                    0 => Message::default().text(2, &format!("{name}{i}")),
                    side => Message::default().int(1, *side),
                },
            )
        });
    let tensor = Message::default().int(1, element).message(2, &sides);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind)
}

/// `ModelProto`, IR version 8, operator set 17.
pub fn model(
    nodes: &[Message],
    constants: &[Message],
    inputs: &[Message],
    outputs: &[Message],
) -> Vec<u8> {
    let graph = nodes
        .iter()
        .fold(Message::default(), |m, n| m.message(1, n));
    let graph = graph.text(2, "test");
    let graph = constants.iter().fold(graph, |m, c| m.message(5, c));
    let graph = inputs.iter().fold(graph, |m, i| m.message(11, i));
    let graph = outputs.iter().fold(graph, |m, o| m.message(12, o));
    let operators = Message::default().text(1, "").int(2, 17);
    Message::default()
        .int(1, 8)
        .message(7, &graph)
        .message(8, &operators)
        .0
}

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

    /// The examples of <https://protobuf.dev/programming-guides/encoding/>.
    #[test]
    fn messages_are_encoded_as_documented() {
        let number = Message::default().int(1, 150);
        assert_eq!(number.0, [0x08, 0x96, 0x01]);
        let text = Message::default().text(2, "testing");
        assert_eq!(text.0, b"\x12\x07testing");
        let nested = Message::default().message(3, &number);
        assert_eq!(nested.0, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let float = Message::default().float(5, 1.0);
        assert_eq!(float.0, [0x2d, 0, 0, 0x80, 0x3f]);
    }

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
