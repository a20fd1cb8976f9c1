"""A server with a small generated collection, for checks of the API from outside. Standard library alone."""

import json
import pathlib
import random
import signal
import struct
import subprocess
import urllib.request
import zlib


def png(seed, width=240, height=180):
    """A picture of random boxes, with enough corners to be found again."""
    chance = random.Random(seed)
    rows = [bytearray(bytes([90, 120, 150]) * width) for _ in range(height)]
    for _ in range(120):
        left, top = chance.randrange(width - 4), chance.randrange(height - 4)
        right, bottom = min(width, left + chance.randrange(4, 50)), min(height, top + chance.randrange(4, 50))
        colour = bytes(chance.randrange(256) for _ in range(3))
        for row in rows[top:bottom]:
            row[3 * left : 3 * right] = colour * (right - left)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PLUGIN = """
def double(n: int):
    return 2 * n
"""


class Server:
    """`resight serve` on a folder of its own. With `keys` it asks for keys, of which `key` makes some."""

    def __init__(self, resight, work, keys=False):
        self.resight, self.work = str(pathlib.Path(resight).resolve()), pathlib.Path(work)
        self.allowed = self.work / "allowed"
        self.allowed.mkdir(parents=True)
        self.log = self.work / "log"
        (self.work / "checked.py").write_text(PLUGIN)
        self.secrets = {}
        if keys:
            for name, scopes in (("admin", ["admin"]), ("some", ["search", "read"])):
                options = [word for scope in scopes for word in ("--scope", scope)]
                out = self.run("keys", "create", name, *options).stdout
                self.secrets[name] = next(word for word in out.split() if word.startswith("resight_"))
        command = [self.resight, "--data", str(self.work / "data"), "--json", "serve", "--listen", "127.0.0.1:0"]
        command += ["--allow-folder", str(self.allowed), "--plugin", str(self.work / "checked.py"), "--extractor", "sift"]
        command += ["--require-keys"] if keys else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(self.log, "wb"), text=True)
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "serving":
                self.url = event["url"]
                break
        else:
            raise SystemExit(f"the server did not start: {self.log.read_text()[-2000:]}")

    def run(self, *words):
        command = [self.resight, "--data", str(self.work / "data"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True)

    def ask(self, method, path, body=None, kind="application/json", key=None):
        """The answer's JSON."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if body is not None:
            request.add_header("content-type", kind)
        if key:
            request.add_header("authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def fill(self, pictures=8, key=None):
        """Pictures, an object, a second collection, a job and a registered folder; what there is of each."""
        ids = []
        for seed in range(pictures):
            path = f"/v1/images?name={seed}.png&tag=t{seed % 3}" + ("&object=thing" if seed < 3 else "")
            ids.append(self.ask("POST", path, png(seed), "image/png", key)["id"])
        self.ask("PUT", "/v1/collections/other", b"", key=key)
        self.ask("POST", "/v1/collections/other/images", png(0), "image/png", key)
        job = self.ask("POST", "/v1/jobs", b'{"kind": "duplicates"}', key=key)["id"]
        folder = json.dumps({"path": str(self.allowed)}).encode()
        folder = self.ask("POST", "/v1/folders", folder, key=key)["id"]
        return {
            "id": ids, "image_id": ids[:3], "collection": ["default", "other"], "object": ["thing"], "job": [job],
            "folder": [folder], "name": ["checked"], "function": ["double"], "a": ids[:2], "b": ids[2:4],
        }  # fmt: skip

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)
