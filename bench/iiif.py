"""The IIIF interfaces as their validators see them.

    cargo build --release -p resight
    bench/run iiif.py --resight target/release/resight [--level 1]

Starts `resight serve --iiif` on an empty data folder, adds the validator's test picture (1,000 x 1,000 pixels in 100
squares of known colours, made here from the validator's own table), and runs the official validator of the Image API
(`iiif-validator` from PyPI) for version 3.0 at a level. Then it reads the manifests of a picture and of a search by
the typed model of the Presentation API 3.0 (`iiif-prezi3`), and fetches every image that they name. Ends with 0 where
all is as the specifications say.

One check of the validator (1.0.5) contradicts the specification: at its end `size_noup` wants `!2000,3000` of a picture of
1,000 x 1,000 refused. Section 4.2 says of `!w,h` that "the returned image must be as large as possible but not larger than
the extracted region, w or h, or server-imposed limits", which is the picture at its own size; viewers ask so for
thumbnails of pictures whose size they do not know. It is reported and does not count.
"""

import argparse
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import iiif_prezi3
from iiif_validator.validator import ImageAPI, TestSuite, ValidationInfo
from PIL import Image


# The test, and what its address has where the check fails that contradicts the specification.
CONTRADICTION = ("size_noup", "/!2000,3000/")


def squares():
    """The test picture."""
    colours = ValidationInfo().colorInfo
    picture = Image.new("RGB", (1000, 1000))
    for x, column in enumerate(colours):
        for y, colour in enumerate(column):
            picture.paste(colour, (x * 100, y * 100, x * 100 + 100, y * 100 + 100))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def add(url, picture):
    request = urllib.request.Request(
        f"{url}/v1/images?name=squares.png", picture, {"content-type": "image/png"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


def validate_images(server, identifier, level):
    """Runs the validator's tests of a level; returns their number and what failed."""
    tests = TestSuite(ValidationInfo()).list_tests("3.0")
    wanted = sorted(name for name, test in tests.items() if test["level"] <= level)
    failed = []
    for name in wanted:
        api = ImageAPI(identifier, server, "iiif/3", "http", "", "3.0", debug=False)
        try:
            TestSuite(ValidationInfo()).run_test(name, api)
            problem = api.exception
        except Exception as error:  # The validator's own tests raise anything.
            problem = error
        if problem and name == CONTRADICTION[0] and CONTRADICTION[1] in api.urls[-1]:
            print(f"  {name}: asks for what the specification excludes ({api.urls[-1]})")
        elif problem:
            failed.append((name, f"{problem} {api.urls[-1:]}"))
    return len(wanted), failed


def validate_manifest(address):
    """Reads a manifest by the typed model, and fetches its images; returns the number of canvases."""
    with urllib.request.urlopen(address) as answer:
        text = answer.read()
    manifest = iiif_prezi3.Manifest.model_validate_json(text)
    for canvas in manifest.items:
        body = canvas.items[0].items[0].body
        with urllib.request.urlopen(str(body.id)) as answer:
            picture = Image.open(io.BytesIO(answer.read()))
        if picture.size != (canvas.width, canvas.height):
            raise ValueError(f"{body.id} has {picture.size}, its canvas {canvas.width} x {canvas.height}")
    return len(manifest.items)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--resight", type=pathlib.Path, required=True)
    parser.add_argument("--level", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        server = subprocess.Popen(
            [arguments.resight.resolve(), "serve", "--data", data, "--listen", "127.0.0.1:0", "--iiif", "--json"],
            stdout=subprocess.PIPE,
        )
        try:
            url = json.loads(server.stdout.readline())["url"]
            picture = squares()
            identifier = add(url, picture)
            smaller = io.BytesIO()
            Image.open(io.BytesIO(picture)).crop((100, 100, 800, 700)).save(smaller, "PNG")
            add(url, smaller.getvalue())
            count, failed = validate_images(url.removeprefix("http://"), identifier, arguments.level)
            print(f"Image API 3.0, level {arguments.level}: {count} tests, {len(failed)} failed")
            for name, why in failed:
                print(f"  {name}: {why}")
            manifests = f"{url}/iiif/presentation/3/{identifier}"
            canvases = [validate_manifest(f"{manifests}/{rest}") for rest in ("manifest", "search?verified_only=false")]
            print(f"Presentation API 3.0: manifests of {canvases[0]} and of {canvases[1]} canvases are valid")
        finally:
            server.kill()
            server.wait()
    sys.exit(bool(failed) or canvases != [1, 2])


if __name__ == "__main__":
    main()
