"""The author's file in the server's own process (`--features embed`), called by its threads."""

from __future__ import annotations

import ctypes
import io
import json
import os
import sys
import threading
from typing import Any, Callable, Dict, List, Tuple

import resight

from . import _processes
from ._calls import Plugin

_thread = threading.local()

#: Most characters of a line that go to the log.
_LINE = 4096


class Stopped(Exception):
    """Raised in a function that ran past its time limit."""


class _Log(io.TextIOBase):
    """Sends what plug-ins print to the server's log, line by line, with who printed it."""

    def __init__(self, stream: str, log: Callable[[str, str, str, str], Any]) -> None:
        self._stream = stream
        self._log = log

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        lines = getattr(_thread, self._stream, "") + text
        *whole, rest = lines.split("\n")
        for line in whole:
            self._line(line)
        setattr(_thread, self._stream, rest[:_LINE])
        return len(text)

    def end(self) -> None:
        """Writes a line that has no end."""
        rest = getattr(_thread, self._stream, "")
        setattr(_thread, self._stream, "")
        self._line(rest)

    def _line(self, line: str) -> None:
        if len(line) > _LINE:
            line = f"{line[:_LINE]} … ({len(line) - _LINE} more characters)"
        if line:
            plugin, function = getattr(_thread, "caller", ("", ""))
            self._log(plugin, function, self._stream, line)


def prepare(
    folders: List[str],
    modules: List[Tuple[str, str]],
    executable: str,
    log: Callable[[str, str, str, str], Any],
) -> None:
    """Prepares the process: adds the packages in `folders` and redirects what plug-ins print."""
    import site

    for folder in folders:
        site.addsitedir(folder)
    # Other threads of the server may read its environment, so that it stays as it is.
    _processes.share(modules, environment=False)
    if executable:
        sys.executable = executable  # which `multiprocessing` starts
    if not sys.argv:
        sys.argv = [""]
    sys.stdout, sys.stderr = _Log("stdout", log), _Log("stderr", log)
    resight._cancelled = lambda: getattr(_thread, "cancelled", bool)()


class Embedded:
    """A loaded version of an author's file."""

    def __init__(self, path: str) -> None:
        self.plugin = Plugin(path)
        self.name = os.path.splitext(os.path.basename(path))[0]

    def load(self, source: bytes) -> Tuple[bool, str]:
        """Returns whether it loaded, and the handshake or the exception, as a worker sends them."""
        _thread.caller = (self.name, "")
        try:
            return True, json.dumps(self.plugin.load(source))
        except BaseException as error:
            return False, json.dumps(self.plugin.describe(error))
        finally:
            _flush()

    def answer(
        self, text: str, parts: List[Any], cancelled: Callable[[], bool]
    ) -> Tuple[int, str, List[memoryview]]:
        meta: Dict[str, Any] = json.loads(text)
        _thread.cancelled = cancelled
        _thread.caller = (self.name, meta["f"])
        kind, reply, data = self.plugin.answer(meta, parts.__getitem__)
        _flush()
        reply["slot"] = reply["kept"] = False
        return kind, json.dumps(reply), data


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Log):
            stream.end()


def stop(thread: int) -> None:
    """Raises `Stopped` in Python code on another thread. Does not reach code in C."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))
