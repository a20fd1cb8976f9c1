"""Filled forms and receipts."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker, shared_by_turns
from classes.seeds import generator, pick
from classes.words import amount, date, number, phrase, words

PAGE = (900, 1240)
INK = (25, 25, 28)
TITLES = ("Application", "Declaration", "Claim", "Registration", "Report")
FORMS = len(TITLES)


def form_layout(seed, which):
    """The printed form: a title, sections and fields at places that depend on the form alone."""
    rng = generator(seed, "forms", "layout", which)
    title = f"{phrase(rng, 2)} {TITLES[which]}"
    fields, y = [], 190
    for section in range(4):
        if y > 960:
            break
        fields.append(("section", 60, y, 780, f"{'ABCD'[section]}. {phrase(rng, 3)}", ()))
        y += 48
        for _ in range(int(rng.integers(2, 5))):
            if y > 1020:
                break
            split = int(pick(rng, (1, 2, 3)))
            choices = [phrase(rng, 1).lower()[:9] for _ in range(3)]
            for part in range(split):
                width = (780 - 14 * (split - 1)) / split
                kind = pick(rng, ("line", "line", "boxes", "ticks", "amount"))
                fields.append((kind, 60 + part * (width + 14), y, width, phrase(rng, int(rng.integers(1, 4)) if split < 3 else 1), choices))
            y += 74
        y += 6
    notes = " ".join(words("en", 3).draw(rng, 12)).capitalize() + ".", phrase(rng, 2), phrase(rng, 2)
    return title, f"{phrase(rng, 3)} Office", f"Form {phrase(rng, 1)[:2].upper()}-{number(rng, 3)}", notes, fields


def forms(env):
    """Five forms of one authority, each filled in by many hands: the form is the mark."""
    serif, sans, small, tiny = fonts.font(34, "pt-serif", 700), fonts.font(20, "roboto", 700), fonts.font(15, "roboto"), fonts.font(13, "roboto")
    hands = [fonts.font(32, "caveat"), fonts.font(32, "caveat", 700), fonts.font(22, "courier-prime"), fonts.font(21, "roboto")]
    layouts = [form_layout(env.seed, which) for which in range(FORMS)]

    def subject(rng, group):
        title, office, code, notes, fields = layouts[group % FORMS]
        image = Image.new("RGB", PAGE, (253, 253, 250))
        pen = ImageDraw.Draw(image)
        pen.text((60, 60), title, font=serif, fill=INK)
        pen.text((60, 112), office, font=small, fill=INK)
        pen.text((840, 66), code, font=small, fill=INK, anchor="ra")
        pen.line((60, 150, 840, 150), fill=INK, width=3)
        pen.text((60, 158), notes[0], font=tiny, fill=INK)
        hand, ink = pick(rng, hands), pick(rng, ((20, 30, 120), (15, 15, 20), (30, 60, 160)))
        for kind, x, y, width, label, choices in fields:
            if kind == "section":
                pen.rectangle((x, y, x + width, y + 32), fill=(222, 228, 232))
                pen.text((x + 8, y + 16), label, font=sans, fill=INK, anchor="lm")
                continue
            pen.text((x, y), label, font=small, fill=INK)
            fill_field(rng, pen, kind, choices, x, y + 20, width, hand, ink, small)
        y = 1150
        pen.line((60, y, 380, y), fill=INK, width=1)
        pen.line((480, y, 840, y), fill=INK, width=1)
        pen.text((60, y + 6), notes[1], font=tiny, fill=INK)
        pen.text((480, y + 6), notes[2], font=tiny, fill=INK)
        pen.text((66, y - 34), f"{phrase(rng, 1)}, {date(rng)}", font=hand, fill=ink)
        signature(rng, pen, 500, y - 18, ink)
        return np.asarray(image)
    return subject


def fill_field(rng, pen, kind, choices, x, y, width, hand, ink, small):
    """The empty field, and what somebody wrote into it."""
    empty = rng.random() < 0.12
    if kind == "line":
        pen.rectangle((x, y, x + width, y + 42), outline=(90, 90, 95), width=1)
        text = phrase(rng, max(1, int(width / 190)))
        if not empty:
            pen.text((x + 8 + rng.uniform(0, 14), y + 21 + rng.uniform(-3, 3)), text, font=hand, fill=ink, anchor="lm")
    elif kind == "boxes":
        count = int(width // 30)
        text = number(rng, int(rng.integers(count // 2, count + 1)))
        for at in range(count):
            pen.rectangle((x + at * 30, y, x + at * 30 + 28, y + 38), outline=(90, 90, 95), width=1)
            if not empty and at < len(text):
                pen.text((x + at * 30 + 14 + rng.uniform(-2, 2), y + 19 + rng.uniform(-2, 2)), text[at], font=hand, fill=ink, anchor="mm")
    elif kind == "ticks":
        chosen = int(rng.integers(3))
        for at, label in enumerate(choices):
            left = x + at * width / 3
            pen.rectangle((left, y + 8, left + 22, y + 30), outline=(60, 60, 65), width=2)
            pen.text((left + 30, y + 19), label, font=small, fill=INK, anchor="lm")
            if at == chosen and not empty:
                a, b = rng.uniform(-4, 4, 2)
                pen.line((left + 2 + a, y + 10, left + 21, y + 29 + b), fill=ink, width=3)
                pen.line((left + 21, y + 9 + b, left + 1, y + 29 + a), fill=ink, width=3)
    else:
        pen.line((x, y + 38, x + width, y + 38), fill=(90, 90, 95), width=1)
        pen.text((x + width, y + 30), "EUR", font=small, fill=INK, anchor="rm")
        if not empty:
            pen.text((x + width - 50, y + 20 + rng.uniform(-3, 3)), f"{amount(rng, 5, 90000):,.2f}", font=hand, fill=ink, anchor="rm")


def signature(rng, pen, x, y, ink):
    """Loops along a line."""
    t = np.linspace(0, 1, 160)
    waves = sum(rng.normal(0, 13 / k) * np.sin(2 * np.pi * k * t * rng.uniform(2, 4) + rng.uniform(0, 6)) for k in (1, 2, 3))
    across = x + 260 * t + sum(rng.normal(0, 14 / k) * np.sin(2 * np.pi * k * t * 5 + rng.uniform(0, 6)) for k in (1, 2))
    pen.line(list(zip(across, y + waves)), fill=ink, width=3, joint="curve")


def receipts(env):
    """Till receipts of many shops from one make of printer."""
    face, bold = fonts.font(26, "vt323"), fonts.font(44, "vt323")
    source = words("en", 4)

    def subject(rng, group):
        width = 560
        rule = pick(rng, "-=*.~_+#") * int(rng.integers(28, 45))
        rows = [(phrase(rng, 2, least_letters=5).upper(), bold, "mm"), (f"{phrase(rng, 2)} {rng.integers(1, 200)}", face, "mm"),
                (f"{number(rng, 5)} {phrase(rng, 1)}  T {number(rng, 4)}-{number(rng, 6)}", face, "mm"), (rule, face, "mm")]
        total = 0.0
        for _ in range(int(rng.integers(6, 26))):
            count, price = int(pick(rng, (1, 1, 1, 2, 3, 6))), amount(rng, 0.4, 60)
            total += count * price
            name = f"{count}x {source.any(rng)} {source.any(rng)}".upper()[:26]
            rows.append((f"{name:<30}{count * price:>10.2f} {pick(rng, 'AB')}", face, "mm"))
        rows += [(rule, face, "mm"), (f"{pick(rng, ('TOTAL', 'SUM', 'TO PAY', 'AMOUNT DUE'))} {total:.2f}", bold, "mm"),
                 (f"{pick(rng, ('CARD', 'VISA', 'CASH', 'DEBIT'))} {total:.2f}   VAT {total * 0.07:.2f} {number(rng, 2)}", face, "mm"),
                 (f"{date(rng)} {rng.integers(7, 22):02d}:{rng.integers(60):02d}:{rng.integers(60):02d} #{number(rng, 7)}", face, "mm"),
                 (f"{phrase(rng, 1)} {' '.join(source.draw(rng, 4))}", face, "mm")]
        height = sum(32 if font is face else 58 for _, font, _ in rows) + 80
        image = Image.new("RGB", (width, max(height, 700)), (246, 246, 243))
        pen = ImageDraw.Draw(image)
        y = 44
        for text, font, anchor in rows:
            pen.text((width / 2, y), text, font=font, fill=(62, 60, 66), anchor=anchor)
            y += 32 if font is face else 58
        picture = np.asarray(image).astype(np.float32)
        # Thermal paper fades in stripes.
        fade = 1 + 0.12 * np.sin(np.linspace(0, rng.uniform(3, 9), width) + rng.uniform(0, 6))[None, :, None]
        return np.rint(np.clip(250 - (250 - picture) * np.minimum(fade, 1), 0, 255)).astype(np.uint8)
    return subject


CLASSES = {"forms": Maker(forms, marks=shared_by_turns(FORMS)), "receipts": Maker(receipts)}
