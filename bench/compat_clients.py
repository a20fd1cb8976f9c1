"""Public clients of other search services, unchanged, against `resight serve --compat match,pastec`.

    cargo build --release -p resight
    git clone https://github.com/magwyz/pastec && git clone https://github.com/astro-stan/dsys-match-api
    bench/run compat_clients.py --resight target/release/resight \
        --pastec pastec/python/PastecLib.py --match dsys-match-api/dsysmatch.py

Neither PyPI nor npm has a client of these interfaces, so the two that their users wrote are taken from where they are
published; they are no part of this repository. Of pastec's, take the commit 019eb82: the newest version of the file is no
valid Python. Each is asked to do all that it can. Ends with 0 where all answers are as expected.
"""

import argparse
import importlib.util
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image


def load(path):
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def textured(seed):
    """A picture with many corners, which differs from seed to seed."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((640, 480), Image.BICUBIC)


def files(folder):
    """Three pictures, and a part of the first."""
    paths = [folder / f"{name}.png" for name in ("a", "b", "c", "part")]
    for seed, path in enumerate(paths[:3]):
        textured(seed).save(path)
    textured(0).crop((100, 80, 480, 380)).save(paths[3])
    return [str(path) for path in paths]


def check(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, expected {expected!r}")
    print(f"  {what}: as expected")


def ask_match(module, host, port, pictures):
    print(f"match, by the class DsysMatch of {module.__name__}.py")
    client = module.DsysMatch(f"http://{host}", port)
    a, b, c, part = pictures
    check("Ping", client.Ping()["status"], "ok")
    check("Add", client.Add(a, "shop/a.png", '{"price": 5}')["status"], "ok")
    check("Add without metadata", client.Add(b, "shop/b.png")["status"], "ok")
    check("Count", client.Count()["result"], [2])
    check("List", sorted(client.List(0, 10)["result"]), ["shop/a.png", "shop/b.png"])
    found = client.Search(part)["result"]
    check("Search by a part", [one["filepath"] for one in found], ["shop/a.png"])
    check("its metadata", found[0]["metadata"], {"price": 5})
    check("Search by another picture", client.Search(c)["result"], [])
    check("Compare with itself", client.Compare(a, a)["result"], [{"score": 100.0}])
    check("Compare with another", client.Compare(a, c)["result"], [{"score": 0.0}])
    check("Add in its place", client.Add(c, "shop/a.png")["status"], "ok")
    check("Search then", client.Search(part)["result"], [])
    for path in ("shop/a.png", "shop/b.png"):
        check(f"Delete {path}", client.Delete(path)["status"], "ok")
    check("Count then", client.Count()["result"], [0])


def ask_pastec(module, host, port, pictures):
    print(f"pastec, by the class PastecConnection of {module.__name__}.py")
    client = module.PastecConnection(host, port)
    a, b, c, part = pictures
    client.ping()
    added = client.indexImageFile(7, a)
    check("indexImageFile", (added["image_id"], added["nb_features_extracted"] > 50), (7, True))
    client.indexImageFile(8, b)
    client.addTag(7, "a poster & more=1")
    check("imageQueryFile by a part", client.imageQueryFile(part), [(7, "a poster & more=1")])
    check("imageQueryFile by another picture", client.imageQueryFile(c), [])
    check("getIndexImageIds", client.getIndexImageIds(), [7, 8])
    client.remvoveTag(7)
    check("the tag then", client.imageQueryFile(part), [(7, "")])
    for path in ("", "some.dat"):
        client.writeIndex(path)
        client.loadIndex(path)
        client.writeIndexTags(path)
        client.loadIndexTags(path)
    client.removeImage(7)
    check("imageQueryFile then", client.imageQueryFile(part), [])
    for what, call in (
        ("removeImage of none", lambda: client.removeImage(99)),
        ("indexImageData of a text", lambda: client.indexImageData(9, b"no picture")),
    ):
        try:
            call()
        except module.PastecException as error:
            print(f"  {what}: {error}")
        else:
            raise AssertionError(f"{what} raised nothing")
    client.clearIndex()
    check("getIndexImageIds then", client.getIndexImageIds(), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--resight", type=pathlib.Path, required=True)
    parser.add_argument("--pastec", type=pathlib.Path, required=True)
    parser.add_argument("--match", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = subprocess.Popen(
            [
                arguments.resight.resolve(), "serve", "--data", folder / "data", "--listen", "127.0.0.1:0",
                "--compat", "match,pastec", "--json",
            ],
            stdout=subprocess.PIPE,
        )
        try:
            host, port = json.loads(server.stdout.readline())["url"].removeprefix("http://").split(":")
            pictures = files(folder)
            ask_match(load(arguments.match), host, int(port), pictures)
            ask_pastec(load(arguments.pastec), host, int(port), pictures)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
