"""Python functions over HTTP: our workers beside FastAPI with uvicorn, mosec and LitServe.

    cargo build --release -p resight --bin resight --example http_load
    PYO3_PYTHON=bench/.venv/bin/python \\
        cargo build --release -p resight --features embed --target-dir target/embed
    bench/run plugins_beside_peers.py [--rounds 3] [--seconds 1.5]

All servers run at once, each with one and with two workers, and are asked in turn by the same
client (`http_load`): a no-op, 1 ms and 20 ms of pure Python (of processor time, so that waiting
does not count), and OpenCV's SIFT on a generated 1024 × 768 JPEG. One connection gives p50 and p99,
four give calls a second; medians of rounds. Ours decodes the JPEG itself, the others by OpenCV; for
LitServe it comes in base64. `embed` is ours with --in-process; without that build it is left out,
saying so. Then, with two workers, one client calls a function that never ends:
what share of its calls of 1 ms does another client, on four fresh connections one after the other,
still get? Ours answers `/healthz` and `/v1/count` meanwhile; their shares are given too.
"""

import argparse
import base64
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.request

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench/plugin_peers"
FUNCTIONS = ["noop", "ms1", "ms20", "sift"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def picture(path):
    random = np.random.default_rng(1)
    image = np.full((768, 1024, 3), 128, np.uint8)
    for _ in range(1200):
        centre = tuple(int(v) for v in random.integers(0, (1024, 768)))
        axes = tuple(int(v) for v in random.integers(4, 40, 2))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        cv2.ellipse(image, centre, axes, float(random.uniform(0, 180)), 0, 360, colour, -1)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 90])


class Server:
    def __init__(self, kind, workers, folder, binary):
        self.kind, self.name = kind, f"{kind}_{workers}"
        self.port, self.folder = free_port(), folder
        environment = dict(os.environ, WORKERS=str(workers), PORT=str(self.port), OMP_NUM_THREADS="1")
        python = sys.executable
        ours = [binary, "serve", "--data", str(folder / self.name), "--listen",
                f"127.0.0.1:{self.port}", "--plugin", str(PEERS / "resight_plugin.py"),
                "--python", python, "--workers", str(workers)]
        if kind == "embed":
            environment["LD_LIBRARY_PATH"] = sysconfig.get_config_var("LIBDIR")
        commands = {
            "resight": ours,
            "embed": [*ours, "--in-process"],
            "fastapi": [python, "-m", "uvicorn", "fastapi_app:app", "--port", str(self.port),
                        "--workers", str(workers), "--log-level", "error", "--no-access-log"],
            "mosec": [python, "mosec_app.py", "--address", "127.0.0.1", "--port", str(self.port),
                      "--timeout", "60000", "--log-level", "error"],
            "litserve": [python, "litserve_app.py"],
        }
        self.log = open(folder / f"{self.name}.log", "w")
        self.process = subprocess.Popen(commands[kind], cwd=PEERS, env=environment, stdout=self.log,
                                        stderr=self.log, start_new_session=True)

    def request(self, function):
        """Path, and file and content type of a body."""
        if self.kind in ("resight", "embed"):
            path = f"/v1/plugins/resight_plugin/{function}"
        elif self.kind == "fastapi":
            path = f"/{function}"
        else:
            path = {"mosec": "/inference", "litserve": "/predict"}[self.kind]
            if function != "sift" or self.kind == "litserve":
                return path, [str(self.folder / f"{function}.json"), "application/json"]
        return path, [str(self.folder / "picture.jpg"), "image/jpeg"] if function == "sift" else []

    def ask(self, function, timeout):
        path, body = self.request(function)
        data = pathlib.Path(body[0]).read_bytes() if body else None
        kind = {"Content-Type": body[1]} if body else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, kind)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)

    def wait(self):
        until = time.monotonic() + 120
        while True:
            try:
                return self.ask("noop", 5)
            except OSError as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise SystemExit(f"{self.name} did not start: {error}; see {self.log.name}") from error
                time.sleep(0.2)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def load(client, server, path, body, connections, seconds):
    command = [client, f"127.0.0.1:{server.port}", path, str(connections), str(seconds), *body]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(client, server, function, connections, seconds):
    return load(client, server, *server.request(function), connections, seconds)


def fresh(client, server, path, body):
    """Calls a second over connections that are opened one after the other."""
    return statistics.mean(
        load(client, server, path, body, 1, 0.6)["calls_per_second"] for _ in range(4)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--target", default=str(ROOT / "target/release"), help="where cargo put the binaries")
    parser.add_argument("--embed", default=str(ROOT / "target/embed/release/resight"),
                        help="the program built with --features embed")
    args = parser.parse_args()
    binary, client = f"{args.target}/resight", f"{args.target}/examples/http_load"

    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        picture(folder / "picture.jpg")
        for function in [*FUNCTIONS, "loop"]:
            body = {"kind": function}
            if function == "sift":
                body["image"] = base64.b64encode((folder / "picture.jpg").read_bytes()).decode()
            (folder / f"{function}.json").write_text(json.dumps(body))
        binaries = {"resight": binary, "embed": args.embed}
        kinds = ["resight", "embed", "fastapi", "mosec", "litserve"]
        if not pathlib.Path(args.embed).exists():
            print(f"SKIPPED: embed, as there is no {args.embed}")
            kinds.remove("embed")
        servers = []
        try:
            servers += [Server(kind, workers, folder, binaries.get(kind))
                        for workers in (1, 2) for kind in kinds]
            for server in servers:
                server.wait()
            found = {server.ask("sift", 30)["keypoints"] for server in servers}
            print("keypoints:", sorted(found))

            samples = {}
            base = []
            for _ in range(args.rounds):
                ours = servers[0]
                base.append(load(client, ours, "/healthz", [], 1, args.seconds)["p50_us"])
                for function in FUNCTIONS:
                    for server in servers:
                        one = measure(client, server, function, 1, args.seconds)
                        many = measure(client, server, function, 4, args.seconds)
                        if one["failed"] or many["failed"]:
                            print(f"{server.name} {function}: failures: {one} {many}")
                        samples.setdefault((function, server.name), []).append(
                            (one["p50_us"], one["p99_us"], many["calls_per_second"])
                        )
            figures["healthz_p50_us"] = statistics.median(base)
            print(f"\n/healthz of ours: p50 {figures['healthz_p50_us']:.0f} µs")
            for function in FUNCTIONS:
                print(f"\n{function:6} {'server':12} {'p50 µs':>9} {'p99 µs':>9} {'calls/s by 4':>13}")
                for server in servers:
                    p50, p99, rate = (statistics.median(v) for v in zip(*samples[function, server.name]))
                    print(f"{'':6} {server.name:12} {p50:9.0f} {p99:9.0f} {rate:13.1f}")
                    name = f"{function}_{server.name}"
                    figures |= {f"{name}_p50_us": p50, f"{name}_p99_us": p99, f"{name}_per_second": rate}

            print("\nbeside an endless loop, two workers: share of calls kept")
            for server in servers:
                if not server.name.endswith("_2"):
                    continue
                paths = {"ms1": server.request("ms1")}
                if server.kind in binaries:
                    paths |= {"healthz": ("/healthz", []), "count": ("/v1/count", [])}
                before = {name: fresh(client, server, *way) for name, way in paths.items()}

                def endless(server=server):
                    try:
                        server.ask("loop", 40)
                    except OSError:
                        pass  # It is stopped by a limit, or by the server's end.

                threading.Thread(target=endless, daemon=True).start()
                time.sleep(0.5)
                for name, way in paths.items():
                    share = fresh(client, server, *way) / max(before[name], 1e-9)
                    print(f"  {server.name:12} {name:8} {share:.2f}")
                    figures[f"loop_{server.name}_{name}_share"] = share
                server.stop()
        finally:
            for server in servers:
                server.stop()
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
