"""What is written by a program is up to date, and fits the server."""

import json
import pathlib
import re
import sys
import urllib.request
import warnings
from typing import Any, Dict

import pytest
from conftest import Server, png

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import generate
from resight_client import Client

HERE = pathlib.Path(__file__).resolve().parent.parent


def test_the_sync_client_is_written_from_the_async_one() -> None:
    assert generate.sync(check=True) == 0, "run python generate.py sync"


def fields(texts: Dict[str, str]) -> Dict[str, str]:
    """Each class's fields with their types."""
    found, name = {}, ""
    for line in "\n".join(texts.values()).splitlines():
        if head := re.match(r"class (\w+)", line):
            name = head[1]
        elif field := re.match(r"    (\w+): (.+)", line):
            found[f"{name}.{field[1]}"] = field[2]
    return found


def test_the_models_are_those_of_the_server(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
        document: Dict[str, Any] = json.load(answer)
    told = fields(generate.models(document))
    known = fields(
        {path.stem: path.read_text(encoding="utf-8") for path in (HERE / "resight_client/models").glob("*.py")}
    )
    assert len(known) > 200
    differing = {name: (kind, told.get(name)) for name, kind in known.items() if told.get(name) != kind}
    assert not differing, "the client reads what the server does not write: python generate.py models ADDRESS"
    # More fields are no break: a client leaves out what it does not know.
    if new := sorted(set(told) - set(known)):
        warnings.warn(f"python generate.py models ADDRESS would add {new}", PendingDeprecationWarning, stacklevel=1)


# The method of a client by which each operation is asked for.
METHODS = {
    "health": "health", "metrics": "metrics", "ready": "ready", "session": "key", "storage": "storage",
    "list_collections": "collections.list", "remove_collection": "collections.delete", "collection": "collections.get",
    "rename_collection": "collections.rename", "create_collection": "collections.create",
    "search": "search", "compare": "compare", "features": "features", "list_models": "models",
    "duplicates": "duplicates", "list_resolutions": "resolutions", "resolve_duplicates": "resolve",
    "undo_resolution": "undo", "add_not_a_match": "not_a_match", "drop_not_a_match": "drop_not_a_match",
    "list_not_a_match": "not_matches",
    "list_folders": "folders.list", "register_folder": "folders.register", "forget_folder": "folders.forget",
    "change_folder": "folders.change",
    "list_pictures": "images", "count_pictures": "count", "add_picture": "add", "picture": "get",
    "remove_picture": "delete", "remove_pictures": "delete_many", "label_picture": "label",
    "label_pictures": "label_many", "picture_file": "file", "thumbnail": "thumbnail",
    "picture_exif": "exif", "list_media_types": "media_types",
    "download_many_pictures": "download_many", "list_objects": "objects", "object": "object_images",
    "remove_object": "delete_object", "list_refused": "refused",
    "list_jobs": "jobs.list", "create_job": "jobs.create", "cancel_job": "jobs.cancel", "job": "jobs.get",
    "job_events": "jobs.events", "file_of_job": "jobs.download", "refused_of_job": "jobs.refused",
    "list_keys": "keys.list", "create_key": "keys.create", "revoke_key": "keys.revoke",
    "list_webhooks": "webhooks.list", "create_webhook": "webhooks.create", "remove_webhook": "webhooks.delete",
    "list_plugins": "plugins", "one_plugin": "plugin", "post_plugin_function": "call",
}  # fmt: skip
# Those that have none, and why.
WITHOUT = {
    "live": "health is the same",
    "legacy_count": "of another project's clients",
    "download_pictures": "POST takes more ids than an address",
    "search_stored": "POST does the same",
    "get_plugin_function": "POST does the same",
    "begin_session": "of browsers",
    "end_session": "of browsers",
}


def test_every_operation_has_a_method(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/openapi.json") as answer:
        paths: Dict[str, Any] = json.load(answer)["paths"]
    told = {
        about["operationId"]
        for path, operations in paths.items()
        for about in operations.values()
        # Those of a collection are the same at another address.
        if "{collection}/" not in path
    }
    assert told == set(METHODS) | set(WITHOUT)
    with Client(server.url) as client:
        for method in METHODS.values():
            found: Any = client
            for name in method.split("."):
                found = getattr(found, name)
            assert callable(found), method


def test_the_examples_of_the_readme_run(
    server: Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = server.allowed / "readme"
    folder.mkdir()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for seed in range(100, 104):
        (pictures / f"{seed}.png").write_bytes(png(seed))
    (tmp_path / "photo.png").write_bytes(png(100))
    (folder / "105.png").write_bytes(png(105))
    monkeypatch.chdir(tmp_path)
    text = (HERE / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(examples) >= 6
    names: Dict[str, Any] = {}
    for example in examples:
        code = example.replace("http://127.0.0.1:7777", server.url).replace("/srv/pictures/new", str(folder))
        exec(compile(code, "README.md", "exec"), names)
    assert names["report"].refused == []
