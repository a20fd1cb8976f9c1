"""Our SIFT beside OpenCV's: correct matches, repeatability, location error, time.

    bench/run sift_beside_opencv.py --data DIR/oxford_affine

DIR holds `images/` and `homographies.json` (image 1 to image N). Both get the same grey pixels,
the same top-k by response, the same matcher: mutual nearest neighbours, ratio 0.8, right within
3 px. OpenCV's descriptors are turned into RootSIFT, as ours are. Times are wall time of one
thread, interleaved picture by picture, medians.
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


def ours(pgm, top_k, contrast):
    run = subprocess.run(
        [ROOT / "target/release/examples/describe", str(top_k), str(contrast), pgm],
        check=True, capture_output=True, text=True)
    raw = pathlib.Path(f"{pgm}.features").read_bytes()
    (n,) = struct.unpack_from("<I", raw)
    rows = np.frombuffer(raw, np.uint8, offset=4).reshape(n, 20 + 128)
    places = rows[:, :20].copy().view("<f4")
    return places[:, :3], rows[:, 20:].astype(np.float32), float(run.stdout.split()[-1])


def opencv(gray, top_k, contrast):
    sift = cv2.SIFT_create(nfeatures=top_k, contrastThreshold=contrast)
    start = time.perf_counter()
    keypoints, descriptors = sift.detectAndCompute(gray, None)
    took = (time.perf_counter() - start) * 1e3
    order = np.argsort([-k.response for k in keypoints], kind="stable")[:top_k]
    places = np.array([[keypoints[i].pt[0], keypoints[i].pt[1], keypoints[i].size / 2] for i in order], np.float32)
    descriptors = descriptors[order]
    descriptors = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-9))
    return places, descriptors, took


def matches(a, b):
    """Mutual nearest neighbours that pass the ratio test from a to b."""
    d = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    best = d.argmin(1)
    two = np.partition(d, 1, axis=1)[:, :2]
    keep = (d.argmin(0)[best] == np.arange(len(a))) & (two[:, 0] < 0.64 * two[:, 1])
    return np.flatnonzero(keep), best[keep]


def project(h, xy):
    p = np.c_[xy, np.ones(len(xy))] @ h.T
    return p[:, :2] / p[:, 2:]


def judge(h, size, a, b):
    """Correct matches, repeatability and the errors of the correct ones, in px of picture N.

    `size` is width and height of picture N, then of picture 1. Repeatability: of the keypoints
    in the part both pictures show, the share that pair up one to one within 3 px.
    """
    moved = project(h, a[0][:, :2])
    i, j = matches(a[1], b[1])
    error = np.linalg.norm(moved[i] - b[0][j, :2], axis=1)
    right = error < 3
    width, height, first_width, first_height = size
    seen = (moved[:, 0] >= 0) & (moved[:, 1] >= 0) & (moved[:, 0] < width) & (moved[:, 1] < height)
    back = project(np.linalg.inv(h), b[0][:, :2])
    seen_b = (back[:, 0] >= 0) & (back[:, 1] >= 0) & (back[:, 0] < first_width) & (back[:, 1] < first_height)
    places, targets = moved[seen], b[0][seen_b, :2]
    if len(places) and len(targets):
        d = ((places[:, None] - targets[None]) ** 2).sum(2)
        best = d.argmin(1)
        paired = (d.argmin(0)[best] == np.arange(len(places))) & (d.min(1) < 9)
        repeatability = paired.sum() / min(len(places), len(targets))
    else:
        repeatability = 0.0
    return int(right.sum()), repeatability, error[right]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "../shared/data/eval/oxford_affine")
    parser.add_argument("--top-k", type=int, nargs="+", default=[1000, 2000])
    parser.add_argument("--contrast", type=float, default=0.04)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "resight-vision", "--example", "describe"],
                   check=True, cwd=ROOT)
    pairs = {tuple(k.split("|")): np.array(v) for k, v in json.loads((args.data / "homographies.json").read_text()).items()}
    names = sorted({n for pair in pairs for n in pair})
    result = {}
    with tempfile.TemporaryDirectory() as work:
        grays = {n: cv2.imread(str(args.data / "images" / n), cv2.IMREAD_GRAYSCALE) for n in names}
        for n, g in grays.items():
            cv2.imwrite(f"{work}/{n}.pgm", g)
        for top_k in args.top_k:
            found, times = {"resight": {}, "opencv": {}}, {"resight": [], "opencv": []}
            for n, g in grays.items():
                for repeat in range(3):
                    *f, t = ours(f"{work}/{n}.pgm", top_k, args.contrast)
                    found["resight"][n] = f
                    times["resight"].append(t)
                    *f, t = opencv(g, top_k, args.contrast)
                    found["opencv"][n] = f
                    times["opencv"].append(t)
            print(f"\ntop {top_k}: correct matches (repeatability) a pair")
            totals = {who: [0, [], []] for who in found}
            for (first, second), h in sorted(pairs.items()):
                size = grays[second].shape[::-1] + grays[first].shape[::-1]
                line = f"  {first:12s} {second:12s}"
                for who in found:
                    right, repeatability, errors = judge(h, size, found[who][first], found[who][second])
                    totals[who][0] += right
                    totals[who][1].append(repeatability)
                    totals[who][2].extend(errors)
                    line += f"   {who} {right:5d} ({repeatability:.3f})"
                print(line)
            for who, (right, repeatability, errors) in totals.items():
                row = {"correct": right, "repeatability": round(float(np.mean(repeatability)), 4),
                       "median_error_px": round(float(np.median(errors)), 4),
                       "ms": round(statistics.median(times[who]), 1)}
                result[f"{who}_{top_k}"] = row
                print(f"  {who:8s} {row}")
    for top_k in args.top_k:
        a, b = result[f"resight_{top_k}"], result[f"opencv_{top_k}"]
        result[f"correct_ratio_{top_k}"] = round(a["correct"] / b["correct"], 3)
        result[f"repeatability_ratio_{top_k}"] = round(a["repeatability"] / b["repeatability"], 3)
        result[f"time_ratio_{top_k}"] = round(b["ms"] / a["ms"], 2)
    print(json.dumps({"bench": "sift_beside_opencv", "pairs": len(pairs), **result}))


if __name__ == "__main__":
    main()
