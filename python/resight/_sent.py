"""A value that a request carries, and what one parameter takes of it."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple


class Sent(NamedTuple):
    """A value as it was sent, and as what: `text`, `json`, `file` or `picture`."""

    kind: str
    value: Any
    file_name: Optional[str] = None
    content_type: str = ""

    def start(self) -> str:
        """The beginning of the value, for an error."""
        if self.kind == "picture":
            height, width = self.value.shape[:2]
            return f"a picture of {width} × {height} pixels"
        if self.kind == "file":
            named = f" {self.file_name[:60]!r}" if self.file_name else ""
            return f"a file{named} of {len(self.value)} bytes"
        shown = json.dumps(self.value, ensure_ascii=False, default=repr)
        return shown if len(shown) <= 60 else shown[:59] + "…"


class Unfit(Exception):
    """The value is not what the annotation says. The text says more, or nothing."""


Convert = Callable[[Sent], Any]


class Wanted:
    """What one parameter takes."""

    def __init__(
        self,
        convert: Convert,
        schema: Optional[Dict[str, Any]] = None,
        *,
        takes: str = "",
        any_text: bool = False,
        files: bool = False,
    ) -> None:
        self.convert = convert
        #: Its JSON schema.
        self.schema: Dict[str, Any] = schema or {}
        #: What the server makes of a file: `bytes`, `picture`, or by its content type.
        self.takes = takes
        #: Whether an empty text is a value.
        self.any_text = any_text
        #: Whether a file may be meant for it that is sent under another name.
        self.files = files
        #: What each of several values is; None where it takes one.
        self.item: Optional[Wanted] = None
        self.nullable = False
        #: Whether it takes a JSON object, and so the whole body of a request.
        self.whole = False


def anything() -> Wanted:
    return Wanted(lambda sent: sent.value, any_text=True, files=True)


_LIMITS: Dict[str, Tuple[str, Callable[[Any, Any], bool]]] = {
    "ge": ("at least", lambda value, limit: value >= limit),
    "gt": ("above", lambda value, limit: value > limit),
    "le": ("at most", lambda value, limit: value <= limit),
    "lt": ("below", lambda value, limit: value < limit),
    "min_length": ("of a length of at least", lambda value, limit: len(value) >= limit),
    "max_length": ("of a length of at most", lambda value, limit: len(value) <= limit),
}


def limited(wanted: Wanted, said: Any) -> Wanted:
    """With the limits of FastAPI's and pydantic's descriptions of a parameter."""
    found: List[Tuple[str, Any]] = []
    for each in said:
        for holder in [each, *(getattr(each, "metadata", None) or ())]:
            for name in _LIMITS:
                limit = getattr(holder, name, None)
                if limit is not None and not callable(limit) and (name, limit) not in found:
                    found.append((name, limit))
    if not found:
        return wanted
    plain = wanted.convert

    def convert(sent: Sent) -> Any:
        value = plain(sent)
        for name, limit in found if value is not None else ():
            words, holds = _LIMITS[name]
            try:
                is_within = holds(value, limit)
            except TypeError:  # a limit of another type
                continue
            if not is_within:
                raise Unfit(f"it must be {words} {limit}")
        return value

    wanted.convert = convert
    return wanted
