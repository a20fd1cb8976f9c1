"""A live server. RESIGHT names the program; without it the tests that need one are skipped, and say so."""

import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import zlib
from typing import Callable, Iterator, List, Optional

import pytest

from resight_client import Client


def png(seed: int, width: int = 320, height: int = 240) -> bytes:
    """A picture of random boxes, with enough corners to be found again."""
    chance = random.Random(seed)
    rows = [bytearray(bytes(chance.randrange(60, 200) for _ in range(3)) * width) for _ in range(1)] * height
    rows = [bytearray(row) for row in rows]
    for _ in range(140):
        left, top = chance.randrange(width - 4), chance.randrange(height - 4)
        right, bottom = min(width, left + chance.randrange(4, 60)), min(height, top + chance.randrange(4, 60))
        colour = bytes(chance.randrange(256) for _ in range(3))
        for row in rows[top:bottom]:
            row[3 * left : 3 * right] = colour * (right - left)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Server:
    """`resight serve` with a data folder of its own."""

    def __init__(self, program: str, work: pathlib.Path, options: Optional[List[str]] = None) -> None:
        self.program, self.work = program, work
        self.allowed = work / "allowed"
        self.allowed.mkdir(exist_ok=True)
        command = [program, "--data", str(work / "data"), "--json", "serve", "--listen", "127.0.0.1:0"]
        command += ["--allow-folder", str(self.allowed), "--allow-backup", str(work), *(options or [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        self.url = ""
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "serving":
                self.url = event["url"]
                break
        assert self.url, "the server did not start"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(scope="session")
def program() -> str:
    path = os.environ.get("RESIGHT")
    if not path:
        pytest.skip("SKIPPED: RESIGHT names no program, as RESIGHT=target/debug/resight would")
    return str(pathlib.Path(path).resolve())


@pytest.fixture(scope="session")
def serve(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers."""
    running: List[Server] = []

    def start(prepare: Optional[Callable[[pathlib.Path], None]] = None, options: Optional[List[str]] = None) -> Server:
        work = tmp_path_factory.mktemp("server")
        if prepare:
            prepare(work)
        running.append(Server(program, work, options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    return serve()


@pytest.fixture
def resight(server: Server) -> Iterator[Client]:
    """A client of an empty server."""
    with Client(server.url) as client:
        for picture in client.images():
            client.delete(picture.id)
        yield client
