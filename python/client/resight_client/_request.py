"""A request before it is sent, and what its answer means: the part that knows nothing of sockets."""

import contextlib
import os
import pathlib
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Dict, List, Optional, Protocol, Sequence, Tuple, Type, TypeVar, Union

import httpx

from resight_client._decoding import decode, encode
from resight_client.errors import ApiError, ConnectionFailed, UnexpectedAnswer, of_answer
from resight_client.retries import seconds_of

#: A picture: a path (text too), its bytes, or an open file. An open file is read at once.
Source = Union[str, "os.PathLike[str]", bytes, BinaryIO]
Pairs = List[Tuple[str, str]]
T = TypeVar("T")

OCTETS = "application/octet-stream"


class Page(Protocol):
    """A page that names the one behind it."""

    @property
    def next(self) -> Union[str, int, None]: ...


class OffsetPage(Protocol):
    """A page of a list that is read by numbers."""

    @property
    def total(self) -> int: ...


def segment(text: object) -> str:
    """A part of a path."""
    return urllib.parse.quote(str(text), safe="")


@dataclass(frozen=True)
class Part:
    """A file of a form. A path is opened when the form is sent, and not read whole."""

    name: str
    source: Union[str, "os.PathLike[str]", bytes]
    field: str = "file"
    media_type: str = OCTETS

    @staticmethod
    def of(source: Source, name: Optional[str] = None, field: str = "file") -> "Part":
        """A part with the name that the file has, unless another is given."""
        if isinstance(source, (str, os.PathLike)):
            return Part(name or pathlib.Path(source).name, source, field)
        if isinstance(source, (bytes, bytearray, memoryview)):
            return Part(name or "picture", bytes(source), field)
        own = getattr(source, "name", None)
        return Part(name or (pathlib.Path(own).name if isinstance(own, str) else "picture"), source.read(), field)

    def opened(self, stack: contextlib.ExitStack) -> Tuple[str, Tuple[str, Union[bytes, BinaryIO], str]]:
        if isinstance(self.source, bytes):
            return self.field, (self.name, self.source, self.media_type)
        return self.field, (self.name, stack.enter_context(pathlib.Path(self.source).open("rb")), self.media_type)


@dataclass(frozen=True)
class Request:
    """What is sent. `harmless` says that sending it twice does what sending it once does."""

    method: str
    path: str
    params: Pairs = field(default_factory=list)
    json: Any = None
    fields: Dict[str, List[str]] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    headers: Dict[str, str] = field(default_factory=dict)
    harmless: bool = True
    #: Seconds without a byte, where they are not the client's.
    timeout: Optional[float] = None

    def arguments(self, stack: contextlib.ExitStack) -> Dict[str, Any]:
        """Those of httpx's `build_request`. Files stay open as long as `stack` is."""
        found: Dict[str, Any] = {"method": self.method, "url": self.path, "headers": self.headers}
        if self.timeout is not None:
            found["timeout"] = httpx.Timeout(self.timeout, connect=10.0)
        if self.params:
            found["params"] = self.params
        if self.parts:
            found["data"] = self.fields
            found["files"] = [part.opened(stack) for part in self.parts]
        elif self.json is not None:
            found["json"] = encode(self.json)
        return found


def failure_of(response: httpx.Response) -> ApiError:
    """The exception for an answer that tells a failure, whose body was read."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return of_answer(response.status_code, body, seconds_of(response.headers.get("retry-after")))


def broken(error: httpx.TransportError) -> ConnectionFailed:
    """The exception for a connection that failed."""
    failure = ConnectionFailed(f"{type(error).__name__}: {error}".rstrip(": "))
    failure.unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    return failure


def json_of(response: httpx.Response) -> Any:
    """The JSON of an answer whose body was read."""
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise UnexpectedAnswer(f"{response.request.url} answered {kind} in place of JSON") from error


def read_as(model: Type[T], response: httpx.Response) -> T:
    """The model of an answer whose body was read."""
    return decode(model, json_of(response))
