"""Pictures of known kinds, for kinds.py: copies of photographs, and pictures that only look like copies.

A family is a list of (name, bytes, note). The note says how the picture was made, and `allowed` which kinds
a pair of one family may have. Everything comes from one random generator, so a seed gives the same bytes.
"""

import io

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFilter, ImageFont, features

RE_ENCODED, EDITED, CROPPED, SAME_SCENE = "re-encoded", "edited", "cropped", "same_scene"
HAS_AVIF = features.check("avif")
WORDS = (
    "time year people way day man thing woman life child world school state family student group country "
    "problem hand part place case week company system program question work number night point home water "
    "room mother area money story fact month lot right study book eye job word business issue side kind head "
    "house service friend father power hour game line end member law car city community name president team"
).split()


def saved(picture, kind="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def jpeg(picture, quality, **options):
    return saved(picture, "JPEG", quality=quality, **options)


def some_text(rng, words):
    return " ".join(WORDS[i] for i in rng.integers(len(WORDS), size=words))


def font(size):
    return ImageFont.load_default(size)


# Copies: the same pixels everywhere.


def resized(rng, picture, factor):
    size = [max(24, round(side * factor)) for side in picture.size]
    if rng.integers(3) == 0:
        how = [cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC][rng.integers(3)]
        # OpenCV's linear filter does not average, so it is fair down to a half.
        if how != cv2.INTER_AREA and factor < 0.5:
            how = cv2.INTER_AREA
        return Image.fromarray(cv2.resize(np.asarray(picture), size, interpolation=how))
    how = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS][rng.integers(3)]
    return picture.resize(size, how)


def re_encodings(rng):
    """Name to two functions: from a picture to the pixels that are stored, and from those to bytes. Those that
    are named heavy lose most of the detail."""
    ways = {f"heavy_jpeg{q}": (lambda p, q=q: jpeg(p, q)) for q in (3, 5, 8)}
    ways |= {f"jpeg{q}": (lambda p, q=q: jpeg(p, q)) for q in (10, 15, 20, 30, 50, 75, 85, 95)}
    ways |= {f"webp{q}": (lambda p, q=q: saved(p, "WEBP", quality=q)) for q in (20, 50, 80)}
    ways["png"] = lambda p: saved(p, "PNG")
    ways["webp_lossless"] = lambda p: saved(p, "WEBP", lossless=True)
    ways["progressive"] = lambda p: jpeg(p, 80, progressive=True)
    ways["444"] = lambda p: jpeg(p, 80, subsampling=0)
    ways["420"] = lambda p: jpeg(p, 90, subsampling=2)
    ways["twice"] = lambda p: jpeg(Image.open(io.BytesIO(jpeg(p, 60))), 85)
    if HAS_AVIF:
        ways |= {f"avif{q}": (lambda p, q=q: saved(p, "AVIF", quality=q)) for q in (30, 70)}
    ways = {name: (lambda p: p, encode) for name, encode in ways.items()}
    for percent in (25, 35, 50, 75, 150, 200):
        resize = lambda p, f=percent / 100: resized(rng, p, f)
        ways[f"resize{percent}"] = (resize, lambda p: jpeg(p, int(rng.integers(55, 96))))
    return ways


def wide_gamut(picture):
    """The pixels as another profile writes them: the same colours where the profile is heeded."""
    array = np.asarray(picture, np.float64) / 255
    linear = np.where(array <= 0.04045, array / 12.92, ((array + 0.055) / 1.055) ** 2.4)
    # Linear sRGB to Display P3 (the CSS Color 4 matrices).
    matrix = np.array([[0.82246, 0.17754, 0.0], [0.03319, 0.96681, 0.0], [0.01708, 0.07240, 0.91052]])
    linear = np.clip(linear @ matrix.T, 0, 1)
    array = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.uint8(np.round(array * 255)))


CONVERSIONS = {
    "grey": lambda p: jpeg(p.convert("L"), 85),
    "profile": lambda p: jpeg(wide_gamut(p), 85),
    "palette": lambda p: saved(p.quantize(256), "GIF"),
}


def crop_box(rng, size, share):
    """A box of `share` of the area, somewhere inside."""
    w, h = size
    stretch = rng.uniform(0.8, 1.25)
    cw, ch = min(w, int(w * np.sqrt(share * stretch))), min(h, int(h * np.sqrt(share / stretch)))
    x, y = int(rng.integers(w - cw + 1)), int(rng.integers(h - ch + 1))
    return [x, y, x + cw, y + ch]


# Edits: something is not the same.


WINDOW = (12, 12)


def windows(one, two, mode="L"):
    """Root mean squared difference of each window of 12 x 12 pixels."""
    one, two = (np.asarray(p.convert(mode), np.float32) for p in (one, two))
    squares = (one - two) ** 2
    squares = squares if mode == "L" else squares.max(2)
    return np.sqrt(np.maximum(0, cv2.blur(squares, WINDOW)))


def visible(before, after, least=16.0, mode="L"):
    """Whether some window of 12 x 12 pixels differs by as much, root mean squared."""
    return float(windows(before, after, mode).max()) >= least


SCALES = (0.25, 0.35, 0.5, 0.75, 1.0)


def seen_at(before, after):
    """The smallest scale at which the change can still be seen."""
    for scale in SCALES:
        size = [max(16, round(side * scale)) for side in before.size]
        if visible(*(p.resize(size, Image.Resampling.BOX) for p in (before, after))):
            return scale
    return SCALES[-1]


def over_noise(before, after, stored, decoded):
    """How far a change stands out of what compression did to a copy: the largest ratio of the two in one window,
    of those in which the change can be seen without compression (0: there is none). `stored` are the pixels of
    the copy before it was compressed, `decoded` those that it shows; all are compared at the size of the smaller
    of copy and picture."""
    size = min(before.size, stored.size)
    before, after, stored, decoded = (p.resize(size, Image.Resampling.BOX) for p in (before, after, stored, decoded))
    change, noise = windows(before, after), windows(stored, decoded)
    seen = change >= 16.0
    return float((change[seen] / np.maximum(noise[seen], 1.0)).max()) if seen.any() else 0.0


def on_top(draw_on):
    """An edit that draws; repeated until it can be seen."""

    def edit(rng, picture, other):
        for _ in range(20):
            changed = picture.copy()
            changed = draw_on(rng, changed, ImageDraw.Draw(changed), other) or changed
            if visible(picture, changed):
                return changed
        return None

    return edit


def place(rng, picture, w, h):
    return int(rng.integers(max(1, picture.width - w))), int(rng.integers(max(1, picture.height - h)))


def colour(rng):
    return tuple(int(c) for c in rng.integers(0, 256, 3))


def draw_text(rng, picture, draw, other):
    size = int(rng.integers(16, 48))
    x, y = place(rng, picture, picture.width // 2, size)
    draw.text((x, y), some_text(rng, 3), fill=colour(rng), font=font(size))


def draw_digit(rng, picture, draw, other):
    size = int(rng.integers(16, 28))
    draw.text(place(rng, picture, size, size), str(rng.integers(10)), fill=colour(rng), font=font(size))


def draw_clock(rng, picture, draw, other):
    text = f"2026-11-{rng.integers(10, 30)} {rng.integers(10, 24)}:{rng.integers(10, 60)}"
    draw.text((8, 8), text, fill=(255, 255, 255), font=font(18), stroke_width=1, stroke_fill=(0, 0, 0))


def draw_logo(rng, picture, draw, other):
    side = int(rng.integers(32, 80))
    x, y = picture.width - side - 8, picture.height - side - 8
    draw.ellipse([x, y, x + side, y + side], fill=colour(rng), outline=(255, 255, 255), width=3)
    draw.text((x + side / 4, y + side / 4), "R", fill=colour(rng), font=font(side / 2))


def draw_sticker(rng, picture, draw, other):
    side = int(rng.integers(40, 120))
    x, y = place(rng, picture, side, side)
    draw.ellipse([x, y, x + side, y + side], fill=(250, 210, 40), outline=(60, 40, 0), width=2)
    draw.arc([x + side / 4, y + side / 4, x + side * 3 / 4, y + side * 3 / 4], 20, 160, fill=(60, 40, 0), width=3)


def insert_object(rng, picture, draw, other):
    """A part of another photograph with soft edges."""
    side = int(rng.integers(32, min(160, min(picture.size) // 2)))
    x, y = place(rng, picture, side, side)
    part = other.resize([max(side, s // 2) for s in other.size]).crop([0, 0, side, side])
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse([3, 3, side - 3, side - 3], fill=255)
    picture.paste(part, (x, y), mask.filter(ImageFilter.GaussianBlur(1.5)))


def remove_object(rng, picture, draw, other):
    side = int(rng.integers(24, 72))
    x, y = place(rng, picture, side, side)
    mask = np.zeros(picture.size[::-1], np.uint8)
    cv2.ellipse(mask, (x + side // 2, y + side // 2), (side // 2, side // 3), 0, 0, 360, 255, -1)
    return Image.fromarray(cv2.inpaint(np.asarray(picture), mask, 4, cv2.INPAINT_TELEA))


def retouch(rng, picture, draw, other):
    """A region smoothed and moved a little, as a face is retouched."""
    side = int(rng.integers(48, 128))
    x, y = place(rng, picture, side, side)
    box = [x, y, min(x + side, picture.width), min(y + side, picture.height)]
    part = picture.crop(box)
    w, h = part.size
    gy, gx = np.mgrid[0:h, 0:w].astype(np.float32)
    pull = np.exp(-(((gx - w / 2) / (w / 4)) ** 2 + ((gy - h / 2) / (h / 4)) ** 2)) * rng.uniform(3, 7)
    warped = cv2.remap(np.asarray(part), gx + pull, gy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    picture.paste(Image.fromarray(cv2.bilateralFilter(warped, 9, 40, 7)), box[:2])


LOCAL = {
    "text": draw_text, "digit": draw_digit, "clock": draw_clock, "logo": draw_logo, "sticker": draw_sticker,
    "insert": insert_object, "remove": remove_object, "retouch": retouch,
}  # fmt: skip
LOCAL = {name: on_top(draw) for name, draw in LOCAL.items()}


def curve(picture, function):
    table = [int(np.clip(round(255 * function(v / 255)), 0, 255)) for v in range(256)]
    return picture.point(table * 3)


def gamma(picture, exponent):
    return curve(picture, lambda v: v**exponent)


def noisy(rng, picture, sigma):
    array = np.asarray(picture, np.float32)
    return Image.fromarray(np.uint8(np.clip(array + rng.normal(0, sigma, array.shape), 0, 255)))


def saturated(picture, factor):
    grey = np.asarray(picture.convert("L").convert("RGB"), np.float32)
    array = grey + factor * (np.asarray(picture, np.float32) - grey)
    return Image.fromarray(np.uint8(np.clip(array, 0, 255)))


def perspective(rng, picture):
    w, h = picture.size
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    moved = corners + np.float32(rng.uniform(-0.09, 0.09, (4, 2)) * [w, h])
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return Image.fromarray(cv2.warpPerspective(np.asarray(picture), matrix, (w, h)))


def framed(picture, rng):
    m = int(rng.integers(8, 40))
    whole = Image.new("RGB", (picture.width + 2 * m, picture.height + 2 * m), colour(rng))
    whole.paste(picture, (m, m))
    return whole


def letterboxed(picture, rng):
    bar = picture.height // int(rng.integers(5, 10))
    whole = Image.new("RGB", (picture.width, picture.height + 2 * bar))
    whole.paste(picture, (0, bar))
    return whole


GLOBAL = {
    "tone": lambda rng, p: gamma(p, [0.55, 1.8][rng.integers(2)]),
    "contrast": lambda rng, p: curve(p, lambda v: 0.5 + (v - 0.5) * 0.6),
    "brighter": lambda rng, p: curve(p, lambda v: 0.8 * v + 0.2),
    "saturation": lambda rng, p: saturated(p, 1.9),
    "blur": lambda rng, p: p.filter(ImageFilter.GaussianBlur(rng.uniform(2.0, 3.0))),
    "noise": lambda rng, p: noisy(rng, p, rng.uniform(10, 20)),
    "rotate": lambda rng, p: p.rotate(rng.uniform(3, 15), Image.Resampling.BICUBIC, expand=True),
    "turn": lambda rng, p: p.transpose(Image.Transpose.ROTATE_90),
    "flip": lambda rng, p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "invert": lambda rng, p: curve(p, lambda v: 1 - v),
    "aspect": lambda rng, p: p.resize((round(p.width * rng.uniform(1.12, 1.3)), p.height), Image.Resampling.BICUBIC),
    "perspective": perspective,
    "frame": lambda rng, p: framed(p, rng),
    "letterbox": lambda rng, p: letterboxed(p, rng),
}

def copies(rng, picture, other, few):
    """A family of copies: `few` of each group of operations."""

    def pick(names, count):
        names = sorted(names)
        return [names[i] for i in rng.permutation(len(names))[:count]]

    family = [("original", saved(picture, "PNG"), {"how": "original"})]
    ways = re_encodings(rng)
    compressed = {}
    for name in pick(ways, 2 * few):
        scale = min(1.0, int(name[6:]) / 100) if name.startswith("resize") else 1.0
        note = {"how": RE_ENCODED, "copy": name, "heavy": name.startswith("heavy"), "scale": scale}
        reshape, encode = ways[name]
        pixels = reshape(picture)
        family.append((name, encode(pixels), note))
        compressed[name] = (pixels, Image.open(io.BytesIO(family[-1][1])).convert("RGB"))
    [name] = pick(CONVERSIONS, 1)
    family.append((name, CONVERSIONS[name](picture), {"how": "conversion"}))
    for share in (0.85, 0.6, 0.4, 0.25, 0.15):
        if rng.integers(5) >= 2 + few // 3:
            continue
        box = crop_box(rng, picture.size, share)
        part = picture.crop(box)
        name = f"crop{round(100 * share)}"
        if rng.integers(2) and min(part.size) > 200:
            part = resized(rng, part, rng.uniform(0.5, 1.6))
            name += "_resized"
        quality = int(rng.integers(15, 96))
        family.append((name, jpeg(part, quality), {"how": CROPPED, "box": box}))
    for name in pick(LOCAL, few):
        changed = LOCAL[name](rng, picture, other)
        if changed is not None:
            quality = int(rng.integers(40, 96))
            over = {copy: over_noise(picture, changed, *pixels) for copy, pixels in compressed.items()}
            note = {"how": "local", "seen_at": seen_at(picture, changed), "over_noise": over}
            family.append((f"edit_{name}", jpeg(changed, quality), note))
    for name in pick(GLOBAL, max(1, few - 1)):
        changed = GLOBAL[name](rng, picture)
        # More colour changes nothing where there is none.
        if changed.size == picture.size and not visible(picture, changed, 4, "RGB"):
            continue
        family.append((f"edit_{name}", jpeg(changed, int(rng.integers(60, 96))), {"how": "global", "name": name}))
    return family


def can_be_seen(changed, copy):
    """Whether a copy shows what is not the same: in some window of 12 x 12 of its pixels the change is at least 16
    grey levels (root mean square), and at least what compression did to that window of the copy. Copies at quality
    3, 5 and 8 count as not showing it."""
    if copy.get("heavy") or copy.get("scale", 1.0) < changed["seen_at"]:
        return False
    return changed["over_noise"].get(copy.get("copy"), np.inf) >= 1.0


def allowed(one, two):
    """Kinds that a pair of one family of copies may have; None where that is a matter of taste."""
    how = sorted([one["how"], two["how"]], key=["original", RE_ENCODED, "conversion", CROPPED, "local", "global"].index)
    if "conversion" in how:
        return {RE_ENCODED, EDITED} if how[0] != "conversion" and how[1] == "conversion" else None
    if how[1] == RE_ENCODED:
        return {RE_ENCODED}
    if how[1] == CROPPED and how[0] != CROPPED:
        return {CROPPED}
    if how == [CROPPED, CROPPED]:
        a, b = one["box"], two["box"]
        inside = lambda p, q: p[0] >= q[0] and p[1] >= q[1] and p[2] <= q[2] and p[3] <= q[3]
        return {CROPPED} if inside(a, b) or inside(b, a) else {CROPPED, EDITED, SAME_SCENE}
    if how[0] == CROPPED:
        return None
    if how[0] in ("original", RE_ENCODED):
        name = two.get("name") or one.get("name")
        copy, changed = (one, two) if two["how"] in ("local", "global") else (two, one)
        # The copy has lost what would show the change.
        if changed["how"] == "local" and not can_be_seen(changed, copy):
            return {EDITED, RE_ENCODED}
        # Noise and blur leave every region what it was, and scaling down and up again blurs as much.
        if name in ("noise", "blur"):
            return {EDITED, RE_ENCODED}
        return {EDITED, CROPPED} if name in ("frame", "letterbox", "rotate") else {EDITED}
    if how == ["local", "local"]:
        return {EDITED, SAME_SCENE}
    return {EDITED, CROPPED, SAME_SCENE}
