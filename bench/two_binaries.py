"""Two resight binaries in turns: starting, indexing, searching, and a plug-in that does nothing.

    python3 bench/two_binaries.py --a OLD --b NEW --photos ../shared/data/photos \\
        --set ../shared/data/eval/smvs_dvd [--rounds 5] [--turns 3] [--pictures 200] [--queries 20]

Each round does everything with both binaries in turns, the first one changing from turn to turn:

- `start_ms`: from the start of `serve` on a data folder of `--pictures` photos until `/readyz` answers 200.
- `index_per_s`: pictures a second of `index` into a new folder, the process included.
- `search_p50_ms`: the server's own `took_ms`, query by query in turns; `searches_per_s`: by two
  connections in turns of a second.
- `noop_p50_us`: a function of a plug-in over one connection, in turns of a fifth of a second;
  `healthz_p50_us` beside it.
- `…_cpu…`: processor time of the process (of the server, for a no-op), which other programs on the machine
  disturb less than the clock.

Given are medians over rounds, and the median of each round's ratio of B to A. The last line is JSON.
"""

import argparse
import json
import pathlib
import random
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request

from served_binary import ServedBinary

PLUGIN = "def noop():\n    return {}\n"
NAMES = [
    "start_ms", "start_cpu_ms", "index_per_s", "index_cpu_ms", "search_p50_ms", "searches_per_s",
    "search_cpu_ms", "noop_p50_us", "noop_cpu_us", "healthz_p50_us",
]


class Server(ServedBinary):
    def search(self, picture):
        request = urllib.request.Request(self.url("/v1/search"), picture, {"Content-Type": "image/jpeg"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["took_ms"]

    def searches_per_second(self, pictures, seconds):
        until = time.perf_counter() + seconds
        counts = []

        def client(order):
            done = 0
            while time.perf_counter() < until:
                self.search(pictures[order[done % len(order)]])
                done += 1
            counts.append(done)

        begun = time.perf_counter()
        orders = [random.Random(seed).sample(range(len(pictures)), len(pictures)) for seed in (1, 2)]
        clients = [threading.Thread(target=client, args=(order,)) for order in orders]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        return sum(counts) / (time.perf_counter() - begun)

    def calls(self, path, seconds):
        """Seconds of each call over one connection; the head of an answer says its length."""
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()
        times = []
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                begun = time.perf_counter()
                connection.sendall(request)
                answer = connection.recv(65536)
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(65536)
                head, body = answer.split(b"\r\n\r\n", 1)
                if b" 200 " not in head.split(b"\r\n", 1)[0]:
                    raise SystemExit(f"{path}: {head.decode()}")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += connection.recv(65536)
                times.append(time.perf_counter() - begun)
        return times


def index(binary, pictures, data):
    """Seconds, and seconds of processor time."""
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    begun, before = time.perf_counter(), used()
    command = [binary, "index", pictures, "--data", data, "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun, used() - before


def in_turns(turns, measure):
    """What `measure(name)` gives in each of its turns, by name."""
    found = {"a": [], "b": []}
    for turn in range(turns):
        for name in "ab" if turn % 2 else "ba":
            found[name].append(measure(name))
    return found


def one_round(binaries, number, work, queries, arguments):
    """Figures of one round, by binary."""
    found = {"a": {}, "b": {}}
    order = "ba" if number % 2 else "ab"
    for name in order:
        new = work / f"new-{name}"
        seconds, cpu = index(binaries[name], work / "pictures", new)
        found[name]["index_per_s"] = arguments.pictures / seconds
        found[name]["index_cpu_ms"] = 1000 * cpu / arguments.pictures
        shutil.rmtree(new)

    def start(name):
        server = Server(binaries[name], work / name, "--plugin", work / "no_op.py")
        cpu = server.cpu()
        server.stop()
        return server.start, 1000 * cpu

    for name, starts in in_turns(arguments.turns, start).items():
        clock, cpu = zip(*starts)
        found[name] |= {"start_ms": statistics.median(clock), "start_cpu_ms": statistics.mean(cpu)}
    servers = {}
    try:
        for name in order:
            servers[name] = Server(binaries[name], work / name, "--plugin", work / "no_op.py")
            servers[name].search(queries[0])
            servers[name].calls("/v1/plugins/no_op/noop", 0.1)
        before = {name: server.cpu() for name, server in servers.items()}
        took = {"a": [], "b": []}
        for turn in range(arguments.turns):
            for i, query in enumerate(queries):
                for name in "ab" if (i + turn) % 2 else "ba":
                    took[name].append(servers[name].search(query))
        for name, server in servers.items():
            found[name]["search_p50_ms"] = statistics.median(took[name])
            found[name]["search_cpu_ms"] = 1000 * (server.cpu() - before[name]) / len(took[name])
        rates = in_turns(arguments.turns, lambda name: servers[name].searches_per_second(queries, 1.0))
        for name in order:
            found[name]["searches_per_s"] = statistics.median(rates[name])
        for path, figure in [("/v1/plugins/no_op/noop", "noop"), ("/healthz", "healthz")]:
            before = {name: server.cpu() for name, server in servers.items()}
            calls = in_turns(4 * arguments.turns, lambda name: servers[name].calls(path, 0.2))
            for name, server in servers.items():
                medians = [1e6 * statistics.median(times) for times in calls[name]]
                found[name][f"{figure}_p50_us"] = statistics.median(medians)
                if figure == "noop":
                    count = sum(len(times) for times in calls[name])
                    found[name]["noop_cpu_us"] = 1e6 * (server.cpu() - before[name]) / count
    finally:
        for server in servers.values():
            server.stop()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", required=True, help="the binary to compare with")
    parser.add_argument("--b", required=True)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--set", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3, help="of each binary in a round")
    arguments = parser.parse_args()
    binaries = {"a": arguments.a, "b": arguments.b}
    truth = json.loads((arguments.set / "groundtruth.json").read_text())["queries"]
    step = max(len(truth) // arguments.queries, 1)
    names = [query["query"] for query in truth[::step][: arguments.queries]]
    queries = [(arguments.set / "images" / name).read_bytes() for name in names]
    rounds = []
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        (work / "no_op.py").write_text(PLUGIN)
        (work / "pictures").mkdir()
        photos = sorted(arguments.photos.iterdir())
        photos = photos[:: max(len(photos) // arguments.pictures, 1)][: arguments.pictures]
        arguments.pictures = len(photos)
        for photo in photos:
            (work / "pictures" / photo.name).symlink_to(photo.resolve())
        for name, binary in binaries.items():
            index(binary, work / "pictures", work / name)
            # What a server would do in the background is done before.
            subprocess.run([binary, "duplicates", "--data", work / name], check=True, stdout=subprocess.DEVNULL)
        for i in range(arguments.rounds):
            rounds.append(one_round(binaries, i, work, queries, arguments))
            print(f"round {i + 1}:", json.dumps(rounds[-1]), flush=True)
    figures = {}
    print(f"\n{'':16} {'A':>10} {'B':>10} {'B/A':>7}")
    for name in NAMES:
        a, b = (statistics.median(r[which][name] for r in rounds) for which in "ab")
        ratio = statistics.median(r["b"][name] / r["a"][name] for r in rounds)
        print(f"{name:16} {a:10.1f} {b:10.1f} {ratio:7.3f}")
        figures[name] = {"a": round(a, 2), "b": round(b, 2), "ratio": round(ratio, 4)}
    print(json.dumps({"rounds": arguments.rounds, "pictures": arguments.pictures, **figures}))


if __name__ == "__main__":
    main()
