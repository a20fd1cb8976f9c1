"""Inside the server's own process (`--features embed`): threads of the server call this."""

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
    """Raised in a function that has run longer than it may."""


def prepare(folders: List[str]) -> None:
    """Once in a process: where packages are, and where what a plug-in prints goes."""
    import site

    for folder in folders:
        site.addsitedir(folder)
    if not sys.argv:
        sys.argv = [""]
    sys.stdout = sys.stderr  # the server's own output is for its users
    resight._cancelled = lambda: getattr(_thread, "cancelled", bool)()


class Embedded:
    """One version of an author's file."""

    def __init__(self, path: str) -> None:
        self.plugin = Plugin(path)

    def load(self, source: bytes) -> Tuple[bool, str]:
        """Whether it loaded, and the handshake that a worker would send."""
        try:
            return True, json.dumps(self.plugin.load(source))
        except BaseException as error:
            return False, json.dumps(self.plugin.told(error))

    def answer(
        self, text: str, parts: List[Any], cancelled: Callable[[], bool]
    ) -> Tuple[int, str, List[memoryview]]:
        meta: Dict[str, Any] = json.loads(text)
        _thread.cancelled = cancelled
        kind, reply, data = self.plugin.answer(meta, parts.__getitem__)
        reply["slot"] = reply["kept"] = False
        return kind, json.dumps(reply), data


def stop(thread: int) -> None:
    """Asks Python code on another thread to end. Code in C does not hear it."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))
