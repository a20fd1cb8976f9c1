"""Product packages. A brand's packages share its logo and layout (the mark); name, colours and picture differ."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker, shared_by_turns
from classes.seeds import generator, pick
from classes.screens import hue, scene
from classes.words import number, phrase, words

SIZE = (800, 1100)
BRANDS = 5


def brand(seed, which):
    rng = generator(seed, "packages", "brand", which)
    return {"name": phrase(rng, 1, least_letters=5), "face": ("bangers", "playfair-display", "oswald", "merriweather", "roboto-slab")[which], "colour": hue(rng, 20, 200),
            "badge": which, "slogan": " ".join(words("en", 3).draw(rng, 4)).capitalize(), "small": pick(rng, ("roboto", "open-sans", "lora", "inter", "pt-serif")),
            "box": (int(rng.integers(40, 180)), int(rng.integers(20, 70)), int(rng.integers(620, 770)), int(rng.integers(190, 260))), "art": (int(rng.integers(0, 110)), int(rng.integers(400, 470)), int(rng.integers(690, 800)), int(rng.integers(830, 910))),
            "weight": (int(rng.integers(80, 720)), int(rng.integers(950, 1020)), int(rng.integers(45, 85))), "cut": rng.uniform(0.2, 0.36, 2), "gap": int(rng.integers(24, 34))}


def art(rng, image, box):
    """The product's picture: fruit, biscuits or a landscape."""
    kind = rng.integers(3)
    if kind == 0:
        scene(rng, image, box)
        return
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(5, 14))):
        x, y, r = rng.uniform(box[0] + 90, box[2] - 90), rng.uniform(box[1] + 90, box[3] - 90), rng.uniform(45, 100)
        fill = hue(rng, 60, 245)
        if kind == 1:
            pen.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=tuple(int(v * 0.6) for v in fill), width=5)
            pen.ellipse((x - r * 0.6, y - r * 0.65, x - r * 0.2, y - r * 0.3), fill=tuple(min(255, v + 60) for v in fill))
            pen.polygon([(x, y - r), (x + r * 0.6, y - r * 1.5), (x + r * 0.7, y - r * 1.1)], fill=(60, 130, 50))
            for _ in range(int(rng.integers(0, 14))):
                a, d = rng.uniform(0, 6.3), rng.uniform(0, 0.85) * r
                pen.ellipse((x + d * np.cos(a) - 4, y + d * np.sin(a) - 4, x + d * np.cos(a) + 4, y + d * np.sin(a) + 4), fill=tuple(int(v * 0.7) for v in fill))
        else:
            corners = int(rng.integers(3, 9))
            t = rng.uniform(0, 6.3) + np.arange(corners) * 2 * np.pi / corners
            brown = tuple(int(v) for v in np.float32((205, 150, 88)) * rng.uniform(0.7, 1.1))
            pen.polygon([(x + r * np.cos(a), y + r * np.sin(a)) for a in t], fill=brown, outline=(120, 80, 40), width=6)
            for _ in range(int(rng.integers(4, 18))):
                a, d, s = rng.uniform(0, 6.3), rng.uniform(0, 0.7) * r, rng.uniform(4, 12)
                pen.ellipse((x + d * np.cos(a) - s, y + d * np.sin(a) - s, x + d * np.cos(a) + s, y + d * np.sin(a) + s), fill=(70, 42, 26))


def badge(pen, house):
    """The logo's ground, one shape a brand; returns its middle."""
    left, top, right, bottom = box = house["box"]
    x, y = (left + right) / 2, (top + bottom) / 2
    look = {"fill": house["colour"], "outline": (255, 255, 255), "width": 9}
    if house["badge"] == 0:
        pen.ellipse(box, **look)
    elif house["badge"] == 1:
        pen.rounded_rectangle(box, 60, **look)
    elif house["badge"] == 2:
        pen.polygon([(left, top + 20), (right, top), (right - 50, bottom - 10), (left + 40, bottom)], **look)
    elif house["badge"] == 3:
        pen.polygon([(left, y), (left + 70, top), (right - 70, top), (right, y), (right - 70, bottom), (left + 70, bottom)], **look)
    else:
        pen.rectangle((0, top, SIZE[0], bottom), fill=house["colour"])
        pen.line((0, top, SIZE[0], top), fill=(255, 255, 255), width=6)
    return x, y


def package(rng, house):
    ground = hue(rng, 70, 245)
    image = Image.new("RGB", SIZE, ground)
    pen = ImageDraw.Draw(image)
    lower = tuple(int(v * 0.6) for v in ground)
    pen.polygon([(0, SIZE[1] * house["cut"][0]), (SIZE[0], SIZE[1] * house["cut"][1]), (SIZE[0], SIZE[1]), (0, SIZE[1])], fill=lower)
    art(rng, image, house["art"])
    pen = ImageDraw.Draw(image)
    middle = badge(pen, house)
    face = fonts.font(100 if len(house["name"]) < 8 else 70, house["face"])
    pen.text((middle[0], middle[1] - 12), house["name"], font=face, fill=(255, 255, 255), anchor="mm")
    small = lambda size: fonts.font(size, house["small"])
    pen.text((middle[0], house["box"][3] - 26), house["slogan"], font=small(20), fill=(255, 235, 190), anchor="mm")
    ink = (255, 255, 255) if sum(ground) < 420 else (30, 30, 34)
    pen.text((400, 300), phrase(rng, 2), font=fonts.font(58, house["face"]), fill=ink, anchor="mm")
    pen.text((400, 362), " ".join(words("en", 3).draw(rng, 5)), font=small(28), fill=ink, anchor="mm")
    x, y, r = house["weight"]
    pen.ellipse((x - r, y - r, x + r, y + r), fill=hue(rng, 120, 255), outline=(255, 255, 255), width=5)
    pen.text((x, y), f"{rng.integers(5, 100) * 10} g", font=fonts.font(round(r * 0.52), house["face"]), fill=(30, 30, 34), anchor="mm")
    for at in range(4):
        text = " ".join(words("en", 3).draw(rng, 4))[:34] + f" {number(rng, 2)} %"
        pen.text((240 if x > 400 else 560, 930 + house["gap"] * at), text, font=small(20), fill=(255, 255, 255), anchor="mm")
    # A carton: shading toward the edges and at the fold.
    across = np.linspace(-1, 1, SIZE[0], dtype=np.float32)
    shade = (1 - 0.13 * across**4) * (0.96 + 0.04 * np.tanh((across + 0.92) * 30))
    return np.rint(np.clip(cv2.GaussianBlur(np.asarray(image), (0, 0), 0.5) * shade[None, :, None], 0, 255)).astype(np.uint8)


def packages(env):
    houses = [brand(env.seed, which) for which in range(BRANDS)]
    return lambda rng, group: package(rng, houses[group % BRANDS])


CLASSES = {"packages": Maker(packages, marks=shared_by_turns(BRANDS))}
