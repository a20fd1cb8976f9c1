"""Decorators for algorithms that Resight serves.

They are optional: a file with a plain ``extract``, ``embed`` or any other function works as it is.
A decorator only attaches a dictionary to the function, which is called and tested like any other.
"""

from __future__ import annotations

import http
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, TypeVar, Union

__all__ = [
    "File",
    "HTTPException",
    "batch",
    "cancelled",
    "embedder",
    "extractor",
    "function",
    "hidden",
    "warmup",
]
__version__ = "0.1.0"

F = TypeVar("F", bound=Callable[..., Any])

#: The attribute with the options of a function's decorators.
MARK = "__resight__"


def _mark(function: F, **options: Any) -> F:
    marked: Dict[str, Any] = dict(getattr(function, MARK, {}))
    marked.update((key, value) for key, value in options.items() if value is not None)
    setattr(function, MARK, marked)
    return function


def _decorate(function: Optional[F], **options: Any) -> Any:
    """Marks `function`, or returns a decorator: for ``@name`` and for ``@name(...)``."""
    if callable(function):
        return _mark(function, **options)

    def decorator(decorated: F) -> F:
        return _mark(decorated, **options)

    return decorator


def extractor(
    function: Optional[F] = None,
    *,
    name: Optional[str] = None,
    version: Optional[str] = None,
    kind: Optional[str] = None,
    dimension: Optional[int] = None,
) -> Any:
    """Marks the function that returns the local features of one picture.

    ``version`` is part of the model's name, and features of two versions are never compared. Its
    default is a hash of the file's bytes. ``kind`` is ``"float"`` or ``"uint8"``, both compared by
    Euclidean distance, or ``"binary"``: bits packed into bytes, compared by Hamming distance.
    ``dimension`` is the number of values in a row of ``descriptors``.
    """
    if kind not in (None, "float", "uint8", "binary"):
        raise ValueError(f'kind must be "float", "uint8" or "binary", not {kind!r}')
    return _decorate(
        function, role="extract", model=name, version=version, kind=kind, dimension=dimension
    )


def embedder(
    function: Optional[F] = None,
    *,
    name: Optional[str] = None,
    version: Optional[str] = None,
    dimension: Optional[int] = None,
) -> Any:
    """Marks the function that returns one vector for each picture of a list."""
    return _decorate(function, role="embed", model=name, version=version, dimension=dimension)


def function(
    function: Optional[F] = None,
    *,
    name: Optional[str] = None,
    route: Optional[str] = None,
    methods: Optional[Sequence[str]] = None,
) -> Any:
    """Gives a function another name, a route of its own, or a choice of HTTP methods."""
    listed: Optional[List[str]] = None if methods is None else [m.upper() for m in methods]
    return _decorate(function, name=name, route=route, methods=listed)


def batch(function: Optional[F] = None, *, max: int = 32, wait_ms: float = 0.0) -> Any:
    """Gathers calls of several clients: the function takes a list and returns one as long.

    A batch has at most ``max`` calls. The first waits ``wait_ms`` milliseconds for others.
    """
    if callable(function):
        return _mark(function, batch={"max": 32, "wait_ms": 0.0})
    if int(max) < 1 or float(wait_ms) < 0:
        raise ValueError("max must be at least 1 and wait_ms at least 0")
    return _decorate(None, batch={"max": int(max), "wait_ms": float(wait_ms)})


def warmup(function: F) -> F:
    """Marks a function without arguments that each new worker calls before it serves."""
    return _mark(function, warmup=True, hidden=True)


def hidden(function: F) -> F:
    """Marks a function that clients cannot see or call."""
    return _mark(function, hidden=True)


class File:
    """A function's result: bytes with their content type."""

    __slots__ = ("content_type", "data")

    def __init__(
        self,
        data: Union[bytes, bytearray, memoryview],
        content_type: str = "application/octet-stream",
    ) -> None:
        self.data = data
        self.content_type = content_type


class HTTPException(Exception):
    """An answer with a status from 400 to 599, as FastAPI's, where that is not installed.

    ``detail`` is a text or any JSON value. Of ``headers`` the server sends those that docs/plugins.md lists.
    """

    def __init__(
        self, status_code: int, detail: Any = None, headers: Optional[Mapping[str, str]] = None
    ) -> None:
        self.status_code = status_code
        self.detail = http.HTTPStatus(status_code).phrase if detail is None else detail
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"


_cancelled: Callable[[], bool] = lambda: False


def cancelled() -> bool:
    """Whether nobody waits for the running call any longer. A long loop can ask, and stop."""
    return _cancelled()
