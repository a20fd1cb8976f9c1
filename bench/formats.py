"""What of the formats and variants people have is read, beside Pillow, libvips and ImageMagick, on the same files in one
run.

Files are generated here from one photograph-like picture, and those of Python packages that carry pictures are added.
Each is read by `resight-decode` (its example `decode`), by Pillow with pillow-heif, by libvips, and by the program of
ImageMagick. Two builds of libvips are asked: that of the package pyvips-binary, and the system's by its program `vips`,
which has more formats where a distribution built it (Debian: imagemagick, libvips-tools). Printed are, by format and variant, who read it, the mean difference of our pixels to the reference (the picture that was written where
the format is lossless, otherwise the library that comes nearest to it), whether it is upright, and times.

    cargo build --release -p resight-decode --example decode
    bench/run formats.py [--decoder target/release/examples/decode] [--without-times] [--out bench/results/formats.md]

The last line is one line of JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

import formats_files

warnings.filterwarnings("ignore")
Image.MAX_IMAGE_PIXELS = None


def by_resight(decoder, paths, folder):
    """Pixels or the reason of a refusal, and milliseconds, of each path."""
    run = subprocess.run([decoder, folder], input="\n".join(paths), capture_output=True, text=True, check=True)
    found = []
    for number, line in enumerate(run.stdout.splitlines()):
        answer = json.loads(line)
        pixels = None
        if "code" not in answer:
            with Image.open(f"{folder}/{number}.ppm") as image:
                pixels = np.asarray(image)
        found.append((pixels, answer.get("code"), answer.get("detail"), answer["ms"]))
    return found


def as_rgb(array):
    """Eight-bit RGB of what a library returned, over white."""
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.dtype != np.uint8:
        array = array.astype(np.float64)
        scale = 255 if array.max() <= 1 else array.max() if array.max() > 255 else 255
        array = np.clip(array * (255 / scale if scale != 255 or array.max() > 1 else 255), 0, 255).astype(np.uint8)
    if array.shape[2] in (2, 4):
        alpha = array[..., -1:].astype(np.float64) / 255
        array = (array[..., :-1] * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array[..., :3]


def by_pillow(path):
    from PIL import ImageOps

    with Image.open(path) as image:
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
            return as_rgb(np.asarray(image))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            return as_rgb(np.asarray(image.convert("RGBA")))
        if image.mode == "LAB":
            from PIL import ImageCms

            to = ImageCms.createProfile("sRGB")
            change = ImageCms.buildTransform(ImageCms.createProfile("LAB"), to, "LAB", "RGB")
            image = ImageCms.applyTransform(image, change)
        return as_rgb(np.asarray(image.convert("RGB")))


def by_vips(path):
    import pyvips

    image = pyvips.Image.new_from_file(path, fail_on="error").autorot()
    if image.interpretation not in ("rgb16", "grey16", "b-w", "srgb", "multiband"):
        image = image.colourspace("srgb")
    return as_rgb(image.numpy())


def program(*names):
    """The first of these programs that is the real one, or None. Shims stand in for some of them."""
    folders = ["/usr/bin", *os.environ.get("PATH", "").split(os.pathsep)]
    for name in names:
        for folder in folders:
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                return path
    return None


IMAGEMAGICK = program("magick", "convert-im6.q16", "convert")
VIPS = program("vips")


def by_program(command, written):
    """The pixels that a command wrote as PPM. Raises what it says where it fails."""
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    if run.returncode != 0 or not os.path.exists(written):
        raise ValueError(run.stderr[-200:])
    try:
        with Image.open(written) as image:
            return as_rgb(np.asarray(image.convert("RGB")))
    finally:
        os.unlink(written)


def by_imagemagick(path):
    """Its first picture, upright and over white. A reduced picture is no page, so that index 0 is asked for as by users."""
    if IMAGEMAGICK is None:
        raise FileNotFoundError("ImageMagick is not installed")
    with tempfile.TemporaryDirectory() as folder:
        written = f"{folder}/out.ppm"
        flat = ["-auto-orient", "-background", "white", "-alpha", "remove", "-colorspace", "sRGB", "-depth", "8"]
        return by_program([IMAGEMAGICK, f"{path}[0]", *flat, f"ppm:{written}"], written)


def by_system_vips(path):
    if VIPS is None:
        raise FileNotFoundError("libvips is not installed")
    with tempfile.TemporaryDirectory() as folder:
        upright, written = f"{folder}/out.v", f"{folder}/out.png"
        run = subprocess.run([VIPS, "autorot", f"{path}[fail_on=error]", upright], capture_output=True, timeout=120)
        if run.returncode != 0:
            raise ValueError(run.stderr[-200:])
        # Converts what has no form in a PNG, as `vips` does when it writes one.
        return by_program([VIPS, "pngsave", upright, written, "--bitdepth", "8"], written)


def timed(read, path):
    start = time.perf_counter()
    try:
        pixels = read(path)
    except BaseException as error:  # What a library raises, a crash in Rust included.
        if isinstance(error, KeyboardInterrupt):
            raise
        return None, type(error).__name__, (time.perf_counter() - start) * 1e3
    return pixels, None, (time.perf_counter() - start) * 1e3


OTHERS = ("pillow", "vips", "system_vips", "imagemagick")


def difference(one, other):
    if one is None or other is None or one.shape != other.shape:
        return None
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def shown(value):
    return "–" if value is None else f"{value:.2f}"


def compare(files, decoder, folder):
    """One row a file: who read it, differences and times."""
    ours = by_resight(decoder, [str(one.path) for one in files], folder)
    rows = []
    for one, (pixels, code, detail, milliseconds) in zip(files, ours):
        pillow, _, pillow_time = timed(by_pillow, str(one.path))
        vips, _, vips_time = timed(by_vips, str(one.path))
        system, _, system_time = timed(by_system_vips, str(one.path))
        magick, _, magick_time = timed(by_imagemagick, str(one.path))
        to_picture = difference(pixels, one.picture)
        to_others = [difference(pixels, other) for other in (pillow, vips, system, magick)]
        to_others = [d for d in to_others if d is not None]
        rows.append(
            {
                "format": one.format,
                "variant": one.variant,
                "ours": pixels is not None,
                "refused": None if code is None else f"{code}: {detail}",
                "pillow": pillow is not None,
                "vips": vips is not None,
                "system_vips": system is not None,
                "imagemagick": magick is not None,
                "to_picture": to_picture,
                "to_nearest": min(to_others, default=None),
                "same_shape": pixels is not None and (one.picture is None or pixels.shape == one.picture.shape),
                "ms": [milliseconds, pillow_time, vips_time, system_time, magick_time],
                "must": one.must,
            }
        )
    return rows


def table(rows, with_times):
    lines = [
        "| format | variant | Resight | Pillow | libvips | libvips (system) | ImageMagick | mean difference to the picture "
        "| to the nearest library |" + (" ms |" if with_times else ""),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |" + (" --- |" if with_times else ""),
    ]
    yes = {True: "read", False: "–"}
    for row in rows:
        own = "read" if row["ours"] else row["refused"]
        times = " / ".join(f"{value:.1f}" for value in row["ms"]) + " |" if with_times else ""
        lines.append(
            f"| {row['format']} | {row['variant']} | {own} | {yes[row['pillow']]} | {yes[row['vips']]} "
            f"| {yes[row['system_vips']]} | {yes[row['imagemagick']]} "
            f"| {shown(row['to_picture'])} | {shown(row['to_nearest'])} | {times}".rstrip()
        )
    return lines


def versions():
    def says(*command):
        if command[0] is None:
            return "not installed"
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0].strip()

    import pillow_heif
    import pyvips
    from PIL import __version__ as pillow

    wheel = ".".join(str(pyvips.version(part)) for part in range(3))
    return (
        f"Pillow {pillow} with pillow-heif {pillow_heif.__version__}; libvips {wheel} of pyvips-binary; "
        f"{says(VIPS, '--version')} of the system; {says(IMAGEMAGICK, '--version')}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decoder", default="target/release/examples/decode")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", help="formats that contain this")
    parser.add_argument("--without-times", action="store_true", help="for a machine that does other work")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = formats_files.generated(Path(folder)) + formats_files.found()
        if arguments.only:
            files = [one for one in files if arguments.only in one.format]
        pixels = os.path.join(folder, "pixels")
        os.mkdir(pixels)
        rows = compare(files, arguments.decoder, pixels)
    count = {name: sum(row[name] for row in rows) for name in ("ours", *OTHERS)}
    missed = [row for row in rows if not row["ours"] and any(row[name] for name in OTHERS)]
    turned = [row for row in rows if row["ours"] and not row["same_shape"]]
    lines = table(rows, not arguments.without_times)
    if arguments.out:
        times = formats_files.NO_TIMES if arguments.without_times else formats_files.TIMES
        head = formats_files.HEAD.format(files=len(rows), **count, versions=versions(), times=times)
        arguments.out.write_text(head + "\n".join(lines) + "\n")
    else:
        print("\n".join(lines))
    summary = {
        "files": len(rows),
        **count,
        "others_read_alone": [f"{row['format']} {row['variant']}" for row in missed],
        "another_size": [f"{row['format']} {row['variant']}" for row in turned],
    }
    print(json.dumps(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
