"""Writes what is written by a program: the models from the server's OpenAPI document, the sync client from the async.

python generate.py models http://127.0.0.1:7777/openapi.json   (or a file)
python generate.py sync                                        (--check: fail where it is out of date)
"""

import json
import pathlib
import re
import sys
import textwrap
import urllib.request
from typing import Any, Dict, List, Tuple

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE / "resight_client"

# The schemas that answers have, by the names that they get here.
RENAMED = {
    "JobShown": "Job",
    "FolderShown": "Folder",
    "RulesShown": "Rules",
    "KeyPresented": "Key",
    "BulkSummary": "Summary",
    "StorageShown": "Storage",
    "ResolveAnswer": "Resolved",
    "ResolutionShown": "Resolution",
    "UndoAnswer": "Undone",
    "WebhookShown": "Webhook",
}
# Which module has them: a schema and its parts are in the first module that needs them.
MODULES = {
    "pictures": [
        "AddedPicture", "BulkSummary", "FileOutcome", "PictureAndPaths", "PictureList", "ObjectList", "ObjectPictures",
        "Count", "ExifList", "MediaTypeList", "ManyChanged", "ManyRemoved", "Removed", "RefusedList",
    ],
    "searches": ["SearchAnswer", "Comparison"],
    "pairs": ["DuplicateList", "Decision", "NotAMatchList", "ResolveAnswer", "ResolutionList", "UndoAnswer"],
    "serving": [
        "Collection", "CollectionList", "JobList", "JobRefusedList", "FolderList", "KeyList", "KeyMade", "SessionState",
        "ModelList", "Health", "StorageShown", "WebhookList", "WebhookMade",
    ],
}  # fmt: skip
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "Dict[str, Any]"}

WRITTEN = "What the server answers. Written by generate.py from its OpenAPI document; do not edit."
Schema = Dict[str, Any]


def reference(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[1]


def name_of(schema: str) -> str:
    return RENAMED.get(schema, schema)


def annotation(schema: Schema) -> str:
    """The Python type of a value."""
    if "$ref" in schema:
        return name_of(reference(schema))
    if "oneOf" in schema:
        choices = [one for one in schema["oneOf"] if one.get("type") != "null"]
        inner = annotation(choices[0])
        return inner if len(choices) == len(schema["oneOf"]) else f"Optional[{inner}]"
    kind = schema.get("type", "object")
    kinds = [kind] if isinstance(kind, str) else [one for one in kind if one != "null"]
    if kinds[0] == "array":
        inner = f"List[{annotation(schema['items'])}]"
    elif kinds[0] == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = f"Dict[str, {annotation(schema['additionalProperties'])}]"
    else:
        inner = SCALARS[kinds[0]]
    return inner if isinstance(kind, str) else f"Optional[{inner}]"


def fields_of(schemas: Dict[str, Schema], name: str) -> List[Tuple[str, Schema, bool]]:
    """Name, schema and whether it is always there, of all fields."""
    schema = schemas[name]
    found: List[Tuple[str, Schema, bool]] = []
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            found += fields_of(schemas, reference(part))
        else:
            required = part.get("required", [])
            found += [(field, about, field in required) for field, about in part.get("properties", {}).items()]
    return found


def needed(schemas: Dict[str, Schema], roots: List[str]) -> List[str]:
    """The schemas that these consist of, parts first."""
    order: List[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for part in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schemas[name])):
            visit(part)
        order.append(name)

    for root in roots:
        visit(root)
    return order


def paragraph(text: str, indent: str) -> List[str]:
    return textwrap.wrap(" ".join(text.split()), 120 - len(indent))


def model(schemas: Dict[str, Schema], name: str) -> str:
    """The class of a schema. One that has all fields of another and more is its subclass."""
    schema = schemas[name]
    bases = [reference(part) for part in schema.get("allOf", []) if "$ref" in part]
    # A field without a default cannot follow one with a default, as a base might have.
    base = next((base for base in bases if all(always for _, _, always in fields_of(schemas, base))), None)
    inherited = {field for field, _, _ in fields_of(schemas, base)} if base else set()
    head = f"class {name_of(name)}({name_of(base)}):" if base else f"class {name_of(name)}:"
    lines = ["@dataclass(frozen=True)", head]
    lines.append('    """' + "\n    ".join(paragraph(schema.get("description", name), "    " + '"' * 6)) + '"""\n')
    own = [entry for entry in fields_of(schemas, name) if entry[0] not in inherited]
    for field, about, always in sorted(own, key=lambda entry: not entry[2]):
        lines += [f"    #: {line}" for line in paragraph(about.get("description", ""), "    #: ")]
        kind = annotation(about)
        if always:
            lines.append(f"    {field}: {kind}")
        else:
            kind = kind if kind.startswith("Optional[") else f"Optional[{kind}]"
            lines.append(f"    {field}: {kind} = None")
    return "\n".join(lines)


def models(document: Dict[str, Any]) -> Dict[str, str]:
    """The text of each module."""
    schemas: Dict[str, Schema] = document["components"]["schemas"]
    texts, place = {}, {}
    for module, roots in MODULES.items():
        names = [name for name in needed(schemas, roots) if name not in place]
        place.update(dict.fromkeys(names, module))
        body = "\n\n\n".join(model(schemas, name) for name in names)
        typing = [word for word in ("Any", "Dict", "List", "Optional") if re.search(rf"\b{word}\b", body)]
        head = [
            f'"""{WRITTEN}"""\n',
            "from dataclasses import dataclass",
            f"from typing import {', '.join(typing)}",
        ]
        used = sorted(name_of(name) for name in place if re.search(rf"[(\[ ]{name_of(name)}\b", code_of(body)))
        foreign = {name_of(name): where for name, where in place.items() if where != module}
        for other in MODULES:
            if taken := [name for name in used if foreign.get(name) == other]:
                head.append(f"\nfrom resight_client.models.{other} import {', '.join(taken)}")
        texts[module] = "\n".join(head) + "\n\n\n" + body + "\n"
    lines = [f'"""{WRITTEN}"""\n']
    for module in sorted(MODULES):
        lines.append(f"from resight_client.models.{module} import (")
        lines += [f"    {name_of(name)}," for name in sorted(place, key=name_of) if place[name] == module]
        lines.append(")")
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in sorted(map(name_of, place))), "]"]
    texts["__init__"] = "\n".join(lines) + "\n"
    return texts


def code_of(body: str) -> str:
    """Without comments and texts."""
    return re.sub(r'#:.*|"""(.|\n)*?"""', "", body)


# What differs between the two clients, as whole words.
SYNC = {
    "async def": "def",
    "async with": "with",
    "async for": "for",
    "await ": "",
    "AsyncClient": "Client",
    "AsyncCollection": "SyncCollection",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aread": "read",
    "aiter_lines": "iter_lines",
    "aiter_bytes": "iter_bytes",
    "Awaitable, ": "",
    "Awaitable[T]": "T",
    "AsyncGenerator": "Generator",
    "asynccontextmanager": "contextmanager",
    "asyncio": "time",
    "an async": "a sync",
    "_async": "_sync",
}


def sync_text(text: str) -> str:
    for word, other in SYNC.items():
        text = re.sub(rf"(?<!\w){re.escape(word)}" + ("" if word.endswith((" ", "]")) else r"(?!\w)"), other, text)
    return re.sub(r'^"""', '"""Written by generate.py from `_async`; do not edit.\n\n', text, count=1)


def sync(check: bool) -> int:
    """Writes `_sync`, or with `check` compares it; the number of files that differ."""
    differing = 0
    for source in sorted((PACKAGE / "_async").glob("*.py")):
        target = PACKAGE / "_sync" / source.name
        text = sync_text(source.read_text(encoding="utf-8"))
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            differing += 1
            if not check:
                target.parent.mkdir(exist_ok=True)
                target.write_text(text, encoding="utf-8")
    return differing


def main(arguments: List[str]) -> int:
    if arguments[:1] == ["models"] and len(arguments) == 2:
        where = arguments[1]
        if where.startswith(("http://", "https://")):
            with urllib.request.urlopen(where) as answer:
                document = json.load(answer)
        else:
            document = json.loads(pathlib.Path(where).read_text(encoding="utf-8"))
        for module, text in models(document).items():
            (PACKAGE / "models" / f"{module}.py").write_text(text, encoding="utf-8")
        return 0
    if arguments == ["sync"]:
        sync(check=False)
        return 0
    if arguments == ["sync", "--check"]:
        return 1 if sync(check=True) else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
