"""Clients that generators make of the OpenAPI document: they are made, and their bodies work.

    bench/conformance/check generated [--resight target/release/resight]

openapi-python-client makes a package, whose functions upload a picture in a form, several, and one as it is, search by
each kind of body, compare and label. openapi-typescript makes types: a small program with openapi-fetch does the same
where node and npm are there; tsc checks it first. The last line is JSON.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from server import Server, png

HERE = pathlib.Path(__file__).resolve().parent
# openapi-typescript 7 takes no later compiler.
NPM = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@20"]


def of_python(server, document, work):
    """Makes the package and asks by it; what came of it."""
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document)]
    command += ["--output-path", str(work / "python"), "--overwrite"]
    # Of answers, the generator knows bytes and texts by these types alone.
    overrides = {"image/*": "application/octet-stream", "image/jpeg": "application/octet-stream"}
    overrides["application/vnd.resight.features"] = "application/octet-stream"
    overrides["application/openmetrics-text"] = "text/plain"
    config = work / "config.json"
    config.write_text(json.dumps({"content_type_overrides": overrides, "package_name_override": "made"}))
    done = subprocess.run([*command, "--config", str(config)], capture_output=True, text=True)
    print(done.stdout + done.stderr)
    # Generator 0.29.1 leaves out an import where a required body has several types (its issue 1451).
    mended = 0
    for path in (work / "python" / "made" / "api").rglob("*.py"):
        text = path.read_text()
        if re.search(r"\bUnset\b", text) and not re.search(r"import .*\bUnset\b", text):
            path.write_text("from ...types import Unset\n" + text)
            mended += 1
    sys.path.insert(0, str(work / "python"))
    import io

    from made import Client
    from made.api.pictures import add_picture, label_picture
    from made.api.search import compare, features, search
    from made.models import AdditionForm, BulkAnswer, LabelChange, PairForm, PictureForm, PicturesForm, StoredQuery
    from made.types import File

    client = Client(base_url=server.url)

    def file(seed):
        return File(payload=io.BytesIO(png(seed)), file_name=f"{seed}.png", mime_type="image/png")

    one = add_picture.sync(client=client, body=AdditionForm(file=[file(1)]), tag=["python"])
    many = add_picture.sync(client=client, body=AdditionForm(file=[file(2), file(3)]), tag=["python"])
    bare = add_picture.sync(client=client, body=file(4), name="bare.png")
    assert isinstance(many, BulkAnswer) and many.added == 2, many
    assert bare.name == "bare.png" and one.tags == ["python"], (bare, one)
    found = {
        "form": search.sync(client=client, body=PicturesForm(file=[file(1)])),
        "two_files": search.sync(client=client, body=PicturesForm(file=[file(1), file(1)])),
        "form_of_ids": search.sync(client=client, body=PicturesForm(image_id=[bare.id], file=[file(1)])),
        "bytes": search.sync(client=client, body=file(1), limit=3),
    }
    for kind, answer in found.items():
        assert answer.hits[0].image.id == one.id and answer.hits[0].verified, (kind, answer)
    stored = search.sync(client=client, body=StoredQuery(image_id=one.id))
    assert one.id not in [hit.image.id for hit in stored.hits]
    assert compare.sync(client=client, body=PairForm(a=file(1), b=file(1))).verified
    made = features.sync(client=client, body=PictureForm(file=file(1)))
    assert made.payload.read(8)
    labelled = label_picture.sync(one.id, client=client, body=LabelChange(add_tags=["seen"]))
    assert labelled.tags == ["python", "seen"], labelled
    warnings = len(re.findall(r"^WARNING", done.stdout + done.stderr, re.M))
    return {"exit_code": done.returncode, "warnings": warnings, "mended_modules": mended, "bodies": 6 + len(found)}


PROGRAM = """
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const picture = new Blob([Buffer.from(process.argv[3], "base64")], { type: "image/png" });

// Types say `string` for binary fields; a serializer makes the form.
const form = (file: Blob[]) => ({
  body: { file: file as unknown as string[] },
  bodySerializer: () => {
    const data = new FormData();
    file.forEach((one) => data.append("file", one, "a.png"));
    return data;
  },
});

async function main() {
  const added = await client.POST("/v1/images", { ...form([picture]), params: { query: { tag: ["typescript"] } } });
  if (!added.data) throw new Error(JSON.stringify(added.error));
  const one = added.data as components["schemas"]["AddedPicture"];
  const found = await client.POST("/v1/search", { ...form([picture]), params: { query: { limit: 3 } } });
  if (!found.data?.hits[0]?.verified || found.data.hits[0].image.id !== one.id) throw new Error("not found by a form");
  const bare = await client.POST("/v1/search", {
    body: picture as unknown as string,
    bodySerializer: (body) => body as unknown as Blob,
    headers: { "content-type": "application/octet-stream" },
  });
  if (bare.data?.hits[0]?.image.id !== one.id) throw new Error("not found by bytes");
  const stored = await client.POST("/v1/search", { body: { image_id: one.id } });
  if (!stored.data) throw new Error(JSON.stringify(stored.error));
  const labelled = await client.PATCH("/v1/images/{id}", { params: { path: { id: one.id } }, body: { add_tags: ["seen"] } });
  if (!labelled.data?.tags.includes("seen")) throw new Error(JSON.stringify(labelled.error));
  const missing = await client.GET("/v1/images/{id}", { params: { path: { id: "0".repeat(32) } } });
  if (missing.error?.code !== "unknown_picture") throw new Error("a failure has no code");
}
main().catch((error) => { console.error(error); process.exit(1); });
"""


def of_typescript(server, document, work):
    """The same with types; None where there is no npm."""
    if not shutil.which("npm"):
        print("SKIPPED: npm is not installed")
        return None
    import base64

    here = work / "typescript"
    here.mkdir()
    (here / "package.json").write_text('{"type": "module"}')

    def run(*words):
        return subprocess.run(words, cwd=here, check=True)

    run("npm", "install", "--silent", "--no-audit", "--no-fund", *NPM)
    run("npx", "openapi-typescript", str(document), "--output", "api.d.ts")
    (here / "main.ts").write_text(PROGRAM)
    options = ["--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler", "--skipLibCheck"]
    run("npx", "tsc", *options, "main.ts")
    run("node", "main.js", server.url, base64.b64encode(png(11)).decode())
    return {"exit_code": 0, "bodies": 5}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resight", default="target/release/resight")
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    server = Server(arguments.resight, work / "server")
    try:
        document = work / "openapi.json"
        document.write_text(json.dumps(server.ask("GET", "/openapi.json")))
        figures = {"openapi_python_client": of_python(server, document, work)}
        figures["openapi_typescript"] = of_typescript(server, document, work)
    finally:
        server.stop()
    shutil.rmtree(work)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
