"""Records what a resight binary answers, as JSON without times, and compares two recordings.

    python3 bench/record_answers.py --resight target/release/resight --sets ../shared/data/eval \\
        --distractors ../shared/data/photos --data FOLDER --out before.json
    python3 bench/record_answers.py --compare before.json after.json

Each set of `--sets` is indexed beside the distractors into a data folder of its own below `--data`, and
served. Every query is searched for; the whole ranking, the evidence of its first `--depth` hits and a
digest of their matched points are kept. Every `--every`-th query is also asked in other ways: verified
hits only, without expansion, without variants, a region, by filters, grouped by objects, a stored picture
and a region of it, several pictures, features; and compared with its first relevant picture. Each
collection adds its lists, its groups of duplicates, some failures and some commands. Three smaller
collections follow: `plugin` (examples/plugins/opencv_sift.py in the Python that `--python` names, which
needs OpenCV and NumPy; `bench/run record_answers.py …` has both), `likeness` (a global model) and
`corners` (a local one; small_onnx.py writes both).

A data folder that `--data` has already is opened as it is, and nothing is written to it: run a later
binary on a copy of an earlier one's folder to see that it opens and answers the same. Keep the original
beside the copy: it has links to the pictures. `--compare` lists the
differences and fails when there are any. The last line is JSON.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import small_onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "examples/plugins/opencv_sift.py"
BUILT_IN = ["--onnxruntime", "none"]
FEATURES = "application/vnd.resight.features"
# What differs between two runs of one binary: times, addresses of files.
VOLATILE = {"took_ms", "timings", "added", "decided", "paths", "thumbnail", "file"}
SHOWN = 20


def steady(value):
    """`value` without what differs between runs of one binary."""
    if isinstance(value, dict):
        return {k: steady(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [steady(v) for v in value]
    return value


def digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]


class Server:
    def __init__(self, resight, options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        command = [resight, "serve", "--listen", self.address, "--quiet", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        until = time.monotonic() + 600
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ask("GET", "/readyz")["status"] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit("the server did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, method, path, body=None, kind=None):
        """Status, and the body: parsed where it is JSON, else its bytes in base64."""
        headers = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(f"http://{self.address}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                status, sent, read = answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as error:
            status, sent, read = error.code, error.headers["Content-Type"], error.read()
        if "json" in (sent or ""):
            return {"status": status, "body": json.loads(read)}
        return {"status": status, "body": base64.b64encode(read).decode()}

    def json(self, method, path, body):
        return self.ask(method, path, json.dumps(body).encode(), "application/json")


def form(fields):
    """A form of (name, path or text)."""
    edge = "resight-record-answers"
    parts = []
    for name, value in fields:
        is_file = isinstance(value, pathlib.Path)
        more = f'; filename="{value.name}"\r\nContent-Type: image/{media(value)}' if is_file else ""
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
        parts += [head.encode(), value.read_bytes() if is_file else value.encode(), b"\r\n"]
    return b"".join(parts) + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def media(path):
    return {"jpg": "jpeg", "jpeg": "jpeg"}.get(path.suffix[1:].lower(), path.suffix[1:].lower())


def ranking(answer, depth):
    """A search's answer: evidence of the first hits, a digest of all."""
    if answer["status"] != 200:
        return failure(answer)
    body = answer["body"]
    kept = []
    for hit in body["hits"][:depth]:
        hit = steady(hit)
        hit["image"] = hit["image"]["id"]
        if "matches" in hit:
            hit["matches"] = [len(hit["matches"]), digest(hit["matches"])]
        kept.append(hit)
    rest = [[hit["image"]["id"], hit["words"], hit["verified"]] for hit in body["hits"]]
    return {**steady(body), "hits": kept, "all": [len(rest), digest(rest)]}


def failure(answer):
    """Status and code: the sentences may be improved."""
    body = answer["body"]
    return {"status": answer["status"], "code": body.get("code") if isinstance(body, dict) else None}


class Recorder:
    def __init__(self, server, pictures, queries, depth, every):
        self.server, self.pictures, self.queries = server, pictures, queries
        self.depth, self.every = depth, every
        self.ids = {image["name"]: image["id"] for image in self.pages("/v1/images", "images")}

    def pages(self, path, key):
        found, more = [], True
        while more:
            join = "&" if "?" in path else "?"
            body = self.server.ask("GET", f"{path}{join}offset={len(found)}&limit=1000")["body"]
            more = body[key]
            found += body[key]
        return found

    def search(self, parameters, body=None, kind=None, depth=None):
        path = f"/v1/search?limit=1000&{parameters}"
        return ranking(self.server.ask("POST", path, body, kind), depth or self.depth)

    def label(self, names):
        """Tags, objects and metadata that the filtered searches ask for."""
        for i, name in enumerate(sorted(names)):
            change = {
                "tags": ["half"] * (i % 2 == 0) + ["third"] * (i % 3 == 0),
                "object": f"object {i // 5}",
                "metadata": {"residue": i % 4, "name": name},
            }
            answer = self.server.json("PATCH", f"/v1/images/{self.ids[name]}", change)
            assert answer["status"] == 200, answer

    def record(self, modes=()):
        answers = {}
        for i, query in enumerate(self.queries):
            path = self.pictures / query["query"]
            sent = (path.read_bytes(), f"image/{media(path)}")
            asked = {"default": self.search("matches=true", *sent)}
            if i % self.every == 0:
                asked |= self.other_ways(i, query, sent)
                for mode in modes:
                    asked[f"mode={mode}"] = self.search(f"mode={mode}", *sent)
            answers[query["query"]] = asked
        return {"lists": self.lists(), "failures": self.failures(), "queries": answers}

    def other_ways(self, i, query, sent):
        ways = [
            "verified_only=true", "expand=false", "mirrored=false&inverted=false",
            "region=pct:20,20,60,60", "group_by=object", "tag=half", "not_tag=half&tag=third",
            "meta.residue=2", "object=object%203", "expand=false&offset=3",
        ]
        few = max(self.depth // 5, 5)
        asked = {way: self.search(way, *sent, depth=few) for way in ways}
        features = self.server.ask("POST", "/v1/features", *sent)
        asked["features"] = digest(features)
        if features["status"] == 200:
            blob = base64.b64decode(features["body"])
            asked["by features"] = self.search("", blob, FEATURES, few)
        two = [self.pictures / query["query"], self.pictures / self.queries[i - 1]["query"]]
        asked["two pictures"] = self.search("matches=true", *form([("file", path) for path in two]), few)
        relevant = [self.ids[name] for name in query["relevant"] if name in self.ids]
        if relevant:
            first = relevant[0]
            stored = json.dumps({"image_id": first}).encode()
            asked["stored"] = self.search("matches=true", stored, "application/json", few)
            path = f"/v1/search?image_id={first}&region=pct:10,30,50,50&limit=1000"
            asked["region of stored"] = ranking(self.server.ask("GET", path), few)
            pair = form([("a", two[0]), ("b", first)])
            asked["compare"] = steady(self.server.ask("POST", "/v1/compare", *pair))
            pair = {"a": first, "b": relevant[-1] if len(relevant) > 1 else next(iter(self.ids.values()))}
            asked["compare stored"] = steady(self.server.json("POST", "/v1/compare", pair))
        return asked

    def lists(self):
        pages = {
            "images": self.pages("/v1/images", "images"),
            "filtered": self.pages("/v1/images?tag=third&not_tag=half", "images"),
            "duplicates": self.pages("/v1/duplicates", "groups"),
            "objects": self.pages("/v1/objects", "objects"),
        }
        single = [
            "/v1/count", "/v1/count?tag=half", "/v1/refused", "/v1/models", "/v1/not-a-match",
            "/v1/collections", "/v1/objects/object%203", "/v1/duplicates?kind=edited", "/api/tot_num",
            "/healthz",
        ]
        thumbnails = [digest(self.server.ask("GET", image["thumbnail"])) for image in pages["images"][:50]]
        singles = {path: self.server.ask("GET", path) for path in single}
        return steady(pages | singles) | {"thumbnails": thumbnails}

    def failures(self):
        unknown = "0" * 32
        asked = [
            ("GET", f"/v1/images/{unknown}"), ("GET", "/v1/images/short"), ("GET", "/v1/images?limit=0"),
            ("GET", "/v1/images?colour=red"), ("GET", "/v1/nothing"), ("PUT", "/v1/search"),
            ("GET", f"/v1/search?image_id={unknown}"), ("POST", "/v1/search?mode=any", b"x", "image/jpeg"),
            ("POST", "/v1/search", b"no picture", "image/jpeg"), ("POST", "/v1/search", b"", "image/png"),
            ("POST", "/v1/search", b"{}", "application/json"), ("POST", "/v1/search", b"x", FEATURES),
            ("POST", "/v1/compare", b"{}", "application/json"), ("DELETE", f"/v1/images/{unknown}"),
            ("GET", "/v1/search?image_id=1&region=0,0,1"), ("GET", "/v1/collections/none/images"),
            ("PUT", "/v1/collections/No"), ("GET", "/v1/duplicates?kind=none"), ("GET", "/v1/objects/none"),
            ("POST", "/v1/not-a-match", b'{"a": 1}', "application/json"), ("GET", "/v1/plugins/none/f"),
        ]
        return {" ".join(map(str, request[:2])) + f" #{i}": failure(self.server.ask(*request))
                for i, request in enumerate(asked)}


def command(resight, *arguments):
    """Exit code and JSON of a command."""
    done = subprocess.run([resight, "--json", *arguments], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return steady({"code": done.returncode, "lines": lines})


class Collection:
    """A data folder to record: made, unless it is there already."""

    def __init__(self, name, set_folder, distractors, indexing=(), serving=(), modes=(), limit=None):
        self.name, self.distractors, self.modes = name, distractors, modes
        self.indexing, self.serving = indexing, serving
        self.pictures = set_folder / "images"
        truth = json.loads((set_folder / "groundtruth.json").read_text())
        self.database = truth["database"]
        self.queries = truth["queries"][:: max(len(truth["queries"]) // limit, 1)] if limit else truth["queries"]

    def make(self, resight, data, models):
        """Indexes the distractors, once for all collections that describe them alike, then the set."""
        base = [] if self.indexing else [self.distractors]
        # They stay: a small region of a stored picture is described again from its file.
        folder = data / f"pictures-{self.name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in self.database:
            (folder / name).symlink_to((self.pictures / name).resolve())
        for picture in [] if base else sorted(self.distractors.iterdir())[::8]:
            (folder / picture.name).symlink_to(picture.resolve())
        if base:
            shared = data / "distractors"
            if not shared.exists():
                fill(resight, shared, base, ["--models", models])
            shutil.copytree(shared, data / self.name)
        fill(resight, data / self.name, [folder], ["--models", models, *self.indexing])


def fill(resight, data, folders, options):
    print(f"indexing {data.name}", flush=True)
    run = lambda *arguments: subprocess.run(
        [resight, *arguments, "--data", data, "--quiet"], check=True, stdout=subprocess.DEVNULL
    )
    run("index", *folders, *BUILT_IN, *options)
    # All pairs are looked for now: a search of a stored picture knows what was compared already.
    run("duplicates", "--limit", "1")


def record_collection(arguments, collection, data, models):
    folder = data / collection.name
    is_new = not folder.exists()
    if is_new:
        collection.make(arguments.resight, data, models)
    begun = time.monotonic()
    shared = ["--data", folder, "--models", models, *BUILT_IN]
    with Server(arguments.resight, [*shared, *collection.serving]) as server:
        pictures = collection.pictures
        recorder = Recorder(server, pictures, collection.queries, arguments.depth, arguments.every)
        if is_new:
            names = sorted(recorder.ids)
            recorder.label([*collection.database, *names[:100]])
        recorded = recorder.record(collection.modes)
    if not collection.indexing:
        first = pictures / collection.queries[0]["query"]
        second = pictures / collection.database[0]
        lines = [
            ["count"], ["list", "--limit", "5"], ["refused"], ["collections"], ["nothing"],
            ["search", first, "--limit", "5"], ["search", first, "--verified", "--no-expand"],
            ["compare", first, second], ["duplicates", "--limit", "5"], ["search", "missing.jpg"],
        ]
        recorded["commands"] = {
            f"{' '.join(map(str, line[:1] + line[2:]))} #{i}": command(arguments.resight, *line, "--data", folder)
            for i, line in enumerate(lines)
        }
    print(f"recorded {collection.name}: {len(recorder.ids)} pictures, "
          f"{len(collection.queries)} queries, {time.monotonic() - begun:.0f} s", flush=True)
    return recorded


def record(arguments):
    sets = sorted(p for p in arguments.sets.iterdir() if (p / "groundtruth.json").exists())
    if not sets:
        raise SystemExit(f"{arguments.sets} has no sets")
    photos = arguments.distractors
    collections = [Collection(path.name, path, photos) for path in sets]
    small = next((path for path in sets if path.name == "copies_synth"), sets[0])
    plugin = ["--plugin", str(PLUGIN), "--python", arguments.python]
    local = ["--extractor", "corners"]
    collections += [
        Collection("likeness", small, photos, ["--model", "colours"], [], ["similar", "exact"], 60),
        Collection("corners", small, photos, local, local, [], 60),
    ]
    can_plug = subprocess.run([arguments.python, "-c", "import cv2, numpy"], capture_output=True)
    if can_plug.returncode == 0:
        collections.append(Collection("plugin", small, photos, plugin, plugin, [], 60))
    else:
        print(f"SKIPPED: the plug-in collection, as {arguments.python} has no OpenCV with NumPy")
    if arguments.only:
        collections = [c for c in collections if c.name in arguments.only]
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        data = (arguments.data or work / "data").absolute()
        data.mkdir(parents=True, exist_ok=True)
        models = data / "models"
        small_onnx.install(arguments.resight, models, work)
        answers = {c.name: record_collection(arguments, c, data, models) for c in collections}
    arguments.out.write_text(json.dumps(answers, separators=(",", ":")))
    searches = sum(len(asked) for c in answers.values() for asked in c["queries"].values())
    print(json.dumps({"collections": len(answers), "answers": searches, "digest": digest(answers)}))


def differences(one, other, where=()):
    """(path, what the first has, what the second has) of each place where they differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=str):
            missing = "(missing)"
            yield from differences(one.get(key, missing), other.get(key, missing), (*where, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other)):
            yield from differences(*pair, (*where, i))
    elif one != other or type(one) is not type(other):
        yield where, one, other


def compare(one, other):
    one, other = (json.loads(pathlib.Path(path).read_text()) for path in (one, other))
    count, collections = 0, {}
    for where, before, after in differences(one, other):
        count += 1
        collections[where[0] if where else ""] = collections.get(where[0] if where else "", 0) + 1
        if count <= SHOWN:
            print(" / ".join(map(str, where)), ":", str(before)[:200], "→", str(after)[:200])
    if count > SHOWN:
        print(f"… and {count - SHOWN} more")
    searches = sum(len(asked) for c in one.values() for asked in c["queries"].values())
    print("identical" if not count else "different")
    print(json.dumps({"identical": not count, "differences": count, "by_collection": collections,
                      "collections": len(one), "answers": searches}))
    return 1 if count else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compare", nargs=2, metavar="FILE")
    parser.add_argument("--resight", default=str(ROOT / "target/release/resight"))
    parser.add_argument("--sets", type=pathlib.Path, help="folder of ground-truth sets")
    parser.add_argument("--distractors", type=pathlib.Path, help="folder of other photographs")
    parser.add_argument("--data", type=pathlib.Path, help="data folders, made or opened, and kept")
    parser.add_argument("--out", type=pathlib.Path, help="the recording")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the plug-in")
    parser.add_argument("--only", nargs="*", help="these collections alone")
    parser.add_argument("--every", type=int, default=4, help="queries that are asked in all ways")
    parser.add_argument("--depth", type=int, default=100, help="hits of which the evidence is kept")
    arguments = parser.parse_args()
    if arguments.compare:
        return compare(*arguments.compare)
    if not (arguments.sets and arguments.distractors and arguments.out):
        parser.error("--sets, --distractors and --out are needed, or --compare")
    os.environ.pop("RESIGHT_DATA", None)
    return record(arguments)


if __name__ == "__main__":
    sys.exit(main())
