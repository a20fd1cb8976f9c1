"""What an annotation makes of a value that a request carries: a text of a form or query, a value from
JSON, the bytes of a file, or a decoded picture."""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import inspect
import io
import pathlib
import sys
import typing
import uuid
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _objects, _scalars, _times
from ._sent import Sent, Unfit, Wanted, anything, limited


def of(annotation: Any) -> Wanted:
    """What an evaluated annotation takes. One that says nothing of a request's values takes all."""
    try:
        return _of(annotation, 0)
    except Exception:  # such as a class whose own hooks raise
        return anything()


def _of(annotation: Any, depth: int) -> Wanted:
    if depth > 20:
        return anything()
    depth += 1
    while hasattr(annotation, "__supertype__"):  # NewType
        annotation = annotation.__supertype__
    if type(annotation).__name__ == "TypeAliasType":
        return _of(annotation.__value__, depth)
    origin = typing.get_origin(annotation)
    inner = typing.get_args(annotation)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return limited(_of(annotation.__origin__, depth), annotation.__metadata__)
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        return _union([_of(each, depth) for each in inner], inner)
    if origin is typing.Literal:
        return _literal(inner)
    if annotation is None or annotation is type(None):
        return _null()
    plain = origin if inspect.isclass(origin) else annotation
    if not inspect.isclass(plain):
        return anything()
    several = _several(plain)
    if several is not None:
        return _list(several, plain, [_of(each, depth) for each in inner if each is not Ellipsis])
    return _class(plain, depth)


def _null() -> Wanted:
    def convert(sent: Sent) -> None:
        if sent.value is not None and not (sent.kind == "text" and sent.value == ""):
            raise Unfit

    wanted = Wanted(convert, {"type": "null"})
    wanted.nullable = True
    return wanted


def _literal(values: Tuple[Any, ...]) -> Wanted:
    allowed = ", ".join(map(repr, values[:20]))

    def convert(sent: Sent) -> Any:
        for value in values:
            if sent.kind == "json":
                if type(value) is type(sent.value) and value == sent.value:
                    return value
            elif _scalars.plain_text(sent) == str(getattr(value, "value", value)):
                return value
            elif isinstance(value, bool) and _scalars.plain_text(sent).lower() == str(value).lower():
                return value
        raise Unfit(f"one of {allowed} is taken")

    simple = [v for v in values if isinstance(v, (str, int, bool, type(None)))]
    return Wanted(convert, {"enum": simple[:100]}, any_text="" in values)


def _enum(kind: Any) -> Wanted:
    members = list(kind)
    allowed = ", ".join(repr(member.value) for member in members[:20])

    def convert(sent: Sent) -> Any:
        for member in members:
            value = member.value
            if sent.kind == "json" and type(sent.value) is type(value) and sent.value == value:
                return member
            if isinstance(sent.value, str) and sent.value == str(value):
                return member
        raise Unfit(f"one of {allowed} is taken")

    values = [m.value for m in members if isinstance(m.value, (str, int, float))]
    return Wanted(convert, {"enum": values[:100]}, any_text="" in values)


def _union(members: List[Wanted], kinds: Tuple[Any, ...]) -> Wanted:
    null = type(None) in kinds or any(member.nullable for member in members)
    real = [(m, k) for m, k in zip(members, kinds) if k is not type(None)]

    def convert(sent: Sent) -> Any:
        if null and sent.kind == "json" and sent.value is None:
            return None
        exact = [p for p in real if sent.kind == "json" and p[1] is type(sent.value)]
        # Several values are for those that take several.
        suited = [p for p in real if p[0].item is not None] if sent.kind == "many" else real
        reasons = []
        for member, _ in exact + suited:
            try:
                return member.convert(sent)
            except Unfit as unfit:
                reasons.append(str(unfit))
        raise Unfit(next((r for r in reversed(reasons) if r), ""))

    schemas = [m.schema for m, _ in real] + ([{"type": "null"}] if null else [])
    wanted = Wanted(
        convert,
        {"anyOf": schemas} if all(schemas) else {},
        takes=next((m.takes for m, _ in real if m.takes), ""),
        any_text=any(m.any_text for m, _ in real),
        files=any(m.files for m, _ in real),
    )
    wanted.item = next((m.item for m, _ in real if m.item is not None), None)
    wanted.nullable = null
    wanted.whole = any(m.whole for m, _ in real)
    return wanted


# Several values.


def _several(kind: Any) -> Optional[Callable[[List[Any]], Any]]:
    """How a container of several values is made; None for what is no such container."""
    if issubclass(kind, (str, bytes, bytearray, memoryview, collections.abc.Mapping)):
        return None
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):  # NamedTuple
        return None
    if kind.__module__ not in ("builtins", "collections", "collections.abc", "typing"):
        return None
    for abstract, made in (
        (collections.abc.MutableSequence, list),
        (collections.abc.MutableSet, set),
        (collections.abc.Set, frozenset),
        (collections.abc.Sequence, list),
    ):
        if issubclass(kind, abstract):
            return made if inspect.isabstract(kind) else kind
    return list if kind in (collections.abc.Iterable, collections.abc.Collection) else None


def _list(made: Callable[[List[Any]], Any], kind: Any, inner: List[Wanted]) -> Wanted:
    # A tuple with a length of its own has a type for each place.
    fixed = inner if kind is tuple and len(inner) > 1 else None
    each = inner[0] if inner else anything()

    def convert(sent: Sent) -> Any:
        given = sent.value
        if sent.kind == "json":
            if not isinstance(given, list):
                raise Unfit
            values = [Sent("json", value) for value in given]
        elif sent.kind == "many":
            values = given
        else:
            values = [sent]
        if len(values) == 1 and values[0].kind == "text" and not each.any_text:
            text = values[0].value.lstrip()
            if text.startswith("["):
                return convert(Sent("json", _objects.from_json(values[0])))
        if fixed is not None and len(fixed) != len(values):
            raise Unfit(f"{len(fixed)} values are taken")
        kinds = fixed or [each] * len(values)
        found = []
        for index, (value, wanted) in enumerate(zip(values, kinds)):
            try:
                found.append(wanted.convert(value))
            except Unfit as unfit:
                more = f": {unfit}" if str(unfit) else ""
                raise Unfit(f"value {index + 1} is {value.start()}{more}") from None
        try:
            return made(found)
        except TypeError as error:
            raise Unfit(str(error)) from None

    schema = {"type": "array", "items": each.schema if fixed is None else {}}
    wanted = Wanted(convert, schema, takes=each.takes, files=each.files)
    wanted.item = each
    return wanted


#: Each type after those that derive from it.
_PARSED: List[Tuple[type, Callable[[str], Any], Tuple[type, ...], Dict[str, Any]]] = [
    (int, _scalars.integer, (int, float), {"type": "integer"}),
    (float, _scalars.real, (int, float), {"type": "number"}),
    (complex, complex, (int, float), {"type": "string"}),
    (decimal.Decimal, decimal.Decimal, (int, float), {"type": "number"}),
    (
        datetime.datetime,
        _times.moment,
        (int, float),
        {"type": "string", "format": "date-time"},
    ),
    (datetime.date, _times.day, (), {"type": "string", "format": "date"}),
    (datetime.time, _times.clock, (), {"type": "string", "format": "time"}),
    (datetime.timedelta, _times.span, (int, float), {"type": "number"}),
    (uuid.UUID, uuid.UUID, (), {"type": "string", "format": "uuid"}),
]


def _class(kind: Any, depth: int) -> Wanted:
    if issubclass(kind, enum.Enum):
        return _enum(kind)
    if kind is bool:
        return Wanted(_scalars.boolean, {"type": "boolean"})
    binary = {"type": "string", "format": "binary"}
    if kind is bytes or kind is bytearray or kind is memoryview:
        taken = lambda sent: kind(_scalars.binary(sent))  # noqa: E731
        return Wanted(taken, binary, takes="bytes", any_text=True, files=True)
    if issubclass(kind, str):
        own = _scalars.plain_text if kind is str else _scalars.parsed(kind, strip=False)
        return Wanted(own, {"type": "string"}, any_text=True)
    for base, parse, from_json, schema in _PARSED:
        if kind is base:
            return Wanted(_scalars.parsed(parse, *from_json), schema)
    if issubclass(kind, pathlib.PurePath):
        return Wanted(_scalars.parsed(kind, strip=False), {"type": "string"})
    module = str(getattr(kind, "__module__", ""))
    if module.split(".")[0] == "numpy":
        if kind.__name__ == "ndarray":
            return Wanted(_objects.array, takes="picture", files=True)
        for name, parse in (("integer", _scalars.integer), ("floating", _scalars.real)):
            if issubclass(kind, getattr(sys.modules["numpy"], name)):
                return Wanted(_scalars.parsed(lambda text: kind(parse(text)), int, float))
    if module.startswith("PIL.") and kind.__name__ == "Image":
        return Wanted(_objects.pil, binary, takes="picture", files=True)
    if kind.__name__ == "UploadFile":
        return Wanted(_objects.upload(kind), binary, takes="bytes", files=True)
    if kind in (typing.BinaryIO, typing.IO) or issubclass(kind, (io.BytesIO, io.BufferedIOBase)):
        return Wanted(_objects.stream, binary, takes="bytes", any_text=True, files=True)
    found = _objects.container(kind, lambda hint: _of(hint, depth))
    if found is None:
        return anything()
    found.whole = True
    return found
