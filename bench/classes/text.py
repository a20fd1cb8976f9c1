"""Pages of running text. All pages of a class have one typeface, one size and one layout, except `text_mixed`."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import number, sentences, words

PAGE = (900, 1240)
INK = (28, 26, 24)


def page(rng, face, draw_words, size, leading, margin=(95, 100), paper=(252, 251, 247), ink=INK, rtl=False, space=None, top=0):
    """A page of justified paragraphs and a page number.

    The last line of a paragraph fills more than half of the width: no two pages share a whole line.
    """
    image = Image.new("RGB", PAGE, paper)
    pen = ImageDraw.Draw(image)
    options = {"direction": "rtl", "language": "ar"} if rtl else {}
    gap = pen.textlength(" ", font=face) if space is None else space
    left, right = margin[0], PAGE[0] - margin[0]
    y = margin[1] + top
    stream = draw_words(rng)
    pending = None
    while y + leading < PAGE[1] - margin[1]:
        # A paragraph.
        lines = int(rng.integers(4, 11))
        for at in range(lines):
            if y + leading >= PAGE[1] - margin[1]:
                break
            indent = size * 1.5 if at == 0 else 0
            room = right - left - indent
            last = at == lines - 1
            wanted = room * rng.uniform(0.55, 0.95) if last else room
            row, used = [], 0.0
            while True:
                word = pending or next(stream)
                length = pen.textlength(word, font=face, **options)
                pending = word
                if row and used + gap + length > wanted:
                    break
                used += length + (gap if row else 0)
                row.append((word, length))
                pending = None
            spread = gap if last or len(row) < 2 else gap + (room - used) / (len(row) - 1)
            x = left + indent
            for word, length in row:
                at_x = PAGE[0] - x - length if rtl else x
                pen.text((at_x, y), word, font=face, fill=ink, **options)
                x += length + spread
            y += leading
        y += leading * 0.35
    pen.text((PAGE[0] / 2, PAGE[1] - margin[1] * 0.6), str(int(rng.integers(1, 600))), font=face, fill=ink, anchor="mm")
    return np.asarray(image)


def prose(name, language, size, leading, stop=".", comma=",", rtl=False, shaped=False, ink=INK, paper=(252, 251, 247)):
    """A class of pages in one typeface."""
    def prepare(env):
        if shaped:
            fonts.need_shaping()
        face = fonts.font(size, name)
        source = words(language)
        return lambda rng, group: page(rng, face, lambda r: sentences(r, source, stop, comma), size, leading, rtl=rtl, ink=ink, paper=paper)
    return Maker(prepare)


def chinese(env):
    face = fonts.font(26, "noto-sans-sc")
    known = set(fonts.characters("noto-sans-sc"))
    source = words("zh")

    def signs(rng):
        for word in sentences(rng, source, "。", "，"):
            for sign in word:
                if ord(sign) in known:
                    yield sign
    return lambda rng, group: page(rng, face, signs, 26, 42, space=0)


def code(env):
    """Source text: every line has names of its own."""
    face = fonts.font(19, "jetbrains-mono")
    source = words("en", 3)
    forms = ("{a}_{b} = {c}({d}, {n})", "def {a}_{b}({c}, {d}={n}):", "for {a} in {b}.{c}_{d}:", "if {a} != {b}[{n}] and {c}.{d}:",
             "return {a}.{b}({c} + {n}, \"{d}\")", "# {a} {b} of the {c} {d}", "{a}.{b}[{c}_{d}] += {n}", "with {a}.{b}({c}) as {d}:",
             "raise {A}Error(f\"{b} {c} {{{d}}}\")", "assert {a}_{b} <= {c}.{d}, {n}")

    def subject(rng, group):
        image = Image.new("RGB", PAGE, (253, 253, 253))
        pen = ImageDraw.Draw(image)
        depth = 0
        for y in range(50, PAGE[1] - 60, 27):
            if rng.random() < 0.1:
                depth = 0
                continue
            form = pick(rng, forms)
            names = dict(zip("abcd", (source.any(rng) for _ in range(4))), n=int(rng.integers(0, 5000)))
            line = form.format(A=names["a"].capitalize(), **names)
            colour = (0, 110, 40) if line.startswith("#") else (30, 30, 120) if line.split()[0] in ("def", "for", "if", "with", "return", "raise", "assert") else (30, 30, 30)
            pen.text((40 + 46 * depth, y), line, font=face, fill=colour)
            depth = min(4, depth + 1) if line.endswith(":") else max(0, depth - int(rng.integers(0, 2)))
        return np.asarray(image)
    return subject


MIXED = (("source-serif-4", 400), ("roboto", 400), ("courier-prime", 400), ("merriweather", 400), ("playfair-display", 400), ("open-sans", 400),
         ("lora", 400), ("oswald", 400), ("eb-garamond", 400), ("caveat", 400), ("ibm-plex-sans", 700), ("roboto-slab", 400))


def mixed(env):
    """Pages in twelve typefaces and several sizes and layouts, some with a heading."""
    for name, weight in MIXED:
        fonts.path(name, weight)
    source = words("en")

    def subject(rng, group):
        name, weight = pick(rng, MIXED)
        size = int(rng.integers(17, 34))
        face = fonts.font(size, name, weight)
        margin = int(rng.integers(50, 170)), int(rng.integers(60, 200))
        paper = tuple(int(v) for v in rng.integers(232, 256, 3))
        top = 110 if rng.random() < 0.5 else 0
        drawn = page(rng, face, lambda r: sentences(r, source), size, round(size * rng.uniform(1.25, 1.9)), margin, paper, top=top)
        if top:
            image = Image.fromarray(drawn)
            head = fonts.font(int(rng.integers(36, 60)), name, weight)
            title = " ".join(source.draw(rng, 3)).title() + " " + number(rng, 2)
            ImageDraw.Draw(image).text((margin[0], margin[1]), title, font=head, fill=INK)
            drawn = np.asarray(image)
        return drawn
    return subject


CLASSES = {
    "text_serif": prose("source-serif-4", "en", 22, 31),
    "text_sans": prose("roboto", "en", 21, 30),
    "text_typewriter": prose("courier-prime", "en", 22, 30, ink=(45, 42, 48)),
    "text_code": Maker(code, digital=True),
    "text_cyrillic": prose("pt-serif", "ru", 22, 31),
    "text_greek": prose("noto-serif", "el", 22, 32),
    "text_chinese": Maker(chinese),
    "text_arabic": prose("noto-naskh-arabic", "ar", 26, 42, comma="،", rtl=True, shaped=True),
    "text_devanagari": prose("noto-sans-devanagari", "hi", 23, 36, stop="।", shaped=True),
    "text_hand": prose("caveat", "en", 33, 38, ink=(25, 35, 110), paper=(250, 249, 244)),
    "text_mixed": Maker(mixed),
}
