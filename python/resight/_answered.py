"""What functions written for FastAPI say of HTTP: an `HTTPException` is an answer, and a request cannot be had."""

from __future__ import annotations

import typing
from typing import Any, Dict, List, Optional, Tuple

from . import HTTPException, _annotations, _json
from ._arrays import BadResult

_PACKAGES = ("fastapi", "starlette")
#: What FastAPI passes by type, and what a function does without it.
_PASSED = {
    "Request": "take what it reads as parameters of their own: a query's or a form's fields, "
    "files as UploadFile or bytes, a JSON object as dict",
    "HTTPConnection": "take what it reads as parameters of their own",
    "WebSocket": "answer a request at a time",
    "Response": "return the result, bytes with their content type as (data, 'image/png'), and raise "
    "HTTPException for another status",
    "BackgroundTasks": "do the work before it returns, or start a process of its own",
    "SecurityScopes": "ask for keys at the server (--require-keys), which names their scopes",
}


def answered(error: BaseException) -> Optional[Tuple[Dict[str, Any], bytes]]:
    """The status and headers of an exception that is an answer of HTTP, and its detail as JSON; `None` for
    every other exception. Raises `BadResult` for a detail that is no JSON."""
    if not (isinstance(error, HTTPException) or _is_of(type(error), "HTTPException")):
        return None
    status = getattr(error, "status_code", None)
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        return None  # a redirect, or a success that is none
    try:
        detail = _json.encoded(getattr(error, "detail", None))
    except (TypeError, ValueError, RecursionError) as reason:
        raise BadResult(
            f"an HTTPException with status {int(status)} has a detail that is no JSON: {reason}"
        ) from None
    given = getattr(error, "headers", None)
    headers = [[str(name), str(value)] for name, value in dict(given or {}).items()]
    return {"status": int(status), "headers": headers}, detail


def refuse_passed(name: str, annotations: List[Tuple[str, Any]]) -> None:
    """Raises `TypeError` where a parameter asks for what only FastAPI has, such as its `Request`.
    `annotations` are pairs of a parameter and its annotation as Python evaluates it."""
    for parameter, annotation in annotations:
        for wanted, instead in _PASSED.items():
            if _asks_for(annotation, wanted):
                raise TypeError(
                    f"{name} asks for a {wanted} of FastAPI (the parameter {parameter}), which there is not here: "
                    f"{instead}. A function that no client calls has a name that begins with _"
                )


def _asks_for(annotation: Any, wanted: str) -> bool:
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        return _is_of(annotation, wanted)
    inner = typing.get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        inner = inner[:1]
    return any(_asks_for(each, wanted) for each in inner)


def _is_of(kind: type, name: str) -> bool:
    """Whether a class is FastAPI's or Starlette's of this name, or made of it. They need not be installed."""
    return any(
        base.__name__ == name and base.__module__.split(".")[0] in _PACKAGES
        for base in getattr(kind, "__mro__", ())
    )
