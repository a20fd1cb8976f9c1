"""The main module of processes that a plug-in starts through `multiprocessing` by spawn or forkserver.

Such a process imports it under the name `__mp_main__` before it unpickles what it runs."""

import importlib.util
import os
import sys
from typing import Any


class _Finder:
    """Finds the author's file under the name that its worker gave to its module."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if name != os.environ.get("RESIGHT_PLUGIN_MODULE"):
            return None
        file = os.environ.get("RESIGHT_PLUGIN_FILE", "")
        return importlib.util.spec_from_file_location(name, file)


if __name__ == "__mp_main__":
    # Before the finders that know the names of the standard library.
    sys.meta_path.insert(0, _Finder)
