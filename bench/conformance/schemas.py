"""schemathesis over the whole OpenAPI document: no 5xx, answers as described, no status that is not described.

    bench/conformance/check schemas [--resight target/release/resight] [--examples 20] [--only open admin some none]

Serves a small generated collection and a plug-in, and asks as four callers: of a server that is open (`open`), and of
one that asks for keys with the scope admin, with the scopes search and read, and without a key (`admin`, `some`,
`none`). Beside what schemathesis checks, statuses are counted that an operation does not name itself (`default` in
the document stands for any), and valid requests that were refused: a schema cannot say what a picture is, or that a
folder is there, so those are no failures. Findings are listed; the last line is JSON. The exit code is 0 where no check
failed and every status is named.
"""

import argparse
import collections
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile

from server import Server, png

HERE = pathlib.Path(__file__).resolve().parent
# Those that compare answers with the document.
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance",
]  # fmt: skip
# Those that expect more than 401 and 403, which come first.
REFUSED = "positive_data_acceptance"
FURTHER = ["unsupported_method", "allow_header_conformance", "negative_data_rejection", REFUSED]
# A made key would lock the open server, and a revoked or expired one the run itself.
LOCKING = {"open": ["create_key"], "admin": ["revoke_key"], "some": [], "none": []}


def documented(document):
    """Statuses that each operation names itself."""
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "responses" in operation:
                found[f"{method.upper()} {path}"] = set(operation["responses"])
    return found


def run(caller, arguments, work):
    server = Server(arguments.resight, work / caller, keys=caller != "open")
    admin = server.secrets.get("admin")
    key = server.secrets.get(caller)
    try:
        things = server.fill(key=admin)
        document = server.ask("GET", "/openapi.json", key=admin)
        (work / f"{caller}.json").write_text(json.dumps(document))
        request = urllib.request.Request(server.url + "/v1/features", data=png(0), headers={"content-type": "image/png"})
        if admin:
            request.add_header("authorization", f"Bearer {admin}")
        features = urllib.request.urlopen(request).read()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.png", png(1))
        known = {"things": things, "features": features.hex(), "zip": packed.getvalue().hex(), "url": server.url, "key": admin}
        (work / f"{caller}-known.json").write_text(json.dumps(known))
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", str(work / f"{caller}.json"), "--url", server.url,
            "--checks", ",".join(CHECKS + (FURTHER if caller in ("open", "admin") else [])), "--max-examples", str(arguments.examples),
            "--generation-deterministic", "--continue-on-failure", "--no-color",
            "--suppress-health-check", "all", "--request-timeout", "60", "--workers", "1", "--no-shrink",
            "--phases", "examples,coverage,fuzzing",
            "--report", "ndjson", "--report-ndjson-path", str(work / f"{caller}.ndjson"), "--output-truncate", "false",
        ]  # fmt: skip
        if key:
            command += ["--header", f"Authorization: Bearer {key}"]
        for operation in LOCKING[caller]:
            command += ["--exclude-operation-id", operation]
        command += arguments.more
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "PYTHONPATH": str(HERE)}
        environment["KNOWN"] = str(work / f"{caller}-known.json")
        with (work / f"{caller}.txt").open("w") as out:
            subprocess.run(command, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=work)
        # The server is still there, and the key still opens it.
        server.ask("GET", "/v1/count", key=admin)
    finally:
        server.stop()
    return read(work / f"{caller}.ndjson", documented(document))


def read(path, named):
    """Counts cases, statuses and failed checks of a run's report."""
    cases, statuses, failures, unnamed = 0, collections.Counter(), {}, collections.Counter()
    for line in path.read_text().splitlines():
        for case, interaction, checks in interactions(json.loads(line)):
            operation = f"{case['method']} {case['path']}"
            status = (interaction.get("response") or {}).get("status_code")
            cases += 1
            statuses[str(status)] += 1
            if operation in named and str(status) not in named[operation]:
                unnamed[f"{operation} {status}"] += 1
            for check in checks:
                if check["status"] == "failure":
                    failures.setdefault(f"{check['name']} {operation} {status}", []).append((case, interaction, check))
    return {"cases": cases, "statuses": dict(statuses), "failures": failures, "unnamed": dict(unnamed)}


def interactions(event):
    """(case, interaction, checks) of an event of the report."""
    scenario = event.get("ScenarioFinished")
    if not scenario:
        return
    recorder = scenario["recorder"]
    for number, interaction in recorder.get("interactions", {}).items():
        case = recorder["cases"][number]["value"]
        yield case, interaction, recorder["checks"].get(number, [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    parser.add_argument("--examples", type=int, default=20, help="at most, for each operation and phase")
    parser.add_argument("--only", nargs="*", default=list(LOCKING), choices=list(LOCKING))
    parser.add_argument("--keep", help="a folder for the reports")
    arguments, arguments.more = parser.parse_known_args()
    work = pathlib.Path(arguments.keep or tempfile.mkdtemp()).resolve()
    work.mkdir(parents=True, exist_ok=True)
    figures = {}
    for caller in arguments.only:
        shutil.rmtree(work / caller, ignore_errors=True)
        found = run(caller, arguments, work)
        print(f"{caller}: {found['cases']} cases, statuses {found['statuses']}")
        # What a schema cannot say is refused all the same.
        valid = {name: found["failures"].pop(name) for name in list(found["failures"]) if name.startswith(REFUSED)}
        for name, times in sorted({**found["failures"], **valid}.items()):
            print(f"  {len(times)} x {name}")
        for name, times in sorted(found["unnamed"].items()):
            print(f"  {times} x by default alone: {name}")
        kinds = collections.Counter(name.split()[0] for name in found["failures"])
        figures[caller] = {
            "cases": found["cases"], "statuses": found["statuses"],
            "failed_checks": dict(kinds), "valid_but_refused": sum(map(len, valid.values())), "unnamed_statuses": len(found["unnamed"]),
            "server_errors": sum(times for status, times in found["statuses"].items() if status.startswith("5")),
        }  # fmt: skip
    if not arguments.keep:
        shutil.rmtree(work)
    print(json.dumps({"examples": arguments.examples, **figures}))
    sys.exit(any(one["failed_checks"] or one["unnamed_statuses"] or one["server_errors"] for one in figures.values()))


if __name__ == "__main__":
    main()
