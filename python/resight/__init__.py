"""Decorators for algorithms that Resight serves.

All of this is optional: a file with a plain ``extract``, ``embed`` or any other function works as
it is. The decorators only attach a dictionary to the function, so a decorated function is called
and tested like any other.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar, Union

__all__ = [
    "File",
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

#: The attribute that carries what a decorator says; part of the worker protocol.
MARK = "__resight__"


def _mark(function: F, **options: Any) -> F:
    said: Dict[str, Any] = dict(getattr(function, MARK, {}))
    said.update((key, value) for key, value in options.items() if value is not None)
    setattr(function, MARK, said)
    return function


def _decorate(function: Optional[F], **options: Any) -> Any:
    """Serves both ``@name`` and ``@name(...)``."""
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
    """The function that gives local features of one picture.

    ``version`` is part of the model's name: features of two versions are not compared. Without it
    the hash of the file's bytes is used. ``kind`` is ``"float"``, ``"uint8"`` (both compared by
    Euclidean distance) or ``"binary"`` (bits packed into bytes, compared by Hamming distance).
    ``dimension`` is the number of values in a row of ``descriptors``.
    """
    if kind not in (None, "float", "uint8", "binary"):
        raise ValueError(f'kind is "float", "uint8" or "binary", not {kind!r}')
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
    """The function that turns a list of pictures into one vector each."""
    return _decorate(function, role="embed", model=name, version=version, dimension=dimension)


def function(
    function: Optional[F] = None,
    *,
    name: Optional[str] = None,
    route: Optional[str] = None,
    methods: Optional[Sequence[str]] = None,
) -> Any:
    """A function to be called over HTTP under another name, route or with other methods."""
    listed: Optional[List[str]] = None if methods is None else [m.upper() for m in methods]
    return _decorate(function, name=name, route=route, methods=listed)


def batch(function: Optional[F] = None, *, max: int = 32, wait_ms: float = 0.0) -> Any:
    """Calls of several clients are gathered: the function takes a list and gives a list.

    At most ``max`` calls are gathered; after the first, others are waited for ``wait_ms``.
    """
    if callable(function):
        return _mark(function, batch={"max": 32, "wait_ms": 0.0})
    if int(max) < 1 or float(wait_ms) < 0:
        raise ValueError("max is at least 1 and wait_ms at least 0")
    return _decorate(None, batch={"max": int(max), "wait_ms": float(wait_ms)})


def warmup(function: F) -> F:
    """Called once in each new worker before it gets its first call; takes no argument."""
    return _mark(function, warmup=True, hidden=True)


def hidden(function: F) -> F:
    """Not listed and not callable from outside."""
    return _mark(function, hidden=True)


class File:
    """Bytes with their content type, as a function's result."""

    __slots__ = ("content_type", "data")

    def __init__(
        self,
        data: Union[bytes, bytearray, memoryview],
        content_type: str = "application/octet-stream",
    ) -> None:
        self.data = data
        self.content_type = content_type


_cancelled: Callable[[], bool] = lambda: False


def cancelled() -> bool:
    """Whether nobody waits for the running call any longer; long loops may ask and stop."""
    return _cancelled()
