"""Perfect repetition: cloths, papers and tilings whose cell repeats without any change. Each group has a cell of its own."""

import cv2
import numpy as np

from classes.maker import Maker
from classes.seeds import pick

SIZE = (1200, 900)


def palette(rng, count):
    """Colours that stand apart in lightness."""
    lightness = np.linspace(45, 235, count) + rng.uniform(-15, 15, count)
    hsv = np.uint8([[(rng.integers(0, 180), rng.integers(20, 200), int(np.clip(v, 20, 250))) for v in rng.permutation(lightness)]])
    return [tuple(int(c) for c in colour) for colour in cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0]]


def motif(rng, side):
    """A cell with some shapes, which go on over its edges."""
    colours = palette(rng, 5)
    cell = np.full((side, side, 3), colours[0], np.uint8)
    for _ in range(int(rng.integers(3, 8))):
        kind, colour = rng.integers(4), pick(rng, colours[1:])
        x, y, r = rng.uniform(0, side), rng.uniform(0, side), rng.uniform(0.06, 0.22) * side
        corners = int(rng.integers(3, 8))
        turn, inner = rng.uniform(0, 6.3), rng.uniform(0.35, 1)
        for dx in (-side, 0, side):
            for dy in (-side, 0, side):
                centre = round(x + dx), round(y + dy)
                if kind == 0:
                    cv2.circle(cell, centre, round(r), colour, -1, cv2.LINE_AA)
                elif kind == 1:
                    cv2.circle(cell, centre, round(r), colour, max(2, round(r * 0.25)), cv2.LINE_AA)
                else:
                    t = turn + np.arange(2 * corners) * np.pi / corners
                    reach = np.where(np.arange(2 * corners) % 2, r * inner, r)
                    points = np.stack([centre[0] + reach * np.cos(t), centre[1] + reach * np.sin(t)], 1)
                    cv2.fillPoly(cell, [np.rint(points).astype(np.int32)], colour, cv2.LINE_AA)
    return cell


def tartan(rng, side):
    """Stripes of a random sett in two directions, woven over each other in twill."""
    colours, sett = palette(rng, 4), []
    while sum(w for w, _ in sett) < side / 2:
        sett.append((int(rng.integers(3, side // 5)), pick(rng, colours)))
    thread = [c for w, c in sett for _ in range(w)][:side // 2]
    thread = np.float32(thread + thread[::-1])
    n = len(thread)
    y, x = np.mgrid[0:n, 0:n]
    over = ((x + y) // 2 % 2 == 0)[..., None]
    return np.where(over, thread[None, :, :], thread[:, None, :]).astype(np.uint8)


def bond(rng, side):
    """Bricks or planks without a fault: one size, one joint, one shade a place in the cell."""
    rows, colours = int(rng.integers(2, 6)), palette(rng, 4)
    cell = np.full((side, side, 3), colours[0], np.uint8)
    joint, shifts = max(2, round(side * rng.uniform(0.012, 0.04))), rng.uniform(0, side, rows)
    cuts = int(rng.integers(1, 4))
    for row in range(rows):
        top, bottom = round(row * side / rows) + joint, round((row + 1) * side / rows)
        for at in range(cuts):
            left, width = round(shifts[row] + at * side / cuts) + joint, round(side / cuts) - joint
            columns = np.arange(left, left + width) % side
            cell[top:bottom, columns] = pick(rng, colours[1:])
    return cell


def dots(rng, side):
    """Dots or diamonds of two sizes on one ground."""
    colours = palette(rng, 3)
    cell = np.full((side, side, 3), colours[0], np.uint8)
    for (x, y), r, colour in (((0.5, 0.5), rng.uniform(0.08, 0.34), colours[1]), ((0, 0), rng.uniform(0.05, 0.3), colours[2])):
        for dx in (0, 1):
            for dy in (0, 1):
                centre = round((x + dx) * side), round((y + dy) * side)
                if rng.random() < 0.5 and x == 0.5:
                    cv2.circle(cell, centre, round(r * side), colour, -1, cv2.LINE_AA)
                else:
                    points = np.int32([(centre[0] + r * side * a, centre[1] + r * side * b) for a, b in ((1, 0), (0, 1), (-1, 0), (0, -1))])
                    cv2.fillPoly(cell, [points], colour, cv2.LINE_AA)
    return cell


def periodic(env):
    """A cell of 60 to 260 px, repeated over the picture."""
    def subject(rng, group):
        cell = pick(rng, (motif, motif, tartan, bond, dots))(rng, int(rng.integers(60, 260)))
        repeats = -(-SIZE[1] // cell.shape[0]), -(-SIZE[0] // cell.shape[1])
        return np.tile(cell, (*repeats, 1))[:SIZE[1], :SIZE[0]]
    return subject


CLASSES = {"periodic": Maker(periodic, fills=True)}
