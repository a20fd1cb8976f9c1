"""Duplicates among photographs and known copies: how long, which groups, and pictures to judge them by.

    bench/run duplicates.py [--resight target/release/resight] [--out FOLDER]

Indexes ../shared/data/photos and copies_synth into a new data folder and times `resight duplicates`,
which looks once for every picture. A group is *known* when copies_synth made all its members from one
original. Of the pictures of copies_synth it counts pairs that stand in one group of copies, and should:
precision is the share of the former that are made from one original, recall the share of the latter
that stand together, once for all pairs and once for a copy and its original. Every other group must be looked at: --out gets one contact sheet for each thirty of them,
numbered as in groups.json.
"""

import argparse
import collections
import itertools
import json
import pathlib
import subprocess
import tempfile
import time

import cv2
import numpy as np

DATA = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
TILE = 150
ROWS = 30


def run(resight, data, *arguments):
    command = [resight, "--data", data, "--json", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def originals():
    truth = json.loads((DATA / "eval/copies_synth/groundtruth.json").read_text())
    of = {name: name for name in truth["database"]}
    of.update({q["query"]: q["relevant"][0] for q in truth["queries"]})
    return of


def sheet(groups, path):
    """One row a group: its kind, then up to seven members."""
    canvas = np.full((len(groups) * (TILE + 4), 130 + 7 * (TILE + 4), 3), 255, np.uint8)
    for row, (number, group) in enumerate(groups):
        top = row * (TILE + 4)
        pair = group["pairs"][0] if group["pairs"] else None
        notes = [f"{number} {group['kind']}", f"{len(group['members'])} pictures"]
        if pair:
            alike = pair["same_share"]
            notes += [f"nfa {pair['nfa_log10']:.1f}", f"inliers {pair['inliers']}"]
            notes += ["alike -" if alike is None else f"alike {alike:.2f}"]
        for line, note in enumerate(notes):
            cv2.putText(canvas, note, (4, top + 20 + 20 * line), 0, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        for column, member in enumerate(group["members"][:7]):
            picture = cv2.imread(member["image"]["paths"][0])
            if picture is None:
                continue
            scale = TILE / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            left = 130 + column * (TILE + 4)
            canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    cv2.imwrite(str(path), canvas)


def judged(groups, of):
    """Counts of pairs in groups of copies: right, wrong; and of what there is to find."""
    together = set()
    for group in groups:
        if group["kind"] == "same_scene":
            continue
        names = sorted({pathlib.Path(m["image"]["paths"][0]).name for m in group["members"]} & of.keys())
        together.update(itertools.combinations(names, 2))
    true = {pair for pair in itertools.combinations(sorted(of), 2) if of[pair[0]] == of[pair[1]]}
    direct = {(a, b) for a, b in true if of[b] == a}
    share = lambda part, whole: round(len(part & whole) / max(len(whole), 1), 4)
    return {
        "pairs_together": len(together),
        "precision": share(true, together),
        "recall": share(together, true),
        "recall_of_originals": share(together, direct),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    of = originals()
    with tempfile.TemporaryDirectory() as data:
        folders = [DATA / "photos", DATA / "eval/copies_synth/images"]
        run(arguments.resight, data, "index", *map(str, folders))
        begun = time.perf_counter()
        [found] = run(arguments.resight, data, "duplicates", "--limit", "1000000")
        first = time.perf_counter() - begun
        begun = time.perf_counter()
        run(arguments.resight, data, "duplicates", "--limit", "1000000")
        again = time.perf_counter() - begun
        [held] = run(arguments.resight, data, "count")
    kinds = collections.Counter(group["kind"] for group in found["groups"])
    known, others = collections.Counter(), []
    copies = 0
    for group in found["groups"]:
        names = [pathlib.Path(m["image"]["paths"][0]).name for m in group["members"]]
        roots = {of.get(name) for name in names}
        if len(roots) == 1 and None not in roots:
            known[group["kind"]] += 1
            copies += len(names)
        else:
            others.append(group)
    for kind in ("identical", "re-encoded", "edited", "cropped", "same_scene"):
        print(f"{kind:>11}: {kinds[kind]:4} groups, {known[kind]:4} of them of known copies")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        numbered = list(enumerate(others, 1))
        for start in range(0, len(numbered), ROWS):
            sheet(numbered[start : start + ROWS], arguments.out / f"groups-{start // ROWS + 1:02}.png")
        (arguments.out / "groups.json").write_text(json.dumps(others, indent=1))
    print(json.dumps({
        "pictures": held["count"],
        "seconds": round(first, 2),
        "ms_per_picture": round(1000 * (first - again) / held["count"], 2),
        "seconds_again": round(again, 2),
        "groups": found["total"],
        "kinds": kinds,
        "known": known,
        "copies_in_known_groups": copies,
        "to_judge": len(others),
        **judged(found["groups"], of),
    }))


main()
