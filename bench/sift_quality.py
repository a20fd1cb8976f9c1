"""Quality of our SIFT beside OpenCV's and VLFeat's: matches, repeatability, place, precision.

    bench/run sift_quality.py [--protocols warps oxford_affine] [--variant NAME=key=value,…] [--ablate]

Two protocols: seeded warps of photos with the homography known exactly (`warps.py`), and
oxford_affine (image 1 to N). Every extractor gets the same grey pixels and keeps the same number,
the strongest k; all descriptors are RootSIFT. Matches: mutual nearest neighbours, ratio 0.8, right
within 3 px. Columns:

    matches      right ones, mean a pair
    distinct     the same, a place of the first picture counted once however many directions it has
    precision    right ones out of all matches
    repeat3, 1.5 of the keypoints in the part both pictures show (a place counted once), the share
                 that pair up one to one within 3 px, 1.5 px
    error        median distance in px of the right matches
    kept, found  keypoints kept and found, mean a picture

VLFeat runs through COLMAP, which keeps the largest keypoints and not the strongest. `vlfeat` is
all of them, ordered by the difference of Gaussians measured in `sift_extractors.py`; `vlfeat-by-scale`
is COLMAP's own choice cut to k. `--ablate` changes one part of OpenCV at a time instead.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np

import sift_ablation
import sift_extractors as extractors
import warps

RIGHT = 3.0
COLUMNS = ("matches", "distinct", "precision", "repeat3", "repeat1.5", "error", "kept", "found")


def match(a, b):
    """Mutual nearest neighbours that pass the ratio test from a to b."""
    if len(a) < 2 or len(b) < 2:
        return np.zeros(0, int), np.zeros(0, int)
    d = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    best = d.argmin(1)
    two = np.partition(d, 1, axis=1)[:, :2]
    keep = (d.argmin(0)[best] == np.arange(len(a))) & (two[:, 0] < 0.64 * two[:, 1])
    return np.flatnonzero(keep), best[keep]


def project(h, xy):
    p = np.c_[xy, np.ones(len(xy))] @ h.T
    return p[:, :2] / p[:, 2:]


def inside(xy, size):
    return (xy >= 0).all(1) & (xy <= np.array(size) - 1).all(1)


def repeatability(h, first_size, size, a, b, limits=(RIGHT, RIGHT / 2)):
    a, b = np.unique(a[:, :2], axis=0), np.unique(b[:, :2], axis=0)
    moved = project(h, a)
    moved = moved[inside(moved, size)]
    b = b[inside(project(np.linalg.inv(h), b), first_size)]
    if not len(moved) or not len(b):
        return [0.0] * len(limits)
    d = ((moved[:, None] - b[None]) ** 2).sum(2)
    best = d.argmin(1)
    mutual = d.argmin(0)[best] == np.arange(len(moved))
    near = d.min(1)
    return [(mutual & (near < limit**2)).sum() / min(len(moved), len(b)) for limit in limits]


def judge(h, first_size, size, a, b):
    i, j = match(a.descriptors, b.descriptors)
    error = np.linalg.norm(project(h, a.places[i, :2]) - b.places[j, :2], axis=1)
    right = error < RIGHT
    near, nearer = repeatability(h, first_size, size, a.places, b.places)
    return {"matches": int(right.sum()), "distinct": len(np.unique(a.places[i[right], :2], axis=0)),
            "all": len(i), "repeat3": near, "repeat1.5": nearer, "errors": error[right],
            "kept": (len(a) + len(b)) / 2}


def summed(rows):
    """One row of the table from those of its pairs."""
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "errors"}
    errors = np.concatenate([row["errors"] for row in rows])
    return {"matches": round(mean["matches"], 1), "distinct": round(mean["distinct"], 1),
            "precision": round(mean["matches"] / max(mean["all"], 1e-9), 4),
            "repeat3": round(mean["repeat3"], 4), "repeat1.5": round(mean["repeat1.5"], 4),
            "error": round(float(np.median(errors)), 4) if len(errors) else None,
            "kept": round(mean["kept"]), "found": round(mean["found"])}


def oxford(folder):
    """Pairs of oxford_affine: (sequence, name, first, second, homography)."""
    homographies = json.loads((folder / "homographies.json").read_text())
    grays = {}
    for key, h in sorted(homographies.items()):
        names = key.split("|")
        for name in names:
            if name not in grays:
                grays[name] = cv2.imread(str(folder / "images" / name), cv2.IMREAD_GRAYSCALE)
        yield names[0].split("_")[0], key, grays[names[0]], grays[names[1]], np.array(h)


def run(pairs, makers, top_k):
    """Rows by k, extractor and kind. `makers[name](k)` gives the extractor to use for that k."""
    judged = {k: {name: {} for name in makers} for k in top_k}
    cache = {}

    def features(name, maker, gray, k):
        extract = maker(k)
        key = (name, id(extract), id(gray))
        if key not in cache:
            cache[key] = extract(gray)
        return cache[key]

    last = None
    for kind, _, first, second, h in pairs:
        if last is not first:
            cache.clear()
            last = first
        for name, maker in makers.items():
            for k in top_k:
                a, b = features(name, maker, first, k), features(name, maker, second, k)
                row = judge(h, first.shape[::-1], second.shape[::-1], a.pick(slice(k)), b.pick(slice(k)))
                row["found"] = (len(a) + len(b)) / 2
                judged[k][name].setdefault(kind, []).append(row)
        # `second` dies with the round and its id may come again.
        for key in [key for key in cache if key[2] == id(second)]:
            del cache[key]
    return judged


def report(protocol, judged):
    result = {}
    for k, extracted in judged.items():
        for kind in [*next(iter(extracted.values())), "total"]:
            print(f"\n{protocol}, top {k}, {kind}\n  {'':24s}" + "".join(f"{c:>10s}" for c in COLUMNS))
            for name, kinds in extracted.items():
                rows = kinds[kind] if kind != "total" else [row for rows in kinds.values() for row in rows]
                row = summed(rows)
                print(f"  {name:24s}" + "".join(f"{row[c] if row[c] is not None else '-':>10}" for c in COLUMNS))
                if kind == "total":
                    result.setdefault(str(k), {})[name] = {**row, "pairs": len(rows)}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=extractors.ROOT / "../shared/data",
                        help="holds photos/ and eval/oxford_affine/")
    parser.add_argument("--protocols", nargs="+", choices=("warps", "oxford_affine"), default=["warps", "oxford_affine"])
    parser.add_argument("--pictures", type=int, default=40, help="photos to warp, two warps each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--top-k", type=int, nargs="+", default=[1000, 2000])
    parser.add_argument("--contrast", type=float, default=0.02)
    parser.add_argument("--describe", type=pathlib.Path, help="the example's binary (default: build it)")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=key=value,…",
                        help="a further setting of ours; may be repeated")
    parser.add_argument("--ablate", action="store_true", help="what of OpenCV costs it matches")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    binary = extractors.describe_binary(args.describe)
    most = 100_000
    always = {"ours": extractors.ours(binary, args.contrast, most)}
    chosen = {}
    for variant in args.variant:
        name, options = variant.split("=", 1)
        if "selection=" in options:
            # What spreads depends on how many are kept, so the first k of more will not do.
            chosen[name] = {k: extractors.ours(binary, args.contrast, k, options) for k in args.top_k}
        else:
            always[name] = extractors.ours(binary, args.contrast, most, options)
    always["opencv"] = extractors.opencv(args.contrast, precise=False)
    always["opencv-precise"] = extractors.opencv(args.contrast, precise=True)
    always["vlfeat"] = extractors.vlfeat(args.contrast)
    if args.ablate:
        always = {**always, **sift_ablation.makers(args.contrast, always)}
    makers = {name: lambda k, extract=extract: extract for name, extract in always.items()}
    chosen["vlfeat-by-scale"] = {k: extractors.vlfeat(args.contrast, k) for k in args.top_k}
    makers.update({name: by_k.get for name, by_k in chosen.items()})
    result = {}
    for protocol in args.protocols:
        if protocol == "warps":
            pairs = warps.pairs(args.data / "photos", args.pictures, args.seed)
        else:
            pairs = oxford(args.data / "eval/oxford_affine")
        result[protocol] = report(protocol, run(pairs, makers, args.top_k))
    print(json.dumps({"bench": "sift_quality", "contrast": args.contrast, "seed": args.seed, **result}))


if __name__ == "__main__":
    main()
