"""Lets processes that a plug-in starts import this package, and the author's file."""

from __future__ import annotations

import atexit
import importlib.machinery
import io
import os
import shutil
import sys
import tempfile
import zipfile
from typing import Any, List, Tuple

#: The module whose `_child` such processes run first.
_CHILD = "resight._child"


def _archive(modules: List[Tuple[str, str]]) -> bytes:
    """The package as a file that Python imports from. Nothing is compressed, as zlib may be missing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in modules:
            path = name.replace(".", "/") + ("" if "." in name else "/__init__") + ".py"
            # A date that does not change, which is the earliest of the format.
            archive.writestr(zipfile.ZipInfo(path), text)
    return file.getvalue()


def _stored(data: bytes) -> str:
    """Where other processes of this user can read `data`, as long as this process lives: in memory
    that has no name, or else in a temporary folder."""
    if hasattr(os, "memfd_create"):
        try:
            fd = os.memfd_create("resight", os.MFD_CLOEXEC)
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
            path = f"/proc/{os.getpid()}/fd/{fd}"
            with open(path, "rb") as file:
                if file.read() == data:
                    return path
        except OSError:
            pass
    folder = tempfile.mkdtemp(prefix="resight-")
    atexit.register(shutil.rmtree, folder, True)
    path = os.path.join(folder, "resight.zip")
    with open(path, "wb") as file:
        file.write(data)
    return path


def share(modules: List[Tuple[str, str]], environment: bool = True) -> None:
    """Puts the package where Python looks for modules, in this process and in those that it starts
    through `multiprocessing`; with `environment` also in all others."""
    place = _stored(_archive(modules))
    sys.path.insert(0, place)
    if not environment:
        return
    paths = [place, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    # What they print must not wait in a buffer until they are killed.
    os.environ["PYTHONUNBUFFERED"] = "1"


def announce(main: Any, module: str, file: str) -> None:
    """Tells processes that are started under which name they find the author's file."""
    os.environ["RESIGHT_PLUGIN_MODULE"], os.environ["RESIGHT_PLUGIN_FILE"] = module, file
    main.__spec__ = importlib.machinery.ModuleSpec(_CHILD, None)
