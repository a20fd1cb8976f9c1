"""How the server bears load: many connections, ten times more requests than it can serve, and a long mixed run.

    bench/run load.py [--resight target/release/resight] [--pictures 400] [--minutes 30] [--clients 64]
        [--only connections overload soak beside] [--peer NAME=PORT[/PATH] ...]

Generates pictures, serves them with --memory 1024 and a plug-in, and measures from this machine, so that client and
server share its cores.

connections: 64, 500, 1,000 and 2,000 open connections that do nothing; how long /healthz and a search take beside
them, and how many were refused or closed for a newer one.
overload: clients in a closed loop, as many as cores and then ten times the places there are; searches answered a
second, the share refused with 503, how long answered and refused ones took, and /healthz meanwhile.
soak: adds, searches, deletions, label changes, files fetched and plug-in calls of which some crash their worker, for
--minutes, by --clients. Memory of the server is read every five seconds: its median in each sixth of the time.
beside: the same plain GET of /livez here, and of what each --peer serves (nginx, or a plain axum): by as many clients as
cores, by ten times the places there are, and beside 2,000 idle connections, so that a latency can be told from the
machine's own. No run beside a peer is recorded yet.
"""

import argparse
import asyncio
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

PLUGIN = """
import os

def double(n: int):
    return 2 * n

def crash():
    os.abort()
"""


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None


def milliseconds(seconds):
    return None if seconds is None else round(1000 * seconds, 1)


def picture(seed):
    """A JPEG of random boxes and discs in several sizes, with enough corners to be found again."""
    rng = np.random.default_rng(seed)
    pixels = np.full((360, 480, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(160):
        x, y, w, h = rng.integers(0, 470), rng.integers(0, 350), rng.integers(4, 70), rng.integers(4, 70)
        pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


class Client:
    """One kept connection. Requests are written by hand, so that the client costs little."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None

    async def ask(self, method, path, body=b"", kind="image/jpeg"):
        """(status, body); a connection that was closed meanwhile is opened again once."""
        for attempt in (0, 1):
            try:
                if self.writer is None:
                    await self.open()
                about = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if body else ""
                head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{about}\r\n"
                self.writer.write(head.encode() + body)
                await self.writer.drain()
                status = int((await self.reader.readuntil(b"\r\n")).split()[1])
                head = (await self.reader.readuntil(b"\r\n\r\n")).lower() if status else b""
                fields = dict(line.split(b": ", 1) for line in head.strip().split(b"\r\n") if b": " in line)
                if b"chunked" in fields.get(b"transfer-encoding", b""):
                    answer = b""
                    while size := int(await self.reader.readuntil(b"\r\n"), 16):
                        answer += await self.reader.readexactly(size)
                        await self.reader.readexactly(2)
                    await self.reader.readexactly(2)
                else:
                    answer = await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
                if fields.get(b"connection") == b"close":
                    self.close()
                return status, answer
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if attempt:
                    raise


class Server:
    def __init__(self, resight, work, pictures):
        self.folder = work / "pictures"
        if not self.folder.exists():
            self.folder.mkdir()
            for i in range(pictures):
                (self.folder / f"{i:05}.jpg").write_bytes(picture(i))
        (work / "load.py").write_text(PLUGIN)
        command = [resight, "--data", work / "data", "--memory", "1024", "--json", "serve", self.folder, "--listen", "127.0.0.1:0",
                   "--plugin", work / "load.py", "--workers", "2"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(work / "log", "wb"), text=True)
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "serving":
                self.port = int(event["url"].rsplit(":", 1)[1])
            # The folder is indexed while the server answers.
            if event["event"] == "job" and event["job"]["state"] == "done":
                break
        else:
            raise SystemExit(f"the server did not start: {(work / 'log').read_text()[-2000:]}")

    def memory(self):
        """MiB of the server's process, without its workers."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


async def probe(client, path, times, until, pause=0.05):
    """Asks for a path again and again; appends how long each answer took."""
    while time.perf_counter() < until:
        begun = time.perf_counter()
        status, _ = await client.ask("GET", path)
        times.append((status, time.perf_counter() - begun))
        await asyncio.sleep(pause)


async def probe_apart(port, path, seconds):
    """The same by a process of its own, which does not wait for the many clients of this one: (status, seconds) of each."""
    command = [sys.executable, __file__, "--probe", str(port), path, str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return json.loads(out)


async def probe_alone(port, path, seconds):
    times = []
    await probe(Client(port), path, times, time.perf_counter() + seconds)
    print(json.dumps(times))


async def connections(server):
    found = {}
    for count in (64, 500, 1000, 2000):
        idle, refused = [], 0
        for _ in range(count):
            try:
                idle.append(await asyncio.wait_for(asyncio.open_connection("127.0.0.1", server.port), 10))
            except (OSError, asyncio.TimeoutError):
                refused += 1
        health, searches = [], []
        query = picture(3)
        until = time.perf_counter() + 5
        watching = asyncio.create_task(probe(Client(server.port), "/healthz", health, until))
        client = Client(server.port)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            status, _ = await client.ask("POST", "/v1/search?limit=5", query)
            searches.append((status, time.perf_counter() - begun))
        await watching
        closed = sum(reader.at_eof() for reader, _ in idle)
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.5)
        found[str(count)] = {
            "refused": refused, "closed_for_others": closed,
            "health_p99_ms": milliseconds(percentile([t for s, t in health if s == 200], 0.99)),
            "searches": len(searches), "not_200": sum(s != 200 for s, _ in searches) + sum(s != 200 for s, _ in health),
            "search_p50_ms": milliseconds(percentile([t for s, t in searches if s == 200], 0.5)),
            "memory_mib": round(server.memory()),
        }
        print(count, found[str(count)], flush=True)
    return found


async def closed_loop(server, clients, seconds, queries):
    answered, refused, other = [], [], []
    until = time.perf_counter() + seconds

    async def loop(number):
        client, at = Client(server.port), number
        while time.perf_counter() < until:
            at += 1
            begun = time.perf_counter()
            try:
                status, _ = await client.ask("POST", "/v1/search?limit=5", queries[at % len(queries)])
            except (ConnectionError, OSError, asyncio.IncompleteReadError):
                status = 0
            took = time.perf_counter() - begun
            (answered if status == 200 else refused if status == 503 else other).append(took if status in (200, 503) else status)
            if status != 200:
                await asyncio.sleep(0.2)

    watching = asyncio.create_task(probe_apart(server.port, "/healthz", seconds))
    await asyncio.gather(*(loop(i) for i in range(clients)))
    health = await watching
    return {
        "clients": clients, "searches_a_second": round(len(answered) / seconds, 2), "refused": len(refused), "other": len(other),
        "p50_ms": milliseconds(percentile(answered, 0.5)), "p99_ms": milliseconds(percentile(answered, 0.99)),
        "refused_p99_ms": milliseconds(percentile(refused, 0.99)),
        "health_p99_ms": milliseconds(percentile([t for s, t in health if s == 200], 0.99)), "health_failed": sum(s != 200 for s, _ in health),
        "memory_mib": round(server.memory()),
    }


async def overload(server, seconds):
    queries = [picture(i) for i in range(40)]
    places = (os.cpu_count() or 1) + 64
    found = {}
    for name, clients in (("as_many_as_cores", os.cpu_count() or 1), ("ten_times_the_places", 10 * places)):
        found[name] = await closed_loop(server, clients, seconds, queries)
        print(name, found[name], flush=True)
    return found


async def soak(server, minutes, clients):
    until = time.perf_counter() + 60 * minutes
    counts, memory, files, times = {}, [], [], {}
    added = []

    async def one(client, rng):
        what = rng.choices(["search", "add", "delete", "label", "file", "list", "call", "crash"], [30, 12, 10, 8, 12, 10, 17, 1])[0]
        if what == "search":
            return what, await client.ask("POST", "/v1/search?limit=5", picture(rng.randrange(400)))
        if what == "add":
            status, body = await client.ask("POST", "/v1/images?tag=soak", picture(rng.randrange(10**9)))
            if status == 201:
                added.append(json.loads(body)["id"])
            return what, (status, body)
        if what == "call":
            return what, await client.ask("GET", "/v1/plugins/load/double?n=21")
        if what == "crash":
            return what, await client.ask("GET", "/v1/plugins/load/crash")
        if what == "list" or not added:
            return "list", await client.ask("GET", f"/v1/images?offset={rng.randrange(300)}&limit=20")
        at = rng.randrange(len(added))
        if what == "delete":
            added[at], added[-1] = added[-1], added[at]
            return what, await client.ask("DELETE", f"/v1/images/{added.pop()}")
        if what == "label":
            return what, await client.ask("PATCH", f"/v1/images/{added[at]}", b'{"add_tags": ["seen"]}', "application/json")
        return what, await client.ask("GET", f"/v1/images/{added[at]}/file")

    async def loop(number):
        client, rng = Client(server.port), random.Random(number)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            what, (status, _) = await one(client, rng)
            times.setdefault(what, []).append(time.perf_counter() - begun)
            counts[f"{what} {status}"] = counts.get(f"{what} {status}", 0) + 1

    async def watch():
        while time.perf_counter() < until:
            memory.append(server.memory())
            files.append(server.files())
            await asyncio.sleep(5)

    await asyncio.gather(*(loop(i) for i in range(clients)), watch())
    sixth = max(1, len(memory) // 6)
    parts = [memory[at : at + sixth] for at in range(0, sixth * 6, sixth)]
    found = {
        "minutes": minutes, "clients": clients, "answers": counts, "stored": len(added),
        "memory_by_sixth_mib": [round(percentile(part, 0.5)) for part in parts if part],
        "memory_most_mib": round(max(memory)), "files_most": max(files), "files_last": files[-1],
        "p50_ms": {what: milliseconds(percentile(all_, 0.5)) for what, all_ in times.items()},
        "p99_ms": {what: milliseconds(percentile(all_, 0.99)) for what, all_ in times.items()},
    }
    print("soak", found, flush=True)
    return found


async def plain(port, path, clients, seconds):
    """Clients that GET one path again and again, each on a connection it keeps."""
    took, other = [], {}
    until = time.perf_counter() + seconds

    async def loop():
        client = Client(port)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            try:
                status, _ = await client.ask("GET", path)
            except (OSError, asyncio.IncompleteReadError):
                status = 0
            if status == 200:
                took.append(time.perf_counter() - begun)
            else:
                other[status] = other.get(status, 0) + 1
                await asyncio.sleep(0.2)
        client.close()

    watching = asyncio.create_task(probe_apart(port, path, seconds))
    await asyncio.gather(*(loop() for _ in range(clients)))
    apart = [t for s, t in await watching if s == 200]
    return {
        "clients": clients, "a_second": round(len(took) / seconds), "other": other, "p50_ms": milliseconds(percentile(took, 0.5)),
        "p99_ms": milliseconds(percentile(took, 0.99)), "apart_p50_ms": milliseconds(percentile(apart, 0.5)),
        "apart_p99_ms": milliseconds(percentile(apart, 0.99)),
    }


async def beside(server, peers, seconds):
    """Resight's /livez, and the same of the peers, one after another."""
    asked = {"resight": (server.port, "/livez"), **peers}
    places = (os.cpu_count() or 1) + 64
    found = {}
    for name, (port, path) in asked.items():
        idle, refused = [], 0
        found[name] = {"few": await plain(port, path, os.cpu_count() or 1, seconds), "many": await plain(port, path, 10 * places, seconds)}
        for _ in range(2000):
            try:
                idle.append(await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 10))
            except (OSError, asyncio.TimeoutError):
                refused += 1
        found[name]["beside_idle"] = await plain(port, path, os.cpu_count() or 1, seconds)
        found[name]["idle"] = {"refused": refused, "closed": sum(reader.at_eof() for reader, _ in idle)}
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.5)
        print(name, found[name], flush=True)
    return found


def peer(text):
    name, at = text.split("=", 1)
    port, _, path = at.partition("/")
    return name, (int(port), f"/{path}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seconds", type=float, default=20, help="of each step of overload")
    parser.add_argument("--only", nargs="*", choices=["connections", "overload", "soak", "beside"], default=["connections", "overload", "soak"])
    parser.add_argument("--clients", type=int, default=8, help="of the soak")
    parser.add_argument("--peer", type=peer, action="append", default=[], help="NAME=PORT[/PATH] of another server, for beside")
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    server = Server(pathlib.Path(arguments.resight).resolve(), work, arguments.pictures)
    found = {}
    try:
        if "connections" in arguments.only:
            found["connections"] = asyncio.run(connections(server))
        if "overload" in arguments.only:
            found["overload"] = asyncio.run(overload(server, arguments.seconds))
        if "soak" in arguments.only:
            found["soak"] = asyncio.run(soak(server, arguments.minutes, arguments.clients))
        if "beside" in arguments.only:
            found["beside"] = asyncio.run(beside(server, dict(arguments.peer), arguments.seconds))
        verified = None
    finally:
        server.stop()
        verified = subprocess.run([arguments.resight, "--data", work / "data", "--json", "verify"], capture_output=True, text=True)
    found["verify_exit_code"] = verified.returncode
    shutil.rmtree(work)
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        asyncio.run(probe_alone(int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
    else:
        main()
