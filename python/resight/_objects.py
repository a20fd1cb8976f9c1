"""Objects, arrays, pictures and files of a request."""

from __future__ import annotations

import collections.abc
import dataclasses
import io
import json
import sys
import typing
from typing import Any, Callable, Dict, List, Optional

from . import _arrays
from ._scalars import binary
from ._sent import Convert, Sent, Unfit, Wanted

Of = Callable[[Any], Wanted]


def from_json(sent: Sent) -> Any:
    """The value of JSON that is sent as a text or as a file."""
    if sent.kind == "json":
        return sent.value
    if sent.kind in ("picture", "many"):
        raise Unfit
    try:
        return json.loads(sent.value if sent.kind == "text" else bytes(sent.value))
    except (ValueError, RecursionError) as error:
        raise Unfit(f"it is no JSON: {error}") from None


def _built(make: Callable[[Any], Any]) -> Convert:
    """Makes an object of a value from JSON."""

    def convert(sent: Sent) -> Any:
        value = from_json(sent)
        try:
            return make(value)
        except (ValueError, TypeError, KeyError) as error:
            raise Unfit(" ".join(str(error).split())[:300]) from None

    return convert


def _fields(kind: Any, hints: Dict[str, Any], required: List[str], of: Of) -> Wanted:
    """A dataclass or named tuple, from a JSON object with its fields."""
    wanted = {name: of(hint) for name, hint in hints.items()}

    def make(value: Any) -> Any:
        if isinstance(value, list) and issubclass(kind, tuple):
            value = dict(zip(hints, value)) if len(value) <= len(hints) else value
        if not isinstance(value, dict):
            raise Unfit
        for name in value:
            if name not in wanted:
                raise Unfit(f"it has no field {name!r}; it has {', '.join(hints)}")
        for name in required:
            if name not in value:
                raise Unfit(f"the field {name!r} is missing")
        found = {}
        for name, given in value.items():
            try:
                found[name] = wanted[name].convert(Sent("json", given))
            except Unfit as unfit:
                more = f": {unfit}" if str(unfit) else ""
                shown = Sent("json", given).start()
                raise Unfit(f"its field {name!r} cannot be {shown}{more}") from None
        return kind(**found)

    schema = {
        "type": "object",
        "properties": {name: each.schema for name, each in wanted.items()},
        "required": required,
    }
    return Wanted(_built(make), schema)


def container(kind: Any, of: Of) -> Optional[Wanted]:
    """Objects with fields, as JSON has them."""
    if callable(getattr(kind, "model_validate", None)):
        schema = getattr(kind, "model_json_schema", dict)
        return Wanted(_built(kind.model_validate), _safe(schema))
    if callable(getattr(kind, "parse_obj", None)):
        return Wanted(_built(kind.parse_obj), {"type": "object"})
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        missing = dataclasses.MISSING
        fields = [f for f in dataclasses.fields(kind) if f.init]
        required = [
            f.name for f in fields if f.default is missing and f.default_factory is missing
        ]
        return _fields(kind, {f.name: hints.get(f.name, Any) for f in fields}, required, of)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        hints = _hints(kind)
        defaults = getattr(kind, "_field_defaults", {})
        names = {name: hints.get(name, Any) for name in kind._fields}
        return _fields(kind, names, [n for n in names if n not in defaults], of)
    if issubclass(kind, collections.abc.Mapping) or hasattr(kind, "__total__"):

        def mapping(value: Any) -> Any:
            if not isinstance(value, dict):
                raise Unfit
            return value

        return Wanted(_built(mapping), {"type": "object"})
    return None


def _hints(kind: Any) -> Dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except Exception:  # names that are known to type checkers only
        return {}


def _safe(schema: Callable[[], Any]) -> Dict[str, Any]:
    try:
        found = schema()
        is_small = isinstance(found, dict) and len(json.dumps(found)) <= 20_000
        # References are to the schema itself, which is not the root of the description.
        return found if is_small and "$defs" not in found else {"type": "object"}
    except Exception:
        return {"type": "object"}


def array(sent: Sent) -> Any:
    if sent.kind == "many":
        raise Unfit
    if sent.kind == "picture" or _arrays.np is None:
        return sent.value
    if sent.kind == "file":
        return _arrays.np.frombuffer(bytes(sent.value), _arrays.np.uint8)
    try:
        return _arrays.np.asarray(from_json(sent))
    except ValueError as error:
        raise Unfit(str(error)) from None


def pil(sent: Sent) -> Any:
    if sent.kind != "picture":
        raise Unfit("it is no picture")
    image = sys.modules["PIL.Image"]
    height, width = sent.value.shape[:2]
    return image.frombytes("RGB", (width, height), sent.value.tobytes())


def stream(sent: Sent) -> Any:
    return io.BytesIO(binary(sent))


def upload(kind: Any) -> Convert:
    """Starlette's and FastAPI's `UploadFile`."""

    def convert(sent: Sent) -> Any:
        import tempfile

        if sent.kind != "file":
            raise Unfit("it is no file")
        file = tempfile.SpooledTemporaryFile(max_size=len(sent.value) + 1)
        file.write(sent.value)
        file.seek(0)
        name = sent.file_name or "upload"
        try:
            headers = sys.modules["starlette.datastructures"].Headers
            told = headers({"content-type": sent.content_type} if sent.content_type else {})
            return kind(file=file, size=len(sent.value), filename=name, headers=told)
        except (TypeError, KeyError, AttributeError):
            return kind(filename=name, file=file)

    return convert
