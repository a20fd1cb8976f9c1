"""Labelled folders of photographs changed in several ways at once, for `resight eval`.

    bench/run attacks.py --photos ../shared/data/photos --out DIR [--count 150]
    target/release/resight eval DIR/* --distractors ../shared/data/photos --data DATA [--model sscd]

Every so-manieth photo is an original: it is in the database, and each folder asks with one changed copy
of it. The other photos are the distractors, so `--distractors` may name the same folder: the same bytes
are one picture.

- `mirrored`: left and right exchanged. `inverted`: light and dark exchanged, each channel.
- `combined`: mirrored, then a window of half of each side cut out at a random place, then a patch of
  another photo laid over a fifth of it and a line of text over the rest, then JPEG of quality 30.
- `combined-hard`: the same with a window of a third of each side, a patch over a third of it, the whole
  turned by 10 degrees and scaled to half, JPEG of quality 20.
- `negative-print`: inverted, made grey, with more contrast, a window of two thirds, JPEG of quality 50.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np


def window(image, share, random):
    height, width = image.shape[:2]
    h, w = int(height * share), int(width * share)
    top, left = random.integers(height - h + 1), random.integers(width - w + 1)
    return image[top : top + h, left : left + w].copy()


def overlaid(image, other, share, random):
    height, width = image.shape[:2]
    h, w = int(height * share**0.5), int(width * share**0.5)
    top, left = random.integers(height - h + 1), random.integers(width - w + 1)
    image[top : top + h, left : left + w] = cv2.resize(other, (w, h), interpolation=cv2.INTER_AREA)
    place = (width // 20, height // 2)
    size = max(width / 400, 0.4)
    cv2.putText(image, "SAMPLE TEXT 2026", place, cv2.FONT_HERSHEY_DUPLEX, size, (255, 255, 255), 3)
    return image


def turned(image, degrees, scale):
    height, width = image.shape[:2]
    to = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    w, h = int(width * scale), int(height * scale)
    to[:, 2] += [(w - width) / 2, (h - height) / 2]
    return cv2.warpAffine(image, to, (w, h), flags=cv2.INTER_AREA)


def combined(image, other, random):
    return overlaid(window(image[:, ::-1], 0.5, random), other, 0.2, random), 30


def combined_hard(image, other, random):
    cut = overlaid(window(image[:, ::-1], 0.34, random), other, 0.33, random)
    return turned(cut, 10, 0.5 if min(cut.shape[:2]) > 256 else 1.0), 20


def negative_print(image, _, random):
    grey = cv2.cvtColor(255 - window(image, 0.67, random), cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.clip((grey - 128) * 1.5 + 128, 0, 255).astype(np.uint8), 50


ATTACKS = {
    "mirrored": lambda image, *_: (image[:, ::-1], 90),
    "inverted": lambda image, *_: (255 - image, 90),
    "combined": combined,
    "combined-hard": combined_hard,
    "negative-print": negative_print,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=150)
    options = parser.parse_args()
    paths = sorted(path for path in options.photos.iterdir() if path.is_file())
    chosen = []
    for path in paths[:: max(1, len(paths) // options.count)]:
        image = cv2.imread(str(path))
        if image is not None and min(image.shape[:2]) >= 300 and len(chosen) < options.count:
            chosen.append((path, image))
    made = {}
    for name, attack in ATTACKS.items():
        random = np.random.default_rng(7)
        images = options.out / name / "images"
        images.mkdir(parents=True, exist_ok=True)
        queries = []
        for number, (path, image) in enumerate(chosen):
            other = chosen[(number + 1) % len(chosen)][1]
            changed, quality = attack(image, other, random)
            query = f"query-{path.name}.jpg"
            cv2.imwrite(str(images / query), changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
            (images / path.name).write_bytes(path.read_bytes())
            # What is laid over is in the picture as well.
            laid_over = chosen[(number + 1) % len(chosen)][0].name if "combined" in name else None
            ignored = [laid_over] if laid_over else []
            queries.append({"query": query, "relevant": [path.name], "ignore": ignored})
        truth = {
            "name": name,
            "query_in_database": False,
            "database": [path.name for path, _ in chosen],
            "queries": queries,
        }
        (options.out / name / "groundtruth.json").write_text(json.dumps(truth, indent=1))
        made[name] = len(queries)
    print(json.dumps({"originals": len(chosen), "queries": made}))


if __name__ == "__main__":
    main()
