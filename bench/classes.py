"""Classes of pictures beyond photographs, and how often `verified` errs on each.

    bench/run classes.py make --out FOLDER [--groups N] [--seed S] [--class NAME]
    bench/run classes.py measure --resight BIN --in FOLDER [--groups N] [--skip N] [--class NAME] [--out FILE.md]
    bench/run classes.py sheet --in FOLDER --class NAME --out SHEET.jpg
    bench/run classes.py list

`make` writes FOLDER/CLASS/GGG_V.jpg or .png: view V of group GGG. Views of one group show the same
thing. Files of two groups are unrelated, unless truth.json lists the groups under one of its `marks`:
these share a letterhead, a brand, a form or an app's chrome, and count neither as false nor as missed.
The typefaces come from npm, the words from wordfreq; a class whose needs cannot be met is skipped,
and the reason printed. The same seed gives the same pictures.

`measure` runs `BIN calibrate` on each class and prints a table; the last line is JSON.
"""

import argparse
import importlib
import json
import pathlib
import sys
import time

import cv2
import numpy as np

from classes import measure, views
from classes.maker import Environment, Missing
from classes.seeds import generator

MODULES = ("text", "documents", "ledgers", "codes", "boards", "puzzles", "diagrams", "comics", "screens", "maps", "photos", "textures", "patterns", "facades", "packages")
PHOTOS = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / "photos"


def all_classes():
    found = {}
    for module in MODULES:
        found.update(importlib.import_module(f"classes.{module}").CLASSES)
    return found


def chosen(wanted, known):
    """The classes named on the command line, all without one; a final * stands for the rest of a name."""
    if not wanted:
        return list(known)
    names = [name for name in known if any(name == w or (w.endswith("*") and name.startswith(w[:-1])) for w in wanted)]
    if not names:
        sys.exit(f"no class {' '.join(wanted)}; `classes.py list` prints the names")
    return names


def write(folder, stem, picture, rng, png):
    """Saves a view: lossless, or as a JPEG of a random quality."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    name = f"{stem}.png" if png else f"{stem}.jpg"
    options = [cv2.IMWRITE_PNG_COMPRESSION, 3] if png else [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 93))]
    if not cv2.imwrite(str(folder / name), bgr, options):
        raise OSError(f"{folder / name} could not be written")
    return name


def make_class(name, maker, env, args):
    subject = maker.prepare(env)
    folder = args.out / name
    folder.mkdir(parents=True, exist_ok=True)
    groups = {}
    for group in range(args.groups):
        drawn = subject(generator(args.seed, name, group, "subject"), group)
        files = {}
        for number in range(args.views):
            rng = generator(args.seed, name, group, "view", number)
            picture, done = views.view(rng, drawn, number, maker.digital, maker.fills)
            files[write(folder, f"{group:03d}_{number}", picture, rng, maker.digital and number == 0)] = done
        groups[f"{group:03d}"] = files
    truth = {"class": name, "seed": args.seed, "groups": groups, "marks": maker.marks(args.groups)}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))


def make(args):
    known = all_classes()
    env = Environment(args.seed, args.photos, args.groups)
    made, skipped = [], {}
    for name in chosen(args.names, known):
        begun = time.monotonic()
        try:
            make_class(name, known[name], env, args)
        except Missing as reason:
            skipped[name] = str(reason)
            print(f"SKIPPED {name}: {reason}", file=sys.stderr, flush=True)
            continue
        made.append(name)
        print(f"{name}: {args.groups} groups of {args.views} in {time.monotonic() - begun:.0f} s", flush=True)
    print(json.dumps({"made": made, "skipped": skipped, "groups": args.groups, "views": args.views, "seed": args.seed}))


def sheet(args):
    """The views of the first groups, a row a group."""
    folder = args.folder / args.names[0]
    groups = json.loads((folder / "truth.json").read_text())["groups"]
    tile, rows = args.tile, []
    for files in list(groups.values())[args.first:args.first + args.rows]:
        row = []
        for file in files:
            picture = cv2.imread(str(folder / file))
            scale = tile / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:tile, :tile]
            canvas = np.full((tile, tile, 3), 128, np.uint8)
            canvas[:small.shape[0], :small.shape[1]] = small
            row.append(canvas)
        rows.append(np.hstack(row))
    if not cv2.imwrite(str(args.out), np.vstack(rows)):
        raise OSError(f"{args.out} could not be written")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("--out", type=pathlib.Path, required=True)
    one.add_argument("--groups", type=int, default=150)
    one.add_argument("--views", type=int, default=3)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--photos", type=pathlib.Path, default=PHOTOS, help="folder of photographs of different things")
    two = commands.add_parser("measure")
    two.add_argument("--resight", type=pathlib.Path, required=True)
    two.add_argument("--in", dest="folder", type=pathlib.Path, required=True)
    two.add_argument("--groups", type=int, help="so many groups of each class alone")
    two.add_argument("--skip", type=int, default=0, help="groups left out at the beginning")
    two.add_argument("--threads", type=int)
    two.add_argument("--out", type=pathlib.Path, help="the table as Markdown, with the worst pairs")
    three = commands.add_parser("sheet")
    three.add_argument("--in", dest="folder", type=pathlib.Path, required=True)
    three.add_argument("--out", type=pathlib.Path, required=True)
    three.add_argument("--first", type=int, default=0)
    three.add_argument("--rows", type=int, default=4)
    three.add_argument("--tile", type=int, default=420)
    commands.add_parser("list")
    for command in (one, two, three):
        command.add_argument("--class", dest="names", action="append", default=[], help="a class, or the first letters of some and *")
    return parser.parse_args()


def main():
    cv2.setNumThreads(1)
    args = arguments()
    if args.command == "make":
        make(args)
    elif args.command == "measure":
        measure.run(args, chosen)
    elif args.command == "sheet":
        sheet(args)
    else:
        print("\n".join(all_classes()))


if __name__ == "__main__":
    main()
