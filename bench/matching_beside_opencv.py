"""Our matching of all descriptors with all beside OpenCV's: the same matches, time.

    bench/run matching_beside_opencv.py [PICTURE PICTURE]

OpenCV's SIFT describes two pictures (by default a pair of `oxford_affine` where the data is
there, and a generated picture with its turned copy); RootSIFT bytes of its strongest features go
to all matchers: mutual nearest neighbours, ratio 0.85. OpenCV is timed as `cv2.batchDistance`,
which gives arrays and so costs no Python objects, with floats and with bytes, and as the usual
`BFMatcher.knnMatch`; ratio and mutual check are numpy on whole arrays. Each round makes the same
number of calls of each after one that is not counted, in turn; each round's time is the median
CPU time of a call, and medians of rounds are printed. One thread.
"""

import argparse
import json
import pathlib
import statistics
import struct
import subprocess
import tempfile
import time

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAIR = ROOT.parent / "shared/data/eval/oxford_affine/images"


def generated():
    random = np.random.default_rng(1)
    gray = np.full((900, 1200), 128, np.uint8)
    for _ in range(1500):
        centre = tuple(int(v) for v in random.integers(0, (1200, 900)))
        axes = tuple(int(v) for v in random.integers(4, 40, 2))
        cv2.ellipse(gray, centre, axes, float(random.uniform(0, 180)), 0, 360, int(random.integers(0, 256)), -1)
    turned = cv2.warpAffine(gray, cv2.getRotationMatrix2D((600, 450), 20, 0.9), (1200, 900))
    return gray, turned


def describe(gray, count):
    keypoints, rows = cv2.SIFT_create(contrastThreshold=0.01).detectAndCompute(gray, None)
    rows = rows[np.argsort([-k.response for k in keypoints], kind="stable")[:count]]
    roots = np.sqrt(rows / np.maximum(rows.sum(1, keepdims=True), 1e-9))
    return np.minimum(np.rint(roots * 512), 255).astype(np.uint8)


def select(nearest, distances, backward, share):
    """(query, result) of mutual neighbours that pass the ratio."""
    queries = np.arange(len(nearest))
    kept = (distances[:, 0] < share * distances[:, 1]) & (backward[nearest] == queries)
    return np.stack([queries[kept], nearest[kept]], 1)


def batch_distance(a, b, norm, kind):
    """As `select`. The kind of distance follows from the bytes or floats."""
    share = 0.85 if norm == cv2.NORM_L2 else 0.85 ** 2
    distances, forward = cv2.batchDistance(a, b, kind, normType=norm, K=2)
    _, backward = cv2.batchDistance(b, a, kind, normType=norm, K=1)
    return select(forward[:, 0], distances, backward[:, 0], share)


def brute_force(a, b, norm, _):
    """The same through BFMatcher, which makes a Python object for each neighbour."""
    share = 0.85 if norm == cv2.NORM_L2 else 0.85 ** 2
    matcher = cv2.BFMatcher(norm)
    forward = matcher.knnMatch(a, b, k=2)
    backward = np.array([m.trainIdx for m in matcher.match(b, a)])
    nearest = np.array([m.trainIdx for m, _ in forward])
    distances = np.array([(m.distance, n.distance) for m, n in forward])
    return select(nearest, distances, backward, share)


def timed(call, variant, repeats):
    """Median CPU time of a call in ms, after one that is not counted, and what it gave."""
    found = call(*variant)
    times = []
    for _ in range(repeats):
        start = time.process_time_ns()
        call(*variant)
        times.append(time.process_time_ns() - start)
    return statistics.median(times) / 1e6, {tuple(pair) for pair in found.tolist()}


def accepted(a, b):
    """The ways of OpenCV that this build takes."""
    floats = (a.astype(np.float32), b.astype(np.float32))
    candidates = {
        "opencv_batch_f32": (batch_distance, (*floats, cv2.NORM_L2, cv2.CV_32F)),
        "opencv_batch_f32_sqr": (batch_distance, (*floats, cv2.NORM_L2SQR, cv2.CV_32F)),
        "opencv_batch_u8": (batch_distance, (a, b, cv2.NORM_L2, cv2.CV_32F)),
        "opencv_batch_u8_sqr": (batch_distance, (a, b, cv2.NORM_L2SQR, cv2.CV_32S)),
        "opencv_bf_f32": (brute_force, (*floats, cv2.NORM_L2, None)),
        "opencv_bf_u8": (brute_force, (a, b, cv2.NORM_L2, None)),
    }
    for name, (call, variant) in list(candidates.items()):
        try:
            call(variant[0][:4], variant[1][:4], *variant[2:])
        except cv2.error:
            print(f"{name}: refused by OpenCV")
            del candidates[name]
    return candidates


def compare(program, a, b, rounds, repeats):
    variants = accepted(a, b)
    times, found = {}, {}
    with tempfile.TemporaryDirectory() as work:
        paths = []
        for name, rows in (("a", a), ("b", b)):
            paths.append(pathlib.Path(work) / name)
            places = np.zeros((len(rows), 20), np.uint8)
            paths[-1].write_bytes(struct.pack("<I", len(rows)) + np.hstack([places, rows]).tobytes())
        for _ in range(rounds):
            run = subprocess.run([program, "--matches", str(repeats), *paths],
                                 check=True, capture_output=True, text=True)
            *lines, ms = run.stdout.splitlines()
            times.setdefault("resight", []).append(float(ms))
            found["resight"] = {tuple(int(v) for v in line.split()[:2]) for line in lines}
            for name, (call, variant) in variants.items():
                ms, found[name] = timed(call, variant, repeats)
                times.setdefault(name, []).append(ms)
    result = {"queries": len(a), "results": len(b)}
    for name in times:
        result[f"{name}_ms"] = round(statistics.median(times[name]), 3)
        result[f"{name}_matches"] = len(found[name])
        if name != "resight":
            result[f"{name}_time_ratio"] = round(result[f"{name}_ms"] / result["resight_ms"], 1)
            result[f"{name}_different"] = len(found[name] ^ found["resight"])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", help="two pictures")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=15, help="calls a round that are counted")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "resight-vision", "--example", "match_speed"],
                   check=True, cwd=ROOT)
    target = json.loads(subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps"], check=True,
                                       cwd=ROOT, capture_output=True, text=True).stdout)["target_directory"]
    pairs = {}
    if args.pictures:
        pairs["given"] = [cv2.imread(p, cv2.IMREAD_GRAYSCALE) for p in args.pictures]
    else:
        real = [PAIR / f"{name}.png" for name in ("boat_1", "boat_2")]
        if all(p.exists() for p in real):
            pairs["boat_1_2"] = [cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in real]
        else:
            print("oxford_affine is not there: only a generated pair")
        pairs["generated"] = generated()
    result = {"bench": "matching_beside_opencv", "opencv": cv2.__version__}
    for name, grays in pairs.items():
        a, b = (describe(g, args.count) for g in grays)
        result[name] = compare(f"{target}/release/examples/match_speed", a, b, args.rounds, args.repeats)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
