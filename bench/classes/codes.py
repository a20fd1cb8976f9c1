"""Codes: QR in several versions, colours and with or without a quiet zone, bar codes, data matrix."""

import barcode
import cv2
import numpy as np
import segno
from PIL import Image, ImageDraw
from ppf.datamatrix import DataMatrix

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import amount, number, phrase, words

SIDE = 1000


def content(rng):
    """What codes contain in the wild: addresses, networks, text. Two codes share at most the first twelve letters."""
    source = words("en", 4)
    a, b, c, d = (source.any(rng) for _ in range(4))
    kind = rng.integers(5)
    if kind < 2:
        host = pick(rng, ("www.", "", "shop.", "m.")) + a + b[:4] + pick(rng, (".com", ".org", ".de", ".co.uk", ".net"))
        return f"{pick(rng, ('http', 'https'))}://{host}/{c}/{d}?id={number(rng, int(rng.integers(3, 20)))}"
    if kind == 2:
        return f"mailto:{a}@{c}{d}.com?subject={b}%20{number(rng, 6)}&body={d}%20{a}"
    if kind == 3:
        return f"WIFI:S:{a}-{number(rng, 4)};T:WPA;P:{b}{number(rng, 6)};;"
    return " ".join(source.draw(rng, int(rng.integers(2, 30))))


def colours(rng):
    """Dark and light: black on white more often than not."""
    if rng.random() < 0.6:
        return (0, 0, 0), (255, 255, 255)
    hue = rng.uniform(0, 180)
    dark = cv2.cvtColor(np.uint8([[[hue, rng.integers(120, 255), rng.integers(40, 130)]]]), cv2.COLOR_HSV2RGB)[0, 0]
    light = cv2.cvtColor(np.uint8([[[rng.uniform(0, 180), rng.integers(0, 60), rng.integers(225, 256)]]]), cv2.COLOR_HSV2RGB)[0, 0]
    return tuple(int(v) for v in dark), tuple(int(v) for v in light)


def painted(rng, matrix, quiet):
    """A matrix of modules as a picture of about SIDE px."""
    dark, light = colours(rng)
    modules = np.pad(np.asarray(matrix, np.uint8), quiet)
    step = max(3, SIDE // max(modules.shape))
    mask = np.kron(modules, np.ones((step, step), np.uint8))[..., None]
    return (mask * np.uint8(dark) + (1 - mask) * np.uint8(light)).astype(np.uint8)


def qr(env):
    def subject(rng, group):
        code = segno.make(content(rng), error=pick(rng, "lmqh"), micro=False, boost_error=False)
        matrix = [[int(module & 1) for module in row] for row in code.matrix]
        return painted(rng, matrix, int(pick(rng, (0, 1, 4, 4, 6))))
    return subject


def qr_one_version(env):
    """Codes of one version, one size and one colour: a shop's labels."""
    def subject(rng, group):
        text = f"{number(rng, 8)}/{words('en', 4).any(rng)}-{words('en', 4).any(rng)}/{number(rng, 24)}"
        code = segno.make(text, version=5, error="m", micro=False, boost_error=False)
        return np.kron(np.pad([[255 * (1 - int(m & 1)) for m in row] for row in code.matrix], 4, constant_values=255), np.ones((22, 22)))[..., None].repeat(3, 2).astype(np.uint8)
    return subject


def data_matrix(env):
    def subject(rng, group):
        return painted(rng, DataMatrix(content(rng)[:60]).matrix, int(pick(rng, (1, 2, 4))))
    return subject


def bars(env):
    face, small = fonts.font(54, "roboto"), fonts.font(36, "roboto")

    def subject(rng, group):
        kind = pick(rng, ("ean13", "code128", "code39", "upca", "ean8", "itf"))
        text = {"ean13": number(rng, 12), "upca": number(rng, 11), "ean8": number(rng, 7), "itf": number(rng, 14)}.get(kind)
        if text is None:
            text = (phrase(rng, 1).replace("'", "")[:4] + number(rng, 7)).upper()
        options = {"add_checksum": False} if kind == "code39" else {}
        code = barcode.get_barcode_class(kind)(text, **options)
        line = np.array([c == "1" for c in code.build()[0].replace("G", "1")])
        step = max(2, 860 // len(line))
        width, height = len(line) * step + 160, int(rng.integers(420, 640))
        dark, light = colours(rng)
        image = Image.new("RGB", (width, height), light)
        pen = ImageDraw.Draw(image)
        for at in np.flatnonzero(line):
            pen.rectangle((80 + at * step, 70, 80 + (at + 1) * step - 1, height - 110), fill=dark)
        pen.text((width / 2, height - 70), "  ".join(code.get_fullcode()), font=face if len(text) < 12 else small, fill=dark, anchor="mm")
        if rng.random() < 0.4:
            pen.text((80, 18), f"{phrase(rng, 2)}  {amount(rng, 1, 90):.2f}", font=small, fill=dark)
        return np.asarray(image)
    return subject


CLASSES = {
    "qr": Maker(qr, digital=True),
    "qr_one_version": Maker(qr_one_version, digital=True),
    "barcodes": Maker(bars, digital=True),
    "data_matrix": Maker(data_matrix, digital=True),
}
