"""What the kinds of pairs are worth: a confusion matrix over pictures whose truth is known.

    bench/run kinds.py [--resight target/release/resight] [--families 400] [--series 40] [--half even|odd|all]
                       [--keep FOLDER]

Makes families of copies of photographs (about fifty operations, see kinds_pictures.py) and series of
pictures that only look like copies (kinds_lookalikes.py), and takes the pictures of oxford_landmarks as other
views of buildings. It writes truth.json, indexes everything into a new data folder, runs `resight duplicates`,
and reads every stored pair from the catalogue, because groups name at most a hundred pairs each.

A pair is wrong when its kind is none of those that its truth allows. Precision of a kind: of the pairs that
have it, the share that may. Recall of a truth: of the pairs that must have one kind, the share that has it.
Pairs with a JPEG of quality 3, 5 or 8 are rows of their own ("heavy"). A change that cannot be seen in the copy
may be missed: one below 16 grey levels (root mean square) in all windows of 12 x 12 pixels at the copy's size, or
below what compression did to the same window (`can_be_seen` in kinds_pictures.py).
--half takes every second photograph, so that thresholds are chosen on one half and reported on the other.
--families 24 --series 4 is the quick size. With --keep the pictures and the data folder stay in FOLDER.
"""

import argparse
import collections
import itertools
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

import kinds_lookalikes
import kinds_pictures

DATA = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
KINDS = ["identical", "re-encoded", "derivative", "edited", "cropped", "same_scene"]
FILE_COPIES = 7
NONE = "not paired"


def photographs(data, half):
    # Wallpapers come in several renderings, which would be pairs across families.
    names = sorted(p for p in (data / "photos").iterdir() if not p.name.startswith("wallpaper"))
    start = {"all": 0, "even": 0, "odd": 1}[half]
    return names[start :: 1 if half == "all" else 2]


def opened(path):
    return Image.open(path).convert("RGB")


def make(folder, arguments):
    """Writes the pictures; returns the truth: of each file its family and how it was made."""
    rng = np.random.default_rng({"all": 1, "even": 2, "odd": 3}[arguments.half])
    paths = photographs(arguments.data, arguments.half)
    # Series use other photographs than families, so that no pair crosses them.
    order = rng.permutation(len(paths))
    families = order[: arguments.families]
    rest = order[arguments.families :]
    truth = {}

    def write(family, series, files):
        place = folder / f"{family:05}"
        place.mkdir(parents=True)
        for name, data, note in files:
            kind = data[:4]
            ending = {b"\x89PNG": "png", b"RIFF": "webp", b"GIF8": "gif"}.get(kind, "jpg")
            ending = "avif" if data[4:8] == b"ftyp" else ending
            path = place / f"{name}.{ending}"
            path.write_bytes(data)
            truth[str(path.relative_to(folder))] = {"family": family, "series": series, **note}

    number = 0
    for index in families:
        picture, other = opened(paths[index]), opened(paths[rng.integers(len(paths))])
        if min(picture.size) < 160:
            continue
        files = kinds_pictures.copies(rng, picture, other, arguments.few)
        files += [(f"file{i}", files[0][1], {"how": "original"}) for i in range(1, FILE_COPIES)]
        write(number, "copies", files)
        number += 1
    first = number
    for name, series in kinds_lookalikes.SERIES.items():
        for _ in range(arguments.series):
            # Four photographs of its own; where they run out, series share some and are not judged together.
            start = 4 * (number - first) % max(1, len(rest) - 3)
            own = [opened(paths[i]) for i in rest[start : start + 4]]
            files = [(file, data, {"how": name}) for file, data in series(rng, own)]
            write(number, name, files)
            number += 1
    views = sorted((arguments.data / "eval/oxford_landmarks/images").iterdir()) if arguments.series else []
    start = {"all": 0, "even": 0, "odd": 1}[arguments.half]
    views = views[start :: 1 if arguments.half == "all" else 2]
    write(number, "oxford", [(p.stem, p.read_bytes(), {"how": "oxford"}) for p in views])
    (folder.parent / "truth.json").write_text(json.dumps(truth, indent=1))
    return truth


def run(resight, data, *rest):
    done = subprocess.run([resight, "--data", data, "--json", *map(str, rest)], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def stored(data, folder):
    """Every stored pair by the first paths of its pictures, and the paths of each picture."""
    catalogue = sqlite3.connect(pathlib.Path(data) / "catalogue.sqlite3")
    paths = collections.defaultdict(list)
    for key, path in catalogue.execute("SELECT key, path FROM source ORDER BY key, path"):
        paths[key].append(str(pathlib.Path(path).relative_to(folder)))
    pairs = {}
    for a, b, kind in catalogue.execute("SELECT a, b, kind FROM pair"):
        pairs[tuple(sorted((paths[a][0], paths[b][0])))] = KINDS[kind]
    return pairs, paths


def wanted(one, two):
    """Name of the truth of a pair of one family, and the kinds that it allows (None: not judged)."""
    if one["series"] != "copies":
        series = one["series"]
        return series, kinds_lookalikes.ALLOWED.get(series, {"same_scene"})
    kinds = kinds_pictures.allowed(one, two)
    if kinds is None:
        return "copies, not judged", None
    if len(kinds) > 1:
        return "copies, either", kinds
    [kind] = kinds
    if one.get("heavy") or two.get("heavy"):
        return f"{kind}, heavy", kinds
    return kind, kinds


def judge(truth, pairs, paths):
    matrix = collections.defaultdict(collections.Counter)
    right, wrong, examples = collections.Counter(), collections.Counter(), []
    families = collections.defaultdict(list)
    for listed in paths.values():
        families[truth[listed[0]]["family"]].append(listed[0])
        copies = len(listed) * (len(listed) - 1) // 2
        matrix["identical"]["identical"] += copies
        right["identical"] += copies
    for members in families.values():
        for a, b in itertools.combinations(sorted(members), 2):
            name, kinds = wanted(truth[a], truth[b])
            kind = pairs.get((a, b), NONE)
            matrix[name][kind] += 1
            if kinds is None or kind == NONE:
                continue
            (right if kind in kinds else wrong)[kind] += 1
            if kind not in kinds:
                examples.append([name, kind, a, b])
    for (a, b), kind in pairs.items():
        if truth[a]["family"] != truth[b]["family"]:
            matrix["of two families"][kind] += 1
            (right if kind == "same_scene" else wrong)[kind] += 1
            if kind != "same_scene":
                examples.append(["of two families", kind, a, b])
    return matrix, right, wrong, examples


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--data", type=pathlib.Path, default=DATA)
    parser.add_argument("--families", type=int, default=400)
    parser.add_argument("--few", type=int, default=3, help="operations of each group in a family")
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--half", choices=["all", "even", "odd"], default="all")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--again", action="store_true", help="take the pictures that --keep has, and only pair")
    arguments = parser.parse_args()
    root = arguments.keep or pathlib.Path(tempfile.mkdtemp())
    folder, data = (root / "pictures").resolve(), root / "data"
    if arguments.again:
        truth = json.loads((root / "truth.json").read_text())
        with sqlite3.connect(data / "catalogue.sqlite3") as catalogue:
            catalogue.execute("DELETE FROM pair")
            catalogue.execute("DELETE FROM setting WHERE name = 'pairs_looked_up_to'")
    else:
        truth = make(folder, arguments)
        run(arguments.resight, data, "index", folder)
    begun = time.perf_counter()
    run(arguments.resight, data, "duplicates", "--limit", "1")
    seconds = time.perf_counter() - begun
    pairs, paths = stored(data, folder)
    matrix, right, wrong, examples = judge(truth, pairs, paths)
    columns = [*KINDS, NONE]
    print(f"{'truth':>24} | " + " | ".join(f"{c:>10}" for c in columns))
    for name, row in sorted(matrix.items()):
        print(f"{name:>24} | " + " | ".join(f"{row[c] or '':>10}" for c in columns))
    precision, recall = {}, {}
    for kind in KINDS:
        precision[kind] = round(right[kind] / max(1, right[kind] + wrong[kind]), 5)
        row = matrix[kind]
        recall[kind] = round(row[kind] / max(1, sum(row.values())), 4)
        print(f"{kind:>11}: precision {precision[kind]:.4f} of {right[kind] + wrong[kind]}, "
              f"recall {recall[kind]:.4f} of {sum(row.values())}, "
              f"of those paired {row[kind] / max(1, sum(row.values()) - row[NONE]):.4f}")
    (root / "wrong.json").write_text(json.dumps(examples, indent=1))
    lost = collections.Counter()
    for name, kind, a, b in examples:
        if name in KINDS:
            lost[f"{name} as {kind}: {pathlib.Path(a).stem} {pathlib.Path(b).stem}"] += 1
    for what, times in lost.most_common(25):
        print(f"{times:6} {what}")
    print(json.dumps({
        "pictures": len(paths), "pairs": len(pairs), "seconds": round(seconds, 1),
        "precision": precision, "recall": recall, "judged": {k: right[k] + wrong[k] for k in KINDS},
    }))
    if not arguments.keep:
        shutil.rmtree(root)


main()
