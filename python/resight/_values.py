"""Converts a call's parts to Python values, and what the function returned to parts."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from . import File, _arrays
from ._arrays import BadResult, describe, rows
from ._json import encoded

_LOCAL = (
    '{"keypoints": (N, 4) x, y, scale, angle (radians), "descriptors": (N, D) float32 or uint8}'
)


def picture(data: Any, width: int, height: int) -> Any:
    """A read-only (H, W, 3) uint8 picture: an array with numpy, otherwise a memoryview."""
    if _arrays.np is not None:
        return _arrays.np.frombuffer(data, _arrays.np.uint8).reshape(height, width, 3)
    return memoryview(data).cast("B", (height, width, 3))


class Result:
    """Descriptions of results, and the parts with their bytes."""

    def __init__(self) -> None:
        self.items: List[Dict[str, Any]] = []
        self.parts: List[memoryview] = []

    def _part(self, data: Any) -> int:
        view = memoryview(data)
        if view.ndim != 1 or view.format != "B":
            view = memoryview(view.tobytes()) if not view.c_contiguous else view.cast("B")
        self.parts.append(view)
        return len(self.parts) - 1

    def value(self, name: str, value: Any) -> None:
        """Adds the result of any function: bytes, a picture, or a JSON value."""
        kind: Optional[str] = None
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], (bytes, bytearray)):
            if isinstance(value[1], str) and "/" in value[1]:
                value = File(value[0], value[1])
        if isinstance(value, (bytes, bytearray, memoryview)):
            value = File(value)
        if type(value).__module__.split(".")[0] in ("starlette", "fastapi"):
            value = _response(value)
        if isinstance(value, File):
            kind = str(value.content_type)
            try:
                part = self._part(value.data)
            except TypeError:
                found = describe(value.data)
                raise BadResult(f"{name} returned a File with {found}; expected bytes") from None
            self.items.append({"t": "bytes", "p": part, "c": kind})
            return
        pixels = _picture_result(value)
        if pixels is not None:
            width, height, data = pixels
            self.items.append({"t": "picture", "p": self._part(data), "w": width, "h": height})
            return
        self.items.append({"t": "json", "p": self._part(_json(name, value))})

    def local(self, name: str, value: Any) -> None:
        """Adds the keypoints and descriptors of one picture."""
        keypoints, descriptors = _pair(name, value)
        table = _cv_keypoints(keypoints)
        wanted = "(N, 4): x, y, scale, angle in radians; a fifth column may be the response"
        points = rows(keypoints if table is None else table, f"{name}'s keypoints", wanted, False)
        if points.count and points.width not in (4, 5):
            found = describe(keypoints)
            raise BadResult(f"{name} returned keypoints that are {found}; expected {wanted}")
        count = points.count
        expected = f"(N, D) float32 or uint8 with N = {count}"
        if descriptors is None and count == 0:
            descriptors = []  # which OpenCV returns for a picture without structure
        table = rows(descriptors, f"{name}'s descriptors", expected, True)
        if table.count != count or (count and not table.width):
            found = describe(descriptors)
            raise BadResult(f"{name} returned descriptors that are {found}; expected {expected}")
        self.items.append(
            {
                "t": "local",
                "n": count,
                "w": points.width,
                "d": table.width,
                "y": table.dtype,
                "p": self._part(points.data),
                "q": self._part(table.data),
            }
        )

    def vectors(self, name: str, value: Any, count: int) -> None:
        """Adds one vector for each of `count` pictures."""
        expected = f"(B, D) float32 with B = {count}"
        table = rows(value, f"{name}'s result", expected, False)
        if table.count != count or not table.width:
            raise BadResult(f"{name} returned {describe(value)}; expected {expected}")
        size = len(table.data) // count if count else 0
        for i in range(count):
            part = self._part(table.data[i * size : (i + 1) * size])
            self.items.append({"t": "vector", "p": part, "d": table.width})


def _pair(name: str, value: Any) -> Tuple[Any, Any]:
    if isinstance(value, dict):
        missing = [key for key in ("keypoints", "descriptors") if key not in value]
        if missing:
            has = ", ".join(map(repr, list(value)[:8])) or "nothing"
            raise BadResult(f"{name} returned a dict with {has}; expected {_LOCAL}")
        return value["keypoints"], value["descriptors"]
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise BadResult(f"{name} returned {describe(value)}; expected {_LOCAL}")


def _cv_keypoints(value: Any) -> Optional[List[List[float]]]:
    """Rows for OpenCV's KeyPoint objects: their size is a diameter, their angle in degrees."""
    if not isinstance(value, (list, tuple)) or not value or not hasattr(value[0], "pt"):
        return None
    degree = 0.017453292519943295
    return [[*k.pt, k.size / 2, max(k.angle, 0.0) * degree, k.response] for k in value]


def _picture_result(value: Any) -> Optional[Tuple[int, int, Any]]:
    np = _arrays.np
    if np is not None and isinstance(value, np.ndarray):
        if value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3 and value.size:
            return int(value.shape[1]), int(value.shape[0]), np.ascontiguousarray(value)
        return None
    if type(value).__module__.startswith("PIL.") and hasattr(value, "convert"):
        rgb = value.convert("RGB")
        return rgb.width, rgb.height, rgb.tobytes()
    return None


def _response(value: Any) -> Any:
    """What a `Response` of Starlette or FastAPI has as its body."""
    body, kind = getattr(value, "body", None), getattr(value, "media_type", None)
    if not isinstance(body, (bytes, memoryview)):
        return value
    return File(body, kind or "application/octet-stream")


def _json(name: str, value: Any) -> bytes:
    try:
        return encoded(value)
    except (TypeError, ValueError, RecursionError, UnicodeError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadResult(
            f"{name} returned {describe(value)} that JSON cannot express ({reason}); expected "
            "numbers, strings, lists, dicts, dates, dataclasses and the like, bytes alone, or a "
            "picture as a (H, W, 3) uint8 array"
        ) from None
