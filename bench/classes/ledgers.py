"""Invoices and tables."""

import itertools

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker, shared_by_turns
from classes.seeds import generator, pick
from classes.words import amount, date, number, phrase, words

PAGE = (900, 1240)
INK = (30, 30, 34)
FIRMS = 5
# What the columns and the sums are called: 768 ways, so that no two programs' tables begin with one line.
TERMS = (("Description", "Item", "Article", "Service"), ("Qty", "Quantity", "Units", "Count"), ("Price", "Unit price", "Rate", "Each"),
         ("Amount", "Line total", "Net", "Sum"), ("Subtotal", "Net total", "Before tax"))


def firm(rng):
    """A firm's name, address, colours and the shapes of its logo."""
    colours = [tuple(int(v) for v in rng.integers(20, 200, 3)) for _ in range(3)]
    shapes = [(pick(rng, ("disc", "ring", "box", "blade")), rng.uniform(0, 1, 2), rng.uniform(0.25, 0.6), int(rng.integers(3))) for _ in range(4)]
    return {"name": phrase(rng, 2, least_letters=5) + pick(rng, (" Ltd", " GmbH", " & Sons", " Inc", "")), "colours": colours, "shapes": shapes,
            "lines": [f"{phrase(rng, 1)} Street {rng.integers(1, 200)}", f"{number(rng, 5)} {phrase(rng, 1)}", f"Tel +{number(rng, 11)}"],
            "bank": f"{phrase(rng, 2)} Bank  IBAN {phrase(rng, 1)[:2].upper()}{number(rng, 20)}", "face": pick(rng, ("playfair-display", "oswald", "lora", "roboto-slab", "merriweather"))}


def logo(pen, house, x, y, side):
    for kind, (u, v), r, colour in house["shapes"]:
        cx, cy, r, fill = x + (0.2 + 0.6 * u) * side, y + (0.2 + 0.6 * v) * side, r * side / 2, house["colours"][colour]
        if kind == "disc":
            pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=fill)
        elif kind == "ring":
            pen.ellipse((cx - r, cy - r, cx + r, cy + r), outline=fill, width=max(3, round(side * 0.07)))
        elif kind == "box":
            pen.rectangle((cx - r, cy - r * 0.6, cx + r, cy + r * 0.6), fill=fill)
        else:
            pen.polygon([(cx - r, cy + r), (cx + r, cy + r * 0.4), (cx + r * 0.2, cy - r)], fill=fill)


def invoice(rng, house, terms, widths):
    """One sheet: letterhead, customer, positions, sums, bank."""
    body, bold, small = fonts.font(19, "open-sans"), fonts.font(19, "open-sans", 700), fonts.font(14, "open-sans")
    image = Image.new("RGB", PAGE, (254, 254, 253))
    pen = ImageDraw.Draw(image)
    logo(pen, house, 60, 50, 120)
    pen.text((205, 84), house["name"], font=fonts.font(38, house["face"], 700 if house["face"] != "oswald" else 400), fill=house["colours"][0], anchor="lm")
    for at, line in enumerate(house["lines"]):
        pen.text((206, 112 + 20 * at), line, font=small, fill=INK)
    pen.line((60, 190, 840, 190), fill=house["colours"][0], width=4)
    for at, line in enumerate((phrase(rng, 2), f"{phrase(rng, 1)} Road {rng.integers(1, 300)}", f"{number(rng, 5)} {phrase(rng, 1)}")):
        pen.text((60, 240 + 28 * at), line, font=body, fill=INK)
    for at, (label, value) in enumerate(((pick(rng, ("Invoice", "Bill", "Invoice no.")), number(rng, 7)), (pick(rng, ("Date", "Issued")), date(rng)), (pick(rng, ("Customer", "Client")), number(rng, 5)))):
        pen.text((840, 240 + 28 * at), f"{label} {value}", font=body, fill=INK, anchor="ra")
    edges = np.concatenate([[60], 60 + np.cumsum(widths)])
    y = 390
    pen.rectangle((60, y, 840, y + 36), fill=tuple(min(255, 190 + v // 4) for v in house["colours"][1]))
    for at, label in enumerate(terms[:4]):
        pen.text((edges[at] + 8 if at == 0 else edges[at + 1] - 8, y + 18), label, font=bold, fill=INK, anchor="lm" if at == 0 else "rm")
    total, y = 0.0, y + 36
    for _ in range(int(rng.integers(3, 17))):
        count, price = int(rng.integers(1, 40)), amount(rng, 2, 800)
        total += count * price
        cells = phrase(rng, int(rng.integers(2, 4)), least_letters=3), str(count), f"{price:,.2f}", f"{count * price:,.2f}"
        for at, cell in enumerate(cells):
            pen.text((edges[at] + 8 if at == 0 else edges[at + 1] - 8, y + 17), cell, font=body, fill=INK, anchor="lm" if at == 0 else "rm")
        y += 34
        pen.line((60, y, 840, y), fill=(205, 205, 208))
    tax = total * pick(rng, (0.07, 0.19, 0.2, 0.25))
    for at, (label, value) in enumerate(((terms[4], total), (pick(rng, ("VAT", "Tax")), tax), (pick(rng, ("Total", "To pay", "Amount due")), total + tax))):
        pen.text((840 - 8, y + 30 + 32 * at), f"{label}   EUR {value:,.2f}", font=bold if at == 2 else body, fill=INK, anchor="rm")
    pen.text((60, y + 140), " ".join(words("en").draw(rng, 11)).capitalize() + ".", font=small, fill=INK)
    pen.line((60, 1165, 840, 1165), fill=house["colours"][0], width=2)
    pen.text((450, 1188), house["bank"], font=small, fill=INK, anchor="mm")
    return np.asarray(image)


def one_letterhead(env):
    """Five firms' invoices, thirty or so of each: the letterhead is the mark."""
    houses = [firm(generator(env.seed, "letterhead", at)) for at in range(FIRMS)]
    programs = [program(generator(env.seed, "letterhead", at, "program"), at) for at in range(FIRMS)]
    return lambda rng, group: invoice(rng, houses[group % FIRMS], *programs[group % FIRMS])


def program(rng, at):
    """The terms and the columns' widths."""
    ways = list(itertools.product(*TERMS))
    order = generator("terms").permutation(len(ways))
    rest = rng.dirichlet([8, 8, 8]) * 0.5
    return ways[order[at % len(ways)]], 780 * np.concatenate([[0.5], rest])


def many_letterheads(env):
    """Each group is a firm of its own; all use one make of invoice program."""
    return lambda rng, group: invoice(rng, firm(rng), *program(rng, group))


def tables(env):
    """Sheets of one spreadsheet program, without its window: numbers, words and dates in columns."""
    face, bold = fonts.font(17, "open-sans"), fonts.font(17, "open-sans", 700)
    source = words("en", 4)

    def subject(rng, group):
        image = Image.new("RGB", (1200, 860), (255, 255, 255))
        pen = ImageDraw.Draw(image)
        makes = {"word": lambda: (source.any(rng), "lm"), "code": lambda: (f"{source.any(rng)[:2].upper()}-{number(rng, 5)}", "lm"),
                 "amount": lambda: (f"{amount(rng, 1, 90000):,.2f}", "rm"), "count": lambda: (str(int(rng.integers(0, 900))), "rm"),
                 "share": lambda: (f"{rng.uniform(-30, 100):.1f} %", "rm"), "date": lambda: (date(rng), "lm")}
        columns, x = [], 0
        while x < 1150:
            width = int(rng.integers(90, 190))
            columns.append((x, min(width, 1200 - x), pick(rng, list(makes))))
            x += width
        for row in range(33):
            y = row * 26
            if row == 0:
                pen.rectangle((0, 0, 1200, 26), fill=(221, 232, 245))
            for left, width, kind in columns:
                text, anchor = (phrase(rng, 1), "lm") if row == 0 else makes[kind]()
                if rng.random() < 0.04:
                    text = ""
                pen.text((left + 6 if anchor == "lm" else left + width - 6, y + 13), text[:18], font=bold if row == 0 else face, fill=INK, anchor=anchor)
                pen.line((left, 0, left, 860), fill=(205, 208, 212))
            pen.line((0, y + 26, 1200, y + 26), fill=(205, 208, 212))
        return np.asarray(image)
    return subject


CLASSES = {
    "invoices_letterhead": Maker(one_letterhead, marks=shared_by_turns(FIRMS)),
    "invoices_program": Maker(many_letterheads),
    "tables": Maker(tables, digital=True),
}
