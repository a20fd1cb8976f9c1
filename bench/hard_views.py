"""Views of flat and curved things that SIFT hardly matches, by kind, with siblings as hard negatives.

    bench/run hard_views.py make --photos ../shared/data/photos --out DIR [--subjects 20] [--seed 1]
    bench/run hard_views.py measure --resight BIN --in DIR [--photos ../shared/data/photos] [--option=--max-features=3000 ...]

`make` writes a labelled folder for `resight eval` of each kind. Subjects are photographs, packages of a few brands,
facades and maps (`classes`); each is in the database of each kind as it is, so that the others of its class are hard
negatives of the same kind. Each folder asks with one changed view of every subject:

- `tilt50`, `tilt60`, `tilt70`, `tilt80`: a plane that a pinhole camera sees under so many degrees, about any axis in it,
  before a blurred part of another photograph.
- `curved`: wrapped around a cylinder of which 100 to 150 degrees are seen, from a little above or below.
- `season`: other colours and another light: green turns to brown or white, the sky is overcast, snow lies on what is bright
  and even, and a low sun lights one side.
- `night`: an eighth of the light, lamps, the noise of a small sensor, a cast of colour.
- `blur`: out of focus or moved, as wide as a fortieth of the picture, then JPEG of quality 60.

`measure` runs `resight eval` over all kinds and prints a row of each; with `--option`, given several times, once without and
once with them. The last line is JSON. The same seed gives the same pictures.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

import cv2
import numpy as np

from classes.maker import Environment, Missing
from classes.seeds import generator

TILTS = (50, 60, 70, 80)
KINDS = tuple(f"tilt{angle}" for angle in TILTS) + ("curved", "season", "night", "blur")
CLASSES = ("packages", "facades", "maps")
SIDE = 900


def fitted(picture, side=SIDE):
    scale = side / max(picture.shape[:2])
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def backdrop(other, size):
    """A blurred part of another photograph, as `size` (width, height)."""
    drawn = cv2.resize(other, size, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(drawn, (0, 0), max(size) / 60)


def camera(points, focal, size):
    """Places in the picture of `points`, rows of x, y, z with the camera at the origin looking along z."""
    return points[:, :2] / points[:, 2:] * focal + np.float64(size) / 2


def drawn_by(places, picture, other):
    """`picture` seen where `places`, its corners in order, lie, cut to them with a margin."""
    low, high = places.min(0), places.max(0)
    scale = SIDE * 0.9 / (high - low).max()
    places = (places - low) * scale + SIDE * 0.05
    size = tuple(int(np.ceil(v * scale + SIDE * 0.1)) for v in high - low)
    height, width = picture.shape[:2]
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    # Three samples a side in each pixel, so that what is far away does not alias.
    matrix = cv2.getPerspectiveTransform(corners, np.float32(places * 3))
    large = size[0] * 3, size[1] * 3
    seen = cv2.warpPerspective(picture, matrix, large, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, large, flags=cv2.INTER_LINEAR)
    seen, mask = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (seen, mask))
    share = mask[..., None] / 255
    return np.rint(seen * share + backdrop(other, size) * (1 - share)).astype(np.uint8)


def tilted(rng, picture, other, degrees):
    """The plane turned by `degrees` about an axis in it, at a distance of 2.5 times its longer side."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    corners = np.float64([[-width, -height, 0], [width, -height, 0], [width, height, 0], [-width, height, 0]]) / 2
    axis = rng.uniform(0, 2 * np.pi)
    turn, _ = cv2.Rodrigues(np.radians(degrees) * np.float64([np.cos(axis), np.sin(axis), 0]))
    roll, _ = cv2.Rodrigues(np.float64([0, 0, np.radians(rng.uniform(-12, 12))]))
    placed = corners @ turn.T @ roll.T + np.float64([0, 0, 2.5 * longer])
    return drawn_by(camera(placed, 1.0, (0, 0)), picture, other)


def curved(rng, picture, other):
    """Wrapped around an upright cylinder."""
    height, width = picture.shape[:2]
    seen = np.radians(rng.uniform(100, 150))
    radius = width / seen
    distance, above = 3.5 * max(height, 2 * radius), rng.uniform(-0.5, 0.5) * height
    half = SIDE / 2
    focal = 0.9 * SIDE * (distance - radius) / max(height, 2 * radius)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    # Rays meet the cylinder at x² + (z - distance)² = radius².
    dx, dy = (x - half) / focal, (y - half) / focal
    a, b, c = dx**2 + 1, -2 * distance, distance**2 - radius**2
    root = b**2 - 4 * a * c
    z = (-b - np.sqrt(np.maximum(root, 0))) / (2 * a)
    angle = np.arcsin(np.clip(dx * z / radius, -1, 1))
    place = angle * radius + width / 2, dy * z + above * 0.3 + height / 2
    inside = (root > 0) & (np.abs(angle) <= seen / 2) & (place[1] >= 0) & (place[1] < height)
    maps = tuple(np.float32(p) for p in place)
    around = cv2.remap(picture, *maps, cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    shade = (0.55 + 0.45 * np.cos(angle + rng.uniform(-0.6, 0.6)))[..., None]
    return np.where(inside[..., None], np.rint(around * shade), backdrop(other, (SIDE, SIDE))).clip(0, 255).astype(np.uint8)


def smooth(rng, size, waves):
    """A field from 0 to 1 that varies `waves` times across the picture."""
    coarse = rng.random((waves + 2, waves + 2)).astype(np.float32)
    return np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), 0, 1)


def season(rng, picture, other):
    """Other colours, another light, and snow."""
    height, width = picture.shape[:2]
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32)
    green = np.clip((128 - lab[..., 1]) / 25, 0, 1)
    lab[..., 1] += green * rng.uniform(12, 30)
    lab[..., 2] += green * rng.uniform(-15, 15)
    lab[..., 0] += green * rng.uniform(-30, 60)
    changed = cv2.cvtColor(lab.clip(0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR).astype(np.float32)
    grey = lab[..., 0].astype(np.float32)
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 4))
    even = np.clip(1 - cv2.GaussianBlur(detail, (0, 0), 6) / 6, 0, 1)
    snow = even * np.clip((grey - 100) / 60, 0, 1) * (smooth(rng, (width, height), 5) > 0.35)
    snow = cv2.GaussianBlur(snow.astype(np.float32), (0, 0), 2)[..., None] * rng.uniform(0.4, 0.9)
    changed = changed * (1 - snow) + np.float32([245, 240, 235]) * snow
    light = 0.45 + 0.9 * smooth(rng, (width, height), 1)[..., None]
    changed = 255 * (changed / 255).clip(0, 1) ** rng.uniform(0.7, 1.5) * light
    return changed.clip(0, 255).astype(np.uint8)


def night(rng, picture, other):
    """Little light, lamps, noise and a cast."""
    height, width = picture.shape[:2]
    linear = (picture.astype(np.float32) / 255) ** 2.2 / 8
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(rng.integers(1, 4)):
        at, wide = (rng.uniform(0, width), rng.uniform(0, height)), rng.uniform(0.08, 0.25) * width
        glow = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * wide**2))[..., None]
        linear = linear * (1 + 5 * glow) + 0.05 * glow * np.float32([0.5, 0.8, 1.0])
    linear *= np.float32([1.25, 1.0, 0.8]) if rng.random() < 0.5 else np.float32([0.6, 0.9, 1.25])
    linear += rng.normal(0, 1, linear.shape) * np.sqrt(np.maximum(linear, 0) * 4e-4 + 4e-6)
    return np.rint(255 * linear.clip(0, 1) ** (1 / 2.2)).astype(np.uint8)


def blur(rng, picture, other):
    """Out of focus, or moved."""
    wide = max(picture.shape[:2]) / 40
    if rng.random() < 0.5:
        return cv2.GaussianBlur(picture, (0, 0), wide / 4)
    side = int(wide) | 1
    kernel = np.zeros((side, side), np.float32)
    angle, middle = rng.uniform(0, np.pi), side // 2
    along = np.float64([np.cos(angle), np.sin(angle)]) * middle
    ends = [tuple(int(round(middle + sign * v)) for v in along) for sign in (-1, 1)]
    cv2.line(kernel, *ends, 1.0, 1)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def changed(kind, rng, picture, other):
    if kind.startswith("tilt"):
        return tilted(rng, picture, other, int(kind[4:]))
    return globals()[kind](rng, picture, other)


def subjects(args, photos):
    """(name, class, picture, the file that it is or None) of each subject."""
    step = max(1, len(photos) // args.subjects)
    for number, path in enumerate(photos[::step][: args.subjects]):
        picture = cv2.imread(str(path))
        if picture is not None:
            yield f"photo{number:03}{path.suffix}", "photographs", picture, path
    from classes import facades, maps, packages

    env = Environment(seed=args.seed, photos=pathlib.Path(args.photos), groups=args.subjects)
    for module in (packages, facades, maps):
        for name, maker in module.CLASSES.items():
            if name not in CLASSES:
                continue
            try:
                subject = maker.prepare(env)
            except Missing as missing:
                print(f"SKIPPED: {name}: {missing}")
                continue
            for number in range(args.subjects):
                picture = subject(generator(args.seed, name, number), number)
                yield f"{name}{number:03}.png", name, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), None


def make(args):
    photos = sorted(path for path in pathlib.Path(args.photos).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not photos:
        raise SystemExit(f"no photographs in {args.photos}")
    out = pathlib.Path(args.out)
    truths = {kind: {"name": kind, "query_in_database": False, "database": [], "queries": []} for kind in KINDS}
    for kind in KINDS:
        (out / kind / "images").mkdir(parents=True, exist_ok=True)
    for name, group, picture, path in subjects(args, photos):
        for kind, truth in truths.items():
            images = out / kind / "images"
            # A photograph's own bytes, so that it is one picture with that of the distractors.
            if path:
                shutil.copyfile(path, images / name)
            else:
                cv2.imwrite(str(images / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
            rng = generator(args.seed, kind, name)
            other = cv2.imread(str(photos[int(rng.integers(len(photos)))]))
            other = picture if other is None else other
            query = f"query_{pathlib.Path(name).stem}.jpg"
            view = changed(kind, rng, fitted(picture), other)
            cv2.imwrite(str(images / query), view, [cv2.IMWRITE_JPEG_QUALITY, 60 if kind == "blur" else 85])
            truth["database"].append(name)
            truth["queries"].append({"query": query, "relevant": [name], "ignore": [], "attack": group})
    for kind, truth in truths.items():
        (out / kind / "groundtruth.json").write_text(json.dumps(truth, indent=1))
        print(f"{kind}: {len(truth['queries'])} queries")
    print(json.dumps({kind: len(truth["queries"]) for kind, truth in truths.items()}))


def evaluated(args, more):
    """What `resight eval` says of each kind."""
    rows = {}
    with tempfile.TemporaryDirectory() as data:
        command = [args.resight, "--data", data, "--json", *more, "eval", *(str(pathlib.Path(args.folder) / kind) for kind in KINDS)]
        if args.photos:
            command += ["--distractors", args.photos]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(run.stderr[-2000:])
        for line in run.stdout.splitlines():
            event = json.loads(line)
            if event.get("name") in KINDS:
                rows[event["name"]] = event
    return rows


def measure(args):
    runs = {"as it is": evaluated(args, [])}
    if args.option:
        runs[" ".join(args.option)] = evaluated(args, args.option)
    for name, rows in runs.items():
        print(f"\n{name}\n\n| kind | queries | recall@1 | mAP | right ones verified | wrong ones verified | ms, p50 |")
        print("|---|---|---|---|---|---|---|")
        for kind, row in rows.items():
            print(
                f"| {kind} | {row['queries']} | {row['recall_at_1']:.3f} | {row['map']:.3f} | {row['verified_true']} "
                f"| {row['verified_false']} | {row['query_ms_p50']:.0f} |"
            )
    print(json.dumps(runs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("--photos", required=True)
    maker.add_argument("--out", required=True)
    maker.add_argument("--subjects", type=int, default=20)
    maker.add_argument("--seed", type=int, default=1)
    measured = commands.add_parser("measure")
    measured.add_argument("--resight", required=True)
    measured.add_argument("--in", dest="folder", required=True)
    measured.add_argument("--photos")
    measured.add_argument("--option", action="append", default=[])
    args = parser.parse_args()
    {"make": make, "measure": measure}[args.command](args)


if __name__ == "__main__":
    main()
