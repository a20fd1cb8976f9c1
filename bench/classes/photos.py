"""Photographs as they are, under one agency's watermark, engraved, and in halftone."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker, Missing, shared_by_turns
from classes.seeds import generator

SOURCES = ("imagenet", "bsds")
AGENCIES = ("Lumora", "PIXHAVEN", "stockwell", "Fotolane", "IRIS IMAGES")


def chosen(env, name):
    """One photograph a group, drawn for the class; all of different things."""
    if not env.photos.is_dir():
        raise Missing(f"no photographs in {env.photos}")
    paths = [p for p in sorted(env.photos.glob("*.jpg")) if p.name.startswith(SOURCES)] or sorted(env.photos.glob("*.jpg"))
    if len(paths) < env.groups:
        raise Missing(f"{len(paths)} photographs in {env.photos}, {env.groups} needed")
    order = generator(env.seed, name, "photographs").permutation(len(paths))[:env.groups]
    return [paths[i] for i in order]


def load(path, side):
    picture = cv2.imread(str(path))
    if picture is None:
        raise Missing(f"{path} is no picture")
    scale = side / max(picture.shape[:2])
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def photographs(env):
    paths = chosen(env, "photographs")
    return lambda rng, group: load(paths[group], 900)


def watermarked(env):
    """An agency's name across the picture and its logo in a corner, at one place in each picture of the agency."""
    paths = chosen(env, "watermarked")

    def subject(rng, group):
        picture = Image.fromarray(load(paths[group], 1000)).convert("RGBA")
        name = AGENCIES[group % len(AGENCIES)]
        layer = Image.new("RGBA", picture.size, (255, 255, 255, 0))
        pen = ImageDraw.Draw(layer)
        large = fonts.font(92, ("oswald", "roboto", "lora", "bangers", "playfair-display")[group % 5])
        middle = picture.width / 2, picture.height / 2
        pen.text(middle, name, font=large, fill=(255, 255, 255, 120), anchor="mm", stroke_width=2, stroke_fill=(40, 40, 40, 90))
        small = fonts.font(26, "roboto")
        x, y = picture.width - 190, picture.height - 60
        pen.rounded_rectangle((x, y, x + 175, y + 46), 8, fill=(20, 20, 20, 150))
        pen.ellipse((x + 8, y + 8, x + 38, y + 38), outline=(255, 255, 255, 230), width=4)
        pen.text((x + 48, y + 23), name, font=small, fill=(255, 255, 255, 230), anchor="lm")
        return np.asarray(Image.alpha_composite(picture, layer).convert("RGB"))
    return subject


def engraved(env):
    """Lines whose width follows the tone, bent by it, with a second direction in the shadows: a steel engraving."""
    paths = chosen(env, "engravings")

    def subject(rng, group):
        gray = cv2.cvtColor(load(paths[group], 1200), cv2.COLOR_RGB2GRAY)
        tone = cv2.createCLAHE(2.0, (8, 8)).apply(gray).astype(np.float32) / 255
        bent = cv2.GaussianBlur(tone, (0, 0), 8)
        y, x = np.mgrid[0:tone.shape[0], 0:tone.shape[1]].astype(np.float32)
        ink = np.zeros_like(tone)
        for angle, below in ((rng.uniform(-0.3, 0.3), 1.0), (rng.uniform(0.9, 1.3), 0.5), (rng.uniform(-1.2, -0.8), 0.25)):
            phase = (y * np.cos(angle) + x * np.sin(angle)) / 5.0 + bent * 3
            wave = np.abs(phase - np.floor(phase) - 0.5) * 2
            dark = np.clip((below - tone) / below, 0, 1)
            ink = np.maximum(ink, np.clip((dark * 1.1 - wave) * 4 + 0.5, 0, 1) * (dark > 0.03))
        edges = cv2.Canny(cv2.GaussianBlur(gray, (0, 0), 1.5), 60, 140).astype(np.float32) / 255
        ink = np.maximum(ink, cv2.GaussianBlur(edges, (0, 0), 0.7) * 1.3).clip(0, 1)[..., None]
        return np.rint(np.float32([243, 236, 217]) * (1 - ink) + np.float32([35, 28, 24]) * ink).astype(np.uint8)
    return subject


def halftone(env):
    """Print dots in four inks at the usual angles, or black alone."""
    paths = chosen(env, "halftones")

    def subject(rng, group):
        picture = load(paths[group], 1200).astype(np.float32) / 255
        y, x = np.mgrid[0:picture.shape[0], 0:picture.shape[1]].astype(np.float32)
        key = 1 - picture.max(2)
        if rng.random() < 0.5:
            plates = [(1 - cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 45, (30, 30, 30))]
        else:
            plates = [(np.clip(1 - picture[..., c] - key * 0.6, 0, 1), angle, ink)
                      for c, angle, ink in ((0, 15, (0, 160, 220)), (1, 75, (220, 0, 130)), (2, 0, (250, 225, 0)))] + [(key * 0.8, 45, (25, 25, 25))]
        drawn = np.full(picture.shape, 250, np.float32)
        period = rng.uniform(5.5, 8)
        for tone, angle, ink in plates:
            a = np.radians(angle)
            u, v = (x * np.cos(a) + y * np.sin(a)) * np.pi / period, (y * np.cos(a) - x * np.sin(a)) * np.pi / period
            screen = (np.cos(2 * u) + np.cos(2 * v)) / 4 + 0.5
            dot = np.clip((tone - (1 - screen)) * 5 + 0.5, 0, 1)[..., None] * (tone > 0.02)[..., None]
            drawn *= 1 - dot * (1 - np.float32(ink) / 255)
        return np.rint(drawn).astype(np.uint8)
    return subject


CLASSES = {
    "photographs": Maker(photographs, fills=True),
    "watermarked": Maker(watermarked, marks=shared_by_turns(len(AGENCIES)), digital=True),
    "engravings": Maker(engraved),
    "halftones": Maker(halftone),
}
