#!/usr/bin/env python3
"""The built program with its catalogue in PostgreSQL and its blobs in S3, beside the same pictures embedded.

    . FOLDER/environment        # what tests/install has written
    crates/resight-cluster/tests/program.py target/debug/resight

Needs a program that was built with --features cluster. Fails at the first thing that is not as it should be.
"""

import contextlib
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib

RESIGHT = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else sys.exit(__doc__)
KEY, SECRET, PASSWORD = "resight-test", secrets.token_hex(16), secrets.token_hex(16)
PICTURES, QUERIES = 24, 6
# What differs from run to run and from folder to folder, and is no part of an answer.
TIMES = {"took_ms", "timings", "added"}


def said(what: str) -> None:
    print(f"ok: {what}", flush=True)


def check(condition: object, what: str) -> None:
    if not condition:
        sys.exit(f"FAILED: {what}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


# Pictures


def png(width: int, height: int, pixels: bytes) -> bytes:
    rows = b"".join(b"\0" + pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def scene(seed: int, width: int = 320, height: int = 240) -> bytes:
    """Pixels of overlapping rectangles. Neighbouring seeds share some, so that pictures are like one another."""
    drawn, pixels = random.Random(seed), bytearray(b"\xc8" * (3 * width * height))
    shared = random.Random(seed // 3)
    for number in range(240):
        source = shared if number < 60 else drawn
        left, top = source.randrange(width), source.randrange(height)
        across, down = source.randrange(6, 50), source.randrange(6, 50)
        row = bytes(source.randrange(256) for _ in range(3)) * min(across, width - left)
        for y in range(top, min(height, top + down)):
            at = 3 * (y * width + left)
            pixels[at : at + len(row)] = row
    return bytes(pixels)


def cropped(pixels: bytes, width: int = 320) -> bytes:
    left, top, across, down = 60, 40, 200, 150
    rows = (pixels[3 * (width * y + left) : 3 * (width * y + left + across)] for y in range(top, top + down))
    return png(across, down, b"".join(rows))


# Servers


class Process:
    """A program that ends with this one."""

    def __init__(self, command: list, log: pathlib.Path, **options: object):
        self.log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **options)

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(how)
        self.child.wait(60)


class Seaweed(Process):
    PORTS = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
             "s3.port", "s3.port.grpc"]

    def __init__(self, folder: pathlib.Path):
        self.weed, self.ports = os.environ["RESIGHT_TEST_WEED"], {name: free_port() for name in self.PORTS}
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        identity = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                    "actions": ["Admin", "Read", "Write", "List"]}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        options = [f"-{name}={port}" for name, port in self.ports.items()]
        super().__init__(
            [self.weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}/data", "-master.telemetry=false",
             "-filer", "-s3", f"-s3.config={folder}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0",
             "-master.volumeSizeLimitMB=64", "-volume.max=200", *options],
            folder / "log", cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
        self.endpoint = f"http://127.0.0.1:{self.ports['s3.port']}"
        deadline = time.monotonic() + 120
        while "pictures" not in self.shell("s3.bucket.list"):
            check(time.monotonic() < deadline, "the object store does not start")
            time.sleep(0.5)
            self.shell("s3.bucket.create -name pictures")

    def shell(self, command: str) -> str:
        master = f"-master=127.0.0.1:{self.ports['master.port']}.{self.ports['master.port.grpc']}"
        try:
            done = subprocess.run([self.weed, "shell", master], input=command + "\n", text=True, timeout=20,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout

    def clean(self) -> None:
        for port in self.ports.values():
            for socket_file in pathlib.Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket_file.unlink(missing_ok=True)


class Postgres:
    def __init__(self, folder: pathlib.Path):
        self.programs, self.folder, self.port = pathlib.Path(os.environ["RESIGHT_TEST_POSTGRES_BIN"]), folder, free_port()
        folder.mkdir()
        folder.chmod(0o777)
        # It refuses to run as root.
        self.other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run([*self.other, self.programs / "initdb", "-U", "resight", "-A", "scram-sha-256", f"--pwfile={secret}",
                        "-E", "UTF8", "--locale=C", "-D", folder / "data"], check=True, stdout=subprocess.DEVNULL)
        self.address = f"postgres://resight@127.0.0.1:{self.port}/postgres"
        self.start()

    def start(self) -> None:
        self.process = Process(
            [*self.other, self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1"], self.folder / "log")
        deadline = time.monotonic() + 60
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready).returncode != 0:
            check(time.monotonic() < deadline, "PostgreSQL does not start")
            time.sleep(0.2)


# The program


class Resight:
    """Commands and a server of one data folder. Credentials come from the environment, addresses from the file."""

    def __init__(self, data: pathlib.Path, catalogue: str = "", blobs: str = ""):
        self.data, self.server = data, None
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("RESIGHT_", "AWS_", "PG"))}
        if catalogue:
            data.mkdir()
            (data / "resight.toml").write_text(f'catalogue = "{catalogue}"\nblobs = "{blobs}"\n')
            self.env |= {"PGPASSWORD": PASSWORD, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        command = [RESIGHT, *map(str, arguments), "--data", str(self.data), "--json"]
        return subprocess.run(command, env=self.env, text=True, capture_output=True, timeout=300)

    def json(self, *arguments: object) -> dict:
        done = self.run(*arguments)
        check(done.returncode == 0, f"{arguments}: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def refusal(self, *arguments: object) -> str:
        """The code of the error that a command ends with."""
        done = self.run(*arguments)
        check(done.returncode != 0, f"{arguments} is not refused: {done.stdout}")
        check(PASSWORD not in done.stderr and SECRET not in done.stderr, f"{arguments} tells a secret")
        return json.loads(done.stderr.splitlines()[-1])["error"]["code"]

    def serve(self) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/v1"
        self.server = Process([RESIGHT, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{port}"],
                              self.data / "server.log", env=self.env)
        deadline = time.monotonic() + 120
        while self.ask("GET", "/count")[0] != 200:
            check(self.server.child.poll() is None, f"the server ended: {self.server.log.read_text()}")
            check(time.monotonic() < deadline, "the server does not answer")
            time.sleep(0.2)

    def ask(self, method: str, path: str, body: bytes = None, headers: dict = {}) -> tuple:
        if body is not None:
            headers = {"Content-Type": "application/octet-stream", **headers}
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            return 0, str(error).encode()

    def add(self, name: str, picture: bytes) -> str:
        status, body = self.ask("POST", f"/images?name={name}", picture)
        check(status in (200, 201), f"adding {name}: {status} {body!r}")
        return json.loads(body)["id"] if "id" in json.loads(body) else json.loads(body)["image"]["id"]


def plain(value: object) -> object:
    """An answer without what is no part of it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in TIMES}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def answers(program: Resight, queries: list) -> list:
    found = [plain(program.json("search", query, "--limit", 20)) for query in queries]
    check(all(answer["hits"] and answer["hits"][0]["verified"] for answer in found), "a query finds its picture")
    return found


def served_answers(program: Resight, queries: list) -> list:
    found = []
    for query in queries:
        status, body = program.ask("POST", "/search?limit=20", query.read_bytes())
        check(status == 200, f"a search of the server: {status} {body!r}")
        found.append(plain(json.loads(body)))
    return found


def same_answers(root: pathlib.Path, postgres: Postgres, blobs: str) -> tuple:
    pictures, asked = root / "pictures", root / "queries"
    pictures.mkdir()
    asked.mkdir()
    for seed in range(PICTURES):
        (pictures / f"{seed:02}.png").write_bytes(png(320, 240, scene(seed)))
    for seed in range(QUERIES):
        (asked / f"{seed}.png").write_bytes(cropped(scene(4 * seed)))
    queries = sorted(asked.iterdir())
    embedded, outside = Resight(root / "embedded"), Resight(root / "outside", postgres.address, blobs)
    for program in (embedded, outside):
        program.json("index", pictures)
    wanted = answers(embedded, queries)
    check(answers(outside, queries) == wanted, "both answer the same")
    check(answers(outside, queries) == wanted, "both answer the same again")
    check(sum(len(answer["hits"]) for answer in wanted) > 2 * QUERIES, "the answers have more than one hit each")
    kept = {path.name for path in (root / "outside").iterdir()}
    check(not kept & {"catalogue.sqlite3", "blobs"}, f"nothing of the pictures is in the data folder: {kept}")
    said(f"{PICTURES} pictures and {QUERIES} searches: ranking and evidence are those of the embedded stores")
    embedded.serve()
    served = served_answers(embedded, queries)
    embedded.server.kill(signal.SIGTERM)
    return outside, queries, served


def serving(root: pathlib.Path, outside: Resight, queries: list, wanted: list, stores: tuple) -> tuple:
    outside.serve()
    check(served_answers(outside, queries) == wanted, "the servers answer the same")
    new = png(320, 240, scene(1000))
    picture = outside.add("new.png", new)
    outside.server.kill()
    said("the server was killed right after it had acknowledged an upload")
    outside.serve()
    status, body = outside.ask("POST", "/search", cropped(scene(1000)))
    hit = json.loads(body)["hits"][0]
    check(status == 200 and hit["image"]["id"] == picture and hit["verified"], "the upload is found")
    check(outside.ask("GET", f"/images/{picture}/file") == (200, new), "its file is the one that was sent")
    part = outside.ask("GET", f"/images/{picture}/file", headers={"Range": "bytes=100-299"})
    check(part == (206, new[100:300]), "a part of its file is read")
    check(outside.ask("GET", f"/images/{picture}/thumbnail")[1][:2] == b"\xff\xd8", "its thumbnail is read")
    said("after a restart the upload is found, and its file, a part of it and its thumbnail are sent")

    other = Resight(root / "other", *stores)
    check(other.refusal("index", root / "pictures") == "store_locked", "a second writer is refused")
    check(len(answers(other, queries)) == QUERIES, "a second reader is not")
    said("a second data folder may read the catalogue, and not change it, while the server runs")
    return other, picture, new


def trouble(outside: Resight, seaweed: Seaweed, postgres: Postgres, queries: list) -> None:
    def code(answer: tuple) -> tuple:
        return answer[0], json.loads(answer[1]).get("code")

    seaweed.child.send_signal(signal.SIGSTOP)
    refused = code(outside.ask("POST", "/images?name=late.png", png(320, 240, scene(2000))))
    seaweed.child.send_signal(signal.SIGCONT)
    check(refused == (503, "store_unreachable"), f"an upload without the object store: {refused}")
    outside.add("late.png", png(320, 240, scene(2000)))
    postgres.process.kill(signal.SIGINT)
    refused = code(outside.ask("POST", "/images?name=later.png", png(320, 240, scene(2001))))
    check(refused == (503, "store_unreachable"), f"an upload without the database: {refused}")
    postgres.start()
    deadline = time.monotonic() + 60
    while outside.ask("POST", "/images?name=later.png", png(320, 240, scene(2001)))[0] not in (200, 201):
        check(time.monotonic() < deadline, "uploads succeed again")
        time.sleep(0.5)
    check(served_answers(outside, queries)[0]["hits"], "searches go on")
    log = outside.server.log.read_text()
    check(PASSWORD not in log and SECRET not in log, "the log tells a secret")
    said("both servers stopped and came back: uploads were refused as store_unreachable, and succeeded again")


def another_machine(other: Resight, outside: Resight, picture: str, new: bytes, queries: list) -> None:
    outside.server.kill(signal.SIGTERM)
    shutil.rmtree(outside.data)
    other.serve()
    check(other.ask("GET", f"/images/{picture}/file") == (200, new), "another data folder has the upload's file")
    status, body = other.ask("POST", "/search", cropped(scene(1000)))
    check(json.loads(body)["hits"][0]["image"]["id"] == picture, "and finds it")
    check(served_answers(other, queries)[0]["hits"][0]["verified"], "and the rest")
    other.server.kill(signal.SIGTERM)
    said("another data folder goes on where the first was lost")


def commands(other: Resight, root: pathlib.Path) -> None:
    names = lambda: [one["name"] for one in other.json("collections")["collections"]]
    check(other.json("collections", "create", "second")["created"], "a collection is made")
    other.json("index", root / "queries", "--collection", "second")
    check(names() == ["default", "second"], "collections are listed")
    check(other.refusal("collections", "rename", "second", "third") == "outside_store", "renaming is refused")
    check(other.refusal("backup", root / "backup") == "outside_store", "a backup is refused")
    check(other.refusal("restore", root / "backup") == "outside_store", "restoring is refused")
    verified = other.run("verify")
    check(verified.returncode == 0, f"all is right: {verified.stdout}{verified.stderr}")
    other.json("collections", "delete", "second", "--yes")
    check(names() == ["default"], "a collection is removed")
    check(other.json("collections", "create", "second")["created"], "and made again")
    check(other.json("count", "--collection", "second")["count"] == 0, "and is empty then")
    wrong = Resight(root / "wrong", "postgres://resight@127.0.0.1:1/none", "s3://pictures/all")
    check(wrong.refusal("index", root / "queries") == "store_unreachable", "a wrong address is told")
    (other.data / "resight.toml").unlink()
    for command in (["count"], ["index", root / "queries"], ["collections"]):
        check(other.refusal(*command) == "other_stores", "a forgotten option begins nothing new")
    check(not (other.data / "catalogue.sqlite3").exists(), "and makes no catalogue")
    said("collections, verify and what is refused")


def main() -> None:
    for variable in ("RESIGHT_TEST_WEED", "RESIGHT_TEST_POSTGRES_BIN"):
        if variable not in os.environ:
            print(f"SKIPPED: {variable} is not set; see tests/install")
            return
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resight-cluster-")))
        # PostgreSQL runs as another user there.
        root.chmod(0o755)
        postgres = Postgres(root / "postgres")
        stack.callback(lambda: postgres.process.kill(signal.SIGINT))
        seaweed = Seaweed(root / "seaweed")
        stack.callback(seaweed.clean)
        stack.callback(seaweed.kill)
        blobs = f"s3://pictures/all?endpoint={seaweed.endpoint}&timeout=10"
        outside, queries, wanted = same_answers(root, postgres, blobs)
        stack.callback(lambda: outside.server and outside.server.kill())
        other, picture, new = serving(root, outside, queries, wanted, (postgres.address, blobs))
        stack.callback(lambda: other.server and other.server.kill())
        trouble(outside, seaweed, postgres, queries)
        another_machine(other, outside, picture, new, queries)
        commands(other, root)
    print("all as it should be")


if __name__ == "__main__":
    main()
