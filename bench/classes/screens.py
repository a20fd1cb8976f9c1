"""Screenshots of three apps, and sheets of icons. A screen's chrome (bars, buttons, tabs) is the app's mark."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker, shared_by_turns
from classes.seeds import generator, pick
from classes.words import date, number, phrase, words

BLUE, GRAY, DARK = (38, 110, 220), (130, 134, 140), (30, 32, 36)
ICONS_A_SHEET = 9


def hue(rng, low=60, high=220):
    return tuple(int(v) for v in rng.integers(low, high, 3))


def said(rng, low, high):
    """A sentence of everyday words."""
    text = " ".join(words("en").draw(rng, int(rng.integers(low, high))))
    return text[:1].upper() + text[1:] + pick(rng, (".", ".", "!", "?", ""))


def glyph(pen, place, sign, size, colour):
    pen.text(place, sign, font=fonts.font(size, "noto-emoji"), fill=colour, anchor="mm")


def chat(rng):
    """A phone's messenger."""
    image = Image.new("RGB", (620, 1240), (236, 229, 221))
    pen = ImageDraw.Draw(image)
    name, body, tiny = fonts.font(25, "roboto", 700), fonts.font(23, "roboto"), fonts.font(15, "roboto")
    y = 1130
    while y > 140:
        mine = rng.random() < 0.5
        rows = fonts.lines(pen, said(rng, 2, 26), body, 380)
        wide = max(pen.textlength(row, font=body) for row in rows) + 92
        high = 30 * len(rows) + 26
        x = 604 - wide if mine else 16
        pen.rounded_rectangle((x, y - high, x + wide, y), 12, fill=(220, 248, 198) if mine else (255, 255, 255))
        for at, row in enumerate(rows):
            pen.text((x + 14, y - high + 10 + 30 * at), row, font=body, fill=DARK)
        pen.text((x + wide - 12, y - 10), f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}", font=tiny, fill=GRAY, anchor="rs")
        y -= high + int(pick(rng, (8, 8, 22)))
    pen.rectangle((0, 0, 620, 112), fill=(7, 94, 84))
    pen.text((20, 20), f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}", font=tiny, fill=(255, 255, 255))
    for at, sign in enumerate("📶🔋"):
        glyph(pen, (560 + 32 * at, 26), sign, 20, (255, 255, 255))
    pen.line([(38, 62), (22, 76), (38, 90)], fill=(255, 255, 255), width=4)
    pen.ellipse((60, 50, 112, 102), fill=hue(rng))
    pen.text((128, 76), phrase(rng, 2), font=name, fill=(255, 255, 255), anchor="lm")
    for at, sign in enumerate("📹📞"):
        glyph(pen, (490 + 64 * at, 76), sign, 30, (255, 255, 255))
    pen.rectangle((0, 1150, 620, 1240), fill=(240, 240, 240))
    pen.rounded_rectangle((14, 1164, 520, 1224), 30, fill=(255, 255, 255))
    glyph(pen, (48, 1194), "😀", 32, GRAY)
    pen.text((84, 1194), "Message", font=body, fill=GRAY, anchor="lm")
    glyph(pen, (480, 1194), "📎", 30, GRAY)
    pen.ellipse((538, 1162, 602, 1226), fill=(7, 94, 84))
    glyph(pen, (570, 1194), "🎤", 32, (255, 255, 255))
    return image


def files(rng):
    """A desktop's file manager."""
    image = Image.new("RGB", (1280, 860), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    face, small, bold = fonts.font(18, "inter"), fonts.font(15, "inter"), fonts.font(17, "inter", 700)
    pen.rectangle((0, 0, 1280, 42), fill=(222, 224, 228))
    for at, colour in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
        pen.ellipse((16 + 26 * at, 14, 30 + 26 * at, 28), fill=colour)
    place = f"{phrase(rng, 1)} {number(rng, 2)}"
    pen.text((640, 21), place, font=bold, fill=DARK, anchor="mm")
    pen.rectangle((0, 42, 1280, 92), fill=(240, 241, 244))
    for at, sign in enumerate("◀▶🔼🔍📁✂📋🗑"):
        glyph(pen, (34 + 52 * at, 67), sign, 24, (80, 84, 92))
    pen.rounded_rectangle((470, 50, 1250, 84), 6, fill=(255, 255, 255), outline=(200, 203, 208))
    pen.text((484, 67), f"/home/{words('en', 4).any(rng)}/{words('en', 4).any(rng)}/{place}", font=small, fill=DARK, anchor="lm")
    pen.rectangle((0, 92, 220, 860), fill=(246, 247, 249))
    for at, (sign, label) in enumerate(zip("🏠🖥📄🎵🖼🎬📥🗑", ("Home", "Desktop", "Documents", "Music", "Pictures", "Videos", "Downloads", "Trash"))):
        glyph(pen, (30, 126 + 44 * at), sign, 24, BLUE)
        pen.text((56, 126 + 44 * at), label, font=face, fill=DARK, anchor="lm")
    for x, label in ((270, "Name"), (760, "Size"), (880, "Type"), (1060, "Modified")):
        pen.text((x, 114), label, font=bold, fill=GRAY, anchor="lm")
    pen.line((220, 132, 1280, 132), fill=(220, 222, 226))
    kinds = (("📄", "Text", "txt"), ("🖼", "Image", "png"), ("🎵", "Audio", "mp3"), ("🎬", "Video", "mp4"), ("📊", "Sheet", "xlsx"), ("📦", "Archive", "zip"))
    marked = int(rng.integers(0, 24))
    for at in range(int(rng.integers(11, 22))):
        y = 152 + 32 * at
        sign, kind, ending = pick(rng, kinds)
        if at == marked:
            pen.rectangle((222, y - 16, 1280, y + 16), fill=(208, 226, 252))
        name = pick(rng, ("_", "-", " ")).join(words("en", 3).any(rng) for _ in range(int(rng.integers(1, 4)))) + pick(rng, ("", "", number(rng, 3)))
        glyph(pen, (248, y), sign, 22, (90, 120, 170))
        for x, text in ((270, f"{name}.{ending}"), (760, f"{rng.integers(1, 999)} {pick(rng, ('kB', 'MB'))}"), (880, kind), (1060, f"{date(rng)} {rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}")):
            pen.text((x, y), text, font=face, fill=DARK, anchor="lm")
    pen.rectangle((220, 834, 1280, 860), fill=(246, 247, 249))
    return image


def site(rng):
    """A news site in a browser: the browser's and the site's bars are the chrome."""
    image = Image.new("RGB", (1200, 900), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    face, small, head, brand = fonts.font(17, "open-sans"), fonts.font(14, "open-sans"), fonts.font(34, "merriweather", 700), fonts.font(30, "playfair-display", 700)
    pen.rectangle((0, 0, 1200, 78), fill=(222, 225, 230))
    pen.rounded_rectangle((12, 8, 280, 46), 8, fill=(255, 255, 255))
    pen.text((28, 24), "The Evening Record", font=small, fill=DARK, anchor="lm")
    pen.rectangle((0, 38, 1200, 80), fill=(255, 255, 255))
    for at, sign in enumerate("◀▶🔄🏠"):
        glyph(pen, (26 + 36 * at, 59), sign, 20, GRAY)
    pen.rounded_rectangle((170, 44, 1080, 74), 15, fill=(238, 240, 243))
    pen.text((190, 59), f"eveningrecord.example/{words('en', 4).any(rng)}/{number(rng, 7)}", font=small, fill=DARK, anchor="lm")
    pen.rectangle((0, 82, 1200, 140), fill=(140, 20, 32))
    pen.text((40, 111), "The Evening Record", font=brand, fill=(255, 255, 255), anchor="lm")
    for at, label in enumerate(("World", "Business", "Science", "Sport", "Culture", "Opinion")):
        pen.text((470 + 100 * at, 111), label, font=face, fill=(255, 255, 255), anchor="lm")
    pen.rounded_rectangle((1080, 94, 1170, 128), 5, fill=(255, 255, 255))
    pen.text((1125, 111), "Sign in", font=small, fill=(140, 20, 32), anchor="mm")
    y = 165
    for row in fonts.lines(pen, said(rng, 7, 14), head, 760):
        pen.text((40, y), row, font=head, fill=DARK)
        y += 44
    pen.text((40, y + 6), f"By {phrase(rng, 2)}, {date(rng)}", font=small, fill=GRAY)
    scene(rng, image, (40, y + 36, 800, y + 36 + 270))
    y += 326
    while y < 880:
        for row in fonts.lines(pen, said(rng, 24, 70), face, 760):
            pen.text((40, y), row, font=face, fill=DARK)
            y += 26
        y += 14
    for at in range(5):
        top = 165 + at * 145
        scene(rng, image, (850, top, 960, top + 90))
        for row_at, row in enumerate(fonts.lines(pen, said(rng, 4, 10), face, 195)[:4]):
            pen.text((972, top + 24 * row_at), row, font=face, fill=DARK)
    return image


def scene(rng, image, box):
    """A small picture: sky, hills, a sun and houses in colours of its own."""
    width, height = round(box[2] - box[0]), round(box[3] - box[1])
    small = Image.new("RGB", (width, height), hue(rng, 120, 250))
    pen = ImageDraw.Draw(small)
    sun = rng.uniform(0, width), rng.uniform(0, height * 0.5), rng.uniform(0.05, 0.15) * width
    pen.ellipse((sun[0] - sun[2], sun[1] - sun[2], sun[0] + sun[2], sun[1] + sun[2]), fill=hue(rng, 180, 256))
    for layer in range(3):
        x = np.linspace(0, width, 40)
        ridge = height * (0.4 + 0.18 * layer) + sum(rng.normal(0, height * 0.09 / k) * np.sin(x / width * 6.28 * k * rng.uniform(0.6, 1.6) + rng.uniform(0, 6)) for k in (1, 2, 4, 7))
        pen.polygon([(0, height), *zip(x, ridge), (width, height)], fill=hue(rng, 30, 190))
    for _ in range(int(rng.integers(2, 9))):
        x, w, h = rng.uniform(0, width), rng.uniform(0.04, 0.14) * width, rng.uniform(0.1, 0.45) * height
        pen.rectangle((x, height - h, x + w, height), fill=hue(rng, 40, 230))
        pen.polygon([(x - 2, height - h), (x + w / 2, height - h * 1.3), (x + w + 2, height - h)], fill=hue(rng, 40, 200))
        for wx in range(int(rng.integers(1, 4))):
            pen.rectangle((x + w * (0.15 + 0.28 * wx), height - h * 0.8, x + w * (0.3 + 0.28 * wx), height - h * 0.6), fill=hue(rng, 20, 255))
    image.paste(small, (round(box[0]), round(box[1])))


def screenshots(env):
    fonts.path("noto-emoji")
    return lambda rng, group: np.asarray((chat, files, site)[group % 3](rng))


def icons(env):
    """Sheets of nine icons; every sheet has icons of its own, until the typeface's are used up."""
    order, sheets = sheet_order(env.seed)

    def subject(rng, group):
        image = Image.new("RGB", (1000, 1000), (245, 246, 248))
        pen = ImageDraw.Draw(image)
        for at in range(ICONS_A_SHEET):
            x, y = 60 + 300 * (at % 3), 60 + 300 * (at // 3)
            fill = hue(rng, 40, 240)
            pen.rounded_rectangle((x, y, x + 260, y + 260), 56, fill=fill)
            ink = (255, 255, 255) if sum(fill) < 480 else (35, 35, 40)
            glyph(pen, (x + 130, y + 130), order[(group % sheets) * ICONS_A_SHEET + at], 170, ink)
        return np.asarray(image)
    return subject


def sheet_order(seed):
    """Pictographs in a random order, and how many sheets they make. Flags, skin tones and letters are left out."""
    drawn = [chr(c) for c in fonts.characters("noto-emoji") if 0x1F300 <= c <= 0x1FAFF and not 0x1F3FB <= c <= 0x1F3FF and not 0x1F550 <= c <= 0x1F567]
    order = generator(seed, "icons", "order").permutation(len(drawn))
    return [drawn[i] for i in order], len(drawn) // ICONS_A_SHEET


def repeated_sheets(groups):
    """Groups beyond the last sheet start again with the first."""
    sheets = sheet_order(1)[1]
    lists = [list(range(first, groups, sheets)) for first in range(min(sheets, groups))]
    return [one for one in lists if len(one) > 1]


CLASSES = {
    "screenshots": Maker(screenshots, marks=shared_by_turns(3), digital=True),
    "icons": Maker(icons, marks=repeated_sheets, digital=True),
}
