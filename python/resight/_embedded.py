"""The author's file in the server's own process (`--features embed`), called by its threads."""

from __future__ import annotations

import ctypes
import json
import sys
import threading
from typing import Any, Callable, Dict, List, Tuple

import resight

from ._calls import Plugin

_thread = threading.local()


class Stopped(Exception):
    """Raised in a function that ran past its time limit."""


def prepare(folders: List[str]) -> None:
    """Prepares the process: adds the packages in `folders` and redirects what plug-ins print."""
    import site

    for folder in folders:
        site.addsitedir(folder)
    if not sys.argv:
        sys.argv = [""]
    sys.stdout = sys.stderr  # the server's stdout is not for plug-ins
    resight._cancelled = lambda: getattr(_thread, "cancelled", bool)()


class Embedded:
    """A loaded version of an author's file."""

    def __init__(self, path: str) -> None:
        self.plugin = Plugin(path)

    def load(self, source: bytes) -> Tuple[bool, str]:
        """Returns whether it loaded, and the handshake or the exception, as a worker sends them."""
        try:
            return True, json.dumps(self.plugin.load(source))
        except BaseException as error:
            return False, json.dumps(self.plugin.describe(error))

    def answer(
        self, text: str, parts: List[Any], cancelled: Callable[[], bool]
    ) -> Tuple[int, str, List[memoryview]]:
        meta: Dict[str, Any] = json.loads(text)
        _thread.cancelled = cancelled
        kind, reply, data = self.plugin.answer(meta, parts.__getitem__)
        reply["slot"] = reply["kept"] = False
        return kind, json.dumps(reply), data


def stop(thread: int) -> None:
    """Raises `Stopped` in Python code on another thread. Does not reach code in C."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))
