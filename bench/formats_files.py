"""Files of the formats and variants that people have, for `formats.py`."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

HEAD = """# Formats

By `bench/run formats.py` over {files} files: {ours} are read by Resight, {pillow} by Pillow (with pillow-heif), {vips} by
libvips as pyvips-binary has it, {system_vips} by the system's libvips and {imagemagick} by ImageMagick. Differences are
means of all channels, 0 to 255.{times}

{versions}

"""

TIMES = """ Times are milliseconds in the order of the columns, of single runs. Those of the last two
are of programs that start for each file."""

NO_TIMES = """ There are no times, as the machine did other work meanwhile."""


@dataclass
class File:
    format: str
    variant: str
    path: Path
    picture: np.ndarray | None
    must: bool = True


def picture(width=200, height=150, seed=5):
    """Blobs and edges in all colours, as numbers from 0 to 255."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(image).copy()
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (240, 30, 30)
    return pixels


def grey(pixels):
    return np.asarray(Image.fromarray(pixels).convert("L"))


def three(pixels):
    return np.repeat(pixels[..., None], 3, axis=2)


#: Profiles of four inks that systems carry (Debian: libgs-common, icc-profiles-free).
PROFILES = (
    "/usr/share/color/icc/ghostscript/default_cmyk.icc",
    "/usr/share/color/icc/ghostscript/ps_cmyk.icc",
)


def profiled(image):
    """The picture in inks, and as a colour management system shows them, by each profile that is found here."""
    screen = ImageCms.createProfile("sRGB")
    for path in map(Path, PROFILES):
        if not path.is_file():
            print(f"SKIPPED: {path} is not there, so no file has that profile")
            continue
        own = ImageCms.ImageCmsProfile(io.BytesIO(path.read_bytes()))
        inks = changed(image, ImageCms.buildTransform(screen, own, "RGB", "CMYK"), "CMYK")
        shown = changed(inks, ImageCms.buildTransform(own, screen, "CMYK", "RGB"), "RGB")
        yield path.name, path.read_bytes(), inks, np.asarray(shown)


def changed(image, transform, mode):
    """The picture after a transform. Pillow's own function also writes the profile, which fails for some of them."""
    out = Image.new(mode, image.size)
    transform.transform.apply(image.getim(), out.getim())
    return out


def generated(folder):
    files = []
    for make in (jpegs, tiffs, tiffs_by_pillow, tiffs_by_hand, photoshop, others):
        files += make(folder)
    return files


def found():
    """Files that installed packages carry: none of those used here carries pictures."""
    return []


def jpegs(folder):
    pixels = picture()
    image = Image.fromarray(pixels)
    files = []

    def add(variant, data, reference=pixels):
        path = folder / f"jpeg-{len(files)}.jpg"
        path.write_bytes(data)
        files.append(File("JPEG", variant, path, reference))

    def saved(image=image, **options):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=90, **options)
        return out.getvalue()

    whole = saved()
    add("baseline 4:2:0", whole)
    add("baseline 4:4:4", saved(subsampling=0))
    add("progressive", saved(progressive=True))
    add("optimised tables", saved(optimize=True))
    add("restart markers", saved(restart_marker_rows=1))
    add("grey", saved(image.convert("L")), three(grey(pixels)))
    add("four inks", saved(image.convert("CMYK")))
    for name, profile, inks, shown in profiled(image):
        add(f"four inks with {name}", saved(inks, icc_profile=profile), shown)
    add("no end marker", whole[:-2])
    add("zeros for the end marker", whole[:-2] + bytes(500))
    add("no end marker, progressive", saved(progressive=True)[:-2])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
        stored = image if orientation == 1 else image.transpose(Image.Transpose(back[orientation]))
        add(f"orientation {orientation}", saved(stored, exif=exif))
    return files


def tiffs(folder):
    """By tifffile, as microscopes and GDAL write them."""
    import tifffile

    pixels = picture()
    single = grey(pixels)
    files = []

    def add(variant, data, reference, **options):
        path = folder / f"tifffile-{len(files)}.tif"
        tifffile.imwrite(path, data, **options)
        files.append(File("TIFF", variant, path, reference))

    rgb = {"photometric": "rgb"}
    for name in ("lzw", "zlib", "packbits", "zstd", "webp", "lzma"):
        options = {"compressionargs": {"lossless": True}} if name == "webp" else {}
        add(f"RGB {name}", pixels, pixels, compression=name, **rgb, **options)
    for name in ("lzw", "zlib", "zstd"):
        add(f"RGB {name}, predictor 2", pixels, pixels, compression=name, predictor=2, **rgb)
    tiles = {"tile": (64, 48)}
    add("RGB tiles", pixels, pixels, **tiles, **rgb)
    add("RGB tiles, zlib, predictor", pixels, pixels, compression="zlib", predictor=2, **tiles, **rgb)
    add("RGB tiles larger than it", pixels, pixels, tile=(256, 256), **rgb)
    planes = np.moveaxis(pixels, 2, 0)
    add("RGB planes", planes, pixels, planarconfig="separate", **rgb)
    add("RGB planes, LZW, predictor, tiles", planes, pixels, planarconfig="separate", compression="lzw", predictor=2, **tiles, **rgb)
    add("RGB BigTIFF", pixels, pixels, bigtiff=True, **rgb)
    add("RGB big-endian", pixels, pixels, byteorder=">", **rgb)
    wide = pixels.astype(np.uint16) * 257
    for order in "<>":
        add(f"RGB 16 bits {order}", wide, pixels, byteorder=order, **rgb)
        add(f"RGB 16 bits {order} LZW, predictor", wide, pixels, byteorder=order, compression="lzw", predictor=2, **rgb)
    grey3 = three(single)
    add("grey 8 bits", single, grey3)
    add("grey, white is zero", 255 - single, grey3, photometric="miniswhite")
    add("grey 12 bits in 16", single.astype(np.uint16) * 16 + 8, grey3)
    add("grey 10 bits in 16", single.astype(np.uint16) * 4 + 2, grey3)
    add("grey 300 to 700 in 16", 300 + (single * (400 / 255)).astype(np.uint16), None)
    for kind in (np.float16, np.float32, np.float64):
        part = (single / 255).astype(kind)
        add(f"grey {kind.__name__} 0 to 1", part, grey3)
        for order in "<>":
            add(f"grey {kind.__name__} {order} predictor 3", part, grey3, compression="zlib", predictor=3, byteorder=order)
    add("RGB float32 0 to 1", (pixels / 255).astype(np.float32), pixels, **rgb)
    add("grey float32 0 to 255", single.astype(np.float32), grey3)
    add("grey int16", single.astype(np.int16) - 100, None)
    add("grey int32", single.astype(np.int32) * 1000 - 9000, None)
    add("grey uint32", single.astype(np.uint32) * 16843009, grey3)
    add("grey float64 heights", single * 8.5 - 300.0, None)
    add("RGBA", np.dstack([pixels, np.full_like(single, 255)]), pixels, extrasamples=["unassalpha"], **rgb)
    add("four bands, the fourth infrared", np.dstack([pixels, 255 - single]), pixels, extrasamples=["unspecified"], **rgb)
    for name, photometric in (("YCbCr", "ycbcr"), ("RGB", "rgb")):
        for tiled in ({}, {"tile": (64, 64)}, {"rowsperstrip": 16}):
            for sub in ((1, 1), (2, 2), (2, 1)) if name == "YCbCr" else ((1, 1),):
                add(
                    f"JPEG {name} {sub[0]}x{sub[1]} {' '.join(tiled) or 'one strip'}",
                    np.asarray(Image.fromarray(pixels).convert("YCbCr")) if name == "YCbCr" else pixels,
                    pixels,
                    compression="jpeg",
                    compressionargs={"level": 92, "outcolorspace": name.lower()},
                    photometric=photometric,
                    **({"subsampling": sub} if name == "YCbCr" else {}),
                    **tiled,
                )
    add("JPEG grey", single, grey3, compression="jpeg", compressionargs={"level": 92})
    add("JPEG 2000 inside", pixels, pixels, compression="jpeg2000", **rgb)
    add("JPEG XL inside", pixels, pixels, compression="jpegxl", **rgb)
    add("LERC inside", single, grey3, compression="lerc")
    path = folder / "pyramid.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, subifds=1, photometric="rgb")
        writer.write(pixels[::2, ::2], subfiletype=1, photometric="rgb")
    files.append(File("TIFF", "pyramid below the picture", path, pixels))
    path = folder / "small-first.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels[::2, ::2], subfiletype=1, photometric="rgb")
        writer.write(pixels, photometric="rgb")
    files.append(File("TIFF", "reduced picture first", path, pixels))
    path = folder / "small-above.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels[::2, ::2], subfiletype=1, photometric="rgb", subifds=1)
        writer.write(pixels, photometric="rgb")
    files.append(File("TIFF", "reduced picture above the full one", path, pixels))
    return files


def tiffs_by_pillow(folder):
    """By libtiff, as scanners and offices write them."""
    pixels = picture()
    image = Image.fromarray(pixels)
    files = []

    def add(variant, image, reference, **options):
        path = folder / f"pillow-{len(files)}.tif"
        image.save(path, "TIFF", **options)
        files.append(File("TIFF", variant, path, reference))

    for colours in (2, 4, 16, 256):
        indexed = image.quantize(colours)
        add(f"palette of {colours}", indexed, np.asarray(indexed.convert("RGB")))
        add(f"palette of {colours}, LZW", indexed, np.asarray(indexed.convert("RGB")), compression="tiff_lzw")
    bilevel = image.convert("1")
    black = np.asarray(bilevel.convert("RGB"))
    for name in ("raw", "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "tiff_adobe_deflate"):
        add(f"bilevel {name}", bilevel, black, compression=name)
    for options in (1, 4, 5):
        add(f"bilevel group 3, options {options}", bilevel, black, compression="group3", tiffinfo={292: options})
    add("bilevel group 4, strips of 20", bilevel, black, compression="group4", strip_size=500)
    add("JPEG by libtiff", image, pixels, compression="jpeg", quality=92)
    add("JPEG by libtiff, grey", image.convert("L"), three(grey(pixels)), compression="jpeg", quality=92)
    add("JPEG by libtiff, YCbCr", image.convert("YCbCr"), pixels, compression="jpeg", quality=92)
    add("CMYK", image.convert("CMYK"), pixels)
    add("CMYK LZW", image.convert("CMYK"), pixels, compression="tiff_lzw")
    for name, profile, inks, shown in profiled(image):
        add(f"CMYK LZW with {name}", inks, shown, compression="tiff_lzw", icc_profile=profile)
    add("CMYK JPEG", image.convert("CMYK"), pixels, compression="jpeg", quality=92)
    add("YCbCr uncompressed", image.convert("YCbCr"), pixels)
    lab = ImageCms.applyTransform(
        image,
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    add("L*a*b*", lab, pixels)
    add("L*a*b* LZW", lab, pixels, compression="tiff_lzw")
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(np.linspace(0, 255, 200).astype(np.uint8)[None].repeat(150, 0)))
    add("RGBA, transparent", clear, None)
    for orientation in range(2, 9):
        back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
        stored = image.transpose(Image.Transpose(back[orientation]))
        add(f"orientation {orientation}", stored, pixels, tiffinfo={274: orientation})
    return files


def directory(tags, data, order="<"):
    """A TIFF file of one directory; tags are lists of LONG or SHORT."""
    import struct

    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data) + len(data) % 2)
    body = data + bytes(len(data) % 2)
    tags = {**tags, 273: [8], 279: [len(data)]}
    after = 8 + len(body) + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, values in sorted(tags.items()):
        kind, letter = (4, "I") if tag in (256, 257, 273, 278, 279) else (3, "H")
        packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(packed) > 4:
            place = struct.pack(order + "I", after + len(extra))
            extra += packed + bytes(len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + place
    return head + body + struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra


def packed(values, bits):
    """Rows of numbers of so many bits, from the highest bit on, each row from a byte on."""
    rows = []
    for row in values:
        all_bits = (row[:, None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
        rows.append(np.packbits(all_bits.reshape(-1).astype(np.uint8)).tobytes())
    return b"".join(rows)


def tiffs_by_hand(folder):
    pixels = picture()
    height, width, _ = pixels.shape
    single = grey(pixels)
    files = []

    def add(variant, tags, data, reference, order="<"):
        path = folder / f"hand-{len(files)}.tif"
        base = {256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1], 278: [height]}
        path.write_bytes(directory({**base, **tags}, data, order))
        files.append(File("TIFF", variant, path, reference))

    for bits in (2, 4, 6, 10, 12, 14):
        values = single.astype(np.uint32) * ((1 << bits) - 1) // 255
        shown = (values * 255 // ((1 << bits) - 1)).astype(np.uint8)
        add(f"grey {bits} bits packed", {258: [bits]}, packed(values, bits), three(shown))
    deep = pixels.astype(np.uint32) * 4095 // 255
    add("RGB 12 bits packed", {258: [12] * 3, 262: [2], 277: [3]}, packed(deep.reshape(height, -1), 12), pixels)
    five = pixels.astype(np.uint32) >> np.array([3, 2, 3])
    bits = np.concatenate([np.unpackbits(five[..., i].astype(np.uint8)[..., None], axis=2)[..., -n:] for i, n in enumerate((5, 6, 5))], axis=2)
    add("RGB 5, 6 and 5 bits", {258: [5, 6, 5], 262: [2], 277: [3]}, np.packbits(bits.reshape(height, -1), axis=1).tobytes(), None)
    reversed_bits = np.packbits(np.unpackbits(single[..., None], axis=2)[..., ::-1], axis=2)
    add("grey, bits reversed", {266: [2]}, reversed_bits.tobytes(), three(single))
    bilevel = np.asarray(Image.fromarray(pixels).convert("1"))
    add("bilevel, white is zero", {258: [1], 262: [0]}, packed(~bilevel, 1), three(bilevel.astype(np.uint8) * 255))
    ycc = np.asarray(Image.fromarray(pixels).convert("YCbCr"))
    for h, v in ((2, 2), (2, 1), (4, 2), (1, 2), (1, 1)):
        blocks = []
        for y in range(0, height, v):
            for x in range(0, width, h):
                part = np.pad(ycc[y : y + v, x : x + h], ((0, max(0, y + v - height)), (0, max(0, x + h - width)), (0, 0)), mode="edge")
                blocks.append(part[..., 0].tobytes() + part[..., 1:].mean((0, 1)).round().astype(np.uint8).tobytes())
        add(f"YCbCr {h}x{v} uncompressed", {258: [8] * 3, 262: [6], 277: [3], 530: [h, v]}, b"".join(blocks), pixels)
    lab = ImageCms.applyTransform(
        Image.fromarray(pixels),
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    # Pillow's own form has a* and b* with a sign.
    signed = np.frombuffer(lab.tobytes(), np.uint8).reshape(height, width, 3)
    tags = {258: [8] * 3, 277: [3]}
    shifted = signed ^ np.array([0, 128, 128], np.uint8)
    add("ICC L*a*b* 8 bits", {**tags, 262: [9]}, shifted.tobytes(), pixels)
    wide = np.empty((height, width, 3), ">u2")
    wide[..., 0] = signed[..., 0].astype(np.uint32) * 257
    wide[..., 1:] = signed[..., 1:].astype(np.uint32) * 256
    add("L*a*b* 16 bits, big-endian", {258: [16] * 3, 262: [8], 277: [3]}, wide.tobytes(), pixels, ">")
    inks = 255 - pixels.astype(np.uint16)
    wide = np.dstack([inks, np.zeros_like(inks[..., 0])]) * 257
    add("CMYK 16 bits", {258: [16] * 4, 262: [5], 277: [4]}, wide.astype("<u2").tobytes(), pixels)
    indexed = Image.fromarray(pixels).quantize(256)
    colours = np.frombuffer(indexed.palette.palette, np.uint8).reshape(-1, 3)
    colours = np.pad(colours, ((0, 256 - len(colours)), (0, 0)))
    shown = np.asarray(indexed.convert("RGB"))
    index = np.asarray(indexed)
    add("palette of 8-bit values", {262: [3], 320: colours.T.reshape(-1).tolist()}, index.tobytes(), shown)
    large = np.zeros((65536, 3), np.uint16)
    large[1000:1256] = colours.astype(np.uint16) * 257
    add("palette 16 bits", {258: [16], 262: [3], 320: large.T.reshape(-1).tolist()}, (index.astype("<u2") + 1000).tobytes(), shown)
    add("bits of one sample stated for three", {258: [8], 262: [2], 277: [3]}, pixels.tobytes(), pixels)
    add("old-style JPEG", {258: [8] * 3, 259: [6], 262: [6], 277: [3]}, bytes(100), None)
    return files


def photoshop(folder):
    """PSD and PSB with a merged picture alone."""
    import struct
    import zlib

    pixels = picture()
    height, width, _ = pixels.shape
    single = grey(pixels)
    files = []

    def runs(row):
        """Runs of literal bytes alone."""
        return b"".join(bytes([len(part) - 1]) + part for part in (row[i : i + 128] for i in range(0, len(row), 128)))

    def add(variant, planes, mode, depth, reference, version=1, method=0, palette=b"", resources=b"", channels=None):
        rows = [[row.tobytes() for row in plane] for plane in planes]
        if method == 1:
            rows = [[runs(row) for row in plane] for plane in rows]
            lengths = b"".join(struct.pack(">I" if version == 2 else ">H", len(row)) for plane in rows for row in plane)
        data = b"".join(row for plane in rows for row in plane)
        if method == 1:
            data = lengths + data
        if method == 2:
            data = zlib.compress(data)
        head = b"8BPS" + struct.pack(">H6xHIIHH", version, len(planes), height, width, depth, mode)
        head += struct.pack(">I", len(palette)) + palette + struct.pack(">I", len(resources)) + resources
        head += struct.pack(">Q" if version == 2 else ">I", 0)
        path = folder / f"psd-{len(files)}.ps{'b' if version == 2 else 'd'}"
        path.write_bytes(head + struct.pack(">H", method) + data)
        files.append(File("Photoshop", variant, path, reference))

    rgb = [pixels[..., i] for i in range(3)]
    for method, name in ((0, "raw"), (1, "runs"), (2, "zip")):
        add(f"RGB {name}", rgb, 3, 8, pixels, method=method)
    add("RGB PSB", rgb, 3, 8, pixels, version=2, method=1)
    add("RGB 16 bits", [(p.astype(np.uint16) * 257).astype(">u2") for p in rgb], 3, 16, pixels, method=1)
    linear = [np.where(p / 255 <= 0.04045, p / 255 / 12.92, ((p / 255 + 0.055) / 1.055) ** 2.4).astype(">f4") for p in rgb]
    add("RGB 32 bits", linear, 3, 32, pixels)
    add("RGB and alpha", [*rgb, single], 3, 8, pixels, method=1)
    add("grey", [single], 1, 8, three(single), method=1)
    add("CMYK", [*rgb, np.full_like(single, 255)], 4, 8, pixels, method=1)
    lab = ImageCms.applyTransform(
        Image.fromarray(pixels),
        ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"),
    )
    planes = np.frombuffer(lab.tobytes(), np.uint8).reshape(height, width, 3) ^ np.array([0, 128, 128], np.uint8)
    add("L*a*b*", [planes[..., i] for i in range(3)], 9, 8, pixels)
    indexed = Image.fromarray(pixels).quantize(256)
    colours = np.frombuffer(indexed.palette.palette, np.uint8).reshape(-1, 3)
    colours = np.pad(colours, ((0, 256 - len(colours)), (0, 0)))
    add("palette", [np.asarray(indexed)], 2, 8, np.asarray(indexed.convert("RGB")), palette=colours.T.tobytes())
    black = np.asarray(Image.fromarray(pixels).convert("1"))
    add("bilevel", [np.packbits(~black, axis=1)], 0, 1, three(black.astype(np.uint8) * 255))
    add("no merged picture", rgb, 3, 8, None, resources=b"8BIM" + struct.pack(">HHI", 1057, 0, 6) + bytes([0, 0, 0, 1, 0, 0]))
    return files


def others(folder):
    pixels = picture()
    image = Image.fromarray(pixels)
    files = []

    def add(format, variant, suffix, reference=pixels, image=image, **options):
        path = folder / f"other-{len(files)}.{suffix}"
        try:
            image.save(path, **options)
        except (OSError, KeyError, ValueError):
            return
        files.append(File(format, variant, path, reference))

    add("PNG", "RGB", "png")
    add("PNG", "palette", "png", np.asarray(image.quantize(64).convert("RGB")), image.quantize(64))
    add("PNG", "16 bits grey", "png", three(grey(pixels)), Image.fromarray(grey(pixels).astype(np.uint16) * 257))
    add("WebP", "lossless", "webp", lossless=True)
    add("WebP", "lossy", "webp", quality=90)
    add("GIF", "still", "gif", np.asarray(image.quantize(256).convert("RGB")), image.quantize(256))
    add("BMP", "RGB", "bmp")
    add("PNM", "RGB", "ppm")
    add("AVIF", "lossy", "avif", quality=95)
    add("JPEG 2000", "lossless", "jp2")
    add("JPEG 2000", "lossy code stream", "j2k", quality_mode="rates", quality_layers=[10])
    add("TGA", "RGB", "tga")
    add("ICO", "64 x 64", "ico", None, sizes=[(64, 64)])
    add("QOI", "RGB", "qoi")
    add("PCX", "RGB", "pcx")
    add("PDF", "one page", "pdf")
    try:
        from pillow_heif import register_heif_opener

        register_heif_opener()
        add("HEIC", "8 bits", "heic", quality=90)
        add("HEIC", "8 bits 4:4:4", "heic", quality=90, chroma=444)
    except ImportError:
        pass
    try:
        import imagecodecs

        for variant, options in (("lossless", {"lossless": True}), ("lossy", {"level": 90})):
            path = folder / f"{variant}.jxl"
            path.write_bytes(imagecodecs.jpegxl_encode(pixels, **options))
            files.append(File("JPEG XL", variant, path, pixels))
        path = folder / "float.jxl"
        path.write_bytes(imagecodecs.jpegxl_encode(pixels.astype(np.uint16) * 257, lossless=True))
        files.append(File("JPEG XL", "16 bits", path, None))
    except ImportError:
        pass
    return files
