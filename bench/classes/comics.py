"""Comic pages in one artist's line: panels with figures, scenery and balloons. Each page has figures of its own."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import words

PAGE = (900, 1240)
FINE = 2
INK = (12, 12, 14)


def wobble(rng, points, much):
    return [(x + rng.normal(0, much), y + rng.normal(0, much)) for x, y in points]


def arc(cx, cy, rx, ry, start, end, count=40):
    t = np.radians(np.linspace(start, end, count))
    return list(zip(cx + rx * np.cos(t), cy + ry * np.sin(t)))


def person(rng):
    """What makes a figure itself: the head's form, hair, nose, clothes."""
    shade = lambda low=70, high=245: tuple(int(v) for v in rng.integers(low, high, 3))
    skin = pick(rng, ((244, 208, 177), (224, 172, 125), (141, 85, 54), (252, 226, 200)))
    return {"wide": rng.uniform(0.75, 1.1), "skin": skin, "hair": shade(20, 200), "coat": shade(), "style": int(rng.integers(4)), "spikes": rng.uniform(0.5, 1.4, 14),
            "nose": rng.uniform(0.08, 0.3), "eye": rng.uniform(0.06, 0.15), "brow": rng.uniform(-0.12, 0.12), "stripes": int(rng.integers(0, 4)), "glasses": rng.random() < 0.25}


def draw_person(rng, pen, who, x, y, r, facing):
    """Shoulders and a head of radius r about (x, y)."""
    line = max(3, round(r * 0.05))
    wide = r * who["wide"]
    body = [(x - 1.5 * r, y + 3.4 * r), (x - 1.3 * r, y + 1.5 * r), (x - 0.4 * r, y + 1.0 * r), (x + 0.4 * r, y + 1.0 * r), (x + 1.3 * r, y + 1.5 * r), (x + 1.5 * r, y + 3.4 * r)]
    pen.polygon(wobble(rng, body, r * 0.03), fill=who["coat"], outline=INK, width=line)
    for at in range(who["stripes"]):
        level = y + (1.7 + 0.5 * at) * r
        pen.line((x - 1.3 * r, level, x + 1.3 * r, level + rng.normal(0, 4)), fill=INK, width=line)
    pen.polygon(arc(x, y, wide, r * 1.12, 0, 360), fill=who["skin"], outline=INK, width=line)
    spikes = [(x + wide * 1.1 * np.cos(a), y - r * 0.25 + r * (0.8 + 0.35 * s * (1 if at % 2 else 0.55)) * np.sin(a)) for at, (a, s) in enumerate(zip(np.radians(np.linspace(185, 355, 14)), who["spikes"]))]
    if who["style"] == 0:
        pen.polygon(spikes + arc(x, y - 0.45 * r, wide * 0.95, r * 0.2, 0, 180)[::-1][::-1], fill=who["hair"], outline=INK, width=line)
    elif who["style"] == 1:
        pen.polygon(arc(x, y - 0.35 * r, wide * 1.12, r * 0.95, 180, 360) + arc(x, y - 0.4 * r, wide * 1.05, r * 0.25, 0, 180), fill=who["hair"], outline=INK, width=line)
    elif who["style"] == 2:
        pen.polygon([(x - wide * 1.3, y - 0.5 * r), (x + wide * 1.3, y - 0.5 * r), (x + wide * 0.8, y - 0.7 * r), (x + wide * 0.7, y - 1.6 * r), (x - wide * 0.7, y - 1.6 * r), (x - wide * 0.8, y - 0.7 * r)], fill=who["hair"], outline=INK, width=line)
    else:
        for at in range(9):
            a = np.radians(195 + at * 19)
            cx, cy = x + wide * np.cos(a), y - 0.1 * r + r * np.sin(a)
            pen.ellipse((cx - 0.27 * r, cy - 0.27 * r, cx + 0.27 * r, cy + 0.27 * r), fill=who["hair"], outline=INK, width=line)
    look = 0.18 * r * facing
    for side in (-1, 1):
        ex, ey, er = x + look + side * 0.38 * wide, y - 0.1 * r, who["eye"] * r * 1.6
        pen.ellipse((ex - er, ey - er * 1.2, ex + er, ey + er * 1.2), fill=(255, 255, 255), outline=INK, width=line)
        pen.ellipse((ex + look * 0.3 - er * 0.4, ey - er * 0.5, ex + look * 0.3 + er * 0.4, ey + er * 0.5), fill=INK)
        pen.line((ex - 0.2 * r, ey - 0.35 * r + side * who["brow"] * r, ex + 0.2 * r, ey - 0.35 * r - side * who["brow"] * r), fill=INK, width=line + 1)
        if who["glasses"]:
            pen.ellipse((ex - 0.3 * r, ey - 0.28 * r, ex + 0.3 * r, ey + 0.28 * r), outline=INK, width=line)
    nose = who["nose"] * r
    pen.line([(x + look, y), (x + look + nose * (facing or 1), y + 0.28 * r), (x + look, y + 0.32 * r)], fill=INK, width=line, joint="curve")
    mouth = rng.uniform(-0.2, 0.25) * r
    pen.line(arc(x + look, y + 0.55 * r, 0.32 * r, abs(mouth) + 2, 0 if mouth > 0 else 180, 180 if mouth > 0 else 360), fill=INK, width=line)


def scenery(rng, pen, width, height):
    """Sky, then hills, a town, a room or rays behind the figures."""
    tint = lambda: tuple(int(v) for v in rng.integers(130, 250, 3))
    pen.rectangle((0, 0, width, height), fill=tint())
    kind = rng.integers(4)
    if kind == 0:
        for layer in range(3):
            x = np.linspace(0, width, 30)
            ridge = height * (0.35 + 0.2 * layer) + height * 0.1 * sum(np.sin(x / width * rng.uniform(3, 14) + rng.uniform(0, 6)) / (k + 1) for k in range(3))
            pen.polygon([(0, height), *zip(x, ridge), (width, height)], fill=tint(), outline=INK, width=4)
        for _ in range(int(rng.integers(1, 6))):
            x, y, r = rng.uniform(0, width), rng.uniform(0.45, 0.8) * height, rng.uniform(0.05, 0.12) * height
            pen.line((x, y, x, y + 3 * r), fill=INK, width=8)
            for _ in range(5):
                bx, by = x + rng.normal(0, r * 0.6), y + rng.normal(0, r * 0.6)
                pen.ellipse((bx - r, by - r, bx + r, by + r), fill=(90, 150, 80), outline=INK, width=4)
    elif kind == 1:
        x = 0
        while x < width:
            w, h = rng.uniform(0.08, 0.2) * width, rng.uniform(0.35, 0.9) * height
            pen.rectangle((x, height - h, x + w, height), fill=tint(), outline=INK, width=5)
            nx, ny = int(rng.integers(2, 5)), int(h // rng.uniform(60, 100)) + 1
            for i in range(nx):
                for j in range(ny):
                    wx, wy = x + w * (i + 0.25) / nx, height - h + h * (j + 0.25) / ny
                    pen.rectangle((wx, wy, wx + w * 0.5 / nx, wy + h * 0.5 / ny), fill=INK if rng.random() < 0.5 else (250, 240, 170), outline=INK, width=3)
            x += w + rng.uniform(-4, 20)
    elif kind == 2:
        floor = height * rng.uniform(0.6, 0.8)
        pen.rectangle((0, floor, width, height), fill=tint(), outline=INK, width=5)
        for _ in range(int(rng.integers(2, 6))):
            x, y, w, h = rng.uniform(0, width * 0.8), rng.uniform(0, floor * 0.6), rng.uniform(0.08, 0.3) * width, rng.uniform(0.1, 0.4) * height
            pen.rectangle((x, y, x + w, y + h), fill=tint(), outline=INK, width=6)
            for at in range(int(rng.integers(1, 4))):
                pen.line((x, y + h * (at + 1) / 4, x + w * rng.uniform(0.5, 1), y + h * rng.uniform(0, 1)), fill=INK, width=4)
    else:
        cx, cy = rng.uniform(0, width), rng.uniform(0, height)
        for a in np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(24, 70)))):
            near, far = rng.uniform(0.2, 0.5) * width, 2 * width
            pen.line((cx + near * np.cos(a), cy + near * np.sin(a), cx + far * np.cos(a), cy + far * np.sin(a)), fill=INK, width=int(rng.integers(2, 9)))


def balloon(rng, pen, face, width, room, toward, source):
    text = " ".join(source.draw(rng, int(rng.integers(3, 13)))).upper()
    rows = fonts.lines(pen, text, face, width)
    rows[-1] += pick(rng, ("!", "?", "...", ".", "!!"))
    w, h = max(pen.textlength(r, font=face) for r in rows) / 2 + 34, 19 * FINE * len(rows) / 2 + 26
    x, y = np.clip(toward[0] + rng.uniform(-60, 60), w + 8, max(w + 9, room - w - 8)), h + rng.uniform(8, 30)
    pen.polygon([(x - 20, y + h * 0.7), (x + 24, y + h * 0.7), (toward[0], max(toward[1], y + h + 30))], fill=(255, 255, 255), outline=INK, width=4)
    pen.ellipse((x - w * 1.15, y - h * 1.1, x + w * 1.15, y + h * 1.1), fill=(255, 255, 255), outline=INK, width=4)
    pen.polygon([(x - 16, y + h * 0.6), (x + 20, y + h * 0.6), (x, y + h * 1.05)], fill=(255, 255, 255))
    for at, line in enumerate(rows):
        pen.text((x, y + (at - (len(rows) - 1) / 2) * 19 * FINE), line, font=face, fill=INK, anchor="mm")


def comics(env):
    face = fonts.font(17 * FINE, "comic-neue", 700)
    source = words("en")

    def subject(rng, group):
        page = Image.new("RGB", (PAGE[0] * FINE, PAGE[1] * FINE), (253, 252, 248))
        cast = [person(rng) for _ in range(int(rng.integers(2, 4)))]
        rows = int(rng.integers(3, 5))
        edges = np.cumsum([0, *rng.dirichlet([12] * rows)]) * (PAGE[1] - 80) + 40
        for top, bottom in zip(edges[:-1], edges[1:]):
            columns = int(rng.integers(1, 4))
            cuts = np.cumsum([0, *rng.dirichlet([10] * columns)]) * (PAGE[0] - 80) + 40
            for left, right in zip(cuts[:-1], cuts[1:]):
                w, h = round((right - left - 12) * FINE), round((bottom - top - 12) * FINE)
                panel = Image.new("RGB", (w, h), (255, 255, 255))
                pen = ImageDraw.Draw(panel)
                scenery(rng, pen, w, h)
                shown = rng.permutation(len(cast))[:int(rng.integers(1, 3)) if w > 500 else 1]
                for at, which in enumerate(shown):
                    x, r = w * (at + 0.5 + rng.uniform(-0.12, 0.12)) / len(shown), h * rng.uniform(0.13, 0.2)
                    y = h * rng.uniform(0.55, 0.7)
                    draw_person(rng, pen, cast[which], x, y, r, int(rng.integers(-1, 2)))
                    if rng.random() < 0.75:
                        balloon(rng, pen, face, w / len(shown) * 0.55, w, (x, y - r * 1.4), source)
                pen.rectangle((0, 0, w - 1, h - 1), outline=INK, width=6)
                page.paste(panel, (round(left * FINE), round(top * FINE)))
        return np.asarray(page.resize(PAGE, Image.Resampling.BOX))
    return subject


CLASSES = {"comics": Maker(comics)}
