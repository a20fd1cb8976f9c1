"""Loads the author's file and describes its functions."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import inspect
import linecache
import os
import sys
import traceback
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import MARK, _annotations
from ._answered import refuse_passed
from ._bind import Signature
from ._depends import needed, refuse_guards, resolved

_OURS = os.path.join("<resight>", "")
_TRACEBACK = 16 * 1024


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles the bytes that the server read, so that all workers of a generation run the same
    code. Reads no cache, which would miss an edit within the clock's step, and writes none."""

    source = b""

    def get_code(self, fullname: str) -> Any:
        return compile(self.source, self.path, "exec", dont_inherit=True)


def module_name(path: str) -> str:
    """The name of the module that a file becomes: its own where that is free."""
    name = os.path.splitext(os.path.basename(path))[0]
    if name in sys.modules or name in sys.builtin_module_names or not name.isidentifier():
        name = "resight_plugin_" + "".join(c if c.isalnum() else "_" for c in name)
    return name


def load(path: str, source: bytes) -> Any:
    """Returns the module. Raises what its top level raises."""
    name = module_name(path)
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    loader = _Source(name, path)
    loader.source = source
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # So that tracebacks show the lines that run, not those of a later edit.
    lines = source.decode("utf-8", "replace").splitlines(True)
    linecache.cache[path] = (len(source), None, lines, path)
    loader.exec_module(module)
    return module


class Function:
    """A function of the file, with the options of its decorators."""

    def __init__(self, name: str, call: Callable[..., Any], marked: Dict[str, Any]) -> None:
        self.name = str(marked.get("name") or name)
        self.call = call
        self.role = marked.get("role") or (name if name in ("extract", "embed") else "function")
        self.batch: Optional[Dict[str, Any]] = marked.get("batch")
        if self.role == "embed" and self.batch is None:
            self.batch = {"max": 32, "wait_ms": 0.0}
        if self.role == "extract":
            self.batch = None
        if self.batch is None:
            self.call = resolved(call)
        self.hidden = bool(marked.get("hidden"))
        self.warmup = bool(marked.get("warmup"))
        self.marked = marked
        #: None for a function in C that does not say what it takes.
        self.signature: Optional[Signature] = None
        self.shown = "(...)"
        try:
            self.signature = Signature(self.name, self.call, self.batch is not None)
            self.shown = str(self.signature)
        except (TypeError, ValueError):
            pass

    def describe(self) -> Dict[str, Any]:
        parameters = self.signature.describe() if self.signature else []
        code = getattr(inspect.unwrap(self.call), "__code__", None)
        return {
            "name": self.name,
            "role": self.role,
            "signature": self.shown[:500],
            "doc": (inspect.getdoc(self.call) or "")[:2000],
            "line": getattr(code, "co_firstlineno", 0),
            "parameters": parameters,
            "batch": self.batch,
            "route": self.marked.get("route"),
            "methods": self.marked.get("methods"),
            "model": self.marked.get("model"),
            "version": self.marked.get("version"),
            "kind": self.marked.get("kind"),
            "dimension": self.marked.get("dimension"),
        }


def functions(module: Any) -> Dict[str, Function]:
    """The public functions that the file itself defines, and all that it decorates."""
    refuse_guards(module)
    found: Dict[str, Function] = {}
    plain: Dict[str, Any] = {}
    for name, value in list(vars(module).items()):
        if not callable(value) or inspect.isclass(value):
            continue
        marked = getattr(value, MARK, None)
        if not isinstance(marked, dict):
            marked = {}
        own = getattr(value, "__module__", None) == module.__name__
        if not marked and (not own or name.startswith("_")):
            continue
        function = Function(name, value, marked)
        if not function.hidden:
            refuse_passed(function.name, _asked(value, function.call))
        if function.name in found:
            raise ValueError(f"two functions are named {function.name!r}")
        found[function.name] = function
        if not marked:
            plain[function.name] = value
    # Dependencies are parts of functions, and are called by themselves only where a decorator says so.
    parts = [part for function in found.values() for part in needed(function.call)]
    for name, value in plain.items():
        if any(value is part for part in parts):
            del found[name]
    return found


def _asked(call: Callable[..., Any], resolved_call: Callable[..., Any]) -> List[Tuple[str, Any]]:
    """The parameters of a function and of those that it depends on, with their annotations."""
    asked = []
    for each in [call, *needed(resolved_call)]:
        try:
            parameters = _annotations.signature(each).parameters.values()
        except (TypeError, ValueError):  # a function in C that does not say what it takes
            continue
        space = _annotations.space(each)
        given = [p for p in parameters if p.annotation is not p.empty]
        asked += [(p.name, _annotations.evaluated(p.annotation, space)) for p in given]
    return asked


def trimmed(error: BaseException, path: str) -> Dict[str, Any]:
    """Describes an exception: its type, message, traceback from the author's first frame on, and the
    last line in the author's file."""
    report = traceback.TracebackException.from_exception(error)
    frames = list(report.stack)
    first = next((i for i, f in enumerate(frames) if f.filename == path), None)
    if first is None:
        first = next((i for i, f in enumerate(frames) if not _ours(f.filename)), len(frames))
    kept = [f for f in frames[first:] if not _ours(f.filename)]
    own = [f for f in kept if f.filename == path]
    report.stack = traceback.StackSummary.from_list(kept)
    text = "".join(report.format())
    if len(text) > _TRACEBACK:
        text = text[: _TRACEBACK // 2] + "\n  ...\n" + text[-_TRACEBACK // 2 :]
    line = own[-1].lineno if own else None
    if line is None and isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno
    try:
        message = str(error)
    except Exception:  # an exception whose own __str__ raises
        message = "(its message cannot be shown)"
    return {
        "type": type(error).__qualname__,
        "message": message[:4000],
        "traceback": text,
        "line": line,
    }


def _ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen importlib"))
