"""The time of a search by two resight binaries in turns: alone, by several clients at once, and by a stored picture.

    python3 bench/search_time.py --a OLD --b NEW --photos ../shared/data/photos \\
        --set ../shared/data/eval/smvs_dvd [--set ...] [--pictures 2000] [--queries 60] [--rounds 3] \\
        [--clients 1 4 16] [--seconds 8] [--search expand=false mirrored=false ...]

Both binaries index the photos and the pictures of the sets, without their queries, and serve them. Every sent picture
has a few bytes behind its end that no other has, so that nothing that a server keeps of earlier queries answers it,
except in the rows `again`: those send the picture of the search before once more, as a client does that asks for
the next page.

- `alone`: one client, query by query in turns; the server's own `took_ms`, and processor time of the server for a
  search, which other programs on the machine disturb less than the clock.
- `again`: the same picture once more, for the second page.
- `stored`: a stored picture as the query.
- `clients N`: N clients in a closed loop for `--seconds`, in turns: searches a second, milliseconds of each, processor
  time of the server for a search.

Given are the median over rounds of each, and the median of each round's ratio of B to A. The last line is JSON.
"""

import argparse
import http.client
import itertools
import json
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

from served_binary import ServedBinary

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
unique = itertools.count(time.time_ns())


class Server(ServedBinary):
    def __init__(self, binary, data):
        super().__init__(binary, data)
        self.lent = threading.local()

    def ask(self, method, path, body=None):
        """Status and answer, over a connection of this thread. One that the server closed while it was idle is opened
        again, once."""
        connection = getattr(self.lent, "connection", None)
        is_new = connection is None
        if is_new:
            connection = self.lent.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "image/jpeg"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.lent.connection = None
            # A server that is away refuses the new connection, and one that does not answer in time is not asked twice.
            if is_new or isinstance(error, TimeoutError):
                raise
        return self.ask(method, path, body)

    def search(self, parameters, picture=None):
        """What the server answers to a search."""
        query = "&".join(parameters)
        status, body = self.ask("POST" if picture else "GET", f"/v1/search?{query}", picture)
        if status != 200:
            raise SystemExit(f"a search was answered {status}: {body[:300]}")
        return json.loads(body)


def unheard(picture):
    """The same picture in bytes that no server has seen."""
    return picture + next(unique).to_bytes(16, "big")


def shares(times):
    """Percentiles of milliseconds."""
    times = sorted(times)
    return {name: times[min(int(share * len(times)), len(times) - 1)] for name, share in SHARES.items()}


def in_turns(servers, queries, ask):
    """`ask(server, query)` gives milliseconds: percentiles by binary, and processor time for each."""
    took = {"a": [], "b": []}
    used = {"a": 0.0, "b": 0.0}
    # Ten of one binary in a row: processor time is counted in hundredths of a second.
    for number, start in enumerate(range(0, len(queries), 10)):
        for name in "ab" if number % 2 else "ba":
            before = servers[name].cpu()
            took[name] += [ask(servers[name], query) for query in queries[start : start + 10]]
            used[name] += servers[name].cpu() - before
    return {name: shares(took[name]) | {"cpu": 1000 * used[name] / len(took[name])} for name in "ab"}


def at_once(server, queries, clients, seconds, parameters):
    """Searches a second by so many clients, how long each took, and processor time."""
    until = time.perf_counter() + seconds
    times, failed = [], []

    def client(first):
        for number in itertools.count(first * 7):
            begun = time.perf_counter()
            if begun >= until:
                return
            try:
                server.search(parameters, unheard(queries[number % len(queries)]))
            except (Exception, SystemExit) as error:
                failed.append(error)
                return
            times.append(1000 * (time.perf_counter() - begun))

    before, begun = server.cpu(), time.perf_counter()
    threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Those that are left would have more of the server.
    if failed:
        raise SystemExit(f"{len(failed)} of {clients} clients ended early: {failed[0]}")
    passed = time.perf_counter() - begun
    return shares(times) | {"per_s": len(times) / passed, "cpu": 1000 * (server.cpu() - before) / len(times)}


def one_round(servers, number, queries, stored, arguments):
    """Figures of one round: by row, by binary."""
    rows = {}
    parameters = arguments.search
    rows["alone"] = in_turns(
        servers, queries, lambda server, picture: server.search(parameters, unheard(picture))["took_ms"]
    )

    def again(server, picture):
        picture = unheard(picture)
        server.search(parameters, picture)
        return server.search([*parameters, "offset=20"], picture)["took_ms"]

    rows["again"] = in_turns(servers, queries[: len(queries) // 2], again)
    for name in "ab":
        # That of two searches.
        del rows["again"][name]["cpu"]
    rows["stored"] = in_turns(
        servers, stored, lambda server, one: server.search([*parameters, f"image_id={one}"])["took_ms"]
    )
    for clients in arguments.clients:
        row = {}
        for name in "ab" if number % 2 else "ba":
            row[name] = at_once(servers[name], queries, clients, arguments.seconds, parameters)
        rows[f"clients {clients}"] = row
    return rows


def pictures(arguments):
    """Paths of the stored pictures, and the bytes of the queries."""
    photos = sorted(path for path in arguments.photos.iterdir() if path.is_file())
    stored = photos[:: max(len(photos) // arguments.pictures, 1)][: arguments.pictures]
    queries = []
    for one in arguments.set:
        truth = json.loads((one / "groundtruth.json").read_text())
        names = [query["query"] for query in truth["queries"]]
        step = max(len(names) * len(arguments.set) // arguments.queries, 1)
        queries += [(one / "images" / name).read_bytes() for name in names[::step]]
        stored += [one / "images" / name for name in truth["database"]]
    return stored, queries[: arguments.queries]


def serve(binary, stored, folder):
    """A server of these pictures."""
    with tempfile.TemporaryDirectory() as linked:
        for number, path in enumerate(stored):
            (pathlib.Path(linked) / f"{number:06}{path.suffix}").symlink_to(path.resolve())
        command = [binary, "index", linked, "--data", folder, "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # What a server would do in the background is done before.
        subprocess.run([binary, "duplicates", "--data", folder], check=True, stdout=subprocess.DEVNULL)
    return Server(binary, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", required=True, help="the binary to compare with")
    parser.add_argument("--b", required=True)
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--set", type=pathlib.Path, required=True, action="append")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--search", nargs="*", default=[], help="parameters of each search, such as expand=false")
    arguments = parser.parse_args()
    paths, queries = pictures(arguments)
    rounds, servers = [], {}
    with tempfile.TemporaryDirectory() as work:
        try:
            for name, binary in [("a", arguments.a), ("b", arguments.b)]:
                servers[name] = serve(binary, paths, f"{work}/{name}")
            listed = json.loads(servers["a"].ask("GET", "/v1/images?limit=200")[1])["images"]
            stored = [picture["id"] for picture in listed][: arguments.queries]
            for query in queries[:10]:
                for server in servers.values():
                    server.search(arguments.search, unheard(query))
            for number in range(arguments.rounds):
                rounds.append(one_round(servers, number, queries, stored, arguments))
                print(f"round {number + 1}:", json.dumps(rounds[-1]), flush=True)
        finally:
            for server in servers.values():
                server.stop()
    figures = {}
    print(f"\n{'':20} {'A':>10} {'B':>10} {'B/A':>7}")
    for row, found in rounds[0].items():
        for name in found["a"]:
            a, b = (statistics.median(r[row][which][name] for r in rounds) for which in "ab")
            ratio = statistics.median(r[row]["b"][name] / max(r[row]["a"][name], 1e-9) for r in rounds)
            print(f"{row + ' ' + name:20} {a:10.1f} {b:10.1f} {ratio:7.3f}")
            figures[f"{row} {name}"] = {"a": round(a, 2), "b": round(b, 2), "ratio": round(ratio, 4)}
    head = {"rounds": arguments.rounds, "pictures": len(paths), "queries": len(queries), "search": arguments.search}
    print(json.dumps(head | figures))


if __name__ == "__main__":
    main()
