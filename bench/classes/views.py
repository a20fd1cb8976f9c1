"""Views of one subject: the file itself, its re-photographs and its crops.

A view shows at least 63 % of the subject's width and of its height, so that two views always share
a part of the subject, of at least 26 % of each side.
"""

import cv2
import numpy as np

LEAST_SHARE = 0.63
SIDES = (600, 1400)


def view(rng, subject, number, digital, fills):
    """(RGB picture, what was done to it) of view `number`; view 0 is a scan or the file itself."""
    if number == 0:
        return original(rng, subject, digital)
    if digital and rng.random() < 0.5:
        return cut(rng, subject)
    return photograph(rng, subject, fills)


def original(rng, subject, digital):
    side = max(subject.shape[:2])
    scale = min(1.0 if digital else rng.uniform(0.8, 1.1), SIDES[1] / side)
    picture = cv2.resize(subject, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return picture, {"kind": "original", "scale": round(scale, 3)}


def window(rng, width, height):
    """A rectangle with 40 to 100 % of the area, as (left, top, width, height)."""
    area = rng.uniform(0.4, 1.0)
    share = float(np.clip(np.sqrt(area) * np.exp(rng.uniform(-0.15, 0.15)), LEAST_SHARE, 1))
    other = float(np.clip(area / share, LEAST_SHARE, 1))
    w, h = width * share, height * other
    return rng.uniform(0, width - w), rng.uniform(0, height - h), w, h


def scale_for(rng, side):
    """0.5 to 1.3, evenly by its logarithm, within the sides that a picture may have."""
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(1.3))))
    return float(np.clip(side * scale, *SIDES)) / side


def cut(rng, subject):
    """A crop of the file, scaled and compressed again."""
    height, width = subject.shape[:2]
    left, top, w, h = (round(v) for v in window(rng, width, height))
    scale = scale_for(rng, max(w, h))
    picture = subject[top:top + h, left:left + w]
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return picture, {"kind": "cut", "scale": round(scale, 3), "share": round(w * h / width / height, 3)}


def photograph(rng, subject, fills):
    """The subject through a hand-held camera: tilted, turned, lit unevenly, partly covered."""
    height, width = subject.shape[:2]
    whole = rng.random() < 0.3
    left, top, w, h = window(rng, width, height)
    if whole:
        margin = 0 if fills else rng.uniform(0.03, 0.12)
        left, top, w, h = -margin * width, -margin * height, (1 + 2 * margin) * width, (1 + 2 * margin) * height
    scale = scale_for(rng, max(w, h))
    size = max(2, round(w * scale)), max(2, round(h * scale))
    angle = rng.uniform(-10, 10)
    matrix = placement(rng, (left, top, w, h), size, angle)
    blurred = subject if scale >= 1 else cv2.GaussianBlur(subject, (0, 0), 0.5 * np.sqrt(1 / scale**2 - 1) + 1e-3)
    border = cv2.BORDER_REFLECT if fills else cv2.BORDER_CONSTANT
    drawn = cv2.warpPerspective(blurred, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border).astype(np.float32)
    if not fills:
        mask = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size, flags=cv2.INTER_LINEAR)[..., None]
        around = desk(rng, size)
        shade = cv2.GaussianBlur(mask, (0, 0), 9)[..., None]
        drawn = drawn * mask + around * (1 - 0.35 * shade) * (1 - mask)
    covered = rng.random() < 0.4
    if covered:
        cover(rng, drawn)
    drawn = light(rng, drawn)
    sigma = rng.uniform(0, 1.4)
    if sigma > 0.2:
        drawn = cv2.GaussianBlur(drawn, (0, 0), sigma)
    noise = rng.uniform(0, 6)
    drawn += grain(rng, size) * np.float32(noise)
    done = {"kind": "photograph", "scale": round(scale, 3), "angle": round(angle, 1), "blur": round(sigma, 2),
            "noise": round(noise, 1), "covered": covered,
            "share": 1.0 if whole else round(w * h / width / height, 3)}
    return np.rint(np.clip(drawn, 0, 255)).astype(np.uint8), done


def placement(rng, rectangle, size, angle):
    """The homography from the subject to the view."""
    left, top, w, h = rectangle
    corners = np.float32([[left, top], [left + w, top], [left + w, top + h], [left, top + h]])
    middle = corners.mean(0)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = (corners - middle) @ np.float32([[c, -s], [s, c]]) + middle
    tilted = turned + rng.uniform(-0.04, 0.04, (4, 2)) * np.float32([w, h])
    frame = np.float32([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]])
    return cv2.getPerspectiveTransform(tilted.astype(np.float32), frame)


def smooth(rng, size, cell):
    """Noise of one scale, between about -2 and 2; `size` and `cell` are (width, height)."""
    shape = max(2, round(size[1] / cell[1]) + 2), max(2, round(size[0] / cell[0]) + 2)
    coarse = rng.standard_normal(shape).astype(np.float32)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def desk(rng, size):
    """A table top: one colour, with grain along a direction."""
    colour = np.float32([[150, 120, 90], [90, 70, 55], [190, 185, 178], [60, 62, 68], [120, 135, 140], [175, 150, 120]][rng.integers(6)])
    colour = colour + rng.uniform(-15, 15, 3).astype(np.float32)
    cells = 30, 30 / rng.uniform(4, 14)
    if rng.random() < 0.5:
        cells = cells[::-1]
    lines = smooth(rng, size, cells) * 9 + smooth(rng, size, (150, 150)) * 6
    return colour + lines[..., None]


def grain(rng, size):
    """A sensor's noise of deviation 1: most of it common to the three channels."""
    luma = rng.standard_normal((size[1], size[0]), np.float32)
    chroma = rng.standard_normal((size[1] // 2 + 1, size[0] // 2 + 1, 3), np.float32)
    return luma[..., None] + cv2.resize(chroma, size, interpolation=cv2.INTER_LINEAR) * np.float32(0.5)


def cover(rng, drawn):
    """Puts a thumb, a pen or a slip of paper over a part of the picture."""
    height, width = drawn.shape[:2]
    side = min(width, height)
    mask = np.zeros((height, width), np.uint8)
    kind = rng.integers(3)
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
    if kind == 0:
        # From the lower or a side edge inwards.
        x = float(rng.choice([0, width]))
        axes = round(side * rng.uniform(0.16, 0.3)), round(side * rng.uniform(0.06, 0.1))
        cv2.ellipse(mask, (round(x), round(y)), axes, float(rng.uniform(-40, 40)), 0, 360, 255, -1, cv2.LINE_AA)
        colour = np.float32([205, 150, 125]) * rng.uniform(0.5, 1.1)
    elif kind == 1:
        angle, length = rng.uniform(0, np.pi), side * rng.uniform(0.3, 0.6)
        ends = [(round(x + d * length * np.cos(angle)), round(y + d * length * np.sin(angle))) for d in (-0.5, 0.5)]
        cv2.line(mask, *ends, 255, max(6, round(side * 0.022)), cv2.LINE_AA)
        colour = rng.uniform(20, 200, 3).astype(np.float32)
    else:
        box = cv2.boxPoints(((x, y), (side * rng.uniform(0.18, 0.35), side * rng.uniform(0.15, 0.3)), float(rng.uniform(0, 90))))
        cv2.fillConvexPoly(mask, np.rint(box).astype(np.int32), 255, cv2.LINE_AA)
        colour = np.float32([[250, 240, 140], [250, 250, 245], [250, 170, 190], [170, 220, 250]][rng.integers(4)])
    alpha = mask.astype(np.float32)[..., None] / 255
    shaded = colour + smooth(rng, (width, height), (side / 4, side / 4))[..., None] * 7
    drawn[:] = drawn * (1 - alpha) + shaded * alpha


def light(rng, drawn):
    """Uneven light, white balance and contrast."""
    height, width = drawn.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    field = 1 + slope * (x * np.cos(angle) + y * np.sin(angle)) - rng.uniform(0, 0.12) * (x**2 + y**2)
    if rng.random() < 0.25:
        edge = x * np.cos(angle + 1) + y * np.sin(angle + 1) + rng.uniform(-0.6, 0.6)
        field = field * (1 - rng.uniform(0.15, 0.4) / (1 + np.exp(-edge * rng.uniform(8, 40))))
    gains = rng.uniform(0.93, 1.07, 3).astype(np.float32) * rng.uniform(0.75, 1.05)
    lit = np.clip(drawn * field[..., None].astype(np.float32) * gains, 0, 255) / 255
    return lit ** np.float32(rng.uniform(0.85, 1.2)) * 255
