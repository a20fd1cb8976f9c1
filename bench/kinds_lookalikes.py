"""Pictures that look like copies and are none, for kinds.py: each function makes one series.

A series is a list of (name, bytes): no pair of one is identical, re-encoded or cropped.
"""

import io

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from kinds_pictures import EDITED, SAME_SCENE, colour, curve, font, jpeg, noisy, place, saved, some_text, visible

# Kinds that a pair of a series may have.
ALLOWED = {
    "burst": {EDITED, SAME_SCENE},
    "camera": {EDITED, SAME_SCENE},
    "clock": {EDITED, SAME_SCENE},
    "form": {EDITED, SAME_SCENE},
    "invoice": {EDITED, SAME_SCENE},
    "screenshot": {SAME_SCENE},
    "video": {EDITED, SAME_SCENE},
    "product": {EDITED, SAME_SCENE},
    "view": {SAME_SCENE},
}


def scene(rng, photos, width=800, height=600):
    """A picture larger than a frame: photographs side by side under soft light."""
    whole = Image.new("RGB", (width, height))
    half = width // 2
    for left, index in ((0, rng.integers(len(photos))), (half, rng.integers(len(photos)))):
        whole.paste(photos[index].resize((width - half, height), Image.Resampling.BICUBIC), (left, 0))
    # Hide the seam.
    seam = whole.crop([half - 12, 0, half + 12, height]).filter(ImageFilter.GaussianBlur(6))
    whole.paste(seam, (half - 12, 0))
    return whole


def cut_out(photo, side):
    """A part of a photograph with an elliptic mask."""
    part = photo.resize((side * 2, side * 2)).crop([side // 2, side // 2, side // 2 + side, side // 2 + side])
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse([2, 2, side - 2, side - 2], fill=255)
    return part, mask.filter(ImageFilter.GaussianBlur(1.2))


def apart(rng, frames, make):
    """`frames` pictures from `make`, each visibly different from those before it."""
    made = []
    for _ in range(6 * frames):
        frame = make(len(made))
        if all(frame.size != other.size or visible(frame, other, 18) for other in made):
            made.append(frame)
        if len(made) == frames:
            break
    return made


def as_files(rng, kind, pictures, least=60):
    return [(f"{kind}{i}", jpeg(picture, int(rng.integers(least, 96)))) for i, picture in enumerate(pictures)]


def burst(rng, photos):
    """A hand that shakes, something that moves, and the sensor's noise."""
    whole = scene(rng, photos)
    side = int(rng.integers(40, 120))
    part, mask = cut_out(photos[rng.integers(len(photos))], side)
    start = place(rng, whole, 300, 200)

    def frame(i):
        moving = whole.copy()
        moving.paste(part, (start[0] + i * int(rng.integers(12, 50)), start[1] + int(rng.integers(-20, 20))), mask)
        x, y = rng.integers(0, 12, 2)
        return noisy(rng, moving.crop([80 + x, 60 + y, 720 + x, 540 + y]), rng.uniform(1, 4))

    return as_files(rng, "burst", apart(rng, 4, frame), 75)


def camera(rng, photos):
    """A fixed camera: something stands in the picture, or stands elsewhere."""
    background = scene(rng, photos, 640, 480)
    if rng.integers(3) == 0:
        background = background.filter(ImageFilter.GaussianBlur(2))

    def frame(i):
        picture = background.copy()
        if i:
            side = int(rng.integers(20, 90))
            x, y = place(rng, picture, side, side)
            if rng.integers(2):
                ImageDraw.Draw(picture).rectangle([x, y, x + side * 2 // 3, y + side], fill=colour(rng))
            else:
                picture.paste(*[(part, (x, y), mask) for part, mask in [cut_out(photos[rng.integers(len(photos))], side)]][0])
        return noisy(rng, picture, rng.uniform(0, 3))

    return as_files(rng, "camera", apart(rng, 4, frame))


def clock(rng, photos):
    """A fixed camera whose time stamp is all that changes."""
    background = scene(rng, photos, 640, 480)
    size = int(rng.integers(12, 24))

    def frame(i):
        picture = background.copy()
        draw = ImageDraw.Draw(picture)
        text = f"2026-11-{rng.integers(10, 30)} {rng.integers(10, 24)}:{rng.integers(10, 60)}:{rng.integers(10, 60)}"
        draw.rectangle([4, 4, 14 + size * 11, 10 + size * 1.3], fill=(0, 0, 0))
        draw.text((8, 5), text, fill=(255, 255, 255), font=font(size))
        return picture

    return as_files(rng, "clock", apart(rng, 4, frame))


def invoice(rng, photos):
    """One letterhead and one text; other figures. Of the last two one digit differs."""
    w, h = 620, 876
    name, terms = some_text(rng, 2).title(), some_text(rng, 60)
    ink = tuple(int(c) for c in rng.integers(0, 70, 3))

    def lines(draw, text, x, y, size, width):
        line = ""
        for word in text.split() + [None]:
            if word is None or draw.textlength(f"{line} {word}", font(size)) > width:
                draw.text((x, y), line, fill=(20, 20, 20), font=font(size))
                y, line = y + size * 1.5, ""
            line = f"{line} {word}".strip()
        return y

    figures = []

    def frame(i):
        picture = Image.new("RGB", (w, h), (252, 252, 252))
        draw = ImageDraw.Draw(picture)
        draw.rectangle([36, 36, 92, 92], fill=ink)
        draw.text((110, 48), name, fill=ink, font=font(26))
        number, total = int(rng.integers(100000, 999999)), int(rng.integers(10000, 99999))
        if i == 3:
            number, total = figures[-1][0], figures[-1][1] // 10 * 10 + (figures[-1][1] + int(rng.integers(1, 10))) % 10
        figures.append((number, total))
        draw.text((36, 130), f"Invoice no. {number}", fill=(20, 20, 20), font=font(15))
        if i != 3:
            who.append(some_text(rng, 2).title())
        draw.text((36, 156), f"Customer: {who[-1]}", fill=(20, 20, 20), font=font(15))
        y = lines(draw, terms, 36, 200, 15, 540)
        draw.line([36, y + 8, w - 36, y + 8], fill=(60, 60, 60), width=2)
        draw.text((36, y + 20), "Total", fill=(0, 0, 0), font=font(24))
        draw.text((420, y + 20), f"{total / 100:.2f} EUR", fill=(0, 0, 0), font=font(24))
        lines(draw, terms[::-1], 36, y + 80, 14, 540)
        return picture

    who = []
    pictures = [frame(i) for i in range(4)]
    if rng.integers(2):
        return [(f"invoice{i}", saved(picture, "PNG")) for i, picture in enumerate(pictures)]
    return as_files(rng, "invoice", pictures, 40)


def form(rng, photos):
    """A form with boxes, filled in by different people."""
    w, h = 640, 860
    blank = Image.new("RGB", (w, h), (255, 255, 255))
    draw = ImageDraw.Draw(blank)
    draw.text((30, 20), some_text(rng, 3).title(), fill=(0, 0, 90), font=font(28))
    rows = []
    y = 90
    while y < h - 60:
        draw.text((30, y + 8), some_text(rng, 2), fill=(0, 0, 0), font=font(14))
        draw.rectangle([200, y, w - 30, y + 34], outline=(90, 90, 90))
        rows.append(y)
        y += int(rng.integers(46, 64))

    def frame(i):
        picture = blank.copy()
        pen = ImageDraw.Draw(picture)
        for y in rows:
            if rng.random() < 0.7:
                pen.text((208, y + 8), some_text(rng, int(rng.integers(1, 4))), fill=(10, 10, 160), font=font(16))
        return picture

    return as_files(rng, "form", apart(rng, 4, frame), 50)


def screenshot(rng, photos):
    """One app: the same bars and buttons around other content."""
    w, h = 900, 640
    dark = rng.integers(2)
    paper, ink = ((32, 34, 38), (220, 220, 220)) if dark else ((250, 250, 250), (30, 30, 30))
    chrome = Image.new("RGB", (w, h), paper)
    draw = ImageDraw.Draw(chrome)
    bar = colour(rng)
    side = int(rng.integers(110, 240))
    top = int(rng.integers(36, 60))
    draw.rectangle([0, 0, w, top], fill=bar)
    draw.text((12, top / 4), some_text(rng, 2).title(), fill=(255, 255, 255), font=font(18))
    for i in range(6):
        x = w - 40 - i * 44
        draw.rounded_rectangle([x, 8, x + 28, top - 8], 6, fill=colour(rng))
    draw.rectangle([0, top, side, h], fill=tuple(int(0.9 * c) for c in paper))
    for i in range(int(rng.integers(8, 16))):
        y = top + 14 + i * 34
        draw.ellipse([12, y, 32, y + 20], fill=colour(rng))
        draw.text((42, y + 2), some_text(rng, 2), fill=ink, font=font(14))

    def frame(i):
        picture = chrome.copy()
        pen = ImageDraw.Draw(picture)
        y = top + 16
        while y < h - 20:
            if rng.random() < 0.3:
                photo = photos[rng.integers(len(photos))].copy()
                photo.thumbnail((w - side - 60, 220))
                picture.paste(photo, (side + 30, int(y)))
                y += photo.height + 14
            else:
                pen.text((side + 30, y), some_text(rng, int(rng.integers(5, 12))), fill=ink, font=font(15))
                y += 26
        pen.rectangle([side, h - 14, w, h], fill=paper)
        return picture

    pictures = apart(rng, 4, frame)
    return [(f"screenshot{i}", saved(picture, "PNG")) for i, picture in enumerate(pictures)]


def video(rng, photos):
    """A camera that pans a little while something crosses the picture."""
    whole = scene(rng, photos, 900, 520)
    part, mask = cut_out(photos[rng.integers(len(photos))], int(rng.integers(60, 140)))
    start, step, pan = place(rng, whole, 500, 200), int(rng.integers(20, 60)), int(rng.integers(0, 30))

    def frame(i):
        moving = whole.copy()
        moving.paste(part, (start[0] + i * step, start[1] + i * int(rng.integers(-6, 7))), mask)
        x = i * pan
        picture = moving.crop([100 + x, 20, 740 + x, 500])
        return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 0.8))))

    return as_files(rng, "video", apart(rng, 4, frame), 40)


def product(rng, photos):
    """One package: the same layout and maker, another sort and colour."""
    w, h = 420, 600
    name, small = some_text(rng, 1).title(), some_text(rng, 24)
    emblem = photos[rng.integers(len(photos))].resize((120, 90))
    facts = [some_text(rng, 2) for _ in range(6)]

    def frame(i):
        picture = Image.new("RGB", (w, h), (245, 245, 245))
        draw = ImageDraw.Draw(picture)
        shade = colour(rng)
        draw.rounded_rectangle([30, 20, w - 30, h - 20], 20, fill=shade)
        draw.rectangle([50, 40, w - 50, 130], fill=(255, 255, 255))
        draw.text((70, 55), name, fill=(180, 20, 20), font=font(44))
        picture.paste(emblem, (60, 150))
        draw.text((200, 170), some_text(rng, 1).title(), fill=(255, 255, 255), font=font(30))
        photo = photos[rng.integers(len(photos))].resize((w - 140, 160))
        picture.paste(photo, (70, 260))
        for k, fact in enumerate(facts):
            draw.text((70, 440 + 20 * k), fact, fill=(255, 255, 255), font=font(14))
        draw.text((60, h - 40), small[:50], fill=(20, 20, 20), font=font(12))
        return picture

    return as_files(rng, "product", apart(rng, 4, frame), 60)


def view(rng, photos):
    """Another photograph of a wall: other light from the side, other shadows, another lens, a little depth."""
    wall = scene(rng, photos, 760, 560)
    shape = np.float32(cv2.resize(rng.normal(0, 1, (7, 9)).astype(np.float32), wall.size, interpolation=cv2.INTER_CUBIC))

    def frame(i):
        gy, gx = np.mgrid[0 : wall.height, 0 : wall.width].astype(np.float32)
        angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(3, 8) * (1 if i else 0)
        mx, my = (np.float32(g + depth * f(angle) * shape) for g, f in ((gx, np.cos), (gy, np.sin)))
        moved = cv2.remap(np.asarray(wall), mx, my, cv2.INTER_LINEAR)
        light = cv2.resize(rng.normal(0, 1, (5, 6)).astype(np.float32), wall.size, interpolation=cv2.INTER_CUBIC)
        relief = cv2.Sobel(cv2.GaussianBlur(moved.astype(np.float32).mean(2), (0, 0), 1.5), cv2.CV_32F, *([1, 0], [0, 1])[i % 2])
        shaded = moved * np.exp(0.35 * light)[..., None] + 0.4 * rng.uniform(-1, 1) * relief[..., None]
        picture = Image.fromarray(np.uint8(np.clip(shaded, 0, 255)))
        w, h = picture.size
        corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
        to = corners + np.float32(rng.uniform(-0.05, 0.05, (4, 2)) * [w, h])
        matrix = cv2.getPerspectiveTransform(corners, np.float32(to))
        warped = Image.fromarray(cv2.warpPerspective(np.asarray(picture), matrix, (w, h)))
        return noisy(rng, warped.crop([40, 40, w - 40, h - 40]), 2)

    return as_files(rng, "view", [frame(i) for i in range(4)], 75)


SERIES = {
    "burst": burst, "camera": camera, "clock": clock, "form": form, "invoice": invoice,
    "screenshot": screenshot, "video": video, "product": product, "view": view,
}  # fmt: skip
