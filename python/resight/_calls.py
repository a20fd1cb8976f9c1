"""Loads and calls the author's functions and describes what they return, for a worker process and
for the server's own process alike."""

from __future__ import annotations

import asyncio
import inspect
import platform
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Tuple

from . import _arrays, _wire
from ._answered import answered
from ._arrays import BadResult
from ._bind import BadArgument, arguments
from ._load import Function, functions, load, trimmed
from ._values import Result

#: A reply: the kind of its frame, its description, and its parts.
Answer = Tuple[int, Dict[str, Any], List[memoryview]]


class Plugin:
    def __init__(self, path: str) -> None:
        self.path = path
        self.functions: Dict[str, Function] = {}
        self._thread = threading.local()  # its event loop

    def load(self, source: bytes) -> Dict[str, Any]:
        """Loads the file and warms it up. Returns the handshake; raises what the file raises."""
        begun = time.perf_counter()
        module = load(self.path, source)
        numpy = _arrays.use_numpy()
        self.functions = functions(module)
        for function in self.functions.values():
            if function.warmup:
                self._call(function, [], {})
        gil = getattr(sys, "_is_gil_enabled", None)
        version = getattr(module, "__version__", None)
        return {
            "protocol": _wire.PROTOCOL,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable or "",
            "gil": True if gil is None else bool(gil()),
            "numpy": numpy,
            "version": version if isinstance(version, str) else None,
            "doc": (inspect.getdoc(module) or "")[:2000] if module.__doc__ else "",
            "load_ms": (time.perf_counter() - begun) * 1e3,
            "functions": [f.describe() for f in self.functions.values() if not f.hidden],
        }

    def answer(self, meta: Dict[str, Any], part: Callable[[int], Any]) -> Answer:
        """Makes the call that `meta` describes. `part(i)` returns the bytes of its part `i`."""
        begun = time.perf_counter()
        result = Result()
        try:
            self._run(meta, part, result)
            kind = _wire.RESULT
            reply: Dict[str, Any] = {"r": result.items, "p": [len(p) for p in result.parts]}
        except BadResult as bad:
            kind, reply, result.parts = _wire.BAD_RESULT, {"message": str(bad)}, []
        except BadArgument as bad:
            kind, reply, result.parts = _wire.BAD_ARGUMENT, {"message": str(bad)}, []
        except BaseException as error:  # sys.exit and KeyboardInterrupt as well
            kind, reply, result.parts = self._failed(error)
            error.__traceback__ = None
        reply["us"] = int((time.perf_counter() - begun) * 1e6)
        return kind, reply, result.parts

    def _failed(self, error: BaseException) -> Answer:
        try:
            answer = answered(error)
        except BadResult as bad:
            return _wire.BAD_RESULT, {"message": str(bad)}, []
        except BaseException as second:  # such as a detail whose own method raises
            return _wire.RAISED, self.describe(second), []
        if answer is None:
            return _wire.RAISED, self.describe(error), []
        described, detail = answer
        return _wire.ANSWERED, {**described, "p": [len(detail)]}, [memoryview(detail)]

    def describe(self, error: BaseException) -> Dict[str, Any]:
        """The description of an exception."""
        try:
            return trimmed(error, self.path)
        except BaseException as second:  # such as no memory left
            shown = f"its traceback cannot be shown ({type(second).__name__})"
            return {"type": type(error).__name__, "message": shown, "traceback": "", "line": None}

    def _run(self, meta: Dict[str, Any], part: Callable[[int], Any], result: Result) -> None:
        function = self.functions[meta["f"]]
        items = meta["i"]
        if function.batch is None:
            positional, keywords = arguments(function.signature, items[0], part)
            value = self._call(function, positional, keywords)
            if function.role == "extract":
                result.local(function.name, value)
            else:
                result.value(function.name, value)
            return
        gathered = []
        for item in items:
            positional, keywords = arguments(function.signature, item, part)
            single = positional + list(keywords.values())
            if len(single) != 1:
                raise BadArgument(f"{function.name} takes exactly one argument a call, as it is batched")
            gathered.append(single[0])
        value = self._call(function, [gathered], {})
        if function.role == "embed":
            result.vectors(function.name, value, len(items))
            return
        try:
            values = list(value)
        except TypeError:
            values = []
        if len(values) != len(items) or isinstance(value, (str, bytes, dict)):
            raise BadResult(
                f"{function.name} returned {_arrays.describe(value)} for a batch of {len(items)}; "
                f"expected a list of {len(items)}"
            )
        for single_value in values:
            result.value(function.name, single_value)

    def _call(self, function: Function, positional: List[Any], keywords: Dict[str, Any]) -> Any:
        value = function.call(*positional, **keywords)
        if inspect.iscoroutine(value):
            loop = getattr(self._thread, "loop", None)
            if loop is None:
                loop = self._thread.loop = asyncio.new_event_loop()
            value = loop.run_until_complete(value)
        return value
