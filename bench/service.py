"""The server as a service: adds, searches and deletions at once, beside a service of usual parts, and when overloaded.

    bench/run service.py --resight target/release/resight --data ../shared/data [--minutes 10] [--seconds 20]
        [--rounds 5] [--only mixed peers overload]

Clients and server share this machine's cores.

mixed: 64 clients in a closed loop, for --minutes: half searches, the rest additions and deletions of generated pictures,
so that the collection keeps its size. Throughput, how long answers took, refusals, and the server's memory every two
seconds: its median in the last third of the time beside that in the second third.
peers: the same real pictures and queries in Resight and in a FastAPI service with OpenCV's SIFT, 16,384 words by
faiss and TF-IDF (service_peers/fastapi_search.py), a process a core; `words` ranks alone, `verified` matches and
verifies the first 50 by RANSAC, as Resight does with its candidates. Systems take turns, --rounds times --seconds
each. Searches a second: the median of the rounds, and the median of the ratios of each round; recall@1 of each.
overload: as load.py has it, with clients in a closed loop, ten times the places that there are; /healthz meanwhile.

The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import load

HERE = pathlib.Path(__file__).resolve().parent
# What Resight leaves out to do no more than the recipe: looking for mirrored and inverted copies, and asking twice.
PLAIN = "&expand=false&mirrored=false&inverted=false"


class Bank:
    """Generated pictures, each of which is stored or not: additions take one, deletions give one back."""

    def __init__(self, first, count):
        self.pictures = {seed: load.picture(seed) for seed in range(first, first + count)}
        self.absent, self.stored = list(self.pictures), []

    def take(self, rng, some):
        at = rng.randrange(len(some))
        some[at], some[-1] = some[-1], some[at]
        return some.pop()


async def mixed(server, minutes, clients=64):
    bank = Bank(10**6, 1000)
    queries = [load.picture(seed) for seed in range(40)]
    begun_at = time.perf_counter()
    until = begun_at + 60 * minutes
    counts, times, memory = {}, {}, []

    async def one(client, rng):
        what = rng.choices(["search", "add", "delete"], [50, 25, 25])[0]
        if what == "add" and bank.absent:
            seed = bank.take(rng, bank.absent)
            status, body = await client.ask("POST", "/v1/images?tag=mixed", bank.pictures[seed])
            if status in (200, 201):
                bank.stored.append((seed, json.loads(body)["id"]))
            else:
                bank.absent.append(seed)
            return what, status
        if what == "delete" and bank.stored:
            seed, id_ = bank.take(rng, bank.stored)
            status, _ = await client.ask("DELETE", f"/v1/images/{id_}")
            (bank.absent.append(seed) if status == 204 else bank.stored.append((seed, id_)))
            return what, status
        return "search", (await client.ask("POST", "/v1/search?limit=5", queries[rng.randrange(len(queries))]))[0]

    async def loop(number):
        client, rng = load.Client(server.port), random.Random(number)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            what, status = await one(client, rng)
            times.setdefault((what, status < 300), []).append(time.perf_counter() - begun)
            counts[f"{what} {status}"] = counts.get(f"{what} {status}", 0) + 1
            if status in (429, 503):
                await asyncio.sleep(1)

    async def watch():
        while time.perf_counter() < until:
            memory.append(server.memory())
            await asyncio.sleep(2)

    watching = asyncio.create_task(load.probe_apart(server.port, "/healthz", 60 * minutes))
    await asyncio.gather(*(loop(number) for number in range(clients)), watch())
    took = time.perf_counter() - begun_at
    health = await watching
    third = len(memory) // 3
    middle, last = (statistics.median(part) for part in (memory[third : 2 * third], memory[2 * third :]))
    answered = {what: good for (what, is_good), good in times.items() if is_good}
    found = {
        "minutes": minutes, "clients": clients, "answers": counts, "refused": sum(n for name, n in counts.items() if name[-3:] in ("429", "503")),
        "a_second": {what: round(len(all_) / took, 2) for what, all_ in answered.items()},
        "p50_ms": {what: load.milliseconds(load.percentile(all_, 0.5)) for what, all_ in answered.items()},
        "p99_ms": {what: load.milliseconds(load.percentile(all_, 0.99)) for what, all_ in answered.items()},
        "health_p99_ms": load.milliseconds(load.percentile([t for s, t in health if s == 200], 0.99)),
        "memory_second_third_mib": round(middle), "memory_last_third_mib": round(last), "memory_most_mib": round(max(memory)),
        "memory_mib": [round(value) for value in memory[:: max(1, len(memory) // 20)]],
    }  # fmt: skip
    print("mixed", found, flush=True)
    return found


def real_pictures(data, work, distractors, learnt):
    """Folders with the database and with what words are learnt from, and queries with the names of what they show."""
    database, learn = work / "pictures", work / "learn"
    database.mkdir(parents=True)
    learn.mkdir()
    queries = []
    for name in ("smvs_dvd", "copies_synth"):
        truth = json.loads((data / "eval" / name / "groundtruth.json").read_text())
        for picture in truth["database"]:
            (database / f"{name}__{picture}").symlink_to((data / "eval" / name / "images" / picture).resolve())
        step = -(-len(truth["queries"]) // 40)
        for query in truth["queries"][::step]:
            body = (data / "eval" / name / "images" / query["query"]).read_bytes()
            queries.append((body, {f"{name}__{relevant}" for relevant in query["relevant"]}))
    photos = sorted(path for path in (data / "photos").rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in photos[:distractors]:
        (database / path.name).symlink_to(path.resolve())
    for path in photos[distractors : distractors + learnt]:
        (learn / path.name).symlink_to(path.resolve())
    random.Random(1).shuffle(queries)
    return database, learn, queries


class Peer:
    """The FastAPI service."""

    def __init__(self, database, learn, work, words):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (work / "peer").mkdir()
        command = [sys.executable, HERE / "service_peers" / "fastapi_search.py", database, learn, work / "peer"]
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [*map(str, command), str(self.port), str(os.cpu_count() or 1), str(words)], stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        if self.process.stdout.readline() != "answers\n":
            self.stop()
            raise SystemExit("the FastAPI service did not start")
        self.build = time.perf_counter() - begun

    def stop(self):
        # All its processes, which are a session of their own.
        os.killpg(self.process.pid, 15)
        self.process.wait()


async def turn(port, path, queries, clients, seconds, at):
    """Searches answered in a closed loop, and of how many the first hit was right."""
    until = time.perf_counter() + seconds
    begun_at = time.perf_counter()
    answered, right, times = 0, 0, []
    place = iter(range(at, 10**9))

    async def loop():
        nonlocal answered, right
        client = load.Client(port)
        while time.perf_counter() < until:
            body, relevant = queries[next(place) % len(queries)]
            begun = time.perf_counter()
            status, answer = await client.ask("POST", path, body)
            if status != 200:
                raise SystemExit(f"{path} answered {status}: {answer[:300]}")
            times.append(time.perf_counter() - begun)
            hits = json.loads(answer)["hits"]
            first = (hits[0].get("name") or hits[0]["image"]["name"]) if hits else None
            answered, right = answered + 1, right + (first in relevant)

    await asyncio.gather(*(loop() for _ in range(clients)))
    # Requests that were at work at the end count with the time that they took.
    return answered / (time.perf_counter() - begun_at), right, answered, times


async def peers(arguments, work):
    database, learn, queries = real_pictures(arguments.data, work, arguments.distractors, arguments.learn)
    peer = Peer(database, learn, work, arguments.words)
    try:
        return await beside(peer, arguments, database, queries, work)
    finally:
        peer.stop()


async def beside(peer, arguments, database, queries, work):
    server = load.Server(arguments.resight, work, 0)
    systems = {
        "resight": (server.port, "/v1/search?limit=5"),
        "resight_plain": (server.port, "/v1/search?limit=5" + PLAIN),
        "words": (peer.port, "/search"),
        "verified": (peer.port, "/search_verified"),
    }
    rates, right, asked, times = ({name: [] for name in systems} for _ in range(4))
    clients = 2 * (os.cpu_count() or 1)
    try:
        for round_ in range(arguments.rounds):
            for name, (port, path) in systems.items():
                rate, correct, count, took = await turn(port, path, queries, clients, arguments.seconds, 7 * round_)
                rates[name].append(rate)
                right[name].append(correct)
                asked[name].append(count)
                times[name] += took
            print(f"round {round_ + 1}", {name: round(all_[-1], 2) for name, all_ in rates.items()}, flush=True)
    finally:
        server.stop()

    def ratio(a, b):
        return round(statistics.median(x / y for x, y in zip(rates[a], rates[b])), 2)

    found = {
        "pictures": len(list(database.iterdir())), "queries": len(queries), "clients": clients, "rounds": arguments.rounds,
        "seconds": arguments.seconds, "words": arguments.words, "peer_build_s": round(peer.build, 1),
        "searches_a_second": {name: round(statistics.median(all_), 2) for name, all_ in rates.items()},
        "p50_ms": {name: load.milliseconds(load.percentile(all_, 0.5)) for name, all_ in times.items()},
        "recall_at_1": {name: round(sum(right[name]) / sum(asked[name]), 3) for name in systems},
        "resight_to_verified": ratio("resight", "verified"), "resight_plain_to_verified": ratio("resight_plain", "verified"),
        "resight_to_words": ratio("resight", "words"), "resight_plain_to_words": ratio("resight_plain", "words"),
    }  # fmt: skip
    print("peers", found, flush=True)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--data", type=pathlib.Path, default="../shared/data", help="pictures for the comparison with peers")
    parser.add_argument("--minutes", type=float, default=10, help="of the mixed load")
    parser.add_argument("--seconds", type=float, default=20, help="of a turn beside peers, and of each step of overload")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=400, help="generated ones, that are there from the start")
    parser.add_argument("--distractors", type=int, default=600)
    parser.add_argument("--learn", type=int, default=400, help="photos that the peer's words are learnt from")
    parser.add_argument("--words", type=int, default=16384, help="of the peer's vocabulary")
    everything = ["mixed", "peers", "overload"]
    parser.add_argument("--only", nargs="*", choices=everything, default=everything)
    arguments = parser.parse_args()
    arguments.resight = pathlib.Path(arguments.resight).resolve()
    # What it started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = pathlib.Path(tempfile.mkdtemp())
    found = {}
    try:
        if "peers" in arguments.only:
            found["peers"] = asyncio.run(peers(arguments, work / "peers"))
        if "mixed" in arguments.only or "overload" in arguments.only:
            (work / "own").mkdir()
            server = load.Server(arguments.resight, work / "own", arguments.pictures)
            try:
                if "mixed" in arguments.only:
                    found["mixed"] = asyncio.run(mixed(server, arguments.minutes))
                if "overload" in arguments.only:
                    found["overload"] = asyncio.run(load.overload(server, arguments.seconds))
            finally:
                server.stop()
            verify = [arguments.resight, "--data", work / "own" / "data", "--json", "verify"]
            found["verify_exit_code"] = subprocess.run(verify, capture_output=True).returncode
    finally:
        shutil.rmtree(work)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
