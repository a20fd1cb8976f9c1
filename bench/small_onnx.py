"""Two small ONNX models for benches, written byte by byte, so that nothing need be fetched.

`install(resight, models, work)` adds both to a folder of models: `colours`, a global model of mean
colours, and `corners`, a local one of the 300 strongest corners with the 8 × 8 pixels around each.
"""

import json
import struct
import subprocess

FLOAT = 1


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def ints(name, values):
    """AttributeProto of integers."""
    return data(1, name) + b"".join(number(8, v) for v in values) + number(20, 7)


def integer(name, value):
    """AttributeProto of one integer."""
    return data(1, name) + number(3, value) + number(20, 2)


def node(operator, inputs, outputs, *attributes):
    """NodeProto."""
    outputs = [outputs] if isinstance(outputs, str) else outputs
    return (b"".join(data(1, i) for i in inputs) + b"".join(data(2, o) for o in outputs)
            + data(3, outputs[0]) + data(4, operator) + b"".join(data(5, a) for a in attributes))


def floats(name, shape, values):
    """TensorProto of 32-bit floats."""
    return (b"".join(number(1, side) for side in shape) + number(2, 1) + data(8, name)
            + data(9, struct.pack(f"<{len(values)}f", *values)))


def longs(name, values):
    """TensorProto of 64-bit integers."""
    return (number(1, len(values)) + number(2, 7) + data(8, name)
            + data(9, struct.pack(f"<{len(values)}q", *values)))


def value(name, shape):
    """ValueInfoProto of floats; a side of 0 may have any length."""
    sides = b"".join(
        data(1, number(1, side) if side else data(2, f"{name}{i}")) for i, side in enumerate(shape)
    )
    return data(1, name) + data(2, data(1, number(1, FLOAT) + data(2, sides)))


def model(nodes, constants, inputs, outputs):
    """ModelProto, version 8 of the format, operators of set 17."""
    graph = (b"".join(data(1, n) for n in nodes) + data(2, "bench")
             + b"".join(data(5, c) for c in constants)
             + b"".join(data(11, i) for i in inputs) + b"".join(data(12, o) for o in outputs))
    return number(1, 8) + data(7, graph) + data(8, data(1, "") + number(2, 17))


def colours():
    """Means of red, green and blue, and of how much red exceeds blue."""
    weights = [1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, -1]
    return model(
        [
            node("Conv", ["image", "w"], "c", ints("kernel_shape", [1, 1])),
            node("Relu", ["c"], "map"),
            node("GlobalAveragePool", ["map"], "pooled"),
            node("Flatten", ["pooled"], "vector", integer("axis", 1)),
        ],
        [floats("w", [4, 3, 1, 1], weights)],
        [value("image", [1, 3, 0, 0])],
        [value("vector", [1, 4])],
    )


def corners():
    """The 300 places where both derivatives are strong and stronger than near by."""
    derivatives = [0.0] * 50
    for at, weight in [(14, 1), (10, -1), (47, 1), (27, -1)]:
        derivatives[at] = weight
    patch = [float(i % 65 == 0) for i in range(64 * 64)]
    kernel = lambda size, pads: [ints("kernel_shape", [size, size]), ints("pads", pads)]
    return model(
        [
            node("Conv", ["image", "d"], "slopes", *kernel(5, [2] * 4)),
            node("Abs", ["slopes"], "steep"),
            node("ReduceMin", ["steep"], "both", ints("axes", [1]), integer("keepdims", 1)),
            node("MaxPool", ["both"], "near", *kernel(7, [3] * 4), ints("strides", [1, 1])),
            node("Equal", ["both", "near"], "is_top"),
            node("Cast", ["is_top"], "top", integer("to", 1)),
            node("Mul", ["both", "top"], "strength"),
            node("Reshape", ["strength", "flat"], "all"),
            node("TopK", ["all", "k"], ["scores", "at"]),
            node("Shape", ["image"], "sides"),
            node("Gather", ["sides", "three"], "width", integer("axis", 0)),
            node("Div", ["at", "width"], "row"),
            node("Mul", ["row", "width"], "before"),
            node("Sub", ["at", "before"], "column"),
            node("Cast", ["column"], "fx", integer("to", 1)),
            node("Cast", ["row"], "fy", integer("to", 1)),
            node("Unsqueeze", ["fx", "one"], "x"),
            node("Unsqueeze", ["fy", "one"], "y"),
            node("Concat", ["x", "y"], "keypoints", integer("axis", 1)),
            node("Conv", ["image", "p"], "patches", *kernel(8, [4, 4, 3, 3])),
            node("Reshape", ["patches", "rows"], "planes"),
            node("Transpose", ["planes"], "pixels", ints("perm", [1, 0])),
            node("Gather", ["pixels", "at"], "descriptors", integer("axis", 0)),
        ],
        [
            floats("d", [2, 1, 5, 5], derivatives),
            floats("p", [64, 1, 8, 8], patch),
            longs("flat", [-1]),
            longs("rows", [64, -1]),
            longs("k", [300]),
            longs("three", [3]),
            longs("one", [1]),
        ],
        [value("image", [1, 1, 0, 0])],
        [value("keypoints", [0, 2]), value("scores", [0]), value("descriptors", [0, 64])],
    )


HEAD = """
name = "{name}"
version = "1"
kind = "{kind}"
file = "net.onnx"
licence = "CC0-1.0"
source = "made by a bench"
"""
COLOURS = HEAD.format(name="colours", kind="global") + """
[input]
name = "image"
fit = "stretch"
size = [32, 24]

[output]
name = "vector"
"""
CORNERS = HEAD.format(name="corners", kind="local") + """
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
"""


def install(resight, models, work):
    """Adds both models to the folder `models`, unless it has them; `work` takes their files."""
    for name, manifest, net in [("colours", COLOURS, colours()), ("corners", CORNERS, corners())]:
        if (models / name).exists():
            continue
        folder = work / f"model-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.toml").write_text(manifest)
        (folder / "net.onnx").write_bytes(net)
        command = [resight, "models", "add", folder, "--models", models, "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"models add {name}: {json.dumps(done.stderr)}")
