"""Pairs of pictures with an exactly known homography, made from photos.

Coordinates: the centre of the top-left pixel is (0, 0). A warp is drawn from the photo at four
times its size (Lanczos), three samples a side in each pixel drawn, and their mean: the known
place is exact to well under 0.01 px (`check`), and shrinking does not alias.
"""

import itertools
import random

import cv2
import numpy as np

KINDS = ("rotation", "scale", "rotation+scale", "perspective", "blur", "light", "jpeg")
FINE = 4
SAMPLES = 3
LEAST_SIDE = 400
LEAST_STRUCTURE = 1000


def enlarged(factor):
    """Maps pixel coordinates to those of the same picture `factor` times as large."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])


def draw(gray, homography, size):
    """`gray` under `homography` on a canvas of `size` (width, height), as 8-bit grey."""
    fine = cv2.resize(gray.astype(np.float32), None, fx=FINE, fy=FINE, interpolation=cv2.INTER_LANCZOS4)
    h = enlarged(SAMPLES) @ homography @ np.linalg.inv(enlarged(FINE))
    width, height = size
    drawn = cv2.warpPerspective(fine, h, (width * SAMPLES, height * SAMPLES), flags=cv2.INTER_CUBIC,
                                borderMode=cv2.BORDER_CONSTANT, borderValue=float(gray.mean()))
    drawn = drawn.reshape(height, SAMPLES, width, SAMPLES).mean((1, 3))
    return np.rint(np.clip(drawn, 0, 255)).astype(np.uint8)


def similarity(width, height, angle, scale):
    """Turns and scales about the middle; the canvas grows or shrinks by `scale`."""
    out = (max(1, round(width * scale)), max(1, round(height * scale)))
    c, s = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    x, y, u, v = (width - 1) / 2, (height - 1) / 2, (out[0] - 1) / 2, (out[1] - 1) / 2
    return np.array([[c, -s, u - c * x + s * y], [s, c, v - s * x - c * y], [0, 0, 1.0]]), out


def tilt(width, height, rng):
    """Moves each corner inwards by up to a quarter of the sides."""
    corners = np.float32([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]])
    inwards = np.sign(np.float32([width, height]) / 2 - corners)
    moved = corners + inwards * np.float32([[rng.uniform(0, 0.25) * width, rng.uniform(0, 0.25) * height]
                                            for _ in corners])
    return cv2.getPerspectiveTransform(corners, moved).astype(float), (width, height)


def change(gray, kind, rng):
    """The changed picture and the homography from `gray` to it."""
    height, width = gray.shape
    angle = rng.choice((-1, 1)) * rng.uniform(15, 90)
    scale = 2 ** (rng.choice((-1, 1)) * rng.uniform(0.25, 1))
    if kind == "rotation":
        h, size = similarity(width, height, angle, 1)
    elif kind == "scale":
        h, size = similarity(width, height, 0, scale)
    elif kind == "rotation+scale":
        h, size = similarity(width, height, angle, scale)
    elif kind == "perspective":
        h, size = tilt(width, height, rng)
    else:
        if kind == "blur":
            changed = cv2.GaussianBlur(gray, (0, 0), rng.uniform(1, 2.5))
        elif kind == "light":
            curve = (np.arange(256) / 255) ** (2 ** rng.uniform(-0.8, 0.8)) * rng.uniform(0.4, 1.3) + rng.uniform(-0.1, 0.2)
            changed = np.rint(np.clip(curve * 255, 0, 255)).astype(np.uint8)[gray]
        else:
            changed = cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_GRAYSCALE)
        return changed, np.eye(3)
    return draw(gray, h, size), h


def choose(folder, count, seed):
    """Photos with enough structure, by turns from each source (the name up to its number)."""
    rng = random.Random(seed)
    sources = {}
    for path in sorted(folder.glob("*.jpg")):
        sources.setdefault(path.stem.rstrip("0123456789_"), []).append(path)
    for paths in sources.values():
        rng.shuffle(paths)
    detector = cv2.SIFT_create(contrastThreshold=0.02)
    chosen = []
    for path in itertools.chain.from_iterable(itertools.zip_longest(*sources.values())):
        if len(chosen) == count:
            break
        gray = None if path is None else cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if gray is not None and max(gray.shape) >= LEAST_SIDE and len(detector.detect(gray, None)) >= LEAST_STRUCTURE:
            chosen.append((path.stem, gray))
    return chosen


def pairs(folder, count=40, seed=1):
    """Two changed pictures for each photo: (kind, name, first, second, homography)."""
    kinds = itertools.cycle(KINDS)
    for name, gray in choose(folder, count, seed):
        rng = random.Random(f"{seed} {name}")
        for number in (1, 2):
            kind = next(kinds)
            changed, h = change(gray, kind, rng)
            yield kind, f"{name} {number}", gray, changed, h


def check():
    """The largest distance, in px, of a blob drawn from where the homography puts it."""
    y, x = np.mgrid[0:200, 0:260]
    worst = 0.0
    rng = random.Random(1)
    cases = [(np.eye(3), (260, 200)), similarity(260, 200, 30, 1), similarity(260, 200, -77, 1),
             similarity(260, 200, 0, 0.5), similarity(260, 200, 20, 0.61), similarity(260, 200, 0, 2)]
    for h, size in cases + [tilt(260, 200, rng) for _ in range(3)]:
        for _ in range(4):
            place = np.array([rng.uniform(100, 160), rng.uniform(80, 120)])
            blob = 20 + 200 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 3.0**2))
            drawn = draw(np.rint(blob).astype(np.uint8), h, size).astype(float)
            # Under perspective the centroid of a blob is not the image of its centre, so the
            # centroid is taken over the light carried back to the first picture.
            v, u = np.mgrid[0:size[1], 0:size[0]]
            back = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(h).T
            area = abs(np.linalg.det(np.linalg.inv(h))) / np.abs(back[..., 2]) ** 3
            back = back[..., :2] / back[..., 2:]
            light = np.clip(drawn - 26, 0, None) * area * (np.hypot(*(back - place).transpose(2, 0, 1)) < 15)
            centre = (back * light[..., None]).sum((0, 1)) / light.sum()
            scale = np.sqrt(abs(np.linalg.det(h[:2, :2])))
            worst = max(worst, float(np.hypot(*(centre - place))) * scale)
    return worst


if __name__ == "__main__":
    print(f"largest error of a drawn place: {check():.4f} px")
