"""Asks the functions of ported.py as people's programs do. Writes one JSON list of mistakes; what is
not installed is named on standard error."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

URL, PICTURE = sys.argv[1] + "/v1/plugins/ported/", sys.argv[2]
DATA = open(PICTURE, "rb").read()
SIZE = len(DATA)
mistakes = []


def check(what, got, wanted):
    if got != wanted:
        mistakes.append([what, got, wanted])


def answered(what, response, wanted):
    """`wanted` is the answer, or the text that a refusal must have."""
    body = response.json()
    if isinstance(wanted, str):
        check(what, [response.status_code, wanted in body["detail"] or body["detail"]], [422, True])
    else:
        check(what, body, wanted)


def common(name, client):
    """What requests and httpx write in the same way."""
    get, post = client.get, client.post
    for function, parameters, wanted in [
        ("text", {"value": "1e5"}, ["str", "1e5"]),
        ("bare", {"value": "007"}, ["str", "007"]),
        ("flag", {"value": True}, ["bool", True]),
        ("maybe_flag", {"value": False}, ["bool", False]),
        ("texts", {"value": ["a", "b"]}, ["list", [["str", "a"], ["str", "b"]]]),
        ("wholes", {"value": [1, 2]}, ["list", [["int", 1], ["int", 2]]]),
        ("whole", {"value": "x"}, "value"),
        ("whole", {}, "value"),
    ]:
        answered(f"{name} query {function}", get(URL + function, params=parameters), wanted)
        answered(f"{name} form {function}", post(URL + function, data=parameters), wanted)
    for function, body, wanted in [
        ("text", {"value": "1e5"}, ["str", "1e5"]),
        ("whole", {"value": 5}, ["int", 5]),
        ("whole", {"value": "five"}, "value"),
        ("maybe_flag", {"value": None}, ["NoneType", "None"]),
        ("box", {"value": {"left": 1}}, ["Box", {"left": 1, "name": None}]),
        ("whole", {"value": 12345678901234567890123}, ["int", 12345678901234567890123]),
    ]:
        answered(f"{name} JSON {function}", post(URL + function, json=body), wanted)
    one, several = {"data": open(PICTURE, "rb")}, [("data", ("a.png", DATA)), ("data", ("b.png", DATA))]
    answered(f"{name} file", post(URL + "size", files=one), ["bytes", SIZE])
    answered(f"{name} files", post(URL + "sizes", files=several), [SIZE, SIZE])
    answered(f"{name} two files for one", post(URL + "size", files=several), "data")
    mixed = post(URL + "file_and_text", data={"name": "x", "count": 3}, files={"image": ("a.png", DATA)})
    answered(f"{name} file and text", mixed, [SIZE, "x", 3])
    shape = post(URL + "shape", files={"image": open(PICTURE, "rb")})
    answered(f"{name} picture", shape, [20, 30, 3])


def curl():
    def ask(function, *arguments):
        run = subprocess.run(["curl", "-s", URL + function, *arguments], capture_output=True)
        return json.loads(run.stdout)

    form, line = ["-F", f"data=@{PICTURE}"], ["-F", f"image=@{PICTURE}"]
    for function, arguments, wanted in [
        ("size", form, ["bytes", SIZE]),
        ("sizes", form + form, [SIZE, SIZE]),
        ("shape", line, [20, 30, 3]),
        ("file_and_text", line + ["-F", "name=x", "-F", "count=2"], [SIZE, "x", 2]),
        ("whole", ["-d", "value=5"], ["int", 5]),
        ("old_texts", ["-d", "value=a", "-d", "value=b"], ["list", [["str", "a"], ["str", "b"]]]),
        ("text", ["--data-urlencode", "value=a b+c"], ["str", "a b+c"]),
        ("whole", ["-H", "content-type: application/json", "-d", '{"value": 5}'], ["int", 5]),
        ("whole", ["-d", '{"value": 5}'], ["int", 5]),
        ("size", ["--data-binary", "@" + PICTURE], ["bytes", SIZE]),
        ("size", ["-H", "content-type: image/png", "--data-binary", "@" + PICTURE], ["bytes", SIZE]),
        ("shape", ["--data-binary", "@" + PICTURE], [20, 30, 3]),
        ("mapping", ["-F", 'value={"a": 1};type=application/json'], {"a": 1}),
    ]:
        check(f"curl {function} {arguments}", ask(function, *arguments), wanted)
    refused = ask("sizes", "-F", "other=1")
    check("curl unknown", [refused["status"], "'other'" in refused["detail"]], [422, True])


def browser():
    """What a page's FormData sends, byte for byte."""
    def ask(function, parts):
        edge = b"----WebKitFormBoundaryAbC"
        body = b"".join(b"--" + edge + b"\r\nContent-Disposition: form-data; " + p + b"\r\n" for p in parts)
        kind = "multipart/form-data; boundary=" + edge.decode()
        request = urllib.request.Request(
            URL + function, body + b"--" + edge + b"--\r\n", {"Content-Type": kind}
        )
        return json.load(urllib.request.urlopen(request))

    file = b'name="data"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + DATA
    none = b'name="data"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n'
    check("browser file", ask("maybe_size", [file]), SIZE)
    check("browser no file chosen", ask("maybe_size", [none]), None)
    check("browser files", ask("sizes", [file, file]), [SIZE, SIZE])
    check("browser checkbox", ask("flag", [b'name="value"\r\n\r\non']), ["bool", True])
    check("browser empty number", ask("maybe_whole", [b'name="value"\r\n\r\n']), ["NoneType", "None"])
    both = [b'name="value"\r\n\r\na', b'name="value"\r\n\r\nb']
    check("browser two choices", ask("texts", both), ["list", [["str", "a"], ["str", "b"]]])


def started():
    """Waits until the first worker serves."""
    for _ in range(300):
        try:
            urllib.request.urlopen(URL + "flag")
            return
        except urllib.error.HTTPError:
            time.sleep(0.1)


started()
browser()
for name in ("requests", "httpx"):
    try:
        library = __import__(name)
    except ImportError:
        print(f"SKIPPED: {name} is not installed", file=sys.stderr)
        continue
    common(name, library)
    if name == "requests":
        answered("requests raw", library.post(URL + "size", data=DATA), ["bytes", SIZE])
        answered("requests raw JSON", library.post(URL + "whole", data='{"value": 5}'), ["int", 5])
    else:
        answered("httpx raw", library.post(URL + "size", content=DATA), ["bytes", SIZE])
if shutil.which("curl"):
    curl()
else:
    print("SKIPPED: curl is not installed", file=sys.stderr)
print(json.dumps(mistakes))
