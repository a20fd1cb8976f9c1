"""Surfaces that repeat and never quite: brick, tile, knit, fence, weave. Each group has its own irregularities."""

import cv2
import numpy as np

from classes.maker import Maker
from classes.seeds import pick
from classes.views import smooth

SIZE = (1200, 900)


def grid():
    y, x = np.mgrid[0:SIZE[1], 0:SIZE[0]].astype(np.float32)
    return x, y


def octaves(rng, cell, count=4):
    """Noise of several scales, the finer the weaker."""
    return sum(smooth(rng, SIZE, (cell / 2**i,) * 2) / 2**i for i in range(count))


def toned(base, field):
    """A colour times a field of shades."""
    return np.clip(np.float32(base) * field[..., None], 0, 255)


def finish(picture):
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def brick(env):
    """A running bond of one make of brick: each brick has its own tone, edges, chips and stains."""
    def subject(rng, group):
        height, width, joint = 62, 172, 11
        picture = toned((188, 182, 172), 1 + 0.06 * octaves(rng, 12))
        grain = octaves(rng, 10)
        for row in range(-1, SIZE[1] // (height + joint) + 1):
            offset = (row % 2) * (width + joint) / 2 + rng.normal(0, 2.5)
            for column in range(-1, SIZE[0] // (width + joint) + 2):
                x, y = column * (width + joint) + offset + rng.normal(0, 1.6), row * (height + joint) + rng.normal(0, 1.2)
                points = outline(rng, x, y, width + rng.normal(0, 2.5), height + rng.normal(0, 1.5))
                mask = np.zeros(SIZE[::-1], np.uint8)
                left, top = max(0, int(x) - 12), max(0, int(y) - 12)
                right, bottom = min(SIZE[0], int(x + width) + 12), min(SIZE[1], int(y + height) + 12)
                if right <= left or bottom <= top:
                    continue
                cv2.fillPoly(mask, [np.rint(points * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
                box = slice(top, bottom), slice(left, right)
                alpha = cv2.GaussianBlur(mask[box], (0, 0), 0.8).astype(np.float32)[..., None] / 255
                colour = np.float32(pick(rng, ((158, 74, 56), (170, 84, 60), (142, 62, 50), (150, 80, 68), (128, 62, 54)))) * rng.uniform(0.85, 1.15)
                stain = 1 + 0.1 * grain[box] + 0.16 * cv2.resize(rng.standard_normal((4, 7)).astype(np.float32), (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)
                shade = cv2.GaussianBlur(mask[box], (0, 0), 3).astype(np.float32)
                rim = cv2.Sobel(shade, cv2.CV_32F, 0, 1, ksize=3) / 700
                picture[box] = picture[box] * (1 - alpha) + colour * (stain + rim)[..., None] * alpha
        return finish(picture)
    return subject


def outline(rng, x, y, width, height):
    """A rectangle with uneven edges and round corners; some have a chip."""
    along = np.linspace(0, 1, 9)[:-1]
    top = np.stack([x + along * width, np.full(8, y)], 1)
    right = np.stack([np.full(4, x + width), y + along[::2] * height], 1)
    bottom = np.stack([x + width - along * width, np.full(8, y + height)], 1)
    left = np.stack([np.full(4, x), y + height - along[::2] * height], 1)
    points = np.concatenate([top, right, bottom, left]) + rng.normal(0, 1.3, (24, 2))
    if rng.random() < 0.25:
        at = int(rng.integers(24))
        points[at] += (np.array([x + width / 2, y + height / 2]) - points[at]) * rng.uniform(0.06, 0.2)
    return points


def tile(env):
    """Square ceramic tiles of one series: glaze flecks, crackle, tilts and joints differ."""
    def subject(rng, group):
        step, joint = 150, 7
        picture = toned((205, 202, 196), 1 + 0.05 * octaves(rng, 8))
        flecks = np.clip(octaves(rng, 9, 3) - 1.1, 0, 0.6)
        for row in range(SIZE[1] // step + 1):
            for column in range(SIZE[0] // step + 1):
                x, y = (round(v * step + joint + rng.normal(0, 0.9)) for v in (column, row))
                right, bottom = min(SIZE[0], x + step - joint), min(SIZE[1], y + step - joint)
                x, y = max(0, x), max(0, y)
                if right - x < 8 or bottom - y < 8:
                    continue
                box = slice(y, bottom), slice(x, right)
                v, u = np.mgrid[0:bottom - y, 0:right - x].astype(np.float32) / step - 0.5
                tilt = rng.normal(0, 0.08, 2)
                cloud = cv2.resize(rng.standard_normal((4, 4)).astype(np.float32), (right - x, bottom - y), interpolation=cv2.INTER_CUBIC)
                colour = np.float32((92, 138, 148)) * rng.uniform(0.88, 1.12) + rng.normal(0, 5, 3).astype(np.float32)
                surface = colour * (1 + tilt[0] * u + tilt[1] * v + 0.05 * cloud)[..., None] * (1 - flecks[box])[..., None]
                edge = np.minimum(np.minimum(u + 0.5, v + 0.5), np.minimum(u[:, ::-1] + 0.5, v[::-1] + 0.5))
                picture[box] = surface * np.clip(0.75 + edge * 9, 0, 1)[..., None]
                if rng.random() < 0.12:
                    crack(rng, picture, x, y, step)
        return finish(picture)
    return subject


def crack(rng, picture, x, y, side):
    points = [np.array([x + rng.uniform(0, side), y])]
    for _ in range(8):
        points.append(points[-1] + [rng.normal(0, side / 10), side / 8])
    cv2.polylines(picture, [np.rint(points).astype(np.int32)], False, (60, 70, 70), 1, cv2.LINE_AA)


def knit(env):
    """Stocking stitch in one yarn: stitches wander, and the yarn is thick, thin and fuzzy."""
    def subject(rng, group):
        x, y = grid()
        x = x + 5 * octaves(rng, 130, 3) + 1.5 * smooth(rng, SIZE, (25, 25))
        y = y + 5 * octaves(rng, 130, 3) + 1.5 * smooth(rng, SIZE, (25, 25))
        u, v = x / 34, y / 30
        half = np.abs(u - np.floor(u) - 0.5) * 2
        v = v + half * 0.9
        leg = np.abs(half - 0.5) * 2
        fibre = np.sin((v * 5 + half * 8) * 2 * np.pi) * 0.06
        bulge = np.sqrt(np.clip(1 - leg**2, 0, 1)) * (0.55 + 0.45 * np.sin((v - np.floor(v)) * np.pi))
        which = np.float32(rng.uniform(0.88, 1.12, (64, 80)))
        own = which[np.floor(v).astype(int) % 64, np.floor(u).astype(int) % 80]
        field = (0.35 + 0.75 * bulge + fibre) * own * (1 + 0.07 * octaves(rng, 5, 2)) * (1 + 0.06 * octaves(rng, 300, 2))
        return finish(toned((150, 52, 60), field))
    return subject


def fence(env):
    """Boards of one fence: each has its own grain, knots, nails, warp and weathering."""
    def subject(rng, group):
        picture = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
        x0 = 0.0
        picture[:] = toned((55, 70, 45), 1 + 0.3 * octaves(rng, 60))
        while x0 < SIZE[0]:
            width = 104 + rng.normal(0, 3)
            left, right = round(x0), min(SIZE[0], round(x0 + width))
            if right - left < 4:
                break
            picture[:, left:right] = board(rng, right - left)
            x0 += width + abs(rng.normal(7, 2.5))
        for rail in (170, 700):
            for x in range(52, SIZE[0], 111):
                for dx in (-22, 22):
                    place = round(x + dx + rng.normal(0, 4)), round(rail + rng.normal(0, 6))
                    cv2.circle(picture, place, 5, (70, 66, 64), -1, cv2.LINE_AA)
                    cv2.circle(picture, (place[0] - 1, place[1] - 1), 2, (140, 136, 132), -1, cv2.LINE_AA)
        return finish(picture)
    return subject


def board(rng, width):
    """Wood with its grain bent around knots."""
    y, x = np.mgrid[0:SIZE[1], 0:width].astype(np.float32)
    bend = smooth(rng, (width, SIZE[1]), (width, 250)) * 14
    knots = np.zeros_like(x)
    shift = np.zeros_like(x)
    for _ in range(int(rng.integers(0, 4))):
        kx, ky, r = rng.uniform(0.15, 0.85) * width, rng.uniform(0, SIZE[1]), rng.uniform(6, 13)
        away = np.hypot((x - kx), (y - ky) / 1.6)
        shift += np.sign(x - kx) * r * 1.5 * np.exp(-(away / (3 * r)) ** 2)
        knots += np.exp(-(away / r) ** 2)
    rings = np.sin((x + bend + shift) / rng.uniform(2.2, 3.4)) * 0.5 + np.sin((x + bend + shift) / 7.3 + 1) * 0.5
    streaks = smooth(rng, (width, SIZE[1]), (2.2, 130))
    field = rng.uniform(0.85, 1.1) + 0.07 * rings + 0.06 * streaks - 0.5 * knots
    field *= np.clip(0.8 + np.minimum(x, width - 1 - x) / 12, 0, 1)
    return np.clip(np.float32(pick(rng, ((150, 122, 92), (140, 116, 92), (158, 128, 98)))) * field[..., None], 0, 255)


def woven(env):
    """Plain weave of a coarse cloth: slubs, gaps and threads of uneven width."""
    def subject(rng, group):
        x, y = grid()
        x = x + 4 * octaves(rng, 160, 3)
        y = y + 4 * octaves(rng, 160, 3)
        warp, weft = (np.cumsum(14 * np.exp(rng.normal(0, 0.13, 140))) for _ in range(2))
        i, j = (np.searchsorted(edges, np.clip(f, 0, edges[-1] - 1), side="right") for edges, f in ((warp, x), (weft, y)))
        across = lambda edges, at, f: np.clip((f - np.concatenate([[0], edges])[at]) / np.diff(np.concatenate([[0], edges]))[at], 0, 1)
        u, v = across(warp, i, x), across(weft, j, y)
        over = (i + j) % 2 == 0
        tones_i, tones_j = (rng.uniform(0.8, 1.15, 200).astype(np.float32) for _ in range(2))
        lit = np.where(over, np.sin(u * np.pi) ** 0.7 * (0.6 + 0.4 * np.sin(v * np.pi)) * tones_i[i], np.sin(v * np.pi) ** 0.7 * (0.6 + 0.4 * np.sin(u * np.pi)) * tones_j[j])
        field = (0.3 + 0.8 * lit).astype(np.float32) * (1 + 0.08 * octaves(rng, 4, 2))
        colour = np.where(over[..., None], np.float32((190, 172, 138)), np.float32((176, 160, 130)))
        return finish(colour * field[..., None])
    return subject


CLASSES = {name: Maker(prepare, fills=True) for name, prepare in
           (("brick", brick), ("tile", tile), ("knit", knit), ("fence", fence), ("woven", woven))}
