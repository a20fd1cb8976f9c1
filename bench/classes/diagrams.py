"""Music, flow charts and plots, each in one style."""

import io

import matplotlib
import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import phrase, words

INK = (22, 22, 24)
FINE = 2


def music(env):
    """A page of a piano or a song book: staves with clefs, bars, notes, beams, ties and words."""
    title_face, text_face = fonts.font(40 * FINE, "eb-garamond"), fonts.font(17 * FINE, "eb-garamond")
    source = words("en")

    def subject(rng, group):
        image = Image.new("RGB", (900 * FINE, 1200 * FINE), (253, 252, 247))
        pen = ImageDraw.Draw(image)
        pen.text((450 * FINE, 66 * FINE), phrase(rng, 3), font=title_face, fill=INK, anchor="mm")
        song, key = rng.random() < 0.5, int(rng.integers(-4, 5))
        for at in range(9):
            top = (130 + at * 116) * FINE
            stave(rng, pen, top, key, bass=not song and at % 2 == 1)
            x = 150 * FINE
            while x < 820 * FINE:
                x = bar(rng, pen, top, x, source if song else None, text_face)
        return np.asarray(image.resize((900, 1200), Image.Resampling.BOX))
    return subject


GAP = 11 * FINE


def stave(rng, pen, top, key, bass):
    """Five lines, a clef drawn by curves, and the key's flats or sharps."""
    for line in range(5):
        pen.line((60 * FINE, top + line * GAP, 840 * FINE, top + line * GAP), fill=INK, width=FINE)
    for x in (60, 840):
        pen.line((x * FINE, top, x * FINE, top + 4 * GAP), fill=INK, width=2 * FINE)
    x = 82 * FINE
    t = np.linspace(0, 1, 60)
    if bass:
        curve = np.stack([x + GAP * 1.3 * np.sin(np.pi * t * 1.15) - GAP * 0.4, top + GAP * (0.9 - 1.0 * np.sin(np.pi * t) + 2.4 * t**2)], 1)
        pen.line([tuple(p) for p in curve], fill=INK, width=3 * FINE, joint="curve")
        for dy in (0.5, 1.5):
            pen.ellipse((x + GAP * 1.6, top + GAP * dy - 3 * FINE, x + GAP * 1.6 + 6 * FINE, top + GAP * dy + 3 * FINE), fill=INK)
    else:
        turns = 2.3 * np.pi * t
        spiral = np.stack([x + GAP * (0.25 + 1.0 * t) * np.cos(turns), top + 3 * GAP + GAP * (0.25 + 1.0 * t) * np.sin(turns)], 1)
        pen.line([tuple(p) for p in spiral], fill=INK, width=2 * FINE, joint="curve")
        stem = np.stack([x + GAP * 0.9 * np.sin(2 * np.pi * t * 0.75) * (1 - t) + 2, top + GAP * (3 - 4.6 * t)], 1)
        pen.line([tuple(p) for p in stem], fill=INK, width=3 * FINE, joint="curve")
        pen.line((x, top - 1.6 * GAP, x + 4 * FINE, top + 5.2 * GAP), fill=INK, width=2 * FINE)
    sign = fonts.dejavu(26 * FINE)
    for at in range(abs(key)):
        step = ((4, 1, 5, 2) if key < 0 else (0, 3, -1, 2))[at] + (2 if bass else 0)
        pen.text((x + (24 + 10 * at) * FINE, top + step * GAP / 2), "♭" if key < 0 else "♯", font=sign, fill=INK, anchor="mm")


def bar(rng, pen, top, x, source, face):
    """Notes of four beats, the bar's line, and a word under some of the notes; returns where it ends."""
    lengths = pick(rng, ((4,), (2, 2), (2, 1, 1), (1, 1, 1, 1), (1, 0.5, 0.5, 1, 1), (0.5,) * 8, (1, 1, 2), (0.5, 0.5, 1, 2), (3, 1)))
    step, beams = int(rng.integers(-1, 9)), []
    for length in lengths:
        step = int(np.clip(step + rng.integers(-3, 4), -2, 10))
        y, up = top + step * GAP / 2, step >= 4
        head = (x - 7 * FINE, y - 5 * FINE, x + 7 * FINE, y + 5 * FINE)
        pen.ellipse(head, fill=INK if length < 2 else (253, 252, 247), outline=INK, width=2 * FINE)
        for line in (*range(-2, 0, 2), *range(10, step + 1, 2)) if step >= 10 or step <= -2 else ():
            pen.line((x - 11 * FINE, top + line * GAP / 2, x + 11 * FINE, top + line * GAP / 2), fill=INK, width=FINE)
        if length < 4:
            sx, tip = (x + 6.5 * FINE, y - 3.4 * GAP) if up else (x - 6.5 * FINE, y + 3.4 * GAP)
            pen.line((sx, y, sx, tip), fill=INK, width=2 * FINE)
            if length == 0.5:
                beams.append((sx, tip, up))
        if length == 3:
            pen.ellipse((x + 11 * FINE, y - 5 * FINE, x + 15 * FINE, y - FINE), fill=INK)
        if rng.random() < 0.07:
            pen.text((x - 16 * FINE, y), pick(rng, "♯♭♮"), font=fonts.dejavu(22 * FINE), fill=INK, anchor="mm")
        if source is not None and rng.random() < 0.8:
            pen.text((x, top + 6.4 * GAP), source.draw(rng, 1)[0][:7], font=face, fill=INK, anchor="mm")
        x += (22 + 13 * length ** 0.7 + rng.uniform(0, 4)) * FINE * (1.25 if source is not None else 1)
    for (x0, y0, up), (x1, y1, other) in zip(beams[::2], beams[1::2]):
        if up == other:
            pen.line((x0, y0, x1, y1), fill=INK, width=5 * FINE)
        else:
            for bx, by, b in ((x0, y0, up), (x1, y1, other)):
                pen.line((bx, by, bx + 9 * FINE, by + (14 if b else -14) * FINE), fill=INK, width=3 * FINE)
    x = min(x, 838 * FINE)
    pen.line((x, top, x, top + 4 * GAP), fill=INK, width=FINE)
    return x + 20 * FINE


def flow_charts(env):
    """Charts of one program: boxes, diamonds and rounded ends on a loose grid, joined by arrows."""
    face, small = fonts.font(20, "inter"), fonts.font(15, "inter")
    source = words("en", 3)

    def subject(rng, group):
        columns, rows = int(rng.integers(3, 6)), int(rng.integers(4, 7))
        width, height = 1200 // columns, 1040 // rows
        image = Image.new("RGB", (1200, 1040), (255, 255, 255))
        pen = ImageDraw.Draw(image)
        nodes = {(c, r): (c * width + width / 2 + rng.uniform(-12, 12), r * height + height / 2 + rng.uniform(-8, 8))
                 for c in range(columns) for r in range(rows) if rng.random() < 0.72}
        for (c, r), (x, y) in nodes.items():
            for other in ((c, r + 1), (c + 1, r), (c + 1, r + 1)):
                if other in nodes and rng.random() < 0.6:
                    arrow(rng, pen, (x, y), nodes[other], small)
        for x, y in nodes.values():
            node(rng, pen, x, y, min(88, width * 0.38), min(40, height * 0.3), face, source)
        return np.asarray(image)
    return subject


def arrow(rng, pen, start, end, face):
    bend = (end[0], start[1]) if abs(end[0] - start[0]) > 60 else start
    pen.line([start, bend, end], fill=(70, 75, 85), width=3)
    last = bend if bend != start else start
    direction = np.array(end) - np.array(last)
    direction = direction / (np.hypot(*direction) + 1e-9)
    tip = np.array(end) - direction * (42 if abs(direction[1]) > 0.5 else 90)
    side = np.array([-direction[1], direction[0]])
    pen.polygon([tuple(tip), tuple(tip - 14 * direction + 7 * side), tuple(tip - 14 * direction - 7 * side)], fill=(70, 75, 85))
    if rng.random() < 0.3:
        pen.text((last[0] + 8, (last[1] + end[1]) / 2), pick(rng, ("yes", "no", phrase(rng, 1).lower())), font=face, fill=(70, 75, 85))


def node(rng, pen, x, y, w, h, face, source):
    fill, edge = pick(rng, (((218, 232, 252), (108, 142, 191)), ((213, 232, 212), (130, 179, 102)), ((255, 242, 204), (214, 182, 86)), ((248, 206, 204), (184, 84, 80))))
    kind = rng.integers(4)
    if kind == 0:
        pen.polygon([(x - w * 1.1, y), (x, y - h * 1.4), (x + w * 1.1, y), (x, y + h * 1.4)], fill=fill, outline=edge, width=3)
    elif kind == 1:
        pen.rounded_rectangle((x - w, y - h, x + w, y + h), h, fill=fill, outline=edge, width=3)
    else:
        pen.rectangle((x - w, y - h, x + w, y + h), fill=fill, outline=edge, width=3)
        if kind == 3:
            pen.line((x - w, y - h * 0.35, x + w, y - h * 0.35), fill=edge, width=2)
    for at in (0, 1):
        pen.text((x, y - 11 + 23 * at + (4 if kind == 3 else 0)), " ".join(source.draw(rng, 1 if at else 2))[:14], font=face, fill=INK, anchor="mm")


def plots(env):
    """Figures of matplotlib's default style: lines, bars, points and histograms."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    def subject(rng, group):
        figure, axes = plt.subplots(figsize=(10, 7.2), dpi=100)
        kind, count = rng.integers(4), int(rng.integers(1, 5))
        names = [phrase(rng, 1) for _ in range(count)]
        if kind == 0:
            x = np.linspace(0, float(rng.uniform(1, 200)), 120)
            for name in names:
                axes.plot(x, np.cumsum(rng.normal(rng.normal(0, 0.2), 1, 120)) * rng.uniform(0.2, 30), label=name)
        elif kind == 1:
            bars = [phrase(rng, 1) for _ in range(int(rng.integers(4, 9)))]
            for at, name in enumerate(names):
                axes.bar(np.arange(len(bars)) + at * 0.8 / count, rng.uniform(0.1, 1, len(bars)) * rng.uniform(1, 900), 0.8 / count, label=name)
            axes.set_xticks(np.arange(len(bars)) + 0.4 - 0.4 / count, bars, rotation=20)
        elif kind == 2:
            for name in names:
                centre = rng.normal(0, 3, 2)
                axes.scatter(*(centre[:, None] + rng.normal(0, rng.uniform(0.3, 2, (2, 1)), (2, 60))), label=name, alpha=0.7)
        else:
            for name in names:
                axes.hist(rng.gamma(rng.uniform(1, 6), rng.uniform(0.5, 3), 500), int(rng.integers(12, 40)), alpha=0.6, label=name)
        axes.set(title=phrase(rng, 3), xlabel=phrase(rng, 2), ylabel=phrase(rng, 2))
        axes.grid(bool(rng.random() < 0.5))
        axes.legend(loc=str(pick(rng, ("upper left", "upper right", "lower right", "lower left"))))
        raw = io.BytesIO()
        figure.savefig(raw, format="png")
        plt.close(figure)
        return np.asarray(Image.open(raw).convert("RGB"))
    return subject


CLASSES = {"music": Maker(music), "flow_charts": Maker(flow_charts, digital=True), "plots": Maker(plots, digital=True)}
