"""Street maps of one publisher: each group is a town with its own streets, river, parks, houses and names."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import phrase

SIZE = (1200, 900)
FINE = 2


class Town:
    """Streets as lines over a plane bent by smooth waves, so that blocks are uneven."""

    def __init__(self, rng):
        self.waves = [(rng.normal(0, 28, 2), rng.normal(0, 0.006, 2), rng.uniform(0, 6.3)) for _ in range(5)]
        self.turn = rng.uniform(0, np.pi)
        self.across, self.along = (np.cumsum(rng.uniform(*range_, 60)) - 1500 for range_ in ((48, 130), (60, 190)))

    def place(self, u, v):
        """From the town's plan to the map."""
        u, v = np.asarray(u, float), np.asarray(v, float)
        x = SIZE[0] / 2 + u * np.cos(self.turn) - v * np.sin(self.turn)
        y = SIZE[1] / 2 + u * np.sin(self.turn) + v * np.cos(self.turn)
        dx = sum(a[0] * np.sin(x * k[0] + y * k[1] + p) for a, k, p in self.waves)
        dy = sum(a[1] * np.cos(x * k[0] + y * k[1] + p) for a, k, p in self.waves)
        return np.stack([x + dx, y + dy], -1)


def street_map(env):
    faces = [fonts.font(15 * FINE, "open-sans"), fonts.font(20 * FINE, "open-sans", 700)]

    def subject(rng, group):
        town = Town(rng)
        image = np.full((SIZE[1] * FINE, SIZE[0] * FINE, 3), (242, 239, 233), np.uint8)
        land_use(rng, image, town)
        streets = lines(rng, town)
        for line, width, colour, edge in sorted(streets, key=lambda s: s[1]):
            cv2.polylines(image, [np.rint(line * FINE * 8).astype(np.int32)], False, edge, (width + 3) * FINE, cv2.LINE_AA, 3)
        for line, width, colour, edge in sorted(streets, key=lambda s: s[1]):
            cv2.polylines(image, [np.rint(line * FINE * 8).astype(np.int32)], False, colour, width * FINE, cv2.LINE_AA, 3)
        picture = Image.fromarray(image)
        names(rng, picture, streets, faces)
        return np.asarray(picture.resize(SIZE, Image.Resampling.BOX))
    return subject


def land_use(rng, image, town):
    """Parks, water and houses in the blocks, and a river across."""
    for u0, u1 in zip(town.across[:-1], town.across[1:]):
        for v0, v1 in zip(town.along[:-1], town.along[1:]):
            corners = town.place([u0, u1, u1, u0], [v0, v0, v1, v1])
            if corners.max() < -100 or (corners.min(0) > SIZE).any() or (corners.max(0) < 0).any():
                continue
            use = rng.random()
            if use < 0.13:
                colour = pick(rng, ((200, 225, 170), (205, 235, 205), (222, 210, 232), (170, 211, 223)))
                cv2.fillPoly(image, [np.rint(corners * FINE).astype(np.int32)], colour, cv2.LINE_AA)
            elif use < 0.8:
                houses(rng, image, town, u0, u1, v0, v1)
    v = np.linspace(-1300, 1300, 120)
    bend = sum(rng.normal(0, 90 / k) * np.sin(v * 0.003 * k + rng.uniform(0, 6.3)) for k in (1, 2, 3))
    river = town.place(bend + rng.uniform(-300, 300), v)
    cv2.polylines(image, [np.rint(river * FINE).astype(np.int32)], False, (170, 211, 223), int(rng.integers(14, 46)) * FINE, cv2.LINE_AA)


def houses(rng, image, town, u0, u1, v0, v1):
    v = v0 + 10
    while v < v1 - 22:
        depth = rng.uniform(14, 34)
        for side in (0, 1):
            if rng.random() < 0.75:
                wide = rng.uniform(0.18, 0.34) * (u1 - u0)
                left = u0 + 9 if side == 0 else u1 - 9 - wide
                ends = min(v + depth, v1 - 8)
                box = town.place([left, left + wide, left + wide, left], [v, v, ends, ends])
                cv2.fillPoly(image, [np.rint(box * FINE).astype(np.int32)], (217, 208, 201), cv2.LINE_AA)
                cv2.polylines(image, [np.rint(box * FINE).astype(np.int32)], True, (196, 182, 171), FINE, cv2.LINE_AA)
        v += depth + rng.uniform(2, 12)


def lines(rng, town):
    """(points, width, colour, edge colour) of each street; some streets end within the town."""
    found, t = [], np.linspace(-1400, 1400, 160)
    for direction, places in ((0, town.across), (1, town.along)):
        for place in places:
            start, end = (0, 160) if rng.random() < 0.6 else sorted(rng.integers(0, 160, 2))
            if end - start < 15:
                continue
            s = t[start:end]
            points = town.place(np.full(len(s), place), s) if direction == 0 else town.place(s, np.full(len(s), place))
            width, colour, edge = pick(rng, ((8, (255, 255, 255), (190, 184, 176)),) * 6 + ((12, (247, 250, 191), (190, 180, 120)), (15, (252, 214, 164), (200, 150, 90))))
            found.append((points, width, colour, edge))
    for _ in range(int(rng.integers(0, 3))):
        ends = rng.uniform(0, 1, 4) * np.array([SIZE[0], SIZE[1], SIZE[0], SIZE[1]])
        middle = rng.uniform(0.2, 0.8, 2) * SIZE
        s = np.linspace(0, 1, 60)[:, None]
        curve = (1 - s) ** 2 * (ends[:2] * [1, 0]) + 2 * s * (1 - s) * middle + s**2 * (ends[2:] * [1, 0] + [0, SIZE[1]])
        found.append((curve, 18, (232, 146, 162), (200, 90, 120)))
    return found


def names(rng, picture, streets, faces):
    """Street names along their streets, and some larger names of quarters."""
    for line, width, _, _ in streets:
        inside = np.flatnonzero((line > 60).all(1) & (line < np.array(SIZE) - 60).all(1))
        if len(inside) < 12 or rng.random() < 0.35:
            continue
        at = int(pick(rng, inside[3:-3]))
        direction = line[min(at + 2, len(line) - 1)] - line[max(at - 2, 0)]
        angle = np.degrees(np.arctan2(direction[1], direction[0]))
        angle = angle - 180 if angle > 90 else angle + 180 if angle < -90 else angle
        text = f"{phrase(rng, 1, least_letters=5)} {pick(rng, ('Street', 'Road', 'Lane', 'Way', 'Avenue', 'Row'))}"
        label(picture, text, line[at], angle, faces[0])
    for _ in range(int(rng.integers(2, 6))):
        label(picture, phrase(rng, 1, least_letters=5), rng.uniform(0.12, 0.88, 2) * SIZE, 0, faces[1])


def label(picture, text, place, angle, face):
    box = face.getbbox(text, stroke_width=6)
    size = box[2] - box[0] + 12, box[3] - box[1] + 12
    tag = Image.new("RGBA", size, (255, 255, 255, 0))
    ImageDraw.Draw(tag).text((size[0] / 2, size[1] / 2), text, font=face, fill=(50, 48, 46), anchor="mm", stroke_width=5, stroke_fill=(255, 255, 255))
    tag = tag.rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    picture.paste(tag, (round(place[0] * FINE - tag.width / 2), round(place[1] * FINE - tag.height / 2)), tag)


CLASSES = {"maps": Maker(street_map, digital=True)}
