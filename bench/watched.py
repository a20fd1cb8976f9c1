"""A watched folder at work: files that come, move and go, and a root that vanishes, while searches run.

    python3 bench/watched.py [--resight target/release/resight] [--files 10000] [--away 10] [--keep FOLDER]

Needs Python alone. Serves an empty folder with rules that prune, and uploads pictures of its own. Then --files different
pictures are dropped into the folder, some under names of unfinished files first; a quarter of its folders and a tenth of
the files are renamed or moved; a tenth of the files is deleted; the folder goes away, an empty one takes its place as a
mount point does, and it comes back. Two clients search all the time, by uploads and by files that are there.

After each step it waits until the server has nothing to do, and compares `resight export` with the disk: every file's
path with the id that its content had from the beginning, tags that were given meanwhile, every upload, and nothing else.
The last line is JSON; the exit status is 1 where something differs or a search failed.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib

from served_binary import ServedBinary

UPLOADS = 20
A_FOLDER = 100


def picture(seed, width=128, height=96):
    """A PNG of random boxes, different for each seed."""
    chance = random.Random(seed)
    ground = bytes(chance.randrange(60, 200) for _ in range(3)) * width
    rows = [bytearray(ground) for _ in range(height)]
    for _ in range(50):
        left, top = chance.randrange(width - 4), chance.randrange(height - 4)
        right, bottom = min(width, left + chance.randrange(3, 30)), min(height, top + chance.randrange(3, 30))
        line = bytes(chance.randrange(256) for _ in range(3)) * (right - left)
        for row in rows[top:bottom]:
            row[3 * left : 3 * right] = line

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Server(ServedBinary):
    def __init__(self, program, work, watched):
        self.program, self.data = program, work / "data"
        super().__init__(program, str(self.data), "--prune", str(watched), log=(work / "log").open("w"))

    def ask(self, path, data=None, kind=None, method=None):
        request = urllib.request.Request(self.url(path), data, {"content-type": kind} if kind else {}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def post_json(self, path, body, method="POST"):
        return self.ask(path, json.dumps(body).encode(), "application/json", method)

    def exported(self):
        command = [self.program, "--data", str(self.data), "--quiet", "export"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        lines = [json.loads(line) for line in lines]
        assert lines[-1]["record"] == "end", "the export was cut short"
        return [line for line in lines if line["record"] == "picture"]

    def state(self):
        return self.ask("/v1/folders")["folders"][0]["state"]


class Searches(threading.Thread):
    """Searches until it is told to stop."""

    def __init__(self, server, queries):
        super().__init__(daemon=True)
        self.server, self.queries = server, queries
        self.answered = self.busy = self.found = 0
        self.failures = []
        self.ends = threading.Event()

    def run(self):
        chance = random.Random(id(self))
        while not self.ends.is_set():
            query, expected = chance.choice(self.queries)
            try:
                found = self.server.ask("/v1/search?limit=1&verified_only=true", query, "image/png")
            except urllib.error.HTTPError as error:
                if error.code == 503:
                    self.busy += 1
                    time.sleep(1)
                else:
                    self.failures.append(f"{error.code}: {error.read()[:200]!r}")
            except OSError as error:
                self.failures.append(repr(error))
                time.sleep(1)
            else:
                self.answered += 1
                # An upload is there from the beginning to the end.
                if found["hits"] and found["hits"][0]["image"]["id"] == expected:
                    self.found += 1
                else:
                    self.failures.append(f"{expected} is not found")


class Run:
    def __init__(self, given):
        self.given = given
        self.work = pathlib.Path(given.keep or tempfile.mkdtemp(prefix="resight-watched-"))
        self.work.mkdir(exist_ok=True)
        self.watched = self.work / "watched"
        self.watched.mkdir()
        self.server = Server(given.resight, self.work, self.watched)
        #: Of each path the name that its content had first, of that the id, and the tags of an id.
        self.contents, self.ids, self.tags, self.uploads = {}, {}, {}, {}
        self.steps, self.wrong = [], []
        self.begun = time.monotonic()

    def files(self):
        return {str(path) for path in self.watched.rglob("*.png")}

    def settle(self, paths, longest):
        """Waits until the catalogue has as many pictures as there should be and no job is left, for a while."""
        expected, until, calm = len(paths) + len(self.uploads), time.monotonic() + longest, 0
        while calm < 3 and time.monotonic() < until:
            jobs = self.server.ask("/v1/jobs?state=queued&state=running")["total"]
            count = self.server.ask("/v1/count")["count"]
            is_calm = jobs == 0 and count == expected and self.listed() == paths
            calm = calm + 1 if is_calm else 0
            time.sleep(1)

    def listed(self):
        return {path for one in self.server.exported() for path in one["paths"]}

    def step(self, name, paths=None, longest=1800):
        """Waits for the server, and compares what it has with what is there."""
        paths = self.files() if paths is None else paths
        self.settle(paths, longest)
        pictures = self.server.exported()
        by_path = {path: one["id"] for one in pictures for path in one["paths"]}
        missing, extra = paths - set(by_path), set(by_path) - paths
        known = {path: self.ids.get(self.contents[path]) for path in paths}
        exchanged = [path for path in paths & set(by_path) if known[path] not in (None, by_path[path])]
        for path in paths & set(by_path):
            self.ids.setdefault(self.contents[path], by_path[path])
        there = {one["id"]: one["tags"] for one in pictures}
        lost_uploads = [id for id in self.uploads if id not in there]
        kept = {self.ids[self.contents[path]] for path in paths if self.contents[path] in self.ids}
        lost_tags = [id for id, tag in self.tags.items() if id in kept | set(self.uploads) and tag not in there.get(id, [])]
        strays = set(there) - kept - set(self.uploads)
        figures = {
            "step": name, "files": len(paths), "pictures": len(pictures), "missing": len(missing), "extra": len(extra),
            "other_id": len(exchanged), "lost_uploads": len(lost_uploads), "lost_tags": len(lost_tags),
            "strays": len(strays), "seconds": round(time.monotonic() - self.begun),
        }  # fmt: skip
        self.begun = time.monotonic()
        self.steps.append(figures)
        if any(figures[key] for key in ("missing", "extra", "other_id", "lost_uploads", "lost_tags", "strays")):
            self.wrong.append(name)
        print(json.dumps(figures), flush=True)

    def until_state(self, wanted, longest=120):
        until = time.monotonic() + longest
        while (state := self.server.state()) not in wanted:
            if time.monotonic() > until:
                self.wrong.append(f"the folder is {state} and not {' or '.join(wanted)}")
                return
            time.sleep(0.2)

    def upload(self):
        queries = []
        for seed in range(UPLOADS):
            content = picture(10**9 + seed)
            id = self.server.ask(f"/v1/images?name=upload-{seed}&tag=own", content, "image/png")["id"]
            self.uploads[id] = content
            self.tags[id] = "own"
            queries.append((content, id))
        return queries

    def drop(self):
        chance = random.Random(1)
        for number in range(self.given.files):
            folder = self.watched / f"{number // A_FOLDER:03}"
            folder.mkdir(exist_ok=True)
            path = folder / f"{number:05}.png"
            self.contents[str(path)] = number
            content = picture(number)
            way = chance.randrange(3)
            if way == 0:
                path.write_bytes(content)
            elif way == 1:
                part = path.with_name(path.name + ".part")
                part.write_bytes(content)
                part.rename(path)
            else:
                # As a slow copy: under its own name from the beginning.
                with path.open("wb") as file:
                    file.write(content[: len(content) // 2])
                    file.flush()
                    if number % 50 == 0:
                        time.sleep(0.05)
                    file.write(content[len(content) // 2 :])

    def label(self):
        """Tags some of the files, each by its id."""
        chosen = random.Random(2).sample(sorted(self.ids.items()), min(300, len(self.ids)))
        for _, id in chosen:
            self.server.post_json(f"/v1/images/{id}", {"add_tags": ["marked"]}, "PATCH")
            self.tags[id] = "marked"

    def moved(self, old, new):
        old.rename(new)
        before = {path: content for path, content in self.contents.items() if path.startswith(f"{old}/") or path == str(old)}
        for path, content in before.items():
            del self.contents[path]
            self.contents[str(new) + path[len(str(old)) :]] = content

    def rename(self):
        chance = random.Random(3)
        folders = sorted(self.watched.iterdir())
        for folder in chance.sample(folders, len(folders) // 4):
            self.moved(folder, folder.with_name(f"album-{folder.name}"))
        folders = sorted(self.watched.iterdir())
        files = sorted(self.files())
        for path in map(pathlib.Path, chance.sample(files, len(files) // 10)):
            to = chance.choice([path.parent, chance.choice(folders)])
            self.moved(path, to / f"moved-{path.name}")

    def delete(self):
        files = sorted(self.files())
        for path in random.Random(4).sample(files, len(files) // 10):
            os.remove(path)
            del self.contents[path]

    def vanish(self):
        """Takes the folder away; returns the paths that must stay listed."""
        paths, elsewhere = self.files(), self.work / "elsewhere"
        self.watched.rename(elsewhere)
        self.until_state(["gone"])
        time.sleep(self.given.away)
        self.step("the folder is away", paths, 30)
        # An empty mount point.
        self.watched.mkdir()
        time.sleep(self.given.away)
        self.step("an empty folder is in its place", paths, 30)
        self.watched.rmdir()
        self.until_state(["gone"])
        elsewhere.rename(self.watched)
        self.until_state(["watching", "polling"])
        self.step("the folder is back")

    def all(self):
        queries = self.upload()
        self.until_state(["watching", "polling"])
        searches = [Searches(self.server, queries) for _ in range(2)]
        for one in searches:
            one.start()
        self.drop()
        self.step("dropped")
        self.label()
        self.rename()
        self.step("renamed")
        self.delete()
        self.step("a tenth deleted")
        self.vanish()
        for one in searches:
            one.ends.set()
            one.join()
        failures = [failure for one in searches for failure in one.failures]
        for failure in sorted(set(failures))[:10]:
            print(failure, file=sys.stderr)
        refused = len(self.server.ask("/v1/refused?limit=1000")["refused"])
        status = self.server.stop()
        verify = subprocess.run([self.given.resight, "--data", str(self.server.data), "verify", "--quiet"], check=False)
        if failures or refused or status or verify.returncode:
            self.wrong.append("searches, refused files, the server's end or verify")
        return {
            "files": self.given.files, "steps": self.steps,
            "searches": sum(one.answered for one in searches), "found": sum(one.found for one in searches),
            "busy": sum(one.busy for one in searches), "failed_searches": len(failures), "refused_files": refused,
            "verify": verify.returncode, "wrong": self.wrong,
        }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--away", type=float, default=10, help="seconds that the folder stays away")
    parser.add_argument("--keep", help="a folder for all of it, which is kept")
    given = parser.parse_args()
    run = Run(given)
    try:
        told = run.all()
    finally:
        run.server.process.kill()
        if not given.keep:
            shutil.rmtree(run.work, ignore_errors=True)
    print(json.dumps(told))
    return 1 if told["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
