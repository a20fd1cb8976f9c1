"""Converts what an author returns as an array to contiguous rows, with or without numpy."""

from __future__ import annotations

import array
import math
from typing import Any, List, NamedTuple, Optional, Tuple

np: Any = None  # the numpy module, if `use_numpy` found it


def use_numpy() -> Optional[str]:
    """Imports numpy if it is installed. Returns its version, or None."""
    global np
    try:
        import numpy
    except Exception:  # a broken installation must not stop the plug-in
        return None
    np = numpy
    return str(numpy.__version__)


class BadResult(Exception):
    """A result that cannot be used. The message says what was returned and what was expected."""


class Rows(NamedTuple):
    """`count` rows of `width` values, "float32" or "uint8", without gaps."""

    dtype: str
    count: int
    width: int
    data: memoryview


def describe(value: Any) -> str:
    """`value` in a few words."""
    if value is None:
        return "None"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"an array of shape {tuple(shape)}, dtype {dtype}"
    if isinstance(value, (list, tuple)):
        inner = f" with first item {type(value[0]).__name__}" if value else ""
        return f"a {type(value).__name__} of length {len(value)}{inner}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{type(value).__name__} of {len(value)} bytes"
    return f"a value of type {type(value).__name__}"


def rows(value: Any, what: str, expected: str, bytes_allowed: bool) -> Rows:
    """`value` as a table of numbers. Raises `BadResult`."""
    if value is None:
        raise BadResult(f"{what} is None; expected {expected}")
    found = _numpy_rows(value, bytes_allowed) if np is not None else _plain_rows(value, bytes_allowed)
    if found is None:
        raise BadResult(f"{what} is {describe(value)}; expected {expected}")
    return found


def _numpy_rows(value: Any, bytes_allowed: bool) -> Optional[Rows]:
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()  # a torch tensor
    try:
        table = np.asarray(value)
    except Exception:  # such as a ragged list
        return None
    if table.dtype == object or table.dtype.kind not in "fiu":
        if table.size or table.dtype == object:
            return None
    if table.size == 0 and table.ndim == 1:
        table = table.reshape(0, 0)
    if table.ndim != 2:
        return None
    integers_in_list = isinstance(value, (list, tuple)) and table.dtype.kind in "iu" and table.size
    if bytes_allowed and integers_in_list and table.min() >= 0 and table.max() <= 255:
        table = table.astype(np.uint8)
    if not (bytes_allowed and table.dtype == np.uint8):
        with np.errstate(over="ignore", invalid="ignore"):
            table = table.astype(np.float32)
    table = np.ascontiguousarray(table)
    count, width = (int(side) for side in table.shape)
    data = memoryview(table).cast("B") if table.size else memoryview(b"")
    return Rows(str(table.dtype), count, width, data)


def _plain_rows(value: Any, bytes_allowed: bool) -> Optional[Rows]:
    view = _buffer(value)
    if view is not None:
        if view.ndim != 2 or view.format not in ("B", "f", "d"):
            return None
        count, width = view.shape
        if view.format == "B" and bytes_allowed:
            return Rows("uint8", count, width, memoryview(view.tobytes()))
        return Rows("float32", count, width, _floats([v for row in view.tolist() for v in row]))
    if not isinstance(value, (list, tuple)):
        return None
    table: List[Tuple[Any, ...]] = []
    for row in value:
        try:
            table.append(tuple(row))
        except TypeError:
            return None
    width = len(table[0]) if table else 0
    numbers = [v for row in table for v in row]
    if any(len(row) != width for row in table) or not all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers
    ):
        return None
    if bytes_allowed and numbers and all(isinstance(v, int) and 0 <= v <= 255 for v in numbers):
        return Rows("uint8", len(table), width, memoryview(bytes(numbers)))
    return Rows("float32", len(table), width, _floats(numbers))


def _floats(numbers: List[Any]) -> memoryview:
    def narrow(v: Any) -> float:
        try:
            wide = float(v)
        except OverflowError:
            return math.inf
        return math.copysign(math.inf, wide) if 3.4e38 < abs(wide) < math.inf else wide

    return memoryview(array.array("f", [narrow(v) for v in numbers])).cast("B")


def _buffer(value: Any) -> Optional[memoryview]:
    if isinstance(value, (list, tuple, str)):
        return None
    try:
        return memoryview(value)
    except TypeError:
        return None
