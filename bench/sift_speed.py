"""Processor time, threads, memory and stages of our SIFT beside OpenCV's, at equal settings.

    bench/run sift_speed.py [--data DIR] [--pictures 12] [--repeat 5]
    bench/run sift_speed.py --level avx512 avx2 sse4.2 sse2 [--sides 640 1024]

Real texture at exactly 640, 1024 and 1600 px on the longer side, shrunk with INTER_AREA and never
enlarged. No picture of the data is 1600 px long: those (and those of 1024 px beyond the ones there
are) are four 800-px photos laid side by side, two by two. Time is processor time of one thread, ours
reported by `describe`, OpenCV's by `time.process_time` around `detectAndCompute`, in turns picture by
picture and repeat by repeat; each figure is the median over pictures of the median over repeats, and
a ratio is taken for each picture.

Rows that `describe` does not offer (threads, batches, SIMD paths, stages) are shown as missing.

`--level` compares both at these instructions only. OpenCV is given no more of them by
OPENCV_CPU_DISABLE, and the library of Intel that its packages contain by OPENCV_IPP: both are read
when a process starts, so each level has a process of OpenCV of its own, which measures itself. All
levels and both extractors take turns at each picture. `sse2` and `plain` leave OpenCV SSE3, for
which its packages are compiled, and nothing of Intel's library. The last line is JSON.
"""

import argparse
import json
import os
import pathlib
import select
import statistics
import subprocess
import sys
import tempfile
import time

import cv2

import sift_extractors as extractors

SIDES = (640, 1024, 1600)
EVERYTHING = 1_000_000
SETTINGS = {"all, contrast 0.04": (0, 0.04), "1500, contrast 0.02": (1500, 0.02)}

BEYOND_AVX2 = ["AVX512-SKX"]
BEYOND_SSE42 = BEYOND_AVX2 + ["AVX2", "FP16", "AVX"]
BEYOND_SSE3 = BEYOND_SSE42 + ["SSE4.2", "SSE4.1"]
# What OpenCV may not use at each of our levels: OPENCV_CPU_DISABLE and OPENCV_IPP.
LEVELS = {"avx512": ([], None), "avx2": (BEYOND_AVX2, "avx2"), "sse4.2": (BEYOND_SSE42, "sse42"),
          "sse2": (BEYOND_SSE3, "disabled"), "plain": (BEYOND_SSE3, "disabled")}


def shrunk(gray, side):
    factor = side / max(gray.shape)
    if factor > 1:
        raise ValueError("a picture would have to be enlarged")
    size = tuple(side if s == max(gray.shape) else max(1, round(s * factor)) for s in gray.shape[::-1])
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def pictures(data, count):
    """Grey pictures by longer side."""
    def read(folder, least, keep=lambda name: True):
        for path in sorted((data / "eval" / folder / "images").glob("*.jpg")):
            gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if keep(path.stem) else None
            if gray is not None and max(gray.shape) >= least:
                yield gray
    photos = [g for g in read("oxford_landmarks", 800) if g.shape == (600, 800)]
    spread = photos[:: max(1, len(photos) // (4 * count))][: 4 * count]
    mosaics = [cv2.vconcat([cv2.hconcat(four[:2]), cv2.hconcat(four[2:])])
               for four in (spread[i: i + 4] for i in range(0, len(spread) - 3, 4))]
    long = list(read("sacre_coeur_rotscale", 1024, lambda name: "_rot" not in name and "_scale" not in name))
    sources = {640: spread[::4], 1024: long + mosaics, 1600: mosaics}
    if not all(sources.values()):
        sys.exit(f"sift_speed.py needs pictures: {data / 'eval/oxford_landmarks/images'} should hold at least four "
                 f"photos of 800 × 600 px as *.jpg, and holds {len(photos)}. Oxford Buildings (Philbin et al., CVPR "
                 "2007) has them. --data names another folder.")
    return {side: [shrunk(g, side) for g in sources[side][:count]] for side in SIDES}


def describe(binary, paths, *options):
    """The lines of standard output, or None if `describe` does not take these options."""
    done = subprocess.run([binary, *map(str, options), *paths], capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else None


def times(lines):
    """The median time of each picture."""
    return [statistics.median(map(float, line.split()[2:])) for line in lines]


def race(binary, paths, repeat, most, contrast):
    """Medians over pictures of the processor ms and keypoints of both, and of the ratio."""
    sift = cv2.SIFT_create(nfeatures=most, nOctaveLayers=3, contrastThreshold=contrast, edgeThreshold=10, sigma=1.6)
    rows = []
    for path in paths:
        gray = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        mine, peers = [], []
        for _ in range(repeat):
            (line,) = describe(binary, [path], "--max-features", most or EVERYTHING, "--contrast", contrast,
                               "--threads", 1, "--repeat", 2)
            # Both have run once before on this picture: neither pays for fresh memory.
            mine.append(float(line.split()[-1]))
            if not peers:
                sift.detectAndCompute(gray, None)
            start = time.process_time()
            keypoints, _ = sift.detectAndCompute(gray, None)
            peers.append((time.process_time() - start) * 1e3)
        a, b = statistics.median(mine), statistics.median(peers)
        rows.append((a, b, b / a, int(line.split()[1]), len(keypoints)))
    ms, opencv_ms, ratio, found, opencv_found = (statistics.median(column) for column in zip(*rows))
    return {"ms": round(ms, 1), "opencv_ms": round(opencv_ms, 1), "opencv_over_ours": round(ratio, 2),
            "keypoints": found, "opencv_keypoints": opencv_found, "pictures": len(rows)}


# One line for each picture: the ms of processor time and the number of keypoints.
OPENCV_TIMES = """
import sys, time, cv2
cv2.setNumThreads(1)
sift = cv2.SIFT_create(int(sys.argv[1]), 3, float(sys.argv[2]), 10, 1.6)
print(cv2.getCPUFeaturesLine(), "and", cv2.ipp.getIppVersion() if cv2.ipp.useIPP() else "no IPP", flush=True)
for path in map(str.strip, sys.stdin):
    gray = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    sift.detectAndCompute(gray, None)
    start = time.process_time()
    keypoints, _ = sift.detectAndCompute(gray, None)
    print((time.process_time() - start) * 1e3, len(keypoints), flush=True)
"""


class RestrictedOpenCV:
    """OpenCV's SIFT in a process that may use the instructions of one level."""

    def __init__(self, level, most, contrast):
        disabled, ipp = LEVELS[level]
        env = {**os.environ, "OPENCV_CPU_DISABLE": ",".join(disabled), "OPENCV_LOG_LEVEL": "ERROR"}
        env.pop("OPENCV_IPP", None)
        if ipp:
            env["OPENCV_IPP"] = ipp
        self.child = subprocess.Popen([sys.executable, "-c", OPENCV_TIMES, str(most), str(contrast)], env=env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.features = self.child.stdout.readline().strip()

    def ms(self, path):
        self.child.stdin.write(f"{path}\n")
        self.child.stdin.flush()
        return float(self.child.stdout.readline().split()[0])

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def race_by_level(binary, paths, levels, repeat, most, contrast):
    """For each level the medians over pictures of both times and of their ratio. In turns."""
    peers = {level: RestrictedOpenCV(level, most, contrast) for level in levels}
    rows = {level: [] for level in levels}
    try:
        for path in paths:
            mine, theirs = {level: [] for level in levels}, {level: [] for level in levels}
            for _ in range(repeat):
                for level in levels:
                    (line,) = describe(binary, [path], "--max-features", most or EVERYTHING, "--contrast", contrast,
                                       "--threads", 1, "--repeat", 2, "--simd", level)
                    mine[level].append(float(line.split()[-1]))
                    theirs[level].append(peers[level].ms(path))
            for level in levels:
                a, b = statistics.median(mine[level]), statistics.median(theirs[level])
                rows[level].append((a, b, b / a))
    finally:
        for peer in peers.values():
            peer.close()
    result = {}
    for level in levels:
        ms, opencv_ms, ratio = (statistics.median(column) for column in zip(*rows[level]))
        result[level] = {"ms": round(ms, 1), "opencv_ms": round(opencv_ms, 1), "opencv_over_ours": round(ratio, 2),
                         "pictures": len(rows[level]), "opencv_features": peers[level].features}
    return result


def compare_levels(binary, paths, args):
    result = {"bench": "sift_speed", "load": [round(load, 2) for load in os.getloadavg()], "levels": {}}
    for name, (most, contrast) in SETTINGS.items():
        print(f"\n{name}: processor ms of one thread, medians")
        for side in args.sides:
            rows = race_by_level(binary, paths[side], args.level, args.repeat, most, contrast)
            result["levels"].setdefault(name, {})[side] = rows
            for level, row in rows.items():
                print(f"  {side:5d} px  {level:7} {row['ms']:7.1f}  OpenCV {row['opencv_ms']:7.1f}  "
                      f"ratio {row['opencv_over_ours']:5.2f}  ({row['opencv_features']})")
    result["load_after"] = [round(load, 2) for load in os.getloadavg()]
    return result


def peak_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return None


def our_peak(binary, path, work):
    """Peak memory of `describe` after one picture: it is held at a pipe given as a second one."""
    pipe = pathlib.Path(work) / "pipe.pgm"
    if not pipe.exists():
        os.mkfifo(pipe)
    child = subprocess.Popen([binary, "--max-features", str(EVERYTHING), "--contrast", "0.04", "--threads", "1", path, pipe],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        ready, _, _ = select.select([child.stdout], [], [], 60)
        return peak_kib(child.pid) if ready and child.poll() is None else None
    finally:
        child.kill()
        child.wait()


OPENCV_PEAK = """
import sys, cv2
cv2.setNumThreads(1)
gray = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)
peak = lambda: next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM:"))
before = peak()
cv2.SIFT_create(0, 3, 0.04, 10, 1.6).detectAndCompute(gray, None)
print(peak() - before)
"""


def memory(binary, path, work):
    tiny = f"{work}/tiny.pgm"
    cv2.imwrite(tiny, cv2.imread(path, cv2.IMREAD_GRAYSCALE)[:8, :8])
    mine, least = our_peak(binary, path, work), our_peak(binary, tiny, work)
    peer = subprocess.run([sys.executable, "-c", OPENCV_PEAK, path], check=True, capture_output=True, text=True)
    return {"mib": round((mine - least) / 1024, 1) if mine and least else None, "opencv_mib": round(int(peer.stdout) / 1024, 1)}


def threads(binary, paths, repeat):
    """Wall ms of one picture, and of all of them as a batch, with 1 and 2 threads, and the ratios.

    In turns, each in its own process; its first time at a picture, or at the batch, is not counted.
    """
    pictures, batches = {1: [], 2: []}, {1: [], 2: []}
    for _ in range(repeat):
        for count in (1, 2):
            lines = describe(binary, paths, "--wall", "--threads", count, "--repeat", 4)
            pictures[count].append([statistics.median(map(float, line.split()[3:])) for line in lines])
            lines = describe(binary, paths, "--batch-threads", count, "--threads", 1, "--repeat", 4)
            batches[count].append(statistics.median(float(line.split()[1]) for line in lines[1:]))
    each = {count: [statistics.median(times) for times in zip(*pictures[count])] for count in pictures}
    batch = {count: statistics.median(batches[count]) for count in batches}
    return {"picture_1": round(statistics.median(each[1]), 1), "picture_2": round(statistics.median(each[2]), 1),
            "picture_ratio": round(statistics.median(a / b for a, b in zip(each[1], each[2])), 2),
            "batch_1": round(batch[1], 1), "batch_2": round(batch[2], 1), "batch_ratio": round(batch[1] / batch[2], 2)}


def paths_and_stages(binary, paths, repeat):
    simd = {}
    for path in LEVELS:
        lines = describe(binary, paths, "--simd", path, "--threads", 1, "--repeat", repeat)
        simd[path] = round(statistics.median(times(lines)), 1) if lines else None
    lines = describe(binary, paths, "--stages", "--threads", 1, "--repeat", repeat)
    stages = [json.loads(line) for line in lines or [] if line.startswith("{")]
    return simd, {name: round(statistics.median(s[name] for s in stages), 2) for name in stages[0]} if stages else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=extractors.ROOT / "../shared/data")
    parser.add_argument("--pictures", type=int, default=12, help="pictures of each size")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--describe", type=pathlib.Path, help="the example's binary (default: build it)")
    parser.add_argument("--level", nargs="+", choices=LEVELS, help="only compare both at these instructions")
    parser.add_argument("--sides", nargs="+", type=int, choices=SIDES, default=SIDES, help="longer sides for --level")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    grays_by_side = pictures(args.data, args.pictures)
    binary = extractors.describe_binary(args.describe)
    result = {"bench": "sift_speed", "race": {}}
    with tempfile.TemporaryDirectory() as work:
        paths = {}
        for side, grays in grays_by_side.items():
            paths[side] = [f"{work}/{side}-{i}.pgm" for i in range(len(grays))]
            for path, gray in zip(paths[side], grays):
                cv2.imwrite(path, gray)
        if args.level:
            print(json.dumps(compare_levels(binary, paths, args)))
            return
        for name, (most, contrast) in SETTINGS.items():
            print(f"\n{name}: processor ms of one thread, medians")
            for side in SIDES:
                row = race(binary, paths[side], args.repeat, most, contrast)
                result["race"].setdefault(name, {})[side] = row
                print(f"  {side:5d} px  {row}")
        for side in SIDES:
            result.setdefault("threads", {})[side] = threads(binary, paths[side], args.repeat)
            simd, stages = paths_and_stages(binary, paths[side], args.repeat)
            result.setdefault("simd", {})[side], result.setdefault("stages", {})[side] = simd, stages
            print(f"\n{side} px\n  wall ms {result['threads'][side]}\n  ms by path {simd}\n  ms by stage {stages}")
        result["memory_1600"] = memory(binary, paths[1600][0], work)
        print(f"\npeak memory at 1600 px, above that at 8 × 8 (OpenCV: above that before) {result['memory_1600']}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
