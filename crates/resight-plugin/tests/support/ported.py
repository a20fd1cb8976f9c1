"""Functions as people write them for FastAPI, each of which tells what it got."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import decimal
import enum
import multiprocessing
import os
import pathlib
import subprocess
import sys
import uuid
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, Optional, Sequence, Set, Tuple, Union

import resight


class Colour(enum.Enum):
    red = "red"
    blue = "blue"


class Level(int, enum.Enum):
    low = 1
    high = 2


@dataclasses.dataclass
class Box:
    left: int
    name: Optional[str] = None


class Point(NamedTuple):
    x: int
    y: float


class Model:
    """As pydantic's."""

    def __init__(self, at):
        self.at = at

    def model_dump(self, **options):
        return {"at": self.at}


class Older:
    def dict(self):
        return {"old": pathlib.Path("/a")}


def told(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        inner = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [type(value).__name__, [told(each) for each in inner]]
    return [type(value).__name__, value if isinstance(value, (int, float, str)) else str(value)]


# What comes in.


def text(value: str): return told(value)
def maybe_text(value: Optional[str] = None): return told(value)
def bare(value): return told(value)
def whole(value: int): return told(value)
def maybe_whole(value: int | None = None): return told(value)
def real(value: float = 0.5): return told(value)
def flag(value: bool = False): return told(value)
def maybe_flag(value: bool | None = None): return told(value)
def annotated(value: Annotated[int, "a note"]): return told(value)
def either(value: Union[int, str]): return told(value)
def literal(value: Literal["a", "b", 3]): return told(value)
def decimals(value: decimal.Decimal): return told(value)
def moment(value: datetime.datetime): return told(value)
def day(value: datetime.date): return told(value)
def clock(value: datetime.time): return told(value)
def unique(value: uuid.UUID): return told(value)
def path(value: pathlib.Path): return [isinstance(value, pathlib.Path), str(value)]
def colour(value: Colour): return told(value)
def level(value: Level = Level.low): return value
def texts(value: list[str]): return told(value)
def old_texts(value: List[str] = []): return told(value)
def wholes(value: Optional[List[int]] = None): return told(value)
def sequence(value: Sequence[float] = ()): return told(value)
def unordered(value: Set[str] = frozenset()): return told(value)
def pair(value: Tuple[int, str]): return told(value)
def several(value: Tuple[int, ...] = ()): return told(value)
def mapping(value: Dict[str, int]): return value
def box(value: Box): return [type(value).__name__, value]
def point(value: Optional[Point] = None): return told(value)
def later(value: NotImported): return told(value)  # noqa: F821
def keywords(**others: str): return others
def positional(first, /, second: int, *, third: bool = False): return [first, second, third]


def size(data: bytes): return [type(data).__name__, len(data)]
def sizes(data: list[bytes]): return [len(each) for each in data]
def maybe_size(data: Optional[bytes] = None): return None if data is None else len(data)
def file_and_text(image: bytes, name: str = "?", count: int = 1): return [len(image), name, count]
def shape(image): return list(getattr(image, "shape", [type(image).__name__, len(image)]))
def shapes(images: list): return [list(image.shape) for image in images]


class HTTPException(Exception):
    """As FastAPI's."""

    __module__ = "fastapi.exceptions"

    def __init__(self, status_code, detail=None, headers=None):
        self.status_code, self.detail, self.headers = status_code, detail, headers


def answers(status: int, detail: Any = "no", wait: Optional[str] = None, ours: bool = False):
    kind = resight.HTTPException if ours else HTTPException
    raise kind(status_code=status, detail=detail, headers={"Retry-After": wait} if wait else None)


def answers_at_length():
    raise HTTPException(413, {"rows": ["x" * 100] * 1000})


@resight.batch(max=4, wait_ms=20)
def batched(values: List[str]):
    if "bad" in values:
        raise HTTPException(422, "bad is not taken")
    return values


# What goes out.


def dates(): return [datetime.datetime(2024, 1, 2, 3), datetime.date(2024, 1, 2), datetime.time(3, 4), datetime.timedelta(minutes=1)]
def things(): return [uuid.UUID(int=1), pathlib.Path("/a/b"), decimal.Decimal("1.5"), Colour.red, Level.high]
def objects(): return [Box(1, "x"), Point(1, 2.5), Model(datetime.date(2024, 1, 2)), Older()]
def sets(): return {"set": {2, 1}, "frozen": frozenset("a"), "generated": (n for n in [Colour.blue])}
def keys(): return {1: "a", Colour.red: "b", datetime.date(2024, 1, 2): "c", None: "d"}
def not_a_number(): return {"a": [float("nan"), float("inf"), 1.5]}
def exact(): return {"z": 12345678901234567890123, "a": 0.1 + 0.2}
def unsayable(): return {"a": object()}


def scalars():
    import numpy
    return {numpy.int64(1): numpy.float32(0.5), "b": numpy.bool_(True), numpy.str_("c"): numpy.array([1.0, numpy.nan])}


# Processes.


def square(x):
    return x * x


def spoken(x):
    print("from a child", x)
    return resight.__version__


def pooled(method: str = "spawn"):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(square, range(4))


def executed(method: str = "spawn"):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        return sorted(set(pool.map(spoken, range(3))))


def imported():
    code = "import resight; print(resight.__version__)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()


def says(words: str = "hello"):
    print(words)
    print("and", words, file=sys.stderr)
    return os.getpid()
