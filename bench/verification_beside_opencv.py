"""Verification beside OpenCV's findHomography, on the same synthetic matches.

    bench/run verification_beside_opencv.py [--verify-speed PROGRAM] [--trials 200]

PROGRAM is the example `verify_speed` of resight-vision in the release profile. Both pictures are
640 x 480. `whole` views move the four corners by up to 12 % of the picture's sides, and the inliers lie
evenly in the query. `turned` views are similarities before that (any angle, scale 0.7 to 1.4), and
inliers lie where both pictures show them, so that corners are extrapolated. In the result inliers have
normal noise of 1 px in x and in y. Keypoints have scales from 1.6 to 12.8 px; those of
inliers in the result have the scale and angle of the view's derivative there with normal noise of 0.15
octaves and 8 degrees. Outliers are random in everything. OpenCV is given the places alone, as that is
all it takes; USAC_MAGSAC and RANSAC with a threshold of 3 px, at most 2,000 iterations and 0.999
confidence; both with their own random numbers.

Scene by scene the three take turns. Times are CPU time of the one thread, the median of so many calls
a scene; a failure is no homography, or a mean error of the query's corners above 10 px. Errors are
means over what did not fail. `least squares` is the fit on the true inliers: nobody can know better.
The last line is one line of JSON.
"""

import argparse
import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

W, H = 640, 480
CORNERS = np.array([[0, 0], [W - 1, 0], [W - 1, H - 1], [0, H - 1]], float)


def project(h, points):
    q = np.c_[points, np.ones(len(points))] @ h.T
    return q[:, :2] / q[:, 2:]


def derivative(h, points):
    q = np.c_[points, np.ones(len(points))] @ h.T
    u, w = q[:, :2] / q[:, 2:], q[:, 2]
    return (h[None, :2, :2] - u[:, :, None] * h[None, 2:, :2]) / w[:, None, None]


def view(random, kind):
    turn, scale = random.uniform(0, 2 * np.pi), 0.7 * 2 ** random.uniform(0, 1)
    if kind == "whole":
        turn, scale = 0.0, 1.0
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.array([W - 1, H - 1]) / 2
    to = (CORNERS - centre) @ rotation.T + centre
    to += random.uniform(-0.12, 0.12, (4, 2)) * [W, H]
    return cv2.getPerspectiveTransform(CORNERS.astype(np.float32), to.astype(np.float32))


def scene(random, kind, matches, outliers):
    while True:
        h = view(random, kind)
        wanted = round(matches * (1 - outliers))
        a = random.uniform(0, 1, (20 * matches, 2)) * [W, H]
        b = project(h, a) + random.normal(0, 1, a.shape)
        inside = ((b >= 0) & (b < [W, H])).all(1) | (kind == "whole")
        jacobians = derivative(h, a)
        if inside.sum() >= wanted and np.linalg.det(jacobians[inside]).min() > 0.05:
            break
    a, b, jacobians = a[inside][:wanted], b[inside][:wanted], jacobians[inside][:wanted]
    n = matches - wanted
    places = np.c_[a, b]
    places = np.r_[places, random.uniform(0, 1, (n, 4)) * [W, H, W, H]]
    scales = 1.6 * 2 ** random.uniform(0, 3, (matches, 2))
    angles = random.uniform(0, 2 * np.pi, (matches, 2))
    size = np.sqrt(np.linalg.det(jacobians))
    turn = np.arctan2(jacobians[:, 1, 0] - jacobians[:, 0, 1], np.trace(jacobians, axis1=1, axis2=2))
    scales[:wanted, 1] = scales[:wanted, 0] * size * 2 ** random.normal(0, 0.15, wanted)
    angles[:wanted, 1] = angles[:wanted, 0] + turn + np.radians(random.normal(0, 8, wanted))
    angles %= 2 * np.pi
    columns = [places[:, :2], scales[:, :1], angles[:, :1], places[:, 2:], scales[:, 1:], angles[:, 1:]]
    rows = np.hstack(columns).astype("<f4")
    least_squares = rows[:wanted]
    return h, rows[random.permutation(matches)], least_squares


def corner_error(found, truth):
    if found is None or not np.isfinite(found).all():
        return np.inf
    return float(np.linalg.norm(project(found, CORNERS) - project(truth, CORNERS), axis=1).mean())


def timed(call, repeats):
    found = call()
    times = []
    for _ in range(repeats):
        before = time.thread_time_ns()
        found = call()
        times.append((time.thread_time_ns() - before) / 1e3)
    return found, float(np.median(times))


def opencv(rows, method, repeats):
    a, b = np.ascontiguousarray(rows[:, :2]), np.ascontiguousarray(rows[:, 4:6])
    call = lambda: cv2.findHomography(a, b, method, 3.0, maxIters=2000, confidence=0.999)[0]
    return timed(call, repeats)


def measure(program, kind, matches, outliers, trials, seed):
    random = np.random.default_rng(seed)
    scenes = [scene(random, kind, matches, outliers) for _ in range(trials)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenes"
        parts = [struct.pack("<I", trials)]
        for _, rows, _ in scenes:
            parts += [struct.pack("<I", len(rows)), rows.tobytes()]
        path.write_bytes(b"".join(parts))
        ours = subprocess.Popen(
            [program, "--serve", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        results = {name: ([], []) for name in ["resight", "opencv MAGSAC", "opencv RANSAC", "least squares"]}
        for i, (truth, rows, right) in enumerate(scenes):
            print(f"{i} 9", file=ours.stdin, flush=True)
            answer = json.loads(ours.stdout.readline())
            found = answer["homography"]
            found = None if found is None else np.array(found).reshape(3, 3)
            results["resight"][0].append(answer["median_us"])
            results["resight"][1].append(corner_error(found, truth))
            for name, method, repeats in [
                ("opencv MAGSAC", cv2.USAC_MAGSAC, 9),
                ("opencv RANSAC", cv2.RANSAC, 3),
            ]:
                found, us = opencv(rows, method, repeats)
                results[name][0].append(us)
                results[name][1].append(corner_error(found, truth))
            found, us = opencv(right, 0, 1)
            results["least squares"][0].append(us)
            results["least squares"][1].append(corner_error(found, truth))
        ours.stdin.close()
        ours.wait()
    out = {}
    for name, (times, errors) in results.items():
        errors = np.array(errors)
        right = errors[errors <= 10]
        out[name] = {
            "median_us": round(float(np.median(times)), 1),
            "p95_us": round(float(np.percentile(times, 95)), 1),
            "mean_corner_error_px": round(float(right.mean()), 3) if len(right) else None,
            "median_corner_error_px": round(float(np.median(errors)), 3),
            "failures": int((errors > 10).sum()),
        }
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).parent.parent
    parser.add_argument("--verify-speed", default=root / "target/release/examples/verify_speed")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--matches", type=int, default=300)
    parser.add_argument("--outliers", type=float, nargs="*", default=[0.5, 0.8])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    answer = {"opencv": cv2.__version__, "matches": options.matches, "trials": options.trials}
    program = os.fspath(options.verify_speed)
    for kind in ["whole", "turned"]:
        for outliers in options.outliers:
            found = measure(
                program, kind, options.matches, outliers, options.trials, options.seed
            )
            print(f"{kind}, {outliers:.0%} outliers")
            for name, figures in found.items():
                print(f"  {name:14} " + "  ".join(f"{k} {v}" for k, v in figures.items()))
            answer[f"{kind}_{outliers}"] = found
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
