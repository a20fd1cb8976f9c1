"""Our embedding beside Python's onnxruntime: the same model, the same pictures, one thread each.

    bench/run embedding_beside_onnxruntime.py --models DIR --data ../shared/data [--pictures 24] [--rounds 5]

DIR is a folder of models in which `resight models pull sscd` and `pull sscd-student` have installed
both; the weights are not ours to ship. Each picture goes through Python (Pillow's resize, then
onnxruntime) and through our two runtimes in turn, in one run, so that a busy machine hurts all alike.
Figures are milliseconds a picture, the median over pictures of the best of the rounds, from decoded pixels
to the vector; ratios are Python's time over ours. `cosine_same_pixels` compares vectors of pictures that
are already of the model's size, so that nothing is resized. A small f32 network, written here, shows
that f32 outputs agree.
"""

import argparse
import hashlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Ours:
    """One of our runtimes in a process of its own."""

    def __init__(self, binary, models, name, runtime):
        self.process = subprocess.Popen([binary, models, name, runtime], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.model = self.process.stdout.readline().strip()
        assert self.model, f"{name} did not load in {runtime}"

    def embed(self, pixels, path):
        height, width, _ = pixels.shape
        self.process.stdin.write(f"{width} {height} {path}\n")
        self.process.stdin.flush()
        numbers = [float(word) for word in self.process.stdout.readline().split()]
        return numbers[0], np.array(numbers[1:], np.float32)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Python:
    """onnxruntime as a Python program would use it."""

    def __init__(self, path, manifest):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = manifest["input"]

    def embed(self, pixels):
        start = time.perf_counter()
        resized = Image.fromarray(pixels).resize(self.input["size"], Image.BILINEAR)
        value = np.asarray(resized)[None]
        if self.input.get("element", "float32") == "float32":
            value = np.ascontiguousarray((value.astype(np.float32) / 255).transpose(0, 3, 1, 2))
        vector = self.session.run(None, {self.input["name"]: value})[0][0]
        vector = vector / np.linalg.norm(vector)
        return (time.perf_counter() - start) * 1e3, vector


def small_net(folder):
    """A small f32 network of three convolutions, with its manifest, as a folder of models has it."""
    random = np.random.default_rng(7)
    nodes, weights, last, channels = [], [], "image", 3
    for i, (out, stride) in enumerate([(16, 2), (32, 2), (64, 2)]):
        weight = random.normal(0, (2 / (9 * channels)) ** 0.5, (out, channels, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(weight, f"w{i}"))
        nodes += [helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], kernel_shape=[3, 3],
                                  strides=[stride] * 2, pads=[1] * 4),
                  helper.make_node("Relu", [f"c{i}"], [f"r{i}"])]
        last, channels = f"r{i}", out
    nodes += [helper.make_node("GlobalAveragePool", [last], ["pooled"]),
              helper.make_node("Flatten", ["pooled"], ["vector"])]
    graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 224, 224])],
                              [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, channels])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    where = folder / "small-f32"
    where.mkdir()
    onnx.save(model, where / "small.onnx")
    digest = hashlib.sha256((where / "small.onnx").read_bytes()).hexdigest()
    (where / "model.toml").write_text(f"""
name = "small-f32"
version = "1"
kind = "global"
file = "small.onnx"
sha256 = "{digest}"
licence = "CC0-1.0"
source = "bench/embedding_beside_onnxruntime.py"
[input]
name = "image"
fit = "stretch"
size = [224, 224]
""")


def measure(binary, models, name, library, pictures, rounds, work):
    manifest = tomllib.loads((models / name / "model.toml").read_text())
    python = Python(str(models / name / manifest["file"]), manifest)
    ours = {"onnxruntime": Ours(binary, str(models), name, str(library)), "rten": Ours(binary, str(models), name, "none")}
    times = {key: [[] for _ in pictures] for key in ["python", *ours]}
    cosines = {key: [] for key in ours}
    same = {key: [] for key in ours}
    for _ in range(rounds):
        for i, (pixels, path) in enumerate(pictures):
            ms, expected = python.embed(pixels)
            times["python"][i].append(ms)
            for key, runtime in ours.items():
                ms, vector = runtime.embed(pixels, path)
                times[key][i].append(ms)
                cosines[key].append(float(expected @ vector))
    for i, (pixels, _) in enumerate(pictures):
        fitting = np.asarray(Image.fromarray(pixels).resize(manifest["input"]["size"], Image.BILINEAR))
        path = work / f"fitting{i}.rgb"
        path.write_bytes(fitting.tobytes())
        _, expected = python.embed(fitting)
        for key, runtime in ours.items():
            same[key].append(float(expected @ runtime.embed(fitting, path)[1]))
    for runtime in ours.values():
        runtime.end()
    ms = {key: statistics.median(min(t) for t in values) for key, values in times.items()}
    return {
        "model": name,
        "ms": {key: round(value, 2) for key, value in ms.items()},
        "python_over_ours": {key: round(ms["python"] / ms[key], 3) for key in ours},
        "cosine_smallest": {key: round(min(values), 6) for key, values in cosines.items()},
        "cosine_same_pixels": {key: round(min(values), 7) for key, values in same.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, help="folder of models with sscd and sscd-student")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--binary", type=pathlib.Path, help="the built example, in place of building it")
    args = parser.parse_args()
    binary = args.binary
    if not binary:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "resight-models", "--example", "embed"],
                       check=True, cwd=ROOT)
        binary = ROOT / "target/release/examples/embed"
    library = pathlib.Path(onnxruntime.__file__).parent
    files = sorted((args.data / "photos").rglob("*.jpg"))
    files = files[:: max(1, len(files) // args.pictures)][: args.pictures]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        small_net(work)
        pictures = []
        for i, file in enumerate(files):
            pixels = np.asarray(Image.open(file).convert("RGB"))
            path = work / f"{i}.rgb"
            path.write_bytes(pixels.tobytes())
            pictures.append((pixels, path))
        wanted = [(work, "small-f32")]
        for name in ["sscd-student", "sscd"]:
            if args.models and (args.models / name).is_dir():
                wanted.append((args.models, name))
            else:
                print(f"SKIPPED: {name} is not installed in {args.models}", file=sys.stderr)
        results = []
        for models, name in wanted:
            result = measure(binary, models, name, library, pictures, args.rounds, work)
            results.append(result)
            print(f"{name}: " + ", ".join(f"{key} {ms} ms" for key, ms in result["ms"].items())
                  + f"; Python over ours {result['python_over_ours']}; smallest cosine {result['cosine_smallest']}, "
                  + f"of the same pixels {result['cosine_same_pixels']}")
    print(json.dumps({"bench": "embedding_beside_onnxruntime", "onnxruntime": onnxruntime.__version__,
                      "pictures": len(pictures), "rounds": args.rounds, "results": results}))


if __name__ == "__main__":
    main()
