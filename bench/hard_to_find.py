"""How many small, faint and plain pictures are found, class by class.

    bench/run hard_to_find.py --binary target/release/resight --photos ../shared/data/photos [--seed 1]

Each class stores some pictures, asks with a changed copy of each, and asks with as many pictures of the
same class that are not stored. `first` counts copies that find their picture at rank 1, `verified` those
whose picture is verified, `identical` stored files that find themselves as identical, and `wrong` verified
hits of the pictures that are not stored.

- `thumbnail-64`, `thumbnail-48`: a photograph's JPEG thumbnail asks among all photographs.
- `sheet-by-tile`: a photograph asks among contact sheets of 5 x 5. `tiles-by-sheet`: one sheet asks, and
  its 25 photographs are the answers.
- `flat-logo`, `icon-32`, `white-glyph` (PNG with transparency; the copy is on a dark page), `line-art`:
  generated; the copy is a JPEG, of logos and line art also of another size.
- `blurred`, `dark`, `low-contrast`: photographs changed so; the copy is a JPEG of another size.
- `12-in-16`: TIFF of grey samples of 12 bits in 16; the copy is a JPEG of 8 bits.

The last line is JSON.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import cv2
import numpy as np

COUNT = 25


def run(binary, data, *arguments):
    command = [binary, *arguments, "--data", str(data), "--json", "--quiet"]
    out = subprocess.run(command, capture_output=True, text=True)
    lines = out.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {"error": out.stderr}


def search(binary, data, path, limit=10):
    return run(binary, data, "search", str(path), "--limit", str(limit)).get("hits", [])


def scaled(image, factor):
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def jpeg(path, image, quality):
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def colour(random):
    return tuple(int(v) for v in random.integers(0, 200, 3))


def shapes(random, size, number, margin=0.15):
    """A mask of a few overlapping shapes, drawn and cut out."""
    mask = np.zeros((size * 4, size * 4), np.uint8)
    low, high = int(size * 4 * margin), int(size * 4 * (1 - margin))
    for i in range(number):
        value = 255 if i == 0 or random.random() < 0.6 else 0
        x, y = (int(v) for v in random.integers(low, high, 2))
        r = int(size * 4 * random.uniform(0.08, 0.3))
        kind = random.integers(4)
        if kind == 0:
            cv2.circle(mask, (x, y), r, value, -1)
        elif kind == 1:
            points = np.array([x, y]) + random.uniform(-1.5, 1.5, (3, 2)) * r
            cv2.fillPoly(mask, [points.astype(np.int32)], value)
        elif kind == 2:
            cv2.rectangle(mask, (x - r, y - r // 2), (x + r, y + r // 2), value, -1)
        else:
            cv2.ellipse(mask, (x, y), (r, r), 0, random.uniform(0, 360), 300, value, max(2, r // 3))
    return scaled(mask, 0.25)


def logo(random, size, number=4):
    mask = shapes(random, size, number)[..., None] / 255.0
    page, ink = np.array([255.0] * 3), np.array(colour(random), float)
    return (page * (1 - mask) + ink * mask).astype(np.uint8)


def glyph(random, size):
    picture = np.full((size, size, 4), 255, np.uint8)
    picture[..., 3] = shapes(random, size, 7)
    return picture


def on_page(picture, page):
    alpha = picture[..., 3:] / 255.0
    return (picture[..., :3] * alpha + np.array(page) * (1 - alpha)).astype(np.uint8)


def line_art(random, size):
    picture = np.full((size * 2, size * 2), 255, np.uint8)
    for _ in range(9):
        points = (random.random((4, 2)) * size * 2).astype(np.int32)
        cv2.polylines(picture, [points], bool(random.integers(2)), 0, 4, cv2.LINE_AA)
        centre = tuple(int(v) for v in random.integers(0, size * 2, 2))
        cv2.circle(picture, centre, int(random.integers(10, size // 2)), 0, 4, cv2.LINE_AA)
    return cv2.cvtColor(scaled(picture, 0.5), cv2.COLOR_GRAY2BGR)


def tiff_12(path, image):
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float64)
    cv2.imwrite(str(path), np.round(grey * 4095 / 255).astype(np.uint16))


def sheet(photos):
    tiles = [cv2.resize(photo, (320, 240), interpolation=cv2.INTER_AREA) for photo in photos]
    rows = [np.hstack(tiles[5 * i : 5 * i + 5]) for i in range(5)]
    return np.vstack(rows)


def cases(photos, random):
    """For each class: a function that writes the stored picture, one that writes the changed copy, and what
    they are given, the stored ones first and as many others behind them."""
    blurred = [cv2.GaussianBlur(p, (0, 0), p.shape[1] / 60) for p in photos]
    dark = [(p * 0.06).astype(np.uint8) for p in photos]
    faint = [(p * 0.08 + 118).astype(np.uint8) for p in photos]
    png = lambda path, image: cv2.imwrite(f"{path}.png", image)
    small = lambda path, image: jpeg(f"{path}.jpg", scaled(image, 0.7), 75)
    same = lambda path, image: jpeg(f"{path}.jpg", image, 75)
    thumbnail = lambda side: lambda path, image: jpeg(f"{path}.jpg", scaled(image, side / max(image.shape)), 85)
    whole = lambda path, image: jpeg(f"{path}.jpg", image, 92)
    dark_page = lambda path, image: jpeg(f"{path}.jpg", scaled(on_page(image, (60, 32, 25)), 0.8), 85)
    twelve = lambda path, image: tiff_12(f"{path}.tif", image)
    n = 2 * COUNT
    return {
        "thumbnail-64": (whole, thumbnail(64), photos),
        "thumbnail-48": (whole, thumbnail(48), photos),
        "flat-logo": (png, same, [logo(random, 256) for _ in range(n)]),
        "flat-logo-scaled": (png, small, [logo(random, 256, 3) for _ in range(n)]),
        "icon-32": (png, same, [logo(random, 32) for _ in range(n)]),
        "white-glyph": (png, dark_page, [glyph(random, 300) for _ in range(n)]),
        "line-art": (png, small, [line_art(random, 300) for _ in range(n)]),
        "blurred": (png, small, blurred),
        "dark": (png, small, dark),
        "low-contrast": (png, small, faint),
        "12-in-16": (twelve, small, photos),
    }


def measure(binary, folder, store, change, pictures, others):
    data, stored, asked = folder / "data", folder / "stored", folder / "asked"
    stored.mkdir(parents=True)
    asked.mkdir()
    for i, picture in enumerate(pictures):
        if i < COUNT:
            store(stored / f"{i:03}", picture)
        change(asked / f"{i:03}", picture)
    for i, picture in enumerate(others):
        jpeg(stored / f"other{i:03}.jpg", picture, 90)
    run(binary, data, "index", str(stored))
    found = dict(first=0, verified=0, identical=0, wrong=0, of=COUNT)
    missed = []
    for path in sorted(asked.iterdir()):
        number = int(path.stem)
        hits = search(binary, data, path)
        right = [h for h in hits if h["image"]["name"].split(".")[0] == path.stem]
        found["wrong"] += sum(h["verified"] for h in hits if h not in right)
        if number < COUNT:
            is_first = bool(right) and hits[0] in right
            is_verified = any(h["verified"] for h in right)
            found["first"] += is_first
            found["verified"] += is_verified
            if not (is_first and is_verified):
                missed.append(path.stem)
    for path in sorted(stored.iterdir()):
        if not path.name.startswith("other"):
            hits = search(binary, data, path)
            found["identical"] += bool(hits) and hits[0].get("identical", False) and hits[0]["image"]["name"] == path.name
    return found, missed


def measure_sheets(binary, folder, photos):
    stored, tiles = folder / "stored", folder / "tiles"
    stored.mkdir(parents=True)
    tiles.mkdir()
    sheets = [photos[i : i + 25] for i in range(0, len(photos) - 24, 25)]
    for i, of in enumerate(sheets):
        jpeg(stored / f"sheet{i}.jpg", sheet(of), 88)
    for i, photo in enumerate(photos):
        jpeg(tiles / f"{i:03}.jpg", photo, 92)
    run(binary, folder / "sheets", "index", str(stored))
    run(binary, folder / "photos", "index", str(tiles))
    by_tile = dict(first=0, verified=0, wrong=0, of=25)
    for i in range(len(sheets[0]) + 25):
        hits = search(binary, folder / "sheets", tiles / f"{i:03}.jpg")
        name = f"sheet{i // 25}.jpg"
        right = [h for h in hits if h["image"]["name"] == name]
        by_tile["wrong"] += sum(h["verified"] for h in hits if h not in right)
        if i < 25:
            by_tile["first"] += bool(right) and hits[0] in right
            by_tile["verified"] += any(h["verified"] for h in right)
    hits = search(binary, folder / "photos", stored / "sheet0.jpg", 50)
    numbers = [int(h["image"]["name"][:3]) for h in hits]
    by_sheet = dict(
        first=sum(n < 25 for n in numbers[:25]),
        verified=sum(h["verified"] and n < 25 for h, n in zip(hits, numbers)),
        wrong=sum(h["verified"] and n >= 25 for h, n in zip(hits, numbers)),
        of=25,
    )
    return by_tile, by_sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/resight")
    parser.add_argument("--photos", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--others", type=int, default=150, help="photographs stored beside those asked for")
    parser.add_argument("--only", nargs="*", help="classes to measure")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    files = sorted(p for p in pathlib.Path(options.photos).rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    chosen = [files[i] for i in random.permutation(len(files))]
    photos, others, more = [], [], []
    for path in chosen:
        image = cv2.imread(str(path))
        if image is None or min(image.shape[:2]) < 200:
            continue
        into = photos if len(photos) < 2 * COUNT else others if len(others) < options.others else more
        into.append(image)
        if len(more) == 2 * COUNT:
            break
    result = {}
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        for name, (store, change, pictures) in cases(photos, random).items():
            if options.only and name not in options.only:
                continue
            result[name], missed = measure(options.binary, root / name, store, change, pictures, others)
            print(f"{name:18}", result[name], "missed", *missed, flush=True)
        if not options.only or "sheets" in options.only:
            by_tile, by_sheet = measure_sheets(options.binary, root / "sheets", photos + others + more)
            result["sheet-by-tile"], result["tiles-by-sheet"] = by_tile, by_sheet
            print("sheet-by-tile     ", by_tile)
            print("tiles-by-sheet    ", by_sheet)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
