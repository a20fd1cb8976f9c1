"""House fronts: a grid of equal windows in a wall, with details that differ from house to house."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from classes.maker import Maker
from classes.seeds import pick
from classes.views import smooth

SIZE = (1200, 900)
FINE = 2


def style(rng):
    """What all windows of one house share."""
    shade = lambda low, high: tuple(int(v) for v in rng.integers(low, high) + rng.integers(-18, 18, 3))
    return {"wall": shade(110, 225), "frame": shade(150, 245), "trim": shade(120, 235), "arch": rng.random() < 0.35, "sill": rng.random() < 0.7,
            "shutters": shade(40, 140) if rng.random() < 0.3 else None, "bars": (int(rng.integers(1, 4)), int(rng.integers(1, 5))), "pediment": rng.random() < 0.3,
            "bricks": rng.random() < 0.4}


def window(rng, pen, look, x, y, w, h):
    """One window; its curtains, lamp, plants, open wing and reflections are its own."""
    if look["arch"]:
        pen.pieslice((x - 10, y - w * 0.45, x + w + 10, y + w * 0.55), 180, 360, fill=look["trim"])
    pen.rectangle((x - 12, y - 12, x + w + 12, y + h + 8), fill=look["trim"])
    if look["pediment"]:
        pen.polygon([(x - 24, y - 14), (x + w / 2, y - 52), (x + w + 24, y - 14)], fill=look["trim"], outline=tuple(int(v * 0.7) for v in look["trim"]), width=3)
    glass = tuple(int(v) for v in np.clip(np.float32((62, 78, 92)) * rng.uniform(0.5, 1.7) + rng.normal(0, 6, 3), 0, 255))
    pen.rectangle((x, y, x + w, y + h), fill=(250, 226, 160) if rng.random() < 0.07 else glass)
    for _ in range(int(rng.integers(1, 4))):
        a, b = rng.uniform(0, w, 2)
        tone = tuple(min(255, v + int(rng.integers(15, 60))) for v in glass)
        pen.polygon([(x + a, y), (x + min(w, a + rng.uniform(8, 40)), y), (x + min(w, b + rng.uniform(4, 30)), y + h), (x + b, y + h)], fill=tone)
    if rng.random() < 0.5:
        cloth, drop = tuple(int(v) for v in rng.integers(150, 250, 3)), rng.uniform(0.2, 1)
        pen.polygon([(x, y), (x + w * rng.uniform(0.15, 0.5), y), (x + w * rng.uniform(0.05, 0.3), y + h * drop), (x, y + h * drop)], fill=cloth)
        pen.polygon([(x + w, y), (x + w * rng.uniform(0.5, 0.85), y), (x + w * rng.uniform(0.7, 0.95), y + h * drop), (x + w, y + h * drop)], fill=cloth)
    elif rng.random() < 0.3:
        pen.rectangle((x, y, x + w, y + h * rng.uniform(0.1, 0.9)), fill=tuple(int(v) for v in rng.integers(140, 235, 3)))
    columns, rows = look["bars"]
    for at in range(columns + 1):
        pen.line((x + w * at / columns, y, x + w * at / columns, y + h), fill=look["frame"], width=7)
    for at in range(rows + 1):
        pen.line((x, y + h * at / rows, x + w, y + h * at / rows), fill=look["frame"], width=7)
    if look["sill"]:
        pen.rectangle((x - 20, y + h + 4, x + w + 20, y + h + 18), fill=tuple(min(255, v + 14) for v in look["trim"]))
    if look["shutters"]:
        for left in (x - 14 - w * 0.45, x + w + 14):
            if rng.random() < 0.9:
                pen.rectangle((left, y - 6, left + w * 0.45, y + h + 4), fill=look["shutters"])
                for slat in range(int(h // 14)):
                    pen.line((left + 5, y + 4 + 14 * slat, left + w * 0.45 - 5, y + 4 + 14 * slat), fill=tuple(int(v * 0.75) for v in look["shutters"]), width=3)
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(6, 16))):
            px, py, r = x + rng.uniform(0, w), y + h + rng.normal(-8, 8), rng.uniform(5, 12)
            pen.ellipse((px - r, py - r, px + r, py + r), fill=pick(rng, ((70, 120, 60), (90, 140, 70), (200, 60, 70), (220, 120, 150))))


def facades(env):
    def subject(rng, group):
        look = style(rng)
        image = Image.new("RGB", (SIZE[0] * FINE, SIZE[1] * FINE), look["wall"])
        pen = ImageDraw.Draw(image)
        columns, floors = int(rng.integers(5, 10)), int(rng.integers(3, 6))
        step_x, step_y = image.width / columns, image.height * 0.94 / floors
        if look["bricks"]:
            for row in range(image.height // 22 + 1):
                pen.line((0, row * 22, image.width, row * 22), fill=tuple(int(v * 0.88) for v in look["wall"]), width=3)
                for x in range(-30 + (row % 2) * 30, image.width, 60):
                    pen.line((x, row * 22, x, row * 22 + 22), fill=tuple(int(v * 0.88) for v in look["wall"]), width=3)
        w, h = step_x * rng.uniform(0.36, 0.52), step_y * rng.uniform(0.48, 0.66)
        door = int(rng.integers(columns))
        for floor in range(floors):
            pen.rectangle((0, floor * step_y + 2, image.width, floor * step_y + 14), fill=tuple(int(v * 0.82) for v in look["trim"]))
            for column in range(columns):
                x, y = column * step_x + (step_x - w) / 2, floor * step_y + (step_y - h) * 0.6
                if floor == floors - 1 and column == door:
                    pen.rectangle((x - 10, y - 10, x + w + 10, image.height), fill=look["trim"])
                    pen.rectangle((x, y, x + w, image.height), fill=tuple(int(v) for v in rng.integers(40, 130, 3)))
                    continue
                window(rng, pen, look, x, y, w, h)
        fittings(rng, pen, image)
        picture = np.asarray(image.resize(SIZE, Image.Resampling.BOX)).astype(np.float32)
        dirt = 1 + 0.05 * smooth(rng, SIZE, (200, 120)) + 0.03 * smooth(rng, SIZE, (30, 90)) + 0.025 * smooth(rng, SIZE, (3, 3))
        streaks = np.clip(smooth(rng, SIZE, (9, 260)) - 1, 0, 1) * 0.16
        return np.rint(np.clip(cv2.GaussianBlur(picture, (0, 0), 0.6) * (dirt - streaks)[..., None], 0, 255)).astype(np.uint8)
    return subject


def fittings(rng, pen, image):
    """Rain pipes, lamps, signs, aerials and cables."""
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(0, image.width)
        pen.line((x, 0, x, image.height), fill=(90, 92, 95), width=16)
        pen.line((x - 4, 0, x - 4, image.height), fill=(150, 152, 155), width=4)
    for _ in range(int(rng.integers(2, 7))):
        x, y = rng.uniform(0, image.width), rng.uniform(0.2, 0.98) * image.height
        w, h = rng.uniform(20, 150), rng.uniform(20, 60)
        pen.rectangle((x, y, x + w, y + h), fill=tuple(int(v) for v in rng.integers(30, 240, 3)), outline=(40, 40, 40), width=3)
        pen.ellipse((x + w * 0.1, y + h * 0.2, x + w * 0.1 + h * 0.6, y + h * 0.8), fill=tuple(int(v) for v in rng.integers(30, 240, 3)))
    if rng.random() < 0.6:
        points = [(x, rng.uniform(0.05, 0.9) * image.height) for x in np.linspace(0, image.width, 6)]
        pen.line(points, fill=(35, 35, 38), width=4, joint="curve")


CLASSES = {"facades": Maker(facades, fills=True)}
