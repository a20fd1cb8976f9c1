"""JSON of what a function returned."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import math
import pathlib
import types
import uuid
from typing import Any, List

_SIMPLE = (str, int, float, bool, type(None))


def encoded(value: Any) -> bytes:
    """Raises `TypeError`, `ValueError` or `RecursionError` where JSON cannot express it."""
    try:
        text = json.dumps(value, default=_stays, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        # Keys that are no text, or numbers that are not finite: in a copy of the whole value.
        text = json.dumps(_copied(value), allow_nan=False, separators=(",", ":"))
    return text.encode()


def _is_read_once(value: Any) -> bool:
    return inspect.isgenerator(value) or type(value) in (map, filter, zip, enumerate, reversed)


def _stays(value: Any) -> Any:
    """As `_simpler`, for values that are there a second time."""
    if _is_read_once(value):
        raise TypeError
    return _simpler(value)


def _copied(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return _copied(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, _SIMPLE):
        return value
    if isinstance(value, dict):
        return {_key(key): _copied(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(inner) for inner in value]
    return _copied(_simpler(value))


def _key(key: Any) -> Any:
    """A key of a dict as JSON has it: a text, or what `json` makes one of."""
    if isinstance(key, enum.Enum):
        return _key(key.value)
    if isinstance(key, float) and not math.isfinite(key):
        return str(key)
    if isinstance(key, _SIMPLE):
        return key
    if hasattr(key, "dtype") and hasattr(key, "item"):
        return _key(key.item())
    simpler = _simpler(key)
    if isinstance(simpler, _SIMPLE):
        return str(key) if isinstance(key, decimal.Decimal) else simpler
    raise TypeError(f"a key of type {type(key).__name__}")


def _simpler(value: Any) -> Any:
    """A value that `json` cannot encode itself, one step nearer to those that it can."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("bytes inside a larger result: return them alone, or as base64 text")
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()  # a torch tensor
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        plain = value.tolist()
        if type(plain) is type(value):
            raise TypeError(f"a value of type {type(value).__name__}")
        return plain
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, type):
        raise TypeError(f"the class {value.__name__}")
    for name in ("model_dump", "dict", "_asdict"):
        dump = getattr(value, name, None)
        if callable(dump) and not isinstance(value, dict):
            return dump()
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "__attrs_attrs__"):
        return {each.name: getattr(value, each.name) for each in value.__attrs_attrs__}
    if isinstance(value, types.SimpleNamespace):
        return dict(vars(value))
    if isinstance(value, (set, frozenset)):
        return _ordered(value)
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, (collections.abc.Set, collections.abc.Sequence, collections.abc.ValuesView)):
        return list(value)
    if _is_read_once(value):
        return list(value)
    if type(value).__module__ == "ipaddress":
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _ordered(value: Any) -> List[Any]:
    """The members of a set, in the same order each time."""
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=repr)


def _number(value: decimal.Decimal) -> Any:
    """A number; text where a number would be another value."""
    if not value.is_finite():
        return None
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and 0 <= exponent and len(digits) + exponent <= 300:
        return int(value)
    number = float(value)
    return number if decimal.Decimal(repr(number)) == value else str(value)
